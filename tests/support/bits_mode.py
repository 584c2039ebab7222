"""The floating-point mode of this thread, as code compiled with fast-math flags changes it."""

from __future__ import annotations

import ctypes
import platform
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where the C library's fenv_t has the control register, its bits that are not part of the mode, and
# the bits to set: subnormals flushed to zero and read as zero; rounding toward zero.
LAYOUTS = {
    "x86_64": (7, 0x3F, {"flush": 0x8040, "towards_zero": 0x6000}),
    "aarch64": (0, 0, {"flush": 1 << 24, "towards_zero": 3 << 22}),
}


def known() -> bool:
    """Whether the layout of ``fenv_t`` is known here."""
    return sys.platform == "linux" and platform.machine() in LAYOUTS


def _environment() -> ctypes.Array[ctypes.c_uint32]:
    environment = (ctypes.c_uint32 * 16)()
    assert ctypes.CDLL("libm.so.6").fegetenv(environment) == 0
    return environment


@contextmanager
def mode(name: str) -> Iterator[None]:
    """Sets the mode; fails at the end if somebody has changed it meanwhile."""
    index, sticky, bits = LAYOUTS[platform.machine()]
    outside = _environment()
    inside = (ctypes.c_uint32 * 16)(*outside)
    inside[index] |= bits[name]
    library = ctypes.CDLL("libm.so.6")
    assert library.fesetenv(inside) == 0
    try:
        yield
        now = _environment()[index]
    finally:
        assert library.fesetenv(outside) == 0
    assert (now ^ inside[index]) & ~sticky == 0


def is_set(name: str) -> bool:
    """Whether arithmetic in the mode does what its name says."""
    least, one, small = 5e-324, 1.0, 2.0**-60
    with mode(name):
        result = least * one if name == "flush" else one - small
    return result == 0.0 if name == "flush" else result < one
