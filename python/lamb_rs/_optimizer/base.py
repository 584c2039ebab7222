"""The base class of optimizers and wrappers: the public methods, which call a `Native`."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from lamb_rs._errors import (
    ELSEWHERE,
    HyperparameterError,
    NotBuiltError,
    ParameterSetError,
    nearest,
    with_remedies,
)
from lamb_rs._optimizer.frozen import Frozen
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
from lamb_rs._optimizer.states import States
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
    """Base class of all optimizers and wrappers. It is abstract.

    `build` binds an optimizer to parameters, and each call of `apply` updates them in place. Every
    argument of the constructor is also an attribute. Attributes can be read at any time; those that
    are numbers can also be set between steps.

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
        Number of updates after which the parameters are overwritten with their averages.
    loss_scale_factor : float or None, default None
        Factor by which gradients are divided; `scale_loss` multiplies by it.
    gradient_accumulation_steps : int or None, default None
        Number of calls whose gradients are averaged for one update, at least 2.
    name : str or None, default None
        For your own use; the lower-cased name of the class by default.
    weight_decay_mode : str, default "decoupled"
        Where weight decay enters. With the parameter p, the gradient g, the direction u, the
        learning rate eta and the weight decay lambda:

        * "decoupled": ``p -= eta lambda p`` before the step.
        * "update": ``u += lambda p``. The default of `Lamb`, `Ralamb`, `RangerLars` and
          the Schedule-Free optimizers.
        * "l2": ``g += lambda p``. The default of `Lars`, `NovoGrad` and `AdaBound`.
        * "after": ``p -= eta lambda p`` after the step.
        * "fixed": ``p -= lambda p`` before the step.
        * "corrected": as "decoupled", with ``lambda eta / eta_max`` in place of lambda, where
          eta_max is the largest learning rate so far.
        * "schedule": ``p -= lambda eta / eta_first p`` before the step, where eta_first is the
          learning rate of the first update.
        * "cautious": as "update", for the elements of u and p that have the same sign.
    ema_every : {"update", "call"}, default "update"
        Whether the average is updated in every update or, as in Keras, in every call, including
        calls that only accumulate gradients.
    maximize : bool, default False
        Whether to maximize the objective, which means to step along the gradient.
    nonfinite : {"auto", "propagate", "raise", "skip"}, default "auto"
        How a NaN or infinity in a gradient is handled: it is used as it is ("propagate"), `apply`
        raises ("raise"), or the step is skipped ("skip"). "auto" raises with `clipnorm` or
        `global_clipnorm`, which read the gradients before the step, and propagates otherwise.
    state_dtype : {"float32", "bfloat16", "float8"}, default "float32"
        Storage of the moments. Running maxima, averages and accumulators are always float32. With
        "float8", the moments of tensors with fewer than 4096 elements are float32 too.
    state_rounding : {"stochastic", "nearest"}, default "stochastic"
        Rounding of moments that are narrower than float32.
    seed : int, default 0
        Seed of stochastic rounding.
    clip_epsilon : float, default 0.0
        If it is positive, a clip by norm to c multiplies gradients by
        ``min(1, c / (norm + clip_epsilon))``, as in torch with 1e-6. If it is 0, it multiplies them
        by ``c / max(norm, c)``.
    gradient_centralization : bool or "conv_only", default False
        Whether to subtract the mean over all axes except the first from gradients with at least two
        axes, or with at least four ("conv_only"). The default of `Ranger` is True.
    ema_form : {"exponential", "uniform"}, default "exponential"
        Weights of the average. "uniform" gives all updates the same weight, which is stochastic
        weight averaging: ``average += (parameter - average) / (n + 1)``.
    ema_start : int, default 0
        Number of updates before the average starts. Until then it is a copy of the parameter.

    Raises
    ------
    TypeError
        For an unknown argument. The message names the most similar one.
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
    # Hyperparameters that a wrapper has set, with their previous values.
    _held: dict[str, object]
    _native: Native
    # The wrapper around it.
    _outer: str | None
    # A state that waits for `build`, and whether it is loaded strictly.
    _pending: tuple[dict[str, Any], bool] | None
    # Schedules and functions that drive hyperparameters.
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

    # Implemented differently by the two kinds of optimizers, rules and wrappers

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
        """Make an unbuilt copy, with a state that waits for `build` but without its own state."""

    @abstractmethod
    def _unbind(self) -> None:
        """Go back to before `build`."""

    @abstractmethod
    def _call(self) -> str:
        """Return the call that makes this optimizer."""

    if not TYPE_CHECKING:  # otherwise a type checker allows setting any attribute

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
            C-contiguous float32 arrays. They are not copied: each `apply` writes into them. In a
            sequence, their names are "0", "1", ...; names in nested mappings are joined by "/".
        overrides : mapping, optional
            Settings for some of the parameters. A key is a glob pattern for names ("*" also matches
            "/", and "*/bias" also matches "bias") or a predicate ``(name, array) -> bool``. A value
            is a dictionary. It may set any argument of the constructor that is a number,
            ``weight_decay=None``, `learning_rate` (which replaces that of the optimizer),
            `learning_rate_multiplier`, ``layer_adaptation=False``, ``trainable=False``, and, for
            rules such as `Muon` that treat some parameters by another rule, ``own_rule=False``.
            Later entries take precedence. Copies, pickles and configurations carry them: without
            this argument, those hold that a copy or a file brought. ``{}`` drops them.

        Raises
        ------
        ParameterSetError
            If the optimizer is built already, or if a pattern, predicate or array matches no
            parameter.
        DTypeError, LayoutError, ReadOnlyError, AliasError
            For an array that cannot be updated in place.
        HyperparameterError
            For an override that does not exist or is out of range.
        StateMismatchError
            If a state was loaded before that does not belong to these parameters.
        """

    def apply(self, grads: Gradients, params: Arrays | None = None) -> bool:
        """Update the parameters in place, by one step.

        Parameters
        ----------
        grads : array, sequence or nested mapping of arrays
            C-contiguous float32, bfloat16 or float16 arrays in the same structure as the
            parameters. None leaves a parameter unchanged. Gradients are never written to.
        params : array, sequence or nested mapping of arrays, optional
            As in Keras: the first call builds; later calls must pass the same arrays.

        Returns
        -------
        bool
            True if the call made an update; False if gradients were only accumulated, the step was
            skipped, or no parameter is trainable. An update may leave the parameters as they are,
            as the first update of `Adopt` and a learning rate of 0 do.

        Raises
        ------
        NotBuiltError
            Without `params` before `build`.
        ParameterSetError
            For gradients that are missing, unknown or all None, and for parameters whose memory is
            not the one that was bound.
        DTypeError, LayoutError, ShapeError, AliasError
            For an array that cannot be the gradient of its parameter.
        NonFiniteError
            For a NaN or infinity in a gradient, depending on `nonfinite`.
        """
        if params is None:
            return self._native.apply(grads)
        if self._native.built:
            self._native.check_params(params)
        else:
            self.build(params)
        return self._native.apply(grads)

    def scale_loss(self, loss: Any) -> Any:
        """Return the loss times `loss_scale_factor`, or the loss itself if that is None."""
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
        """Number of updates so far."""
        return self._native.iterations

    @property
    def calls(self) -> int:
        """Number of calls of `apply`, including those that accumulate, excluding skipped ones."""
        return self._native.calls

    @property
    def skipped_steps(self) -> int:
        """Number of calls that were skipped because a gradient was not finite."""
        return self._native.skipped_steps

    @property
    def last_skip(self) -> str | None:
        """Reason why the last skipped call was skipped; None if no call was."""
        return self._native.last_skip

    @property
    def parameter_names(self) -> list[str]:
        """Names of the parameters."""
        return self._native.parameter_names

    @property
    def parameters(self) -> Mapping[str, NDArray[np.float32]]:
        """The bound parameter arrays by name, read-only as a mapping; empty before `build`."""
        native = self._native
        return MappingProxyType(dict(zip(native.parameter_names, native.parameters, strict=True)))

    @property
    def state(self) -> Mapping[str, Mapping[str, NDArray[np.float32]]]:
        """Read-only views of the float32 state by parameter name and slot; no data is copied.

        ``optimizer.state["kernel"]["momentum"]`` follows the training. Slots that are stored in
        bfloat16 or float8 are not in it; `read_state` returns them. Empty before `build`.

        Examples
        --------
        >>> import numpy as np, lamb_rs
        >>> optimizer = lamb_rs.Adam()
        >>> _ = optimizer.apply({"w": np.ones(2, np.float32)}, {"w": np.ones(2, np.float32)})
        >>> optimizer.state["w"]["momentum"]
        array([0.1, 0.1], dtype=float32)
        """
        return States(self._native)

    def read_state(self, name: str, slot: str) -> NDArray[np.float32]:
        """Return a copy of one array of the state as float32 numbers, whatever its storage.

        Parameters
        ----------
        name : str
            Of the parameter.
        slot : str
            Such as "momentum": the names are those in `describe`.

        Returns
        -------
        array of float32
            In the shape of the parameter; moments of rows and columns have shapes of their own.

        Raises
        ------
        NotBuiltError
            Before `build`.
        ParameterSetError
            If there is no such parameter or slot.
        """
        found = self._bound().read_state(name, slot)
        if found is not None:
            return found
        names = self.parameter_names
        if name not in names:
            raise ParameterSetError(f"read_state: no parameter '{name}'{nearest(name, names)}")
        (own,) = [one for one in self.describe().parameters if one.name == name]
        slots = [one.name for one in own.slots]
        raise ParameterSetError(
            f"read_state: '{name}' has no slot '{slot}'; it has {', '.join(slots) or 'none'}"
        )

    @property
    def trust_ratios(self) -> NDArray[np.float64] | None:
        """Trust ratio of each parameter in the last step; NaN for a parameter without one.

        None before the first step and for rules without a trust ratio.
        """
        return self._native.trust_ratios

    @property
    def weight_norms(self) -> NDArray[np.float64] | None:
        """L2 norm of each parameter in the last trust ratio; NaN and None as in `trust_ratios`."""
        return self._native.weight_norms

    @property
    def update_norms(self) -> NDArray[np.float64] | None:
        """L2 norm of each direction in the last trust ratio; NaN and None as in `trust_ratios`."""
        return self._native.update_norms

    @property
    def last_learning_rate(self) -> float:
        """Learning rate of the last update, before overrides; NaN before the first update."""
        return self._native.last_learning_rate

    @property
    def gradient_norm(self) -> float | None:
        """L2 norm of all gradients of the last step, if a clip or check computed it; else None."""
        return self._native.gradient_norm

    @property
    def averages(self) -> dict[str, NDArray[np.float32]]:
        """Read-only views of the averages by name; empty without ``use_ema=True``."""
        return self._bound().averages()

    @property
    def state_bytes(self) -> int:
        """Size of the state in bytes."""
        return self._native.state_bytes

    # Exclusions

    def exclude_from_weight_decay(
        self, var_list: Sequence[Any] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Exclude parameters from weight decay; before `build` only.

        Parameters
        ----------
        var_list : sequence of arrays, optional
            The same array objects that are passed to `build`.
        var_names : sequence of str, optional
            Regular expressions that are searched for in the names.

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
            The same array objects that are passed to `build`.
        var_names : sequence of str, optional
            Regular expressions that are searched for in the names.

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
        """Return a copy of the state as a flat dictionary.

        It maps ``"<parameter>/<slot>"`` to an array and ``"optimizer/..."`` to a number. It does
        not contain parameters or hyperparameters.

        Raises
        ------
        NotBuiltError
            Before `build`.
        """
        return self._bound().state_dict() | remembered(self._sources)

    def load_state_dict(self, d: Mapping[str, Any], strict: bool = True) -> None:
        """Restore state and counters; before `build`, they are kept and restored in `build`.

        Parameters
        ----------
        d : mapping
            The result of `state_dict`.
        strict : bool, default True
            Whether a missing or unknown entry is an error.

        Raises
        ------
        StateMismatchError
            For a state of other parameters or of another algorithm; it lists all differences.
        """
        if self._native.built:
            native = self._native

            def load(rest: dict[str, Any], differences: list[str]) -> None:
                native.load_state_dict(rest, strict, differences)

            restore(self._sources, d, strict, load)
        else:
            self._pending = (copy.deepcopy(as_state(d)), strict)  # the caller may change its arrays

    def load_peer_state(self, framework: str, state: Any, *, iterations: int | None = None) -> None:
        """Take over the state of a running optimizer of torch or Keras.

        The training continues as it would have with the other optimizer. Make an optimizer with
        `from_peer` and the arguments of the other one, build it on the current parameters, then
        load the state.

        Parameters
        ----------
        framework : {"torch", "keras"}
            The framework of the other optimizer.
        state : mapping or sequence
            For "torch", the result of ``state_dict()`` of an optimizer of torch.optim, with tensors
            or arrays. For "keras", ``optimizer.variables``, or a dictionary of their paths and
            values in the same order.
        iterations : int, optional
            Number of updates so far, if the state does not contain it: SGD and Muon of torch do not
            count their updates.

        Raises
        ------
        StateMismatchError
            For a state of another rule, form or number of parameters, or of other shapes. It lists
            all differences, and nothing is changed.
        HyperparameterError
            For another framework, and for an optimizer whose state is narrower than float32.
        NotBuiltError
            Before `build`.

        Notes
        -----
        Parameters are matched in order. Hyperparameters are not read. Averages and slow weights
        start from the parameters, unless the state of Keras contains averages.
        """
        from lamb_rs._peer_state.base import load  # noqa: PLC0415 - rarely needed

        self._bound()
        load(self, framework, state, iterations)

    def reset(self) -> None:
        """Reset state and counters to those after `build`; the parameters are unchanged.

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
        """Overwrite the parameters with their averages; without ``use_ema=True``, do nothing.

        Parameters
        ----------
        params : array, sequence or nested mapping of arrays, optional
            Must be the arrays that were passed to `build`.

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
        """Save the state to a file, completely or not at all.

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

    def load(
        self, path: str | os.PathLike[str], *, config: Literal["warn", "error"] = "warn"
    ) -> None:
        """Restore the state that `save` wrote; before `build`, it is kept and restored in `build`.

        The whole file is checked before anything is changed. Hyperparameters are not restored, as
        with `load_state_dict`. `lamb_rs.load` makes an optimizer with the hyperparameters of the
        file.

        Parameters
        ----------
        path : str or path-like
        config : {"warn", "error"}, default "warn"
            What to do if the file was saved with other arguments than this optimizer has: warn, or
            raise. The message lists all differences.

        Warns
        -----
        ConfigurationWarning
            For a file that was saved with other arguments.

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

        load(self, path, config)

    # Evaluation

    def _evaluates(self) -> bool:
        return any(
            leaf._averages or leaf.use_ema or leaf._native.get("sync_period") is not None
            for leaf in self._leaves()
        )

    @contextmanager
    def evaluation_weights(self) -> Iterator[None]:
        """Set the parameters to the evaluation weights inside a with block, then restore them.

        The evaluation weights are the averages with ``use_ema=True``, else the average of a
        Schedule-Free optimizer, else the slow weights of Lookahead. Before the first update, they
        equal the parameters. The block restores the same bits at its end.

        Raises
        ------
        HyperparameterError
            For an optimizer that has none of these.
        NotBuiltError
            Before `build`.
        ConcurrentStepError
            For a call inside the block that would change parameters or state, or save the state.
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
        """Put values into the parameters of these names; refuse calls that change anything.

        With `nests`, `evaluation_weights` may be used inside; it then changes nothing.
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
        """Return the arguments of the constructor as a dictionary for JSON."""

    @classmethod
    @abstractmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make an optimizer from the result of `get_config`."""

    def describe(self) -> Description:
        """Return the treatment of each parameter, and the reasons for it, as plain data.

        Returns
        -------
        Description
            A named tuple with the counters and a row for each parameter: name, shape, rule, every
            setting with its reason, and the state with its size.

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
        """Return a text that says how each parameter is updated, and why."""

    def summary(self) -> str:
        """Return a short text about this optimizer and its progress.

        Returns
        -------
        str
            Counters, memory, and a table with one row for each group of parameters that have the
            same settings.
        """
        from lamb_rs._optimizer import report  # noqa: PLC0415 - only where it is needed

        return report.summary(self)

    def __repr__(self) -> str:
        from lamb_rs._optimizer import report  # noqa: PLC0415

        return report.representation(self)


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
