"""The machine: threads, and what was found at import."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lamb_rs import _core
from lamb_rs._errors import HyperparameterError

if TYPE_CHECKING:
    from collections.abc import Iterator


def set_num_threads(n: int) -> None:
    """Set how many threads a step may use, for the whole process.

    Parameters
    ----------
    n : int
        At least 1; taken as given, also beyond the number of CPUs. The results are the same bits
        for every number.

    Raises
    ------
    HyperparameterError
        For a number below 1.
    """
    _core.set_num_threads(_count(n))


def get_num_threads() -> int:
    """Return how many threads a step may use here.

    Returns
    -------
    int
        The innermost `threads` of the calling thread, else `set_num_threads`, else the environment
        variable LAMB_RS_NUM_THREADS, RAYON_NUM_THREADS or OMP_NUM_THREADS, else the CPUs that this
        process may use.
    """
    return _core.get_num_threads()


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Use another number of threads inside a with block, for the calling thread alone.

    Parameters
    ----------
    n : int
        As for `set_num_threads`. Blocks nest.

    Raises
    ------
    HyperparameterError
        For a number below 1.

    Examples
    --------
    >>> with threads(1):
    ...     get_num_threads()
    1
    """
    _core.push_threads(_count(n))
    try:
        yield
    finally:
        _core.pop_threads()


def _count(n: object) -> int:
    # NumPy's integers too; numbers with a fraction are no counts.
    count = n.__index__() if hasattr(n, "__index__") else 0
    if isinstance(n, bool) or not 1 <= count < 2**31:
        raise HyperparameterError(f"the number of threads must be an integer >= 1; got {n!r}")
    return int(count)


def info() -> dict[str, Any]:
    """Return what a report of a problem should contain.

    Returns
    -------
    dict
        Versions, SIMD level and the levels there are, number of threads and where it came from,
        build profile, target.
    """
    return _core.info()
