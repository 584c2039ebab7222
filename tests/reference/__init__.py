"""Float64 references, one small file per algorithm, written from the papers.

They know nothing of the library: no storage, no threads, no float32. A registered algorithm
without a row in ``RULES`` makes a test fail.
"""

from __future__ import annotations

from typing import Any

from .adabelief import AdaBelief
from .adabound import AdaBound
from .adadelta import Adadelta
from .adafactor import Adafactor
from .adagrad import Adagrad
from .adam import Adam, AdamW
from .adamax import Adamax
from .adamp import AdamP
from .adan import Adan
from .ademamix import AdEMAMix
from .adopt import Adopt
from .base import SHARED, WRAPPERS, Reference, Rule
from .came import Came
from .ftrl import Ftrl
from .grams import Grams
from .lamb import Lamb
from .lars import Lars
from .lion import Lion
from .mars import Mars
from .muon import Muon
from .nadam import Nadam
from .novograd import NovoGrad
from .prodigy import Prodigy
from .radam import RAdam
from .ralamb import Ralamb, RangerLars
from .ranger import Ranger
from .rmsprop import RMSprop
from .schedule_free import ScheduleFreeAdamW, ScheduleFreeSGD
from .sgd import Sgd
from .sgdp import Sgdp

__all__ = ["RULES", "SHARED", "WRAPPERS", "Reference", "reference"]

RULES: dict[str, Rule] = {
    "sgd": Sgd,
    "adagrad": Adagrad,
    "rmsprop": RMSprop,
    "adadelta": Adadelta,
    "adam": Adam,
    "adamw": AdamW,
    "adamax": Adamax,
    "nadam": Nadam,
    "radam": RAdam,
    "adabound": AdaBound,
    "lion": Lion,
    "lars": Lars,
    "lamb": Lamb,
    "ranger": Ranger,
    "ralamb": Ralamb,
    "rangerlars": RangerLars,
    "adafactor": Adafactor,
    "ftrl": Ftrl,
    "muon": Muon,
    "adabelief": AdaBelief,
    "novograd": NovoGrad,
    "adan": Adan,
    "ademamix": AdEMAMix,
    "adopt": Adopt,
    "grams": Grams,
    "mars": Mars,
    "schedulefreesgd": ScheduleFreeSGD,
    "schedulefreeadamw": ScheduleFreeAdamW,
    "prodigy": Prodigy,
    "came": Came,
    "adamp": AdamP,
    "sgdp": Sgdp,
}


def reference(algorithm: str, **hyper: Any) -> Reference:
    """The reference of a registered algorithm."""
    return Reference(RULES[algorithm], **hyper)
