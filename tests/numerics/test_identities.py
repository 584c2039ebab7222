"""Equalities between rules, or between forms of one, that hold by algebra."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamb_rs
from support.cases import make, refused

F = np.float32
Array = np.ndarray
WITH_LOOKAHEAD = [row for row in lamb_rs.registry() if not refused(row, {"sync_period": 2})]


def tensors(seed: int, scale: float = 1.0) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    shapes = {"vector": (300,), "matrix": (20, 33), "zeros": (7,)}
    found = {name: (scale * rng.normal(size=n)).astype(F) for name, n in shapes.items()}
    found["zeros"] *= seed != 0
    return found


def trained(opt: Any, steps: int = 12, scale: float = 0.05) -> dict[str, Array]:
    """Parameters after steps along gradients that do not depend on them."""
    params = {name: F(scale) * p for name, p in tensors(0).items()}
    opt.build(params)
    for t in range(1, steps + 1):
        opt.apply(tensors(t))
    return params


def assert_same_path(one: Any, other: Any, bound: float = 2e-6, **more: Any) -> None:
    """Both optimizers move parameters alike, relative to the furthest movement."""
    start = {name: F(more.get("scale", 0.05)) * p for name, p in tensors(0).items()}
    first, second = trained(one, **more), trained(other, **more)
    for name, p in first.items():
        movement = np.abs(p - start[name]).max()
        np.testing.assert_allclose(p, second[name], rtol=0, atol=bound * movement + 1e-8)


def test_three_forms_of_nesterov_on_a_quadratic() -> None:
    """Keras's form keeps the look-ahead point; torch's is the same at a constant rate."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(6, 6))
    matrix = root @ root.T / 6
    more: dict[str, Any] = {"learning_rate": 0.05, "momentum": 0.8}
    ahead = lamb_rs.SGD(**more)
    others = [lamb_rs.SGD(nesterov=True, form=form, **more) for form in ("lr_inside", "lr_outside")]
    start = rng.normal(size=6).astype(F)
    theta, points = start.copy(), [start.copy(), start.copy()]
    ahead.build([theta])
    for opt, u in zip(others, points, strict=True):
        opt.build([u])
    for t in range(60):
        before = theta.copy()
        v = ahead.state_dict()["0/momentum"]
        with ahead.lookahead_point():
            np.testing.assert_allclose(theta, before + F(0.8) * v, rtol=1e-6, atol=1e-7)
            for u in points:
                np.testing.assert_allclose(u, theta, rtol=2e-5, atol=2e-6, err_msg=str(t))
            g = (matrix @ theta).astype(F)
        assert theta.tobytes() == before.tobytes()
        ahead.apply([g])
        for opt, u in zip(others, points, strict=True):
            opt.apply([(matrix @ u).astype(F)])
    assert np.abs(theta).max() < 0.5 * np.abs(start).max()


@pytest.mark.parametrize("row", WITH_LOOKAHEAD, ids=lambda row: row.name)
def test_lookahead_with_a_whole_step_is_the_inner_optimizer(row: Any) -> None:
    """To the bit."""
    kwargs = {"sync_period": 2, "slow_step_size": 1.0}
    cls = getattr(lamb_rs, row.class_name)
    alone = {"sync_period": None} if hasattr(cls, "sync_period") else {}
    with_it = trained(make(row.class_name, kwargs))
    without = trained(make(row.class_name, alone))
    for name, p in with_it.items():
        assert p.tobytes() == without[name].tobytes(), name


@pytest.mark.parametrize("form", ["lr_inside", "lr_outside"])
def test_lookahead_unrolled(form: str) -> None:
    """slow_{n+1} = (1 - a)^{n+1} slow_0 + a sum_i (1 - a)^i fast_{n-i}."""
    a, period = 0.3, 4
    inner = lamb_rs.SGD(0.01, momentum=0.9, form=form)
    alone = lamb_rs.SGD(0.01, momentum=0.9, form=form)
    opt = lamb_rs.Lookahead(inner, sync_period=period, slow_step_size=a)
    p = np.ones(50, F)
    opt.build([p])
    start, fast = p.astype(float), []
    copy = p.copy()
    alone.build([copy])
    for t in range(1, 25):
        g = np.random.default_rng(t).normal(size=50).astype(F)
        copy[...] = p
        opt.apply([g])
        alone.apply([g])
        if t % period == 0:
            fast.append(copy.astype(float))
            n = len(fast)
            sum_ = sum((1 - a) ** i * fast[n - 1 - i] for i in range(n))
            np.testing.assert_allclose(p, (1 - a) ** n * start + a * sum_, rtol=1e-5)


