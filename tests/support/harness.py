"""The one harness of the numerical tests: models, bounds, and library against reference.

Bounds, element-wise over a tensor: after one step from the same state
``|dp - dp_ref| <= 2e-6 |dp_ref| + 1e-6 max|dp_ref| + 2 ulp(p)``; after a whole trajectory within
1e-3 of the furthest movement of the tensor. Where a rule takes a sign, it must be right except
where its argument is within rounding of 0.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reference import Reference

Array = np.ndarray
Tensors = dict[str, Array]

SIZES = (0, 1, 3, 15, 16, 17, 255, 4096, 16385, 65537)
STEPS = 50
# For what does not depend on the size of a tensor: see `small`.
SMALL = (0, 1, 17, 255, 4096)
FEW = 12
MORE = 20
# Steps from the library's own state that are checked alone; 5 and 8 have all-zero gradients,
# 6 is the first rectified step of RAdam.
CHECKED = frozenset({1, 2, 3, 5, 6, 7, 8, 9, 20, 50})
FLOAT8_BLOCK = 256


@dataclass(frozen=True)
class Model:
    """Initial parameters and a fixed list of gradients."""

    params: Tensors
    grads: list[Tensors] = field(repr=False)

    def fresh(self) -> Tensors:
        """A copy of the parameters, to be trained."""
        return {name: p.copy() for name, p in self.params.items()}

    def without(self, name: str) -> Model:
        """The same model less one tensor."""
        kept = [key for key in self.params if key != name]
        return Model(
            {key: self.params[key] for key in kept},
            [{key: step[key] for key in kept} for step in self.grads],
        )


@cache
def model(sizes: tuple[int, ...] = SIZES, steps: int = STEPS, seed: int = 1) -> Model:
    """A model with one tensor per size, a scalar, a tensor that starts at zero, and matrices.

    With a size of 4096 or more there is also "tall", a matrix of more than 16384 elements, which
    the library computes in two chunks. Gradients span four decades; the last element of every
    tensor with three or more never gets one; at step 5 one tensor, at step 8 every tensor has an
    all-zero gradient.
    """
    rng = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {f"size{n}": (n,) for n in sizes}
    shapes |= {"zeros": (33,), "matrix": (20, 33), "scalar": (), "filters": (4, 3, 2, 2)}
    if max(sizes) >= 4096:
        shapes["tall"] = (129, 128)
    params: Tensors = {}
    scales: Tensors = {}
    for name, shape in shapes.items():
        # As small as weights are: what 50 steps move is then far above their rounding.
        params[name] = np.asarray(0.05 * rng.normal(size=shape), dtype=np.float32)
        scales[name] = np.asarray(10.0 ** rng.uniform(-4, 0, size=shape))
        if scales[name].size >= 3:
            scales[name].reshape(-1)[-1] = 0.0
        else:
            scales[name][...] = 0.3
    params["zeros"][:] = 0.0
    grads = []
    for t in range(1, steps + 1):
        step = {}
        for name, scale in scales.items():
            g = np.asarray(scale * (rng.normal(size=scale.shape) + 0.3), dtype=np.float32)
            if t == 8 or (t == 5 and name == "matrix"):
                g = np.zeros_like(g)
            step[name] = g
        grads.append(step)
    return Model(params, grads)


def small(steps: int = STEPS) -> Model:
    """A model of tensors of one chunk, for what does not depend on the size of a tensor."""
    return model(SMALL, steps).without("tall")


def assert_one_step(
    new: Array,
    old: Array,
    ref: Array,
    skip: Array,
    where: str,
    noise: float = 1e-6,
    slow: Array | float = 0.0,
) -> None:
    """The bound after one step; ``ref`` is the float64 result from the float32 ``old``.

    Where a step goes by way of slow weights, units in the last place are theirs too.
    """
    if not new.size:
        return
    exact = ref - old.astype(np.float64)
    error = np.abs(new.astype(np.float64) - ref)
    size = np.abs(exact)
    largest = np.maximum(np.maximum(np.abs(new), np.abs(old)), np.abs(slow)).astype(np.float32)
    ulp = np.spacing(largest).astype(np.float64)
    bound = 2e-6 * size + noise * size.max() + 2 * ulp
    bad = (error > bound) & ~skip
    assert np.isfinite(new).all(), f"{where}: not finite"
    if bad.any():
        i = int(np.argmax(np.where(bad, error / bound, 0)))
        at = np.unravel_index(i, new.shape)
        raise AssertionError(
            f"{where}: {bad.sum()} of {new.size} elements; worst {[int(j) for j in at]}: "
            f"moved {new[at].astype(np.float64) - old[at]:.9e}, should {exact[at]:.9e}, "
            f"bound {bound[at]:.3e}"
        )


def assert_trajectory(
    new: Array, ref: Array, start: Array, where: str, skip: Array | None = None
) -> None:
    """The bound after many steps: within 1e-3 of the tensor's movement."""
    keep = np.ones(new.shape, dtype=bool) if skip is None else ~skip
    if not keep.any():
        return
    movement = np.abs(ref - start.astype(np.float64)).max()
    error = np.abs(new.astype(np.float64) - ref)[keep].max()
    assert error <= 1e-3 * movement, f"{where}: off by {error:.3e}, movement {movement:.3e}"


