"""Several optimizers that look like one native optimizer."""

# ruff: noqa: D102  # what the methods do is said once, in `lamb_rs._optimizer.native`

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lamb_rs._arrays import Places, Template, follow, nested
from lamb_rs._errors import HyperparameterError, NonFiniteError
from lamb_rs.wrappers.base import load_together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from lamb_rs import _core
    from lamb_rs._optimizer.base import Optimizer

_SCALARS = "optimizer/"
_SKIPPED = "optimizer/skipped_steps"


class Joined:
    """The parts of a `MultiOptimizer`, each with some of the parameters.

    It has what a native optimizer has, so that everything around it needs no case for several.

    Attributes
    ----------
    parts : sequence of Optimizer
    skips_together : bool
        Whether a gradient that is not finite makes all parts skip.
    """

    def __init__(self, parts: Sequence[Optimizer]) -> None:
        self.parts = parts
        self.skips_together = False
        self.unbind()

    def unbind(self) -> None:
        """Go back to before `build`."""
        self.built = False
        self.last_skip: str | None = None
        self._skipped = 0
        self._names: list[str] = []
        self._owners: list[int] = []
        self._template: Template = []
        self._places = Places(())

    def bind(self, names: list[str], owners: list[int], structure: Template) -> None:
        """Take note of which part has which parameter; the parts are built."""
        self._names, self._owners, self._template = names, owners, structure
        self._places = Places(self._written())
        self.built = True

    def _written(self) -> Iterator[tuple[NDArray[np.float32], str, int]]:
        """Yield what the parts write to and others can see, with what it is."""
        for k, part in self._bound():
            native = part._native
            for name, array in zip(native.parameter_names, native.parameters, strict=True):
                yield array, f"parameter '{name}'", k
            for name, array in native.averages().items():
                yield array, f"the average of '{name}'", k

    def _bound(self) -> list[tuple[int, Optimizer]]:
        """Return the parts that have parameters, with their positions."""
        return [(k, self.parts[k]) for k in sorted(set(self._owners))]

    # Steps

    def _divided(self, given: object, what: str) -> dict[int, list[tuple[str, Any]]]:
        """Divide a structure among the parts: names and leaves."""
        leaves: dict[int, list[tuple[str, Any]]] = {k: [] for k, _ in self._bound()}
        found = list(follow(self._template, given, what))
        for one, owner in zip(found, self._owners, strict=True):
            leaves[owner].append(one)
        return leaves

    def _due(self, grads: object) -> list[tuple[Optimizer, dict[str, Any]]]:
        """Return the parts that take part in a step, with their gradients, all checked."""
        shares = self._divided(grads, "gradients")
        # A part without gradients is skipped. If no part has any gradient, the call raises.
        some = {k for k, own in shares.items() if any(leaf is not None for _, leaf in own)}
        due = [(self.parts[k], nested(own)) for k, own in shares.items() if k in some or not some]
        for part, share in due:
            part._native.verify(share)
        for k, own in shares.items():
            for name, leaf in own:
                self._places.refuse(leaf, name, k)
        # A function that drives a hyperparameter may raise, so these parts are applied first.
        return sorted(due, key=lambda one: not any(leaf._sources for leaf in one[0]._leaves()))

    def verify(self, grads: object) -> None:
        self._due(grads)

    def apply(self, grads: object) -> bool:
        try:
            due = self._due(grads)
        except NonFiniteError as error:
            if not self.skips_together:
                raise
            self._skipped += 1
            self.last_skip = str(error)
            return False
        changed = False
        for part, share in due:
            changed = part.apply(share) or changed
        return changed

    def check_params(self, params: object) -> None:
        for k, own in self._divided(params, "parameters").items():
            self.parts[k]._native.check_params(nested(own))

    def finalize(self) -> None:
        for _, part in self._bound():
            part._native.finalize()

    # State

    def state(self, name: str) -> dict[str, NDArray[np.float32]] | None:
        part = self._owner(name)
        return None if part is None else part._native.state(name)

    def read_state(self, name: str, slot: str) -> NDArray[np.float32] | None:
        part = self._owner(name)
        return None if part is None else part._native.read_state(name, slot)

    def _owner(self, name: str) -> Optimizer | None:
        """Return the part that has a parameter."""
        place = self._names.index(name) if name in self._names else None
        return None if place is None else self.parts[self._owners[place]]

    def state_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = {_SKIPPED: self._skipped}
        for k, part in self._bound():
            for key, value in part.state_dict().items():
                state[_outer(k, key)] = value
        return state

    def load_state_dict(
        self, state: dict[str, Any], strict: bool, differences: Sequence[str] = ()
    ) -> None:
        left = dict(state)
        loads = []
        for k, part in self._bound():
            known = {_outer(k, key): key for key in part.state_dict()}
            own = {key: left.pop(outer) for outer, key in known.items() if outer in left}
            loads.append((part, own, f"{_SCALARS}{k}/"))
        skipped = left.pop(_SKIPPED, None if strict else self._skipped)
        wrong = [] if _is_count(skipped) else [f"'{_SKIPPED}' is missing or not a step count"]
        if strict:
            wrong += [f"'{key}' is unknown" for key in left]
        load_together(loads, strict, [*wrong, *differences])
        self._skipped = int(skipped)

    def reset(self) -> None:
        self._skipped, self.last_skip = 0, None
        for _, part in self._bound():
            part.reset()

    # Hyperparameters

    def get(self, name: str) -> object:
        values = [leaf._native.get(name) for part in self.parts for leaf in part._leaves()]
        return _common(name, values)

    # Readings

    @property
    def iterations(self) -> int:
        return max((part.iterations for part in self.parts), default=0)

    @property
    def calls(self) -> int:
        return max((part.calls for part in self.parts), default=0)

    @property
    def skipped_steps(self) -> int:
        return self._skipped + max((part.skipped_steps for part in self.parts), default=0)

    @property
    def last_learning_rate(self) -> float:
        rates = [part.last_learning_rate for part in self.parts]
        known = [rate for rate in rates if not math.isnan(rate)]
        return _common("last_learning_rate", known) if known else math.nan

    @property
    def state_bytes(self) -> int:
        return sum(part.state_bytes for part in self.parts)

    @property
    def parameter_names(self) -> list[str]:
        return list(self._names)

    @property
    def parameters(self) -> list[NDArray[np.float32]]:
        return self._in_order(lambda part: part._native.parameters)

    @property
    def trust_ratios(self) -> NDArray[np.float64] | None:
        return self._numbers(lambda part: part.trust_ratios)

    @property
    def weight_norms(self) -> NDArray[np.float64] | None:
        return self._numbers(lambda part: part.weight_norms)

    @property
    def update_norms(self) -> NDArray[np.float64] | None:
        return self._numbers(lambda part: part.update_norms)

    @property
    def gradient_norm(self) -> float | None:
        norms = [part.gradient_norm for _, part in self._bound()]
        known = [norm for norm in norms if norm is not None]
        return math.hypot(*known) if known and len(known) == len(norms) else None

    def describe(self) -> list[_core._Parameter]:
        return self._in_order(lambda part: part._native.describe())

    def averages(self) -> dict[str, NDArray[np.float32]]:
        return self._by_name(lambda part: part._native.averages())

    def evaluation(self) -> dict[str, NDArray[np.float32]]:
        return self._by_name(lambda part: part._native.evaluation())

    def _by_name(self, read: Callable[[Optimizer], dict[str, Any]]) -> dict[str, Any]:
        found = {name: value for _, part in self._bound() for name, value in read(part).items()}
        return {name: found[name] for name in self._names if name in found}

    def _in_order(self, read: Callable[[Optimizer], Sequence[Any]]) -> list[Any]:
        """Put what each part has for its parameters into the order of all parameters."""
        own = {k: iter(read(part)) for k, part in self._bound()}
        return [next(own[owner]) for owner in self._owners]

    def _numbers(self, read: Callable[[Optimizer], Any]) -> NDArray[np.float64] | None:
        """As `_in_order`, with NaN for the parts that have none; None if all have none."""
        if all(read(part) is None for _, part in self._bound()):
            return None

        def filled(part: Optimizer) -> Sequence[float]:
            found = read(part)
            return [math.nan] * len(part.parameter_names) if found is None else found

        return np.array(self._in_order(filled), np.float64)


def _common(name: str, values: Sequence[Any]) -> Any:
    """Return the value that all parts have."""
    if any(value != values[0] for value in values):
        shown = ", ".join(map(repr, values))
        raise HyperparameterError(
            f"the parts of this MultiOptimizer have different values of {name} ({shown}); "
            f"read one of them: .optimizers[0].{name}"
        )
    return values[0]


def _outer(k: int, key: str) -> str:
    """Return the name of an entry of part k in the state of all."""
    if key.startswith(_SCALARS):
        return f"{_SCALARS}{k}/{key.removeprefix(_SCALARS)}"
    return key


def _is_count(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) >= 0
