"""The types in the signatures and attributes of optimizers allow what the registry allows."""

from __future__ import annotations

import inspect
import typing
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

import pytest

import lamb_rs
from lamb_rs import schedules

if typing.TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = lamb_rs.registry()
CHOICE = type(lamb_rs.Adam.epsilon_mode)
NAMES = {**vars(typing), **vars(lamb_rs.typing), "Choice": CHOICE}
SHARED = lamb_rs.typing.SharedArguments.__annotations__
# What a schedule or a function may drive, where it may change at all.
DRIVEN = {"learning_rate", "beta_1", "beta_2", "beta_3", "momentum"}
KINDS: dict[str, set[Any]] = {
    "number": {float},
    "integer": {int},
    "bool": {bool},
    "pair": {tuple[float, float]},
    "choice": set(),
}

each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


def registered(one: Any) -> set[Any]:
    """The types that a hyperparameter has, with its strings among them."""
    found = set(KINDS[one.kind])
    if one.kind == "number" and one.dynamic and one.name in DRIVEN:
        found |= set(parts(lamb_rs.typing.Source))
    if " or None" in one.range:
        found.add(NoneType)
    for choice in one.choices:
        found.add(choice if isinstance(choice, str) else type(choice))
    return found


def parts(kind: Any) -> Iterator[Any]:
    """The members of a union, with the values of a Literal in place of it."""
    if get_origin(kind) in {typing.Union, UnionType}:
        for member in get_args(kind):
            yield from parts(member)
    elif get_origin(kind) is Literal:
        yield from get_args(kind)
    else:
        yield kind


def evaluated(annotation: str) -> Any:
    return eval(annotation, NAMES)  # noqa: S307 - annotations of this package


def of_argument(cls: Any, name: str) -> set[Any]:
    """What the type of an argument of the constructor allows."""
    own = inspect.signature(cls.__init__).parameters
    kind = own[name].annotation if name in own else SHARED[name].__forward_arg__
    return set(parts(evaluated(kind)))


def of_attribute(cls: Any, name: str) -> set[Any] | None:
    """What may be assigned to an attribute, or None where its class says so without a list."""
    for base in cls.__mro__:
        if name in inspect.get_annotations(base):
            kind = evaluated(inspect.get_annotations(base)[name])
            assert get_origin(kind) is CHOICE
            return set(parts(get_args(kind)[0]))
    return None


@each_row
def test_arguments_allow_what_the_registry_allows(row: Any) -> None:
    cls = getattr(lamb_rs, row.class_name)
    for one in row.hyperparameters:
        wanted = registered(one)
        # A decay rate that may be None is a number only.
        if NoneType in wanted:
            wanted -= set(parts(lamb_rs.typing.Source)) - {float}
        assert of_argument(cls, one.name) == wanted, one.name


@each_row
def test_attributes_have_the_types_of_the_arguments(row: Any) -> None:
    cls = getattr(lamb_rs, row.class_name)
    for one in row.hyperparameters:
        allowed = of_attribute(cls, one.name)
        assert (allowed is None) == (not one.choices), one.name
        assert allowed in (None, of_argument(cls, one.name)), one.name


WITH_CHOICES = [
    (schedules.OneCycle, (0.1, 10), "form"),
    (schedules.ReduceOnPlateau, (0.1,), "mode"),
    (schedules.WarmupStableDecay, (0.1, 1, 1, 1), "form"),
]


@pytest.mark.parametrize(("cls", "required", "name"), WITH_CHOICES)
def test_schedules_allow_the_choices_of_their_types(
    cls: Any, required: tuple[float, ...], name: str
) -> None:
    choices = list(parts(evaluated(inspect.get_annotations(cls)[name])))
    for choice in choices:
        assert getattr(cls(*required, **{name: choice}), name) == choice
    listed = f"{name} must be one of {', '.join(choices)}; got 'foo'"
    with pytest.raises(lamb_rs.HyperparameterError, match=listed):
        cls(*required, **{name: "foo"})


def test_every_schedule_with_choices_is_covered() -> None:
    classes = (getattr(schedules, name) for name in schedules.__all__)
    found = {
        (cls, name)
        for cls in classes
        if isinstance(cls, type)
        for name, annotation in inspect.get_annotations(cls).items()
        if "Literal[" in annotation
    }
    assert found == {(cls, name) for cls, _, name in WITH_CHOICES}
