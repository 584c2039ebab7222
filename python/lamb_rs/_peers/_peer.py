"""An optimizer of another package, and the translation of its arguments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lamb_rs import optim, wrappers
from lamb_rs._errors import HyperparameterError, unknown_argument
from lamb_rs._optimizer.config import effective
from lamb_rs._peers._arguments import REQUIRED, Argument, RefusedError, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lamb_rs._optimizer.base import Optimizer

# Raised by arithmetic and unpacking for a value of a wrong type.
_WRONG_KIND = (TypeError, ValueError, LookupError, ArithmeticError)
_PARAMETERS = frozenset({"params", "parameters", "model", "model_params", "var_list"})


@dataclass(slots=True)
class Draft:
    """An optimizer that is about to be made: a class, its arguments, and wrappers around it."""

    rule: str
    given: Settings
    """The peer's arguments, defaults filled in."""
    settings: Settings
    layers: list[tuple[str, Settings]] = field(default_factory=list)
    excluded: dict[str, list[str]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    """What differs for parameters of some shapes, which nobody knows before `build`."""

    def add(self, settings: Settings) -> None:
        """Set what must not be set already."""
        for name, value in settings.items():
            old = self.settings.get(name)
            if value is not None and old is not None:
                raise RefusedError(f"{name} is set twice: {old!r} by the base, then {value!r}")
            self.settings[name] = value

    def make(self) -> Optimizer:
        """Make the optimizer."""
        cls = getattr(optim, self.rule)
        made: Any = cls(**effective(cls, self.settings))
        for method, patterns in self.excluded.items():
            getattr(made, method)(var_names=patterns)
        for wrapper, settings in self.layers:
            made = getattr(wrappers, wrapper)(made, **settings)
        optimizer: Optimizer = made
        return optimizer


@dataclass(frozen=True, slots=True)
class Peer:
    """A row of the table.

    Parameters
    ----------
    name : str
        Package, dot, class or function, as in the code of its users.
    rule : str
        Class of this library. For a wrapper, the class of the wrapper; empty if it only sets
        arguments of its base.
    arguments : mapping
        The arguments of the peer by name, in its order, without the parameters.
    sets : dict
        Settings that do not depend on the arguments of the peer.
    adjust : callable, optional
        Sets the settings that depend on several arguments.
    compared : bool
        Whether trajectories were compared with the running package. Otherwise, its code was read.
    note : str
        Remaining differences.
    shapes : str
        Differences for parameters of some shapes.
    wraps : bool
        Whether it takes another optimizer.
    refused : str
        Why it is refused, and what to use instead.
    """

    name: str
    rule: str = ""
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    sets: Settings = field(default_factory=dict)
    adjust: Callable[[Draft], None] | None = None
    compared: bool = False
    note: str = ""
    shapes: str = ""
    wraps: bool = False
    refused: str = ""

    def draft(self, given: Settings, inner: Draft | None = None) -> Draft:
        """Translate arguments of the peer.

        Parameters
        ----------
        given : dict
            Arguments with the names of the peer.
        inner : Draft, optional
            The base of a wrapper.

        Returns
        -------
        Draft

        Raises
        ------
        TypeError
            For an argument that the peer does not have, or that is missing.
        HyperparameterError
            For an argument that cannot be translated.
        """
        if self.refused:
            raise HyperparameterError(f"{self.name} is refused: {self.refused}")
        full = self._filled(given)
        draft = inner or Draft(self.rule, full, {"nonfinite": "propagate"})
        settings = dict(self.sets)
        for name, value in full.items():
            try:
                settings |= self.arguments[name].settings(value)
            except RefusedError as refusal:
                raise _refusal(self.name, f"{name}={value!r}", refusal) from None
        try:
            if self.wraps and self.rule:
                draft.layers.append((self.rule, settings))
            elif self.wraps:
                draft.add(settings)
            else:
                draft.settings |= settings
            draft.given = full
            if self.shapes:
                draft.told.append(f"{self.name}: {self.shapes}")
            if self.adjust is not None:
                self.adjust(draft)
        except RefusedError as refusal:
            raise _refusal(self.name, "these arguments", refusal) from None
        except _WRONG_KIND as error:
            wrong = RefusedError(f"one of them is of the wrong kind ({error})")
            raise _refusal(self.name, repr(given), wrong) from error
        return draft

    def _filled(self, given: Settings) -> Settings:
        """Check the names of arguments, and fill in defaults."""
        for name in given:
            if name in self.arguments:
                continue
            if name in _PARAMETERS:
                raise TypeError(f"{self.name}: give {name} to build(), not to from_peer()")
            raise unknown_argument(self.name, name, self.arguments)
        full = {name: given.get(name, one.default) for name, one in self.arguments.items()}
        missing = [name for name, value in full.items() if value is REQUIRED]
        if missing:
            raise TypeError(f"{self.name}() needs {', '.join(missing)}, as it does there")
        return full


def _refusal(peer: str, what: str, refusal: RefusedError) -> HyperparameterError:
    return HyperparameterError(f"{peer} cannot be built with {what}: {refusal}")
