"""The table of peers, and finding one by its name."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from lamb_rs._errors import HyperparameterError, nearest

if TYPE_CHECKING:
    from lamb_rs._peers._peer import Peer

_FILES = (
    "torch",
    "keras",
    "optax",
    "optax_contrib",
    "timm",
    "pytorch_optimizer",
    "torch_optimizer",
    "others",
    "bitsandbytes",
    "gpu",
    "tfa",
    "published",
)
# Other names of packages.
_PACKAGES = {
    "addons": "tfa",
    "bnb": "bitsandbytes",
    "jettify": "torch_optimizer",
    "kozistr": "pytorch_optimizer",
    "schedule_free": "schedulefree",
    "tensorflow_addons": "tfa",
}


@cache
def table() -> dict[str, Peer]:
    """Return all peers by name, in order."""
    return {
        peer.name: peer for file in _FILES for peer in import_module(f"{__package__}.{file}").PEERS
    }


@cache
def _index() -> dict[tuple[str, str], Peer]:
    """Return all peers by package and class, re-exported classes included."""
    found = {}
    for name, peer in table().items():
        package, _, rest = name.partition(".")
        found[package, rest.rpartition(".")[2]] = peer
    for file in ("timm", "pytorch_optimizer"):
        for name in import_module(f"{__package__}.{file}").TORCH_CLASSES:
            found.setdefault((file, name), found["torch", name])
    for name, same in import_module(f"{__package__}.bitsandbytes").SAME.items():
        found.setdefault(("bitsandbytes", name), found["bitsandbytes", same])
    return found


def find(name: str) -> Peer:
    """Find a peer by its name.

    Parameters
    ----------
    name : str
        Package and class, with or without the modules between them.

    Raises
    ------
    HyperparameterError
        For a name that is not in the table. The message contains the most similar one.
    """
    if not isinstance(name, str):
        raise HyperparameterError(f"the name of a peer is a string, as 'torch.AdamW'; got {name!r}")
    package, _, rest = name.strip().partition(".")
    if package in {"tf", "tensorflow"} and rest.startswith("keras."):
        raise HyperparameterError(
            f"{name!r} may be Keras 2 or Keras 3, which differ; Keras 3 is 'keras.{_last(rest)}'"
        )
    key = (_PACKAGES.get(package, package), _last(rest))
    found = _index().get(key)
    if found is not None:
        return found
    if not rest:
        named = [known for known in table() if _last(known).lower() == package.lower()]
        if named:
            raise HyperparameterError(f"which {name!r} is meant? There is {', '.join(named)}")
    hint = nearest(f"{key[0]}.{key[1]}" if rest else name, _names())
    raise HyperparameterError(f"unknown peer {name!r}{hint}; lamb_rs.peers() lists all")


def _names() -> list[str]:
    return [f"{package}.{last}" for package, last in _index()]


def _last(name: str) -> str:
    return name.rpartition(".")[2]
