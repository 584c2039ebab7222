"""`tools/new_rule.py` writes every piece of an optimizer, and the pieces fit together."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = "Bernstein et al. 2018, arXiv 1802.04434"
CHANGED = ("src/optim", "src/registry.rs", "python/lamb_rs", "tests/reference", "CHANGELOG.md")


def new_rule(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    tool = [sys.executable, str(ROOT / "tools" / "new_rule.py")]
    command = [*tool, *arguments, "--root", str(root)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def copy(root: Path) -> None:
    for name in CHANGED:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        make = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        make(ROOT / name, root / name)


def contents(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository with a new rule in it."""
    root = tmp_path_factory.mktemp("repository")
    copy(root)
    done = new_rule(root, "signum", "--summary", "the sign of the momentum", "--source", SOURCE)
    assert done.returncode == 0, done.stderr
    assert "src/optim/signum.rs" in done.stdout
    return root


def in_scratch(scratch: Path, code: str) -> Any:
    """What code prints as JSON in a new process that imports from the copy."""
    path = f"import sys; sys.path[:0] = [{str(scratch / 'python')!r}, {str(scratch / 'tests')!r}]"
    command = [sys.executable, "-c", f"{path}; import json; {code}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def test_the_rule_has_its_row(scratch: Path) -> None:
    rule = (scratch / "src/optim/signum.rs").read_text()
    assert len([line for line in rule.splitlines() if line.strip()]) <= 80
    for field in ('name: "signum"', 'class_name: "Signum"', f'source: "{SOURCE}"'):
        assert field in rule
    assert "pub(crate) mod signum;\n" in (scratch / "src/optim/mod.rs").read_text()
    every = (scratch / "src/registry.rs").read_text().partition("const EVERY")[2]
    assert "    optim::signum::SIGNUM,\n];" in every


def public(path: str) -> set[str]:
    """Names that a Rust module defines for others, or passes on."""
    file = ROOT / "src" / path.replace("::", "/")
    file = file.with_suffix(".rs") if file.with_suffix(".rs").exists() else file / "mod.rs"
    own = r"^pub(?:\(\w+\))? (?:const )?(?:fn|struct|enum|trait|type) (\w+)"
    passed_on = re.findall(r"^pub(?:\(\w+\))? use ([^;]*);", file.read_text(), re.MULTILINE)
    names = re.findall(own, file.read_text(), re.MULTILINE)
    return {*names, *re.findall(r"\w+", " ".join(passed_on))}


def test_the_rule_uses_what_there_is(scratch: Path) -> None:
    rule = (scratch / "src/optim/signum.rs").read_text()
    used = re.findall(r"^use crate::([\w:]+)::(\{.*\}|\w+);$", rule, re.MULTILINE)
    assert used
    for path, names in used:
        assert set(re.findall(r"\w+", names)) <= public(path), path


def test_rule_class_and_reference_have_the_same_defaults(scratch: Path) -> None:
    rule = (scratch / "src/optim/signum.rs").read_text()
    table = rule.partition("hypers! {")[2].partition("}")[0]
    own = {name.lower(): float(x) for name, x in re.findall(r"(\w+) = \w+\(([\d.]+)", table)}
    code = """import inspect, lamb_rs, reference
arguments = inspect.signature(lamb_rs.Signum.__init__).parameters
cls = {name: one.default for name, one in arguments.items() if name not in ("self", "shared")}
print(json.dumps([cls, reference.RULES["signum"].DEFAULTS]))"""
    cls, reference = in_scratch(scratch, code)
    assert cls == reference == own


def test_the_class_is_exported_and_documented(scratch: Path) -> None:
    code = """import lamb_rs
print(json.dumps([lamb_rs.__all__, lamb_rs.optim.__all__, lamb_rs.Signum.__doc__]))"""
    package, optim, text = in_scratch(scratch, code)
    for names in (package, optim):
        assert names.count("Signum") == 1
    text = inspect.cleandoc(text)
    assert text.startswith("The sign of the momentum.\n")
    for part in ("::\n", "State: ", "beta_1 : ", "default 0.9", SOURCE, ">>> optimizer = Signum("):
        assert part in text


def test_it_has_rates_and_a_line_in_the_changelog(scratch: Path) -> None:
    rates = importlib.import_module("lamb_rs.plots.rates")
    code = "from lamb_rs.plots.rates import RATES; print(json.dumps(list(RATES)))"
    assert set(in_scratch(scratch, code)) == {*rates.RATES, "Signum"}
    added = (scratch / "CHANGELOG.md").read_text().partition("### Added")[2]
    assert f"- `Signum`: the sign of the momentum ({SOURCE}).\n" in added


def test_the_files_are_formatted(scratch: Path) -> None:
    ruff, rustfmt = shutil.which("ruff", path=Path(sys.executable).parent), shutil.which("rustfmt")
    if ruff is None or rustfmt is None:
        pytest.skip("ruff or rustfmt is not installed")
    shutil.copy(ROOT / "pyproject.toml", scratch)
    shutil.copy(ROOT / "rustfmt.toml", scratch)
    rust = [scratch / "src/optim/signum.rs", scratch / "src/registry.rs"]
    for command in (
        [ruff, "check"],
        [ruff, "format", "--check"],
        [rustfmt, "--check", "--edition=2024", *rust],
    ):
        done = subprocess.run(command, cwd=scratch, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("arguments", [["lion"], ["sig-num"], ["signum", "--class", "signum"]])
def test_what_is_refused_writes_nothing(tmp_path: Path, arguments: list[str]) -> None:
    copy(tmp_path)
    before = contents(tmp_path)
    done = new_rule(tmp_path, *arguments)
    assert done.returncode != 0
    assert "new_rule.py: " in done.stderr
    assert contents(tmp_path) == before
