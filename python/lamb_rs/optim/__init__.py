"""The optimizers. Each class has a module of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamb_rs._lazy import lazy

if TYPE_CHECKING:
    from lamb_rs.optim.adabelief import AdaBelief
    from lamb_rs.optim.adabound import AdaBound
    from lamb_rs.optim.adadelta import Adadelta
    from lamb_rs.optim.adafactor import Adafactor
    from lamb_rs.optim.adagrad import Adagrad
    from lamb_rs.optim.adam import Adam
    from lamb_rs.optim.adamax import Adamax
    from lamb_rs.optim.adamp import AdamP
    from lamb_rs.optim.adamw import AdamW
    from lamb_rs.optim.adan import Adan
    from lamb_rs.optim.ademamix import AdEMAMix
    from lamb_rs.optim.adopt import Adopt
    from lamb_rs.optim.came import Came
    from lamb_rs.optim.ftrl import Ftrl
    from lamb_rs.optim.grams import Grams
    from lamb_rs.optim.lamb import Lamb
    from lamb_rs.optim.lars import Lars
    from lamb_rs.optim.lion import Lion
    from lamb_rs.optim.mars import Mars
    from lamb_rs.optim.muon import Muon
    from lamb_rs.optim.nadam import Nadam
    from lamb_rs.optim.novograd import NovoGrad
    from lamb_rs.optim.prodigy import Prodigy
    from lamb_rs.optim.radam import RAdam
    from lamb_rs.optim.ralamb import Ralamb
    from lamb_rs.optim.ranger import Ranger
    from lamb_rs.optim.rangerlars import RangerLars
    from lamb_rs.optim.rmsprop import RMSprop
    from lamb_rs.optim.schedule_free_adamw import ScheduleFreeAdamW
    from lamb_rs.optim.schedule_free_sgd import ScheduleFreeSGD
    from lamb_rs.optim.sgd import SGD
    from lamb_rs.optim.sgdp import SGDP

__all__ = [
    "SGD",
    "SGDP",
    "AdEMAMix",
    "AdaBelief",
    "AdaBound",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamP",
    "AdamW",
    "Adamax",
    "Adan",
    "Adopt",
    "Came",
    "Ftrl",
    "Grams",
    "Lamb",
    "Lars",
    "Lion",
    "Mars",
    "Muon",
    "Nadam",
    "NovoGrad",
    "Prodigy",
    "RAdam",
    "RMSprop",
    "Ralamb",
    "Ranger",
    "RangerLars",
    "ScheduleFreeAdamW",
    "ScheduleFreeSGD",
]

_MODULES = {
    "AdaBelief": "adabelief",
    "AdaBound": "adabound",
    "Adadelta": "adadelta",
    "Adafactor": "adafactor",
    "Adagrad": "adagrad",
    "Adam": "adam",
    "Adamax": "adamax",
    "AdamP": "adamp",
    "AdamW": "adamw",
    "Adan": "adan",
    "AdEMAMix": "ademamix",
    "Adopt": "adopt",
    "Came": "came",
    "Ftrl": "ftrl",
    "Grams": "grams",
    "Lamb": "lamb",
    "Lars": "lars",
    "Lion": "lion",
    "Mars": "mars",
    "Muon": "muon",
    "Nadam": "nadam",
    "NovoGrad": "novograd",
    "Prodigy": "prodigy",
    "RAdam": "radam",
    "Ralamb": "ralamb",
    "Ranger": "ranger",
    "RangerLars": "rangerlars",
    "RMSprop": "rmsprop",
    "ScheduleFreeAdamW": "schedule_free_adamw",
    "ScheduleFreeSGD": "schedule_free_sgd",
    "SGD": "sgd",
    "SGDP": "sgdp",
}


if not TYPE_CHECKING:  # else every misspelt name would be an attribute
    __getattr__ = lazy(__name__, _MODULES)


def __dir__() -> list[str]:
    return sorted(__all__)
