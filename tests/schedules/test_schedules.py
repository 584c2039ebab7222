"""Schedules against formulas written with the platform's functions, in float64."""

from __future__ import annotations

import copy
import json
import math
import pickle
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lamb_rs import HyperparameterError, schedules
from lamb_rs.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    FlatAndAnneal,
    InverseTimeDecay,
    OneCycle,
    PiecewiseConstantDecay,
    PolynomialDecay,
    ReduceOnPlateau,
    Schedule,
    Warmup,
    WarmupStableDecay,
    deserialize,
    serialize,
)

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = (0, 1, 5, 9, 10, 11, 19, 20, 21, 39, 40, 41, 50, 59, 60, 61, 1000, 10**9)


def cosine(first: float, steps: int, alpha: float = 0.0) -> Callable[[int], float]:
    return lambda n: (
        first * ((1 - alpha) * (1 + math.cos(math.pi * min(n, steps) / steps)) / 2 + alpha)
    )


def polynomial(first: float, steps: int, last: float, power: float) -> Callable[[int], float]:
    return lambda n: (first - last) * (1 - min(n, steps) / steps) ** power + last


def cycled(first: float, steps: int, last: float, power: float) -> Callable[[int], float]:
    def value(n: int) -> float:
        length = steps * max(1, math.ceil(n / steps))
        return (first - last) * (1 - n / length) ** power + last

    return value


def restarts(
    first: float, steps: int, t_mul: float = 2, m_mul: float = 1, alpha: float = 0
) -> Callable[[int], float]:
    """By walking through the periods."""

    def value(n: int) -> float:
        start, length, height = 0.0, float(steps), 1.0
        if t_mul == 1:
            start, height = n // steps * steps, m_mul ** (n // steps)
        else:
            while n >= start + length:
                start, length, height = start + length, length * t_mul, height * m_mul
        wave = (1 + math.cos(math.pi * (n - start) / length)) / 2
        return first * ((1 - alpha) * height * wave + alpha)

    return value


def flat(first: float, steps: int, share: float, last: float) -> Callable[[int], float]:
    s = share * steps
    return lambda n: (
        first
        if n < s
        else last
        if n >= steps
        else last + (first - last) * (1 + math.cos(math.pi * (n - s) / (steps - s))) / 2
    )


def stable(peak: float, last: float, fall: Callable[[float], float]) -> Callable[[int], float]:
    """10 steps up, 20 on top, 20 down."""
    return lambda n: (
        peak * n / 10
        if n < 10
        else peak
        if n <= 30
        else last
        if n >= 50
        else last + (peak - last) * fall((n - 30) / 20)
    )


def through(*corners: tuple[float, float], linear: bool = False) -> Callable[[int], float]:
    """From corner to corner along half cosines or lines."""

    def value(n: int) -> float:
        for (left, low), (right, high) in pairwise(corners):
            if left <= n <= right:
                x = (n - left) / (right - left)
                return low + (high - low) * (x if linear else (1 - math.cos(math.pi * x)) / 2)
        return corners[-1][1]

    return value


def rise(first: float, peak: float, steps: int, then: Callable[[int], float]) -> Any:
    return lambda n: first + (peak - first) * n / steps if n < steps else then(n - steps)


