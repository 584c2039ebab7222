"""Names in the documents exist, and existing names are documented."""

from __future__ import annotations

import inspect
import re
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import lamb_rs

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/decisions/*.md"),
        *ROOT.glob("tests/**/*.md"),
        *ROOT.glob("benches/**/*.md"),
    ]
)
DECISIONS = sorted(ROOT.glob("docs/decisions/[0-9]*.md"))
NAMES = [name for name in lamb_rs.__all__ if name not in {"__version__", "schedules"}]
CLASSES = [getattr(lamb_rs, name) for name in lamb_rs.optim.__all__]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
each_decision = pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """A page without its code blocks."""
    return FENCE.sub("", read(page))


# Docstrings


def sections(documented: Any) -> dict[str, str]:
    """The summary under "", and numpydoc sections by their titles."""
    text = inspect.getdoc(documented)
    assert text, documented
    parts = re.split(r"^(\w[\w ]*)\n(-+)$\n?", text, flags=re.MULTILINE)
    titles, rules, bodies = parts[1::3], parts[2::3], parts[3::3]
    assert [len(title) for title in titles] == [len(rule) for rule in rules], documented
    assert len(titles) == len(set(titles)), documented
    return {"": parts[0], **dict(zip(titles, bodies, strict=True))}


def entries(body: str) -> dict[str, str]:
    """Names documented in a section, with their descriptions."""
    found: dict[str, str] = {}
    for match in re.finditer(r"^(\*{0,2}\w.*)\n((?:(?: {4}.*)?\n?)*)", body, re.MULTILINE):
        for name in match[1].partition(" : ")[0].split(", "):
            found[name.lstrip("*")] = match[2].strip()
    return found


@pytest.mark.parametrize("name", NAMES)
def test_public_names_have_numpydoc_docstrings(name: str) -> None:
    documented = getattr(lamb_rs, name)
    found = sections(documented)
    first = found[""].partition("\n\n")[0]
    assert first[0].isupper() or first[0] == "`", "a summary"
    assert first.rstrip().endswith("."), "a summary"
    if inspect.isclass(documented) and issubclass(documented, Exception):
        return
    signature = inspect.signature(documented)
    wanted = set(signature.parameters)
    if inspect.isclass(documented) and issubclass(documented, lamb_rs.Optimizer):
        # What all of them have is documented at their base, whose own signature takes anything.
        shared = entries(sections(lamb_rs.Optimizer)["Parameters"])
        wanted -= {"arguments", "args", "kwargs", *shared}
    assert wanted <= set(entries(found.get("Parameters", ""))), name
    if inspect.isfunction(documented) and signature.return_annotation not in {None, "None"}:
        assert "Returns" in found or inspect.isgeneratorfunction(inspect.unwrap(documented)), name


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_argument_of_an_optimizer_is_documented(cls: Any) -> None:
    own = entries(sections(cls)["Parameters"])
    shared = entries(sections(lamb_rs.Optimizer)["Parameters"])
    arguments = [one.name for one in lamb_rs.registry()[0].hyperparameters if one.shared]
    assert set(arguments) < set(shared)
    for name in inspect.signature(cls).parameters:
        text = own.get(name) or shared.get(name)
        assert text, name
    assert "shared" in own, "where the other arguments are documented"
    assert "References" in sections(cls)


def test_schedules_are_documented() -> None:
    assert isinstance(lamb_rs.schedules, ModuleType)
    for name in lamb_rs.schedules.__all__:
        documented = getattr(lamb_rs.schedules, name)
        found = entries(sections(documented).get("Parameters", ""))
        if documented is not lamb_rs.schedules.Schedule:
            assert set(inspect.signature(documented).parameters) <= set(found), name


# Pages


@cache
def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", title.lower()) for title in titles]
    return {title.replace(" ", "-") for title in plain}


