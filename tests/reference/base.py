"""One ``apply`` in float64: what surrounds every rule.

Notation: ``theta`` parameter, ``g`` gradient, ``eta`` learning rate, ``lam`` weight decay, ``t``
number of the update in progress from 1, ``n`` number of the call from 0.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from . import stages

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
    "clip_epsilon": 0.0,
    "gradient_centralization": False,
    "ema_form": "exponential",
    "ema_start": 0,
}
# What the wrappers Lookahead and Larc set.
WRAPPERS: dict[str, Any] = {
    "sync_period": None,
    "slow_step_size": 0.5,
    "slow_start": "build",
    "sync_phase": 0,
    "pullback_momentum": "none",
    "larc_coefficient": None,
    "larc_clip": True,
    "larc_epsilon": 1e-8,
}


@dataclass
class Step:
    """The input of a rule for one update of one tensor, and its output."""

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
    shaken: bool = False
    """Whether the whole tensor depends on how many signs rounding decides."""
    before: Array = field(default_factory=lambda: np.zeros(()))
    """The parameter before weight decay."""
    terms: Array = field(default_factory=lambda: np.zeros(()))
    """Sum of the magnitudes of what the gradient was added up from."""
    first_rate: float = 0.0
    """The learning rate of the first update."""
    common_rate: float = 0.0
    """The learning rate of the optimizer, whatever a parameter's own is."""
    scalars: dict[str, float] = field(default_factory=dict)
    """State of the rule that is not an array."""

    def used(self, slot: str, exact: Array) -> Array:
        """The moment that the direction is made of."""
        return exact if self.stored is None else self.stored[slot]


class Rule(Protocol):
    """One file of this package. `Hooks` has the other, optional methods of a rule."""

    DEFAULTS: dict[str, Any]
    DECAY_INSIDE: str | None

    @staticmethod
    def slots(h: dict[str, Any]) -> dict[str, float]:
        """Names and start values of the state."""

    @staticmethod
    def step(theta: Array, g: Array, s: dict[str, Array], k: Step) -> Array | None:
        """Advances ``s``; returns what is subtracted from ``theta``, None to leave it unchanged."""


@dataclass
class Tensor:
    """One parameter within one update: what `Rule.step` gets."""

    theta: Array
    g: Array
    s: dict[str, Array]
    k: Step


class Hooks:
    """What most rules do about the rarer things."""

    @staticmethod
    def start(name: str, theta: Array, h: dict[str, Any]) -> dict[str, Array] | None:
        """State that is not one number per slot in the shape of the parameter."""

    @staticmethod
    def scalars(h: dict[str, Any]) -> dict[str, float]:
        """Names and start values of the state that is not an array."""
        return {}

    @staticmethod
    def route(name: str, theta: Array, h: dict[str, Any]) -> dict[str, Any]:
        """The hyperparameters that hold for one parameter."""
        return h

    @staticmethod
    def decay_rate(k: Step) -> float:
        """The rate in the terms of weight decay that have one."""
        return k.eta

    @staticmethod
    def decay_factor(theta: Array, g: Array, k: Step) -> float:
        """The factor of the weight decay that is not in the gradient."""
        return 1.0

    @staticmethod
    def advance(k: Step) -> None:
        """Advances ``k.scalars``: once per update, whether or not there is a gradient."""

    @staticmethod
    def whole(tensors: list[Tensor], scalars: list[dict[str, float]]) -> None:
        """Looks at all tensors of an update before any moves; ``scalars`` are everybody's."""