@pytest.mark.parametrize(("threshold", "first"), [(5.0, 6), (4.0, 5)])
def test_first_steps_of_radam(threshold: float, first: int) -> None:
    """Momentum, corrected, until the variance is tractable; one step apart for 4 and 5."""
    p, m = np.ones(40), np.zeros(40)
    opt = lamb_rs.RAdam(0.01, threshold=threshold)
    q = np.ones(40, F)
    opt.build([q])
    for t in range(1, first + 1):
        g = np.random.default_rng(t).normal(size=40).astype(F)
        m = 0.9 * m + 0.1 * g
        p = q - 0.01 * m / (1 - 0.9**t)
        opt.apply([g])
        assert (np.abs(p - q).max() < 1e-6) == (t < first)


def test_ruders_nadam_is_nadamw() -> None:
    """NAdamW: Adam on the look-ahead of the momentum, with decoupled decay."""
    opt = lamb_rs.Nadam(0.01, epsilon=1e-8, form="ruder", weight_decay=0.1)
    p, m, v = np.ones(40), np.zeros(40), np.zeros(40)
    q = np.ones(40, F)
    opt.build([q])
    for t in range(1, 30):
        g = np.random.default_rng(t).normal(size=40).astype(F)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g.astype(float) ** 2
        ahead = (0.9 * m + 0.1 * g) / (1 - 0.9**t)
        p = p * (1 - 0.01 * 0.1) - 0.01 * ahead / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        opt.apply([g])
    np.testing.assert_allclose(q, p, rtol=1e-5, atol=1e-6)


def test_lamb_is_adam_where_the_ratio_is_1() -> None:
    adam = lamb_rs.Adam(0.01, epsilon_mode="out")
    assert_same_path(lamb_rs.Lamb(0.01, trust_clip=(1.0, 1.0)), adam)
    assert_same_path(
        lamb_rs.Lamb(0.01, trust_clip=(1.0, 1.0), weight_decay=0.1),
        lamb_rs.AdamW(0.01, epsilon_mode="out", weight_decay=0.1, weight_decay_mode="update"),
    )
    opt = lamb_rs.Lamb(0.01)
    trained(opt, steps=1)
    assert opt.trust_ratios[list(opt.parameter_names).index("zeros")] == 1.0


def test_ralamb_is_radam_where_the_ratio_is_1() -> None:
    one = lamb_rs.Ralamb(0.01, trust_clip=(1.0, 1.0), epsilon_mode="hat")
    assert_same_path(one, lamb_rs.RAdam(0.01))


def test_ranger_is_radam_in_lookahead_with_centralized_gradients() -> None:
    inner = lamb_rs.RAdam(0.01, 0.95, epsilon=1e-5, gradient_centralization=True)
    first, second = trained(lamb_rs.Ranger(0.01)), trained(lamb_rs.Lookahead(inner))
    for name, p in first.items():
        assert p.tobytes() == second[name].tobytes()


def test_rangerlars_is_ralamb_in_lookahead() -> None:
    first = trained(lamb_rs.RangerLars(0.01))
    second = trained(lamb_rs.Lookahead(lamb_rs.Ralamb(0.01)))
    for name, p in first.items():
        assert p.tobytes() == second[name].tobytes()


def test_ademamix_without_the_slow_average_is_adam() -> None:
    adam = lamb_rs.Adam(0.01, epsilon=1e-8, epsilon_mode="out")
    assert_same_path(lamb_rs.AdEMAMix(0.01, alpha=0.0), adam)


def test_ftrl_from_zero_is_adagrad() -> None:
    """Without regularization, the regularized leader moves by g / sqrt(sum of squares)."""
    assert_same_path(lamb_rs.Ftrl(0.1), lamb_rs.Adagrad(0.1, epsilon=0.0), 1e-5, scale=0.0)


def test_grams_steps_as_far_as_adam_but_against_the_gradient() -> None:
    grams, adam = lamb_rs.Grams(0.01), lamb_rs.Adam(0.01, epsilon=1e-6, epsilon_mode="out")
    params = [tensors(1) for _ in range(2)]
    grams.build(params[0])
    adam.build(params[1])
    for t in range(2, 10):
        g, before = tensors(t), [{k: p.copy() for k, p in each.items()} for each in params]
        grams.apply(g)
        adam.apply(g)
        for name in g:
            moved, other = (params[i][name] - before[i][name] for i in range(2))
            np.testing.assert_allclose(np.abs(moved), np.abs(other), atol=5e-7)
            assert (moved * g[name] <= 0).all()


