"""LARC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, final

from lamb_rs._errors import HyperparameterError
from lamb_rs._optimizer.hyperparameters import Hyper
from lamb_rs._registry import row
from lamb_rs.wrappers.single import Around

if TYPE_CHECKING:
    from lamb_rs._optimizer.base import Optimizer
    from lamb_rs._optimizer.rule import Rule


class _Named(Hyper[Any, Any]):
    """A hyperparameter that has another name on the rules inside."""

    __slots__ = ()

    def __init__(self, native: str) -> None:
        self.name = native

    def __set_name__(self, owner: type, name: str) -> None:
        """Keep the native name."""


@final
class Larc(Around):
    """Layer-wise adaptive rate control: gradients scaled by a trust ratio before any optimizer.

    With eta the learning rate of the optimizer inside and norms over one parameter array::

        q = trust_coefficient |p| / (|g| + weight_decay |p| + epsilon)
        q = min(q / eta, 1)                                                (clip)
        g = q (g + weight_decay p)

    The optimizer inside gets this gradient and applies no weight decay of its own. If a norm is
    zero, it gets the unchanged gradient, without weight decay.

    State: that of the optimizer inside.

    Parameters
    ----------
    inner : Optimizer
        An optimizer without a trust ratio of its own, or a wrapper; not built yet. The formula
        takes its `weight_decay`.
    trust_coefficient : float, default 0.02
        Factor of the ratio q.
    clip : bool, default True
        Whether the factor of the gradient is ``min(q / eta, 1)``, which is at most 1; if not, it is
        q.
    epsilon : float, default 1e-8
        Constant that is added to the denominator of the ratio.
    name : str or None, default None
        For your own use; the lower-cased name of the class by default.

    Raises
    ------
    HyperparameterError
        For a value out of range, and for an optimizer that has a trust ratio already.
    ParameterSetError
        For an optimizer that is built.

    Notes
    -----
    The defaults are those of NVIDIA's apex.

    References
    ----------
    You et al. 2017, arXiv 1708.03888; apex, https://github.com/NVIDIA/apex.
    """

    __slots__ = ()

    _summary = "gradients scaled by a trust ratio"
    _formula = (
        "q = trust_coefficient |p| / (|g| + weight_decay |p| + epsilon)",
        "clip: q = min(q / learning_rate, 1)",
        "g = q (g + weight_decay p), without decay inside",
    )
    _source = "You et al. 2017, arXiv 1708.03888; apex"
    _meanings: ClassVar[dict[str, str]] = {
        "trust_coefficient": "factor of the ratio",
        "clip": "limit the factor q of the gradient to 1",
        "epsilon": "small constant of the denominator of the ratio",
    }
    _natives: ClassVar[dict[str, str]] = {
        "trust_coefficient": "larc_coefficient",
        "clip": "larc_clip",
        "epsilon": "larc_epsilon",
    }

    trust_coefficient = _Named("larc_coefficient")
    clip = _Named("larc_clip")
    epsilon = _Named("larc_epsilon")

    def __init__(
        self,
        inner: Optimizer,
        trust_coefficient: float = 0.02,
        clip: bool = True,
        epsilon: float = 1e-8,
        *,
        name: str | None = None,
    ) -> None:
        if trust_coefficient is None:
            raise HyperparameterError(
                "Larc: trust_coefficient must be a finite number > 0; got None: "
                "use the optimizer without Larc"
            )
        self._wrap(inner, name, trust_coefficient=trust_coefficient, clip=clip, epsilon=epsilon)

    def _refuses(self, leaf: Rule) -> str | None:
        if leaf._native.get("larc_coefficient") is not None:
            return "it scales gradients by a trust ratio already; set its trust_coefficient"
        if row(leaf._algorithm)["layerwise"]:
            return "it scales its step by a trust ratio of its own"
        return None
