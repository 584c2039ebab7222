"""Adds an optimizer: its files, made from tools/templates, and its lines in other files.

    python tools/new_rule.py NAME [--class CLASS] [--summary SUMMARY] [--source SOURCE]

The new optimizer is complete: it compiles, and steps along a moving average of the gradient.
Replace that update in the files that the command names, then run `make tables` and `make test`.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = Path(__file__).resolve().parent / "templates"
# Learning rates of gradient descent with a moving average, on the two tasks of the gallery.
RATES = "Rates(0.002, 0.3)"


def rank(name: str) -> tuple[int, str]:
    """Where a name belongs in `__all__`: constants, classes, the rest."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def folded(name: str) -> tuple[int, str]:
    """Where a name belongs in a list of imports: as in `rank`, whatever its letters' case."""
    return (rank(name)[0], name.lower())


def inserted(text: str, line: str, pattern: str, start: str = "", key: object = None) -> str:
    """Add a line to a run of lines that match a pattern, the first one after `start`.

    Parameters
    ----------
    text : str
        The file.
    line : str
        The line, without its end.
    pattern : str
        Matches each line of the run; group 1 is what the run is sorted by.
    start : str, default ""
        Text before the run.
    key : callable, optional
        Makes the key of group 1. Without it the line goes to the end of the run.

    Returns
    -------
    str
    """
    before = text.find(start) + len(start)
    lines = text[before:].splitlines(keepends=True)
    matches = [re.match(pattern, one) for one in lines]
    first = next((i for i, match in enumerate(matches) if match), None)
    if first is None or start not in text:
        raise SystemExit(f"new_rule.py: found no line like {pattern} after {start!r}")
    end = next((i for i in range(first, len(lines)) if not matches[i]), len(lines))
    own = re.match(pattern, line + "\n")
    place = end
    if callable(key):
        later = (i for i in range(first, end) if key(matches[i][1]) > key(own[1]))
        place = next(later, end)
    return text[:before] + "".join([*lines[:place], line + "\n", *lines[place:]])


class Repository:
    """Reads files, collects changes, and writes them all at the end.

    Parameters
    ----------
    root : Path
        The folder of the repository.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.changed: dict[str, str] = {}

    def add(self, path: str, text: str) -> None:
        """Add a file that is not there yet."""
        if (self.root / path).exists():
            raise SystemExit(f"new_rule.py: {path} exists already")
        self.changed[path] = text

    def insert(
        self, path: str, line: str, pattern: str, start: str = "", key: object = None
    ) -> None:
        """Add a line to a file; see `inserted`."""
        text = self.changed.get(path) or (self.root / path).read_text(encoding="utf-8")
        self.changed[path] = inserted(text, line, pattern, start, key)

    def write(self) -> None:
        """Write what was collected."""
        for path, text in self.changed.items():
            (self.root / path).write_text(text, encoding="utf-8")
            print(f"wrote {path}")


def add_rule(repository: Repository, names: dict[str, str]) -> None:
    """Collect the changes that add an optimizer.

    Parameters
    ----------
    repository : Repository
        What is changed.
    names : dict of str
        What replaces the words in the templates.
    """

    def template(file: str) -> str:
        text = (TEMPLATES / file).read_text(encoding="utf-8")
        return re.sub("|".join(names), lambda word: names[word[0]], text)

    name, cls = names["new_rule"], names["NewRule"]
    add, insert = repository.add, repository.insert
    add(f"src/optim/{name}.rs", template("rule.rs"))
    insert("src/optim/mod.rs", f"pub(crate) mod {name};", r"pub\(crate\) mod (\w+);", key=str)
    row = f"    optim::{name}::{names['NEW_RULE']},"
    insert("src/registry.rs", row, r"    optim::(\S+),", start="const EVERY: &[Algorithm] = &[\n")

    add(f"python/lamb_rs/optim/{name}.py", template("optimizer.py"))
    package = "python/lamb_rs/optim/__init__.py"
    line = f"    from lamb_rs.optim.{name} import {cls}"
    insert(package, line, r"    from lamb_rs\.optim\.(\w+) import", key=str)
    insert(package, f'    "{cls}",', r'    "(\w+)",', start="__all__ = [\n", key=rank)
    line = f'    "{cls}": "{name}",'
    insert(package, line, r'    "\w+": "(\w+)",', start="_MODULES = {\n", key=str)
    package = "python/lamb_rs/__init__.py"
    line = f"        {cls},"
    insert(package, line, r"        (\w+),", start="from lamb_rs.optim import (\n", key=folded)
    insert(package, f'    "{cls}",', r'    "(\w+)",', start="__all__ = [\n", key=rank)

    add(f"tests/reference/{name}.py", template("reference.py"))
    package = "tests/reference/__init__.py"
    insert(package, f"from .{name} import {cls}", r"from \.(\w+) import", key=str)
    insert(
        package, f'    "{name}": {cls},', r'    "\w+": \w+,', start="RULES: dict[str, Rule] = {\n"
    )

    rates = "python/lamb_rs/plots/rates.py"
    insert(rates, f'    "{cls}": {RATES},', r"    \S", start="RATES: dict[str, Rates] = {\n")
    line = f"- `{cls}`: {names['SUMMARY']} ({names['SOURCE']})."
    insert("CHANGELOG.md", line, r"- |  \S", start="### Added\n\n")


NEXT = """
The optimizer steps along a moving average of the gradient. Now write its own update into
    src/optim/{name}.rs                 the rule, with its formula and hyperparameters
    python/lamb_rs/optim/{name}.py      the same arguments, with their meaning
    tests/reference/{name}.py           the same update in float64, from the paper
    python/lamb_rs/plots/rates.py       learning rates at which it converges
Then run `cargo fmt`, `make tables`, which adds its rows to the generated tables, and `make test`.
"""


def main() -> None:
    """Add an optimizer."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", help="name in the registry and of the files, such as signum")
    parser.add_argument("--class", dest="cls", help="name of the class; default: Name")
    parser.add_argument("--summary", default="a moving average of the gradient", help="one line")
    parser.add_argument("--source", default="Author year, arXiv 0000.00000", help="the paper")
    parser.add_argument("--root", type=Path, default=ROOT, help="another folder of the repository")
    given = parser.parse_args()
    if not re.fullmatch(r"[a-z][a-z0-9]*", given.name):
        parser.error(f"NAME consists of lower-case letters and digits; got {given.name!r}")
    cls = given.cls or given.name.capitalize()
    if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", cls):
        parser.error(f"--class is a Python class name such as Signum; got {cls!r}")
    names = {
        "new_rule": given.name,
        "NEW_RULE": given.name.upper(),
        "NewRule": cls,
        "SUMMARY": given.summary,
        "SENTENCE": given.summary[0].upper() + given.summary[1:],
        "SOURCE": given.source,
    }
    repository = Repository(given.root)
    add_rule(repository, names)
    repository.write()
    print(NEXT.format(name=given.name), end="")


if __name__ == "__main__":
    sys.exit(main())
