"""The README and the benchmark page show what the library prints and what was measured."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import lamb_rs

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    monkeypatch.syspath_prepend(str(ROOT / "benches"))


def code(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def results() -> list[dict[str, Any]]:
    import chart  # noqa: PLC0415 - found through the fixture

    rows: list[dict[str, Any]] = chart.read(chart.newest())["results"]
    return rows


def test_the_example_is_short() -> None:
    example, _ = code("python")
    assert len([line for line in example.splitlines() if line.strip()]) <= 15


def test_outputs_are_what_the_library_prints() -> None:
    import readme  # noqa: PLC0415 - found through the fixture

    printed, explained = code("text")
    assert "mean squared error" in printed
    assert "Lamb" in explained
    assert readme.with_outputs(README) == README, "run python tools/readme.py"


def test_optimizers_that_are_named_exist() -> None:
    listed = README.partition("It has ")[2].partition(" and more than twenty")[0]
    known = {name.lower() for name in lamb_rs.optimizers()}
    for name in re.split(r", ", " ".join(listed.split())):
        assert name.lower() in known
    assert len(lamb_rs.optim.__all__) > 20 + listed.count(",") + 1


# Benchmarks


def test_the_benchmark_page_shows_the_newest_results() -> None:
    import chart  # noqa: PLC0415 - found through the fixture

    page = chart.PAGE.read_text(encoding="utf-8")
    assert page.count(chart.START) == page.count(chart.END) == 1
    assert chart.with_tables(page) == page, "run make bench-chart"


def test_the_chart_shows_the_newest_results() -> None:
    import chart  # noqa: PLC0415 - found through the fixture

    drawn = chart.CHART.read_text(encoding="utf-8")
    for name, milliseconds in chart.bars(chart.read(chart.newest())).items():
        assert name in drawn
        assert f"{milliseconds:.0f} ms" in drawn


def test_figures_of_the_readme_are_those_of_the_results() -> None:
    speed = " ".join(README.partition("## Speed")[2].partition("\n## ")[0].split())
    rows = results()
    bert = {row["who"]: row for row in rows if row["case"] == "LAMB, BERT"}
    assert f"takes {bert['LAMB']['best']:.0f} ms" in speed
    factors = sorted(row["quartiles"][1] for row in bert.values() if row["to"] == "LAMB")
    found = re.search(r"take ([\d.]+) to ([\d.]+) times as long", speed)
    assert found
    assert [float(found[1]), float(found[2])] == pytest.approx([factors[0], factors[-1]], abs=0.051)

    def ratio(case: str, to: str) -> float:
        (row,) = [row for row in rows if row["case"] == case and row["to"] == to]
        return float(row["quartiles"][1])

    assert f"takes {ratio('AdamW, one tensor', 'floor'):.2f} times as long as streaming" in speed
    assert f"is {100 * ratio('AdamW and torch', 'torch fused') - 100:.0f} % faster" in speed
    (tiny,) = [row for row in rows if row["case"].startswith("Tiny") and row["who"] == "AdamW"]
    assert f"takes {tiny['quartiles'][1]:.1f} microseconds" in speed
