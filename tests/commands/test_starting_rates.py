"""The table of starting rates: every best rate is inside its grid, and losses repeat."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
TABLE = json.loads((ROOT / "docs" / "_data" / "starting_rates.json").read_text(encoding="utf-8"))
each_rule = pytest.mark.parametrize("rule", TABLE["rules"])


@pytest.fixture(scope="module")
def tool() -> Any:
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        return pytest.importorskip("starting_rates")
    finally:
        sys.path.pop(0)


@each_rule
def test_the_best_rate_is_inside_the_grid(rule: str) -> None:
    results = TABLE["rules"][rule]["results"]
    assert set(results) == set(TABLE["problems"])
    for cells in results.values():
        assert list(cells) == ["100", "1000", "10000"]
        for cell in cells.values():
            rates, low, high = cell["rates"], *cell["good"]
            assert rates == sorted(rates)
            assert rates[0] < low <= cell["best"] <= high < rates[-1]
            losses = np.array(cell["losses"], np.float64)  # None is NaN: the run diverged
            assert losses.shape == (len(rates), len(TABLE["seeds"]))
            means = np.where(np.isnan(losses), np.inf, losses).mean(axis=1)
            assert rates[int(means.argmin())] == cell["best"]
            assert means.min() == pytest.approx(cell["loss"], abs=1e-4)
            for rate, mean in zip(rates, means, strict=True):
                if mean < 1.0299 * means.min():
                    assert low <= rate <= high or rate not in neighbours(rates, low, high)


def neighbours(rates: list[float], low: float, high: float) -> list[float]:
    """The rates just outside the good range."""
    return [rates[rates.index(low) - 1], rates[rates.index(high) + 1]]


def test_the_command_knows_the_rules(tool: Any) -> None:
    assert list(TABLE["rules"]) == list(tool.RULES)
    assert TABLE["seeds"] == list(tool.SEEDS)
    assert TABLE["command"] == "python tools/starting_rates.py"
    for name, rule in tool.RULES.items():
        assert TABLE["rules"][name]["class"] == rule.make.__name__
        assert TABLE["rules"][name]["arguments"] == rule.arguments


def test_rates_are_round(tool: Any) -> None:
    assert [tool.rate_of(n) for n in range(-3, 4)] == [0.1, 0.2, 0.5, 1, 2, 5, 10]
    assert [tool.index_of(tool.rate_of(n)) for n in range(-9, 9)] == list(range(-9, 9))


@pytest.mark.parametrize("rule", ["SGD", "LAMB", "Schedule-Free AdamW"])
def test_a_run_gives_the_loss_again(rule: str, tool: Any) -> None:
    if hashlib.sha256(tool.corpus().encode()).hexdigest() != TABLE["text_sha256"]:
        pytest.skip("this Python has another text in its reference")
    cell = TABLE["rules"][rule]["results"]["text"]["100"]
    (losses,) = tool.PROBLEMS["text"]().losses(tool.RULES[rule], [cell["best"]], 100)
    # Matrix products differ in their last digits from machine to machine.
    wanted = cell["losses"][cell["rates"].index(cell["best"])]
    assert losses == pytest.approx(wanted, rel=0.02)


def test_gradients_of_the_networks_are_exact(tool: Any) -> None:
    networks = tool.Networks([5, 4, 3], rates=2)
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((len(tool.SEEDS), 6, 5)).astype(np.float32)
    labels = rng.integers(0, 3, (len(tool.SEEDS), 6))
    networks.backward(networks.forward(inputs), labels)
    row, column = 1, 2
    for name, values in networks.parameters(row, column).items():
        gradient = networks.gradient(row, column)[name]
        for at in list(np.ndindex(values.shape))[:5]:
            found = []
            kept = values[at]
            for shift in (1e-2, -1e-2):
                values[at] = kept + np.float32(shift)
                found.append(networks.losses(inputs[column], labels[column])[row, column])
            values[at] = kept
            assert gradient[at] == pytest.approx((found[0] - found[1]) / 2e-2, rel=0.02, abs=2e-3)
