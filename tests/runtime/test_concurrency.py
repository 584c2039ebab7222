"""Several Python threads: each with its own optimizer, or in each other's way."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lamb_rs import SGD, Adam, ConcurrentStepError, Lamb, LambError
from support.bad_input import changed, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

F = np.float32
LARGE = 2_000_000


def together(*acts: Callable[[], Any]) -> list[BaseException]:
    """Run all at once, and return the exceptions."""
    start = threading.Barrier(len(acts))
    raised: list[BaseException] = []

    def work(act: Callable[[], Any]) -> None:
        start.wait()
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - the test looks for panics
            raised.append(error)

    threads = [threading.Thread(target=work, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "deadlock"
    return raised


class Worker:
    """Steps, and counts those that were done and those that were refused."""

    def __init__(self, opt: Any, grads: Any) -> None:
        self.opt, self.grads = opt, grads
        self.done = self.refused = 0
        self.errors: set[tuple[bool, str]] = set()

    def step(self) -> None:
        try:
            assert self.opt.apply(self.grads)
        except ConcurrentStepError as error:
            self.refused += 1
            ours = isinstance(error, LambError) and isinstance(error, RuntimeError)
            self.errors.add((ours, str(error)))
        else:
            self.done += 1
            # Lets the others have a turn.
            time.sleep(0.0005)

    def until(self, enough: Callable[[], bool]) -> None:
        end = time.perf_counter() + 20
        while not enough() and time.perf_counter() < end:
            self.step()


def test_each_thread_with_its_own_optimizer() -> None:
    """Large steps share the pool, and get the bits of running alone."""

    def make(seed: int) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        rng = np.random.default_rng(seed)
        shapes = {"large": 300_000, "small": 50}
        params = {name: rng.normal(size=n).astype(F) for name, n in shapes.items()}
        grads = {name: rng.normal(size=n).astype(F) for name, n in shapes.items()}
        opt = (Lamb, Adam)[seed % 2](0.01, use_ema=True, global_clipnorm=1.0)
        opt.build(params)
        return opt, params, grads

    steps = 15
    runs = [make(seed) for seed in range(4)]

    def train(opt: Any, grads: Any) -> None:
        for _ in range(steps):
            opt.apply(grads)

    raised = together(*[lambda o=opt, g=grads: train(o, g) for opt, _, grads in runs])
    assert not raised
    for seed, (opt, params, _) in enumerate(runs):
        alone, own, grads = make(seed)
        train(alone, grads)
        assert not changed(snapshot(opt, params), snapshot(alone, own))


def test_one_optimizer_in_two_threads() -> None:
    """The second is told at once; no step is lost, none is done by halves."""
    params = np.zeros(LARGE, F)
    opt = SGD(1.0, momentum=0.0)
    opt.build({"w": params})
    workers = [Worker(opt, {"w": np.full(LARGE, -1, F)}) for _ in range(2)]

    def enough() -> bool:
        return sum(w.refused for w in workers) > 3 and all(w.done > 3 for w in workers)

    assert not together(*[lambda w=w: w.until(enough) for w in workers])
    done = sum(w.done for w in workers)
    assert enough()
    for ours, message in workers[0].errors | workers[1].errors:
        assert ours
        assert "nothing was changed" in message
    assert opt.iterations == opt.calls == done
    assert (params == done).all()


def test_two_optimizers_on_one_memory() -> None:
    """Even where the parameters are different views, and only some of them overlap."""
    memory = np.zeros(2 * LARGE, F)
    views = memory[: LARGE + 10], memory[LARGE - 10 :]
    workers = []
    for view in views:
        opt = SGD(1.0)
        opt.build([view])
        workers.append(Worker(opt, [np.full(view.size, -1, F)]))

    def enough() -> bool:
        return sum(w.refused for w in workers) > 3 and all(w.done > 3 for w in workers)

    assert not together(*[lambda w=w: w.until(enough) for w in workers])
    assert enough()
    done = [w.done for w in workers]
    assert (memory[: LARGE - 10] == done[0]).all()
    assert (memory[LARGE + 10 :] == done[1]).all()
    assert (memory[LARGE - 10 : LARGE + 10] == sum(done)).all()


def test_a_small_optimizer_on_memory_of_a_large_step() -> None:
    """Steps that keep the interpreter's lock look, too, who else is writing."""
    memory = np.zeros(LARGE, F)
    large, small = SGD(1.0), SGD(1.0)
    large.build([memory])
    part = memory[100:110]
    small.build([part])
    workers = [
        Worker(large, [np.full(LARGE, -1, F)]),
        Worker(small, [np.full(10, -1, F)]),
    ]

    def enough() -> bool:
        return workers[1].refused > 3 and all(w.done > 3 for w in workers)

    assert not together(*[lambda w=w: w.until(enough) for w in workers])
    assert enough()
    assert (part == workers[0].done + workers[1].done).all()
    assert (memory[110:] == workers[0].done).all()


