"""Ralamb."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, final

from lamb_rs._optimizer.hyperparameters import Choice, Moving, Number, OptionalPair, Switch
from lamb_rs._optimizer.rule import Rule

if TYPE_CHECKING:
    from typing import Unpack

    from lamb_rs._optimizer.hyperparameters import SharedArguments, Source


@final
class Ralamb(Rule):
    """Ralamb scales the rectified step of RAdam by the trust ratio of LAMB.

    It suits large batches like `Lamb`, without a learning rate warm-up. Use the same exclusions of
    biases and normalization layers as for `Lamb`.

    For an array p with gradient g, in update t = 1, 2, ..., with first moment m and second moment
    v, which are 0 before the first update, with norms over the array and the trust ratio q::

        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) g^2
        rho_inf = 2 / (1 - beta_2) - 1
        rho = rho_inf - 2 t beta_2^t / (1 - beta_2^t)
        r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))
        u = if(rho > threshold,
               r m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon),
               m / (1 - beta_1^t))
        q = if(norm(p) norm(u) == 0, 1, norm(p) / norm(u))
        p = p - learning_rate q u

    With weight decay, ``u = u + weight_decay p`` comes before the trust ratio.

    Parameters
    ----------
    learning_rate : float, Schedule or callable, default 0.001
        Step size relative to the norm of the array, at least 0. It may also be a schedule, or a
        function without arguments: see `Optimizer`.
    beta_1 : float, Schedule or callable, default 0.9
        Decay rate of the first moment m, in [0, 1).
    beta_2 : float, Schedule or callable, default 0.999
        Decay rate of the second moment v, in [0, 1).
    epsilon : float, default 1e-8
        Constant that is added to the denominator, at least 0. It limits the steps of elements with
        small gradients. With 0, the quotient 0/0 is 0.
    epsilon_mode : {"out", "hat"}, default "out"
        Where epsilon is added: to the root of the corrected v ("out"), or to the root of v ("hat").
    threshold : float, default 5.0
        The step is rectified where rho is greater; at least 4.
    form : {"step", "new_weights"}, default "step"
        Denominator of the trust ratio: the norm of u ("step"), or the norm of
        ``p - learning_rate u``, as in the code of the author ("new_weights").
    phi : (low, high) or None, default None
        Limits for the norm of the parameters in the trust ratio, with ``0 <= low <= high``; None
        sets no limits.
    trust_clip : (low, high), "paratrooper" or None, default None
        Limits for the trust ratio, with ``0 <= low <= high``. "paratrooper" sets the limits 1 and
        ``(1 - beta_1^t) / (r sqrt(1 - beta_2^t))``, or 1 and 10 where the step is not rectified;
        the ratio tends to 1 with t.
    always_adapt : bool, default True
        Whether arrays without weight decay get a trust ratio too; if not, their ratio is 1.
    **shared
        Arguments that every optimizer has, such as `weight_decay`, `clipnorm` and `use_ema`: see
        `Optimizer`. `weight_decay_mode` is "update" by default.

    Notes
    -----
    Keras, torch and optax have no Ralamb. The defaults are those of the usual descriptions. The
    code of its author uses ``form="new_weights"``, whose trust ratio is close to 1, and
    ``phi=(0, 10)``, which slows down arrays with a larger norm.

    State: 8 bytes per parameter in float32, 4 in bfloat16, 2 in float8.

    References
    ----------
    Grankin 2019, "over9000", https://github.com/mgrankin/over9000. RAdam: Liu et al. 2019,
    arXiv 1908.03265. LAMB: You et al. 2019, arXiv 1904.00962.

    Examples
    --------
    The trust ratio makes every step 1 percent of the norm of 5, whether it is rectified or not:

    >>> import numpy as np
    >>> from lamb_rs import Ralamb
    >>> p, g = np.array([3, 4], np.float32), np.array([1, -1], np.float32)
    >>> optimizer = Ralamb(0.01)
    >>> optimizer.build(p)
    >>> for t in range(1, 7):
    ...     old = p.copy()
    ...     _ = optimizer.apply(g)
    ...     if t >= 5:
    ...         print(optimizer.trust_ratios.round(2), np.linalg.norm(p - old).round(3))
    [3.56] 0.05
    [138.06] 0.05
    """

    __slots__ = ()
    _algorithm = "ralamb"

    beta_1 = Moving()
    beta_2 = Moving()
    epsilon = Number()
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
            epsilon_mode=epsilon_mode,
            threshold=threshold,
            form=form,
            phi=phi,
            trust_clip=trust_clip,
            always_adapt=always_adapt,
            **shared,
        )
