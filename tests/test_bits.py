"""The same bits from Python: SIMD levels, threads, addresses, packing, the caller's mode.

Compares with ``hashes.txt``, as ``determinism/`` does in Rust, for every CPU.
"""

from __future__ import annotations

import pytest

from support.bits_run import elsewhere

LEVELS = ("scalar", "sse2", "avx2", "avx512", "neon")
DTYPES = ("float32", "bfloat16", "float8")


@pytest.fixture(scope="module")
def available() -> list[str]:
    levels = elsewhere("info")["simd_available"]
    assert set(levels) <= set(LEVELS)
    return list(levels)


def test_every_row() -> None:
    assert elsewhere("table") == []


@pytest.mark.parametrize("level", LEVELS)
def test_levels(level: str, available: list[str]) -> None:
    if level not in available:
        pytest.skip(f"this CPU does not have {level}")
    assert elsewhere("level", simd=level) == []


def test_threads() -> None:
    assert elsewhere("threads") == []


def test_unaligned_starts() -> None:
    assert elsewhere("starts") == []


def test_one_optimizer_per_tensor() -> None:
    assert elsewhere("alone") == []


def test_again_after_reset() -> None:
    assert elsewhere("repeats") == []


@pytest.mark.parametrize("name", ["flush", "towards_zero"])
def test_floating_point_mode_of_the_caller(name: str) -> None:
    pytest.importorskip("ctypes")
    from support import bits_mode  # noqa: PLC0415 - it needs ctypes

    if not bits_mode.known():
        pytest.skip("where this C library keeps the floating-point mode is not known")
    assert bits_mode.is_set(name)
    assert elsewhere("mode", name) == []


def test_every_algorithm_has_rows() -> None:
    from support.bits_table import table  # noqa: PLC0415 - next to its only use

    found = {(row.algorithm, row.state_dtype) for row in table()}
    assert found == {(name, dtype) for name in elsewhere("registry") for dtype in DTYPES}


def test_level_is_taken_from_the_environment(available: list[str]) -> None:
    for level in available:
        assert elsewhere("info", simd=level) == {"simd": level, "simd_available": available}
    assert elsewhere("info", simd="")["simd"] == available[-1] == elsewhere("info")["simd"]


def test_levels_that_are_not_there_are_refused(available: list[str]) -> None:
    for level in {"avx1024", "AVX2", *LEVELS} - set(available):
        found = elsewhere("info", simd=level)
        assert found["type"] == "HyperparameterError"
        assert found["error"].startswith(
            f"LAMB_RS_SIMD must be one of {', '.join(available)} on this CPU; got '{level}'"
        )
        assert ("cargo feature 'scalar'" in found["error"]) == (level == "scalar")
