"""Formulas in circulation that are wrong, compared with the right ones in the library."""

from __future__ import annotations

import numpy as np
import pytest

import lamb_rs
from reference.radam import tractable_length

F = np.float32


def test_length_of_the_average_grows_with_time() -> None:
    """RAdam: ``beta_2**t``; with ``beta_2**2`` in its place the length would fall."""
    beta, times = 0.999, (1, 4, 6, 100)
    right = [tractable_length(t, beta) for t in times]
    np.testing.assert_allclose(right, [1.0, 4.0, 5.99, 98.33], atol=0.01)
    infinite = 2 / (1 - beta) - 1
    wrong = [infinite - 2 * t * beta**2 / (1 - beta**t) for t in times]
    np.testing.assert_allclose(wrong, [3.0, 0.0, -2.0, -97.47], atol=0.01)


def test_when_the_variance_becomes_tractable() -> None:
    """After four or five steps for any usual beta_2, and never if that is 0.6 or less."""
    for beta in (0.9, 0.95, 0.99, 0.999, 0.9999):
        lengths = [tractable_length(t, beta) for t in range(1, 8)]
        assert next(t for t, rho in enumerate(lengths, 1) if rho > 4) == 5
        assert next(t for t, rho in enumerate(lengths, 1) if rho > 5) == 6
    assert max(tractable_length(t, 0.6) for t in range(1, 1000)) <= 4


def test_lookahead_moves_towards_the_fast_weights() -> None:
    """slow + a (fast - slow): with a minus it would move away."""
    p = np.zeros(5, F)
    opt = lamb_rs.Lookahead(lamb_rs.SGD(1.0), sync_period=1, slow_step_size=0.25)
    opt.build([p])
    opt.apply([np.full(5, -1.0, F)])
    np.testing.assert_array_equal(p, 0.25)


def test_unrolled_lookahead_has_one_more_factor() -> None:
    """(1 - a)^(t + 1) for the first slow weights: the weights of all must sum to 1."""
    a, t = 0.3, 6
    others = a * sum((1 - a) ** i for i in range(t + 1))
    assert (1 - a) ** (t + 1) + others == pytest.approx(1.0)
    assert (1 - a) ** t + others != pytest.approx(1.0)


def test_adamax_is_the_limit_of_roots() -> None:
    """(beta^p v + (1 - beta^p) |g|^p)^(1/p) tends to the maximum; without the root it does not."""
    beta, g = 0.9, np.array([0.5, 2.0, 0.1])
    u = np.array([1.0, 1.0, 1.0])
    p = 400.0
    inside = np.logaddexp(p * np.log(beta * u), np.log1p(-(beta**p)) + p * np.log(g))
    np.testing.assert_allclose(np.exp(inside / p), np.maximum(beta * u, g), rtol=0.01)
    without = np.exp(np.clip(inside, -700, 700))
    assert (np.abs(without - np.maximum(beta * u, g)) > 0.05).all()
    opt = lamb_rs.Adamax(beta_2=beta)
    q = np.zeros(3, F)
    opt.build([q])
    for x in (u, g):
        opt.apply([x.astype(F)])
    np.testing.assert_allclose(opt.state_dict()["0/maximum"], np.maximum(beta * u, g), rtol=1e-6)


def test_rmsprop_from_the_first_gradient_starts_with_its_sign() -> None:
    g = np.array([3.0, -1e-3, 0.0, 1e-6], F)
    p = np.ones(4, F)
    opt = lamb_rs.RMSprop(0.125, epsilon=0.0, initial_accumulator_value="gradient")
    opt.build([p])
    opt.apply([g])
    np.testing.assert_allclose(p, 1 - 0.125 * np.sign(g), rtol=1e-6)
    assert p[2] == 1.0
    # From 0 instead, the first step is 1 / sqrt(1 - rho) times longer.
    p[...] = 1.0
    opt = lamb_rs.RMSprop(0.125, epsilon=0.0)
    opt.build([p])
    opt.apply([g])
    np.testing.assert_allclose(1 - p, 0.125 / np.sqrt(0.1) * np.sign(g), rtol=1e-5)


