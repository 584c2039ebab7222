"""No rule needs more instructions per element than it did: nothing stopped being vectorised."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "benches" / "instructions.py"


def test_every_rule_stays_within_its_budget() -> None:
    reason = runpy.run_path(str(SCRIPT))["missing"]()
    if reason is not None:
        pytest.skip(f"instructions cannot be counted: {reason}")
    run = subprocess.run([sys.executable, str(SCRIPT)], check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
