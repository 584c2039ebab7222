"""Arrays that must be refused, as data, and what every byte of an optimizer is.

A row makes one bad array out of a good one. The suites put it in the place of a gradient or of a
parameter, at any position, and look at the exception and at what was left behind.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
from numpy.lib.stride_tricks import as_strided

from lamb_rs import DTypeError, LayoutError, ReadOnlyError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamb_rs import Optimizer

Array = np.ndarray
Tensors = dict[str, Array]


@dataclass(frozen=True)
class Bad:
    """One class of input that is refused.

    Attributes
    ----------
    id : str
        Unique.
    make : callable
        From a good two-dimensional float32 array to the bad one.
    error : type
        The exception, a subclass of `LambError`.
    builtin : type
        The built-in class that it is too.
    words : tuple of str
        What the message says in addition to the name of the tensor: expected and found values.
    remedy : str
        The remedy for a gradient; a parameter may have none.
    """

    id: str
    make: Callable[[Array], Any]
    error: type[Exception]
    builtin: type[Exception]
    words: tuple[str, ...]
    remedy: str = ""


F = np.float32
SHAPES = {"first": (5, 7), "middle": (6, 8), "last": (3, 4)}


def tensors(seed: int = 0) -> Tensors:
    """Three small matrices, as parameters or as gradients."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape).astype(F) for name, shape in SHAPES.items()}


class Plain(np.ndarray):
    """A subclass that adds nothing."""


class Foreign:
    """Not an array, although NumPy could make one of it."""

    def __init__(self, good: Array) -> None:
        self.good = good
        self.shape = good.shape
        self.dtype = good.dtype

    def __array__(self, *_: object, **__: object) -> Array:
        return self.good


def misaligned(good: Array, offset: int = 1) -> Array:
    """The same values at an address that is not a multiple of the element's size."""
    memory = np.zeros(good.nbytes + offset, np.uint8)
    copy = memory[offset:].view(good.dtype).reshape(good.shape)
    copy[...] = good
    return copy


def field(good: Array, dtype: Any) -> Array:
    """A field of an array of records."""
    records = np.zeros(good.shape, dtype)
    records["x"] = good
    return records["x"]


def spread(good: Array, step: int) -> Array:
    """Every other column of a wider array, from the left or from the right."""
    wide = np.zeros((good.shape[0], good.shape[1] * abs(step)), good.dtype)
    return wide[:, ::step]


def dtype(name: str, make: Callable[[Array], Any], found: str, remedy: str = "astype") -> Bad:
    return Bad(name, make, DTypeError, TypeError, ("float32", found), remedy)


def kind(name: str, make: Callable[[Array], Any], found: str) -> Bad:
    return Bad(name, make, DTypeError, TypeError, ("ndarray", found), "asarray")


def layout(name: str, make: Callable[[Array], Any]) -> Bad:
    return Bad(
        name, make, LayoutError, ValueError, ("C-contiguous", "strides"), "ascontiguousarray"
    )


ARRAYS = [
    dtype("float64", lambda g: g.astype(np.float64), "float64"),
    dtype("longdouble", lambda g: g.astype(np.longdouble), str(np.dtype(np.longdouble))),
    dtype("int64", lambda g: g.astype(np.int64), "int64"),
    dtype("int32", lambda g: g.view(np.int32), "int32"),
    dtype("uint16", lambda g: g.astype(np.uint16), "uint16", "bfloat16"),
    dtype("bool", lambda g: g > 0, "bool"),
    dtype("complex64", lambda g: g.astype(np.complex64), "complex64"),
    dtype("object", lambda g: g.astype(object), "object"),
    dtype("text", lambda g: np.full(g.shape, "x"), "<U1"),
    dtype("dates", lambda g: np.zeros(g.shape, "M8[s]"), "datetime64"),
    dtype("records", lambda g: np.zeros(g.shape, [("x", "f4")]), "'x'"),
    dtype("float8", lambda g: g.astype(ml_dtypes.float8_e4m3fn), "float8_e4m3fn"),
    Bad(
        "byte-swapped",
        lambda g: g.astype(g.dtype.newbyteorder("S")),
        DTypeError,
        TypeError,
        ("byte order", ">f4" if np.little_endian else "<f4"),
        "astype",
    ),
    Bad(
        "masked",
        lambda g: np.ma.masked_array(g, mask=g > 0),
        DTypeError,
        TypeError,
        ("ndarray", "MaskedArray"),
    ),
    kind("scalar", lambda g: g[0, 0], "numpy.float32"),
    kind("float", lambda _: 1.0, "float"),
    kind("text object", lambda _: "1.0", "str"),
    kind("memoryview", memoryview, "memoryview"),
    kind("array.array", lambda g: array("f", g.ravel().tolist()), "array.array"),
    kind("foreign", Foreign, "Foreign"),
    layout("Fortran", np.asfortranarray),
    layout("transposed", lambda g: np.ascontiguousarray(g.T).T),
    layout("strided", lambda g: spread(g, 2)),
    layout("negative stride", lambda g: g.copy()[::-1]),
    layout("negative columns", lambda g: spread(g, -2)),
    layout("zero stride", lambda g: np.lib.stride_tricks.as_strided(g.copy(), g.shape, (0, 4))),
    layout("one number", lambda g: as_strided(g.copy(), g.shape, (0, 0))),
    layout("sliding", lambda g: as_strided(g.copy(), g.shape, (4, 4))),
    layout("packed field", lambda g: field(g, [("a", "u1"), ("x", "f4")])),
    layout("aligned field", lambda g: field(g, [("a", "f4"), ("x", "f4")])),
    Bad(
        "misaligned",
        misaligned,
        LayoutError,
        ValueError,
        ("aligned", "4 bytes", "1 beyond"),
        "aligned",
    ),
    Bad(
        "misaligned by 2",
        lambda g: misaligned(g, 2),
        LayoutError,
        ValueError,
        ("aligned", "4 bytes", "2 beyond"),
        "aligned",
    ),
]
"""Refused as a parameter and as a gradient."""

