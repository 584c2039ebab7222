"""The machine: threads, the speed of its memory, and what was found at import."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lamb_rs import _core
from lamb_rs._errors import HyperparameterError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray


def set_num_threads(n: int) -> None:
    """Set the number of threads of a step, for the whole process.

    Parameters
    ----------
    n : int
        At least 1. It may exceed the number of CPUs. The results are the same bits for every number
        of threads.

    Raises
    ------
    HyperparameterError
        For a number below 1.
    """
    _core.set_num_threads(_count(n))


def get_num_threads() -> int:
    """Return the number of threads that a step uses in the calling thread.

    Returns
    -------
    int
        The first that is set of: the innermost `threads` block of the calling thread,
        `set_num_threads`, and the environment variables LAMB_RS_NUM_THREADS, RAYON_NUM_THREADS and
        OMP_NUM_THREADS. If none is set, the number of CPUs that the process may use.
    """
    return _core.get_num_threads()


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Use another number of threads inside a with block, for the calling thread only.

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
    # Integers of NumPy are allowed too, floating-point numbers are not.
    count = n.__index__() if hasattr(n, "__index__") else 0
    if isinstance(n, bool) or not 1 <= count < 2**31:
        raise HyperparameterError(f"the number of threads must be an integer >= 1; got {n!r}")
    return int(count)


def stream_floor(arrays: Sequence[NDArray[np.float32]], reads: int = 0) -> None:
    """Read arrays and write them back as they are, as fast as the memory allows.

    The time that this takes is a lower limit of the time of a step that moves the same arrays.

    Parameters
    ----------
    arrays : sequence of arrays
        C-contiguous float32 arrays of one size.
    reads : int, default 0
        Number of arrays, counted from the end, that are only read.

    Raises
    ------
    DTypeError, LayoutError, ReadOnlyError
        For an array that cannot be updated in place.

    Examples
    --------
    >>> import numpy as np
    >>> parameter, momentum, gradient = (np.full(100_000, x, np.float32) for x in range(3))
    >>> stream_floor([parameter, momentum, gradient], reads=1)
    >>> print(parameter.max(), momentum.min())
    0.0 1.0
    """
    _core.stream_floor(list(arrays), reads)


def info() -> dict[str, Any]:
    """Return the information that a bug report should contain.

    Returns
    -------
    dict
        Versions, SIMD level and available levels, number of threads and its source, build profile,
        target.
    """
    return _core.info()
