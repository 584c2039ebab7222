"""Types of arguments, for annotations.

Examples
--------
>>> import lamb_rs
>>> from lamb_rs.typing import Source
>>> def optimizer(rate: Source) -> lamb_rs.Optimizer:
...     return lamb_rs.AdamW(rate, weight_decay=0.1)
>>> optimizer(lambda: 0.01).learning_rate
0.01
"""

from lamb_rs._arrays import Arrays, Gradients
from lamb_rs._optimizer.hyperparameters import Overrides, SharedArguments, Source

__all__ = ["Arrays", "Gradients", "Overrides", "SharedArguments", "Source"]
