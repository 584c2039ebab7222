"""Learning rates at which each optimizer goes somewhere: one row per class.

Found by a search over rates a factor of two apart; `learning_rate_panels` shows what lies around
them. They are no recommendation for other tasks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Rates:
    """How to run one optimizer on two tasks.

    Attributes
    ----------
    plane : float
        Peak learning rate on Rosenbrock's function.
    network : float
        Peak learning rate for a small network.
    arguments : mapping
        Further arguments of the constructor, for both.
    on_plane : mapping
        Further arguments on the plane alone.
    scheduled : bool
        Whether the rate decays to zero; not where the rule takes the place of a schedule.
    matrix : bool
        Whether the rule is for matrices alone, and the plane's point has to be one.
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
    # It scales its whole parameters by the rate: one that decays to zero takes them there. And
    # an accumulator that starts far above the squared gradients makes it forget where it starts.
    "Ftrl": Rates(0.6, 0.05, {"initial_accumulator_value": 1e-9}, scheduled=False),
    "AdaBelief": Rates(0.1, 0.3, on_plane={"clipnorm": 1.0}),
    "Adan": Rates(0.1, 0.05),
    "AdEMAMix": Rates(0.2, 0.03),
    "Adopt": Rates(2.0, 0.02),
    "Grams": Rates(0.2, 0.06),
    "Over9000": Rates(0.3, 0.6, on_plane={"clipnorm": 1.0}),
}
