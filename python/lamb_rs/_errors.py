"""Exceptions, and the hints in their messages."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Never

Made = TypeVar("Made")


class LambError(Exception):
    """Base class of all errors of this package. A call that raises one has changed nothing."""


class DTypeError(LambError, TypeError):
    """An array of a dtype or type that is not supported."""


class LayoutError(LambError, ValueError):
    """An array that is not C-contiguous, or not aligned."""


class ReadOnlyError(LambError, ValueError):
    """A parameter that cannot be written to."""


class ShapeError(LambError, ValueError):
    """A shape that differs from the parameter's."""


class ParameterSetError(LambError, ValueError):
    """Parameters or gradients that are missing, unknown, replaced or bound already."""


class AliasError(LambError, ValueError):
    """Memory that two arrays share, although a step writes to one of them."""


class ConcurrentStepError(LambError, RuntimeError):
    """Parameters or an optimizer that are in use by another step or block."""


class NonFiniteError(LambError, FloatingPointError):
    """NaN or infinity where it is not allowed."""


class HyperparameterError(LambError, ValueError):
    """A hyperparameter that is unknown, out of range or refused in a combination."""


class StateMismatchError(LambError, ValueError):
    """A state that does not belong to this optimizer; the message lists all differences.

    Attributes
    ----------
    summary : str
        The first line of the message.
    differences : tuple of str
        The differences, one line each.
    """

    def __init__(self, summary: str, differences: Iterable[str] = ()) -> None:
        self.summary = summary
        self.differences = tuple(differences)
        super().__init__(summary + "".join(f"\n  - {one}" for one in self.differences))

    def __reduce__(self) -> tuple[type[StateMismatchError], tuple[str, tuple[str, ...]]]:
        return type(self), (self.summary, self.differences)


class CheckpointError(LambError, ValueError):
    """A checkpoint that is damaged or of an unknown format."""


class ConfigurationWarning(UserWarning):
    """A checkpoint that was saved with other arguments than the optimizer that loads it has."""


class NotBuiltError(LambError, RuntimeError):
    """An optimizer that is used before `build`."""


class InternalError(LambError, RuntimeError):
    """A defect of this package; please report it."""


# Names in other packages that a similarity of spelling does not find, with candidates in order.
_FOREIGN: dict[str, tuple[str, ...]] = {
    "alpha": ("slow_step_size", "rho"),
    "anneal_strategy": ("form",),
    "base_lr": ("initial_learning_rate", "learning_rate"),
    "betas": ("beta_1' and 'beta_2",),
    "decay": ("weight_decay",),
    "div_factor": ("initial_divisor",),
    "eps": ("epsilon",),
    "eta_min": ("end_learning_rate",),
    "final_div_factor": ("final_divisor",),
    "gamma": ("decay_rate", "factor"),
    "k": ("sync_period",),
    "l2": ("weight_decay",),
    "lr": ("learning_rate", "initial_learning_rate", "peak_learning_rate"),
    "max_grad_norm": ("global_clipnorm",),
    "max_lr": ("peak_learning_rate",),
    "max_norm": ("global_clipnorm",),
    "milestones": ("boundaries",),
    "min_lr": ("minimum_learning_rate", "end_learning_rate"),
    "pct_start": ("rise_share",),
    "t_0": ("first_decay_steps",),
    "t_max": ("decay_steps",),
    "t_mult": ("t_mul",),
    "total_iters": ("decay_steps", "total_steps", "warmup_steps"),
    "wd": ("weight_decay",),
}


# Attributes of other packages' optimizers, and their replacements.
_ELSEWHERE: dict[str, str] = {
    "add_param_group": "pass all parameters to build; overrides sets the settings of some of them",
    "apply_gradients": (
        "call apply(grads) with the gradients alone, not pairs of gradient and variable, in the "
        "same structure as the parameters of build"
    ),
    "defaults": "get_config() returns the arguments of the constructor",
    "init": "call build(params); the optimizer holds the state itself",
    "minimize": "compute the gradients with another package, then call apply(grads)",
    "param_groups": (
        "read and set hyperparameters as attributes, such as learning_rate; for settings of "
        "some parameters, call build(params, overrides={'*/bias': {'weight_decay': None}})"
    ),
    "step": "call apply(grads), with the gradients in the structure of the parameters",
    "update": "call apply(grads), which updates the parameters in place",
    "variables": "state_dict() returns a copy of the state, and load_state_dict(state) restores it",
    "zero_grad": (
        "leave it out: apply(grads) takes the gradients of each step and does not add them up; see "
        "gradient_accumulation_steps for sums over several calls"
    ),
}


ELSEWHERE = frozenset({*_ELSEWHERE, "betas", "eps", "lr"})
"""Attributes that only optimizers of other packages have."""


class _Elsewhere:
    """An attribute of other packages' optimizers; reading it raises and names the replacement.

    A subclass can have an attribute of this name, since this descriptor has no ``__set__``.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance: object, owner: type) -> Never:
        message = no_attribute(owner.__name__, self.name, dir(owner))
        raise AttributeError(message)


def with_remedies(cls: type[Made]) -> type[Made]:
    """Add attributes to a class that raise and name the replacement of foreign attributes.

    `hasattr` is false for them. Unlike ``__getattr__``, this does not slow other attributes down.
    """
    for name in ELSEWHERE:
        setattr(cls, name, _Elsewhere(name))
    return cls


def no_attribute(kind: str, name: str, known: Iterable[str]) -> str:
    """Return the message for an attribute that a class does not have.

    Parameters
    ----------
    kind : str
        Name of the class.
    name : str
        Name of the attribute.
    known : iterable of str
        The existing attributes.
    """
    use = _ELSEWHERE.get(name)
    hint = f"; {use}" if use else nearest(name, [one for one in known if one != name])
    return f"{kind} has no attribute '{name}'{hint}"


def shown(value: object) -> str:
    """Return a short representation of a value; for an array, only its shape."""
    shape = getattr(value, "shape", None)
    if shape:
        return f"an array of shape {tuple(shape)}"
    if isinstance(value, dict | list | tuple) and len(value) > 2:
        return f"a {type(value).__name__} of {len(value)} items"
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}..."


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known name most similar to `name`, or "".

    Parameters
    ----------
    name : str
        Name that the user wrote.
    known : iterable of str
        Existing names.
    """
    # Imported here, for error messages only: it takes longer than most of this package.
    import difflib  # noqa: PLC0415

    known = list(known)
    spelled = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), spelled, n=1, cutoff=0.5)
    for foreign in _FOREIGN.get(name.lower(), ()):
        if foreign.partition("'")[0] in known:
            return f"; did you mean '{foreign}'?"
    return f"; did you mean '{spelled[close[0]]}'?" if close else ""


def unknown_argument(caller: str, name: str, known: Iterable[str]) -> TypeError:
    """Make the error for a keyword that `caller` does not have.

    Parameters
    ----------
    caller : str
        Name of the function or class.
    name : str
        The keyword.
    known : iterable of str
        The existing keywords.
    """
    return TypeError(f"{caller}() has no argument '{name}'{nearest(name, known)}")


def explaining(init: Callable[..., None]) -> Callable[..., None]:
    """Return a constructor that raises `unknown_argument` for keywords that it does not have."""
    code = init.__code__
    known = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]

    @wraps(init)
    def checked(self: object, *args: Any, **arguments: Any) -> None:
        for name in arguments:
            if name not in known:
                raise unknown_argument(type(self).__name__, name, known)
        init(self, *args, **arguments)

    return checked
