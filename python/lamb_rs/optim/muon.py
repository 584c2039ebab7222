"""Muon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._errors import HyperparameterError
from lamb_rs._optimizer.hyperparameters import Choice, Integer, Moving, Number, Switch
from lamb_rs._optimizer.overrides import Exclusion
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class Muon(Rule):
    """Muon makes the momentum of each matrix orthogonal; other arrays follow AdamW.

    All singular values of the step of a matrix are about equal, so rare directions learn as fast as
    common ones. It is made for the hidden matrices of transformers and similar networks. Embeddings
    and the last layer should follow AdamW: name them in `exclude_layers`.

    For a matrix p with gradient g and momentum m, which is 0 before the first update::

        m = momentum m + g
        u = g + momentum m
        u = rms_rate sqrt(max(rows(p), columns(p))) orthogonal(u)
        p = p - learning_rate u - learning_rate weight_decay p

    ``orthogonal(u)`` is the result of `ns_steps` Newton-Schulz iterations, which approximate the
    nearest orthogonal matrix. Without `nesterov`, ``u = m`` in the second line. These arrays follow
    `AdamW` with ``epsilon_mode="hat"``: those whose number of axes is not 2, those with "embedding"
    in the name, those that `exclude_layers` names, and those with an override
    ``{"own_rule": False}`` in `build`.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size, at least 0. It may also be a schedule, or a function without arguments: see
        `Optimizer`.
    adam_beta_1 : float, default 0.9
        Decay rate of the first moment of AdamW, in [0, 1).
    adam_beta_2 : float, default 0.999
        Decay rate of the second moment of AdamW, in [0, 1).
    adam_weight_decay : float, default 0.004
        Weight decay of the arrays that follow AdamW, at least 0.
    epsilon : float, default 1e-7
        Constant that is added to the denominator of AdamW, at least 0.
    adam_lr_ratio : float, default 1.0
        Factor of the learning rate for arrays that follow AdamW, at least 0.
    momentum : float, Schedule or callable, default 0.95
        Decay rate of the momentum of matrices, in [0, 1).
    ns_steps : int, default 5
        Number of Newton-Schulz iterations, at least 1.
    nesterov : bool, default True
        Whether to use Nesterov's momentum.
    exclude_layers : sequence of str, default ()
        Regular expressions that are searched for in the names of matrices. Matrices that match
        follow AdamW. A pattern that matches nothing raises in `build`.
    exclude_embeddings : bool, default True
        Whether matrices with "embedding" in the name follow AdamW.
    rms_rate : float, default 0.2
        Root mean square of u, for ``scale="match_rms"``; at least 0.
    form : {"sum", "ema", "debiased"}, default "sum"
        Formula of the momentum: ``m = momentum m + g`` ("sum"),
        ``m = momentum m + (1 - momentum) g`` ("ema"), or the latter with bias correction as in
        optax ("debiased").
    scale : {"match_rms", "original", "columns", "none"}, default "match_rms"
        Factor of the orthogonal matrix: the one in the formula, which gives steps about as large as
        those of AdamW ("match_rms"), ``sqrt(max(1, rows / columns))`` ("original"),
        ``sqrt(max(1, columns / rows))`` ("columns"), or 1 ("none").
    coefficients : {"keller", "quintic", "polar_express"}, default "keller"
        Coefficients of the polynomial of the iterations: the same in all of them ("keller"), or
        different ones in each.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`. `weight_decay` is 0.004 by default and applies to matrices.

    Notes
    -----
    The defaults are those of Keras. torch has ``weight_decay=0.1``, ``scale="original"`` and
    bfloat16 iterations; here they are in float32. Because of the matrix products, results are the
    same bits on one machine, but not on every CPU.

    State: 4 bytes per parameter in float32, 2 in bfloat16, 1 in float8 for matrices, and twice as
    much for arrays that follow AdamW.

    References
    ----------
    Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks",
    https://kellerjordan.github.io/posts/muon. "match_rms": Liu et al. 2025, arXiv 2502.16982.
    "polar_express": Amsel et al. 2025, arXiv 2505.16932.

    Examples
    --------
    The singular values of the gradient differ much more than those of the step:

    >>> import numpy as np
    >>> from lamb_rs import Muon
    >>> p, g = np.zeros((4, 3), np.float32), np.random.default_rng(0).normal(size=(4, 3))
    >>> optimizer = Muon(1.0, scale="none")
    >>> optimizer.build(p)
    >>> optimizer.apply(g.astype(np.float32))
    True
    >>> for matrix in (g, p):
    ...     print(np.linalg.svd(matrix, compute_uv=False).round(1))
    [2.2 0.9 0.3]
    [1.  0.7 0.7]
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
        """Regular expressions; matrices with a name that matches one of them follow AdamW."""
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
        from lamb_rs._optimizer import report  # noqa: PLC0415 - only where it is needed

        return report.call(self, {"exclude_layers": ()})