def test_everything_else_during_a_step() -> None:
    """Reading, saving and setting either work or say that the optimizer is busy."""
    params = {"w": np.zeros(LARGE, F)}
    opt = Lamb(0.01, use_ema=True)
    opt.build(params)
    state = opt.state_dict()
    grads = {"w": np.ones(LARGE, F)}
    stepping = threading.Event()
    over = threading.Event()

    def train() -> None:
        while not over.is_set():
            stepping.set()
            try:
                opt.apply(grads)
            except ConcurrentStepError:
                continue

    acts: list[Callable[[], Any]] = [
        lambda: opt.iterations,
        opt.state_dict,
        lambda: opt.load_state_dict(state),
        opt.reset,
        lambda: opt.averages,
        lambda: opt.trust_ratios,
        opt.finalize_variable_values,
        lambda: setattr(opt, "learning_rate", 0.02),
        lambda: opt.learning_rate,
        lambda: repr(opt),
        opt.explain,
        opt.get_config,
        lambda: opt.build(params),
        lambda: opt.apply({}),
    ]
    refused = 0

    def meddle() -> None:
        nonlocal refused
        stepping.wait(10)
        rounds, end = 0, time.perf_counter() + 20
        try:
            while (rounds < 20 or not refused) and time.perf_counter() < end:
                rounds += 1
                for act in acts:
                    try:
                        act()
                    except ConcurrentStepError:
                        refused += 1
                    except LambError:
                        pass
        finally:
            over.set()

    raised = together(train, meddle)
    assert not raised, raised
    assert refused
    assert np.isfinite(params["w"]).all()


def test_a_source_that_steps_its_own_optimizer() -> None:
    params, grads = {"w": np.ones(5, F)}, {"w": np.ones(5, F)}
    opt = SGD(0.5)
    opt.build(params)

    def rate() -> float:
        opt.apply(grads)
        return 0.5

    opt.learning_rate = rate
    with pytest.raises(
        RuntimeError, match=r"learning_rate comes from .*rate.*takes a step of the optimizer"
    ) as caught:
        opt.apply(grads)
    assert isinstance(caught.value, ConcurrentStepError)
    assert (params["w"] == 1).all()
    assert opt.calls == 0
    opt.learning_rate = 0.5
    assert opt.apply(grads)


def test_a_source_that_catches_the_error_of_its_own_step() -> None:
    """The step inside was refused as a whole, so the one outside is the only one."""
    params, grads = {"w": np.ones(5, F)}, {"w": np.ones(5, F)}
    opt = SGD(0.5, momentum=lambda: 0.0)
    opt.build(params)
    refused = []

    def rate() -> float:
        try:
            opt.apply(grads)
        except ConcurrentStepError as error:
            refused.append(str(error))
        return 0.5

    opt.learning_rate = rate
    assert opt.apply(grads)
    assert opt.apply(grads)
    assert len(refused) == 2
    assert opt.iterations == 2
    assert (params["w"] == 0).all()


def test_a_source_that_reads_its_own_value_before_there_is_one() -> None:
    opt = SGD(0.5)
    opt.learning_rate = lambda: opt.learning_rate / 2
    with pytest.raises(ConcurrentStepError, match=r"reads learning_rate of the optimizer"):
        _ = opt.learning_rate
    opt.build({"w": np.ones(5, F)})
    with pytest.raises(ConcurrentStepError, match=r"reads learning_rate of the optimizer"):
        opt.apply({"w": np.ones(5, F)})
    assert opt.calls == 0


def test_a_source_may_read_its_own_optimizer() -> None:
    params, grads = {"w": np.ones(5, F)}, {"w": np.ones(5, F)}
    opt = SGD(0.5)
    opt.learning_rate = lambda: 0.5 / (opt.iterations + 1)
    opt.build(params)
    opt.apply(grads)
    opt.apply(grads)
    assert params["w"].tolist() == [0.25] * 5
