"""The data of figures: functions, descents, landscapes, histories, scans."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import plots

FUNCTIONS = [
    plots.rosenbrock,
    plots.beale,
    plots.himmelblau,
    plots.rastrigin,
    plots.ravine,
    plots.saddle,
]
each_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda one: one.name)


# Functions


@each_function
def test_gradients_match_differences(function: plots.PlaneFunction) -> None:
    bare = plots.PlaneFunction("bare", function.value, function.start, function.limits)
    rng = np.random.default_rng(0)
    for _ in range(50):
        x, y = (rng.uniform(*limits) for limits in function.limits)
        exact, approximate = function.slope(x, y), bare.slope(x, y)
        assert exact.shape == approximate.shape == (2,)
        assert approximate == pytest.approx(exact, rel=1e-6, abs=1e-6)


@each_function
def test_minima_are_minima(function: plots.PlaneFunction) -> None:
    _, _, values = function.grid(101)
    for x, y in function.minima:
        assert function.value(x, y) == pytest.approx(0, abs=1e-20)
        assert function.slope(x, y) == pytest.approx([0, 0], abs=1e-10)
        assert values.min() > -1e-20
    for (low, high), at in zip(function.limits, function.start, strict=True):
        assert low < at < high


# Descents


def test_a_descent_is_what_the_optimizer_does() -> None:
    path = plots.descend(plots.ravine, lamb_rs.SGD(0.01), start=(2.0, 1.0), steps=3)
    point = np.array([2.0, 1.0], np.float32)
    for index, found in enumerate(path.points):
        assert found == pytest.approx(point.astype(np.float64), rel=1e-6)
        assert path.values[index] == pytest.approx(plots.ravine.value(*found))
        point = point - np.float32(0.01) * np.array([point[0], 100 * point[1]], np.float32)
    assert (path.label, path.diverged, path.points.shape) == ("SGD", False, (4, 2))
    assert path.end.tolist() == path.points[-1].tolist()
    assert path.loss == path.values[-1]


def test_a_descent_ends_where_the_average_is() -> None:
    optimizer = lamb_rs.SGD(0.001, use_ema=True, ema_momentum=0.9)
    path = plots.descend(plots.ravine, optimizer, steps=20)
    assert path.end.tolist() == optimizer.averages["0"].tolist()
    assert path.loss > path.values[-1]


def test_rates_are_recorded() -> None:
    falling = lamb_rs.SGD(lamb_rs.schedules.PolynomialDecay(0.004, 4))
    path = plots.descend(plots.ravine, falling, steps=5)
    assert path.rates == pytest.approx([0.004, 0.003025, 0.00205, 0.001075, 0.0001], rel=1e-6)
    assert path.rate == "peak rate 0.004"
    constant = plots.descend(plots.ravine, lamb_rs.Lookahead(lamb_rs.Adam(0.1)), steps=2)
    assert constant.rates.tolist() == [0.1, 0.1]
    assert constant.rate == "rate 0.1"
    lost = plots.descend(plots.rosenbrock, lamb_rs.SGD(1.0), steps=100)
    assert len(lost.rates) == len(lost.points) - 1
    points = np.zeros((1, 2))
    assert plots.Trajectory("mine", points, points[:, 0], points[0], 0.0).rate == "rate unknown"


def test_divergence_ends_a_descent() -> None:
    path = plots.descend(plots.rosenbrock, lamb_rs.SGD(1.0), steps=100)
    assert path.diverged
    assert 1 <= len(path.points) < 100
    assert np.isfinite(path.points).all()
    assert path.end.tolist() == path.points[-1].tolist()


def test_no_gradient_is_needed() -> None:
    bowl = plots.PlaneFunction("bowl", lambda x, y: x**2 + y**2, (1, 2), ((-3, 3), (-3, 3)))
    assert plots.descend(bowl, lamb_rs.Adam(0.1), label="mine").label == "mine"
    assert plots.descend(bowl, lamb_rs.Adam(0.1)).loss < 1e-3


def test_the_start_has_two_numbers_in_any_shape() -> None:
    for start in ([1.0, 2.0], [[1.0, 2.0]], np.ones((2, 1))):
        assert plots.descend(plots.ravine, lamb_rs.SGD(1e-3), start, 2).points.shape == (3, 2)
    with pytest.raises(lamb_rs.HyperparameterError, match=r"two numbers.*\(3,\)"):
        plots.descend(plots.ravine, lamb_rs.SGD(), start=[1, 2, 3])
    built = lamb_rs.SGD()
    built.build(np.ones(2, np.float32))
    with pytest.raises(lamb_rs.ParameterSetError, match="built already"):
        plots.descend(plots.ravine, built)


def test_unknown_members_of_the_family_are_named() -> None:
    with pytest.raises(lamb_rs.HyperparameterError, match="unknown optimizer 'Adamm'"):
        plots.descend_family(["Adamm"])
    assert [path.label for path in plots.descend_family(["amsgrad"], steps=5)] == ["amsgrad"]


# Landscapes


def test_a_landscape_is_filter_normalized_and_leaves_no_trace() -> None:
    rng = np.random.default_rng(1)
    params = {
        "conv": rng.standard_normal((3, 3, 2, 5)).astype(np.float32),
        "kernel": (100 * rng.standard_normal((4, 6))).astype(np.float32),
        "bias": rng.standard_normal(6).astype(np.float32),
    }
    kept = {name: array.copy() for name, array in params.items()}
    seen: list[dict[str, np.ndarray]] = []

    def loss() -> float:
        seen.append({name: array.copy() for name, array in params.items()})
        return float(len(seen))

    rows: list[int] = []
    found = plots.loss_landscape(loss, params, points=3, span=2.0, tick=lambda: rows.append(1))
    assert len(rows) == 3
    assert found.steps.tolist() == [-2, 0, 2]
    assert found.losses.ravel().tolist() == list(range(1, 10))
    assert found.center == 5
    for name, array in params.items():
        assert array.tobytes() == kept[name].tobytes()
        assert seen[4][name].tobytes() == kept[name].tobytes()
    for moved in (seen[3], seen[1]):  # along the first direction, and along the second
        assert moved["bias"].tobytes() == kept["bias"].tobytes()
        for name in ("conv", "kernel"):
            change = (moved[name] - kept[name]).reshape(-1, kept[name].shape[-1])
            filters = kept[name].reshape(-1, kept[name].shape[-1])
            wanted = 2 * np.linalg.norm(filters, axis=0)
            assert np.linalg.norm(change, axis=0) == pytest.approx(wanted, rel=1e-4)


def test_a_path_has_a_plane() -> None:
    params = {"a": np.zeros((2, 2), np.float32), "b": np.zeros(3, np.float32)}
    path = plots.ParameterPath(params)
    for turn in np.linspace(0, np.pi, 9):
        params["a"][0, 0] = 6 * turn
        params["b"][1:] = np.sin(turn) * np.array([0.6, 0.8])
        path.record()
    assert len(path) == 10
    plane = path.plane()
    first, second = (np.concatenate([x.ravel() for x in y]) for y in (plane.first, plane.second))
    assert [x.shape for x in plane.first] == [(2, 2), (3,)]
    assert [first @ first, second @ second] == pytest.approx([1, 1])
    assert first @ second == pytest.approx(0, abs=1e-6)
    assert sum(plane.shares) == pytest.approx(1)
    assert plane.shares[0] > plane.shares[1] > 0
    assert plane.path[-1] == pytest.approx([0, 0])
    assert plane.path[0, 0] < 0
    assert plane.path[:, 1].max() > -plane.path[:, 1].min()
    # The whole path lies in the plane, so the projection keeps all distances.
    wanted = [np.hypot(6 * turn - 6 * np.pi, np.sin(turn)) for turn in np.linspace(0, np.pi, 9)]
    assert np.linalg.norm(plane.path[1:], axis=1) == pytest.approx(wanted, rel=1e-5, abs=1e-5)


def test_a_landscape_around_a_path_holds_the_path() -> None:
    params = {"a": np.zeros((2, 1), np.float32)}
    path = plots.ParameterPath(params)
    for value in ([2, 1], [4, 0], [6, 1]):
        params["a"][:, 0] = value
        path.record()

    def loss() -> float:
        return float(np.sum(params["a"] ** 2))

    found = plots.path_landscape(loss, params, path, points=5)
    assert params["a"].ravel().tolist() == [6, 1]
    assert found.path is not None
    assert found.center == loss() == 37
    x, y = (found.middle[axis] + found.steps for axis in (0, 1))
    for (low, high), column in zip(((x[0], x[-1]), (y[0], y[-1])), found.path.T, strict=True):
        assert low < column.min()
        assert column.max() < high
    plane = path.plane()
    for row, along in enumerate(y):
        for column, across in enumerate(x):
            moved = np.array([6, 1]) + across * plane.first[0][:, 0] + along * plane.second[0][:, 0]
            assert found.losses[row, column] == pytest.approx(moved @ moved, rel=1e-5)
    assert "first component, " in found.labels[0]
    assert "% of the variance" in found.labels[1]


def test_paths_without_a_plane_are_refused() -> None:
    params = np.ones((2, 2), np.float32)
    path = plots.ParameterPath(params)
    with pytest.raises(ValueError, match="at least 3 copies and has 1; call record"):
        path.plane()
    path.record()
    path.record()
    with pytest.raises(ValueError, match="the same in every copy"):
        plots.path_landscape(lambda: 0.0, params, path)
    with pytest.raises(lamb_rs.HyperparameterError, match="path_landscape: points must be odd"):
        plots.path_landscape(lambda: 0.0, params, path, points=2)


def test_filters_may_be_rows() -> None:
    kernel = np.arange(1, 7, dtype=np.float32).reshape(2, 3)
    kept, seen = kernel.copy(), []

    def loss() -> float:
        seen.append(kernel.copy())
        return 0.0

    plots.loss_landscape(loss, kernel, points=3, filter_axis=0)
    change = np.linalg.norm(seen[3] - kept, axis=1)
    assert change == pytest.approx(np.linalg.norm(kept, axis=1), rel=1e-5)


def test_a_loss_that_raises_leaves_no_trace() -> None:
    kernel = np.ones((3, 2), np.float32)
    with pytest.raises(ZeroDivisionError):
        plots.loss_landscape(lambda: 1 / 0, kernel)
    assert (kernel == 1).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"points": 4}, "odd"), ({"points": 1}, ">= 3"), ({"span": 0}, "> 0")],
)
def test_bad_landscapes_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(lamb_rs.HyperparameterError, match=words):
        plots.loss_landscape(lambda: 0.0, np.ones((2, 2), np.float32), **arguments)


def test_landscape_parameters_are_checked_as_in_build() -> None:
    with pytest.raises(lamb_rs.DTypeError):
        plots.loss_landscape(lambda: 0.0, np.ones((2, 2)))


# Histories and scans


def history(layers: int, steps: int = 5) -> plots.History:
    params = {f"layer_{n}": np.full((3, 2), n + 1, np.float32) for n in range(layers)}
    optimizer = lamb_rs.Lamb(0.1)
    found = plots.History(optimizer)
    with pytest.raises(lamb_rs.NotBuiltError):
        found.record()
    optimizer.exclude_from_layer_adaptation(var_names=["layer_0$"])
    optimizer.build(params)
    for _ in range(steps):
        optimizer.apply({name: np.ones_like(array) for name, array in params.items()})
        found.record()
        assert found.trust_ratios[-1].tobytes() == np.array(optimizer.trust_ratios).tobytes()
    return found


def test_a_history_keeps_every_step() -> None:
    found = history(layers=3)
    assert len(found) == 5
    assert found.names == ["layer_0", "layer_1", "layer_2"]
    assert (
        found.trust_ratios.shape == found.weight_norms.shape == found.update_norms.shape == (5, 3)
    )
    assert np.isnan(found.trust_ratios[:, 0]).all()
    assert np.isfinite(found.trust_ratios[:, 1:]).all()
    assert found.trust_ratios[:, 1:] == pytest.approx(
        found.weight_norms[:, 1:] / found.update_norms[:, 1:]
    )
    assert found.learning_rates == pytest.approx([0.1] * 5)


def test_a_history_of_several_rates() -> None:
    parts = [("a", lamb_rs.Lamb(0.1)), ("b", lamb_rs.Lamb(0.2))]
    optimizer = lamb_rs.MultiOptimizer(parts)
    params = {name: np.ones(2, np.float32) for name in "ab"}
    optimizer.build(params)
    optimizer.apply({name: np.ones(2, np.float32) for name in "ab"})
    found = plots.History(optimizer)
    found.record()
    assert np.isnan(found.learning_rates).all()
    assert np.isfinite(found.trust_ratios).all()


def test_a_history_tells_the_rate_of_the_step() -> None:
    optimizer = lamb_rs.Lamb(lamb_rs.schedules.PolynomialDecay(0.4, 4, end_learning_rate=0.0))
    parameter = np.ones(2, np.float32)
    found = plots.History(optimizer)
    for _ in range(3):
        optimizer.apply(np.ones(2, np.float32), parameter)
        found.record()
    assert found.learning_rates == pytest.approx([0.4, 0.3, 0.2])


def test_a_history_without_ratios_has_no_picture() -> None:
    optimizer = lamb_rs.Adam()
    parameter = np.ones(2, np.float32)
    optimizer.build(parameter)
    optimizer.apply(np.ones(2, np.float32))
    found = plots.History(optimizer)
    for _ in range(2):
        with pytest.raises(ValueError, match="layer-wise optimizer, such as Lamb"):
            plots.trust_ratios(found)
        found.record()


def test_scans_sort_rates_and_know_divergence() -> None:
    ends = {0.1: 1.0, 0.01: 2.0, 1.0: float("nan")}
    scan = plots.scan_rates(ends.__getitem__, [1.0, 0.01, 0.1], "mine")
    assert scan.rates.tolist() == [0.01, 0.1, 1.0]
    assert scan.losses.tolist() == [2.0, 1.0, float("inf")]
    assert scan.best == 1


# Imports


def test_nothing_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, lamb_rs; print('lamb_rs.plots' in sys.modules);"
        "lamb_rs.plots.descend_family(['SGD'], steps=2);"
        "print('matplotlib' in sys.modules, 'PIL' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["False", "False", "False"]


def test_without_matplotlib_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*sys.modules]:
        if name.partition(".")[0] == "matplotlib":
            monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ModuleNotFoundError, match=r"matplotlib: pip install \"lamb_rs\[demo\]\""):
        plots.contour(plots.ravine)


@pytest.mark.parametrize("name", plots.__all__)
def test_public_names_are_documented(name: str) -> None:
    member = getattr(plots, name)
    if not (inspect.isfunction(member) or inspect.isclass(member)):
        return
    text = inspect.getdoc(member)
    assert text is not None
    assert text.partition("\n")[0].endswith(".")
    for argument in inspect.signature(member).parameters:
        assert re.search(rf"^(\w+, )*{argument}(, \w+)* : ", text, re.MULTILINE), argument
    if inspect.isfunction(member):
        assert "\nReturns\n" in text


@pytest.mark.parametrize(
    "path", sorted(Path(plots.__file__).parent.glob("*.py")), ids=lambda p: p.stem
)
def test_examples_run(path: Path) -> None:
    name = "lamb_rs.plots" + ("" if path.stem == "__init__" else f".{path.stem}")
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0
