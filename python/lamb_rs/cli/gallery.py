"""``gallery``: every picture of the library in one folder, and a page that shows them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from lamb_rs.cli.convergence import contestants, endings, explanation, table
from lamb_rs.cli.data import VARIABLE, load
from lamb_rs.cli.errors import CommandError
from lamb_rs.cli.extras import require
from lamb_rs.cli.small import SmallTask

if TYPE_CHECKING:
    import argparse

    from lamb_rs.cli.convergence import Line
    from lamb_rs.cli.data import Data


def add_parser(commands: Any) -> None:
    """Add ``gallery`` to the subcommands."""
    parser = commands.add_parser(
        "gallery",
        help="draw what the optimizers do, as pictures, animations and a page",
        description=(
            "Draw the family on Rosenbrock's function, two animations, the loss around a trained "
            "network, trust ratios per layer and the sensitivity to the learning rate. Ends with "
            "a table of where each optimizer ends. Takes less than a minute on two cores. The "
            "functions behind the pictures are in lamb_rs.plots, for functions and trainings of "
            "your own."
        ),
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        default=Path("lamb_rs_gallery"),
        help=(
            "folder for the pictures, made if it does not exist; files of the same names are "
            "overwritten (default: ./lamb_rs_gallery)"
        ),
    )
    parser.add_argument(
        "--data",
        metavar="FOLDER|digits",
        help=(
            "where the images of the trainings are: a folder with Fashion-MNIST, or scikit-learn's "
            f"digits (default: the folder in {VARIABLE}, else the Debian package's, else digits)"
        ),
    )
    parser.add_argument("--table", action="store_true", help="the table alone, without pictures")
    parser.add_argument(
        "--quick", action="store_true", help="coarse pictures of short trainings, in seconds"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Draw everything.

    Parameters
    ----------
    arguments : argparse.Namespace
        As `add_parser` defines them.

    Raises
    ------
    CommandError
        A package, the images, or the place for the pictures is missing.
    """
    started = perf_counter()
    (tqdm, *_) = require("tqdm", *(() if arguments.table else ("matplotlib",)))
    folder = None if arguments.table else _folder(arguments.out)
    data = load(arguments.data)
    task = SmallTask(data, epochs=1) if arguments.quick else SmallTask(data)
    print(f"Images: {data.name} from {data.source}.", flush=True)

    quiet = not sys.stderr.isatty() or bool(os.environ.get("CI"))
    with tqdm.tqdm(total=len(contestants()), disable=quiet, leave=False) as bar:
        bar.set_description("Where each optimizer ends")
        lines = endings(task, bar.update)
        if folder is not None:
            _draw(folder, data, task, lines, bar, quick=arguments.quick)
    print(f"\n{table(lines)}\n\n{explanation(task, lines)}")
    if folder is not None:
        print(f"\nPictures: {(folder / 'index.html').resolve()}")
    print(f"{perf_counter() - started:.1f} s in all.")


def _folder(path: Path) -> Path:
    try:
        path.mkdir(exist_ok=True)
        # Better now than after half a minute.
        probe = path / ".writable"
        probe.touch()
        probe.unlink()
    except FileNotFoundError:
        raise CommandError(f"cannot write to {path}: there is no folder above it") from None
    except FileExistsError:
        raise CommandError(f"cannot write to {path}: it is a file") from None
    except OSError as error:
        raise CommandError(f"cannot write to {path}: {error.strerror}") from None
    return path


def _draw(
    folder: Path, data: Data, task: SmallTask, lines: list[Line], bar: Any, *, quick: bool
) -> None:
    # Not at the top: the other commands need none of it.
    from lamb_rs.cli.gallery_page import page  # noqa: PLC0415
    from lamb_rs.cli.gallery_pictures import PARTS  # noqa: PLC0415
    from lamb_rs.cli.gallery_setting import Setting  # noqa: PLC0415

    setting = Setting(folder, data, task, lines, bar.update, quick)
    bar.total += sum(part.ticks(setting) for part in PARTS)
    shown = {}
    try:
        for part in PARTS:
            bar.set_description(part.title)
            shown[part.title] = part.draw(setting)
        text = page(shown, lines, explanation(task, lines))
        (folder / "index.html").write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"cannot write to {folder}: {error.strerror}") from None
