"""Ctrl-C in a loop of steps: between two steps, never inside one."""

from __future__ import annotations

import os

import pytest

from support.children import run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

CODE = """
import random, signal
random.seed(SEED)
set_num_threads(2)

def make():
    rng = np.random.default_rng(0)
    params = {f'w{i}': rng.normal(size=n).astype(F) for i, n in enumerate(SIZES)}
    grads = {name: rng.normal(size=p.size).astype(F) for name, p in params.items()}
    opt = Lamb(0.01, weight_decay=0.01, use_ema=True, global_clipnorm=1.0,
               gradient_accumulation_steps=2)
    opt.build(params)
    return opt, params, grads

def bits(opt, params):
    state = opt.state_dict()
    return [p.tobytes() for p in params.values()] + [
        x.tobytes() if isinstance(x, np.ndarray) else x for x in state.values()]

opt, params, grads = make()
opt.apply(grads)
interrupted = 0
for _ in range(ROUNDS):
    timer = threading.Timer(0.01 + 0.03 * random.random(),
                            lambda: os.kill(os.getpid(), signal.SIGINT))
    try:
        timer.start()
        end = time.monotonic() + 10
        while time.monotonic() < end: opt.apply(grads)
    except KeyboardInterrupt:
        interrupted += 1
    timer.join()
assert interrupted == ROUNDS, interrupted
twin, twins, grads = make()
calls = opt.calls
for _ in range(calls): twin.apply(grads)
assert bits(opt, params) == bits(twin, twins)
opt.apply(grads); twin.apply(grads)
assert bits(opt, params) == bits(twin, twins)
print('done')
"""

SIZES = {"large": [1_500_000, 40], "tiny": [30, 5, 7]}


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_the_state_is_that_of_whole_steps(sizes: list[int]) -> None:
    rounds = 12 if sizes[0] > 1000 else 4
    prelude = f"SEED = 1; SIZES = {sizes}; ROUNDS = {rounds}\n"
    assert run(prelude + CODE).strip() == "done"


def test_an_interrupt_in_a_schedule_changes_nothing() -> None:
    code = """
import signal
def rate():
    if opt.calls == 2: signal.raise_signal(signal.SIGINT)
    return 0.5
w = np.ones(4, F)
opt = SGD(rate); opt.build(w)
for _ in range(2): opt.apply(np.ones(4, F))
before = w.tobytes()
try: opt.apply(np.ones(4, F))
except KeyboardInterrupt: print(opt.calls, w.tobytes() == before)
"""
    assert run(code).split() == ["2", "True"]
