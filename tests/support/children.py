"""Interpreters of their own, for what cannot be undone in the one that runs the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

THREAD_VARIABLES = ("LAMB_RS_NUM_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS")
PRELUDE = """
import os, signal, sys, threading, time
import numpy as np
import lamb_rs
from lamb_rs import *
F = np.float32
# A shell makes background programs ignore Ctrl-C, and their children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
"""


def run(code: str, timeout: float = 60, **variables: str) -> str:
    """Run code in a new interpreter and return its output.

    A child that hangs is killed with everything that it started, and fails the test.
    """
    kept = {name: x for name, x in os.environ.items() if name not in THREAD_VARIABLES}
    tests = str(Path(__file__).parents[1])
    paths = os.pathsep.join(filter(None, [tests, os.environ.get("PYTHONPATH")]))
    with subprocess.Popen(
        # The tests fork while threads run; newer interpreters warn of it.
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PRELUDE + code],
        env={**kept, **variables, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as child:
        try:
            out, err = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            out, err = child.communicate()
            raise AssertionError(f"hung for {timeout} s\n{out}\n{err}") from None
    assert child.returncode == 0, f"exit {child.returncode}\n{out}\n{err}"
    return out
