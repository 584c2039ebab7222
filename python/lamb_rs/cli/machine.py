"""The machine that figures were measured on."""

from __future__ import annotations

import platform
import re
from pathlib import Path

import lamb_rs


def cpu() -> str:
    """Return the name of the CPU; ``"unknown CPU"`` if the system does not say."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    found = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    name = found[1] if found else platform.processor() or platform.machine()
    return " ".join(name.split()) or "unknown CPU"


def description() -> str:
    """Return CPU, number of threads and SIMD level in one line."""
    threads = lamb_rs.get_num_threads()
    return f"{cpu()}, {threads} thread{'s' if threads > 1 else ''}, SIMD {lamb_rs.info()['simd']}"
