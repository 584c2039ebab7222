"""Runs rows of the table; as a program, one job for ``test_bits.py`` in a process of its own.

The SIMD level is chosen when ``lamb_rs`` is imported, hence a process for each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from support import bits_table as table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

THREADS = (1, 2, 3, 7)


def numbers(raw: Any, kind: str) -> Any:
    if kind != "bfloat16":
        return raw
    import ml_dtypes  # noqa: PLC0415 - only these rows need it

    return raw.view(ml_dtypes.bfloat16)


def optimizer(row: table.Row) -> Any:
    from support.cases import make  # noqa: PLC0415 - not before the level is chosen

    return make(registered(row).class_name, arguments(row))


def registered(row: table.Row) -> Any:
    import lamb_rs  # noqa: PLC0415 - not before the level is chosen

    return next(one for one in lamb_rs.registry() if one.name == row.algorithm)


def arguments(row: table.Row) -> dict[str, Any]:
    return {"state_dtype": row.state_dtype, **row.settings}


def all_rows() -> list[table.Row]:
    """The rows of the table but those that a wrapper refuses: only Rust has these."""
    from support.cases import refused  # noqa: PLC0415 - not before the level is chosen

    return [row for row in table.table() if refused(registered(row), arguments(row)) is None]


def separable(row: table.Row) -> bool:
    """Whether a tensor may be trained without the others."""
    together = registered(row).scope == "all" or "global_clipnorm" in row.settings
    return not together and row.gradients != "absent"


def run(
    row: table.Row,
    *,
    threads: int = 1,
    shift: int | None = None,
    only: int | None = None,
    repeats: int = 1,
    surroundings: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> int:
    """Hash of the parameters and the state after the row's training.

    Parameters
    ----------
    row : Row
    threads : int, default 1
    shift : int, optional
        Elements between a cache line and the first tensor; the next start one further each.
    only : int, optional
        The one tensor to train; all of them by default.
    repeats : int, default 1
        Trainings by the same optimizer, each from the start.
    surroundings : callable, optional
        Makes the context in which each step is taken.
    """
    import lamb_rs  # noqa: PLC0415 - not before the level is chosen

    initial = table.parameters(row.sizes)
    chosen = range(len(initial)) if only is None else [only]
    starts = {i: None if shift is None else (shift + i) % 16 for i in chosen}
    shapes = {i: table.shape(initial[i].size) for i in chosen}
    params = {str(i): table.place(initial[i], starts[i]).reshape(shapes[i]) for i in chosen}
    opt = optimizer(row)
    opt.build(params)
    rate = opt.learning_rate
    steps = table.STEPS[row.sizes]
    with lamb_rs.threads(threads):
        for _ in range(repeats):
            for i in chosen:
                params[str(i)][...] = initial[i].reshape(shapes[i])
            # Behind the parameters, for state that starts as they do.
            opt.reset()
            for t in range(1, steps + 1):
                opt.learning_rate = rate / 2 if t > steps // 2 else rate
                raw = table.gradients(row.sizes, row.gradients, t)
                grads = {}
                for i in chosen:
                    g = raw[i]
                    if g is not None and shift is not None:
                        g = table.place(g, starts[i])
                    shaped = None if g is None else g.reshape(shapes[i])
                    grads[str(i)] = None if g is None else numbers(shaped, row.gradients)
                with surroundings():
                    opt.apply(grads)
    arrays = params | {k: x for k, x in opt.state_dict().items() if not k.startswith("optimizer/")}
    return sum(table.hash_array(name, np.asarray(x)) for name, x in arrays.items()) & table.MASK


def wrong(rows: Iterable[tuple[table.Row, dict[str, Any]]]) -> list[str]:
    """Rows whose hash is another one, with how they were run."""
    return [f"{row.id} {how}" for row, how in rows if run(row, **how) != row.hash]


def stand_for_all(*names: str) -> list[table.Row]:
    """Rows of every algorithm and storage that take most paths, or those that are named."""
    names = names or ("defaults", "stages", "wide-defaults", "wide-stages")
    return [row for row in all_rows() if row.variant in names]


def one_storage_each(rows: list[table.Row]) -> list[table.Row]:
    """The rows of one storage per algorithm, of the next storage for the next algorithm."""
    algorithms = list(dict.fromkeys(row.algorithm for row in rows))
    storages = list(dict.fromkeys(row.state_dtype for row in rows))
    chosen = {name: storages[k % len(storages)] for k, name in enumerate(algorithms)}
    return [row for row in rows if row.state_dtype == chosen[row.algorithm]]


def job_table() -> list[str]:
    """Every row, with threads and starts that change from row to row."""
    ways = ((row, {"threads": THREADS[k % 4], "shift": k % 16}) for k, row in enumerate(all_rows()))
    return wrong(ways)


def job_level() -> list[str]:
    return wrong((row, {"threads": 3}) for row in one_storage_each(stand_for_all()))


def job_threads() -> list[str]:
    rows = one_storage_each(stand_for_all("stages", "wide-stages"))
    return wrong((row, {"threads": n}) for row in rows for n in THREADS)


def job_starts() -> list[str]:
    """Every start, each of them for a sixth of the algorithms and storages."""
    rows = stand_for_all("stages")
    starts = ((row, shift) for k, row in enumerate(rows) for shift in range(k % 6, 16, 6))
    return wrong((row, {"threads": 2, "shift": shift}) for row, shift in starts)


def job_repeats() -> list[str]:
    return wrong((row, {"threads": 3, "repeats": 2}) for row in stand_for_all("stages"))


def job_alone() -> list[str]:
    """One optimizer per tensor."""
    found = []
    for row in filter(separable, one_storage_each(stand_for_all())):
        tensors = range(len(table.SIZES[row.sizes]))
        if sum(run(row, threads=2, only=i) for i in tensors) & table.MASK != row.hash:
            found.append(row.id)
    return found


def job_mode(name: str) -> list[str]:
    """In a floating-point mode that the caller has set."""
    from support import bits_mode  # noqa: PLC0415 - it knows Linux alone

    def surroundings() -> AbstractContextManager[None]:
        return bits_mode.mode(name)

    rows = one_storage_each(stand_for_all("stages", "wide-defaults"))
    return wrong((row, {"threads": 3, "surroundings": surroundings}) for row in rows)


def job_info() -> dict[str, Any]:
    try:
        import lamb_rs  # noqa: PLC0415 - importing it is the job
    except Exception as error:  # noqa: BLE001 - handed to the test
        return {"error": str(error), "type": type(error).__name__}
    return {key: lamb_rs.info()[key] for key in ("simd", "simd_available")}


def job_registry() -> list[str]:
    import lamb_rs  # noqa: PLC0415 - not before the level is chosen

    # Products of matrices promise the same bits on one machine only.
    return [row.name for row in lamb_rs.registry() if not row.matrix]


def work(arguments: list[str]) -> str:
    name, *rest = arguments
    return json.dumps(globals()[f"job_{name}"](*rest))


def elsewhere(*arguments: str, simd: str | None = None) -> Any:
    """The result of a job, done in another process at this SIMD level."""
    environment = {k: v for k, v in os.environ.items() if k != "LAMB_RS_SIMD"}
    if simd is not None:
        environment["LAMB_RS_SIMD"] = simd
    if not can_start_python():
        return forked(list(arguments), environment)
    tests = str(Path(__file__).parents[1])
    paths = filter(None, [tests, environment.get("PYTHONPATH")])
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    command = [sys.executable, "-m", "support.bits_run", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def can_start_python() -> bool:
    """Whether this interpreter can start itself; it cannot under an emulator of another CPU."""
    try:
        return subprocess.run([sys.executable, "-c", ""], check=False).returncode == 0
    except OSError:
        return False


def forked(arguments: list[str], environment: dict[str, str]) -> Any:
    """The same by a fork, before anything has imported ``lamb_rs`` here."""
    assert "lamb_rs" not in sys.modules, "run this file's tests alone under an emulator"
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.environ.clear()
            os.environ.update(environment)
            os.write(write, work(arguments).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    assert status == 0, f"{arguments}: the child failed"
    return json.loads(text)


if __name__ == "__main__":
    sys.stdout.write(work(sys.argv[1:]))
