"""``python -m lamb_rs info`` and ``bench``: the machine and its figures."""

from __future__ import annotations

import json

import pytest

from lamb_rs.cli import bench
from lamb_rs.cli.machine import cpu, description
from lamb_rs.cli.main import main


def test_info_as_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LAMB_RS_DATA", "images")
    monkeypatch.delenv("LAMB_RS_SIMD", raising=False)
    assert main(["info", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["lamb_rs"]["cpu"] == cpu()
    assert found["lamb_rs"]["threads"] >= 1
    assert found["environment"]["LAMB_RS_DATA"] == "images"
    assert found["environment"]["LAMB_RS_SIMD"] is None
    assert {"matplotlib", "mlxtend"} <= set(found["packages"])


def test_info_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0
    printed = capsys.readouterr().out
    for wanted in (cpu(), "simd", "optional packages", "LAMB_RS_SIMD", "OMP_NUM_THREADS"):
        assert wanted in printed


def test_the_machine_is_described() -> None:
    assert cpu()
    assert description().startswith(cpu())
    assert "SIMD" in description()


@pytest.mark.parametrize("rule", bench.RULES)
def test_every_rule_is_timed(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "peers", lambda *_: {"peer": lambda: None})
    timings = bench.time_case(rule, "tiny", [(30, 20), (20,)], seconds=0.0)
    floor, ours, numpy, peer = timings
    names = [timing.who for timing in timings]
    assert names == [bench.FLOOR, bench.OURS, bench.NUMPY, "peer"]
    assert ours.milliseconds > 0
    assert floor.to_floor == ours.to_ours == (1.0, 1.0, 1.0)
    assert ours.to_floor[0] <= ours.to_floor[1] <= ours.to_floor[2]
    assert ours.bytes_per_element == {"SGD": 20, "Lion": 20, "AdamW": 28, "LAMB": 40}[rule]
    for timing in (floor, ours, numpy):
        expected = 620 * timing.bytes_per_element / timing.milliseconds / 1e6
        assert timing.gigabytes_per_second == pytest.approx(expected)
    header, _, first, second, _, fourth = bench.table(timings).splitlines()
    assert header.split()[0] == "parameters"
    assert f"{rule}  " in first
    assert bench.FLOOR in first
    assert bench.OURS in second
    assert "peer" in fourth
    assert peer.who == "peer"


def test_the_machine_is_named_beside_the_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "SIZES", {"tiny": [(30, 20)]})
    monkeypatch.setattr(bench, "_SECONDS_PER_CASE", 0.0)
    monkeypatch.setattr(bench, "peers", lambda *_: {})
    assert main(["bench"]) == 0
    printed = capsys.readouterr().out
    assert printed.count(cpu()) == 2
    assert "memory floor " in printed.splitlines()[-1]
    assert main(["bench", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["cpu"] == cpu()
    assert len(found["timings"]) == 3 * len(bench.RULES)
