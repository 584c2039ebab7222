"""What surrounds every rule: the pipeline of one ``apply``, in float64.

Notation: ``theta`` parameter, ``g`` gradient, ``eta`` learning rate, ``lam`` weight decay, ``t``
number of the update in progress from 1, ``n`` number of the call from 0.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

Array = np.ndarray

SHARED: dict[str, Any] = {
    "weight_decay": None,
    "clipnorm": None,
    "clipvalue": None,
    "global_clipnorm": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
    "name": None,
    "weight_decay_mode": "decoupled",
    "ema_every": "update",
    "maximize": False,
    "nonfinite": "auto",
    "state_dtype": "float32",
    "state_rounding": "stochastic",
    "seed": 0,
}


@dataclass
class Step:
    """What a rule is told about one update of one tensor, and what it tells back."""

    h: dict[str, Any]
    t: int
    eta: float
    lam: float
    """Weight decay that the rule itself has to apply: 0 unless the mode is its ``DECAY_INSIDE``."""
    adapt: bool
    """Whether a trust ratio is wanted."""
    stored: dict[str, Array] | None = None
    """Moments as a narrow storage keeps them, for rules that step along those."""
    norms: tuple[float, float, float] | None = None
    """Weight norm, update norm and trust ratio, from a layer-wise rule."""
    uncertain: Array | None = None
    """Elements where a sign is decided by rounding."""

    def used(self, slot: str, exact: Array) -> Array:
        """The moment that the direction is made of."""
        return exact if self.stored is None else self.stored[slot]


class Rule(Protocol):
    """One file of this package."""

    DEFAULTS: dict[str, Any]
    DECAY_INSIDE: str | None

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        """Names and start values of the state."""

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array | None:
        """Advances ``s``; returns what is subtracted from ``theta``, None to leave it alone."""


def quotient(a: Array, b: Array) -> Array:
    """``a / b``, and 0 where ``b`` is 0."""
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)


def norm(x: Array) -> float:
    """L2 norm over all elements."""
    return float(np.sqrt(np.sum(np.square(x))))


def evaluate(value: Any, n: int) -> Any:
    """A number, a function of the call count, or a function without arguments."""
    if not callable(value):
        return value
    return float(value(n) if inspect.signature(value).parameters else value())


class Reference:
    """The public surface of an optimizer, in float64, on a dict of named arrays.

    Parameters
    ----------
    rule : Rule
        One of the rules of this package.
    **hyper
        The arguments of the library's class of the same algorithm.
    """

    def __init__(self, rule: Rule, **hyper: Any) -> None:
        known = {**SHARED, **rule.DEFAULTS}
        unknown = set(hyper) - set(known)
        if unknown:
            raise TypeError(f"the reference does not know {sorted(unknown)}")
        self.rule = rule
        self.hyper = {**known, **hyper}
        self.iterations = 0
        self.calls = 0
        self.params: dict[str, Array] = {}
        self.state: dict[str, dict[str, Array]] = {}
        self.average: dict[str, Array] = {}
        self.accumulated: dict[str, Array] = {}
        self.uncertain: dict[str, Array] = {}
        self.norms: dict[str, tuple[float, float, float]] = {}
        self.gradient_norm: float | None = None
        self.overrides: dict[str, dict[str, Any]] = {}
        self._rates: dict[str, tuple[float, float]] = {}

    def build(
        self,
        params: Mapping[str, Array],
        overrides: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Copies the parameters; ``overrides`` maps names to hyperparameters of their own."""
        self.overrides = {name: dict(own) for name, own in (overrides or {}).items()}
        for name, theta in params.items():
            self.params[name] = np.array(theta, dtype=np.float64)
            starts = self.rule.slots(self._own(name, self.hyper))
            self.state[name] = {
                slot: np.full(theta.shape, start, dtype=np.float64)
                for slot, start in starts.items()
            }
            self.accumulated[name] = np.zeros(theta.shape)
            self.average[name] = self.params[name].copy()

    def apply(
        self,
        grads: Mapping[str, Array | None],
        stored: Mapping[str, dict[str, Array]] | None = None,
    ) -> bool:
        """One call; True if parameters changed.

        ``stored`` holds, by parameter and slot, the moments after this call as a narrow storage
        rounded them.
        """
        h, n = self.hyper, self.calls
        if all(g is None for g in grads.values()):
            raise ValueError("no gradient at all")
        scale = (-1.0 if h["maximize"] else 1.0) / (h["loss_scale_factor"] or 1.0)
        g64 = {
            name: None if g is None else np.asarray(g, dtype=np.float64) * scale
            for name, g in grads.items()
        }
        trained = [name for name in self.params if self._own(name, h).get("trainable", True)]
        window = h["gradient_accumulation_steps"]
        self.calls += 1
        self.uncertain = {name: np.zeros(p.shape, dtype=bool) for name, p in self.params.items()}
        if window:
            for name in trained:
                if g64[name] is not None:
                    self.accumulated[name] += g64[name]
            if (n + 1) % window:
                if h["ema_every"] == "call":
                    self._refresh_average(trained, n // window)
                return False
            for name in trained:
                g64[name] = self.accumulated[name] / window
                self.accumulated[name] = np.zeros_like(self.accumulated[name])
        present = [name for name in trained if g64[name] is not None]
        self._clip({name: g64[name] for name in present}, g64)
        self.norms = {}
        now = {key: evaluate(value, n) for key, value in h.items()}
        for name in present:
            self._update(name, g64[name], now, (stored or {}).get(name))
        calls = n // window if window else n
        self._refresh_average(present, self.iterations if h["ema_every"] == "update" else calls)
        self.iterations += 1
        return True

    def finalize_variable_values(self) -> None:
        """The parameters take the values of their averages."""
        if self.hyper["use_ema"]:
            for name, average in self.average.items():
                self.params[name] = average.copy()

    def _own(self, name: str, h: dict[str, Any]) -> dict[str, Any]:
        return {**h, **self.overrides.get(name, {})}

    def _clip(self, present: dict[str, Array], g64: dict[str, Array | None]) -> None:
        """At most one of the three clips is set."""
        h = self.hyper
        if (c := h["clipnorm"]) is not None:
            for name, g in present.items():
                g64[name] = g * (c / max(norm(g), c))
        if (c := h["global_clipnorm"]) is not None:
            whole = float(np.sqrt(sum(norm(g) ** 2 for g in present.values())))
            self.gradient_norm = whole
            for name, g in present.items():
                g64[name] = g * (c / max(whole, c))
        if (c := h["clipvalue"]) is not None:
            for name, g in present.items():
                g64[name] = np.clip(g, -c, c)

    def _update(
        self, name: str, g: Array, now: dict[str, Any], stored: dict[str, Array] | None
    ) -> None:
        h = self._own(name, now)
        eta = h["learning_rate"] * h.get("learning_rate_multiplier", 1.0)
        first, largest = self._rates.get(name, (eta, eta))
        largest = max(largest, eta)
        self._rates[name] = (first, largest)
        lam, mode = h["weight_decay"] or 0.0, h["weight_decay_mode"]
        inside = mode == self.rule.DECAY_INSIDE
        adapt = h.get("layer_adaptation", True) and (h.get("always_adapt", True) or lam != 0)
        k = Step(h, self.iterations + 1, eta, lam if inside else 0.0, adapt, stored)
        theta = old = self.params[name]
        if lam and not inside:
            if mode == "l2":
                g = g + lam * theta
            # The share of the parameter that decays before the rule sees it.
            share = {
                "decoupled": eta * lam,
                "fixed": lam,
                "corrected": lam * eta * (eta / largest if largest else 0.0),
                "schedule": lam * (eta / first if first else 0.0),
            }
            theta = theta * (1 - share.get(mode, 0.0))
        delta = self.rule.step(theta, g, self.state[name], k)
        self.uncertain[name] = np.zeros(old.shape, dtype=bool)
        if k.uncertain is not None:
            self.uncertain[name] = k.uncertain
        if k.norms is not None:
            self.norms[name] = k.norms
        if delta is None:
            return
        if lam and not inside and mode == "update":
            delta = delta + eta * lam * theta
        if lam and not inside and mode == "cautious":
            size = np.abs(delta)
            small = size <= 3e-6 * np.max(size, initial=0.0)
            self.uncertain[name] |= small & (delta != 0)
            delta = delta + eta * lam * np.where(delta * theta >= 0, theta, 0.0)
        theta = theta - delta
        if lam and not inside and mode == "after":
            theta = theta * (1 - eta * lam)
        self.params[name] = theta

    def _refresh_average(self, names: list[str], iterations: int) -> None:
        """The average of the parameters; it starts as a copy."""
        h = self.hyper
        if not h["use_ema"]:
            return
        rho = h["ema_momentum"] if iterations else 0.0
        every = h["ema_overwrite_frequency"]
        for name in names:
            self.average[name] = rho * self.average[name] + (1 - rho) * self.params[name]
            if every and (iterations + 1) % every == 0:
                self.params[name] = self.average[name].copy()
