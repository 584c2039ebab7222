"""The optimizers, one file each."""

from lamb_rs.optim.adagrad import Adagrad
from lamb_rs.optim.adam import Adam
from lamb_rs.optim.adamw import AdamW
from lamb_rs.optim.lamb import Lamb
from lamb_rs.optim.lars import Lars
from lamb_rs.optim.lion import Lion
from lamb_rs.optim.radam import RAdam
from lamb_rs.optim.sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Lamb", "Lars", "Lion", "RAdam"]
