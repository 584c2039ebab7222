#!/usr/bin/env python3
"""Measures how long the Rust code takes to compile. `make build-times` calls it.

Builds a copy of the sources in target/build-times: once from nothing with the release profile, as
the wheel is built, and with the profile "quick" before and after a change of one rule. Prints the
CPU time and the wall time of each build, and the crates that take longest. Downloaded crates are
reused. The times are worth something on a quiet machine only.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "target" / "build-times"
SOURCE = PLACE / "source"
LOG = PLACE / "crates.jsonl"
# A change of what a kernel computes.
RULE = SOURCE / "src/optim/lion.rs"
BEFORE, AFTER = "m * self.beta_1 + g", "m * self.beta_1 - g"
SHOWN = 8


def cpu_seconds() -> float:
    """CPU time of all child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def compile_crate(command: list[str]) -> int:
    """Run rustc as its RUSTC_WRAPPER and record the time."""
    started = time.monotonic()
    # rustc needs the file descriptors of cargo's job server.
    code = subprocess.run(command, check=False, close_fds=False).returncode  # noqa: S603
    name = command[command.index("--crate-name") + 1] if "--crate-name" in command else "___"
    if name != "___":  # otherwise cargo only requests the version
        times = {"crate": name, "cpu": cpu_seconds(), "wall": time.monotonic() - started}
        with LOG.open("a") as log:
            log.write(json.dumps(times) + "\n")
    return code


def build(title: str, profile: str) -> None:
    """Build the native module and print the times."""
    LOG.unlink(missing_ok=True)
    before, started = cpu_seconds(), time.monotonic()
    subprocess.run(  # noqa: S603 - a fixed command
        ["cargo", "build", "--quiet", "--lib", "--features", "python", "--profile", profile],  # noqa: S607
        cwd=SOURCE,
        env=os.environ | {"RUSTC_WRAPPER": __file__, "CARGO_TARGET_DIR": str(PLACE / "target")},
        check=True,
    )
    cpu, wall = cpu_seconds() - before, time.monotonic() - started
    print(f"{title}: {cpu:.1f} s of CPU, {wall:.1f} s", flush=True)
    crates = [json.loads(line) for line in LOG.read_text().splitlines()]
    crates.sort(key=lambda crate: -crate["cpu"])
    for crate in crates[:SHOWN]:
        print(f"    {crate['crate']:<24} {crate['cpu']:6.1f} s of CPU, {crate['wall']:6.1f} s")
    if rest := crates[SHOWN:]:
        print(f"    {len(rest)} other crates{sum(crate['cpu'] for crate in rest):20.1f} s of CPU")


def main() -> None:
    """Copy the sources and build them three times."""
    shutil.rmtree(PLACE, ignore_errors=True)
    SOURCE.mkdir(parents=True)
    for name in ("src", "examples", "tests", "Cargo.toml", "Cargo.lock", "README.md"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, SOURCE / name)
    build("release, from nothing", "release")
    build("quick, from nothing", "quick")
    text = RULE.read_text()
    if text.count(BEFORE) != 1:
        sys.exit(f"build_times.py: {RULE.name} does not have '{BEFORE}' once")
    RULE.write_text(text.replace(BEFORE, AFTER))
    build(f"quick, after a change of {RULE.name}", "quick")
    shutil.rmtree(PLACE)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(compile_crate(sys.argv[1:]))
    main()
