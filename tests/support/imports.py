"""What the files of the library import from each other, read from their text.

Python: every ``import`` statement, those inside functions and for type checkers included. Rust:
every ``use`` and every path that is written out in the code, outside comments, strings and what is
compiled for tests alone.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, order=True)
class Import:
    """One import of one file of the library by another.

    Attributes
    ----------
    file : str
        The file that imports, without its suffix and relative to the root of its language. The
        file of a package or of a module with children is called by the folder's name alone,
        the root of all is called ``__init__`` or ``lib``.
    line : int
        Where, from 1.
    target : str
        The file that is imported.
    text : str
        As it is written.
    """

    file: str
    line: int
    target: str
    text: str


def name_of(path: Path, root: Path) -> str:
    """The name of a file in the list of layers."""
    parts = path.relative_to(root).with_suffix("").parts
    if len(parts) > 1 and parts[-1] in ("mod", "__init__"):
        parts = parts[:-1]
    return "/".join(parts)


# Python


def python_imports(root: Path, package: str) -> list[Import]:
    """Imports between the files of a package.

    Parameters
    ----------
    root : Path
        The folder of the package.
    package : str
        Its name.

    Returns
    -------
    list of Import
        Without those of the file itself.
    """
    paths = sorted([*root.rglob("*.py"), *root.rglob("*.pyi")])
    files = {name_of(path, root): path for path in paths}
    found = []
    for name, path in files.items():
        here = [package, *([] if name == "__init__" else name.split("/"))]
        folder = here if path.stem == "__init__" else here[:-1]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
            for dotted, text in _modules_named(node, folder):
                parts = dotted.split(".")
                if parts[0] != package:
                    continue
                target = _longest(parts[1:], files) or "__init__"
                if target != name:
                    found.append(Import(name, node.lineno, target, text))
    return sorted(set(found))


def _modules_named(node: ast.AST, folder: list[str]) -> Iterator[tuple[str, str]]:
    """Absolute dotted names in an import statement, and how each is written."""
    if isinstance(node, ast.Import):
        for one in node.names:
            yield one.name, f"import {one.name}"
    elif isinstance(node, ast.ImportFrom):
        start = folder[: len(folder) - node.level + 1] if node.level else []
        module = ".".join([*start, *filter(None, [node.module])])
        for one in node.names:
            written = f"from {'.' * node.level}{node.module or ''} import {one.name}"
            yield f"{module}.{one.name}", written


def _longest(parts: list[str], files: Mapping[str, Path]) -> str | None:
    """The file that a path leads to: its longest beginning that is one."""
    for length in range(len(parts), 0, -1):
        name = "/".join(parts[:length])
        if name in files:
            return name
    return None


# Rust

_SKIPPED = re.compile(
    r"""
      //[^\n]*
    | /\*.*?\*/
    | r(?P<hashes>\#*)".*?"(?P=hashes)
    | b?"(?:\\.|[^"\\])*"
    | b?'(?:\\.|[^'\\\n])'
    """,
    re.VERBOSE | re.DOTALL,
)
_TEST = re.compile(r"#\[cfg\((?:all\()?test\b[^\]]*\]")
_USE = re.compile(r"\buse\s+([^;]+);")
_PATH = re.compile(r"\b(?:crate|super|self)(?:\s*::\s*\w+)+")
_CHILD = re.compile(r"^\s*(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)\s*;", re.MULTILINE)


def rust_imports(root: Path) -> list[Import]:
    """Imports between the files of a crate.

    Parameters
    ----------
    root : Path
        The folder of its ``lib.rs``.

    Returns
    -------
    list of Import
        Without those of the file itself.
    """
    files = {name_of(path, root): path for path in sorted(root.rglob("*.rs"))}
    found = []
    for name, path in files.items():
        code = without_tests(without_comments(path.read_text(encoding="utf-8")))
        here = [] if name == "lib" else name.split("/")
        inline = list(_inline_modules(code))

        def inside(position: int, here: list[str] = here, inline: Any = inline) -> list[str]:
            return here + [child for child, start, end in inline if start < position < end]

        modules = {child: [*here, child] for child in _CHILD.findall(code)}
        used = {}
        for match in _USE.finditer(code):
            for written, local in _leaves(match[1]):
                parts = _absolute(written, inside(match.start()), modules)
                if parts is not None and "/".join(parts) in files:
                    used[local] = parts
        modules |= used
        for position, written in _paths(code, modules):
            parts = _absolute(written, inside(position), modules)
            if parts is None:
                continue
            target = _longest(parts, files) or "lib"
            if target != name:
                line = code.count("\n", 0, position) + 1
                found.append(Import(name, line, target, "::".join(written)))
    return sorted(set(found))


def without_comments(code: str) -> str:
    """The code with comments and strings blanked, so that lines keep their numbers."""
    return _SKIPPED.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), code)


def without_tests(code: str) -> str:
    """The code with every item under ``#[cfg(test)]`` blanked."""
    start = 0
    while match := _TEST.search(code, start):
        end = _end_of_item(code, match.end())
        blank = re.sub(r"[^\n]", " ", code[match.start() : end])
        code = code[: match.start()] + blank + code[end:]
        start = end
    return code


