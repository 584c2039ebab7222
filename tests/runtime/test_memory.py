"""Memory: nothing large is allocated by a step, nothing is leaked, nothing moves."""

from __future__ import annotations

import gc
import re
import sys
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import SGD, Lamb, schedules
from support.bad_input import tensors
from support.children import run

if TYPE_CHECKING:
    from collections.abc import Callable

F = np.float32
linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="reads what Linux and its C library count"
)

# Every block from 64 KiB becomes a mapping of its own, whose first page faults when it is
# written to; and no free memory is left from which such a block could be taken instead. So
# allocations of a step show as page faults, whatever code makes them.
COUNT = """
import ctypes, resource
libc = ctypes.CDLL(None)
LIMIT = 65536
for option, value in ((-3, LIMIT), (-1, 0), (-2, 0), (-8, 1)):
    assert libc.mallopt(option, value) == 1
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        'arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost').split()]
libc.mallinfo2.restype = Info

def fill():
    # Until three blocks in a row come from the system.
    fresh = 0
    while fresh < 3:
        before = libc.mallinfo2().hblks
        libc.malloc(LIMIT)
        fresh = fresh + 1 if libc.mallinfo2().hblks > before else 0

def faults(act, times):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times): act()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def allocates():
    block = libc.malloc(LIMIT + 100)
    ctypes.memset(block, 1, 10)
    libc.free(block)
"""

SHAPES = {
    "large": "[1_000_000, 300_000, 40]",
    "many": "[50] * 2000",
    "very many": "[12] * 6000",
    "tiny": "[30, 4]",
}


@linux
@pytest.mark.skipif(
    not any(Path("/lib").glob("**/libc.so.6")) and not Path("/lib64/libc.so.6").exists(),
    reason="needs glibc's mallopt",
)
@pytest.mark.parametrize("sizes", SHAPES.values(), ids=SHAPES)
def test_no_large_allocation_after_the_first_steps(sizes: str) -> None:
    code = (
        COUNT
        + f"sizes = {sizes}\n"
        + """
set_num_threads(2)
TIMES = 20
found = {}
for row in lamb_rs.registry():
    for extra in (
        {},
        dict(use_ema=True, gradient_accumulation_steps=2, clipnorm=1.0, state_dtype='float8'),
        dict(global_clipnorm=1.0, nonfinite='skip', state_dtype='bfloat16'),
    ):
        if (extra or len(sizes) > 100) and row.name not in ('sgd', 'adam', 'lamb'): continue
        params = [np.ones(n, F) for n in sizes]
        grads = [np.ones(n, F) for n in sizes]
        opt = getattr(lamb_rs, row.class_name)(1e-3, **extra)
        opt.build(params)
        for _ in range(6): opt.apply(grads)
        fill()
        assert faults(allocates, TIMES) >= TIMES, 'the count does not work'
        best = min(faults(lambda: opt.apply(grads), TIMES) for _ in range(2))
        if best > TIMES / 2: found[row.name, str(extra)] = best / TIMES
        del opt, params, grads
assert not found, found
print('done')
"""
    )
    assert run(code, timeout=100).strip() == "done"


RSS = """
import gc
def rss():
    gc.collect()
    with open('/proc/self/statm') as file:
        return int(file.read().split()[1]) * os.sysconf('SC_PAGESIZE')
"""


@linux
def test_tiny_steps_leak_nothing() -> None:
    code = (
        RSS
        + """
params = {'w': np.ones((3, 4), F), 'b': np.ones(3, F)}
grads = {'w': np.ones((3, 4), F), 'b': np.ones(3, F)}
opt = Lamb(schedules.CosineDecay(0.01, 100), use_ema=True, gradient_accumulation_steps=2,
           global_clipnorm=1.0, beta_1=lambda: 0.9, nonfinite='skip')
opt.build(params)
bad = {'w': grads['w'], 'b': np.full(3, np.nan, F)}
wrong = {'w': grads['w'], 'b': np.ones(4, F)}
def work(n):
    for i in range(n):
        opt.apply(grads); opt.trust_ratios; opt.learning_rate
        if i % 10 == 0:
            opt.apply(bad); opt.averages; repr(opt)
            try: opt.apply(wrong)
            except ShapeError: pass
        if i % 50 == 0: opt.load_state_dict(opt.state_dict())
work(4000)
start = rss()
work(20_000)
print(rss() - start)
"""
    )
    assert int(run(code)) < 300_000


@linux
def test_builds_leak_nothing() -> None:
    code = (
        RSS
        + """
import copy, pickle
def work(n):
    for i in range(n):
        params = {'w': np.ones((300, 100), F), 'b': np.ones(3, F)}
        opt = (Lamb, Adam, SGD)[i % 3](1e-3, use_ema=True, state_dtype=('float8', 'float32')[i % 2])
        opt.exclude_from_weight_decay(var_names=['b'])
        opt.build(params, overrides={'b': {'learning_rate': 0.1}})
        grads = {name: np.ones_like(p) for name, p in params.items()}
        opt.apply(grads)
        twin = copy.deepcopy(opt); twin.build(params)
        pickle.loads(pickle.dumps(opt))
        opt.explain()
        try: Lamb().build({'w': params['w'], 'v': params['w']})
        except AliasError: pass
with threads(1): work(30)
start = rss()
with threads(1): work(200)
print(rss() - start)
"""
    )
    # 200 optimizers of 480 KB each would be 96 MB.
    assert int(run(code)) < 3_000_000


