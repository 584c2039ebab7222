"""Hyperparameters: their types, and the attributes through which they are read and set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    Literal,
    Protocol,
    TypeAlias,
    TypedDict,
    TypeVar,
    cast,
    overload,
)

from lamb_rs._errors import HyperparameterError
from lamb_rs._registry import row
from lamb_rs.schedules import Schedule

if TYPE_CHECKING:
    from inspect import Signature
    from typing import Self

    from lamb_rs import _core
    from lamb_rs._optimizer.native import Native

Driver: TypeAlias = Schedule | Callable[[], float]
"""A schedule, or a function without arguments that is called once per update."""

Source: TypeAlias = float | Driver
"""A number, or a schedule or function that drives it."""

SOURCES = ("learning_rate", "beta_1", "beta_2", "beta_3", "momentum")
"""The hyperparameters that a schedule or a function may drive, where they may change at all."""

# None of these is the number that it looks like.
_SPECIAL: dict[str, object] = {"name": None}


class CommonArguments(TypedDict, total=False):
    """Arguments of every optimizer; `Optimizer` describes them."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None
    weight_decay_mode: Literal[
        "decoupled", "update", "l2", "after", "fixed", "corrected", "schedule", "cautious"
    ]
    ema_every: Literal["update", "call"]
    maximize: bool
    nonfinite: Literal["auto", "propagate", "raise", "skip"]
    state_dtype: Literal["float32", "bfloat16", "float8"]
    state_rounding: Literal["stochastic", "nearest"]
    seed: int
    clip_epsilon: float
    gradient_centralization: bool | Literal["conv_only"]
    ema_form: Literal["exponential", "uniform"]
    ema_start: int


class SharedArguments(CommonArguments, total=False):
    """Arguments of every optimizer whose constructor does not list `weight_decay` itself."""

    weight_decay: float | None


Read = TypeVar("Read")
Written = TypeVar("Written")
Chosen = TypeVar("Chosen")


class Holder(Protocol):
    """An object with hyperparameters."""

    @property
    def _native(self) -> Native: ...
    def _set(self, name: str, value: Any) -> None: ...


class Hyper(Generic[Read, Written]):
    """An attribute that reads and sets the native hyperparameter of its name."""

    __slots__ = ("name",)

    name: str

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Holder, owner: type) -> Read: ...
    def __get__(self, instance: Holder | None, owner: type) -> Self | Read:
        if instance is None:
            return self
        return self._read(instance._native.get(self.name))

    def _read(self, value: object) -> Read:
        return cast("Read", value)

    def __set__(self, instance: Holder, value: Written) -> None:
        instance._set(self.name, value)


class Moving(Hyper[float, Source]):
    """A number that a schedule or a function may drive; reading it returns the current number."""


class Number(Hyper[float, float]):
    """A number."""


class OptionalNumber(Hyper[float | None, float | None]):
    """A number, or None to switch the feature off."""


class Integer(Hyper[int, int]):
    """An integer."""


class OptionalInteger(Hyper[int | None, int | None]):
    """An integer, or None to switch the feature off."""


class OptionalPair(Hyper[tuple[float, float] | None, tuple[float, float] | None]):
    """Lower and upper limit, or None for no limits."""


class Switch(Hyper[bool, bool]):
    """True or False."""


class Choice(Hyper[Chosen, Chosen]):
    """One of the values that the annotation of the attribute lists."""


class LazySignature:
    """Makes `inspect.signature` and editors that use it show the shared arguments by name."""

    def __get__(self, instance: object, owner: type[Any]) -> Signature:
        # Imported here: importing the package does not need signatures.
        import inspect  # noqa: PLC0415

        own = inspect.signature(owner.__init__)
        if not hasattr(owner, "_algorithm"):
            return own.replace(parameters=list(own.parameters.values())[1:])
        parameters = [one for name, one in own.parameters.items() if name not in {"self", "shared"}]
        defaults = {**owner._defaults(), **_SPECIAL}
        annotations = SharedArguments.__annotations__
        taken = set(own.parameters)
        parameters += [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=defaults[name],
                annotation=annotations[name].__forward_arg__,
            )
            for name in shared_names()
            if name not in taken
        ]
        return inspect.Signature(parameters, return_annotation=None)


@cache
def shared_names() -> tuple[str, ...]:
    """Names of the arguments that every optimizer has, in Keras's order, then our own."""
    names = [name for name in SharedArguments.__annotations__ if name != "weight_decay"]
    return ("weight_decay", *names)


def hypers(cls: type[Any]) -> list[_core._Hyper]:
    """Return the rows of the arguments of a class, without those that only a wrapper sets."""
    return [one for one in row(cls._algorithm)["hyper"] if one["wrapper"] is None]


def check_source(cls: type[Any], name: str, source: object) -> bool:
    """Check that a schedule or function may drive a hyperparameter.

    Parameters
    ----------
    cls : type
        Class of the optimizer.
    name : str
        Name of the hyperparameter.
    source : Schedule or callable

    Returns
    -------
    bool
        Whether it is called with the step.

    Raises
    ------
    HyperparameterError
        For a hyperparameter that takes numbers only, and for a function with arguments.
    """
    moving = {one["name"] for one in hypers(cls) if one["dynamic"] and one["kind"] == "number"}
    drivable = [one for one in SOURCES if one in moving]
    if name not in drivable:
        raise HyperparameterError(
            f"{name} must be a plain value; got {source!r}. "
            f"Schedules and functions may drive {', '.join(drivable)}"
        )
    if isinstance(source, Schedule):
        return True
    if _wants_arguments(source):
        raise HyperparameterError(
            f"{name}: {source!r} takes arguments; a callable must take none. "
            "For a function of the step, subclass lamb_rs.schedules.Schedule"
        )
    return False


def _wants_arguments(function: object) -> bool:
    import inspect  # noqa: PLC0415

    try:
        parameters = inspect.signature(cast("Callable[..., object]", function)).parameters
    except (TypeError, ValueError):  # some native functions have no signature
        return False
    return any(
        one.default is one.empty and one.kind not in {one.VAR_POSITIONAL, one.VAR_KEYWORD}
        for one in parameters.values()
    )


Predicate: TypeAlias = Callable[[str, Any], bool]
Settings: TypeAlias = Mapping[str, object]

# Keys of a mapping are invariant for type checkers; this also accepts a plain dict of globs.
Overrides: TypeAlias = (
    Mapping[str, Settings] | Mapping[Predicate, Settings] | Mapping[str | Predicate, Settings]
)
"""Settings for some parameters, by glob pattern or by predicate over (name, array)."""
