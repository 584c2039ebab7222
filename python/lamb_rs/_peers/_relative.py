"""Adafactor's relative step sizes, as fairseq has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lamb_rs.schedules import Schedule


def relative_rate(warmup_init: bool) -> Schedule | float:
    """Return the rate whose minimum with ``1 / sqrt(t)`` is the step size of update t.

    Parameters
    ----------
    warmup_init : bool
        Whether it is ``1e-6 t``, or 0.01.
    """
    if not warmup_init:
        return 0.01
    from lamb_rs.schedules import PolynomialDecay  # noqa: PLC0415 - only where it is wanted

    # 1e-6 t is more than 1 / sqrt(t) from t = 10,000 on.
    return PolynomialDecay(1e-6, 9_999, 1e-2)