READ_ONLY = Bad(
    "read-only",
    lambda p: np.frombuffer(p.tobytes(), np.float32).reshape(p.shape),
    ReadOnlyError,
    ValueError,
    ("read-only", "writeable"),
    "copy",
)

ONLY_PARAMETERS = [
    dtype("float16", lambda p: p.astype(np.float16), "float16"),
    dtype("bfloat16", lambda p: p.astype(ml_dtypes.bfloat16), "bfloat16"),
    READ_ONLY,
    kind("None", lambda _: None, "NoneType"),
]


def shape(name: str, make: Callable[[Array], Any]) -> Bad:
    return Bad(name, make, ShapeError, ValueError, (), "broadcasting")


ONLY_GRADIENTS = [
    kind("list", lambda g: g.tolist(), "list"),
    kind("dict", lambda g: {"0": g}, "dict"),
    Bad(
        "misaligned half",
        lambda g: misaligned(g.astype(np.float16)),
        LayoutError,
        ValueError,
        ("aligned", "2 bytes", "1 beyond"),
        "aligned",
    ),
    Bad(
        "byte-swapped half",
        lambda g: g.astype(np.dtype(np.float16).newbyteorder("S")),
        DTypeError,
        TypeError,
        ("byte order",),
        "astype",
    ),
    shape("same size", lambda g: np.ascontiguousarray(g.T)),
    shape("flat", lambda g: g.ravel().copy()),
    shape("one more axis", lambda g: g[None].copy()),
    shape("a row", lambda g: g[0].copy()),
    shape("one", lambda _: np.ones((1, 1), np.float32)),
    shape("0-d", lambda _: np.array(1, np.float32)),
    shape("longer", lambda g: np.concatenate([g, g])),
    shape("empty", lambda g: g[:0].copy()),
    shape("half of another shape", lambda g: g.ravel().astype(np.float16)),
]

GRADIENTS = ARRAYS + ONLY_GRADIENTS
PARAMETERS = ARRAYS + ONLY_PARAMETERS


def snapshot(opt: Optimizer, *tensors: Any) -> dict[str, Any]:
    """Every byte that a refused call must leave alone, by name.

    Parameters
    ----------
    opt : Optimizer
        Built.
    *tensors : mapping of str to array
        Parameters and gradients.
    """
    state = {key: _bytes(value) for key, value in opt.state_dict().items()}
    seen: dict[str, Any] = {f"state {key}": value for key, value in state.items()}
    for name in ("iterations", "calls", "skipped_steps", "last_skip", "learning_rate"):
        seen[name] = repr(getattr(opt, name))
    for name in ("trust_ratios", "weight_norms", "update_norms", "gradient_norm"):
        seen[name] = _bytes(getattr(opt, name))
    seen |= {f"average {name}": _bytes(average) for name, average in opt.averages.items()}
    for i, group in enumerate(tensors):
        seen |= {f"tensor {i} {name}": _bytes(value) for name, value in group.items()}
    return seen


def _bytes(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    return repr(value)


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Names of the differences."""
    return [name for name in before | after if before.get(name) != after.get(name)]
