"""Pictures that are drawn while the site is built, with the library's own functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamb_rs import schedules

if TYPE_CHECKING:
    from pathlib import Path

STEPS = 1000


def draw(folder: Path) -> None:
    """Draw those that are not there; `make clean` removes them."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "schedules.png").exists():
        some_schedules(folder / "schedules.png")


def some_schedules(path: Path) -> None:
    """Four schedules of as many steps."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots()
    for schedule in (
        schedules.Warmup(schedules.CosineDecay(1.0, decay_steps=900), warmup_steps=100),
        schedules.WarmupStableDecay(1.0, warmup_steps=100, stable_steps=700, decay_steps=200),
        schedules.OneCycle(1.0, STEPS),
        schedules.CosineDecayRestarts(1.0, first_decay_steps=150),
    ):
        schedule.plot(STEPS, ax=axes)
    axes.set(ylabel="learning rate")
    figure.legend(loc="outside right upper")
    figure.savefig(path, dpi=120)
