"""Importing the package loads what every program needs, and nothing that few do."""

from __future__ import annotations

import pytest

import lamb_rs
from lamb_rs import schedules, wrappers
from support.children import run

RARELY_NEEDED = [
    "lamb_rs._checkpoint.format",
    "lamb_rs._optimizer.description",
    "lamb_rs._optimizer.report",
    "lamb_rs._peers._table",
    "lamb_rs.cli",
    "lamb_rs.plots",
    "lamb_rs.schedules.cosine",
    "lamb_rs.wrappers.base",
    "difflib",
    "matplotlib",
]


def test_what_is_rarely_needed_is_not_imported() -> None:
    code = f"""
before = subprocess.run(
    [sys.executable, "-c", "import sys, lamb_rs; print(*sys.modules)"],
    capture_output=True, text=True,
).stdout.split()
print([name for name in {RARELY_NEEDED} if name in before])
"""
    assert run("import subprocess\n" + code).strip() == "[]"


def test_names_that_are_imported_when_they_are_used() -> None:
    for package in (lamb_rs, schedules, wrappers):
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
