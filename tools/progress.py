"""Runs one step of a `make` target and shows how far it is.

    python tools/progress.py NUMBER ALL SECONDS [--show] TITLE -- COMMAND...

NUMBER counts the steps from 1, ALL lists the expected seconds of every step, separated by commas,
and SECONDS are those of this one. The last line that the command prints is its status, shown with
the time since its start: on one line of a terminal, otherwise on a line of its own every ten
seconds. The output as a whole is printed when the command fails. With --show, the output is not
captured.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import threading
import time
from typing import IO

TERMINAL = sys.stdout.isatty()
INTERVAL = 0.5 if TERMINAL else 10.0
WIDTH = 100
CARGO = {"CARGO_TERM_PROGRESS_WHEN": "always", "CARGO_TERM_PROGRESS_WIDTH": str(WIDTH)}
BAR = re.compile(rb" *Building \[[=> ]*\] (.*)")
ESCAPES = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]")


class Output(threading.Thread):
    """Collects what a command prints, line by line."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self.stream = stream
        self.lines: list[bytes] = []
        self.status = b""

    def run(self) -> None:
        """Read until the command closes its output."""
        rest = b""
        while block := os.read(self.stream.fileno(), 65536):
            *lines, rest = re.split(rb"[\r\n]+", rest + block)
            for line in lines:
                plain = ESCAPES.sub(b"", line)
                if bar := BAR.fullmatch(plain):  # cargo: "17/44: syn, pyo3"
                    self.status = b"crate " + bar[1].replace(b"/", b" of ", 1)
                elif plain.strip():
                    self.lines.append(line)
                    self.status = plain
        self.lines.append(rest)


def duration(seconds: float) -> str:
    """Return a duration in words."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} minutes"


def say(text: str, end: str = "\n") -> None:
    """Print a line in place of the one that is there."""
    print(f"\r\x1b[K{text}" if TERMINAL else text, end=end, flush=True)


def follow(command: list[str], heading: str, expected: float) -> tuple[int, list[bytes]]:
    """Run a command, show its status until it ends, and return its code and output."""
    started = time.monotonic()
    with subprocess.Popen(  # noqa: S603 - the commands are those of the Makefile
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ | CARGO
    ) as process:
        assert process.stdout is not None  # noqa: S101 - what PIPE means
        output = Output(process.stdout)
        output.start()
        while output.is_alive():
            output.join(INTERVAL)
            elapsed = time.monotonic() - started
            clock = f"{elapsed:.0f} s of about {expected:.0f}"
            status = output.status.decode(errors="replace").strip()
            if TERMINAL:
                say(f"{heading}: {clock} | {status}"[: os.get_terminal_size().columns - 1], end="")
            elif output.is_alive():
                say(f"      {clock}: {status}"[:WIDTH])
    return process.returncode, output.lines


def main() -> int:
    """Run the step; its exit code is the command's."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("number", type=int)
    parser.add_argument("all", type=lambda text: [float(x) for x in text.split(",")])
    parser.add_argument("seconds", type=float)
    parser.add_argument("title")
    parser.add_argument("--show", action="store_true", help="leave the output alone")
    # Split here: argparse would take a "--" out of the command too.
    split = sys.argv.index("--")
    step, command = parser.parse_args(sys.argv[1:split]), sys.argv[split + 1 :]
    heading = f"[{step.number}/{len(step.all)}] {step.title}"
    if step.number == 1 and len(step.all) > 1:
        say(f"{len(step.all)} steps, about {duration(sum(step.all))} if nothing is built yet")
    started = time.monotonic()
    if step.show or not TERMINAL:
        say(f"{heading} (about {duration(step.seconds)})")
    try:
        if step.show:
            code, lines = subprocess.run(command, check=False).returncode, []  # noqa: S603
        else:
            code, lines = follow(command, heading, step.seconds)
    except KeyboardInterrupt:
        say(f"{heading}: interrupted")
        return 130
    took = f"{time.monotonic() - started:.1f} s"
    if code:
        say(f"{heading} failed after {took}: {' '.join(command)}")
        sys.stdout.flush()
        sys.stdout.buffer.write(b"\n".join(lines))
    else:
        say(f"{heading}: {took}")
    return code


if __name__ == "__main__":
    sys.exit(main())
