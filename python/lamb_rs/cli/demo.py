"""``demo``: train one network with SGD, AdamW and LAMB at large batch, and compare."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import lamb_rs
from lamb_rs.cli.data import VARIABLE, Data, load
from lamb_rs.cli.errors import CommandError
from lamb_rs.cli.extras import require
from lamb_rs.cli.pictures import save_picture
from lamb_rs.cli.results import Results
from lamb_rs.cli.train import CONTENDERS, WEIGHT_DECAY, Plan, plan_for, train

_EPOCHS = 8
_QUICK_EPOCHS = 4
_QUICK_IMAGES = 15_000


def add_parser(commands: Any) -> None:
    """Add ``demo`` to the subcommands."""
    parser = commands.add_parser(
        "demo",
        help="train a network on real images with SGD, AdamW and LAMB, and compare",
        description=(
            "Train a multi-layer perceptron on real images at large batch with SGD, AdamW and "
            "LAMB, three learning rates each, everything else the same. Ends with a table and a "
            "picture. Takes about a minute on two cores. Three rates are a coarse grid: with finer "
            "tuning the optimizers come closer (Nado and others, arXiv 2102.06356)."
        ),
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=(
            f"one rate per optimizer, {_QUICK_EPOCHS} epochs of at most {_QUICK_IMAGES} images: "
            "seconds, and no fair comparison"
        ),
    )
    parser.add_argument("--seed", type=_natural, default=0, help="default: 0")
    parser.add_argument(
        "--state-dtype",
        choices=("float32", "bfloat16", "float8"),
        default="float32",
        help="how the optimizers store their moments (default: float32)",
    )
    parser.add_argument(
        "--data",
        metavar="FOLDER|digits",
        help=(
            "where the images are: a folder with Fashion-MNIST, or scikit-learn's digits "
            f"(default: the folder in {VARIABLE}, else the Debian package's, else digits)"
        ),
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("lamb_rs_demo.png"),
        help="where to write the picture (default: ./lamb_rs_demo.png)",
    )
    parser.add_argument("--json", action="store_true", help="results as JSON on standard output")
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
        A package, the data, or the place for the picture is missing.
    """
    started = perf_counter()
    (tqdm, _) = require("tqdm", "matplotlib")
    if not arguments.out.resolve().parent.is_dir():
        raise CommandError(f"cannot write {arguments.out}: there is no such folder")
    if arguments.out.is_dir():
        raise CommandError(f"cannot write {arguments.out}: it is a folder")
    # With --json, standard output holds JSON alone.
    notes = sys.stderr if arguments.json else sys.stdout
    data = load(arguments.data)
    if arguments.quick:
        data = data.first(_QUICK_IMAGES)
    epochs = _QUICK_EPOCHS if arguments.quick else _EPOCHS
    plan = plan_for(data, epochs, arguments.seed, arguments.state_dtype)
    print(introduction(data, plan), file=notes, flush=True)

    tries = [
        (contender, rate)
        for contender in CONTENDERS
        for rate in (contender.rates[1:2] if arguments.quick else contender.rates)
    ]
    quiet = not sys.stderr.isatty() or bool(os.environ.get("CI"))
    runs = []
    with tqdm.tqdm(total=len(tries) * plan.steps, unit="step", disable=quiet, leave=False) as bar:
        for contender, rate in tries:
            bar.set_description(f"{contender.name} at rate {rate:g}")
            runs.append(train(data, plan, contender, rate, bar.update))
    results = Results(data, plan, runs, str(arguments.out.resolve()))
    save_picture(results, arguments.out)
    seconds = perf_counter() - started
    print(f"\n{results.table()}\n", file=notes)
    if arguments.quick:
        print("Quick: too few images, steps and rates to rank the optimizers.", file=notes)
    print(f"Picture: {results.picture}", file=notes)
    print(f"{seconds:.1f} s in all.", file=notes)
    if arguments.json:
        print(json.dumps({**results.as_json(), "seconds": round(seconds, 2)}))


def introduction(data: Data, plan: Plan) -> str:
    """Say what is trained on what, and how to get the other images."""
    dtype = "" if plan.state_dtype == "float32" else f", state in {plan.state_dtype}"
    return (
        f"Images: {data.name} from {data.source}, {len(data.train_images)} to train on, "
        f"{len(data.test_images)} to test on.\n"
        f"Other images: {data.hint}\n"
        f"Network {'-'.join(map(str, plan.sizes))}, batch {plan.batch}, {plan.epochs} epochs = "
        f"{plan.steps} steps, {plan.warmup} of them warm-up, then cosine;\n"
        f"weight decay {WEIGHT_DECAY:g} on matrices, seed {plan.seed}, "
        f"{lamb_rs.get_num_threads()} threads{dtype}."
    )


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number
