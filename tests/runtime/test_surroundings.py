"""The surroundings of the optimizers: memory, threads, names, examples."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
from threading import Thread
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
import pytest

import lamb_rs
from lamb_rs import DTypeError, HyperparameterError, Lamb
from support.children import run
from support.trees import leaves


class Layer(NamedTuple):
    kernel: Any
    bias: Any


# Memory


def addresses(params: Any) -> list[int]:
    # An empty array has no elements that could lie anywhere.
    return [array.ctypes.data for array in leaves(params) if array.size]


def test_aligned_keeps_structure_and_values() -> None:
    rng = np.random.default_rng(0)
    layer = Layer(rng.normal(size=(5, 7)), rng.normal(size=7).astype("f"))
    params = {
        "layers": [layer, (np.ones((3, 4)).T, np.full((), 2.0))],
        "narrow": np.ones(3, ml_dtypes.bfloat16),
        "empty": np.ones((0, 3), "f"),
    }
    copies = lamb_rs.aligned(params)
    assert isinstance(copies["layers"][0], Layer)
    assert isinstance(copies["layers"][1], tuple)
    assert list(copies) == list(params)
    opt = Lamb()
    opt.build(copies)
    arrays = leaves(copies)
    for name, array, original in zip(opt.parameter_names, arrays, leaves(params), strict=True):
        assert array.dtype == np.float32, name
        assert array.flags.c_contiguous, name
        assert array.flags.writeable, name
        assert array.shape == original.shape, name
        assert array.tobytes() == np.asarray(original, np.float32).tobytes(), name
        assert not np.shares_memory(array, original), name
    assert all(address % 64 == 0 for address in addresses(copies))
    # One block, without more between the arrays than it takes to align them.
    span = max(addresses(copies)) - min(addresses(copies))
    assert span <= sum(-(-4 * array.size // 64) * 64 for array in arrays)


def test_aligned_single_array() -> None:
    copy = lamb_rs.aligned(np.arange(6.0).reshape(2, 3)[:, ::2])
    assert copy.tolist() == [[0, 2], [3, 5]]
    assert copy.ctypes.data % 64 == 0


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"a": np.ones(3, "f"), "b": [np.ones(3, int)]}, "b/0 has dtype int"),
        ([1.0, 2.0], "0 is of type float"),
        ({"a": None}, "a is of type NoneType"),
        (np.ones(3, complex), "params has dtype complex"),
    ],
)
def test_aligned_refuses(params: Any, message: str) -> None:
    with pytest.raises(DTypeError, match=f"aligned: {message}"):
        lamb_rs.aligned(params)


# Threads


def test_threads_nest_and_belong_to_their_thread() -> None:
    outside = lamb_rs.get_num_threads()
    seen = []
    with lamb_rs.threads(3):
        assert lamb_rs.get_num_threads() == 3
        with lamb_rs.threads(np.int64(7)):
            assert lamb_rs.get_num_threads() == 7
            other = Thread(target=lambda: seen.append(lamb_rs.get_num_threads()))
            other.start()
            other.join()
        with pytest.raises(ZeroDivisionError), lamb_rs.threads(2):
            1 / 0  # noqa: B018
        assert lamb_rs.get_num_threads() == 3
    assert lamb_rs.get_num_threads() == outside
    assert seen == [outside]


def test_set_num_threads_is_for_the_process() -> None:
    outside = lamb_rs.get_num_threads()
    try:
        lamb_rs.set_num_threads(5)
        assert lamb_rs.get_num_threads() == lamb_rs.info()["threads"] == 5
    finally:
        lamb_rs.set_num_threads(outside)


@pytest.mark.parametrize("n", [0, -1, 1.5, "2", None, True, 2**40])
def test_refused_numbers_of_threads(n: Any) -> None:
    with pytest.raises(HyperparameterError, match="number of threads must be an integer >= 1"):
        lamb_rs.set_num_threads(n)
    with pytest.raises(HyperparameterError, match="number of threads"), lamb_rs.threads(n):
        pass


def test_info() -> None:
    found = lamb_rs.info()
    assert found["version"] == lamb_rs.__version__
    assert {"simd", "simd_available", "threads", "threads_source", "build_profile"} <= set(found)
    assert found["simd"] in found["simd_available"]


# Names

NAMES = {
    "lamb": "Lamb()",
    "LAMB": "Lamb()",
    "AdamW": "AdamW()",
    "adam-w": "AdamW()",
    "sgd": "SGD()",
    "AMSGrad": "Adam(amsgrad=True)",
    "ams-grad": "Adam(amsgrad=True)",
    "AdamC": "AdamW(weight_decay_mode='corrected')",
    "LAMBC": "Lamb(trust_clip=(0.0, 1.0))",
    "nesterov": "SGD(momentum=0.9, nesterov=True)",
    "momentum": "SGD(momentum=0.9)",
    "r_adam w": "RAdam()",
}


@pytest.mark.parametrize(("name", "text"), NAMES.items(), ids=NAMES)
def test_get(name: str, text: str) -> None:
    assert repr(lamb_rs.get(name)) == text


def test_get_passes_arguments_on() -> None:
    assert (
        repr(lamb_rs.get("amsgrad", learning_rate=0.5)) == "Adam(learning_rate=0.5, amsgrad=True)"
    )
    assert repr(lamb_rs.get("amsgrad", amsgrad="paper")) == "Adam(amsgrad='paper')"
    with pytest.raises(TypeError, match=r"Lamb\(\) has no argument 'lr'"):
        lamb_rs.get("lamb", lr=0.5)


def test_get_unknown_names_the_nearest() -> None:
    with pytest.raises(HyperparameterError, match=r"'lambda'; did you mean 'Lamb'\?.*optimizers"):
        lamb_rs.get("lambda")
    with pytest.raises(HyperparameterError, match="unknown optimizer 3"):
        lamb_rs.get(3)  # type: ignore[arg-type]


def test_optimizers_lists_what_get_knows() -> None:
    listed = lamb_rs.optimizers()
    assert set(lamb_rs.optim.__all__) <= set(listed)
    assert "Adam(amsgrad=True)" in listed["AMSGrad"]
    for name, line in listed.items():
        assert line
        assert "\n" not in line
        if name not in lamb_rs.wrappers.__all__:
            lamb_rs.get(name)


# The module


@pytest.mark.parametrize(
    "module",
    [
        "lamb_rs",
        lamb_rs.aligned.__module__,
        lamb_rs.threads.__module__,
        lamb_rs.registry.__module__,
        lamb_rs.SGD.__module__,
        lamb_rs.schedules.Schedule.__module__,
        lamb_rs.MultiOptimizer.__module__,
    ],
)
def test_examples_in_docstrings(module: str) -> None:
    loaded = importlib.import_module(module)
    # A dataclass looks its module up by name.
    found = doctest.testmod(loaded, extraglobs={"__name__": module})
    assert found.attempted
    assert not found.failed


def test_import_needs_numpy_alone() -> None:
    code = (
        "import sys, numpy; before = set(sys.modules); import lamb_rs; "
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before} "
        "- set(sys.stdlib_module_names)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(run.stdout.split()) <= {"lamb_rs", "numpy"}


def test_a_debug_build_warns() -> None:
    code = """
import importlib, warnings
for profile in ("release", "debug"):
    sys.modules[info.__module__].info = lambda: {"build_profile": profile}
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        importlib.reload(lamb_rs)
    print(*(f"{one.category.__name__}: {one.message}" for one in found))
"""
    release, debug = run(code).splitlines()
    assert release == ""
    assert debug.startswith("RuntimeWarning: lamb_rs was built without optimization")
    assert "maturin develop --release" in debug
