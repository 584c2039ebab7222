"""The base class of wrappers: optimizers that contain other optimizers."""

from __future__ import annotations

import copy
import sys
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from lamb_rs import optim
from lamb_rs._errors import (
    HyperparameterError,
    ParameterSetError,
    StateMismatchError,
    explaining,
    nearest,
    no_attribute,
)
from lamb_rs._optimizer import config as config_
from lamb_rs._optimizer.base import Optimizer
from lamb_rs._optimizer.hyperparameters import shared_names
from lamb_rs._optimizer.report import written
from lamb_rs._text import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

    from lamb_rs._optimizer.rule import Rule


class Wrapper(Optimizer):
    """Base class of all wrappers.

    A wrapper has the methods and attributes of `Optimizer`. The shared hyperparameters read and set
    those of the optimizer inside. Hyperparameters that only the optimizer inside has are attributes
    of that optimizer.
    """

    __slots__ = ()

    # For `explain`: one line, the formula, the source, and the meanings of the arguments.
    _summary: ClassVar[str]
    _formula: ClassVar[tuple[str, ...]] = ()
    _source: ClassVar[str] = ""
    _meanings: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # The constructor of a user's class may take any arguments.
        if "__init__" in cls.__dict__ and cls.__module__.startswith("lamb_rs."):
            cls.__init__ = explaining(cls.__init__)  # type: ignore[method-assign]

    @abstractmethod
    def _inside(self) -> Sequence[Optimizer]:
        """Return the optimizers inside."""

    def _arguments(self) -> dict[str, Any]:
        """Return the arguments of the constructor other than optimizers and name."""
        return {name: getattr(self, name) for name in self._meanings}

    def _adopt(self, name: str | None) -> None:
        """Take a name and the optimizers inside, after everything that can fail."""
        self.name = name or type(self).__name__.lower()
        self._pending = None
        self._outer = None
        self._held = {}
        self._sources = {}
        self._exclusions = {}
        for one in self._inside():
            one._outer = type(self).__name__

    def _leaves(self) -> list[Rule]:
        return [leaf for one in self._inside() for leaf in one._leaves()]

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        return dict.fromkeys([*cls._meanings, "learning_rate", *shared_names()])

    def _no_attribute(self, name: str) -> str:
        kind = type(self).__name__
        for one in self._inside():
            if not name.startswith("_") and hasattr(type(one), name):
                inner = type(one).__name__
                return f"{kind} has no attribute '{name}'; set and read it on the {inner} inside"
        return no_attribute(kind, name, self._defaults())

    if not TYPE_CHECKING:  # otherwise a type checker allows reading any attribute

        def __getattr__(self, name: str) -> Any:
            # Called only for attributes that are not found. A copy that is being made has none yet.
            if name.startswith("_") or name in {"inner", "optimizers", "name"}:
                raise AttributeError(f"{type(self).__name__} has no attribute '{name}'")
            raise AttributeError(self._no_attribute(name))

    def reset(self) -> None:
        """Reset state and counters to those after `build`; the parameters are unchanged.

        Raises
        ------
        NotBuiltError
            Before `build`.
        """
        self._bound().reset()

    # Saving

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor and of the optimizers inside, for JSON.

        Raises
        ------
        HyperparameterError
            As `get_config` of the optimizers inside.
        """
        return {**self._optimizers(_serialized), **self._arguments(), "name": self.name}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make a wrapper and the optimizers inside from the result of `get_config`.

        Parameters
        ----------
        config : mapping

        Raises
        ------
        TypeError, HyperparameterError
            As the constructors do.
        """
        if not isinstance(config, Mapping):
            raise HyperparameterError(f"config must be the result of get_config; got {config!r}")
        return cls(**{name: revived(value) for name, value in config.items()})

    @abstractmethod
    def _optimizers(self, form: Any) -> dict[str, Any]:
        """Return the arguments of the constructor that are optimizers, in some form."""

    def _clone(self) -> Self:
        config = {**self._optimizers(_clone), **self._arguments(), "name": self.name}
        made = config_.restore(type(self), config, copy.copy(self._pending))
        return config_.with_attributes(made, self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return a recipe for a copy that is not built and restores its state in `build`."""
        config = {**self._optimizers(_clone), **self._arguments(), "name": self.name}
        pending = (self.state_dict(), True) if self.built else self._pending
        return config_.restore, (type(self), config, pending), config_.attributes(self)

    # Telling

    def explain(self) -> str:
        """Return a text about the wrapper and about how each parameter is updated, and why.

        Returns
        -------
        str
        """
        source = f" ({self._source})" if self._source else ""
        first = f"{type(self).__name__}: {self._summary}{source}"
        formula = [f"    {line}" for line in self._formula]
        blocks = [[first], formula, table(self._hyper_rows()), [self._explain_inside()]]
        return "\n\n".join("\n".join(block) for block in blocks if block)

    def _hyper_rows(self) -> list[list[str]]:
        return [
            [name, repr(value), self._meanings[name]] for name, value in self._arguments().items()
        ]

    @abstractmethod
    def _explain_inside(self) -> str:
        """Return what the optimizers inside explain."""

    def _written(self, inside: Iterable[str]) -> str:
        """Return a call with the optimizers inside and the arguments that differ from defaults."""
        # Imported here, since the import is slow.
        import inspect  # noqa: PLC0415

        known = inspect.signature(type(self)).parameters
        own = [
            f"{name}={value!r}"
            for name, value in self._arguments().items()
            if value != known[name].default
        ]
        return written(self, [*inside, *own])


def check_inner(kind: str, inner: object) -> Optimizer:
    """Check that an object can be wrapped.

    Parameters
    ----------
    kind : str
        Name of the wrapper's class.
    inner : object

    Raises
    ------
    HyperparameterError
        For an object that is not an optimizer, or is wrapped already.
    ParameterSetError
        For an optimizer that is built.
    """
    if not isinstance(inner, Optimizer):
        raise HyperparameterError(
            f"{kind} goes around an optimizer such as lamb_rs.AdamW(); got {inner!r}"
        )
    name = type(inner).__name__
    if inner._outer is not None:
        raise HyperparameterError(
            f"this {name} is inside a {inner._outer} already; make another one for {kind}"
        )
    if inner.built:
        raise ParameterSetError(
            f"this {name} is built already; put it into {kind} before, and build the {kind}"
        )
    return inner


def blamed(inner: Optimizer, kind: str) -> str:
    """Return the class inside because of which a wrapper of this kind is refused."""
    inside = [inner]
    while inside:
        one = inside.pop()
        if not isinstance(one, Wrapper) or type(one).__name__ == kind:
            return type(one).__name__
        inside += reversed(one._inside())
    raise AssertionError("a wrapper without an optimizer")


def hold(kind: str, leaves: Iterable[Rule], settings: Mapping[str, object]) -> None:
    """Set native hyperparameters of all of some rules, or of none if one is refused.

    Parameters
    ----------
    kind : str
        Name of the wrapper's class.
    leaves : iterable of Rule
    settings : mapping
        Values by their native names.

    Raises
    ------
    HyperparameterError
        For a value that is refused.
    """
    values = dict(settings)
    done: list[tuple[Rule, dict[str, object]]] = []
    try:
        for leaf in leaves:
            before = {name: leaf._native.get(name) for name in settings}
            leaf._native.configure(values)
            done.append((leaf, before))
    except BaseException as error:
        for leaf, before in done:
            leaf._native.configure(before)
        if not isinstance(error, HyperparameterError):
            raise
        raise HyperparameterError(f"{kind}: {error}") from None


def load_together(
    parts: Iterable[tuple[Optimizer, dict[str, Any], str]], strict: bool, more: Iterable[str] = ()
) -> None:
    """Restore several states: all, or none if one does not fit.

    Parameters
    ----------
    parts : iterable of (optimizer, state, prefix)
        The prefix precedes the names of scalars in messages.
    strict : bool
    more : iterable of str
        Differences that were found before.

    Raises
    ------
    StateMismatchError
        With all differences.
    """
    done: list[tuple[Optimizer, dict[str, Any]]] = []
    wrong = list(more)
    for part, state, prefix in parts:
        before = part.state_dict()
        try:
            part.load_state_dict(state, strict)
        except StateMismatchError as error:
            wrong += [one.replace("'optimizer/", f"'{prefix}") for one in differences(error)]
        else:
            done.append((part, before))
    if wrong:
        for part, before in done:
            part.load_state_dict(before)
        raise mismatch(wrong)


def differences(error: StateMismatchError) -> list[str]:
    """Return the differences that an error lists, or its whole text."""
    return list(error.differences) or [error.summary]


def mismatch(wrong: Iterable[str]) -> StateMismatchError:
    """Make the error that lists differences."""
    head = "the state does not fit this optimizer; nothing was changed:"
    return StateMismatchError(head, wrong)


def _serialized(optimizer: Optimizer) -> dict[str, Any]:
    return {"class_name": type(optimizer).__name__, "config": optimizer.get_config()}


def _clone(optimizer: Optimizer) -> Optimizer:
    return optimizer._clone()


def revived(value: Any) -> Any:
    """Make the optimizers in an argument of a configuration."""
    if isinstance(value, list | tuple):
        return type(value)(revived(one) for one in value)
    if not isinstance(value, Mapping) or "class_name" not in value:
        return value
    name = str(value["class_name"])
    known = {cls.__name__: cls for cls in _subclasses(cast("Any", Optimizer))}
    wrappers = sys.modules[__name__.rpartition(".")[0]]
    # The module of a class of this package is imported when the class is used.
    for package in (optim, wrappers):
        if name not in known and name in package.__all__:
            known[name] = getattr(package, name)
    if name not in known:
        names = {*known, *optim.__all__, *wrappers.__all__}
        raise HyperparameterError(f"unknown optimizer '{name}'{nearest(name, names)}")
    return known[name].from_config(value.get("config", {}))


def _subclasses(cls: type[Optimizer]) -> Iterable[type[Optimizer]]:
    for one in cls.__subclasses__():
        yield one
        yield from _subclasses(one)
