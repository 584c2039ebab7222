"""What happens to gradients before a rule and to parameters behind it, in float64.

Lookahead: Zhang et al., arXiv 1907.08610. Centralization: Yong et al., arXiv 2004.01461. LARC:
You et al., arXiv 1708.03888, as a wrapper. Uniform averages: Izmailov et al., arXiv 1803.05407.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .base import Reference

Array = np.ndarray


def norm(x: Array) -> float:
    """L2 norm over all elements."""
    return float(np.sqrt(np.sum(np.square(x))))


def clip(h: dict[str, Any], grads: dict[str, Array]) -> float | None:
    """Clips in place; at most one of the three clips is set. Returns the norm of all together."""

    def factor(c: float, length: float) -> float:
        if h["clip_epsilon"] > 0:
            return float(min(1.0, c / (length + h["clip_epsilon"])))
        return float(c / max(length, c))

    if (c := h["clipnorm"]) is not None:
        for name, g in grads.items():
            grads[name] = g * factor(c, norm(g))
    if (c := h["clipvalue"]) is not None:
        for name, g in grads.items():
            grads[name] = np.clip(g, -c, c)
    if (c := h["global_clipnorm"]) is None:
        return None
    whole = float(np.sqrt(sum(norm(g) ** 2 for g in grads.values())))
    for name, g in grads.items():
        grads[name] = g * factor(c, whole)
    return whole


def centralize(mode: Any, g: Array, terms: Array) -> tuple[Array, Array]:
    """``g`` less its mean over all axes but the first; ``terms`` are magnitudes."""
    least = {False: np.inf, True: 2, "conv_only": 4}[mode]
    if g.ndim < least or not g.size:
        return g, terms
    mean = g.mean(axis=tuple(range(1, g.ndim)), keepdims=True)
    return g - mean, terms + np.abs(mean)


def larc(h: dict[str, Any], theta: Array, g: Array, eta: float) -> tuple[Array, float]:
    """The gradient for the optimizer inside, which decays no more, and its factor."""
    lam, weight, length = h["weight_decay"] or 0.0, norm(theta), norm(g)
    if weight == 0 or length == 0:
        return g, 1.0
    q = h["larc_coefficient"] * weight / (length + lam * weight + h["larc_epsilon"])
    if h["larc_clip"]:
        q = min(q / eta, 1.0) if eta else 1.0
    return q * (g + lam * theta), q


def synchronize(ref: Reference, name: str) -> None:
    """Lookahead, for a parameter with a gradient: slow += a (theta - slow); theta = slow."""
    h, t = ref.own(name, ref.hyper), ref.iterations + 1
    period = h["sync_period"]
    if period is None or t % period != h["sync_phase"] % period:
        return
    if h["slow_start"] == "first_sync" and t <= period:
        ref.slow[name] = ref.params[name].copy()
        ref.slow_momentum[name] = ref.state[name].get("momentum", ref.slow_momentum[name]).copy()
        return
    a = h["slow_step_size"]
    ref.slow[name] = ref.slow[name] + a * (ref.params[name] - ref.slow[name])
    ref.params[name] = ref.slow[name].copy()
    if "momentum" not in ref.state[name]:
        return
    if h["pullback_momentum"] == "reset":
        ref.state[name]["momentum"] = np.zeros_like(ref.state[name]["momentum"])
    if h["pullback_momentum"] == "pullback":
        m = a * ref.state[name]["momentum"] + (1 - a) * ref.slow_momentum[name]
        ref.state[name]["momentum"], ref.slow_momentum[name] = m, m.copy()


def refresh_average(ref: Reference, names: list[str], count: int) -> None:
    """The average of the parameters; a copy until ``ema_start`` updates are done."""
    h = ref.hyper
    if not h["use_ema"]:
        return
    since, every = count - h["ema_start"], h["ema_overwrite_frequency"]
    if since <= 0:
        rho = 0.0
    else:
        rho = h["ema_momentum"] if h["ema_form"] == "exponential" else since / (since + 1)
    for name in names:
        ref.average[name] = rho * ref.average[name] + (1 - rho) * ref.params[name]
        if every and (count + 1) % every == 0:
            ref.params[name] = ref.average[name].copy()
