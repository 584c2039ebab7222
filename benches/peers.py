#!/usr/bin/env python3
"""This library against every other package that has the rule: time, memory, and one chart.

python benches/peers.py                    # everything that is installed: half an hour, 8 GB
python benches/peers.py --only 'lamb.*mlp' # pairs whose name matches a regular expression
python benches/peers.py --quick            # small sizes, three rounds: only shows that it runs
python benches/peers.py --json FILE        # keep the results

Two optimizers at a time make steps in turns, so that a pair meets the same machine. The result is
the median of the quotients of one round: above 1, this library is faster. Memory is the largest
growth of the process while the optimizer is made and makes its first step, parameters and
gradients included, in bytes per parameter.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from cases import FULL, QUICK
from contestants import RATE, keras_jitted, optax_made, ours, torch_class

from harness import header, interleaved
from lamb_rs.cli.bench import quartiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness import Contestant, Shapes

os.environ.setdefault("JAX_PLATFORMS", "cpu")
DECAY = {"weight_decay": 0.01}
TORCH: dict[str, dict[str, Any]] = {
    "torch": {"foreach": False},
    "torch foreach": {"foreach": True},
    "torch fused": {"fused": True},
}
SIZES = ("4 tiny, 212", "MLP, 235 k", "BERT-base, 110 M", "64 Mi")
# Where the memory of the interpreter and of compilers does not matter.
LARGE = SIZES[2:]
# One array of 64 Mi elements as a matrix, for rules that look at rows and columns.
SQUARE = {"64 Mi": "8192 x 8192"}


@dataclass(frozen=True)
class Rule:
    """A rule, its name and arguments here, and how other packages spell it.

    Attributes
    ----------
    name, ours : str
        For the table, and for `lamb_rs.get`.
    arguments : dict
        Beside the learning rate, for this library and for torch.
    torch : tuple
        Name of the class in `torch.optim`, and its forms.
    optax : str
        Name of the function, with "contrib." before it if it is there.
    keras, timm, pytorch_optimizer, bitsandbytes : str
        Name of the class.
    decoupled : bool
        Whether the functions and classes of the last two lines take `weight_decay`.
    matrices : bool
        Whether rows and columns matter.
    """

    name: str
    ours: str
    arguments: dict[str, Any] = field(default_factory=dict)
    torch: tuple[str, tuple[str, ...]] = ("", ())
    optax: str = ""
    keras: str = ""
    timm: str = ""
    pytorch_optimizer: str = ""
    bitsandbytes: str = ""
    decoupled: bool = False
    matrices: bool = False

    def peers(self) -> Iterator[tuple[str, Contestant]]:
        """Every other package with the rule."""
        name, forms = self.torch
        for form in forms:
            yield form, torch_class("torch.optim", name, **TORCH[form], **self.arguments)
        decay = DECAY if self.decoupled else {}
        if self.optax:
            yield "optax jitted", optax_made(self._optax)
        if self.keras:
            yield "Keras jitted", keras_jitted(self.keras)
        for package in ("timm", "pytorch_optimizer", "bitsandbytes"):
            if spelled := getattr(self, package):
                module = {"timm": "timm.optim", "bitsandbytes": "bitsandbytes.optim"}.get(package)
                given = {"max_grad_norm": None, **decay} if spelled == "Lamb" else decay
                given = given if package == "timm" else decay
                yield package, torch_class(module or package, spelled, **given)

    def _optax(self, optax: Any) -> Any:
        made = optax
        for part in self.optax.split("."):
            made = getattr(made, part)
        arguments = dict(self.arguments) if self.optax == "sgd" else {}
        return made(RATE, **(DECAY if self.decoupled else arguments))


ALL, PLAIN = tuple(TORCH), ("torch", "torch foreach")
RULES = (
    Rule("SGD", "sgd", {"momentum": 0.9}, ("SGD", ALL), "sgd"),
    Rule("Adam", "adam", {}, ("Adam", ALL), "adam", "Adam"),
    Rule(
        "AdamW", "adamw", DECAY, ("AdamW", ALL), "adamw", "AdamW", "", "", "AdamW8bit",
        decoupled=True,
    ),
    Rule("Adagrad", "adagrad", {}, ("Adagrad", ALL), "adagrad", "Adagrad"),
    Rule("LAMB", "lamb", DECAY, ("", ()), "lamb", "", "Lamb", "Lamb", decoupled=True),
    Rule("LARS", "lars", DECAY, ("", ()), "lars", "", "Lars", "LARS", decoupled=True),
    Rule("Lion", "lion", DECAY, ("", ()), "lion", "Lion", "Lion", "Lion", "Lion8bit",
         decoupled=True),
    Rule("RAdam", "radam", {}, ("RAdam", PLAIN), "radam"),
    Rule("NAdam", "nadam", {}, ("NAdam", PLAIN), "nadam", "Nadam"),
    Rule("Adafactor", "adafactor", {}, ("Adafactor", PLAIN), "adafactor", "Adafactor", "",
         "AdaFactor", matrices=True),
    Rule("Muon", "muon", {}, ("", ()), "contrib.muon", "Muon", "Muon", matrices=True),
)  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """A result: one rule, one other package, one size."""

    rule: str
    peer: str
    size: str
    ours_ms: float
    peer_ms: float
    speedup: tuple[float, float, float]
    ours_bytes: float
    peer_bytes: float


def grown(make: Contestant, shapes: Shapes) -> tuple[Any, float]:
    """A step that was made once, and the bytes per parameter by which the process grew."""
    gc.collect()
    size = sum(int(np.prod(shape)) for shape in shapes)
    Path("/proc/self/clear_refs").write_text("5")  # forgets the largest size so far
    before = memory("VmRSS")
    step = make(shapes)
    if step is not None:
        step()
    return step, (memory("VmHWM") - before) / size


def memory(what: str) -> int:
    """A size of this process in bytes."""
    status = Path("/proc/self/status").read_text()
    found = re.search(rf"{what}:\s+(\d+) kB", status)
    return 1024 * int(found[1]) if found else 0


def compare(
    rule: Rule, peer: str, make: Contestant, size: str, rounds: int, shapes: Shapes
) -> Pair | str:
    """Time a pair, or say why the other package does not take part."""
    try:
        theirs, peer_bytes = grown(make, shapes)
    except Exception as error:  # noqa: BLE001 - of another package: the table says what it is
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:100]
    if theirs is None:
        return "not installed"
    own, own_bytes = grown(ours(rule.ours, **rule.arguments), shapes)
    samples = interleaved({"ours": own, "theirs": theirs}, rounds)
    return Pair(
        rule.name,
        peer,
        size,
        1e3 * float(np.median(samples["ours"])),
        1e3 * float(np.median(samples["theirs"])),
        quartiles(samples["theirs"] / samples["ours"]),
        own_bytes,
        peer_bytes,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", metavar="PATTERN", help="regular expression of names")
    parser.add_argument("--rounds", type=int, default=9, help="at least so many (default: 9)")
    parser.add_argument("--quick", action="store_true", help="small sizes, three rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there as well")
    arguments = parser.parse_args()
    wanted = re.compile(arguments.only, re.IGNORECASE)
    sizes, rounds = (QUICK, 3) if arguments.quick else (FULL, arguments.rounds)
    head = header()
    for name, value in head.items():
        print(f"* {name}: {value}")
    print("\n| rule | size | other package | lamb_rs | other | speed-up | bytes | other |")
    print("| --- " * 8 + "|", flush=True)
    pairs: list[Pair] = []
    for rule in RULES:
        for size in SIZES:
            shapes = sizes[SQUARE.get(size, size) if rule.matrices else size]
            for peer, make in rule.peers():
                if not wanted.search(f"{rule.name} {size} {peer}"):
                    continue
                found = compare(rule, peer, make, size, rounds, shapes)
                if isinstance(found, str):
                    print(f"| {rule.name} | {size} | {peer} | {found} |", flush=True)
                    continue
                pairs.append(found)
                print(line(found), flush=True)
    if arguments.json is not None:
        report = {"header": head, "pairs": [asdict(pair) for pair in pairs]}
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def line(pair: Pair) -> str:
    """A line of the table."""
    low, middle, high = pair.speedup
    cells = (
        pair.rule,
        pair.size,
        pair.peer,
        f"{pair.ours_ms:.4g} ms",
        f"{pair.peer_ms:.4g} ms",
        f"{middle:.2f} ({low:.2f} to {high:.2f})",
        *(f"{one:.1f}" for one in (pair.ours_bytes, pair.peer_bytes) if pair.size in LARGE),
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