@pytest.mark.parametrize("rate", [0.001, 0.1])
def test_the_rate_stays_outside_the_trust_ratio(rate: float) -> None:
    """RangerLARS: inside the norm it would cancel, and a step would be as long as the weights."""
    p = np.random.default_rng(0).normal(size=200).astype(F)
    before = p.copy()
    opt = lamb_rs.RangerLars(rate)
    opt.build([p])
    opt.apply([np.random.default_rng(1).normal(size=200).astype(F)])
    length = np.linalg.norm(p - before) / np.linalg.norm(before)
    assert length == pytest.approx(rate, rel=1e-4)


def test_norm_of_a_sum_is_at_most_the_sum_of_norms() -> None:
    """LAMB: ``|r| + |lambda p|`` never gives a larger ratio than ``|r + lambda p|``."""
    p, g = (np.random.default_rng(i).normal(size=100).astype(F) for i in range(2))
    ratios = []
    for form in ("joint", "sum"):
        opt = lamb_rs.Lamb(form=form, weight_decay=0.5)
        own = p.copy()
        opt.build([own])
        opt.apply([g])
        ratios.append(opt.trust_ratios[0])
    assert ratios[1] < ratios[0]


def test_caps_of_the_paratrooper_clamp() -> None:
    """1 / (r_t b_t): it lets Ralamb's ratio go first and hands over to RAdam in the end."""
    p = np.full(4, 1e6, F)
    opt = lamb_rs.Ralamb(0.0, 0.95, trust_clip="paratrooper")
    opt.build([p])
    seen = {}
    for t in range(1, 10_001):
        opt.apply([np.ones(4, F)])
        if t in {1, 5, 6, 10, 100, 1000, 10_000}:
            seen[t] = opt.trust_ratios[0]
    caps = {1: 10.0, 5: 10.0, 6: 132.61, 10: 82.08, 100: 14.96, 1000: 1.95, 10_000: 1.0}
    assert seen == pytest.approx(caps, abs=0.006)
    # A ratio below 1 is 1.
    p[...] = 1e-6
    opt.apply([np.ones(4, F)])
    assert opt.trust_ratios[0] == 1.0


def test_corrections_are_not_made_in_float32() -> None:
    """There, ``1 - beta_2`` is off by 1.3e-5; the first step shows it."""
    assert abs(float(F(1) - F(0.999)) / 0.001 - 1) > 1e-5
    p = np.zeros(3, F)
    opt = lamb_rs.Adam(1.0, epsilon=0.0)
    opt.build([p])
    opt.apply([np.array([1.0, -3.0, 1e-3], F)])
    np.testing.assert_allclose(p, [-1.0, 1.0, -1.0], rtol=3e-7)


def test_amsgrad_raw_is_not_monotone() -> None:
    """The maximum grows, but its correction falls faster at first; without one, it is monotone."""
    gradients = [np.ones(1, F), *(np.full(1, 1e-3, F) for _ in range(20))]
    found = {}
    for form in (True, "corrected", "paper"):
        opt = lamb_rs.Adam(1.0, 0.0, epsilon=0.0, epsilon_mode="out", amsgrad=form)
        p = np.zeros(1, F)
        opt.build([p])
        rates = []
        for g in gradients:
            p[0] = 0.0
            opt.apply([g])
            rates.append(float(-p[0] / g[0]))
        found[form] = np.diff(rates)
    assert (found[True] > 1e-3).all()
    assert (found["corrected"] <= 1e-3).all()
    assert (found["paper"] <= 1e-3).all()


def test_zero_gradients_and_zero_weights() -> None:
    """0/0 is 0 where a formula has no epsilon; a ratio of norms with a zero is 1."""
    for name in ("Adagrad", "RMSprop", "Adam", "Adamax", "Nadam"):
        start = {"initial_accumulator_value": 0.0} if name == "Adagrad" else {}
        opt = getattr(lamb_rs, name)(epsilon=0.0, **start)
        p = np.ones(3, F)
        opt.build([p])
        opt.apply([np.zeros(3, F)])
        np.testing.assert_array_equal(p, 1.0)
    for name in ("Lars", "Lamb", "Ralamb"):
        p = np.zeros(3, F)
        opt = getattr(lamb_rs, name)(0.1)
        opt.build([p])
        opt.apply([np.ones(3, F)])
        assert opt.trust_ratios[0] == 1.0
        assert np.isfinite(p).all()
        assert p.any()
