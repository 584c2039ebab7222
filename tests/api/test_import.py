"""Importing the package loads what every program needs, and nothing that few do."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import lamb_rs
from lamb_rs import optim, schedules, wrappers
from support.children import run

# Parts of the package, by a word in the name of a module.
RARELY_NEEDED = ("checkpoint", "cli", "description", "peer_state", "plots", "report", "table")
# Of the standard library, those that NumPy does not need either.
SLOW = ("argparse", "asyncio", "dataclasses", "difflib", "inspect", "json", "logging", "subprocess")
PACKAGES = ("optim", "schedules", "wrappers")


def loaded(code: str) -> set[str]:
    """The modules that code loads which NumPy does not."""
    before = "import sys, numpy; before = set(sys.modules); "
    after = "; print(*(set(sys.modules) - before))"
    command = [sys.executable, "-c", before + code + after]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_what_is_rarely_needed_is_not_imported() -> None:
    found = loaded("import lamb_rs")
    parts = {part.strip("_") for name in found for part in name.split(".")}
    assert not parts & set(RARELY_NEEDED)
    assert not found & set(SLOW)
    # Classes of optimizers, schedules and wrappers are imported when they are used.
    public = re.compile(rf"lamb_rs\.({'|'.join(PACKAGES)})\.[a-z]")
    assert not [name for name in found if public.match(name)]


def test_an_optimizer_loads_its_own_module_alone() -> None:
    code = "import lamb_rs; w = numpy.ones(3, 'f'); o = lamb_rs.{}(); o.build(w); o.apply(w + 0)"
    adam, lion = (loaded(code.format(name)) for name in ("Adam", "Lion"))
    assert adam ^ lion == {"lamb_rs.optim.adam", "lamb_rs.optim.lion"}
    assert not adam & set(SLOW)


def test_names_that_are_imported_when_they_are_used() -> None:
    for package in (lamb_rs, optim, schedules, wrappers):
        assert set(package.__all__) <= set(dir(package))
        for name in package.__all__:
            assert getattr(package, name) is getattr(package, name)
        with pytest.raises(AttributeError, match="no_such_name"):
            package.no_such_name  # noqa: B018


def test_configurations_find_classes_that_are_not_imported_yet() -> None:
    code = """
config = Lookahead(SGD(schedules.Warmup(schedules.CosineDecay(0.1, 5), 2))).get_config()
code = f'''
import lamb_rs
made = lamb_rs.SGD.from_config({config["inner"]["config"]!r})
print(made)
multi = lamb_rs.MultiOptimizer.from_config(
    {{"optimizers": [["*", {{"class_name": "Lookahead", "config": {config!r}}}]]}}
)
print(multi)
'''
import subprocess
print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True))
"""
    found = run(code)
    assert "SGD(learning_rate=schedules.Warmup(schedules.CosineDecay(0.1, 5), 2))" in found
    assert "MultiOptimizer([('*', Lookahead(SGD(" in found
