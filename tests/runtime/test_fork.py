"""Children of a process whose pool has run: they step, to the same bits, and never hang."""

from __future__ import annotations

import os

import pytest

from support.children import run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")

# A large optimizer whose pool is awake, and what its next step should give.
SETUP = """
import hashlib, signal
set_num_threads(3)

def make(n=400_000, seed=0):
    rng = np.random.default_rng(seed)
    params = {'w': rng.normal(size=n).astype(F), 'b': rng.normal(size=30).astype(F)}
    grads = {name: rng.normal(size=p.size).astype(F) for name, p in params.items()}
    opt = Lamb(0.01, weight_decay=0.01, global_clipnorm=1.0, use_ema=True, state_dtype='float8')
    opt.build(params)
    return opt, params, grads

def bits(opt, params):
    h = hashlib.sha256()
    for p in params.values(): h.update(p.tobytes())
    for key, x in opt.state_dict().items():
        h.update(x.tobytes() if isinstance(x, np.ndarray) else repr(x).encode())
    return h.hexdigest()

def in_child(act, seconds=20):
    # The exit code says whether the act returned True.
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 0 if act() else 2
        except BaseException as error:
            print('child:', type(error).__name__, error, flush=True)
        finally:
            os._exit(code)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)
    return 'hung'

twin, twins, grads = make()
for _ in range(3): twin.apply(grads)
wanted = bits(twin, twins)
opt, params, grads = make()
opt.apply(grads)

def steps():
    opt.apply(grads); opt.apply(grads)
    return bits(opt, params) == wanted
"""


def test_a_child_gives_the_same_bits_every_time() -> None:
    code = """
for _ in range(25):
    assert in_child(steps) == 0
# The parent's own step afterwards is untouched by all of them.
assert steps()
print('done')
"""
    assert run(SETUP + code).strip() == "done"


def test_a_child_may_use_any_number_of_threads() -> None:
    code = """
def other():
    with threads(n):
        return steps()
for n in (1, 2, 3, 9):
    assert in_child(other) == 0
print('done')
"""
    assert run(SETUP + code).strip() == "done"


def test_grandchildren() -> None:
    code = """
def middle():
    # Before the middle one has a pool of its own, and after.
    first = in_child(steps)
    fresh, p, g = make(seed=1)
    fresh.apply(g)
    second = in_child(lambda: in_child(steps) == 0)
    return first == 0 and second == 0 and steps()
for _ in range(3):
    assert in_child(middle) == 0
print('done')
"""
    assert run(SETUP + code).strip() == "done"


def test_optimizers_made_in_the_child() -> None:
    code = """
def fresh():
    own, p, g = make()
    for _ in range(3): own.apply(g)
    return bits(own, p) == wanted
for _ in range(5):
    assert in_child(fresh) == 0
print('done')
"""
    assert run(SETUP + code).strip() == "done"


def test_a_pool_of_processes() -> None:
    code = """
import multiprocessing

def work(_):
    own, p, g = make()
    for _ in range(3): own.apply(g)
    return bits(own, p)

with multiprocessing.get_context('fork').Pool(3) as pool:
    found = pool.map_async(work, range(9)).get(timeout=40)
assert set(found) == {wanted}
print('done')
"""
    assert run(SETUP + code).strip() == "done"


def test_fork_while_another_thread_steps() -> None:
    """That optimizer is half-way in the child and says so; every other one works there."""
    code = """
busy, busy_params, busy_grads = make(3_000_000, seed=2)
small_params = {'w': busy_params['w'][:10]}
small = SGD(0.1); small.build(small_params)
stop = False
def train():
    while not stop: busy.apply(busy_grads)
thread = threading.Thread(target=train); thread.start()

def child():
    try:
        busy.apply(busy_grads)
    except ConcurrentStepError as error:
        assert 'fork' in str(error), error
    else:
        return False
    try:
        busy.state_dict()
    except ConcurrentStepError:
        pass
    else:
        return False
    # No step runs in this process, so its parameters are free.
    small.apply({'w': np.ones(10, F)})
    return steps()

def in_step():
    # Fork only in the middle of a step.
    while True:
        try:
            busy.iterations
        except ConcurrentStepError:
            return
for _ in range(8):
    in_step()
    code = in_child(child)
    # The step may have ended between looking and forking.
    assert code in (0, 2), code
    seen = globals().setdefault('seen', []); seen.append(code)
stop = True; thread.join()
assert 0 in seen, seen
assert steps()
print('done')
"""
    assert run(SETUP + code).strip() == "done"
