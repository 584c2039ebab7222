"""The base class of the optimizers that have a rule of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lamb_rs import _core
from lamb_rs._errors import (
    HyperparameterError,
    ParameterSetError,
    no_attribute,
    unknown_argument,
)
from lamb_rs._optimizer import config as config_
from lamb_rs._optimizer.base import Optimizer
from lamb_rs._optimizer.hyperparameters import check_source, hypers
from lamb_rs._optimizer.overrides import exclusions, resolve
from lamb_rs.schedules._saved import restore

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from lamb_rs._arrays import Arrays
    from lamb_rs._optimizer.hyperparameters import Overrides
    from lamb_rs._optimizer.overrides import Reasons, Settings

# The only wrapper that sets hyperparameters that are also arguments of the optimizer inside.
_HOLDER = "LossScaleOptimizer"


class Rule(Optimizer):
    """Base class of optimizers with an algorithm of the native registry.

    A subclass sets `_algorithm` to the name of its row. It has an attribute for each hyperparameter
    of its own, and a constructor with their defaults.
    """

    __slots__ = ("_overrides", "_reasons", "_settings")

    _algorithm: ClassVar[str]
    # Whether some parameters follow another rule.
    _routes: ClassVar[bool] = False
    _native: _core.Optimizer
    # The overrides that `build` got, or that came with a copy or a configuration.
    _overrides: Overrides | None
    # The settings of each parameter, with their reasons.
    _reasons: list[Reasons]
    _settings: list[Settings]

    def __init__(self, *positional: object, **arguments: Any) -> None:
        cls = type(self)
        if positional:
            raise TypeError(f"{cls.__name__}: Rule.__init__ takes keyword arguments only")
        known = [*self._defaults(), "name"]
        for name in arguments:
            if name not in known:
                raise unknown_argument(cls.__name__, name, known)
        self.name = arguments.pop("name", None) or cls.__name__.lower()
        sources = {name: value for name, value in arguments.items() if callable(value)}
        plain = {name: _plain(arguments[name]) for name in arguments if name not in sources}
        self._native = _core.Optimizer(cls._algorithm, plain, _driving(cls, sources))
        self._sources = sources
        self._pending = None
        self._held = {}
        self._outer = None
        self._overrides = None
        self._reasons = []
        self._settings = []
        self._exclusions = exclusions()

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        return {one["name"]: one["default"] for one in hypers(cls)}

    def _set(self, name: str, value: object) -> None:
        """Set a hyperparameter to a value, a schedule or a function."""
        if name in self._held:
            raise HyperparameterError(
                f"{name} of this {type(self).__name__} is set by the {_HOLDER} around it; "
                "do not set it, or use the optimizer without the wrapper"
            )
        if callable(value):
            self._native.set_source(name, value, check_source(type(self), name, value))
            self._sources[name] = value
        else:
            self._native.set(name, _plain(value))
            self._sources.pop(name, None)

    def _no_attribute(self, name: str) -> str:
        return no_attribute(type(self).__name__, name, self._defaults())

    def _leaves(self) -> list[Optimizer]:
        """Return the rules: this one, or those inside a wrapper."""
        return [self]

    # Steps

    def build(self, params: Arrays, overrides: Overrides | None = None) -> None:
        """Bind the parameters and allocate the state: see `Optimizer.build`."""
        if self._native.built:
            raise ParameterSetError(
                f"this {type(self).__name__} is built already, for {len(self.parameter_names)} "
                "parameters; make a new optimizer for others"
            )
        names, arrays = _core.flatten(params)
        excluded = self._exclusions.values()
        known = [*self._defaults(), *(["own_rule"] if self._routes else [])]
        if overrides is None:
            overrides = self._overrides
        settings, reasons = resolve(names, arrays, excluded, overrides, known)
        self._bind(params, settings if any(settings) else None)
        self._overrides = config_.copied(overrides)
        self._reasons = reasons
        self._settings = settings
        for exclusion in excluded:
            config_.by_name(exclusion, names, arrays)

    def _bind(self, params: Arrays, settings: list[dict[str, object]] | None) -> None:
        """Build the native optimizer and load a state that was kept; on an error, build nothing."""
        if self._pending is None:
            self._native.build(params, settings, None)
            return
        state, strict = self._pending

        def bind(rest: dict[str, Any], differences: list[str]) -> None:
            self._native.build(params, settings, rest if strict else None, differences)
            if not strict:
                try:
                    self._native.load_state_dict(rest, strict, differences)
                except BaseException:
                    self._unbind()
                    raise

        restore(self._sources, state, strict, bind)
        self._pending = None

    # Configuration and text

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor as a dictionary for JSON.

        It has the current numbers, schedules by class and arguments, and, if there are any, the
        patterns that were passed to ``exclude_from_...`` and the overrides of `build`.

        Raises
        ------
        HyperparameterError
            If a plain function drives a hyperparameter or selects parameters for an override, or
            if arrays were excluded before `build`.
        """
        return config_.get_config(self)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make an optimizer from the result of `get_config`.

        Parameters
        ----------
        config : mapping

        Raises
        ------
        TypeError, HyperparameterError
            As the constructor does.
        """
        return config_.from_config(cls, config)

    def _clone(self) -> Self:
        """Make an unbuilt copy, with a state that waits for `build` but without its own state."""
        made = config_.restore(type(self), config_.arguments(self), self._pending)
        return config_.with_attributes(made, self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return a recipe for a copy that is not built and restores its state in `build`."""
        built = self._native.built
        pending = (self.state_dict(), True) if built else self._pending
        arguments = (type(self), config_.arguments(self), pending)
        return config_.restore, arguments, config_.attributes(self)

    def _unbind(self) -> None:
        """Go back to before `build`."""
        self._native.unbuild()

    def explain(self) -> str:
        """Return a text that says how each parameter is updated, and why.

        Returns
        -------
        str
            The rule, the hyperparameters and, once built, a table with a row per parameter.
        """
        from lamb_rs._optimizer import report  # noqa: PLC0415 - only where it is needed

        return report.explain(self)

    def _call(self) -> str:
        """Return the call that makes this optimizer."""
        from lamb_rs._optimizer import report  # noqa: PLC0415

        return report.call(self)


def _driving(cls: type[Optimizer], sources: Mapping[str, Any]) -> dict[str, tuple[Any, bool]]:
    """Return the sources of hyperparameters, checked, and whether they are called with the step."""
    return {name: (source, check_source(cls, name, source)) for name, source in sources.items()}


def _plain(value: object) -> object:
    # JSON turns pairs into lists.
    return tuple(value) if isinstance(value, list) else value
