"""Imports go down a list of layers, in Rust and in Python, and no files import in a circle.

Type-checking imports and imports inside functions count; Rust code under ``#[cfg(test)]`` does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from support.imports import Import, circles, python_imports, rust_imports

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Language:
    """A tree of sources and the order of its files.

    Attributes
    ----------
    folder : str
        Of the sources.
    suffix : str
        Of a file.
    layers : str
        A layer per line, from top to bottom. A layer has one or more units, with ``|`` between
        them. A unit is a file, ``folder/`` (every file of a folder, which may import each other)
        or ``folder/*`` (every file of a folder is a unit). The longest match decides. A file may
        import files of lower layers and of its own unit.
    siblings : frozenset of pairs of str
        Imports between units of one layer that are meant.
    known : frozenset of pairs of str
        Imports that break the rule today. Must become empty.
    """

    folder: str
    suffix: str
    layers: str
    siblings: frozenset[tuple[str, str]] = frozenset()
    known: frozenset[tuple[str, str]] = frozenset()

    def imports(self) -> list[Import]:
        root = ROOT / self.folder
        return rust_imports(root) if self.suffix == "rs" else python_imports(root, root.name)

    def files(self) -> list[str]:
        """All files by the names that the layers use."""
        root = ROOT / self.folder
        found = {path for path in root.rglob(f"*.{self.suffix}*") if path.suffix != ".pyc"}
        return sorted({self.name(path.relative_to(root)) for path in found})

    @staticmethod
    def name(path: Path) -> str:
        parts = path.with_suffix("").parts
        inside = len(parts) > 1 and parts[-1] in ("mod", "__init__")
        return "/".join(parts[:-1] if inside else parts)

    def units(self) -> dict[str, int]:
        """The layer of each unit, counted from the top."""
        lines = [line.split("|") for line in self.layers.strip().splitlines()]
        return {unit.strip(): i for i, line in enumerate(lines) for unit in line}

    def unit(self, file: str) -> str | None:
        """The longest unit that a file matches."""
        matches = [unit for unit in self.units() if _matches(file, unit)]
        return max(matches, key=lambda unit: len(unit.rstrip("*"))) if matches else None

    def where(self, one: Import) -> str:
        """File and line of an import."""
        root = ROOT / self.folder
        candidates = (
            root / f"{one.file}.{self.suffix}",
            root / one.file / ("mod.rs" if self.suffix == "rs" else "__init__.py"),
        )
        path = next((path for path in candidates if path.is_file()), candidates[0])
        return f"{path.relative_to(ROOT)}:{one.line}"

    def rule_broken(self, one: Import) -> str | None:
        """Which rule an import breaks, if any."""
        above, below = self.unit(one.file), self.unit(one.target)
        if above is None or below is None:
            return None
        layers = self.units()
        if layers[above] > layers[below]:
            return f"{one.target} is in a layer above {one.file}"
        same_unit = above == below and not above.endswith("*")
        meant = (one.file, one.target) in self.siblings
        if layers[above] == layers[below] and not same_unit and not meant:
            return f"{one.file} and {one.target} are in one layer"
        return None


def _matches(file: str, unit: str) -> bool:
    if unit.endswith("/*"):
        return file.startswith(unit[:-1])
    if unit.endswith("/"):
        return file.startswith(unit) or file == unit[:-1]
    return file == unit


RUST = Language(
    folder="src",
    suffix="rs",
    layers="""
        py
        py/optimizer
        py/step | py/state | py/checkpoint | py/floor
        py/bindings | py/values
        py/arrays | py/structure | py/running | py/simd_level
        py/errors
        lib
        optimizer
        optimizer/call
        optimizer/finite | optimizer/passes
        optimizer/clip | optimizer/report
        optimizer/core
        optimizer/build
        optimizer/groups | optimizer/plans
        optimizer/overrides
        registry
        optim
        optim/*
        engine/step | engine/passes/
        engine/layers | engine/pass
        engine/gradient_chain | engine/derived
        engine/buffers
        engine/centralize | engine/factored | engine/row_coefficients | engine/larc | engine/average
        engine/gradient | engine/lane_sums | engine/partial_sums | engine/rows | engine/state
        engine/queue | engine/memory
        engine/plan | engine/fpenv | engine/threads | engine/workers
        engine
        algorithm
        kernel
        kernel/erased
        kernel/interface
        kernel/passes
        kernel/storage/bfloat16 | kernel/storage/float8 | kernel/storage/state_tile
        kernel/storage
        kernel/storage/rounding
        rule/cautious | rule/projection
        rule
        rule/adaptors
        rule/traits
        rule/decay | rule/trust | rule/epsilon
        rule/step | rule/slots | rule/formula
        hyper
        hyper/values
        hyper/shared
        hyper/table
        hyper/domain
        simd | matrix | powers | hash | error
        simd/avx2
    """,
    # Rules that share the directions of others.
    siblings=frozenset(
        {
            ("optim/adabelief", "optim/adam"),
            ("optim/adabelief", "optim/radam"),
            ("optim/adabound", "optim/adam"),
            ("optim/adamp", "optim/adam"),
            ("optim/ademamix", "optim/adam"),
            ("optim/grams", "optim/adam"),
            ("optim/lamb", "optim/adam"),
            ("optim/mars", "optim/adam"),
            ("optim/muon", "optim/adam"),
            ("optim/nadam", "optim/adam"),
            ("optim/radam", "optim/adam"),
            ("optim/ralamb", "optim/adam"),
            ("optim/ralamb", "optim/radam"),
            ("optim/ranger", "optim/radam"),
            ("optim/ranger_lars", "optim/ralamb"),
        }
    ),
)

PYTHON = Language(
    folder="python/lamb_rs",
    suffix="py",
    layers="""
        __main__
        cli/
        __init__
        _peers/ | plots/
        _lookup | _files | typing
        wrappers
        wrappers/loss_scale
        wrappers/multi
        wrappers/joined | wrappers/larc | wrappers/lookahead
        wrappers/single
        wrappers/base
        optim
        optim/*
        _optimizer
        _optimizer/rule
        _optimizer/base | _optimizer/config
        _optimizer/report | _optimizer/description | _optimizer/overrides
        _optimizer/hyperparameters
        _optimizer/frozen | _optimizer/states
        _optimizer/native
        _checkpoint/ | _peer_state/
        schedules/
        _registry | _arrays | _threads | _text | _widen
        _errors | _lazy
        _core
    """,
)
LANGUAGES = {"rust": RUST, "python": PYTHON}
each_language = pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)


@each_language
def test_every_file_has_a_layer(language: Language) -> None:
    lost = [file for file in language.files() if language.unit(file) is None]
    assert not lost, f"add to the layers in tests/test_layers.py: {lost}"
    used = {language.unit(file) for file in language.files()}
    empty = language.units().keys() - used
    assert not empty, f"no file is in these units of tests/test_layers.py: {sorted(empty)}"


@each_language
def test_imports_go_down(language: Language) -> None:
    broken: dict[tuple[str, str], list[str]] = {}
    for one in language.imports():
        rule = language.rule_broken(one)
        if rule is not None:
            line = f"{language.where(one)}: {one.text}: {rule}"
            broken.setdefault((one.file, one.target), []).append(line)
    new = [line for pair, lines in broken.items() if pair not in language.known for line in lines]
    assert not new, "imports that break the rule of layers:\n" + "\n".join(new)
    gone = language.known - broken.keys()
    assert not gone, f"remove from `known` in tests/test_layers.py: {sorted(gone)}"


@each_language
def test_no_files_import_in_a_circle(language: Language) -> None:
    imports = [one for one in language.imports() if (one.file, one.target) not in language.known]
    for circle in circles(imports):
        inside = [one for one in imports if one.file in circle and one.target in circle]
        lines = [f"{language.where(one)}: {one.text}" for one in inside]
        raise AssertionError(f"{circle} import in a circle:\n" + "\n".join(lines))


@each_language
def test_imports_between_siblings_are_needed(language: Language) -> None:
    found = {(one.file, one.target) for one in language.imports()}
    assert not language.siblings - found


class TestParsing:
    """What counts as an import."""

    def test_rust(self, tmp_path: Path) -> None:
        sources = {
            "lib.rs": "mod a;\nmod b;\npub use b::c::Kind;\n",
            "a.rs": (
                "use crate::b::{self, c::{Kind as K, other}, d};\n"
                '// use crate::e::No;\nconst T: &str = "crate::e::No";\n'
                "fn f() { b::c::g(); crate::e::h() }\n"
                "#[cfg(test)]\nmod tests {\n    use crate::e::Only;\n}\n"
                "pub mod inner { use super::own; use super::super::e::Deep; }\n"
            ),
            "b/mod.rs": "pub mod c;\npub mod d;\n",
            "b/c.rs": "use super::d::X;\n#[cfg(test)]\nuse crate::a::No;\nfn k(x: &'a str) {}\n",
            "b/d.rs": "pub struct X;\n",
            "e.rs": "",
        }
        for name, text in sources.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        found = {(one.file, one.line, one.target) for one in rust_imports(tmp_path)}
        assert found == {
            ("lib", 3, "b/c"),
            ("a", 1, "b"),
            ("a", 1, "b/c"),
            ("a", 1, "b/d"),
            ("a", 4, "b/c"),
            ("a", 4, "e"),
            ("a", 9, "e"),
            ("b/c", 1, "b/d"),
        }

    def test_python(self, tmp_path: Path) -> None:
        root = tmp_path / "own"
        sources = {
            "__init__.py": "from own.a import f\n",
            "a.py": (
                "import numpy\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
                "    from .b import c\ndef f():\n    import own.b.d\n    from own import _core, x\n"
            ),
            "b/__init__.py": "",
            "b/c.py": "from ..a import f\nfrom . import d\n",
            "b/d.py": "",
            "_core.pyi": "",
        }
        for name, text in sources.items():
            path = root / name
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text(text)
        imports = python_imports(root, "own")
        assert {(one.file, one.line, one.target) for one in imports} == {
            ("__init__", 1, "a"),
            ("a", 4, "b/c"),
            ("a", 6, "b/d"),
            ("a", 7, "_core"),
            ("a", 7, "__init__"),
            ("b/c", 1, "a"),
            ("b/c", 2, "b/d"),
        }
        assert circles(imports) == [["__init__", "a", "b/c"]]


def test_a_broken_rule_is_told() -> None:
    """Both rules can fail, and say where."""
    small = Language("src", "rs", "optim/*\nengine/\nsimd | error")
    up = Import("simd", 3, "optim/adam", "crate::optim::adam")
    beside = Import("simd", 3, "error", "crate::error")
    assert small.rule_broken(up) == "optim/adam is in a layer above simd"
    assert small.rule_broken(beside) == "simd and error are in one layer"
    assert small.rule_broken(Import("engine/plan", 1, "engine/pool", "")) is None
    assert small.rule_broken(Import("optim/adam", 1, "optim/sgd", "")) is not None
    assert small.where(up) == "src/simd.rs:3"