def decode(state: Mapping[str, Any], key: str) -> Array:
    """A slot of ``state_dict`` as float64, whatever its storage."""
    raw = np.asarray(state[key])
    if raw.dtype == np.uint16:
        return (raw.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    if raw.dtype == np.uint8:
        signed = not key.rpartition("/")[2].startswith("velocity")
        values = float8_values(signed=signed)[raw].reshape(-1)
        scales = float8_scales(np.asarray(state[f"{key}_scale"]))
        return (values * np.repeat(scales, FLOAT8_BLOCK)[: values.size]).reshape(raw.shape)
    return raw.astype(np.float64)


def float8_values(*, signed: bool) -> Array:
    """The values of the 256 codes, before the scale: the largest is 480 in both formats.

    Signed: sign, 4 exponent bits (bias 7), 3 mantissa bits. Unsigned: 5 exponent bits (bias 23),
    3 mantissa bits. Exponent 0 is subnormal; no code means infinity or NaN.
    """
    codes = np.arange(256)
    exponent, mantissa = codes >> 3, codes & 7
    bias = 23
    if signed:
        exponent, bias = exponent & 15, 7
    normal = np.ldexp(1 + mantissa / 8, exponent - bias)
    values = np.where(exponent == 0, np.ldexp(mantissa / 8, 1 - bias), normal)
    return np.where(codes & 128, -values, values) if signed else values


def float8_scales(codes: Array) -> Array:
    """Scales of the blocks: 0 for zeros, 255 for a NaN, else the power of two plus 128."""
    powers = np.ldexp(1.0, codes.astype(np.int64) - 128)
    return np.where(codes == 0, 0.0, np.where(codes == 255, np.nan, powers))


def load_state(ref: Reference, state: Mapping[str, Any]) -> None:
    """Gives the reference the library's state: moments, scalars and what the stages keep."""
    stages = {
        "average": ref.average,
        "gradient_accumulator": ref.accumulated,
        "slow": ref.slow,
        "slow_momentum": ref.slow_momentum,
    }
    for key in state:
        name, _, slot = key.rpartition("/")
        if name in ref.params:
            own = ref.state[name]
            where = own if slot in own else stages.get(slot)
            if where is not None:
                where[slot if where is own else name] = decode(state, key)
        elif name == "optimizer":
            load_scalar(ref, slot, np.atleast_1d(state[key]))


def load_scalar(ref: Reference, slot: str, values: Array) -> None:
    """A scalar of the rule: one for all parameters, or one for each."""
    if not any(slot in own for own in ref.scalars.values()):
        return
    if values.size == 1:
        values = np.repeat(values, len(ref.scalars))
    if values.size == len(ref.scalars):
        for own, value in zip(ref.scalars.values(), values, strict=True):
            own[slot] = float(value)


def lockstep(
    opt: Any,
    ref: Reference,
    problem: Model,
    *,
    stored: bool = False,
    trajectory: bool = True,
    scale: float = 1.0,
    overrides: Mapping[str, Any] | None = None,
    before_step: Callable[[int], None] = lambda t: None,
) -> None:
    """Runs library and reference over the model's gradients and checks both bounds.

    Parameters
    ----------
    opt : lamb_rs optimizer
        Not built.
    ref : Reference
        With the same arguments, not built.
    problem : Model
    stored : bool, default False
        Whether the rule steps along its moments as a narrow storage rounded them.
    trajectory : bool, default True
        Whether to check the bound after all steps (not for narrow state, which is noisy).
    scale : float, default 1.0
        Factor of the gradients.
    overrides : mapping, optional
        Settings of some tensors by their full names.
    before_step : callable, optional
        Called with the number of the call, from 1, before each.
    """
    params = problem.fresh()
    opt.build(params, overrides)
    ref.build(params, overrides)
    doubtful = {name: np.zeros(p.shape, dtype=bool) for name, p in params.items()}
    for t, unscaled in enumerate(problem.grads, start=1):
        before_step(t)
        g = dict(unscaled)
        if scale != 1.0:
            g = {name: np.asarray(x * np.float32(scale)) for name, x in g.items()}
        if t not in CHECKED:
            assert opt.apply(g) == ref.apply(g)
        else:
            one = copy.deepcopy(ref)
            load_state(one, opt.state_dict())
            old = {name: p.copy() for name, p in params.items()}
            noise = getattr(ref.rule, "NOISE", 1e-6)
            slow = dict(one.slow) if ref.hyper["sync_period"] else {}
            for name, p in old.items():
                one.params[name] = p.astype(np.float64)
            moved = opt.apply(g)
            assert moved == ref.apply(g) == one.apply(g, after(opt, one) if stored else None)
            for name, p in params.items():
                skip = one.uncertain[name] | (name in one.shaken)
                exact, where = one.params[name], f"step {t}, {name}"
                assert_one_step(p, old[name], exact, skip, where, noise, slow.get(name, 0.0))
            if moved:
                check_ratios(opt, one)
        for name in params:
            doubtful[name] |= ref.uncertain[name]
    assert opt.calls == ref.calls
    assert opt.iterations == ref.iterations
    if not trajectory:
        return
    averages = opt.averages if ref.hyper["use_ema"] else {}
    for name, p in params.items():
        start, skip = problem.params[name], doubtful[name]
        assert_trajectory(p, ref.params[name], start, f"end, {name}", skip)
        if name in averages:
            assert_trajectory(averages[name], ref.average[name], start, f"average {name}", skip)


def after(opt: Any, ref: Reference) -> dict[str, Tensors]:
    """The library's moments as stored, by parameter and slot."""
    state = opt.state_dict()
    return {
        name: {slot: decode(state, f"{name}/{slot}") for slot in slots}
        for name, slots in ref.state.items()
    }


def check_ratios(opt: Any, ref: Reference) -> None:
    """``trust_ratios`` and ``weight_norms`` of a layer-wise rule."""
    if not ref.norms:
        return
    for i, name in enumerate(opt.parameter_names):
        if name not in ref.norms:
            assert np.isnan(opt.trust_ratios[i]), name
            continue
        weight, _, ratio = ref.norms[name]
        np.testing.assert_allclose(opt.weight_norms[i], weight, rtol=1e-6, err_msg=name)
        np.testing.assert_allclose(opt.trust_ratios[i], ratio, rtol=1e-5, err_msg=name)