@each_page
def test_links_resolve(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert file.is_relative_to(ROOT), target
        if anchor:
            assert anchor in anchors(file), target


@each_page
def test_files_and_targets_that_are_named_exist(page: Path) -> None:
    # Those of the example that tells how to add an optimizer are to be written by the reader.
    quoted = [one for one in re.findall(r"`([^`\n]+)`", prose(page)) if "signum" not in one]
    files = r"(?:src|python|tests|tools|docs|benches|\.ci)/[\w./-]*\w/?"
    # What `make docs` makes is not there before it.
    written = [one for one in quoted if not one.startswith("docs/_build")]
    for path in (one for one in written if re.fullmatch(files, one)):
        assert (ROOT / path).exists(), path
    targets = re.findall(r"^([\w-]+):", read(ROOT / "Makefile"), re.MULTILINE)
    for target in re.findall(r"(?:`|^)make ([\w-]+)", read(page), re.MULTILINE):
        assert target in targets, target


def test_the_pages_are_there() -> None:
    found = {page.name for page in PAGES}
    assert {"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"} <= found


def test_decisions_are_numbered_and_listed() -> None:
    index = read(ROOT / "docs" / "decisions" / "README.md")
    assert [page.stem[:4] for page in DECISIONS] == [f"{i + 1:04}" for i in range(len(DECISIONS))]
    assert len(DECISIONS) >= 8
    for page in DECISIONS:
        title = re.match(r"# \d{4}: (.*)\n", read(page))
        assert title, page
        assert f"[{page.stem[:4]}]({page.name}) | {title[1]} |" in index


@each_decision
def test_a_decision_has_its_date_and_sections(page: Path) -> None:
    text = read(page)
    assert text.startswith(f"# {page.stem[:4]}: ")
    assert re.search(r"^Date: \d{4}-\d{2}-\d{2}$", text, re.MULTILINE)
    titles = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert titles == ["Context", "Decision", "Consequences", "Measured or read"]


def test_changelog_knows_this_version_and_its_numerics() -> None:
    info = lamb_rs.info()
    text = read(ROOT / "CHANGELOG.md")
    release = text.partition(f"\n## [{info['version']}] - ")[2].partition("\n## [")[0]
    assert re.match(r"(?:Unreleased|\d{4}-\d{2}-\d{2})\n", release)
    assert "### Numerics" in release
    assert f"Numerics version {info['numerics_version']}" in text


# Sources


def sources() -> list[Path]:
    """The text files of the repository, whether or not it is a checkout."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("*.toml"), ROOT / "Cargo.lock", ROOT / "Makefile"]
    for folder in ("src", "python", "tests", "tools", "benches", "examples", "docs", ".ci"):
        found += [path for path in (ROOT / folder).rglob("*") if path.is_file()]
    binary = {".npz", ".png", ".pyc", ".so"}
    built = [
        ROOT / "docs" / name for name in ("_build", "_static/drawn", "optimizers", "reference")
    ]
    return [
        path
        for path in found
        if path.suffix not in binary and not any(map(path.is_relative_to, built))
    ]


def test_no_path_of_a_machine_is_written_anywhere() -> None:
    of_a_machine = re.compile(r"(?<![\w.$}\])])/(?:home|mnt|private|root|tmp|Users|work)/\w")
    for path in sources():
        for number, line in enumerate(read(path).splitlines(), 1):
            assert not of_a_machine.search(line), f"{path.relative_to(ROOT)}:{number}: {line}"


def test_rules_kernels_stages_and_storages_have_no_unsafe_code() -> None:
    src = ROOT / "src"
    safe = [
        path
        for name in ("optim", "rule", "kernel", "hyper")
        for path in src.glob(f"{name}/**/*.rs")
    ]
    safe += [src / f"{name}.rs" for name in ("engine/plan", "algorithm", "registry", "simd")]
    assert len(safe) > 40
    for path in safe:
        assert not re.search(r"\bunsafe\b", read(path)), path