def freed(make: Callable[[], Any]) -> bool:
    """Whether the garbage collector gets the array that `make` returned a reference to."""
    reference = make()
    gc.collect()
    return reference() is None


def cycle_through_a_function() -> Any:
    params = tensors()
    opt = Lamb()
    opt.learning_rate = lambda: 0.1 / (opt.iterations + 1)
    opt.apply(tensors(1), params)
    return weakref.ref(params["first"])


def cycle_through_a_schedule() -> Any:
    class Rate(schedules.Schedule):
        def __call__(self, step: int) -> float:
            return 0.1

    params, rate = tensors(), Rate()
    opt = Lamb(rate)
    opt.apply(tensors(1), params)
    rate.opt = opt  # type: ignore[attr-defined]
    return weakref.ref(params["first"])


def cycle_through_the_parameters() -> Any:
    class Model(dict):  # type: ignore[type-arg]
        pass

    model = Model(tensors())
    model.opt = Lamb()  # type: ignore[attr-defined]
    model.opt.build(model)  # type: ignore[attr-defined]
    return weakref.ref(model["first"])


def cycle_through_an_average() -> Any:
    params = tensors()
    opt = Lamb(use_ema=True, name="x")
    opt.build(params)
    holder: dict[str, Any] = {"opt": opt, "views": opt.averages}
    holder["self"] = holder
    return weakref.ref(params["first"])


def no_cycle() -> Any:
    params = tensors()
    Lamb().build(params)
    return weakref.ref(params["first"])


CYCLES = [
    no_cycle,
    cycle_through_a_function,
    cycle_through_a_schedule,
    cycle_through_the_parameters,
    cycle_through_an_average,
]


@pytest.mark.parametrize("make", CYCLES, ids=lambda make: make.__name__)
def test_the_garbage_collector_gets_everything(make: Callable[[], Any]) -> None:
    assert freed(make)


@pytest.mark.parametrize("storage", ["float32", "bfloat16", "float8"])
@pytest.mark.parametrize("row", lamb_rs.registry(), ids=lambda row: row.name)
def test_parameters_stay_where_they_are(row: Any, storage: Any) -> None:
    """Same objects, same addresses; gradients keep every bit."""
    rng = np.random.default_rng(0)
    params = {name: np.ones(n, F) for name, n in {"a": 40_000, "b": 5000, "c": 3}.items()}
    kept = dict(params)
    places = {name: p.ctypes.data for name, p in params.items()}
    opt = getattr(lamb_rs, row.class_name)(
        1e-3, state_dtype=storage, use_ema=True, ema_overwrite_frequency=2, clipnorm=1.0
    )
    opt.build(params)
    average = opt.averages["a"].ctypes.data
    for _ in range(5):
        grads = {name: rng.normal(size=p.size).astype(F) for name, p in params.items()}
        before = {name: g.tobytes() for name, g in grads.items()}
        opt.apply(grads)
        assert before == {name: g.tobytes() for name, g in grads.items()}
    with opt.evaluation_weights():
        pass
    opt.load_state_dict(opt.state_dict())
    opt.finalize_variable_values()
    opt.reset()
    assert all(params[name] is p and p.ctypes.data == places[name] for name, p in kept.items())
    assert opt.averages["a"].ctypes.data == average


def test_references_are_given_back() -> None:
    """After every kind of call, refused or not, nobody else holds the arrays."""
    params, grads = tensors(), tensors(1)
    opt = SGD(0.1, clipnorm=1.0)
    opt.build(params)

    def counts() -> list[int]:
        return [sys.getrefcount(x) for x in [*params.values(), *grads.values()]]

    bad = grads | {"last": np.full((3, 4), np.nan, F)}
    all_wrong = (bad, params, {}, grads | {"last": None, "x": 1}, grads | {"last": [1]})
    wrong: Any = None
    before = counts()
    for _ in range(50):
        opt.apply(grads)
        opt.apply(grads, params)
        for wrong in all_wrong:
            with pytest.raises(lamb_rs.LambError):
                opt.apply(wrong)
        with pytest.raises(lamb_rs.LambError):
            opt.build(params)
        with pytest.raises(lamb_rs.LambError):
            SGD().build([params["first"], params["first"]])
    opt.learning_rate = lambda: -1.0
    with pytest.raises(lamb_rs.HyperparameterError):
        opt.apply(grads)
    del wrong
    assert counts() == before


def mapping_of(address: int) -> dict[str, str]:
    """Return what the system says of the mapping that holds an address."""
    for one in re.split(r"(?m)^(?=[0-9a-f]+-)", Path("/proc/self/smaps").read_text())[1:]:
        head, *lines = one.splitlines()
        start, end = (int(place, 16) for place in head.split(" ")[0].split("-"))
        if start <= address < end:
            return {name: value for name, _, value in (line.partition(":") for line in lines)}
    raise AssertionError("no mapping holds this address")


@linux
@pytest.mark.skipif(
    not Path("/sys/kernel/mm/transparent_hugepage").exists(),
    reason="this kernel has no transparent huge pages",
)
def test_large_state_is_zeroed_by_the_system_and_asks_for_huge_pages() -> None:
    size = 1 << 22
    opt = lamb_rs.Adam()
    opt.build(np.zeros(size, F))
    (name,) = opt.parameter_names
    # In the middle of the moment.
    address = opt.state[name]["momentum"].ctypes.data + 2 * size
    found = mapping_of(address)
    assert "hg" in found["VmFlags"].split()
    assert int(found["Rss"].split()[0]) < 1024, "nothing was written yet"
