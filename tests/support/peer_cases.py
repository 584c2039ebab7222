"""Arguments with which peers are compared while they run."""

from __future__ import annotations

from typing import Any

DECAY = {"lr": 0.01, "weight_decay": 0.05}
CASES: dict[str, list[dict[str, Any]]] = {
    "torch.SGD": [
        {},
        {**DECAY, "momentum": 0.9, "dampening": 0.3},
        {**DECAY, "momentum": 0.9, "nesterov": True, "maximize": True},
    ],
    "torch.Adagrad": [{}, {**DECAY, "lr_decay": 0.1, "initial_accumulator_value": 0.2}],
    "torch.RMSprop": [
        {},
        {**DECAY, "momentum": 0.9},
        {"centered": True, "momentum": 0.5, "alpha": 0.9, "eps": 1e-4},
    ],
    "torch.Adadelta": [{}, {"lr": 0.5, "rho": 0.8, "weight_decay": 0.05}],
    "torch.Adam": [
        {},
        {**DECAY, "amsgrad": True, "maximize": True},
        {**DECAY, "decoupled_weight_decay": True, "betas": (0.8, 0.95), "eps": 1e-3},
    ],
    "torch.AdamW": [{}, {**DECAY, "amsgrad": True}],
    "torch.Adamax": [{}, {**DECAY, "eps": 1e-3}],
    "torch.NAdam": [{}, {**DECAY, "momentum_decay": 0.5, "decoupled_weight_decay": True}, DECAY],
    "torch.RAdam": [{}, DECAY, {**DECAY, "decoupled_weight_decay": True, "betas": (0.8, 0.95)}],
    "torch.Adafactor": [
        {"eps": (2.0**-23, 1e-3)},
        {**DECAY, "beta2_decay": -0.5, "eps": (1e-10, 1e-2), "d": 1.5},
    ],
    "timm.Lamb": [
        {},
        {**DECAY, "max_grad_norm": None},
        {**DECAY, "max_grad_norm": 0.1, "trust_clip": True},
        {"lr": 0.01, "weight_decay": 0.0},
        {"lr": 0.01, "weight_decay": 0.0, "always_adapt": True, "bias_correction": False},
        {**DECAY, "caution": True, "grad_averaging": False},
        {**DECAY, "decoupled_decay": True},
        {**DECAY, "decoupled_decay": True, "corrected_weight_decay": True},
    ],
    "timm.Lars": [
        {},
        {**DECAY, "momentum": 0.9},
        {**DECAY, "momentum": 0.9, "nesterov": True, "trust_clip": True},
        {"always_adapt": True, "trust_coeff": 0.01},
    ],
    "timm.Lion": [{}, {**DECAY, "caution": True}, {**DECAY, "maximize": True}],
    "timm.Adan": [{}, DECAY, {**DECAY, "no_prox": True}],
    "timm.NAdamW": [{}, DECAY],
    "timm.AdamWLegacy": [{}, {**DECAY, "amsgrad": True}, {**DECAY, "caution": True}],
    "timm.RAdamLegacy": [{}, DECAY],
    "timm.RMSpropTF": [
        {},
        {**DECAY, "momentum": 0.9, "lr_in_momentum": False},
        {**DECAY, "momentum": 0.9, "centered": True, "decoupled_decay": True},
    ],
    "timm.SGDW": [{}, {**DECAY, "momentum": 0.9, "nesterov": True}, {**DECAY, "momentum": 0.9}],
    "timm.AdaBelief": [
        {},
        {**DECAY, "rectify": False},
        {**DECAY, "decoupled_decay": False},
        {**DECAY, "fixed_decay": True, "eps": 1e-8},
        {"lr": 0.01, "degenerated_to_sgd": False},
    ],
    "timm.NvNovoGrad": [{}, DECAY, {**DECAY, "grad_averaging": True, "decoupled_decay": True}],
    "timm.Adopt": [
        {},
        {**DECAY, "clip_exp": None},
        {**DECAY, "decoupled": True, "clip_exp": 0.25},
    ],
    "timm.Mars": [
        {},
        {**DECAY, "mars_type": "lion"},
        {**DECAY, "optimize_1d": True},
        {**DECAY, "lr_1d_factor": 0.5, "betas_1d": (0.8, 0.9)},
    ],
    "timm.Adafactor": [
        {},
        {"min_dim_size_to_factor": 1, "warmup_init": True, "scale_parameter": False},
        {"lr": 0.01, "betas": (0.9, 0.999), "min_dim_size_to_factor": 0},
        {"scale_parameter": False, "decay_rate": -0.5, "clip_threshold": 0.5},
    ],
    "timm.Lookahead": [
        {"base": "torch.AdamW", "base_kwargs": {"lr": 0.01}},
        {"base": "torch.SGD", "base_kwargs": {"lr": 0.01, "momentum": 0.9}, "k": 4, "alpha": 0.3},
    ],
    "pytorch_optimizer.SGDW": [{}, {**DECAY, "momentum": 0.9, "weight_decouple": False}],
    "pytorch_optimizer.Lion": [
        {},
        {**DECAY, "cautious": True},
        {**DECAY, "fixed_decay": True, "use_gc": True},
    ],
    "pytorch_optimizer.AdaMax": [{}, {**DECAY, "weight_decouple": True}],
    "pytorch_optimizer.AdamC": [{}, {**DECAY, "ams_bound": True}],
    "pytorch_optimizer.RAdam": [{}, DECAY, {**DECAY, "degenerated_to_sgd": True}],
    "pytorch_optimizer.Ranger": [
        {"degenerated_to_sgd": True},
        {**DECAY, "degenerated_to_sgd": True, "k": 4, "alpha": 0.3, "use_gc": False},
        {**DECAY, "degenerated_to_sgd": True, "weight_decouple": False, "gc_conv_only": True},
    ],
    "pytorch_optimizer.AdaBelief": [{}, {**DECAY, "rectify": True}, {**DECAY, "fixed_decay": True}],
    "pytorch_optimizer.AdaBound": [{}, {**DECAY, "ams_bound": True}],
    "pytorch_optimizer.Adan": [
        {},
        {**DECAY, "max_grad_norm": 0.1},
        {**DECAY, "weight_decouple": True},
    ],
    "pytorch_optimizer.AdEMAMix": [{}, {**DECAY, "t_alpha_beta3": 30.0}],
    "pytorch_optimizer.ADOPT": [{"clip_lambda": None}, {**DECAY, "clip_lambda": None}],
    "pytorch_optimizer.Grams": [{}, DECAY],
    "pytorch_optimizer.NovoGrad": [{}, DECAY, {**DECAY, "weight_decouple": True}],
    "pytorch_optimizer.Prodigy": [
        {},
        {"weight_decay": 0.05, "bias_correction": True, "growth_rate": 1.5},
        {"safeguard_warmup": True, "d0": 1e-4, "beta3": 0.9, "fixed_decay": True},
    ],
    "pytorch_optimizer.FTRL": [
        {"lr": 0.1, "beta": 0.1},
        {"lr": 0.1, "lambda_1": 0.01, "lambda_2": 0.05, "beta": 0.5},
    ],
    "pytorch_optimizer.Lamb": [
        {},
        {**DECAY, "pre_norm": True, "max_grad_norm": 0.1},
        {**DECAY, "weight_decouple": False, "grad_averaging": False},
    ],
    "pytorch_optimizer.AdaFactor": [
        {"betas": (None, 0.99999999999)},
        {"betas": (None, 0.99999999999), "relative_step": False, "lr": 0.02},
        {"betas": (None, 0.99999999999), "warmup_init": True, "scale_parameter": False},
    ],
    "pytorch_optimizer.ScheduleFreeSGD": [
        {"lr": 0.1},
        {"lr": 0.1, "weight_decay": 0.05, "warmup_steps": 5, "r": 0.5},
    ],
    "pytorch_optimizer.Lookahead": [
        {"base": "torch.AdamW", "base_kwargs": {"lr": 0.01}},
        *(
            {
                "base": "torch.SGD",
                "base_kwargs": {"lr": 0.01, "momentum": 0.9},
                "pullback_momentum": pullback,
                "alpha": 0.3,
            }
            for pullback in ("none", "reset", "pullback")
        ),
    ],
    "torch_optimizer.Lamb": [{}, {**DECAY, "clamp_value": 0.1}, {**DECAY, "debias": True}],
    "torch_optimizer.LARS": [{}, {**DECAY, "momentum": 0.9}, {**DECAY, "trust_coefficient": 0.1}],
    "torch_optimizer.RAdam": [{}, DECAY],
    "torch_optimizer.AdaBound": [{}, {**DECAY, "amsbound": True}],
    "torch_optimizer.AdaBelief": [{}, DECAY, {**DECAY, "weight_decouple": True}],
    "torch_optimizer.NovoGrad": [{}, {**DECAY, "betas": (0.9, 0.5), "grad_averaging": True}],
    "torch_optimizer.Adafactor": [
        {},
        {"lr": 0.01, "relative_step": False, "beta1": 0.9, "clip_threshold": 0.5},
        {"warmup_init": True, "scale_parameter": False},
    ],
    "torch_optimizer.SGDW": [{}, {"momentum": 0.9, "dampening": 0.1}],
    "torch_optimizer.Ranger": [{}, {**DECAY, "k": 4, "alpha": 0.3}],
    "torch_optimizer.Lookahead": [
        {"base": "torch.AdamW", "base_kwargs": {"lr": 0.01}},
        {"base": "torch.SGD", "base_kwargs": {"lr": 0.01, "momentum": 0.9}, "k": 4, "alpha": 0.3},
    ],
    "schedulefree.AdamWScheduleFree": [
        {},
        {**DECAY, "warmup_steps": 5, "r": 0.5, "weight_lr_power": 1.0},
    ],
    "schedulefree.SGDScheduleFree": [
        {"lr": 0.1},
        {"lr": 0.1, "weight_decay": 0.05, "warmup_steps": 5, "r": 0.5},
    ],
    "prodigyopt.Prodigy": [
        {},
        {"weight_decay": 0.05, "use_bias_correction": True, "growth_rate": 1.5},
        {"weight_decay": 0.05, "decouple": False, "d0": 1e-4, "safeguard_warmup": True},
    ],
    "adabound.AdaBound": [{}, {**DECAY, "amsbound": True}],
    "lion_pytorch.Lion": [{}, DECAY, {**DECAY, "decoupled_weight_decay": True}],
    "pytorch_ranger.Ranger": [{}, {**DECAY, "k": 4, "alpha": 0.3}],
    "bitsandbytes.Adam": [{}, DECAY],
    "bitsandbytes.AdamW": [{}, DECAY],
    "bitsandbytes.AdEMAMix": [{}, {**DECAY, "t_alpha": 30, "t_beta3": 30}],
    "bitsandbytes.Lion": [{}, DECAY],
    "bitsandbytes.SGD": [{**DECAY, "momentum": 0.9}],
    "bitsandbytes.RMSprop": [{}, DECAY],
    "bitsandbytes.Adagrad": [{}, DECAY],
    "optax.sgd": [
        {"learning_rate": 0.02},
        {"learning_rate": 0.02, "momentum": 0.9, "nesterov": True},
    ],
    "optax.adagrad": [{"learning_rate": 0.02, "initial_accumulator_value": 0.0}],
    "optax.rmsprop": [
        {"learning_rate": 0.01},
        {"learning_rate": 0.01, "centered": True, "momentum": 0.9, "eps_in_sqrt": False},
        {"learning_rate": 0.01, "decay": 0.95, "initial_scale": 1.0, "eps": 1e-4},
    ],
    "optax.adadelta": [{"learning_rate": 0.5, "weight_decay": 0.05}],
    "optax.adam": [
        {"learning_rate": 0.01},
        {"learning_rate": 0.01, "eps_root": 1e-4, "b1": 0.8},
        {"learning_rate": 0.01, "nesterov": True},
    ],
    "optax.adamw": [
        {"learning_rate": 0.01},
        {"learning_rate": 0.01, "weight_decay": 0.1, "nesterov": True},
    ],
    "optax.nadam": [{"learning_rate": 0.01}, {"learning_rate": 0.01, "nesterov": False}],
    "optax.nadamw": [{"learning_rate": 0.01, "weight_decay": 0.1}],
    "optax.amsgrad": [
        {"learning_rate": 0.01},
        {"learning_rate": 0.01, "bias_correction_mu": False, "bias_correction_nu": False},
    ],
    "optax.adamax": [{"learning_rate": 0.01}],
    "optax.adamaxw": [{"learning_rate": 0.01, "weight_decay": 0.1}],
    "optax.radam": [{"learning_rate": 0.01}, {"learning_rate": 0.01, "threshold": 4.0}],
    "optax.lars": [
        {"learning_rate": 1.0, "weight_decay": 0.01},
        {"learning_rate": 1.0, "nesterov": True, "eps": 1e-3},
    ],
    "optax.lamb": [{"learning_rate": 0.01}, {"learning_rate": 0.01, "weight_decay": 0.1}],
    "optax.lion": [{"learning_rate": 0.001}, {"learning_rate": 0.001, "weight_decay": 0.1}],
    "optax.adafactor": [
        {},
        {"learning_rate": 0.02, "min_dim_size_to_factor": 2, "momentum": 0.9},
        {"learning_rate": 0.02, "multiply_by_parameter_scale": False, "factored": False},
    ],
    "optax.novograd": [
        {"learning_rate": 0.01},
        {"learning_rate": 0.01, "b2": 0.98, "weight_decay": 0.05},
    ],
    "optax.adabelief": [
        {"learning_rate": 0.01},
        {"learning_rate": 0.01, "eps": 1e-8, "eps_root": 1e-8},
    ],
    "optax.contrib.ademamix": [
        {"learning_rate": 0.01},
        {"learning_rate": 0.01, "alpha": 2.0, "weight_decay": 0.1},
    ],
    "optax.contrib.adopt": [
        {"learning_rate": 0.01},
        {"learning_rate": 0.01, "use_clipping": False},
    ],
    "optax.contrib.prodigy": [{}, {"weight_decay": 0.05, "estim_lr_coef": 2.0, "beta3": 0.9}],
    "optax.contrib.schedule_free_adamw": [
        {},
        {"learning_rate": 0.01, "weight_decay": 0.1, "b1": 0.95},
    ],
    "optax.contrib.schedule_free_sgd": [
        {"learning_rate": 0.1},
        {"learning_rate": 0.1, "weight_decay": 0.1},
    ],
    "optax.lookahead": [
        {
            "base": "optax.adam",
            "base_kwargs": {"learning_rate": 0.01},
            "sync_period": 5,
            "slow_step_size": 0.3,
        },
    ],
    "optax.MultiSteps": [
        {
            "base": "optax.adamw",
            "base_kwargs": {"learning_rate": 0.01},
            "every_k_schedule": 3,
            "accumulator_dtype": "float64",
        },
    ],
    "optax.clip_by_global_norm": [
        {"base": "optax.sgd", "base_kwargs": {"learning_rate": 0.1}, "max_norm": 0.5},
    ],
    "optax.clip": [
        {"base": "optax.sgd", "base_kwargs": {"learning_rate": 0.1}, "max_delta": 0.05},
    ],
}
# Parameters that are left out, because the note of the peer says that they differ, or because the
# peer stumbles over their shape.
LEFT_OUT: dict[str, set[str]] = {
    "optax.adafactor": {"filters"},
    "pytorch_optimizer.Adan": {"scalar"},
    "timm.Adafactor": {"filters"},
    "torch_optimizer.Adafactor": {"filters"},
}
KERAS_ALL: dict[str, Any] = {
    "learning_rate": 0.02,
    "weight_decay": 0.05,
    "global_clipnorm": 1.0,
    "use_ema": True,
    "ema_momentum": 0.7,
    "ema_overwrite_frequency": 4,
    "loss_scale_factor": 8.0,
    "gradient_accumulation_steps": 2,
}
KERAS_OWN: dict[str, list[dict[str, Any]]] = {
    "SGD": [{"momentum": 0.9, "nesterov": True}],
    "Adagrad": [{"initial_accumulator_value": 0.5}],
    "RMSprop": [{"momentum": 0.9, "centered": True, "rho": 0.8}],
    "Adadelta": [{"learning_rate": 1.0, "rho": 0.8}],
    "Adam": [{"amsgrad": True, "epsilon": 1e-3}],
    "AdamW": [{"amsgrad": True}],
    "Adamax": [{"epsilon": 1e-3}],
    "Nadam": [{"beta_1": 0.8}],
    "Adafactor": [{"beta_2_decay": -0.5, "clip_threshold": 0.5, "relative_step": False}],
    "Ftrl": [{"l1_regularization_strength": 0.01, "l2_regularization_strength": 0.1, "beta": 0.1}],
    "Lion": [{"beta_1": 0.8, "beta_2": 0.9}],
    "Lamb": [{"beta_1": 0.8, "clipvalue": 0.05}],
}
for _name, _rows in KERAS_OWN.items():
    CASES[f"keras.{_name}"] = [{}, *_rows, KERAS_ALL]
# Its default rate moves less than a float32 can follow.
CASES["keras.Adadelta"][0] = {"learning_rate": 0.5}
# Its steps do not know of the decay of the same update: see its note.
CASES["keras.Adafactor"][-1] = {**KERAS_ALL, "weight_decay": None}
