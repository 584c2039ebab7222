"""An optimizer is a row, a class and a reference; none may be missing or disagree."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import lamb_rs
from lamb_rs import optim, schedules, wrappers

ROWS = lamb_rs.registry()
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


# Arguments that Python resolves by itself.
PYTHONS = {"Muon": {"exclude_layers": ()}}


def class_of(row: Any) -> Any:
    return getattr(lamb_rs, row.class_name)


@each_row
def test_class_has_the_arguments_of_its_row(row: Any) -> None:
    shown = inspect.signature(class_of(row)).parameters
    wanted = {hyper.name: hyper.default for hyper in row.hyperparameters}
    found = {name: one.default for name, one in shown.items() if name != "name"}
    assert found == wanted | PYTHONS.get(row.class_name, {})
    assert shown["name"].default is None


@each_row
def test_written_defaults_are_those_of_the_row(row: Any) -> None:
    """What an editor shows is what the native side does."""
    written = inspect.signature(class_of(row).__init__).parameters
    wanted = {hyper.name: hyper.default for hyper in row.hyperparameters}
    wanted |= PYTHONS.get(row.class_name, {})
    own = {name: one.default for name, one in written.items() if name not in ("self", "shared")}
    assert own == {name: wanted[name] for name in own}
    assert {hyper.name for hyper in row.hyperparameters if not hyper.shared} <= set(own)


@each_row
def test_every_argument_is_an_attribute(row: Any) -> None:
    opt = class_of(row)()
    for hyper in row.hyperparameters:
        value = getattr(opt, hyper.name)
        assert value == hyper.default
        assert type(value) is (
            int if hyper.kind == "integer" and value is not None else type(value)
        )
        setattr(opt, hyper.name, value)


@each_row
def test_docstring_names_everything(row: Any) -> None:
    text = inspect.getdoc(class_of(row))
    assert text is not None
    parameters = text.partition("Parameters\n")[2].partition("Notes\n")[0]
    own = [one for one in row.hyperparameters if not one.shared]
    for hyper in own:
        entry = re.search(rf"^{hyper.name} : .*default (.*)$", parameters, re.MULTILINE)
        assert entry, hyper.name
        default = entry[1].strip('"')
        assert default == str(hyper.default) or float(default) == hyper.default
    assert "State: " in text
    for number in re.findall(r"arXiv [\d.]+|JMLR [\d:]+", row.source):
        assert number in text
    assert "    " in text.partition("::")[2], "a formula"


def test_shared_arguments_are_documented() -> None:
    text = inspect.getdoc(lamb_rs.Optimizer)
    assert text is not None
    for hyper in ROWS[0].hyperparameters:
        if hyper.shared:
            assert f"\n{hyper.name} : " in text, hyper.name


def test_everything_public_is_listed_and_documented() -> None:
    for module in (lamb_rs, optim, schedules, wrappers):
        assert module.__doc__
        for name in module.__all__:
            assert hasattr(module, name)
            if name != "__version__":
                assert getattr(module, name).__doc__, name
    assert set(optim.__all__) == {row.class_name for row in ROWS}
    assert set(optim.__all__) | set(wrappers.__all__) <= set(lamb_rs.__all__)


@each_row
def test_methods_are_documented(row: Any) -> None:
    for name, member in inspect.getmembers(class_of(row)):
        if not name.startswith("_") and (
            inspect.isfunction(member) or isinstance(member, property)
        ):
            assert inspect.getdoc(member), name


def test_rules_are_short_or_a_decision_says_why() -> None:
    """At most 80 lines without comments, blank lines, tests and the printed formula."""
    root = Path(__file__).parents[2]
    record = (root / "docs/decisions/0010-beyond-one-tensor.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+\.rs)`", record.partition("These files are longer:")[2]))
    long = set()
    for path in (root / "src/optim").glob("*.rs"):
        code = path.read_text(encoding="utf-8").partition("#[cfg(test)]")[0]
        code = re.sub(r"(?ms)^(pub\(crate\) )?fn \w+\(f: &mut Formula.*?^}\n", "", code)
        lines = [
            line for line in code.splitlines() if line.strip() and not line.strip().startswith("//")
        ]
        if len(lines) > 80:
            long.add(path.name)
    assert long == named
