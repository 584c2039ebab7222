"""The base class of optimizers and wrappers: the public surface, in terms of a `Native`."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn, cast

from lamb_rs._errors import (
    ELSEWHERE,
    ConcurrentStepError,
    HyperparameterError,
    NotBuiltError,
    with_remedies,
)
from lamb_rs._optimizer.hyperparameters import (
    Choice,
    Integer,
    LazySignature,
    Moving,
    Number,
    OptionalInteger,
    OptionalNumber,
    Switch,
)
from lamb_rs.schedules._saved import as_state, remembered, restore
from lamb_rs.schedules._stateful import remembering

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray

    from lamb_rs._arrays import Arrays, Gradients
    from lamb_rs._optimizer.description import Description
    from lamb_rs._optimizer.hyperparameters import Driver, Overrides
    from lamb_rs._optimizer.native import Native
    from lamb_rs._optimizer.overrides import Exclusion


@with_remedies
class Optimizer(ABC):
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
        update. A call of `apply` that raises or is skipped is not an update: the next one uses the
        same value, unless the attribute is set again.
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
        "_exclusions",
        "_held",
        "_native",
        "_outer",
        "_pending",
        "_sources",
        "name",
    )
    __signature__ = LazySignature()

    # Whether the rule averages the parameters by itself.
    _averages: ClassVar[bool] = False
    _exclusions: dict[str, Exclusion]
    # Hyperparameters that a wrapper has set, with the values before.
    _held: dict[str, object]
    _native: Native
    # The wrapper around it.
    _outer: str | None
    # A state that waits for `build`, and whether it is loaded strictly.
    _pending: tuple[dict[str, Any], bool] | None
    # What drives hyperparameters.
    _sources: dict[str, Driver]
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

    def __new__(cls, *_: object, **__: object) -> Self:
        if getattr(cls, "__abstractmethods__", None):
            raise TypeError(_no_rule(cls))
        return super().__new__(cls)

    # What the two kinds of optimizers, rules and wrappers, have each in their own way

    @classmethod
    @abstractmethod
    def _defaults(cls) -> dict[str, Any]:
        """Return the arguments of the constructor with their defaults."""

    @abstractmethod
    def _set(self, name: str, value: Any) -> None:
        """Set a hyperparameter to a value, a schedule or a function."""

    @abstractmethod
    def _no_attribute(self, name: str) -> str:
        """Return the message for an attribute that does not exist."""

    @abstractmethod
    def _leaves(self) -> Sequence[Any]:
        """Return the rules: this one, or those inside a wrapper."""

    @abstractmethod
    def _clone(self) -> Self:
        """Make one like it that is not built, with what waits for `build` but without state."""

    @abstractmethod
    def _unbind(self) -> None:
        """Go back to before `build`."""

    @abstractmethod
    def _call(self) -> str:
        """Return the call that makes this optimizer."""

    if not TYPE_CHECKING:  # a type checker would take it that any attribute may be set

        def __setattr__(self, name: str, value: object) -> None:
            try:
                object.__setattr__(self, name, value)
            except AttributeError:
                if hasattr(type(self), name):
                    raise
                raise AttributeError(self._no_attribute(name)) from None

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if name not in ELSEWHERE]

    # Steps

    @abstractmethod
    def build(self, params: Arrays, overrides: Overrides | None = None) -> None:
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

    def apply(self, grads: Gradients, params: Arrays | None = None) -> bool:
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
            For an array that cannot be the gradient of its parameter.
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

    # Readings

    def _bound(self) -> Native:
        """Return the native optimizer, if it has parameters."""
        if not self._native.built:
            raise NotBuiltError(
                f"this {type(self).__name__} is not built; "
                "call build(params) first, or apply(grads, params)"
            )
        return self._native

    @property
    def built(self) -> bool:
        """Whether parameters are bound."""
        return self._native.built

    @property
    def iterations(self) -> int:
        """Updates done."""
        return self._native.iterations

    @property
    def calls(self) -> int:
        """Calls of `apply` done, those that accumulate included, skipped ones not."""
        return self._native.calls

    @property
    def skipped_steps(self) -> int:
        """Calls skipped for a gradient that was not finite."""
        return self._native.skipped_steps

    @property
    def last_skip(self) -> str | None:
        """Why the last skipped call was skipped."""
        return self._native.last_skip

    @property
    def parameter_names(self) -> list[str]:
        """Names of the parameters."""
        return self._native.parameter_names

    @property
    def trust_ratios(self) -> NDArray[np.float64] | None:
        """Trust ratio of each parameter in the last step, NaN where it is not adapted.

        None before the first step and for rules without a ratio.
        """
        return self._native.trust_ratios

    @property
    def weight_norms(self) -> NDArray[np.float64] | None:
        """L2 norm of each parameter as the last trust ratio saw it; NaN and None as there."""
        return self._native.weight_norms

    @property
    def update_norms(self) -> NDArray[np.float64] | None:
        """L2 norm of each direction as the last trust ratio saw it; NaN and None as there."""
        return self._native.update_norms

    @property
    def last_learning_rate(self) -> float:
        """Learning rate of the last update, before overrides; NaN before the first update."""
        return self._native.last_learning_rate

    @property
    def gradient_norm(self) -> float | None:
        """L2 norm of all gradients of the last step, where a norm clip computed it."""
        return self._native.gradient_norm

    @property
    def averages(self) -> dict[str, NDArray[np.float32]]:
        """Read-only views of the averages by name; none without ``use_ema=True``."""
        return self._bound().averages()

    @property
    def state_bytes(self) -> int:
        """Bytes of state."""
        return self._native.state_bytes

    # Exclusions

    def exclude_from_weight_decay(
        self, var_list: Sequence[Any] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Exclude parameters from weight decay; before `build` only.

        Parameters
        ----------
        var_list : sequence of arrays, optional
            The very arrays that `build` gets.
        var_names : sequence of str, optional
            Regular expressions that are searched in the names.

        Raises
        ------
        HyperparameterError
            After `build`, and for something that is not a pattern. A pattern that matches nothing
            raises in `build`.
        """
        self._exclude("exclude_from_weight_decay", var_list, var_names)

    def exclude_from_layer_adaptation(
        self, var_list: Sequence[Any] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Exclude parameters from the trust ratio; before `build` only.

        Parameters
        ----------
        var_list : sequence of arrays, optional
            The very arrays that `build` gets.
        var_names : sequence of str, optional
            Regular expressions that are searched in the names.

        Raises
        ------
        HyperparameterError
            After `build`, and for something that is not a pattern. A pattern that matches nothing
            raises in `build`.
        """
        self._exclude("exclude_from_layer_adaptation", var_list, var_names)

    def _exclude(
        self, method: str, var_list: Sequence[Any] | None, var_names: Sequence[str] | None
    ) -> None:
        if self._native.built:
            raise HyperparameterError(
                f"{method} has no effect after build; call it before, or make a new optimizer"
            )
        self._exclusions[method].add(var_list, var_names)

    # State

    def state_dict(self) -> dict[str, Any]:
        """Copy the state: ``"<parameter>/<slot>"`` to array, ``"optimizer/..."`` to number.

        Parameters and hyperparameters are not in it.

        Raises
        ------
        NotBuiltError
            Before `build`.
        """
        return self._bound().state_dict() | remembered(self._sources)

    def load_state_dict(self, d: Mapping[str, Any], strict: bool = True) -> None:
        """Restore state and counters; before `build` they are kept until then.

        Parameters
        ----------
        d : mapping
            From `state_dict`.
        strict : bool, default True
            Whether a missing or unknown entry is an error.

        Raises
        ------
        StateMismatchError
            For a state of other parameters or of another algorithm; it lists all differences.
        """
        if self._native.built:
            native = self._native
            restore(self._sources, d, strict, lambda rest: native.load_state_dict(rest, strict))
        else:
            self._pending = (copy.deepcopy(as_state(d)), strict)  # the caller may change its arrays

    def load_peer_state(self, framework: str, state: Any, *, iterations: int | None = None) -> None:
        """Take over the state of a running optimizer of torch or Keras.

        Training goes on as it would have there. Make the optimizer by `from_peer` with the peer's
        arguments, build it on the parameters as they are now, then load.

        Parameters
        ----------
        framework : {"torch", "keras"}
            Where the state is from.
        state : mapping or sequence
            "torch": what ``state_dict()`` of a torch.optim class returned, its tensors as they are
            or as arrays. "keras": ``optimizer.variables``, or a dict of their paths and values in
            that order.
        iterations : int, optional
            Updates done so far, where the state does not say: torch's SGD and Muon do not count.

        Raises
        ------
        StateMismatchError
            For a state of another rule, form or number of parameters, or of other shapes. It lists
            all differences, and nothing was changed.
        HyperparameterError
            For another framework, and for state narrower than float32.
        NotBuiltError
            Before `build`.

        Notes
        -----
        Parameters are matched in order. Hyperparameters are not read. Averages and slow weights
        start from the parameters, unless Keras's averages are there.
        """
        from lamb_rs._peer_state.base import load  # noqa: PLC0415 - rarely needed

        self._bound()
        load(self, framework, state, iterations)

    def reset(self) -> None:
        """Start again: state and counters as after `build`, parameters as they are.

        Raises
        ------
        NotBuiltError
            Before `build`.
        """
        self._bound().reset()
        for hyper, source in self._sources.items():
            for _, schedule in remembering(source, hyper):
                schedule.reset()

    def finalize_variable_values(self, params: Arrays | None = None) -> None:
        """Give the parameters the values of their averages, with ``use_ema=True``; else nothing.

        Parameters
        ----------
        params : array, sequence or nested mapping of arrays, optional
            Must name the memory that was built.

        Raises
        ------
        NotBuiltError
            Before `build`.
        ParameterSetError
            For other parameters.
        """
        native = self._bound()
        if params is not None:
            native.check_params(params)
        native.finalize()

    # Files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the state to a file, in one piece or not at all.

        The file is written under a temporary name in the same directory, synced to the disk and
        renamed, so that a crash leaves either the old file or the new one. Its format is
        safetensors. It contains every array of the state by name (bfloat16 as BF16; 8-bit codes and
        scales as U8). Its metadata contains the counters, the class and its `get_config`, the
        versions of the format and of the numerics, and a SHA-256 checksum over the whole file. It
        does not contain the parameters; save them separately. The same state gives the same file.

        Parameters
        ----------
        path : str or path-like
            An existing file is replaced and its permissions are kept. If it is a symbolic link, the
            file that it points to is replaced. A new file has the permissions that `open` gives.

        Raises
        ------
        NotBuiltError
            Before `build`.
        ConcurrentStepError
            While another thread takes a step.
        OSError
            If the file cannot be written. An existing file is unchanged.

        Notes
        -----
        A process that is killed may leave a temporary file, ``.lamb_rs-*.tmp``. The next `save` to
        the same path removes it. The new file belongs to the user who saved it, and hard links to
        the old file keep the old content.

        If a plain function drives a hyperparameter, the state is saved without the configuration,
        and the metadata says so.
        """
        # Importing the package does not need the code that writes files.
        from lamb_rs._checkpoint.format import write  # noqa: PLC0415

        write(self, path)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Restore the state that `save` wrote; before `build` it is kept until then.

        The whole file is checked before anything is changed. Hyperparameters are not restored, as
        with `load_state_dict`.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        CheckpointError
            For a file that is not a checkpoint, is damaged, or was written by a later release in a
            format that this release cannot read.
        StateMismatchError
            For a state of other parameters or of another algorithm; it lists all differences, those
            between the configurations included.
        OSError
            If the file cannot be read.

        Notes
        -----
        The checksum detects damage. It does not protect against a file that was made with bad
        intent. Such a file cannot run code, and its content is checked like any other state.
        """
        from lamb_rs._checkpoint.format import load  # noqa: PLC0415

        load(self, path)

    # Evaluation

    def _evaluates(self) -> bool:
        return any(
            leaf._averages or leaf.use_ema or leaf._native.get("sync_period") is not None
            for leaf in self._leaves()
        )

    @contextmanager
    def evaluation_weights(self) -> Iterator[None]:
        """Put in the weights to be evaluated inside a with block; the old bits come back.

        These are the averages with ``use_ema=True``, else the average of a Schedule-Free
        optimizer, else the slow weights of Lookahead. Before the first update, they are the
        parameters.

        Raises
        ------
        HyperparameterError
            For an optimizer that keeps none of these.
        NotBuiltError
            Before `build`.
        ConcurrentStepError
            For anything inside the block that would change parameters or state.
        """
        if not self._evaluates():
            raise HyperparameterError(
                "evaluation_weights() needs averages: set use_ema=True, or wrap the optimizer in "
                "Lookahead"
            )
        native = self._bound()
        with self._moved(native.evaluation(), "averages", "evaluation_weights()", nests=True):
            yield

    @contextmanager
    def _moved(
        self,
        values: Mapping[str, NDArray[np.float32]],
        what: str,
        context: str,
        nests: bool = False,
    ) -> Iterator[None]:
        """Put values into the parameters of these names; refuse what would change anything.

        With `nests`, `evaluation_weights` may be used inside and changes nothing.
        """
        native = self._native
        if isinstance(native, Frozen) and values:
            native.refuse()
        parameters = dict(zip(native.parameter_names, native.parameters, strict=True))
        kept = {name: parameters[name].copy() for name in values}
        # Swapped, so that `apply` does not need a check in every step.
        self._native = cast("Native", Frozen(native, what, context, nests))
        try:
            for name, value in values.items():
                parameters[name][...] = value
            yield
        finally:
            for name, value in kept.items():
                parameters[name][...] = value
            self._native = native

    # Configuration and text

    @abstractmethod
    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, as JSON can hold them."""

    @classmethod
    @abstractmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make an optimizer from what `get_config` returned."""

    def describe(self) -> Description:
        """Describe what is done to each parameter, and why, as plain data.

        Returns
        -------
        Description
            Counters, and a row for each parameter: name, shape, rule, every setting with the reason
            for it, and the state with its size. Named tuples.

        Examples
        --------
        >>> import numpy as np, lamb_rs
        >>> params = {"kernel": np.ones((4, 3), np.float32), "bias": np.zeros(3, np.float32)}
        >>> optimizer = lamb_rs.Lamb(0.01, weight_decay=0.1)
        >>> optimizer.build(params, {"bias": {"weight_decay": None}})
        >>> kernel, bias = optimizer.describe().parameters
        >>> kernel.settings["weight_decay"]
        Setting(value=0.1, why='argument')
        >>> bias.settings["weight_decay"]
        Setting(value=None, why="override 'bias'")
        >>> bias.slots[0]
        Slot(name='momentum', dtype='float32', bytes=12)
        """
        from lamb_rs._optimizer.description import describe  # noqa: PLC0415 - rarely needed

        return describe(self)

    @abstractmethod
    def explain(self) -> str:
        """Say what happens to each parameter, and why."""

    def summary(self) -> str:
        """Say in a few lines what this optimizer is and how far it has come.

        Returns
        -------
        str
            Counters, memory, and a table with a row per group of parameters treated alike.
        """
        from lamb_rs._optimizer import report  # noqa: PLC0415 - only where it is needed

        return report.summary(self)

    def __repr__(self) -> str:
        from lamb_rs._optimizer import report  # noqa: PLC0415

        return report.representation(self)


class Frozen:
    """Stands in for a native optimizer while its parameters hold something else."""

    def __init__(self, native: Native, what: str, context: str, nests: bool) -> None:
        self._native = native
        self._what = what
        self._context = context
        self._nests = nests

    def __getattr__(self, name: str) -> Any:
        return getattr(self._native, name)

    def evaluation(self) -> dict[str, NDArray[np.float32]]:
        """Nothing: they are in the parameters already."""
        if not self._nests:
            self.refuse()
        return {}

    def refuse(self, *_: object) -> NoReturn:
        """Raise the error that names the block."""
        raise ConcurrentStepError(
            f"the parameters hold their {self._what} inside {self._context}; "
            "leave the with block before changing parameters or state"
        )

    apply = verify = build = finalize = load_state_dict = reset = refuse


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
