"""The tools that write tables never change what users rely on without saying so."""

from __future__ import annotations

import runpy
from pathlib import Path

import lamb_rs

ROOT = Path(__file__).resolve().parents[2]
TABLES = runpy.run_path(str(ROOT / "tools" / "tables.py"))
INSTRUCTIONS = runpy.run_path(str(ROOT / "benches" / "instructions.py"))

OLD = "# head\n0a lion/float32/defaults small float32\n0b lion/float8/defaults small float32\n"


def test_new_rows_of_hashes_are_no_change() -> None:
    new = "# head\n01 came/float32/defaults small float32\n" + OLD
    assert TABLES["broken"](OLD, new) == []


def test_changed_and_missing_hashes_are_named() -> None:
    changed = OLD.replace("0b", "0c")
    assert TABLES["broken"](OLD, changed) == ["lion/float8/defaults small float32"]
    assert TABLES["broken"](OLD, "# head\n") == list(TABLES["rows"](OLD))


def test_limits_of_instructions_fall_and_do_not_rise() -> None:
    old = {("lion", "avx2"): (6.0, 9.0, 13.0)}
    measured = {("lion", "avx2"): (5.0, 9.0, 12.0), ("came", "avx2"): (10.0, 20.0, 30.0)}
    new = INSTRUCTIONS["lowered"](measured, old, [])
    assert new == {("lion", "avx2"): (5.5, 9.0, 13.0), ("came", "avx2"): (11.0, 22.0, 33.0)}
    assert INSTRUCTIONS["lowered"](measured, old, ["lion"])["lion", "avx2"] == (5.5, 9.9, 13.2)


def test_a_count_above_its_limit_is_a_complaint() -> None:
    limits = {("lion", "avx2"): (6.0, 9.0, 13.0), ("lamb", "sse2"): (1.0, 1.0, 1.0)}
    measured = {("lion", "avx2"): (6.1, 9.0, 13.0), ("came", "avx2"): (1.0, 1.0, 1.0)}
    found = "\n".join(INSTRUCTIONS["complaints"](measured, limits))
    assert "lion avx2 float32: 6.10 instructions per element, at most 6.00" in found
    assert "came avx2 has no limit" in found
    assert "lamb sse2 has a limit but no rule" in found


def test_every_algorithm_has_limits() -> None:
    levels = INSTRUCTIONS["LEVELS"]
    names = {row.name for row in lamb_rs.registry()}
    assert {name for name, _ in INSTRUCTIONS["read_budgets"]()} == names
    assert {level for _, level in INSTRUCTIONS["read_budgets"]()} == set(levels)
