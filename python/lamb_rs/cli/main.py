"""Command line: parse, dispatch, and turn expected failures into one sentence."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from lamb_rs.cli import bench, demo, gallery, info
from lamb_rs.cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence


def parser() -> argparse.ArgumentParser:
    """Build the parser of ``python -m lamb_rs``."""
    top = argparse.ArgumentParser(
        prog="python -m lamb_rs",
        description="Optimizers that step in place at memory speed: see them work.",
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (demo, gallery, info, bench):
        module.add_parser(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the program's name; those of the process if not given.

    Returns
    -------
    int
        Exit status: 0, 2 for something the user can put right, 130 after Ctrl-C, 141 if the
        reader of the output went away.
    """
    arguments = parser().parse_args(argv)
    try:
        arguments.run(arguments)
        sys.stdout.flush()
    except CommandError as error:
        print(f"lamb_rs: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nlamb_rs: stopped by Ctrl-C", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # What is left in the buffer would raise again when the interpreter closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return 0
