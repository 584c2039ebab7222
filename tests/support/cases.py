"""The rows that every suite runs over: algorithm x option, as plain data.

Rows come from the library's registry: for each algorithm one with its defaults, one per choice of
each switch, one per number of its own, one per base feature, wrapper and storage. A newly
registered algorithm gets its rows without a change here. `options.py` has the values, and
hand-written rows that combine options.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lamb_rs
from support.options import (
    BESIDES,
    CANCELLING,
    COMBINED,
    EXTRA,
    FEATURES,
    LARC,
    LOOKAHEAD,
    NEEDS,
    STEADY,
    STORAGES,
    VALUES,
    Hyper,
)


@dataclass(frozen=True)
class Case:
    """One row.

    Attributes
    ----------
    algorithm : str
        Name in the registry.
    class_name : str
        Name of the class in ``lamb_rs``.
    kwargs : dict
        Arguments of the class.
    own : bool
        Whether the row is about what the algorithm alone has, not about what all share.
    id : str
        Unique and stable.
    """

    algorithm: str
    class_name: str
    kwargs: Hyper
    own: bool
    id: str

    @property
    def narrow(self) -> bool:
        """Whether the state is narrower than float32."""
        return self.kwargs.get("state_dtype") in NARROW

    @property
    def stored(self) -> bool:
        """Whether the steps are along moments as a narrow storage rounded them."""
        return self.narrow and stepped_as_stored(_row(self.class_name), self.kwargs)

    def make(self, **more: Any) -> Any:
        """An optimizer with these arguments, not built."""
        return make(self.class_name, self.kwargs, **more)


# Each mode of weight decay is its own row; other shared options have rows in `options.py`.
WRITTEN_ELSEWHERE = {"weight_decay_mode"}
NARROW = ("bfloat16", "float8")


def make(class_name: str, kwargs: Hyper, **more: Any) -> Any:
    """An optimizer in the wrappers whose arguments are there by their native names."""
    arguments = {**kwargs, **more}
    cls = getattr(lamb_rs, class_name)
    wrapped = {name for name in arguments if not hasattr(cls, name)}
    lookahead = {name: arguments.pop(name) for name in wrapped & LOOKAHEAD}
    larc = {name: arguments.pop(name) for name in wrapped & LARC.keys()}
    opt = cls(**arguments)
    if larc:
        opt = lamb_rs.Larc(opt, **{LARC[name]: value for name, value in larc.items()})
    return lamb_rs.Lookahead(opt, **lookahead) if lookahead else opt


def _row(class_name: str) -> dict[str, Any]:
    return next(row for row in lamb_rs.registry() if row.class_name == class_name)


def own_options(row: Any) -> dict[str, Hyper]:
    """Rows of an algorithm's own options, each alone."""
    rows: dict[str, Hyper] = {}
    for hyper in row.hyperparameters:
        name, default = hyper.name, hyper.default
        if hyper.shared or name in WRITTEN_ELSEWHERE:
            continue
        if (row.name, name) in VALUES:
            values = VALUES[row.name, name]
        elif hyper.kind == "choice":
            values = list(hyper.choices)
        elif hyper.kind == "bool":
            values = [not default]
        else:
            values = VALUES.get(name, [])
        for value in values:
            if value != default:
                rows[f"{name}={value}"] = {**NEEDS.get((row.name, name), {}), name: value}
    return rows


def _modes(row: Any) -> dict[str, Hyper]:
    """Each mode of weight decay."""
    rows: dict[str, Hyper] = {}
    for hyper in row.hyperparameters:
        for mode in hyper.choices if hyper.name == "weight_decay_mode" else ():
            steady = _steady(row) if mode in CANCELLING else {}
            rows[f"decay-{mode}"] = {**steady, "weight_decay": 0.05, "weight_decay_mode": mode}
    return rows


def _steady(row: Any) -> Hyper:
    names = {hyper.name for hyper in row.hyperparameters}
    return {name: value for name, value in STEADY.items() if name in names}


def _bearable(row: Any, options: dict[str, Hyper]) -> dict[str, Hyper]:
    """Combined options without Lookahead, where that is refused."""
    if refused(row, {"sync_period": 2}) is None:
        return options
    return {
        option: {name: value for name, value in kwargs.items() if name not in LOOKAHEAD}
        for option, kwargs in options.items()
    }


def refused(row: Any, kwargs: Hyper) -> str | None:
    """Why a shared option is refused, as part of the message: see `test_combinations.py`."""
    cls = getattr(lamb_rs, row.class_name)
    if row.layerwise and "larc_coefficient" in kwargs:
        return "trust ratio of its own"
    if hasattr(cls, "sync_period") and any(not hasattr(cls, n) for n in LOOKAHEAD & kwargs.keys()):
        return "synchronizes with slow weights already"
    if row.name.startswith("schedulefree") and "sync_period" in kwargs:
        return "averages its iterates already"
    if kwargs.get("pullback_momentum") == "pullback" and kwargs.get("state_dtype") in NARROW:
        return "needs state_dtype='float32'"
    return None


def rows_of(row: Any) -> list[Case]:
    """All rows of one entry of the registry."""
    own = {"defaults": {}, **own_options(row), **EXTRA.get(row.name, {})}
    common = _modes(row) | {
        name: {**(_steady(row) if name in CANCELLING else {}), **kwargs}
        for name, kwargs in (FEATURES | _bearable(row, COMBINED | STORAGES)).items()
    }
    besides = BESIDES.get(row.name, {})
    common = {name: {**besides, **kwargs} for name, kwargs in common.items()}
    return [
        Case(
            row.name,
            row.class_name,
            kwargs,
            mine,
            f"{row.name}-{option}",
        )
        for mine, options in ((True, own), (False, common))
        for option, kwargs in options.items()
        if mine or not refused(row, kwargs)
    ]


def stepped_as_stored(row: Any, kwargs: Hyper) -> bool:
    """Whether a rule of two passes steps along its moments as a narrow storage rounded them."""
    return bool(row.layerwise or kwargs.get("cautious") or row.name in ("prodigy", "muon"))


def cases() -> list[Case]:
    """All rows of all registered algorithms."""
    return [case for row in lamb_rs.registry() for case in rows_of(row)]
