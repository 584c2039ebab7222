"""The command line: arguments, the command to run, and the exit status."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from lamb_rs.cli import bench, info
from lamb_rs.cli.demo import command as demo
from lamb_rs.cli.errors import CommandError
from lamb_rs.cli.gallery import command as gallery

if TYPE_CHECKING:
    from collections.abc import Sequence


def parser() -> argparse.ArgumentParser:
    """Return the parser of ``python -m lamb_rs``."""
    top = argparse.ArgumentParser(
        prog="python -m lamb_rs",
        description="Demonstrations and measurements of the optimizers of lamb_rs.",
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
        Arguments after the name of the program; None takes those of the process.

    Returns
    -------
    int
        Exit status: 0, 2 for a failure that the user can correct, 130 after Ctrl-C, 141 if the
        output was closed.
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
        # The rest of the buffer would raise again when the interpreter closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return 0