ROWS: dict[str, tuple[Schedule, Callable[[int], float]]] = {
    "exponential": (ExponentialDecay(0.1, 10, 0.5), lambda n: 0.1 * 0.5 ** (n / 10)),
    "staircase": (
        ExponentialDecay(0.1, 10, 0.9, staircase=True),
        lambda n: 0.1 * 0.9 ** (n // 10),
    ),
    "exponential-zero": (ExponentialDecay(0.1, 10, 0.0), lambda n: 0.1 if n == 0 else 0.0),
    "piecewise": (
        PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.1]),
        lambda n: 1.0 if n <= 10 else 0.5 if n <= 20 else 0.1,
    ),
    "piecewise-constant": (PiecewiseConstantDecay([], [0.3]), lambda _: 0.3),
    "polynomial": (PolynomialDecay(0.1, 40), polynomial(0.1, 40, 1e-4, 1)),
    "polynomial-power": (PolynomialDecay(0.1, 40, 0.01, 2.5), polynomial(0.1, 40, 0.01, 2.5)),
    "polynomial-rising": (PolynomialDecay(0.0, 40, 0.5, 0.5), polynomial(0.0, 40, 0.5, 0.5)),
    "polynomial-cycle": (PolynomialDecay(0.1, 20, 0.01, 2, cycle=True), cycled(0.1, 20, 0.01, 2)),
    "cosine": (CosineDecay(0.1, 40), cosine(0.1, 40)),
    "cosine-alpha": (CosineDecay(0.1, 40, 0.2), cosine(0.1, 40, 0.2)),
    "cosine-warmup": (
        CosineDecay(0.01, 40, 0.1, warmup_target=0.5, warmup_steps=20),
        rise(0.01, 0.5, 20, cosine(0.5, 40, 0.1)),
    ),
    "cosine-no-warmup-steps": (CosineDecay(0.01, 40, warmup_target=0.5), cosine(0.5, 40)),
    "cosine-no-target": (CosineDecay(0.1, 40, warmup_steps=7), cosine(0.1, 40)),
    "inverse-time": (InverseTimeDecay(0.1, 10, 0.5), lambda n: 0.1 / (1 + 0.5 * n / 10)),
    "inverse-time-staircase": (
        InverseTimeDecay(0.1, 10, 0.5, staircase=True),
        lambda n: 0.1 / (1 + 0.5 * (n // 10)),
    ),
    "restarts": (CosineDecayRestarts(0.1, 10), restarts(0.1, 10)),
    "restarts-alike": (
        CosineDecayRestarts(0.1, 10, 1.0, 0.999999, 0.2),
        restarts(0.1, 10, 1, 0.999999, 0.2),
    ),
    "restarts-three": (CosineDecayRestarts(0.1, 5, 3.0, 0.5), restarts(0.1, 5, 3, 0.5)),
    "restarts-ten": (CosineDecayRestarts(0.1, 1, 10.0), restarts(0.1, 1, 10)),
    "restarts-slow": (CosineDecayRestarts(0.1, 7, 1.25, 0.9), restarts(0.1, 7, 1.25, 0.9)),
    "flat": (FlatAndAnneal(0.1, 40), flat(0.1, 40, 0.75, 0.0)),
    "flat-end": (FlatAndAnneal(0.1, 50, 0.41, 0.01), flat(0.1, 50, 0.41, 0.01)),
    "flat-never": (FlatAndAnneal(0.1, 40, 0), flat(0.1, 40, 0, 0)),
    "flat-all": (FlatAndAnneal(0.1, 40, 1), flat(0.1, 40, 1, 0)),
    "stable": (WarmupStableDecay(0.1, 10, 20, 20), stable(0.1, 0.0, lambda x: 1 - x)),
    "stable-cosine": (
        WarmupStableDecay(0.1, 10, 20, 20, 0.01, "cosine"),
        stable(0.1, 0.01, lambda x: (1 + math.cos(math.pi * x)) / 2),
    ),
    "stable-sqrt": (
        WarmupStableDecay(0.1, 10, 20, 20, 0.01, "sqrt"),
        stable(0.1, 0.01, lambda x: 1 - math.sqrt(x)),
    ),
    "stable-alone": (WarmupStableDecay(0.1, 0, 30, 0), lambda n: 0.1 if n < 30 else 0.0),
    "one-cycle": (
        OneCycle(0.5, 50),
        through((0, 0.02), (14, 0.5), (49, 0.000002)),
    ),
    "one-cycle-linear": (
        OneCycle(0.5, 50, 0.5, 10, 100, "linear"),
        through((0, 0.05), (24, 0.5), (49, 0.0005), linear=True),
    ),
    "one-cycle-smith": (
        OneCycle(0.5, 100, 0.41, 10, 100, "linear", three_phase=True),
        through((0, 0.05), (40, 0.5), (80, 0.05), (99, 0.0005), linear=True),
    ),
    "one-cycle-momentum": (
        OneCycle(0.85, 50, initial_divisor=0.85 / 0.95, final_divisor=1),
        through((0, 0.95), (14, 0.85), (49, 0.95)),
    ),
    "one-cycle-no-rise": (OneCycle(0.5, 50, 0), through((-1, 0.5), (49, 0.000002))),
    "plateau": (ReduceOnPlateau(0.1, 0.5, 3, "max", 0.01, 2, 1e-3), lambda n: 0.1),
    "warmup": (Warmup(CosineDecay(0.1, 40), 20), rise(0.0, 0.1, 20, cosine(0.1, 40))),
    "warmup-from": (
        Warmup(ExponentialDecay(0.1, 10, 0.5), 20, initial_learning_rate=0.02),
        rise(0.02, 0.1, 20, lambda n: 0.1 * 0.5 ** (n / 10)),
    ),
    "warmup-constant": (Warmup(0.1, 20), rise(0.0, 0.1, 20, lambda _: 0.1)),
    "warmup-none": (Warmup(CosineDecay(0.1, 40), 0), cosine(0.1, 40)),
}
each_row = pytest.mark.parametrize(("schedule", "formula"), ROWS.values(), ids=ROWS)


@each_row
def test_values(schedule: Schedule, formula: Callable[[int], float]) -> None:
    for n in STEPS:
        value = schedule(n)
        assert type(value) is float
        assert value == pytest.approx(formula(n), rel=1e-13, abs=1e-17), n


@each_row
def test_configuration(schedule: Schedule, formula: Callable[[int], float]) -> None:
    config = schedule.get_config()
    again = type(schedule).from_config(json.loads(json.dumps(config)))
    assert again == schedule
    assert hash(again) == hash(schedule)
    assert deserialize(json.loads(json.dumps(serialize(schedule)))) == schedule
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert copy.deepcopy(schedule) == schedule
    assert again(17) == schedule(17)


@each_row
def test_repr_makes_it_again(schedule: Schedule, formula: Callable[[int], float]) -> None:
    assert eval(repr(schedule), {"schedules": schedules}) == schedule  # noqa: S307


def test_repr_says_what_differs() -> None:
    assert repr(CosineDecay(0.1, 100)) == "schedules.CosineDecay(0.1, 100)"
    assert repr(Warmup(PolynomialDecay(0.1, 9, power=2), 5)) == (
        "schedules.Warmup(schedules.PolynomialDecay(0.1, 9, power=2), 5)"
    )


def test_different_schedules_differ() -> None:
    assert CosineDecay(0.1, 40) != CosineDecay(0.1, 41)
    assert CosineDecay(0.1, 40) != PolynomialDecay(0.1, 40)
    assert Warmup(CosineDecay(0.1, 40), 5) != Warmup(CosineDecay(0.2, 40), 5)


def test_schedules_do_not_change() -> None:
    with pytest.raises(AttributeError):
        CosineDecay(0.1, 40).alpha = 0.5  # type: ignore[misc]


def test_numpy_numbers_become_plain() -> None:
    schedule = CosineDecay(np.float64(0.1), np.int64(40), np.float32(0.5))
    assert json.dumps(schedule.get_config())
    assert type(schedule(3)) is float
    piecewise = PiecewiseConstantDecay(np.array([10, 20]), np.array([1.0, 0.5, 0.25]))
    assert piecewise == PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.25])


