"""Exceptions, and the hints in their messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class LambError(Exception):
    """Base of every error of this package. A call that raises one has changed nothing."""


class DTypeError(LambError, TypeError):
    """An array of a dtype or type that is not supported."""


class LayoutError(LambError, ValueError):
    """An array that is not C-contiguous, or not aligned."""


class ReadOnlyError(LambError, ValueError):
    """A parameter that cannot be written to."""


class ShapeError(LambError, ValueError):
    """A shape that differs from the parameter's."""


class ParameterSetError(LambError, ValueError):
    """Parameters or gradients that are missing, unknown, moved or bound already."""


class AliasError(LambError, ValueError):
    """Memory that would be written twice, or written and read."""


class ConcurrentStepError(LambError, RuntimeError):
    """Parameters or an optimizer that something else is using at this moment."""


class NonFiniteError(LambError, FloatingPointError):
    """NaN or infinity where it is not allowed."""


class HyperparameterError(LambError, ValueError):
    """A hyperparameter that is unknown, out of range or refused in a combination."""


class StateMismatchError(LambError, ValueError):
    """A state that does not belong to this optimizer; the message lists all differences."""


class CheckpointError(LambError, ValueError):
    """A checkpoint that is damaged or of an unknown format."""


class NotBuiltError(LambError, RuntimeError):
    """An optimizer that is used before `build`."""


class InternalError(LambError, RuntimeError):
    """A defect of this package; please report it."""


# Names of other packages that no spelling distance would find; the first that is known is meant.
_FOREIGN: dict[str, tuple[str, ...]] = {
    "anneal_strategy": ("form",),
    "base_lr": ("initial_learning_rate", "learning_rate"),
    "betas": ("beta_1' and 'beta_2",),
    "decay": ("weight_decay",),
    "div_factor": ("initial_divisor",),
    "eps": ("epsilon",),
    "eta_min": ("end_learning_rate",),
    "final_div_factor": ("final_divisor",),
    "gamma": ("decay_rate", "factor"),
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


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known name nearest to `name`, or nothing.

    Parameters
    ----------
    name : str
        What was written.
    known : iterable of str
        What could have been meant.
    """
    # Only needed to say what went wrong: importing it takes longer than most of this package.
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
        The keywords there are.
    """
    return TypeError(f"{caller}() has no argument '{name}'{nearest(name, known)}")
