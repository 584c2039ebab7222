"""The content of a checkpoint, and the checks before it is used."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import numpy as np

from lamb_rs import _core
from lamb_rs._checkpoint.atomic_write import replacing
from lamb_rs._errors import (
    CheckpointError,
    ConfigurationWarning,
    HyperparameterError,
    StateMismatchError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader

    from numpy.typing import NDArray

    Array = NDArray[Any]


class Saved(Protocol):
    """An object whose state can be written to a checkpoint."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, d: dict[str, Any], strict: bool = True) -> None: ...
    def get_config(self) -> dict[str, Any]: ...
    @property
    def built(self) -> bool: ...


class Checkpoint(NamedTuple):
    """The content of a checkpoint.

    Attributes
    ----------
    class_name : str
        Class of the optimizer that was saved.
    config : dict
        Its `get_config`; ``{"not_saved": reason}`` where a plain function had no place in it.
    state : dict
        Its `state_dict`: arrays by name, and counters.
    release : str
        Release of lamb_rs that wrote the file.
    """

    class_name: str
    config: dict[str, Any]
    state: dict[str, Any]
    release: str


# The dtypes of a state as safetensors calls them; bfloat16 is raw uint16 in NumPy.
_NAMES = {"float64": "F64", "float32": "F32", "uint16": "BF16", "uint8": "U8"}
_DTYPES = {name: np.dtype(dtype) for dtype, name in _NAMES.items()}

_RELEASE, _DIGEST = "lamb_rs", "sha256"
_KEYS = (_RELEASE, "class", "config", "format_version", "numerics_version", _DIGEST, "values")
_OVERRIDES = "overrides"
_NO_DIGEST = "0" * 64
_LONGEST_HEADER = 100_000_000
_PIECE = 1 << 24


def write(optimizer: Saved, path: str | os.PathLike[str]) -> None:
    """Write the state of an optimizer to a file, completely or not at all."""
    state = optimizer.state_dict()
    arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    values = {name: value for name, value in state.items() if name not in arrays}
    info = _core.info()
    metadata = {
        _RELEASE: info["version"],
        "class": type(optimizer).__name__,
        "config": json.dumps(_config(optimizer)),
        "format_version": str(info["format_version"]),
        "numerics_version": str(info["numerics_version"]),
        _DIGEST: _NO_DIGEST,
        "values": json.dumps(values, default=_number),
    }
    tensors = list(arrays.items())
    rows = [(name, _dtype_name(name, array), array.shape) for name, array in tensors]
    header, order = _core.pack_header(rows, metadata)
    place = header.index(_field(_NO_DIGEST)) + _field(_NO_DIGEST).index(_NO_DIGEST.encode())
    with replacing(path) as file:
        digest = hashlib.sha256(header)
        file.write(header)
        for index in order:
            for piece in _pieces(_bytes(tensors[index][1])):
                digest.update(piece)
                file.write(piece)
        file.seek(place)
        file.write(digest.hexdigest().encode())


def load(
    optimizer: Saved, path: str | os.PathLike[str], config: Literal["warn", "error"] = "warn"
) -> None:
    """Check a whole file, then restore its state."""
    if config not in ("warn", "error"):
        raise HyperparameterError(f"config must be 'warn' or 'error'; got {config!r}")
    metadata, state = read(path)
    changes = list(_differences(optimizer, metadata))
    if changes and config == "error":
        summary = f"{os.fspath(path)}: it was saved with other arguments; nothing was changed:"
        raise StateMismatchError(summary, changes)
    try:
        optimizer.load_state_dict(state)
    except StateMismatchError as error:
        found = [*error.differences, *changes]
        raise StateMismatchError(f"{os.fspath(path)}: {error.summary}", found) from None
    if changes:
        lines = "".join(f"\n  - {one}" for one in changes)
        warnings.warn(
            f"{os.fspath(path)} was saved with other arguments; those of this optimizer hold. "
            f"lamb_rs.load(path) makes the optimizer of the file:{lines}",
            ConfigurationWarning,
            stacklevel=3,
        )


def read(path: str | os.PathLike[str]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the metadata and the state of a checkpoint, after checking all of it."""
    path = Path(path)
    if not stat.S_ISREG(path.stat().st_mode):
        raise CheckpointError(f"{path} is not a regular file")
    with path.open("rb") as file:
        try:
            return _read(file, os.fstat(file.fileno()).st_size)
        except ValueError as error:
            raise CheckpointError(f"{path}: {error}{_way_out(str(error))}") from None


def checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Return the content of a checkpoint; `lamb_rs.read_checkpoint` describes it."""
    metadata, state = read(path)
    try:
        config = json.loads(metadata["config"])
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{os.fspath(path)}: its configuration is not JSON: {error}"
        ) from None
    if not isinstance(config, dict):
        raise CheckpointError(f"{os.fspath(path)}: its configuration has no names")
    return Checkpoint(metadata["class"], config, state, metadata[_RELEASE])


