"""The drawings of `plot`, and its errors."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from lamb_rs.schedules import CosineDecay, Schedule, Warmup

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pyplot(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("MPLBACKEND", "agg")
    pyplot = pytest.importorskip(
        "matplotlib.pyplot", reason="matplotlib is not installed (extra: demo)"
    )
    yield pyplot
    pyplot.close("all")


def test_every_step(pyplot: Any) -> None:
    schedule = Warmup(CosineDecay(0.1, 40), 10)
    axes = schedule.plot(50)
    (line,) = axes.get_lines()
    assert line.get_xdata().tolist() == list(range(50))
    assert list(line.get_ydata()) == [schedule(n) for n in range(50)]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "value")
    assert axes.get_legend_handles_labels()[1] == ["Warmup"]


def test_into_axes_of_yours(pyplot: Any) -> None:
    _, axes = pyplot.subplots()
    assert CosineDecay(0.1, 40).plot(1, ax=axes) is axes
    assert CosineDecay(0.2, 40).plot(40, axes) is axes
    assert len(axes.get_lines()) == 2
    assert len(pyplot.get_fignums()) == 1


def test_long_runs_are_thinned(pyplot: Any) -> None:
    (line,) = CosineDecay(0.1, 10**6).plot(10**6).get_lines()
    steps = line.get_xdata()
    assert len(steps) == 2000
    assert steps[0] == 0
    assert steps[-1] == 10**6 - 1


def test_no_steps() -> None:
    with pytest.raises(ValueError, match="at least 1 step; got 0"):
        CosineDecay(0.1, 40).plot(0)


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "lamb_rs\[demo\]"'):
        CosineDecay(0.1, 40).plot(40)


def test_own_schedules_plot() -> None:
    class Axes:
        def plot(self, x: Any, y: Any, label: str) -> None:
            self.drawn = list(x), y, label

        def set_xlabel(self, text: str) -> None: ...
        def set_ylabel(self, text: str) -> None: ...

    class Own(Schedule):
        def __call__(self, step: int) -> float:
            assert type(step) is int
            return step / 2

    axes = Own().plot(3, Axes())
    assert axes.drawn == ([0, 1, 2], [0.0, 0.5, 1.0], "Own")