def quotient(a: Array, b: Array) -> Array:
    """``a / b``, and 0 where ``b`` is 0."""
    a, b = np.broadcast_arrays(a, b)
    return np.divide(a, b, out=np.zeros(a.shape), where=b != 0)


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
        The arguments of the library's class of the same algorithm, and of its wrappers by the
        names in ``WRAPPERS``.
    """

    def __init__(self, rule: Rule, **hyper: Any) -> None:
        known = {**SHARED, **WRAPPERS, **rule.DEFAULTS, **getattr(rule, "NAMES", {})}
        unknown = set(hyper) - set(known)
        if unknown:
            raise TypeError(f"the reference does not know {sorted(unknown)}")
        self.rule = rule
        self.hyper = {**known, **hyper}
        self.iterations = 0
        self.calls = 0
        self.params: dict[str, Array] = {}
        self.state: dict[str, dict[str, Array]] = {}
        self.scalars: dict[str, dict[str, float]] = {}
        self.average: dict[str, Array] = {}
        self.slow: dict[str, Array] = {}
        self.slow_momentum: dict[str, Array] = {}
        self.accumulated: dict[str, Array] = {}
        self.magnitudes: dict[str, Array] = {}
        self.uncertain: dict[str, Array] = {}
        self.shaken: set[str] = set()
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
        for name, given in params.items():
            theta = self.params[name] = np.array(given, dtype=np.float64)
            h = self.own(name, self.hyper)
            own = self._hook("start", name, theta, h)
            if own is None:
                own = {
                    slot: np.full(theta.shape, first, dtype=np.float64)
                    for slot, first in self.rule.slots(h).items()
                }
            self.state[name] = own
            self.scalars[name] = self._hook("scalars", h)
            self.accumulated[name] = np.zeros(theta.shape)
            self.magnitudes[name] = np.zeros(theta.shape)
            self.average[name] = theta.copy()
            self.slow[name] = theta.copy()
            self.slow_momentum[name] = np.zeros(theta.shape)

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
        trained = [name for name in self.params if self.own(name, h).get("trainable", True)]
        window = h["gradient_accumulation_steps"]
        self.calls += 1
        self.uncertain = {name: np.zeros(p.shape, dtype=bool) for name, p in self.params.items()}
        self.shaken = set()
        if window:
            for name in trained:
                if g64[name] is not None:
                    self.accumulated[name] += g64[name]
                    self.magnitudes[name] += np.abs(g64[name])
            if (n + 1) % window:
                if h["ema_every"] == "call":
                    stages.refresh_average(self, trained, n // window)
                return False
            for name in trained:
                g64[name] = self.accumulated[name] / window
                self.accumulated[name] = np.zeros_like(self.accumulated[name])
        present = {name: g64[name] for name in trained if g64[name] is not None}
        before = {name: norm(g) for name, g in present.items()}
        self.gradient_norm = stages.clip(h, present)
        self.norms = {}
        now = {key: evaluate(value, n) for key, value in h.items()}
        steps = {name: self._prepare(name, now) for name in self.params}
        tensors = {}
        for name, g in present.items():
            terms = np.abs(g)
            if window and before[name]:
                terms = self.magnitudes[name] / window * (norm(g) / before[name])
            self.magnitudes[name] = np.zeros_like(terms)
            steps[name].stored = (stored or {}).get(name)
            tensors[name] = self._decay(name, g, terms, steps[name])
        self._hook("whole", list(tensors.values()), list(self.scalars.values()))
        for name, tensor in tensors.items():
            self._move(name, tensor)
            stages.synchronize(self, name)
        calls = n // window if window else n
        count = self.iterations if h["ema_every"] == "update" else calls
        stages.refresh_average(self, list(present), count)
        self.iterations += 1
        return True

    def finalize_variable_values(self) -> None:
        """The parameters take the values of their averages."""
        if self.hyper["use_ema"]:
            for name, average in self.average.items():
                self.params[name] = average.copy()

    def _hook(self, hook: str, *arguments: Any) -> Any:
        return getattr(self.rule, hook, getattr(Hooks, hook))(*arguments)

    def own(self, name: str, h: dict[str, Any]) -> dict[str, Any]:
        return {**h, **self.overrides.get(name, {})}

    def _prepare(self, name: str, now: dict[str, Any]) -> Step:
        """The scalars of an update."""
        h = self._hook("route", name, self.params[name], self.own(name, now))
        if "weight_decay" in (own := self.overrides.get(name, {})):
            # Whatever a parameter is routed to, its own decay wins.
            h = {**h, "weight_decay": own["weight_decay"]}
        eta = h["learning_rate"] * h.get("learning_rate_multiplier", 1.0)
        first, largest = self._rates.get(name, (eta, eta))
        self._rates[name] = (first, max(largest, eta))
        lam = h["weight_decay"] or 0.0
        inside = h["weight_decay_mode"] == self.rule.DECAY_INSIDE
        adapt = h.get("layer_adaptation", True) and (h.get("always_adapt", True) or lam != 0)
        k = Step(h, self.iterations + 1, eta, lam if inside else 0.0, adapt)
        k.first_rate, k.scalars = first, self.scalars[name]
        k.common_rate = now["learning_rate"]
        self._hook("advance", k)
        return k

    def _decay(self, name: str, g: Array, terms: Array, k: Step) -> Tensor:
        """Centralization, LARC, and the decay that comes before the rule."""
        h, eta, mode = k.h, self._hook("decay_rate", k), k.h["weight_decay_mode"]
        theta = k.before = self.params[name]
        g, terms = stages.centralize(h["gradient_centralization"], g, terms)
        if h["larc_coefficient"] is not None:
            g, factor = stages.larc(h, theta, g, k.eta)
            terms = factor * (terms + (h["weight_decay"] or 0.0) * np.abs(theta))
            h = k.h = {**h, "weight_decay": None}
            k.lam, k.adapt = 0.0, k.adapt and h.get("always_adapt", True)
        lam = h["weight_decay"] or 0.0
        if lam and mode != self.rule.DECAY_INSIDE:
            if mode == "l2":
                g, terms = g + lam * theta, terms + lam * np.abs(theta)
            else:
                lam *= self._hook("decay_factor", theta, g, k)
                h = k.h = {**h, "weight_decay": lam}
            first, largest = self._rates[name]
            # The share of the parameter that decays before the rule sees it.
            share = {
                "decoupled": eta * lam,
                "fixed": lam,
                "corrected": lam * eta * (k.eta / largest if largest else 0.0),
                "schedule": lam * (k.eta / first if first else 0.0),
            }
            theta = theta * (1 - share.get(mode, 0.0))
        k.terms = terms
        return Tensor(theta, g, self.state[name], k)

    def _move(self, name: str, tensor: Tensor) -> None:
        """The rule, and the decay that comes with or after it."""
        k, theta = tensor.k, tensor.theta
        eta = self._hook("decay_rate", k)
        lam, mode = k.h["weight_decay"] or 0.0, k.h["weight_decay_mode"]
        delta = self.rule.step(theta, tensor.g, tensor.s, k)
        # Where what the gradient was added up from cancels, it is rounding.
        self.uncertain[name] = (np.abs(tensor.g) <= 1e-5 * k.terms) & (tensor.g != 0)
        if k.uncertain is not None:
            self.uncertain[name] = self.uncertain[name] | k.uncertain
        if k.shaken:
            self.shaken.add(name)
        if k.norms is not None:
            self.norms[name] = k.norms
        if delta is None:
            return
        outside = lam and mode != self.rule.DECAY_INSIDE
        if outside and mode == "update":
            delta = delta + eta * lam * theta
        if outside and mode == "cautious":
            size = np.abs(delta)
            small = size <= 3e-6 * np.max(size, initial=0.0)
            self.uncertain[name] = self.uncertain[name] | (small & (delta != 0))
            delta = delta + eta * lam * np.where(delta * theta >= 0, theta, 0.0)
        theta = theta - delta
        if outside and mode == "after":
            theta = theta * (1 - eta * lam)
        self.params[name] = theta
