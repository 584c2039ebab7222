"""Other values in the place of the parameters, for a while."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, cast

from lamb_rs._errors import ConcurrentStepError, HyperparameterError
from lamb_rs._state import Stateful

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from lamb_rs import _core


class Evaluating(Stateful):
    """Evaluation with averages of the parameters in their place."""

    __slots__ = ()

    def _evaluates(self) -> bool:
        """Whether something else than the parameters is to be evaluated."""
        raise NotImplementedError

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
        with self._moved(native.evaluation(), "averages", "evaluation_weights()"):
            yield

    @contextmanager
    def _moved(
        self, values: Mapping[str, NDArray[np.float32]], what: str, context: str
    ) -> Iterator[None]:
        """Put values into the parameters of these names; refuse what would change anything."""
        native = self._native
        if isinstance(native, Frozen) and values:
            native.refuse()
        parameters = dict(zip(native.parameter_names, native.parameters, strict=True))
        kept = {name: parameters[name].copy() for name in values}
        # Swapped, so that `apply` need not ask on every step whether it may.
        self._native = cast("_core.Optimizer", Frozen(native, what, context))
        try:
            for name, value in values.items():
                parameters[name][...] = value
            yield
        finally:
            for name, value in kept.items():
                parameters[name][...] = value
            self._native = native


class Frozen:
    """Stands in for a native optimizer while its parameters hold something else."""

    def __init__(self, native: _core.Optimizer, what: str, context: str) -> None:
        self._native = native
        self._what = what
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._native, name)

    def evaluation(self) -> dict[str, NDArray[np.float32]]:
        """Nothing: they are in the parameters already."""
        if self._context != "evaluation_weights()":
            self.refuse()
        return {}

    def refuse(self, *_: object) -> NoReturn:
        """Raise the error that names the block."""
        raise ConcurrentStepError(
            f"the parameters hold their {self._what} inside {self._context}; "
            "leave the with block before changing parameters or state"
        )

    apply = verify = build = finalize = load_state_dict = reset = refuse
