"""Muon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs import _report
from lamb_rs._errors import HyperparameterError
from lamb_rs._groups import Exclusion
from lamb_rs._hyper import Choice, Integer, Moving, Number, Switch
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class Muon(Optimizer):
    """Momentum made orthogonal, for matrices; AdamW for everything else.

    For an array of two axes, O(x) the Newton-Schulz iteration towards the nearest orthogonal matrix
    and ``k = rms_rate sqrt(max(rows, columns))``::

        b = momentum b + g;  u = g + momentum b              (nesterov; else u = b)
        p = p - learning_rate (weight_decay p + k O(u))

    An array of any other number of axes, an embedding and what `exclude_layers` names follow
    `AdamW` with ``epsilon_mode="hat"`` and ``learning_rate * adam_lr_ratio``.

    State: 4 bytes per parameter of a matrix, 8 of all others; a half in bfloat16, a quarter in
    float8.

    An override ``{"own_rule": False}`` sends a matrix to AdamW too.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size.
    adam_beta_1 : float, default 0.9
        Decay rate of the first moment of AdamW, in [0, 1).
    adam_beta_2 : float, default 0.999
        Decay rate of the second moment of AdamW, in [0, 1).
    adam_weight_decay : float, default 0.004
        Weight decay of AdamW.
    epsilon : float, default 1e-7
        Small constant of AdamW's denominator; the norm before the iteration has 1e-7.
    adam_lr_ratio : float, default 1.0
        Learning rate of AdamW over that of the matrices.
    momentum : float, Schedule or callable, default 0.95
        Decay rate of the momentum, in [0, 1).
    ns_steps : int, default 5
        Iterations of Newton-Schulz.
    nesterov : bool, default True
        Whether to look ahead along the momentum.
    exclude_layers : sequence of str, default ()
        Regular expressions; matrices in whose names one of them is found follow AdamW. One that is
        found nowhere raises in `build`.
    exclude_embeddings : bool, default True
        Whether matrices with "embedding" in their names follow AdamW.
    rms_rate : float, default 0.2
        Root mean square of the step's direction, for ``scale="match_rms"``.
    form : {"sum", "ema", "debiased"}, default "sum"
        The momentum: ``b = momentum b + g``; ``b = momentum b + (1 - momentum) g``; or optax's
        correction of the latter's bias.
    scale : {"match_rms", "original", "columns", "none"}, default "match_rms"
        The factor k: as above; ``sqrt(max(1, rows / columns))``; ``sqrt(max(1, columns / rows))``;
        or 1.
    coefficients : {"keller", "quintic", "polar_express"}, default "keller"
        Of the iteration's polynomial: one for all iterations, or one for each.
    **shared
        Arguments of every optimizer: see `Optimizer`. `weight_decay` is 0.004 by default and holds
        for the matrices.

    Notes
    -----
    The defaults are Keras's. The iteration multiplies matrices, so it promises the same bits on one
    machine only, not on every CPU.

    References
    ----------
    Jordan et al. 2024, "Muon", https://kellerjordan.github.io/posts/muon; scale: Liu et al. 2025,
    arXiv 2502.16982; Polar Express: Amsel et al. 2025, arXiv 2505.16932.
    """

    __slots__ = ()
    _routes = True
    _algorithm = "muon"

    adam_beta_1 = Number()
    adam_beta_2 = Number()
    adam_weight_decay = Number()
    epsilon = Number()
    adam_lr_ratio = Number()
    momentum = Moving()
    ns_steps = Integer()
    nesterov = Switch()
    exclude_embeddings = Switch()
    rms_rate = Number()
    form: Choice[Literal["sum", "ema", "debiased"]] = Choice()
    scale: Choice[Literal["match_rms", "original", "columns", "none"]] = Choice()
    coefficients: Choice[Literal["keller", "quintic", "polar_express"]] = Choice()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float = 0.004,
        epsilon: float = 1e-7,
        adam_lr_ratio: float = 1.0,
        momentum: Source = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        exclude_layers: Sequence[str] = (),
        exclude_embeddings: bool = True,
        *,
        rms_rate: float = 0.2,
        form: Literal["sum", "ema", "debiased"] = "sum",
        scale: Literal["match_rms", "original", "columns", "none"] = "match_rms",
        coefficients: Literal["keller", "quintic", "polar_express"] = "keller",
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            adam_beta_1=adam_beta_1,
            adam_beta_2=adam_beta_2,
            adam_weight_decay=adam_weight_decay,
            epsilon=epsilon,
            adam_lr_ratio=adam_lr_ratio,
            momentum=momentum,
            ns_steps=ns_steps,
            nesterov=nesterov,
            exclude_embeddings=exclude_embeddings,
            rms_rate=rms_rate,
            form=form,
            scale=scale,
            coefficients=coefficients,
            **shared,
        )
        self.exclude_layers = exclude_layers

    @property
    def exclude_layers(self) -> tuple[str, ...]:
        """Regular expressions over the names of matrices that follow AdamW."""
        return tuple(self._exclusions["exclude_layers"].patterns)

    @exclude_layers.setter
    def exclude_layers(self, patterns: Sequence[str]) -> None:
        if self.built:
            raise HyperparameterError("exclude_layers has no effect after build; set it before")
        if isinstance(patterns, str):
            raise HyperparameterError(
                f"exclude_layers must be a list of patterns; write exclude_layers=[{patterns!r}]"
            )
        chosen = Exclusion("exclude_layers", "own_rule", False, "Muon")
        chosen.add(None, patterns or ())
        self._exclusions["exclude_layers"] = chosen

    def _call(self) -> str:
        return _report.call(self, {"exclude_layers": ()})
