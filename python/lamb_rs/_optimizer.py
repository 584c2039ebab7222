"""What all optimizers have in common: one native optimizer, and names for what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from lamb_rs import _config, _core, _report
from lamb_rs._errors import HyperparameterError, ParameterSetError, nearest, unknown_argument
from lamb_rs._excluding import Excluding, exclusions
from lamb_rs._groups import resolve
from lamb_rs._hyper import (
    Choice,
    Integer,
    LazySignature,
    Moving,
    Number,
    OptionalInteger,
    OptionalNumber,
    Switch,
    check_source,
    hypers,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from lamb_rs._groups import Reasons, Settings
    from lamb_rs._hyper import Overrides


# The only wrapper that sets hyperparameters which are arguments of the optimizer inside, too.
_HOLDER = "LossScaleOptimizer"


class Optimizer(Excluding):
    """Base of all optimizers and wrappers; it cannot be made itself.

    An optimizer is bound to parameters by `build`, and updates them in place with each `apply`.
    Every argument of its constructor is an attribute too, which can be read, and set between steps
    where it is a number.

    Parameters
    ----------
    learning_rate : float, Schedule or callable
        Step size. A schedule is called with the number of the call of `apply`, from 0; any other
        callable takes no arguments. Both are called once per update. Reading the attribute returns
        the value of the last update; before the first update, it computes the value for that
        update. A call of `apply` that raises or is skipped is no update: the next one uses the same
        value, unless the attribute is set again.
    weight_decay : float or None, default None
        Weight decay.
    clipnorm : float or None, default None
        Largest L2 norm of each gradient. At most one of the three clips may be set.
    clipvalue : float or None, default None
        Largest magnitude of each element of each gradient.
    global_clipnorm : float or None, default None
        Largest L2 norm of all gradients together.
    use_ema : bool, default False
        Whether to keep an exponential moving average of the parameters.
    ema_momentum : float, default 0.99
        ``average = ema_momentum * average + (1 - ema_momentum) * parameter``
    ema_overwrite_frequency : int or None, default None
        Every so many updates the parameters take the values of their averages.
    loss_scale_factor : float or None, default None
        Gradients are divided by it; `scale_loss` multiplies by it.
    gradient_accumulation_steps : int or None, default None
        The parameters are updated every so many calls, with the mean of the gradients. At least 2.
    name : str or None, default None
        For your own use; the lower-cased name of the class by default.
    weight_decay_mode : str, default "decoupled"
        Where weight decay enters. With p the parameter, g the gradient, u the direction, eta the
        learning rate and lambda the decay: "decoupled" ``p -= eta lambda p`` before the step;
        "update" ``u += lambda p``; "l2" ``g += lambda p``; "after" ``p -= eta lambda p`` after the
        step; "fixed" ``p -= lambda p``; "corrected" as "decoupled" with ``lambda eta / eta_max``;
        "schedule" ``p -= lambda eta / eta_first p``; "cautious" as "update" where u and p have the
        same sign. The default of `Lamb` is "update", of `Lars` "l2".
    ema_every : {"update", "call"}, default "update"
        Whether the average takes part in every update or, as in Keras, in every call, those that
        accumulate gradients included.
    maximize : bool, default False
        Whether to ascend.
    nonfinite : {"auto", "propagate", "raise", "skip"}, default "auto"
        What a NaN or infinity in a gradient does. "auto" raises where the gradients are read
        before the step anyway, for `clipnorm` and `global_clipnorm`, and lets them through
        elsewhere.
    state_dtype : {"float32", "bfloat16", "float8"}, default "float32"
        Storage of the moments. Running maxima, averages and accumulators stay float32; tensors
        under 4096 elements do for "float8".
    state_rounding : {"stochastic", "nearest"}, default "stochastic"
        Rounding of moments narrower than float32.
    seed : int, default 0
        Of stochastic rounding.
    clip_epsilon : float, default 0.0
        Where it is positive, a norm clip c multiplies by ``min(1, c / (norm + clip_epsilon))``, as
        torch does with 1e-6; at 0, by ``c / max(norm, c)``.
    gradient_centralization : bool or "conv_only", default False
        Whether the mean over all axes but the first is subtracted from gradients with two axes or
        more; "conv_only": with four or more. The default of `Ranger` is True.
    ema_form : {"exponential", "uniform"}, default "exponential"
        Weights of the average. "uniform" weighs all updates alike, which is stochastic weight
        averaging: ``average += (parameter - average) / (n + 1)``.
    ema_start : int, default 0
        Updates before the average starts; until then it is a copy of the parameter.

    Raises
    ------
    TypeError
        For an unknown argument; the message names the nearest.
    HyperparameterError
        For a value out of range, or a combination that is refused.
    """

    __slots__ = (
        "__weakref__",
        "_held",
        "_outer",
        "_reasons",
        "_settings",
        "name",
    )
    __signature__ = LazySignature()

    _algorithm: ClassVar[str]
    # Whether the rule averages the parameters by itself.
    _averages: ClassVar[bool] = False
    # Whether the rule sends some parameters to another one.
    _routes: ClassVar[bool] = False
    # Hyperparameters that a wrapper has set, with the values before.
    _held: dict[str, object]
    # The wrapper around it.
    _outer: str | None
    _reasons: list[Reasons]
    _settings: list[Settings]
    name: str

    learning_rate = Moving()
    weight_decay = OptionalNumber()
    clipnorm = OptionalNumber()
    clipvalue = OptionalNumber()
    global_clipnorm = OptionalNumber()
    use_ema = Switch()
    ema_momentum = Number()
    ema_overwrite_frequency = OptionalInteger()
    loss_scale_factor = OptionalNumber()
    gradient_accumulation_steps = OptionalInteger()
    weight_decay_mode: Choice[
        Literal["decoupled", "update", "l2", "after", "fixed", "corrected", "schedule", "cautious"]
    ] = Choice()
    ema_every: Choice[Literal["update", "call"]] = Choice()
    maximize = Switch()
    nonfinite: Choice[Literal["auto", "propagate", "raise", "skip"]] = Choice()
    state_dtype: Choice[Literal["float32", "bfloat16", "float8"]] = Choice()
    state_rounding: Choice[Literal["stochastic", "nearest"]] = Choice()
    seed = Integer()
    clip_epsilon = Number()
    gradient_centralization: Choice[bool | Literal["conv_only"]] = Choice()
    ema_form: Choice[Literal["exponential", "uniform"]] = Choice()
    ema_start = Integer()

    def __init__(self, *positional: object, **arguments: Any) -> None:
        cls = type(self)
        if not hasattr(cls, "_algorithm"):
            raise TypeError(_no_rule(cls))
        if positional:
            raise TypeError(f"{cls.__name__}: Optimizer.__init__ takes keyword arguments only")
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
                "leave it alone, or use the optimizer without"
            )
        if callable(value):
            self._native.set_source(name, value, check_source(type(self), name, value))
            self._sources[name] = value
        else:
            self._native.set(name, _plain(value))
            self._sources.pop(name, None)

    def __setattr__(self, name: str, value: object) -> None:
        try:
            object.__setattr__(self, name, value)
        except AttributeError:
            if hasattr(type(self), name):
                raise
            raise AttributeError(self._no_attribute(name)) from None

    def _no_attribute(self, name: str) -> str:
        return f"{type(self).__name__} has no attribute '{name}'{nearest(name, self._defaults())}"

    def _leaves(self) -> list[Optimizer]:
        """Return the rules: this one, or those inside a wrapper."""
        return [self]

    def _evaluates(self) -> bool:
        return any(
            leaf._averages or leaf.use_ema or leaf._native.get("sync_period") is not None
            for leaf in self._leaves()
        )

    # Steps

    def build(self, params: object, overrides: Overrides | None = None) -> None:
        """Bind the parameters and allocate the state.

        Parameters
        ----------
        params : array, sequence or nested mapping of arrays
            C-contiguous float32 arrays. They are bound, never copied: each `apply` writes to them.
            Their names are "0", "1", ... in a sequence; those of nested mappings are joined by "/".
        overrides : mapping, optional
            What differs for some parameters. Keys are glob patterns over names ("*" crosses "/",
            and "*/bias" also matches "bias") or predicates ``(name, array) -> bool``; values are
            dicts that set any number the constructor takes, ``weight_decay=None``,
            `learning_rate` (in place of the optimizer's), `learning_rate_multiplier`,
            ``layer_adaptation=False``, ``trainable=False``, or ``own_rule=False`` where a rule
            sends some parameters to another one, as `Muon` does. Later entries win.

        Raises
        ------
        ParameterSetError
            If it is built already, or if a pattern, predicate or array matches no parameter.
        DTypeError, LayoutError, ReadOnlyError, AliasError
            For an array that cannot be updated in place.
        HyperparameterError
            For an override that does not exist or is out of range.
        StateMismatchError
            If a state is waiting that does not belong to these parameters.
        """
        if self._native.built:
            raise ParameterSetError(
                f"this {type(self).__name__} is built already, for {len(self.parameter_names)} "
                "parameters; make a new optimizer for others"
            )
        names, arrays = _core.flatten(params)
        excluded = self._exclusions.values()
        known = [*self._defaults(), *(["own_rule"] if self._routes else [])]
        settings, reasons = resolve(names, arrays, excluded, overrides, known)
        self._bind(params, settings if any(settings) else None)
        self._reasons = reasons
        self._settings = settings
        for exclusion in excluded:
            _config.by_name(exclusion, names, arrays)

    def apply(self, grads: object, params: object = None) -> bool:
        """Update the parameters in place, by one step.

        Parameters
        ----------
        grads : array, sequence or nested mapping of arrays
            Of the structure that was built; C-contiguous float32, bfloat16 or float16. None leaves
            a parameter alone. Gradients are never written to.
        params : array, sequence or nested mapping of arrays, optional
            As in Keras: the first call builds, later ones must name the same memory.

        Returns
        -------
        bool
            True if parameters changed; False while gradients are accumulated and for a step that
            was skipped.

        Raises
        ------
        NotBuiltError
            Without `params` before `build`.
        ParameterSetError
            For gradients that are missing, unknown or all None, and for parameters that moved.
        DTypeError, LayoutError, ShapeError, AliasError
            For an array that is no gradient of its parameter.
        NonFiniteError
            For NaN or infinity, where `nonfinite` says so.
        """
        if params is None:
            return self._native.apply(grads)
        if self._native.built:
            self._native.check_params(params)
        else:
            self.build(params)
        return self._native.apply(grads)

    def scale_loss(self, loss: Any) -> Any:
        """Return the loss times `loss_scale_factor`, or as it is where that is None."""
        factor = self.loss_scale_factor
        return loss if factor is None else loss * factor

    # Saving and telling

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, as JSON can hold them.

        Numbers are those of now; schedules are described by class and arguments; patterns given to
        ``exclude_from_...`` are in it if there are any.

        Raises
        ------
        HyperparameterError
            If a plain function drives a hyperparameter, or arrays were excluded before `build`.
        """
        return _config.get_config(self)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make an optimizer from what `get_config` returned.

        Parameters
        ----------
        config : mapping

        Raises
        ------
        TypeError, HyperparameterError
            As the constructor does.
        """
        return _config.from_config(cls, config)

    def _clone(self) -> Self:
        """Make one like it that is not built, with what waits for `build` but without state."""
        made = _config.restore(type(self), _config.arguments(self), self._pending)
        return _config.with_attributes(made, self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles and deep copies are not built; their state waits for `build`."""
        built = self._native.built
        pending = (self.state_dict(), True) if built else self._pending
        arguments = (type(self), _config.arguments(self), pending)
        return _config.restore, arguments, _config.attributes(self)

    def _unbind(self) -> None:
        """Go back to before `build`."""
        self._native.unbuild()

    def explain(self) -> str:
        """Say what happens to each parameter, and why.

        Returns
        -------
        str
            The rule, the hyperparameters and, once built, a table with a row per parameter.
        """
        return _report.explain(self)

    def summary(self) -> str:
        """Say in a few lines what this optimizer is and how far it has come.

        Returns
        -------
        str
            Counters, memory, and a table with a row per group of parameters treated alike.
        """
        return _report.summary(self)

    def _call(self) -> str:
        """Return the call that makes this optimizer."""
        return _report.call(self)

    def __repr__(self) -> str:
        return _report.representation(self)


def _no_rule(cls: type[Optimizer]) -> str:
    if cls is Optimizer:
        return (
            "Optimizer is the base class of all optimizers and has no rule of its own; "
            "use one of them, such as lamb_rs.AdamW(); lamb_rs.optimizers() lists all"
        )
    return (
        f"{cls.__name__} subclasses Optimizer itself, which has no rule; subclass one of the "
        "optimizers, such as lamb_rs.AdamW. The rules are native code and cannot be written in "
        "Python"
    )


def _driving(cls: type[Optimizer], sources: Mapping[str, Any]) -> dict[str, tuple[Any, bool]]:
    """Return what drives hyperparameters, checked, and whether it is called with the step."""
    return {name: (source, check_source(cls, name, source)) for name, source in sources.items()}


def _plain(value: object) -> object:
    # JSON turns pairs into lists.
    return tuple(value) if isinstance(value, list) else value
