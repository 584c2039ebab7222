"""Norms are right to 1e-12: at a hundred million elements, and at both ends of the number range.

The truth: squares of float32 numbers are exact in float64; small arrays are summed by
``math.fsum``, large ones block by block, constant ones by fractions.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import lamb_rs

LARGE = 100_000_000
BLOCK = 1 << 18
BOUND = 1e-12
LAYERWISE = [row.class_name for row in lamb_rs.registry() if row.layerwise]
each_layerwise = pytest.mark.parametrize("name", LAYERWISE)


def true_norm(*arrays: np.ndarray) -> float:
    """The L2 norm of all arrays together; correctly rounded if none is larger than a block."""
    sums = []
    for x in arrays:
        flat = x.reshape(-1)
        if flat.size <= BLOCK:
            sums.extend((flat.astype(np.float64) ** 2).tolist())
        for i in range(0, flat.size if flat.size > BLOCK else 0, BLOCK):
            # Numpy adds pairs of pairs: a block is right to a few units in the last place.
            block = flat[i : i + BLOCK].astype(np.float64)
            sums.append(float(np.square(block, out=block).sum()))
    return math.sqrt(math.fsum(sums))


def norm_of_constant(x: np.ndarray) -> float:
    return math.sqrt(Fraction(float(x[0])) ** 2 * x.size)


def assert_close(found: Any, exact: Any) -> None:
    np.testing.assert_allclose(found, exact, rtol=BOUND, atol=0)


def optimizer(name: str, **kwargs: Any) -> Any:
    """One that moves nothing, so that it can be stepped repeatedly from the same parameters."""
    return getattr(lamb_rs, name)(learning_rate=0.0, **kwargs)


def test_a_hundred_million_elements() -> None:
    """``weight_norms``, ``update_norms`` and ``gradient_norm`` of one step, for any threads."""
    rng = np.random.default_rng(0)
    p, g = rng.standard_normal(LARGE, np.float32), np.empty(LARGE, np.float32)
    np.multiply(p[::-1], p, out=g)
    # The denominator of LARS is the gradient's norm; a clip that does nothing tells it too.
    opt = optimizer("Lars", clipnorm=1e30, state_dtype="bfloat16")
    opt.build(p)
    for gradient, weight, norm in [
        (g, true_norm(p), true_norm(g)),
        # What always rounds the same way shows the drift of a sum that is too simple.
        (np.full(LARGE, 0.1, np.float32), true_norm(p), None),
    ]:
        seen = set()
        exact = norm_of_constant(gradient) if norm is None else norm
        for threads in (1, 3):
            with lamb_rs.threads(threads):
                opt.apply(gradient)
            assert_close(opt.weight_norms, weight)
            assert_close(opt.update_norms, exact)
            assert_close(opt.gradient_norm, exact)
            seen.add((opt.weight_norms[0], opt.update_norms[0], opt.gradient_norm))
        assert len(seen) == 1
        del gradient


# Largest, large, small, and two subnormal numbers, the last of them the least there is.
MAGNITUDES = [3.4e38, 1e25, 1.0, 1e-30, 1e-40, 1.4e-45]


@pytest.mark.parametrize("magnitude", MAGNITUDES)
@pytest.mark.parametrize("size", [1, 17, 1_000_001])
@each_layerwise
def test_ends_of_the_range(name: str, size: int, magnitude: float) -> None:
    p = np.full(size, magnitude, np.float32)
    opt = optimizer(name, clipnorm=1e300)
    opt.build(p)
    seen = set()
    for threads in (1, 2, 7):
        with lamb_rs.threads(threads):
            opt.apply(p.copy())
        assert_close(opt.weight_norms, norm_of_constant(p))
        assert_close(opt.gradient_norm, norm_of_constant(p))
        seen.add((opt.weight_norms[0], opt.gradient_norm))
    assert len(seen) == 1


@each_layerwise
def test_all_magnitudes_at_once(name: str) -> None:
    """The norm is that of the largest; with the largest left out, that of the next."""
    rng = np.random.default_rng(1)
    exponents = rng.uniform(-149, 127, BLOCK)
    mixed = (np.exp2(exponents) * rng.choice([-1, 1], BLOCK)).astype(np.float32)
    for limit in (127, 60, 0, -60, -126, -140):
        p = np.where(exponents < limit, mixed, np.float32(0))
        opt = optimizer(name, clipnorm=1e300)
        opt.build(p)
        opt.apply(p.copy())
        assert_close(opt.weight_norms, true_norm(p))
        assert_close(opt.gradient_norm, true_norm(p))


def test_gradient_norm_is_over_all_parameters() -> None:
    rng = np.random.default_rng(2)
    sizes = (0, 1, 15, 16, 17, 255, 4096, 16384, 16385, 100_000)
    params = [rng.standard_normal(n, np.float32) for n in sizes]
    grads = [rng.standard_normal(n, np.float32) * np.float32(10.0**i) for i, n in enumerate(sizes)]
    for clip in ({"clipnorm": 1e-3}, {"global_clipnorm": 1e-3}):
        opt = optimizer("SGD", **clip)
        opt.build(params)
        for threads in (1, 2, 7):
            with lamb_rs.threads(threads):
                opt.apply(grads)
            assert_close(opt.gradient_norm, true_norm(*grads))


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float16])
def test_narrow_gradients(dtype: Any) -> None:
    """Every finite number of the format, subnormal ones too."""
    every = np.arange(2**16, dtype=np.uint16).view(dtype).astype(np.float32)
    every = every[np.isfinite(every)]
    for g in (every, every[np.abs(every) < 1], every[np.abs(every) < 1e-4]):
        opt = optimizer("Lars", clipnorm=1e300)
        p = np.ones(g.size, np.float32)
        opt.build(p)
        opt.apply(g.astype(dtype))
        assert_close(opt.gradient_norm, true_norm(g))
        assert_close(opt.update_norms, true_norm(g))


def test_zero_norms() -> None:
    for name in LAYERWISE:
        opt = optimizer(name, clipnorm=1.0)
        zeros, ones, none = (np.full(n, x, np.float32) for n, x in [(100, 0), (100, 1), (0, 0)])
        params = [zeros, ones, none]
        opt.build(params)
        opt.apply([ones.copy(), zeros.copy(), none.copy()])
        np.testing.assert_array_equal(opt.weight_norms, [0.0, 10.0, 0.0])
        np.testing.assert_array_equal(opt.trust_ratios, [1.0, 1.0, 1.0])
        assert opt.gradient_norm == 10.0
