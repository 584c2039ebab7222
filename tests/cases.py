"""The rows that every suite runs over: algorithm x option, as plain data.

Rows come from the library's registry: for each algorithm one with its defaults, one per choice of
each switch, one per number of its own, one per base feature and one per storage. A newly
registered algorithm gets its rows without a change here. The hand-written rows at the end combine
options.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lamb_rs import _core

Hyper = dict[str, Any]


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
    layerwise : bool
        Whether the algorithm scales its steps by a trust ratio.
    id : str
        Unique and stable.
    """

    algorithm: str
    class_name: str
    kwargs: Hyper
    layerwise: bool
    id: str

    @property
    def narrow(self) -> bool:
        """Whether the state is narrower than float32."""
        return bool(self.kwargs.get("state_dtype", "float32") != "float32")


# Values of numbers whose neutral default would show nothing; others are left at their defaults.
NUMBERS: Hyper = {
    "beta_1": 0.8,
    "beta_2": 0.95,
    "dampening": 0.1,
    "epsilon": 1e-3,
    "epsilon_root": 1e-4,
    "initial_accumulator_value": 0.0,
    "learning_rate_decay": 0.1,
    "momentum": 0.9,
    "threshold": 4.0,
    "trust_coefficient": 0.02,
}
PAIRS: Hyper = {"phi": (1.0, 10.0), "trust_clip": (0.5, 2.0)}
# Options without which another has no effect.
NEEDS: dict[tuple[str, str], Hyper] = {
    ("sgd", "nesterov"): {"momentum": 0.9},
    ("sgd", "form"): {"momentum": 0.9},
    ("sgd", "dampening"): {"momentum": 0.9, "form": "lr_outside"},
    ("lamb", "form"): {"weight_decay": 0.05},
    ("lars", "trust_clip"): {"learning_rate": 0.01},
    # Where g + lambda p cancels, an adaptive rule with a tiny epsilon divides one rounding error
    # by another: no bound could hold there.
    ("adam", "l2"): {"epsilon": 1e-3},
    ("adamw", "l2"): {"epsilon": 1e-3},
    ("lamb", "l2"): {"epsilon": 1e-3},
}
# Base features, alone. Clips bite, averages are overwritten, windows close within a few steps.
FEATURES: dict[str, Hyper] = {
    "clipnorm": {"clipnorm": 0.5},
    "clipvalue": {"clipvalue": 0.05},
    "global_clipnorm": {"global_clipnorm": 10.0},
    "ema": {"use_ema": True, "ema_momentum": 0.9},
    "ema-overwrite": {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3},
    "loss_scale": {"loss_scale_factor": 1024.0},
    "accumulate": {"gradient_accumulation_steps": 3},
    "maximize": {"maximize": True},
    "raise": {"nonfinite": "raise"},
    "skip": {"nonfinite": "skip"},
    "propagate": {"nonfinite": "propagate"},
}
WINDOWED: Hyper = {
    "weight_decay": 0.02,
    "loss_scale_factor": 8.0,
    "gradient_accumulation_steps": 2,
    "use_ema": True,
    "ema_momentum": 0.7,
    "ema_overwrite_frequency": 2,
}
# Everything at once that may be combined: one clip, both ways of counting.
COMBINED: dict[str, Hyper] = {
    "all-clipnorm": {**WINDOWED, "clipnorm": 1.0},
    "all-global": {**WINDOWED, "global_clipnorm": 5.0, "maximize": True},
    "all-clipvalue-call": {**WINDOWED, "clipvalue": 0.1, "ema_every": "call"},
    "ema-call": {"use_ema": True, "gradient_accumulation_steps": 3, "ema_every": "call"},
}
STORAGES: dict[str, Hyper] = {
    "bfloat16": {"state_dtype": "bfloat16"},
    "bfloat16-nearest": {"state_dtype": "bfloat16", "state_rounding": "nearest"},
    "float8": {"state_dtype": "float8"},
    "float8-nearest": {"state_dtype": "float8", "state_rounding": "nearest"},
    "float8-seed": {"state_dtype": "float8", "seed": 7},
}
# Each mode of weight decay is its own row; these shared options have rows above.
WRITTEN_ABOVE = {"weight_decay_mode", "ema_every", "maximize", "nonfinite", "use_ema"} | {
    "state_dtype",
    "state_rounding",
}
EXTRA: dict[str, dict[str, Hyper]] = {
    "sgd": {
        "outside-nesterov": {"momentum": 0.9, "form": "lr_outside", "nesterov": True},
        "momentum-l2": {"momentum": 0.9, "weight_decay": 0.05, "weight_decay_mode": "l2"},
        "momentum-after": {"momentum": 0.9, "weight_decay": 0.05, "weight_decay_mode": "after"},
        "momentum-cautious": {
            "momentum": 0.9,
            "weight_decay": 0.05,
            "weight_decay_mode": "cautious",
        },
    },
    "adagrad": {
        "torch": {"epsilon": 1e-10, "epsilon_mode": "out", "initial_accumulator_value": 0.0}
    },
    "adam": {
        "torch": {"epsilon": 1e-8, "epsilon_mode": "out"},
        "out-root": {"epsilon_mode": "out", "epsilon_root": 1e-4},
        "amsgrad-out": {"epsilon_mode": "out", "amsgrad": True},
        "corrected-out": {"epsilon_mode": "out", "amsgrad": "corrected"},
        "no-epsilon": {"epsilon": 0.0},
        "beta_1-zero": {"beta_1": 0.0},
        "amsgrad-float8": {"amsgrad": True, "state_dtype": "float8"},
    },
    "adamw": {"none": {"weight_decay": None}},
    "radam": {
        "paper": {"threshold": 4.0, "epsilon_mode": "out"},
        "never": {"beta_2": 0.5},
        "skip-decay": {"degenerate": "skip", "weight_decay": 0.05},
        "skip-fixed": {
            "degenerate": "skip",
            "weight_decay": 0.01,
            "weight_decay_mode": "fixed",
        },
    },
    "lars": {
        "decay": {"weight_decay": 0.01},
        "no-momentum": {"momentum": 0.0, "weight_decay": 0.01},
        "decay-no-always": {"always_adapt": False, "weight_decay": 0.01},
        "timm": {
            "form": "lr_outside",
            "weight_decay": 0.01,
            "epsilon": 1e-8,
            "always_adapt": False,
        },
        "outside-nesterov": {"form": "lr_outside", "nesterov": True, "weight_decay": 0.01},
        "joint-decay": {"form": "joint_norm", "weight_decay": 0.01},
        "joint-nesterov": {"form": "joint_norm", "weight_decay": 0.01, "nesterov": True},
        "timm-clip": {
            "form": "lr_outside",
            "weight_decay": 0.01,
            "learning_rate": 0.02,
            "trust_clip": (0.0, 1.0),
        },
    },
    "lamb": {
        "decay": {"weight_decay": 0.05},
        "keras": {"weight_decay": 0.05, "weight_decay_mode": "decoupled", "ema_every": "call"},
        "hat-decay": {"epsilon_mode": "hat", "weight_decay": 0.05},
        "v3": {
            "bias_correction": False,
            "phi": (0.0, 10.0),
            "epsilon": 1e-6,
            "weight_decay": 0.01,
        },
        "rate-decay": {"bias_correction": "rate", "weight_decay": 0.05},
        "rate-decoupled": {
            "bias_correction": "rate",
            "weight_decay": 0.5,
            "weight_decay_mode": "decoupled",
        },
        "first-decay": {"bias_correction": "first_moment", "weight_decay": 0.05},
        "clipped": {"trust_clip": (0.0, 1.0), "weight_decay": 0.05, "global_clipnorm": 1.0},
        "sum-phi": {"form": "sum", "phi": (0.1, 2.0), "weight_decay": 0.05},
        "decay-no-always": {"always_adapt": False, "weight_decay": 0.05},
        "all-float8": {**WINDOWED, "clipnorm": 1.0, "state_dtype": "float8"},
    },
}


