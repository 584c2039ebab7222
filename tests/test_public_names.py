"""Tests, pages, tools, commands and plots use the public names of the package, and no others.

A name is private if it, or a module on the way to it, starts with an underscore. A command or a
plot is part of the package and cannot import it as a whole where that would be a circle: it may
import a public name from the module that defines it.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import lamb_rs

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (
    "benches",
    "docs",
    "examples",
    "python/lamb_rs/cli",
    "python/lamb_rs/plots",
    "tests",
    "tools",
)
# Files that are about the files of the package, and a class as somebody adds it to the package.
ABOUT_FILES = {
    "tests/test_layers.py",
    "tests/test_public_names.py",
    "tools/templates/optimizer.py",
}
INSIDE = "python/lamb_rs/"
FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*.py")
    if "_build" not in path.parts
)
# Attributes with an underscore that the standard library documents.
DOCUMENTED = {"_asdict", "_exit", "_fields", "_make", "_replace"}


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def used(path: str, text: str) -> list[str]:
    """The private names that a file uses, each with its line."""
    own = path.removeprefix(INSIDE).split("/")[0] if path.startswith(INSIDE) else None
    tree = ast.parse(text)
    defined = {node.name for node in ast.walk(tree) if hasattr(node, "name")}
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{one.name}" for one in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names = re.findall(r"\blamb_rs(?:\.\w+)*\.\w+", node.value)
            names += [f"lamb_rs.{one}" for one in re.findall(r"\bopt\.(_[a-z]\w+)", node.value)]
        elif isinstance(node, ast.Attribute) and private(node.attr):
            base = node.value.id if isinstance(node.value, ast.Name) else ""
            mine = base in {"self", "cls"} or node.attr in DOCUMENTED | defined
            names = [] if mine else [f"lamb_rs.{node.attr}"]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] != "lamb_rs" or not any(map(private, parts)):
                continue
            if own is not None and (parts[1] == own or parts[-1] in lamb_rs.__all__):
                continue
            found.append((node.lineno, name))
    return [f"{path}:{line}: {name}" for line, name in sorted(set(found))]


@pytest.mark.parametrize("path", FILES)
def test_no_private_name_is_used(path: str) -> None:
    if path in ABOUT_FILES:
        pytest.skip("this file is about the files of the package")
    assert used(path, (ROOT / path).read_text(encoding="utf-8")) == []


PAGES = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("docs/[mr]*/*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_names_a_private_name(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.findall(r"\blamb_rs\._[a-z]\w*|\b(?:opt|optimizer)\._[a-z]\w*", text)


def test_what_is_found() -> None:
    text = """
import lamb_rs._core
from lamb_rs import _core, Adam
from lamb_rs._errors import HyperparameterError
from lamb_rs.plots._heights import draw
opt._native.get("x")
run("lamb_rs._core.algorithms()")
class Own:
    def _mine(self): return self._held
Own()._mine()
"""
    lines = [one.partition(": ")[2] for one in used("tests/a.py", text)]
    assert lines == [
        "lamb_rs._core",
        "lamb_rs._core",
        "lamb_rs._errors.HyperparameterError",
        "lamb_rs.plots._heights.draw",
        "lamb_rs._native",
        "lamb_rs._core.algorithms",
    ]
    lines = [one.partition(": ")[2] for one in used("python/lamb_rs/plots/a.py", text)]
    assert "lamb_rs._errors.HyperparameterError" not in lines
    assert "lamb_rs.plots._heights.draw" not in lines
    assert "lamb_rs._core" in lines
