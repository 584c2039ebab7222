"""RangerLars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._hyper import Choice, Moving, Number, OptionalInteger, OptionalPair, Switch
from lamb_rs._optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._hyper import SharedArguments, Source


@final
class RangerLars(Optimizer):
    """Ralamb with Lookahead, known as Over9000.

    With ``c1 = 1 - beta_1^t``, ``c2 = 1 - beta_2^t``, r the rectification and rho_t its length as
    in `RAdam`, m and v as in Adam, norms over one parameter array::

        u = r (m / c1) / (sqrt(v / c2) + epsilon) + weight_decay p     where rho_t > threshold
        u = m / c1 + weight_decay p                                    before that
        q = |p| / |u|                             (form="new_weights": |p| / |p - learning_rate u|)
        p = p - learning_rate q u
        slow = slow + slow_step_size (p - slow);  p = slow             every sync_period updates

    Where a norm is zero, q is 1.

    State: 12 bytes per parameter; 8 in bfloat16, 6 in float8, as the slow weights stay float32.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size, relative to the norm of the parameter.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment, in [0, 1).
    epsilon : float, default 1e-8
        Small constant of the denominator; 0 is legal, and 0/0 is 0.
    sync_period : int or None, default 6
        Updates between synchronisations with the slow weights; None is never.
    slow_step_size : float, default 0.5
        Step of the slow weights towards the parameters, in [0, 1].
    epsilon_mode : {"out", "hat"}, default "out"
        Beside the corrected root, or beside the raw one.
    threshold : float, default 5.0
        The step is rectified where rho_t is greater; at least 4.
    form : {"step", "new_weights"}, default "step"
        Denominator of the ratio: the norm of the direction, or, as in the authors' code, of the
        parameter that the step without a ratio would give.
    phi : (low, high) or None, default None
        Limits of the norm of the parameter in the ratio.
    trust_clip : (low, high), "paratrooper" or None, default None
        Limits of the ratio. "paratrooper" are 1 and ``c1 / (r sqrt(c2))``, or 10 before the step is
        rectified: they close around 1.
    always_adapt : bool, default True
        Whether parameters without weight decay are adapted too.
    **shared
        Arguments of every optimizer: see `Optimizer`. `weight_decay_mode` is "update" by default.

    Notes
    -----
    Keras has no RangerLars. ``lamb_rs.get("over9000")`` sets the switches of the authors' code.

    References
    ----------
    Grankin 2019, "over9000", https://github.com/mgrankin/over9000; Liu et al. 2019,
    arXiv 1908.03265; You et al. 2019, arXiv 1904.00962; Zhang et al. 2019, arXiv 1907.08610.
    """

    __slots__ = ()
    _algorithm = "rangerlars"

    beta_1 = Moving()
    beta_2 = Moving()
    epsilon = Number()
    sync_period = OptionalInteger()
    slow_step_size = Number()
    epsilon_mode: Choice[Literal["out", "hat"]] = Choice()
    threshold = Number()
    form: Choice[Literal["step", "new_weights"]] = Choice()
    phi = OptionalPair()
    trust_clip: Choice[tuple[float, float] | Literal["paratrooper"] | None] = Choice()
    always_adapt = Switch()

    def __init__(
        self,
        learning_rate: Source = 0.001,
        beta_1: Source = 0.9,
        beta_2: Source = 0.999,
        epsilon: float = 1e-8,
        sync_period: int | None = 6,
        slow_step_size: float = 0.5,
        *,
        epsilon_mode: Literal["out", "hat"] = "out",
        threshold: float = 5.0,
        form: Literal["step", "new_weights"] = "step",
        phi: tuple[float, float] | None = None,
        trust_clip: tuple[float, float] | Literal["paratrooper"] | None = None,
        always_adapt: bool = True,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            sync_period=sync_period,
            slow_step_size=slow_step_size,
            epsilon_mode=epsilon_mode,
            threshold=threshold,
            form=form,
            phi=phi,
            trust_clip=trust_clip,
            always_adapt=always_adapt,
            **shared,
        )