def test_larc_without_its_limit_is_lars() -> None:
    inner = lamb_rs.SGD(1.0, momentum=0.9, form="lr_outside", weight_decay=0.01)
    larc = lamb_rs.Larc(inner, 0.001, clip=False, epsilon=1e-8)
    lars = lamb_rs.Lars(1.0, form="lr_outside", weight_decay=0.01, epsilon=1e-8)
    # From where no norm is zero: the two differ there.
    params = [tensors(1), tensors(1)]
    for opt, own in zip((larc, lars), params, strict=True):
        opt.build(own)
        for t in range(2, 12):
            opt.apply(tensors(t))
    for name, p in params[0].items():
        np.testing.assert_allclose(p, params[1][name], rtol=1e-5, atol=1e-7)


def test_schedule_free_relations() -> None:
    """x = (1 - c) x + c z and y = b x + (1 - b) z; the parameters hold y, x is evaluated."""
    opt = lamb_rs.ScheduleFreeAdamW(0.01, 0.9, warmup_steps=4)
    y = np.ones(60, F)
    opt.build([y])
    x, weights, largest = y.astype(float), 0.0, 0.0
    for t in range(1, 20):
        opt.apply([np.random.default_rng(t).normal(size=60).astype(F)])
        z = opt.state_dict()["0/z"].astype(float)
        largest = max(largest, 0.01 * min(1.0, t / 4))
        weights += largest**2
        x += largest**2 / weights * (z - x)
        np.testing.assert_allclose(y, 0.9 * x + 0.1 * z, rtol=2e-6)
        before = y.copy()
        with opt.evaluation_weights():
            np.testing.assert_allclose(y, x, rtol=2e-6)
        assert y.tobytes() == before.tobytes()


def test_uniform_average_is_the_mean() -> None:
    opt = lamb_rs.SGD(0.1, use_ema=True, ema_form="uniform", ema_start=3)
    p = np.ones(30, F)
    opt.build([p])
    seen: list[Array] = []
    for t in range(1, 12):
        opt.apply([np.random.default_rng(t).normal(size=30).astype(F)])
        seen.append(p.astype(float))
        mean = np.mean(seen[3:] or seen[-1:], axis=0)
        np.testing.assert_allclose(opt.averages["0"], mean, rtol=1e-6, atol=1e-7)


def test_factored_moment_is_exact_where_the_squares_have_rank_1() -> None:
    rng = np.random.default_rng(0)
    g = np.outer(rng.normal(size=12), rng.normal(size=17)).astype(F)
    whole, factored = np.full((12, 17), 0.5, F), np.full((12, 17), 0.5, F)
    for p, least in ((whole, 1000), (factored, 0)):
        opt = lamb_rs.Adafactor(0.1, min_dim_size_to_factor=least)
        opt.build([p])
        for t in range(5):
            opt.apply([F(1 + t) * g])
    np.testing.assert_allclose(whole, factored, rtol=2e-6)


def test_muon_makes_the_momentum_orthogonal() -> None:
    """With enough iterations of coefficients that converge, all singular values are 1."""
    g = np.random.default_rng(0).normal(size=(24, 40)).astype(F)
    more: dict[str, Any] = {"coefficients": "polar_express", "ns_steps": 8, "scale": "original"}
    steps = []
    for form in ("sum", "ema"):
        p = np.zeros((24, 40), F)
        opt = lamb_rs.Muon(1.0, weight_decay=None, form=form, **more)
        opt.build([p])
        opt.apply([g])
        steps.append(p)
        np.testing.assert_allclose(np.linalg.svd(p, compute_uv=False), 1.0, atol=0.01)
    # The scale of the momentum makes no difference.
    np.testing.assert_allclose(steps[0], steps[1], atol=1e-5)


@pytest.mark.parametrize("name", ["Adam", "Lion", "RMSprop", "Nadam", "Adamax"])
def test_decay_in_the_update_is_decoupled_decay(name: str) -> None:
    """Up to rounding, where nothing scales the direction afterwards."""
    one, other = (
        getattr(lamb_rs, name)(0.01, weight_decay=0.1, weight_decay_mode=mode)
        for mode in ("update", "decoupled")
    )
    assert_same_path(one, other, 1e-5)
