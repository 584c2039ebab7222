"""Learning rates for two small tasks, one row per optimizer class.

They come from a search over rates a factor of two apart. `learning_rate_panels` draws the losses at
the neighboring rates. They are not recommendations for other tasks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Rates:
    """How to run one optimizer on the two tasks.

    Attributes
    ----------
    plane : float
        Peak learning rate on Rosenbrock's function.
    network : float
        Peak learning rate for a small network.
    arguments : mapping
        Further arguments of the constructor, for both tasks.
    on_plane : mapping
        Further arguments for Rosenbrock's function only.
    scheduled : bool
        Whether the rate decays to zero. It does not where the rule replaces the schedule.
    matrix : bool
        Whether the rule updates matrices only, so that the point must have shape ``(1, 2)``.
    """

    plane: float
    network: float
    arguments: Mapping[str, Any] = field(default_factory=dict)
    on_plane: Mapping[str, Any] = field(default_factory=dict)
    scheduled: bool = True
    matrix: bool = False


RATES: dict[str, Rates] = {
    "SGD": Rates(0.002, 0.3),
    "Momentum": Rates(0.001, 0.07),
    "Adagrad": Rates(0.6, 0.12),
    "Adam": Rates(0.3, 0.02),
    "AdamW": Rates(0.3, 0.02),
    "RAdam": Rates(0.1, 0.2, on_plane={"clipnorm": 1.0}),
    "Lion": Rates(0.02, 0.006),
    "Lars": Rates(0.02, 8.0, on_plane={"trust_coefficient": 1.0}),
    "Lamb": Rates(0.06, 0.02),
    "Nadam": Rates(0.1, 0.03),
    "NovoGrad": Rates(0.05, 0.08),
    "Mars": Rates(0.03, 0.05, on_plane={"optimize_1d": True}),
    "ScheduleFreeSGD": Rates(0.003, 0.6, scheduled=False),
    "ScheduleFreeAdamW": Rates(0.2, 0.03, scheduled=False),
    "Prodigy": Rates(1.0, 1.0),
    "Adafactor": Rates(0.3, 0.09, {"relative_step": False}),
    "Muon": Rates(0.15, 0.05, matrix=True),
    "RMSprop": Rates(0.03, 0.02),
    "Adadelta": Rates(15.0, 12.0),
    "Adamax": Rates(0.8, 0.06),
    "AdaBound": Rates(0.3, 0.04),
    "Ranger": Rates(0.1, 0.4, on_plane={"clipnorm": 1.0}),
    "Ralamb": Rates(0.06, 0.02),
    "RangerLars": Rates(0.15, 0.035),
    # The parameters of Ftrl are proportional to the rate, so a rate that decays to zero would make
    # them zero. An accumulator far above the squared gradients would discard the initial values.
    "Ftrl": Rates(0.6, 0.05, {"initial_accumulator_value": 1e-9}, scheduled=False),
    "AdaBelief": Rates(0.1, 0.3, on_plane={"clipnorm": 1.0}),
    "Adan": Rates(0.1, 0.05),
    "AdEMAMix": Rates(0.2, 0.03),
    "Adopt": Rates(2.0, 0.02),
    "Grams": Rates(0.2, 0.06),
    "Came": Rates(0.3, 0.0005),
    "AdamP": Rates(0.3, 0.02),
    "SGDP": Rates(0.002, 0.07),
    "Over9000": Rates(0.3, 0.6, on_plane={"clipnorm": 1.0}),
}
