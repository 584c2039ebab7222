"""The comparison with other packages: what it runs, and what the page shows of it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

import lamb_rs

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benches"))
    return importlib.import_module


def pair(rule: str, peer: str, size: str, speedup: float) -> dict[str, Any]:
    spread = (0.9 * speedup, speedup, 1.1 * speedup)
    times = {"ours_ms": 1.0, "peer_ms": speedup, "speedup": spread}
    memory = {"ours_bytes": 16.0, "peer_bytes": 24.0}
    return {"rule": rule, "peer": peer, "size": size, **times, **memory}


REPORT: dict[str, Any] = {
    "header": {
        "machine": "M", "SIMD": "avx2", "threads": "2", "date": "D", "versions": "V", "command": "C"
    },
    "pairs": [
        pair("LAMB", "timm", "MLP, 235 k", 7.5),
        pair("LAMB", "timm", "64 Mi", 9.5),
        pair("SGD", "torch fused", "64 Mi", 0.5),
    ],
}  # fmt: skip


def test_the_table_of_packages(load: Any) -> None:
    text = load("tables").peer_tables(REPORT)
    assert "the level AVX2" in text
    assert "| LAMB | timm | 7.50 | 9.50 | 24 | 16 |" in text
    assert "| SGD | torch, fused |  | 0.50 | 24 | 16 |" in text
    assert "Faster than lamb_rs in this run: SGD in torch, fused (64 Mi elements)." in text


def test_the_chart_of_packages(load: Any, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the demo extra is not installed")
    for reports in ([REPORT], [REPORT, REPORT]):
        load("chart").draw_peers(reports, tmp_path / "peers.svg")
        drawn = (tmp_path / "peers.svg").read_text(encoding="utf-8")
        assert drawn.count("AVX2, 2 threads") >= len(reports)
        assert all(name in drawn for name in ("LAMB", "SGD", "BERT-base, 110 M"))


def test_every_rule_of_the_comparison_exists(load: Any) -> None:
    for rule in load("peers").RULES:
        lamb_rs.get(rule.ours, **rule.arguments)
        assert list(rule.peers()), rule.name


def test_a_package_that_is_missing_or_fails_is_named(load: Any) -> None:
    peers = load("peers")
    rule = peers.RULES[0]

    def broken(_: Any) -> Any:
        raise RuntimeError("no such kernel")

    compare = lambda make: peers.compare(rule, "x", make, "MLP, 235 k", 3, [(4, 4)])  # noqa: E731
    assert compare(lambda _: None) == "not installed"
    assert compare(broken) == "RuntimeError: no such kernel"
    found = compare(lambda _: lambda: None)
    assert found.rule == "SGD"
    assert found.speedup[0] <= found.speedup[1] <= found.speedup[2]