REFUSED: dict[str, tuple[Callable[[], Schedule], str]] = {
    "no steps": (lambda: CosineDecay(0.1, 0), r"CosineDecay: decay_steps must be .* > 0; got 0"),
    "negative steps": (lambda: PolynomialDecay(0.1, -5), "decay_steps .* got -5"),
    "nan": (lambda: ExponentialDecay(math.nan, 10, 0.5), "initial_learning_rate .* got nan"),
    "infinite": (lambda: CosineDecay(math.inf, 10), "finite number; got inf"),
    "text": (lambda: CosineDecay("0.1", 10), "got '0.1'"),  # type: ignore[arg-type]
    "negative rate": (lambda: ExponentialDecay(0.1, 10, -0.5), "decay_rate must be .* >= 0"),
    "negative power": (lambda: PolynomialDecay(0.1, 10, power=-1), "power must be"),
    "negative warmup": (lambda: Warmup(CosineDecay(0.1, 10), -1), "warmup_steps must be"),
    "warmup of nothing": (
        lambda: Warmup(lambda: 0.1, 10),  # type: ignore[arg-type]
        "schedule must be a finite number",
    ),
    "shrinking periods": (lambda: CosineDecayRestarts(0.1, 10, 0.5), "t_mul must be at least 1"),
    "lower and lower": (lambda: CosineDecayRestarts(0.1, 10, m_mul=-1), "m_mul must be .* >= 0"),
    "share": (lambda: FlatAndAnneal(0.1, 10, 1.5), r"flat_share must be .*\[0, 1\]; got 1.5"),
    "form": (
        lambda: WarmupStableDecay(0.1, 1, 1, 1, form="log"),  # type: ignore[arg-type]
        "form must be one of linear, cosine, sqrt; got 'log'",
    ),
    "negative fall": (lambda: WarmupStableDecay(0.1, 1, 1, -1), "decay_steps must be"),
    "cycle form": (
        lambda: OneCycle(0.1, 10, form="cos"),  # type: ignore[arg-type]
        "form must be one of cosine, linear; got 'cos'",
    ),
    "no divisor": (lambda: OneCycle(0.1, 10, initial_divisor=0), "initial_divisor must be .* > 0"),
    "three phases": (lambda: OneCycle(0.1, 10, 0.6, three_phase=True), "at most 0.5 .* got 0.6"),
    "plateau that stays": (lambda: ReduceOnPlateau(0.1, 1.0), "factor must be < 1"),
    "patience": (lambda: ReduceOnPlateau(0.1, patience=0), "patience must be an integer >= 1"),
    "half": (lambda: ReduceOnPlateau(0.1, patience=1.5), "integer >= 1; got 1.5"),  # type: ignore[arg-type]
    "mode": (
        lambda: ReduceOnPlateau(0.1, mode="auto"),  # type: ignore[arg-type]
        "mode must be one of min, max; got 'auto'",
    ),
    "boundary": (
        lambda: PiecewiseConstantDecay([math.nan], [0.1, 0.2]),
        "boundaries must be finite",
    ),
    "too few values": (
        lambda: PiecewiseConstantDecay([1, 2], [0.1, 0.2]),
        "2 boundaries and 2 values",
    ),
    "not increasing": (
        lambda: PiecewiseConstantDecay([2, 2], [0.1, 0.2, 0.3]),
        r"boundaries must increase; got \[2, 2\]",
    ),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(make: Callable[[], Schedule], message: str) -> None:
    with pytest.raises(HyperparameterError, match=message):
        make()


@dataclass(frozen=True)
class Harmonic(Schedule):
    """A user's own, as a dataclass."""

    first: float

    def __call__(self, step: int) -> float:
        return self.first / (1 + step)


class Silent(Schedule):
    """A user's own that cannot be saved."""

    def __call__(self, step: int) -> float:
        return 0.5


def test_own_schedules() -> None:
    schedule = Harmonic(0.5)
    assert deserialize(serialize(schedule)) == schedule
    assert repr(schedule) == "Harmonic(first=0.5)"
    assert Warmup(schedule, 4)(2) == 0.25
    assert deserialize(serialize(Warmup(schedule, 4))) == Warmup(schedule, 4)
    assert Silent() == Silent()
    with pytest.raises(HyperparameterError, match=r"Silent cannot be saved.*get_config"):
        Silent().get_config()
    with pytest.raises(TypeError, match="abstract"):
        Schedule()  # type: ignore[abstract]


def test_unknown_class_names_the_nearest() -> None:
    with pytest.raises(HyperparameterError, match=r"'CosineDecoy'; did you mean 'CosineDecay'\?"):
        deserialize({"class_name": "CosineDecoy", "config": {}})
