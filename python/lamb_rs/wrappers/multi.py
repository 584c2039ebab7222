"""Several optimizers for one set of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, final

from lamb_rs import _core
from lamb_rs._arrays import nested, template
from lamb_rs._errors import HyperparameterError, ParameterSetError, StateMismatchError
from lamb_rs._optimizer.overrides import choose, exclusions, none_of
from lamb_rs.wrappers.base import Wrapper, check_inner, differences, mismatch
from lamb_rs.wrappers.joined import Joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lamb_rs._arrays import Arrays, Template
    from lamb_rs._optimizer.base import Optimizer
    from lamb_rs._optimizer.hyperparameters import Overrides


@final
class MultiOptimizer(Wrapper):
    """Several optimizers, each for the parameters whose names match its pattern.

    State: that of the optimizers inside.

    Parameters
    ----------
    optimizers : sequence of (pattern, Optimizer)
        Glob patterns for names, as in `overrides`: "*" also matches "/", and "*/bias" also matches
        "bias". Each optimizer may be wrapped in `Lookahead` or `Larc`, and none is built yet.
    default : Optimizer or None, default None
        Optimizer for the parameters that no pattern matches.
    name : str or None, default None
        For your own use; the lower-cased name of the class by default.

    Raises
    ------
    HyperparameterError
        Without optimizers, for an optimizer or pattern that is given twice, and for a
        MultiOptimizer or LossScaleOptimizer inside. A LossScaleOptimizer goes around.
    ParameterSetError
        For an optimizer that is built. In `build`, for a parameter that two patterns match, for one
        that no pattern matches if there is no default, and for a pattern that matches nothing.

    Notes
    -----
    A step is checked for all parts before any of them is applied. Parts with hyperparameters that
    are driven by functions or schedules are applied first: if there is one such part and its
    function raises, nothing has changed. A part whose gradients are all None does not take part in
    the call, and its counters do not change. Norms over all gradients, such as that of
    `global_clipnorm`, are taken within a part.

    Reading a hyperparameter returns the value that the parts share. Set it on the parts.

    Examples
    --------
    >>> import numpy as np
    >>> from lamb_rs import SGD, Lamb, MultiOptimizer
    >>> params = {"kernel": np.ones((4, 3), np.float32), "bias": np.zeros(3, np.float32)}
    >>> optimizer = MultiOptimizer([("*/kernel", Lamb())], default=SGD(0.1))
    >>> optimizer.build(params)
    >>> [part.parameter_names for part in optimizer.optimizers]
    [['kernel'], ['bias']]
    """

    __slots__ = ("_joined", "_native", "_patterns", "optimizers")

    _summary = "each parameter goes to the optimizer whose pattern matches its name"

    # All of them; the default is the last.
    optimizers: tuple[Optimizer, ...]
    # None for the default.
    _patterns: tuple[str | None, ...]
    _joined: Joined

    def __init__(
        self,
        optimizers: Iterable[tuple[str, Optimizer]],
        default: Optimizer | None = None,
        *,
        name: str | None = None,
    ) -> None:
        pairs: list[tuple[str | None, Optimizer]] = [*_pairs(optimizers)]
        if default is not None:
            pairs.append((None, default))
        if not pairs:
            raise HyperparameterError(
                "MultiOptimizer needs optimizers: [(pattern, optimizer), ...], default=optimizer"
            )
        for _, part in pairs:
            _check_part(part)
        patterns = [pattern for pattern, _ in pairs]
        parts = [part for _, part in pairs]
        for things, what in ((patterns, "pattern"), (list(map(id, parts)), "optimizer")):
            if len(set(things)) < len(things):
                raise HyperparameterError(f"MultiOptimizer: the same {what} is given twice")
        self.optimizers = tuple(parts)
        self._patterns = tuple(patterns)
        self._joined = Joined(self.optimizers)
        self._native = self._joined
        self._adopt(name)
        self._exclusions = exclusions()

    def _inside(self) -> Sequence[Optimizer]:
        return self.optimizers

    def _optimizers(self, form: Any) -> dict[str, Any]:
        named = [
            [pattern, form(part)]
            for pattern, part in zip(self._patterns, self.optimizers, strict=True)
            if pattern is not None
        ]
        default = form(self.optimizers[-1]) if self._patterns[-1] is None else None
        return {"optimizers": named, "default": default}

    def _set(self, name: str, value: object) -> None:
        raise HyperparameterError(
            f"{name} belongs to the parts of a MultiOptimizer: set it on one of them, "
            f"such as .optimizers[0].{name} = {value!r}"
        )

    def build(self, params: Arrays, overrides: Overrides | None = None) -> None:
        """Bind the parameters and allocate the state, part by part: see `Optimizer.build`.

        Parameters
        ----------
        params : array, sequence or nested mapping of arrays
            Every part uses the names of the whole structure.
        overrides : mapping, optional
            As in `Optimizer.build`. Each is passed to the parts in which it matches a parameter.
        """
        if self.built:
            raise ParameterSetError(
                f"this MultiOptimizer is built already, for {len(self.parameter_names)} "
                "parameters; make a new optimizer for others"
            )
        # No part sees the parameters of the others, so an optimizer without state checks them all.
        _core.Optimizer("sgd", {}).build(params, None, None)
        names, arrays = _core.flatten(params)
        owners = self._route(names)
        given = _divided(overrides, names, arrays, owners, len(self.optimizers))
        kept = [leaf._exclusions for leaf in self._leaves()]
        wrong: list[str] = []
        try:
            self._hand_on(names, arrays, owners)
            for k in sorted(set(owners)):
                own = [i for i, owner in enumerate(owners) if owner == k]
                share = nested((names[i], arrays[i]) for i in own)
                try:
                    self.optimizers[k].build(share, given[k])
                except StateMismatchError as error:
                    wrong += differences(error)
            self._finish(names, owners, template(params), wrong)
        except BaseException:
            for leaf, before in zip(self._leaves(), kept, strict=True):
                leaf._exclusions = before
            self._unbind()
            raise
        self._pending = None

    def _finish(
        self, names: list[str], owners: list[int], structure: Template, wrong: list[str]
    ) -> None:
        """Join the built parts, and load the state that was kept for them."""
        if wrong:
            raise mismatch(wrong)
        self._joined.bind(names, owners, structure)
        if self._pending is not None:
            self._native.load_state_dict(*self._pending)

    def _unbind(self) -> None:
        self._joined.unbind()
        for part in self.optimizers:
            if part.built:
                part._unbind()

    def _route(self, names: list[str]) -> list[int]:
        """Return the part of each parameter."""
        matching: list[list[int]] = [[] for _ in names]
        for k, pattern in enumerate(self._patterns):
            if pattern is None:
                continue
            found = [i for i, name in enumerate(names) if choose(pattern)(name, None)]
            if not found:
                raise ParameterSetError(
                    f"MultiOptimizer: {pattern!r} matches {none_of(names)}; "
                    "correct it or leave it out"
                )
            for i in found:
                matching[i].append(k)
        owners = []
        for name, found in zip(names, matching, strict=True):
            if len(found) > 1:
                both = " and ".join(repr(self._patterns[k]) for k in found)
                raise ParameterSetError(
                    f"MultiOptimizer: '{name}' matches {both}; "
                    "change the patterns so that only one of them matches"
                )
            if not found and self._patterns[-1] is not None:
                raise ParameterSetError(
                    f"MultiOptimizer: '{name}' matches no pattern; add one, or a default"
                )
            owners.append(found[0] if found else len(self._patterns) - 1)
        return owners

    def _hand_on(self, names: list[str], arrays: list[Any], owners: list[int]) -> None:
        """Pass each exclusion to the parts in which it matches a parameter."""
        for method, exclusion in self._exclusions.items():
            for _, found in exclusion.matches(names, arrays):
                for k in {owners[i] for i in found}:
                    for leaf in self.optimizers[k]._leaves():
                        own = [names[i] for i in found if owners[i] == k]
                        leaf._exclusions = {
                            **leaf._exclusions,
                            method: leaf._exclusions[method].and_names(own),
                        }

    # Telling

    def _explain_inside(self) -> str:
        told = []
        for k, (pattern, part) in enumerate(zip(self._patterns, self.optimizers, strict=True)):
            title = f"{k}: {'all others' if pattern is None else repr(pattern)}"
            told.append(f"{title}\n\n{part.explain()}")
        return "\n\n".join(told)

    def _call(self) -> str:
        named = [
            f"({pattern!r}, {part._call()})"
            for pattern, part in zip(self._patterns, self.optimizers, strict=True)
            if pattern is not None
        ]
        inside = [f"[{', '.join(named)}]"]
        if self._patterns[-1] is None:
            inside.append(f"default={self.optimizers[-1]._call()}")
        return self._written(inside)


def _pairs(optimizers: Any) -> Iterable[tuple[str, Optimizer]]:
    wanted = "MultiOptimizer: optimizers must be a list of (pattern, optimizer)"
    if isinstance(optimizers, str | Mapping) or not hasattr(optimizers, "__iter__"):
        raise HyperparameterError(f"{wanted}; got {optimizers!r}")
    for pair in optimizers:
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[0], str):
            raise HyperparameterError(f"{wanted}; got {pair!r}")
        yield pair[0], pair[1]


def _check_part(part: object) -> None:
    optimizer = check_inner("MultiOptimizer", part)
    if any(isinstance(one, MultiOptimizer) for one in _nest(optimizer)):
        raise HyperparameterError(
            "MultiOptimizer cannot be inside MultiOptimizer: give its parts to the outer one"
        )
    if any(leaf._held for leaf in optimizer._leaves()):
        raise HyperparameterError(
            "LossScaleOptimizer cannot be inside MultiOptimizer, as all parts have to skip "
            "together: put it around"
        )


def _nest(optimizer: Optimizer) -> Iterable[Optimizer]:
    """Yield an optimizer and all inside it."""
    yield optimizer
    if isinstance(optimizer, Wrapper):
        for one in optimizer._inside():
            yield from _nest(one)


def _divided(
    overrides: Overrides | None, names: list[str], arrays: list[Any], owners: list[int], parts: int
) -> list[Any]:
    """Return for each part the overrides that match some of its parameters."""
    if overrides is None or not isinstance(overrides, Mapping):
        return [overrides] * parts
    given: list[dict[Any, Any]] = [{} for _ in range(parts)]
    for selector, settings in overrides.items():
        chosen = choose(selector)
        found = {owners[i] for i, name in enumerate(names) if chosen(name, arrays[i])}
        # For one that matches nothing, the first part raises.
        for k in found or {owners[0]}:
            given[k][selector] = settings
    return given
