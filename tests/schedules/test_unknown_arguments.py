"""The message for an unknown argument names the class and the nearest argument it has."""

from __future__ import annotations

import dataclasses
import inspect

import pytest

from lamb_rs import schedules
from lamb_rs.schedules import Schedule

CLASSES = [
    cls
    for cls in (getattr(schedules, name) for name in schedules.__all__)
    if isinstance(cls, type) and issubclass(cls, Schedule) and not inspect.isabstract(cls)
]
ARGUMENTS = [(cls, one.name) for cls in CLASSES for one in dataclasses.fields(cls)]


def test_every_schedule_is_covered() -> None:
    assert {cls.__name__ for cls in CLASSES} == set(schedules.__all__) - {
        "Schedule",
        "StatefulSchedule",
        "deserialize",
        "serialize",
    }


@pytest.mark.parametrize(
    ("cls", "name"), ARGUMENTS, ids=[f"{cls.__name__}-{name}" for cls, name in ARGUMENTS]
)
def test_a_misspelt_argument_names_the_nearest(cls: type[Schedule], name: str) -> None:
    misspelt = name[:-1]
    with pytest.raises(TypeError) as caught:
        cls(**{misspelt: 1})
    assert str(caught.value) == (
        f"{cls.__name__}() has no argument '{misspelt}'; did you mean '{name}'?"
    )


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_an_argument_like_no_other_has_no_suggestion(cls: type[Schedule]) -> None:
    with pytest.raises(TypeError) as caught:
        cls(zzz=1)
    assert str(caught.value) == f"{cls.__name__}() has no argument 'zzz'"


OTHER_PACKAGES = {
    "CosineDecay": {"steps": "decay_steps", "T_max": "decay_steps", "lr": "initial_learning_rate"},
    "CosineDecayRestarts": {"T_0": "first_decay_steps", "T_mult": "t_mul"},
    "ExponentialDecay": {"gamma": "decay_rate", "learning_rate": "initial_learning_rate"},
    "OneCycle": {
        "anneal_strategy": "form",
        "div_factor": "initial_divisor",
        "final_div_factor": "final_divisor",
        "max_lr": "peak_learning_rate",
        "pct_start": "rise_share",
    },
    "PiecewiseConstantDecay": {"milestones": "boundaries"},
    "PolynomialDecay": {"total_iters": "decay_steps", "eta_min": "end_learning_rate"},
    "ReduceOnPlateau": {"gamma": "factor", "min_lr": "minimum_learning_rate"},
    "Warmup": {"num_warmup_steps": "warmup_steps", "total_iters": "warmup_steps"},
    "WarmupStableDecay": {"lr": "peak_learning_rate"},
}


@pytest.mark.parametrize(
    ("name", "foreign", "meant"),
    [(name, *pair) for name, names in OTHER_PACKAGES.items() for pair in names.items()],
)
def test_names_of_other_packages(name: str, foreign: str, meant: str) -> None:
    with pytest.raises(TypeError) as caught:
        getattr(schedules, name)(**{foreign: 1})
    assert str(caught.value) == (f"{name}() has no argument '{foreign}'; did you mean '{meant}'?")


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_the_signature_is_that_of_the_fields(cls: type[Schedule]) -> None:
    names = [one.name for one in dataclasses.fields(cls)]
    assert list(inspect.signature(cls).parameters) == names
