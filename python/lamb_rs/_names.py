"""Optimizers by name."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from lamb_rs import _core, optim, wrappers
from lamb_rs._errors import HyperparameterError
from lamb_rs._published import PUBLISHED

if TYPE_CHECKING:
    from lamb_rs._optimizer import Optimizer


def optimizers() -> dict[str, str]:
    """List every name that `get` knows.

    Returns
    -------
    dict
        Name to one line about it: the classes, the wrappers, then published names that are
        switches of a class.
    """
    lines = {one["class_name"]: one["summary"] for one in _core.algorithms()}
    for name in wrappers.__all__:
        lines[name] = f"wrapper: {getattr(wrappers, name)._summary}"
    for name, (class_name, switches, words) in PUBLISHED.items():
        call = ", ".join(f"{switch}={value!r}" for switch, value in switches.items())
        lines[name] = f"{words}: {class_name}({call})"
    return lines


def get(name: str, /, *positional: Any, **arguments: Any) -> Optimizer:
    """Make an optimizer by its name.

    Parameters
    ----------
    name : str
        Of a class, or a published name that is a switch of a class: ``get("amsgrad")`` is
        ``Adam(amsgrad=True)``. Case, hyphens, underscores and spaces do not matter.
    *positional, **arguments
        Of the constructor; they go before the switches that the name sets. Wrappers need the
        optimizer inside: ``get("lookahead", Adam())``; without one, "larc" is around `SGD`, which
        takes the arguments that are not Larc's.

    Returns
    -------
    Optimizer

    Raises
    ------
    HyperparameterError
        For an unknown name; the message says the nearest.
    TypeError
        For an unknown argument.
    """
    found = _find(name)
    if found == "Larc" and not positional and "inner" not in arguments:
        own = {
            one: arguments.pop(one)
            for one in (*wrappers.Larc._meanings, "name")
            if one in arguments
        }
        return wrappers.Larc(optim.SGD(**arguments), **own)
    class_name, switches, _ = PUBLISHED.get(found, (found, {}, ""))
    cls = getattr(optim, class_name, None) or getattr(wrappers, class_name)
    made: Optimizer = cls(*positional, **{**switches, **arguments})
    return made


@cache
def _spellings() -> dict[str, str]:
    return {_folded(name): name for name in optimizers()}


def _find(name: str) -> str:
    """Return a name as it is written in the list."""
    known = _spellings()
    spelled = _folded(str(name))
    found = known.get(spelled)
    if found is None:
        # Only needed to say what went wrong.
        import difflib  # noqa: PLC0415

        close = difflib.get_close_matches(spelled, known, n=3, cutoff=0.6)
        first, *others = [repr(known[one]) for one in close] or [""]
        hint = f"; did you mean {first}?" if first else ""
        hint += f" (or {', '.join(others)})" if others else ""
        raise HyperparameterError(
            f"unknown optimizer {name!r}{hint}; lamb_rs.optimizers() lists all"
        )
    return found


def _folded(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter not in "-_ ")
