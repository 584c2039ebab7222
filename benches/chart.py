"""Draw the chart of the README and write the tables of the benchmark page.

python benches/chart.py            # from the newest file in benches/results
python benches/chart.py --check    # only compare: exit with 1 if the page is out of date

Nothing is measured here. `python benches/steps.py --json benches/results/NAME.json` measures.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tables import tables

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benches" / "results"
CHART = ROOT / "docs" / "_static" / "benchmark.svg"
PAGE = ROOT / "docs" / "benchmarks.md"
START, END = "<!-- tables:start -->\n", "<!-- tables:end -->\n"

LABELS = {"optax jitted": "optax (jit)"}
OURS, OTHERS = "#2a6f97", "#b8c4cc"


def newest() -> Path:
    """The file of results to show: their names begin with the date."""
    return max(RESULTS.glob("*.json"))


def read(path: Path) -> dict[str, Any]:
    """A file that `steps.py --json` wrote."""
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return report


def bars(report: dict[str, Any]) -> dict[str, float]:
    """Milliseconds of one LAMB step over BERT-base, by package, the fastest first."""
    best = {
        row["who"]: row["best"]
        for row in report["results"]
        if row["case"] == "LAMB, BERT" and row["best"] is not None
    }
    best["lamb_rs"] = best.pop("LAMB")
    return {LABELS.get(who, who): best[who] for who in sorted(best, key=best.__getitem__)}


def draw(report: dict[str, Any], path: Path) -> None:
    """Write the chart as SVG; the same results give the same bytes."""
    import matplotlib as mpl  # noqa: PLC0415 - the tables do not need it
    from matplotlib.figure import Figure  # noqa: PLC0415

    found = bars(report)
    head = report["header"]
    mpl.rcParams.update({"svg.hashsalt": "lamb_rs", "svg.fonttype": "none", "font.size": 11})
    figure = Figure(figsize=(7.2, 2.5), layout="constrained", facecolor="white")
    axes = figure.subplots()
    colors = [OURS if name == "lamb_rs" else OTHERS for name in found]
    drawn = axes.barh(list(found), list(found.values()), color=colors, height=0.62)
    axes.bar_label(drawn, labels=[f"{value:.0f} ms" for value in found.values()], padding=4)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.13 * max(found.values()))
    axes.set_title(
        "One LAMB step over BERT-base, 110 million parameters (less is better)",
        fontsize=11,
        loc="left",
    )
    axes.set_xlabel(
        f"{head['machine']}; {head['threads']} threads; {head['SIMD']}; {head['date']}",
        fontsize=8,
        color="#555555",
        loc="left",
    )
    axes.set_xticks([])
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, metadata={"Date": None, "Creator": None})


def with_tables(page: str, report: dict[str, Any]) -> str:
    """The text of the page with new tables between the two marks."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}{tables(report)}{END}{after}"


def main() -> int:
    """Draw and write, or compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    report = read(newest())
    page = PAGE.read_text(encoding="utf-8")
    wanted = with_tables(page, report)
    if arguments.check:
        if page != wanted:
            print(f"{PAGE.relative_to(ROOT)} is out of date: run make bench-chart")
        return int(page != wanted)
    draw(report, CHART)
    PAGE.write_text(wanted, encoding="utf-8")
    print(f"{CHART.relative_to(ROOT)} and {PAGE.relative_to(ROOT)} show {newest().name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
