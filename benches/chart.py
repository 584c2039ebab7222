"""Draw the charts and write the tables of the benchmark page.

python benches/chart.py            # from the newest files in benches/results
python benches/chart.py --check    # only compare: exit with 1 if the page is out of date

Nothing is measured here. The files come from `python benches/steps.py --json FILE` and
`python benches/peers.py --json FILE`; their names are DATE-LEVEL.json and DATE-LEVEL-peers.json,
where LEVEL is the SIMD level, such as "avx2". The page shows the newest of each level.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from tables import level, peer_tables, tables

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benches" / "results"
CHART = ROOT / "docs" / "_static" / "benchmark.svg"
PEERS = ROOT / "docs" / "_static" / "peers.svg"
PAGE = ROOT / "docs" / "benchmarks.md"
START, END = "<!-- tables:start -->\n", "<!-- tables:end -->\n"

LABELS = {"optax jitted": "optax (jit)"}
OURS, OTHERS = "#2a6f97", "#b8c4cc"
COLORS = {
    "4 tiny, 212": "#d1495b",
    "MLP, 235 k": "#edae49",
    "BERT-base, 110 M": "#2a6f97",
    "64 Mi": "#00798c",
}


def newest() -> Path:
    """The newest file of times; names begin with the date."""
    return max(newest_of_levels("").values())


def newest_of_levels(ending: str) -> dict[str, Path]:
    """The newest file of each SIMD level, of times ("") or of comparisons ("-peers")."""
    named = re.compile(rf"\d{{4}}-\d\d-\d\d-(\w+){ending}\.json")
    found = {}
    for path in sorted(RESULTS.glob("*.json")):
        if match := named.fullmatch(path.name):
            found[match[1]] = path
    return found


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
        f"{head['machine']}; {head['threads']} threads; {level(report)}; {head['date']}",
        fontsize=8,
        color="#555555",
        loc="left",
    )
    axes.set_xticks([])
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, metadata={"Date": None, "Creator": None})


def draw_peers(reports: list[dict[str, Any]], path: Path) -> None:
    """Write the chart of speed-ups over other packages, a panel for each SIMD level."""
    import matplotlib as mpl  # noqa: PLC0415 - the tables do not need it
    from matplotlib.figure import Figure  # noqa: PLC0415

    mpl.rcParams.update({"svg.hashsalt": "lamb_rs", "svg.fonttype": "none", "font.size": 10})
    figure = Figure(
        figsize=(7.2, 0.6 + 3.3 * len(reports)), layout="constrained", facecolor="white"
    )
    panels = figure.subplots(len(reports), squeeze=False)[:, 0]
    for axes, report in zip(panels, reports, strict=True):
        pairs = report["pairs"]
        rules = list(dict.fromkeys(pair["rule"] for pair in pairs))
        for shown, (size, color) in enumerate(COLORS.items()):
            points = [pair for pair in pairs if pair["size"] == size]
            heights = [rules.index(pair["rule"]) + 0.18 * (shown - 1.5) for pair in points]
            speedups = [pair["speedup"][1] for pair in points]
            axes.scatter(speedups, heights, s=16, color=color, label=size, alpha=0.85)
        axes.set_xscale("log")
        axes.axvline(1, color="#555555", linewidth=1)
        axes.set_yticks(range(len(rules)), rules)
        axes.invert_yaxis()
        axes.grid(axis="x", color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.set_title(f"{level(report)}, {report['header']['threads']} threads", loc="left")
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    panels[-1].set_xlabel(
        "time of the other package / time of lamb_rs (right of 1: lamb_rs is faster)"
    )
    panels[0].legend(title="parameters", fontsize=8, title_fontsize=8, loc="lower right")
    figure.savefig(path, metadata={"Date": None, "Creator": None})


def with_tables(page: str) -> str:
    """The text of the page with new tables between the two marks."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    parts = [tables(read(path)) for path in newest_of_levels("").values()]
    parts += [peer_tables(read(path)) for path in newest_of_levels("-peers").values()]
    return f"{before}{START}{''.join(parts)}{END}{after}"


def main() -> int:
    """Draw and write, or compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    wanted = with_tables(page)
    if arguments.check:
        if page != wanted:
            print(f"{PAGE.relative_to(ROOT)} is out of date: run make bench-chart")
        return int(page != wanted)
    draw(read(newest()), CHART)
    comparisons = [read(path) for path in newest_of_levels("-peers").values()]
    if comparisons:
        draw_peers(comparisons, PEERS)
    PAGE.write_text(wanted, encoding="utf-8")
    print(f"{PAGE.name} and its charts show the newest files of {RESULTS.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
