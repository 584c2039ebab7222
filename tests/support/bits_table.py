"""The table of hashes, and how a row is run. In NumPy what ``determinism/data.rs`` is in Rust.

Imports NumPy alone: the tests that use it also run where little else is installed.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray
SIZES = {
    "small": (1, 3, 15, 16, 17, 0, 255, 256, 4095, 4096, 4097, 16383, 16384, 16385, 40000),
    "wide": (17, 4097, 16384, 300001),
}
STEPS = {"small": 20, "wide": 6}
# The tensor whose parameters are all zero, so that its norm is.
ZEROS = 2
PARAMETER = (123, 123, 122, 122, 122, 121, 121, 120, 120, 119, 118, 116, 112, 100, 60, 0)
GRADIENT = (124, 124, 123, 123, 122, 122, 121, 120, 119, 118, 116, 113, 110, 90, 60, 0)
GOLDEN = 0x9E3779B97F4A7C15
MASK = 2**64 - 1


@dataclass(frozen=True)
class Row:
    """One line: ``hash algorithm/state_dtype/variant sizes gradients name=value; ...``."""

    hash: int
    algorithm: str
    state_dtype: str
    variant: str
    sizes: str
    gradients: str
    settings: dict[str, Any]

    @property
    def id(self) -> str:
        return f"{self.algorithm}/{self.state_dtype}/{self.variant}"


def table() -> list[Row]:
    text = (Path(__file__).parents[1] / "hashes.txt").read_text(encoding="ascii")
    rows = []
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        hashed, name, sizes, gradients, *rest = line.split(" ", 4)
        algorithm, dtype, variant = name.split("/")
        pairs = (item.split("=", 1) for item in "".join(rest).split("; ") if item)
        settings = {key: ast.literal_eval(value) for key, value in pairs}
        rows.append(Row(int(hashed, 16), algorithm, dtype, variant, sizes, gradients, settings))
    return rows


def mix(x: Array) -> Array:
    """One step of SplitMix64."""
    x = x + np.uint64(GOLDEN)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def mix_one(x: int) -> int:
    return int(mix(np.array([x & MASK], np.uint64))[0])


def words(tensor: int, step: int, size: int) -> Array:
    """Random words; the last of three or more is 0. Step 0 is for the parameters."""
    start = np.array([mix_one(step << 32 | tensor)], np.uint64)
    found = mix(start + np.arange(size, dtype=np.uint64))
    if size > 2:
        found[-1] = 0
    return found


def float_bits(word: Array, exponents: tuple[int, ...]) -> Array:
    """Sign and mantissa from the upper half, the exponent from a table; 0 stays 0."""
    field = np.array(exponents, np.uint32)[word & np.uint64(15)] << np.uint32(23)
    bits = ((word >> np.uint64(32)).astype(np.uint32) & np.uint32(0x807FFFFF)) | field
    return np.where(word == 0, np.uint32(0), bits)


@cache
def parameters(sizes: str) -> list[Array]:
    found = [
        float_bits(words(i, 0, n), PARAMETER).view(np.float32) for i, n in enumerate(SIZES[sizes])
    ]
    found[ZEROS][:] = 0
    return found


@cache
def gradients(sizes: str, kind: str, step: int) -> list[Array | None]:
    """The gradients of a step; of "absent" ones every third is None."""
    found: list[Array | None] = []
    for i, n in enumerate(SIZES[sizes]):
        word = words(i, step, n)
        bits = float_bits(word, GRADIENT)
        if kind == "bfloat16":
            found.append((bits >> np.uint32(16)).astype(np.uint16))
        elif kind == "float16":
            half = (word >> np.uint64(32)).astype(np.uint16) & np.uint16(0xBBFF)
            found.append(half.view(np.float16))
        else:
            absent = kind == "absent" and (step + i) % 3 == 0
            found.append(None if absent else bits.view(np.float32))
    return found


def shape(size: int) -> tuple[int, ...]:
    """The axes of a tensor of this many elements: two where one of a few numbers divides it."""
    for rows in (200, 64, 16, 13, 5, 3):
        if size > rows and size % rows == 0:
            return rows, size // rows
    return (size,)


def place(x: Array, shift: int | None) -> Array:
    """A copy that starts ``shift`` elements behind a cache line."""
    if shift is None:
        return x.copy()
    buffer = np.empty(x.nbytes + 256, np.uint8)
    start = -buffer.ctypes.data % 64 + shift * x.itemsize
    found = buffer[start : start + x.nbytes].view(x.dtype)
    found[...] = x
    return found


def hash_array(name: str, x: Array) -> int:
    """Hash of the bytes as little-endian 64-bit words, filled up with zeros."""
    raw = x.tobytes()
    padded = np.frombuffer(raw.ljust(len(raw) // 8 * 8 + 8, b"\0"), "<u8")
    places = np.arange(padded.size, dtype=np.uint64) * np.uint64(GOLDEN)
    total = int(mix(padded ^ places).sum(dtype=np.uint64))
    fnv = 0xCBF29CE484222325
    for byte in name.encode():
        fnv = (fnv ^ byte) * 0x100000001B3 & MASK
    return mix_one(total ^ fnv)