def _inline_modules(code: str) -> Iterator[tuple[str, int, int]]:
    """Modules that are written in the file itself: name, start and end, the outer ones first."""
    for match in re.finditer(r"\bmod\s+(\w+)\s*\{", code):
        yield match[1], match.start(), _end_of_item(code, match.start())


def _end_of_item(code: str, start: int) -> int:
    """Behind the semicolon or the closing brace of the item that starts here."""
    depth = 0
    for i in range(start, len(code)):
        if code[i] in "{([":
            depth += 1
        elif code[i] in "})]":
            depth -= 1
            if depth == 0 and code[i] == "}":
                # The braces of a `use` are followed by its semicolon.
                rest = code[i + 1 :].lstrip()
                return i + 1 if not rest.startswith(";") else code.index(";", i) + 1
        elif code[i] == ";" and depth == 0:
            return i + 1
    return len(code)


def _paths(code: str, modules: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Paths in the code, split at ``::``, with their positions.

    Those that begin with ``crate``, ``super``, ``self`` or a module that the file names by itself.
    """
    used = []
    for match in _USE.finditer(code):
        used.append(match.span())
        for path, _ in _leaves(match[1]):
            yield match.start(), path
    known = "|".join(sorted(modules))
    named = re.compile(rf"(?<![\w:.])(?:{known})(?:\s*::\s*\w+)+") if known else None
    for pattern in filter(None, (_PATH, named)):
        for match in pattern.finditer(code):
            if not any(start <= match.start() < end for start, end in used):
                yield match.start(), re.split(r"\s*::\s*", match[0])


def _leaves(tree: str) -> Iterator[tuple[list[str], str]]:
    """The paths of a ``use`` with its braces multiplied out, and the local name of each."""
    tree = tree.strip()
    head, brace, rest = tree.partition("{")
    if not brace:
        written, _, local = re.sub(r"\s+as\s+", " ", tree).partition(" ")
        path = re.split(r"\s*::\s*", written)
        path = path[:-1] if path[-1] == "self" and len(path) > 1 else path
        yield path, local or path[-1]
        return
    prefix = [part for part in re.split(r"\s*::\s*", head.strip()) if part]
    depth, start = 0, 0
    inside = rest.rstrip().removesuffix("}")
    for i, sign in enumerate(f"{inside},"):
        depth += (sign == "{") - (sign == "}")
        if sign == "," and depth == 0:
            if part := inside[start:i].strip():
                for leaf, local in _leaves(part):
                    path = prefix if leaf == ["self"] else prefix + leaf
                    yield path, path[-1] if local == "self" else local
            start = i + 1


def _absolute(
    path: list[str], here: list[str], modules: Mapping[str, list[str]]
) -> list[str] | None:
    """A path from the root of the crate; None if it is that of another crate."""
    if path[0] == "crate":
        return path[1:]
    if path[0] in ("self", "super"):
        base = here
        rest = path
        while rest and rest[0] in ("self", "super"):
            base = base[:-1] if rest[0] == "super" else base
            rest = rest[1:]
        return base + rest
    if path[0] in modules:
        return modules[path[0]] + path[1:]
    return None


# Circles


def circles(imports: list[Import]) -> list[list[str]]:
    """Sets of files that import each other in a circle, each sorted, by Tarjan's algorithm."""
    graph: dict[str, set[str]] = {}
    for one in imports:
        graph.setdefault(one.file, set()).add(one.target)
        graph.setdefault(one.target, set())
    found: list[list[str]] = []
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []

    def visit(node: str) -> None:
        number[node] = lowest[node] = len(number)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in number:
                visit(other)
                lowest[node] = min(lowest[node], lowest[other])
            elif other in stack:
                lowest[node] = min(lowest[node], number[other])
        if lowest[node] == number[node]:
            part = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(part) > 1:
                found.append(sorted(part))

    for node in sorted(graph):
        if node not in number:
            visit(node)
    return found