def _own(row: dict[str, Any]) -> dict[str, Hyper]:
    """Rows of an algorithm's own options, each alone."""
    rows: dict[str, Hyper] = {}
    for hyper in row["hyper"]:
        name, default = hyper["name"], hyper["default"]
        if hyper["shared"] or name in WRITTEN_ABOVE:
            continue
        if hyper["kind"] == "choice":
            values = [value for value in hyper["choices"] if value != default]
        elif hyper["kind"] == "bool":
            values = [not default]
        elif hyper["kind"] == "pair":
            values = [PAIRS[name]] if name in PAIRS else []
        else:
            number = NUMBERS.get(name, default)
            # A number that is interesting by default shows more where it is off.
            values = [0.0] if number == default and name == "momentum" else [number]
            values = [value for value in values if value != default]
        for value in values:
            rows[f"{name}={value}"] = {**NEEDS.get((row["name"], name), {}), name: value}
    return rows


def _modes(row: dict[str, Any]) -> list[str]:
    for hyper in row["hyper"]:
        if hyper["name"] == "weight_decay_mode":
            return list(hyper["choices"])
    return []


def rows_of(row: dict[str, Any]) -> list[Case]:
    """All rows of one entry of the registry."""
    options: dict[str, Hyper] = {"defaults": {}, **_own(row)}
    for mode in _modes(row):
        needs = NEEDS.get((row["name"], mode), {})
        options[f"decay-{mode}"] = {**needs, "weight_decay": 0.05, "weight_decay_mode": mode}
    options |= FEATURES | COMBINED | STORAGES | EXTRA.get(row["name"], {})
    return [
        Case(row["name"], row["class_name"], kwargs, row["layerwise"], f"{row['name']}-{option}")
        for option, kwargs in options.items()
    ]


def cases() -> list[Case]:
    """All rows of all registered algorithms."""
    return [case for row in _core.algorithms() for case in rows_of(row)]