def _read(file: BufferedReader, size: int) -> tuple[dict[str, str], dict[str, Any]]:
    # The size of the file is compared with the lengths in it before anything else is read.
    head = file.read(8)
    length = int.from_bytes(head, "little")
    if size < 8 or not 2 <= length <= min(size - 8, _LONGEST_HEADER):
        if not size:
            raise ValueError("is empty")
        raise ValueError(f"is cut off, or is not a safetensors file ({size} bytes)")
    header = file.read(length)
    metadata, rows = _core.unpack_header(header, size - 8 - length)
    _check_metadata(metadata)
    for name, dtype, *_ in rows:
        if dtype not in _DTYPES:
            raise ValueError(f"'{name}' has dtype {dtype}, which is not a dtype of a state")
    data = np.empty(size - 8 - length, np.uint8)
    given = metadata[_DIGEST]
    blank = header.replace(_field(given), _field(_NO_DIGEST), 1)
    digest = hashlib.sha256(head + blank)
    for piece in _pieces(data.data):
        if file.readinto(piece) != len(piece):
            raise ValueError("was cut off while it was read")
        digest.update(piece)
    if digest.hexdigest() != given:
        raise ValueError(
            f"is damaged: its content has the SHA-256 {digest.hexdigest()}, recorded is {given}"
        )
    state: dict[str, Any] = _values(metadata["values"])
    for name, dtype, shape, start, end in rows:
        if name in state:
            raise ValueError(f"'{name}' is there twice")
        state[name] = data[start:end].view(_DTYPES[dtype]).reshape(shape)
    return metadata, state


def _way_out(reason: str) -> str:
    """Say what to do about a file that is not as it was written."""
    lost = reason.startswith(("is cut off", "is damaged", "is empty", "was cut off"))
    return "; load an older checkpoint, or another copy of this one" if lost else ""


def _check_metadata(metadata: dict[str, str]) -> None:
    release = metadata.get(_RELEASE)
    if release is None:
        raise ValueError("is a safetensors file, but not a checkpoint of lamb_rs")
    ours = _core.info()["format_version"]
    version = metadata.get("format_version", "")
    if not (version.isascii() and version.isdigit() and len(version) < 10):
        raise ValueError(f"has no format version, but {version[:20]!r}")
    if int(version) > ours:
        raise ValueError(
            f"has format version {version}, written by lamb_rs {release[:20]}; lamb_rs "
            f"{_core.__version__} reads versions up to {ours}: install the release that wrote it"
        )
    missing = [key for key in _KEYS if key not in metadata]
    if missing:
        raise ValueError(f"has no {', '.join(missing)} in its metadata")


def _values(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except RecursionError:
        raise ValueError("its values are nested too deeply") from None
    if not isinstance(values, dict):
        raise ValueError("its values have no names")  # noqa: TRY004  # it is the file that is wrong
    return values


def _config(optimizer: Saved) -> dict[str, Any]:
    """Return the configuration, or why there is none."""
    try:
        return optimizer.get_config()
    except HyperparameterError as error:
        return {"not_saved": str(error)}


def _differences(optimizer: Saved, metadata: dict[str, str]) -> Iterator[str]:
    """Say how class and configuration in a file differ from those of an optimizer."""
    ours = type(optimizer).__name__
    if metadata["class"] != ours:
        yield f"it was saved by {metadata['class'][:40]}, this is {ours}"
    try:
        saved = json.loads(metadata["config"])
        config = json.loads(json.dumps(optimizer.get_config()))
    except (HyperparameterError, ValueError, RecursionError):
        return
    if isinstance(saved, dict):
        yield from _changes(saved, config, built=optimizer.built)


def _changes(
    saved: dict[str, Any], ours: dict[str, Any], path: str = "", *, built: bool
) -> Iterator[str]:
    """Yield the differences between arguments that both have, and between nested ones."""
    for name, value in ours.items():
        old = saved.get(name, value)
        if name in ("name", _OVERRIDES):
            continue
        if isinstance(old, dict) and isinstance(value, dict):
            below = path if name == "config" else f"{path}{name}/"
            yield from _changes(old, value, below, built=built)
        elif old != value:
            yield f"{path}{name} was {old!r:.80}, here it is {value!r:.80}"
    before, after = (one.get(_OVERRIDES) for one in (saved, ours))
    # Overrides come with `build`.
    if built and before != after:
        yield f"{path}{_OVERRIDES} was {before!r:.200}, here it is {after!r:.200}"


def _dtype_name(name: str, array: Array) -> str:
    found = _NAMES.get(array.dtype.name)
    if found is None:
        raise CheckpointError(f"'{name}' has dtype {array.dtype}, which a checkpoint cannot hold")
    return found


def _field(digest: str) -> bytes:
    """Return how the header spells the digest; no name or text can look like it."""
    return f'"{_DIGEST}":"{digest}"'.encode()


def _bytes(array: Array) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _pieces(buffer: memoryview) -> Iterator[memoryview]:
    """Cut a buffer, so that a signal need not wait for the whole of it."""
    for start in range(0, len(buffer), _PIECE):
        yield buffer[start : start + _PIECE]


def _number(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} is not a number")
