"""Values of the rows of `cases.py`: numbers, features, storages, and combinations by hand."""

from __future__ import annotations

from typing import Any

Hyper = dict[str, Any]

# Values of numbers whose neutral default would show nothing; others are left at their defaults.
VALUES: dict[Any, list[Any]] = {
    "adam_beta_1": [0.8],
    "adam_beta_2": [0.95],
    "adam_lr_ratio": [0.5],
    "adam_weight_decay": [0.2],
    "alpha": [2.0],
    "alpha_warmup_steps": [20],
    "beta": [1.0],
    "beta_1": [0.8],
    "beta_1_1d": [0.8],
    "beta_2": [0.95],
    "beta_2_1d": [0.8],
    "beta_2_decay": [-0.5],
    "beta_3": [0.95],
    "beta_3_warmup_steps": [20],
    "clip_exponent": [None, 1 / 3],
    "clip_threshold": [0.5],
    "dampening": [0.1],
    "delta": [2.0],
    "distance_coefficient": [2.0],
    "epsilon": [1e-3],
    "epsilon_1": [1e-3],
    "epsilon_2": [0.5],
    "epsilon_root": [1e-4],
    "final_learning_rate": [0.05],
    "gamma": [0.1],
    "growth_rate": [1.5],
    "initial_accumulator_value": [0.0],
    "initial_distance": [1e-3],
    "l1_regularization_strength": [0.01],
    "l2_regularization_strength": [0.5],
    "l2_shrinkage_regularization_strength": [0.5],
    "learning_rate_1d_factor": [3.0],
    "learning_rate_decay": [0.1],
    "learning_rate_power": [-0.7],
    "min_dim_size_to_factor": [21],
    "momentum": [0.0, 0.9],
    ("schedulefreesgd", "momentum"): [0.8],
    "momentum_decay": [1.0],
    "ns_steps": [1, 7],
    "phi": [(1.0, 10.0)],
    "r": [1.0],
    "rho": [0.8],
    "rms_rate": [1.0],
    "slow_step_size": [0.8, 0.0, 1.0],
    "sync_period": [1, 5, None],
    "threshold": [4.0],
    "trust_clip": [(0.5, 2.0)],
    "trust_coefficient": [0.02],
    "trust_epsilon": [0.1],
    "warmup_steps": [5],
    "weight_decay_1d": [0.5],
    "weight_decay_ratio": [0.5],
    "weight_lr_power": [1.0],
    ("ralamb", "trust_clip"): [(0.5, 2.0), "paratrooper"],
    ("rangerlars", "trust_clip"): [(0.5, 2.0), "paratrooper"],
    ("rmsprop", "initial_accumulator_value"): [1.0, "gradient"],
}
# Options without which another has no effect.
NEEDS: dict[tuple[str, str], Hyper] = {
    ("sgd", "nesterov"): {"momentum": 0.9},
    ("sgd", "form"): {"momentum": 0.9},
    ("sgd", "dampening"): {"momentum": 0.9, "form": "lr_outside"},
    ("rmsprop", "form"): {"momentum": 0.9},
    ("lamb", "form"): {"weight_decay": 0.05},
    ("lars", "trust_clip"): {"learning_rate": 0.01},
    ("ralamb", "form"): {"weight_decay": 0.05, "phi": (0.0, 10.0)},
    ("rangerlars", "form"): {"weight_decay": 0.05, "phi": (0.0, 10.0)},
    ("adan", "form"): {"weight_decay": 0.05},
    ("adamp", "weight_decay_ratio"): {"weight_decay": 0.05, "delta": 2.0},
    ("sgdp", "weight_decay_ratio"): {"weight_decay": 0.05, "delta": 2.0},
    ("schedulefreesgd", "r"): {"warmup_steps": 5},
    ("schedulefreesgd", "weight_lr_power"): {"warmup_steps": 5},
    ("schedulefreeadamw", "weight_lr_power"): {"warmup_steps": 5},
}
# Where a gradient that was added up cancels, an adaptive rule with a tiny epsilon divides one
# rounding error by another: no bound could hold there.
CANCELLING = (
    "l2",
    "centralized",
    "centralized-conv",
    "larc",
    "larc-free",
    "all-larc",
    "all-float8",
)
STEADY: dict[str, Any] = {"epsilon": 1e-3, "epsilon_1": 1e-3}
# Names of the native arguments that the wrappers set.
LOOKAHEAD = {"sync_period", "slow_step_size", "slow_start", "sync_phase", "pullback_momentum"}
LARC = {"larc_coefficient": "trust_coefficient", "larc_clip": "clip", "larc_epsilon": "epsilon"}
# Further arguments of rows of shared options: steps far above the rounding of the parameters.
BESIDES: dict[str, Hyper] = {"prodigy": {"initial_distance": 1e-3}}
# Base features and wrappers, alone. Clips bite, averages are overwritten, windows close and weights
# synchronize within a few steps.
FEATURES: dict[str, Hyper] = {
    "clipnorm": {"clipnorm": 0.5},
    "clipnorm-epsilon": {"clipnorm": 0.5, "clip_epsilon": 0.01},
    "clipvalue": {"clipvalue": 0.05},
    "global_clipnorm": {"global_clipnorm": 10.0},
    "global-epsilon": {"global_clipnorm": 10.0, "clip_epsilon": 0.1},
    "centralized": {"gradient_centralization": True},
    "centralized-conv": {"gradient_centralization": "conv_only"},
    "ema": {"use_ema": True, "ema_momentum": 0.9},
    "ema-overwrite": {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3},
    "ema-start": {"use_ema": True, "ema_momentum": 0.5, "ema_start": 4},
    "uniform": {"use_ema": True, "ema_form": "uniform", "ema_start": 3},
    "loss_scale": {"loss_scale_factor": 1024.0},
    "accumulate": {"gradient_accumulation_steps": 3},
    "maximize": {"maximize": True},
    "skip": {"nonfinite": "skip"},
    "lookahead": {"sync_period": 3},
    "lookahead-first": {
        "sync_period": 3,
        "slow_start": "first_sync",
        "slow_step_size": 0.8,
        "pullback_momentum": "reset",
    },
    "lookahead-phase": {"sync_period": 4, "sync_phase": 1},
    "lookahead-reset": {"sync_period": 3, "pullback_momentum": "reset"},
    "lookahead-pullback": {"sync_period": 3, "pullback_momentum": "pullback"},
    "larc": {"larc_coefficient": 0.02, "weight_decay": 0.05},
    "larc-free": {"larc_coefficient": 0.02, "larc_clip": False, "larc_epsilon": 0.1},
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
    "all-clipnorm": {**WINDOWED, "clipnorm": 1.0, "sync_period": 2},
    "all-larc": {**WINDOWED, "larc_coefficient": 0.02},
    "all-global": {**WINDOWED, "global_clipnorm": 5.0, "maximize": True, "sync_period": 3},
    "all-clipvalue-call": {**WINDOWED, "clipvalue": 0.1, "ema_every": "call"},
    "ema-call": {"use_ema": True, "gradient_accumulation_steps": 3, "ema_every": "call"},
}
STORAGES: dict[str, Hyper] = {
    "bfloat16": {"state_dtype": "bfloat16"},
    "float8": {"state_dtype": "float8"},
    "all-float8": {
        **WINDOWED,
        "clipnorm": 1.0,
        "gradient_centralization": True,
        "sync_period": 3,
        "state_dtype": "float8",
    },
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
        "torch": {"epsilon": 1e-10, "epsilon_mode": "out", "initial_accumulator_value": 0.0},
        "both-decay": {"learning_rate_decay": 0.1, "weight_decay": 0.05},
    },
    "adam": {
        "torch": {"epsilon": 1e-8, "epsilon_mode": "out"},
        "out-root": {"epsilon_mode": "out", "epsilon_root": 1e-4},
        "amsgrad-out": {"epsilon_mode": "out", "amsgrad": True},
        "corrected-out": {"epsilon_mode": "out", "amsgrad": "corrected"},
        "no-epsilon": {"epsilon": 0.0},
        "beta_1-zero": {"beta_1": 0.0},
        "amsgrad-float8": {"amsgrad": True, "state_dtype": "float8"},
        "cautious-decay": {"cautious": True, "weight_decay": 0.05},
        "cautious-float8": {"cautious": "sum1", "state_dtype": "float8"},
        "bfloat16-nearest": {"state_dtype": "bfloat16", "state_rounding": "nearest"},
        "float8-nearest": {"state_dtype": "float8", "state_rounding": "nearest"},
        "float8-seed": {"state_dtype": "float8", "seed": 7},
        "raise": {"nonfinite": "raise"},
        "propagate": {"nonfinite": "propagate"},
    },
    "adamw": {"none": {"weight_decay": None}, "cautious": {"cautious": True}},
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
        "averaged-decay": {"form": "momentum_norm", "weight_decay": 0.01},
        "averaged-plain": {"form": "momentum_norm", "momentum": 0.0},
        "ratio-decay": {"form": "ratio_outside", "weight_decay": 0.01, "epsilon": 1e-6},
        "averaged-float8": {"form": "momentum_norm", "state_dtype": "float8"},
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
        "keras": {"weight_decay": 0.05, "weight_decay_mode": "decoupled"},
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
        "in-decay": {"epsilon_mode": "in", "weight_decay": 0.05},
        "in-rate": {"epsilon_mode": "in", "bias_correction": "rate"},
        "cautious-decay": {"cautious": True, "weight_decay": 0.05},
        "sum-epsilon": {"form": "sum", "trust_epsilon": 0.5, "weight_decay": 0.05},
        "float8-nearest": {"state_dtype": "float8", "state_rounding": "nearest"},
    },
    "rmsprop": {
        "torch": {"rho": 0.99, "epsilon": 1e-8, "epsilon_mode": "out", "form": "lr_outside"},
        "centered-momentum": {"centered": True, "momentum": 0.9},
        "centered-out": {"centered": True, "epsilon_mode": "out"},
        "outside": {"momentum": 0.9, "form": "lr_outside"},
        "gradient-out": {"initial_accumulator_value": "gradient", "epsilon_mode": "out"},
        "tf1": {"initial_accumulator_value": 1.0, "momentum": 0.9, "epsilon": 1e-10},
    },
    "adadelta": {"torch": {"rho": 0.9, "epsilon": 1e-6}},
    "adamax": {"no-epsilon": {"epsilon": 0.0}},
    "nadam": {
        "nadamw": {"form": "ruder", "weight_decay": 0.05},
        "keras": {"momentum_decay": 1.0},
    },
    "adabound": {
        "amsbound-decay": {"amsgrad": True, "weight_decay": 0.05},
        "no-epsilon": {"epsilon": 0.0},
    },
    "ranger": {
        "no-gc": {"gradient_centralization": False},
        "sync-decay": {"sync_period": 2, "weight_decay": 0.05},
        "skip": {"degenerate": "skip", "sync_period": 2, "weight_decay": 0.05},
        "float8-sync": {"sync_period": 2, "state_dtype": "float8"},
    },
    "ralamb": {
        "decay": {"weight_decay": 0.05},
        "over9000": {
            "form": "new_weights",
            "phi": (0.0, 10.0),
            "weight_decay": 0.05,
            "weight_decay_mode": "decoupled",
        },
        "hat-decay": {"epsilon_mode": "hat", "weight_decay": 0.05},
        "paratrooper-decay": {"trust_clip": "paratrooper", "beta_1": 0.95, "weight_decay": 1e-3},
        "never": {"beta_2": 0.5, "trust_clip": "paratrooper"},
        "no-always": {"always_adapt": False},
        "new-float8": {"form": "new_weights", "phi": (0.0, 10.0), "state_dtype": "float8"},
    },
    "rangerlars": {
        "sync-decay": {"sync_period": 2, "weight_decay": 0.05},
        "sync-float8": {"sync_period": 2, "state_dtype": "float8"},
    },
    "adafactor": {
        "keras": {"epsilon_mode": "add"},
        "plain": {"relative_step": False, "scale_parameter": False, "learning_rate": 0.01},
        "momentum": {"beta_1": 0.9},
        "momentum-decay": {"beta_1": 0.9, "weight_decay": 0.1, "learning_rate": 0.1},
        "decay": {"weight_decay": 0.5, "learning_rate": 0.1},
        "never-factored": {"min_dim_size_to_factor": 1000, "epsilon_mode": "add"},
        "momentum-float8": {"beta_1": 0.9, "state_dtype": "float8"},
        # Of a tensor whose second moment is whole, the momentum is not the first state.
        "momentum-reset": {"beta_1": 0.9, "sync_period": 3, "pullback_momentum": "reset"},
        "momentum-pullback": {"beta_1": 0.9, "sync_period": 3, "pullback_momentum": "pullback"},
    },
    "ftrl": {
        "all": {
            "l1_regularization_strength": 0.01,
            "l2_regularization_strength": 0.1,
            "l2_shrinkage_regularization_strength": 0.1,
            "beta": 1.0,
            "learning_rate": 0.1,
        },
        "from-zero": {"initial_accumulator_value": 0.0, "learning_rate": 0.1},
    },
    "muon": {
        "ema-plain": {"form": "ema", "nesterov": False},
        "debiased-plain": {"form": "debiased", "nesterov": False},
        "optax": {"form": "debiased", "scale": "columns", "epsilon": 1e-8},
        "no-decay": {"weight_decay": None, "adam_weight_decay": 0.0},
        "vectors-decay": {"weight_decay": None, "adam_weight_decay": 0.5},
        "decay": {"weight_decay": 0.5, "adam_weight_decay": 0.2},
    },
    "adabelief": {
        "plain": {"rectify": False, "epsilon": 1e-8},
        "plain-root": {"rectify": False, "epsilon": 1e-8, "epsilon_root": 1e-4},
        "skip": {"degenerate": "skip", "weight_decay": 0.05},
    },
    "novograd": {
        "averaged-decay": {"gradient_averaging": True, "weight_decay": 0.05},
        "jettify": {"beta_2": 0.0},
    },
    "adan": {"proximal-warm": {"weight_decay": 0.5, "learning_rate": 0.05}},
    "ademamix": {
        "warm": {"alpha_warmup_steps": 30, "beta_3_warmup_steps": 30, "weight_decay": 0.05}
    },
    "adopt": {"decay": {"weight_decay": 0.05}, "l2-clip": {"clip_exponent": 0.5}},
    "grams": {"decay": {"weight_decay": 0.05}},
    "mars": {
        "lion-decay": {"form": "lion", "weight_decay": 0.05},
        "all": {"optimize_1d": True, "gamma": 0.1, "weight_decay": 0.05},
        "timm": {"beta_1": 0.9, "correct_first_step": False, "optimize_1d": True},
    },
    "schedulefreesgd": {"warm-decay": {"warmup_steps": 5, "r": 1.0, "weight_decay": 0.05}},
    "schedulefreeadamw": {
        "warm-decay": {"warmup_steps": 5, "r": 0.5, "weight_decay": 0.05},
        "decoupled": {"weight_decay": 0.5, "weight_decay_mode": "decoupled"},
    },
    "prodigy": {
        "decay": {"weight_decay": 0.05, "initial_distance": 1e-3},
        "corrected": {"bias_correction": True, "initial_distance": 1e-3},
        "safeguard": {"safeguard_warmup": True, "initial_distance": 1e-3, "weight_decay": 0.01},
    },
}
