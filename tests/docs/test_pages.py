"""The site in docs: its code runs, every optimizer has a page, every link leads somewhere."""

from __future__ import annotations

import doctest
import importlib
import inspect
import os
import posixpath
import re
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Read when keras is first imported.
os.environ["KERAS_BACKEND"] = "jax"

import numpy as np
import pytest

import lamb_rs

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
WRITTEN = sorted([*DOCS.glob("*.md"), *DOCS.glob("migrating/*.md"), *DOCS.glob("reference/*.md")])
FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROWS = lamb_rs.registry()

each_written = pytest.mark.parametrize(
    "page", WRITTEN, ids=lambda page: page.relative_to(DOCS).as_posix()
)


def extension(name: str) -> ModuleType:
    """A module of the folder that makes the site."""
    sys.path.insert(0, str(DOCS / "_ext"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)


@cache
def generated() -> dict[str, str]:
    """The pages that `make docs` writes, without writing them."""
    pages: dict[str, str] = extension("generate").pages()
    return pages


@cache
def everything() -> dict[str, str]:
    written = {
        page.relative_to(DOCS).as_posix(): page.read_text(encoding="utf-8") for page in WRITTEN
    }
    return {**written, **generated()}


def run_page() -> ModuleType:
    """The module that runs the code of a page, here and when the site is built."""
    return extension("run_page")


def prose(text: str) -> str:
    return FENCE.sub("", text)


def blocks(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return [body for name, body in FENCE.findall(text) if name == language]


# Code


@each_written
def test_the_code_of_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All blocks in order, as a reader would paste them into one session."""
    code = blocks(page, "python")
    needed = re.findall(r"^(?:import|from) (\w+)", "\n".join(code), re.MULTILINE)
    if re.search(r"\.(?:plot|savefig)\(", "\n".join(code)):
        needed.append("matplotlib")
    for package in needed:
        if package not in sys.stdlib_module_names:
            pytest.importorskip(package, reason=f"this page is for those who have {package}")
    monkeypatch.chdir(tmp_path)
    for result in run_page().run(code, page.name):
        assert not result["error"], result["error"]
        assert not result["missing"]


def test_the_pages_show_code() -> None:
    shown = {page.name for page in WRITTEN if blocks(page, "python")}
    assert {"index.md", "choosing.md", "large-batch.md", "torch.md", "keras.md"} <= shown
    assert {"optax.md", "timm.md", "checkpoints.md", "schedules.md", "wrappers.md"} <= shown


PACKAGE = ROOT / "python" / "lamb_rs"
WITH_EXAMPLES = [
    ".".join(["lamb_rs", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(
        ".__init__"
    )
    for path in sorted(PACKAGE.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_of_docstrings_run(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    schedules = {name: getattr(lamb_rs.schedules, name) for name in lamb_rs.schedules.__all__}
    # A dataclass looks its module up by name.
    known = {**schedules, "lamb_rs": lamb_rs, "np": np, "__name__": module}
    found = doctest.testmod(importlib.import_module(module), extraglobs=known)
    assert found.attempted
    assert not found.failed


# Generated pages


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_optimizer_has_a_page(row: Any) -> None:
    page = generated()[f"api/{row.class_name}.md"]
    assert f"autoclass:: lamb_rs.{row.class_name}\n" in page
    own = [one.name for one in row.hyperparameters if not one.shared]
    shown = inspect.signature(getattr(lamb_rs, row.class_name)).parameters
    for name in own:
        assert name not in shown or f"| `{name}` | " in page
    assert "arXiv" not in row.source or "](https://arxiv.org/abs/" in page


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_state_on_a_page_is_what_an_optimizer_takes(row: Any) -> None:
    page = generated()[f"api/{row.class_name}.md"]
    row_of_defaults = r"\| the defaults \| 256 x 256 \| (\S+) \| (\S+) \| (\S+) \|\n"
    cells = re.search(row_of_defaults, page)
    assert cells
    for dtype, cell in zip(("float32", "bfloat16", "float8"), cells.groups(), strict=True):
        opt = getattr(lamb_rs, row.class_name)
        if cell == "refused":
            with pytest.raises(lamb_rs.HyperparameterError):
                opt(state_dtype=dtype)
            continue
        made = opt(state_dtype=dtype)
        made.build(np.zeros((256, 256), np.float32))
        assert float(cell) == round(made.state_bytes / 65536, 3)


def test_everything_public_is_in_the_reference() -> None:
    text = "\n".join(generated().values())
    for name in lamb_rs.__all__:
        value = getattr(lamb_rs, name)
        if inspect.isclass(value) or inspect.isroutine(value):
            assert re.search(rf"^\.\. auto\w+:: lamb_rs\.{name}$", text, re.MULTILINE), name
    for name in lamb_rs.schedules.__all__:
        assert f":: lamb_rs.schedules.{name}\n" in text
        if inspect.isclass(getattr(lamb_rs.schedules, name)):
            assert f"api/{name}.md" in generated()
    for name in [*lamb_rs.optim.__all__, "Lookahead", "Larc", "MultiOptimizer"]:
        assert f"api/{name}.md" in generated()


def test_combinations_name_what_is_refused() -> None:
    text = generated()["_made/combinations.md"]
    refused = re.findall(r"^\| \[(\w+)\]\(\S+\) \| `(.*)` \| (.*) \| (.*) \|$", text, re.MULTILINE)
    assert ("Lamb", "Larc") in {(name, option) for name, option, *_ in refused}
    found = re.match(r"(\d+) combinations were tried", text)
    assert found
    assert int(found[1]) == len(ROWS) * 18 * 3
    for name, option, *_ in refused:
        assert option in {"Lookahead", "Larc", "LossScaleOptimizer"}, (name, option)


def test_the_table_of_convergence_has_every_optimizer() -> None:
    (table,) = blocks(DOCS / "convergence.md", "text")
    assert {row.class_name for row in ROWS} <= {
        line.partition(" ")[0] for line in table.splitlines()
    }


# Links


def anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", prose(text), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", title.lower()) for title in titles]
    return {title.replace(" ", "-") for title in plain}


def beside(name: str, target: str) -> str:
    """The page that a link on another page means."""
    if target.startswith("/"):
        return target[1:]
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), target))


TARGET = re.compile(r"\]\(([^)\s]+)\)")


@each_written
def test_links_of_a_written_page_lead_to_files_of_the_repository(page: Path) -> None:
    """So that they work where the repository is viewed, without a built site."""
    pages = everything()
    for target in TARGET.findall(prose(page.read_text(encoding="utf-8"))):
        if target.startswith(("https://", "#lamb_rs.")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        # Pictures that are drawn when the site is built are shown on the site only.
        if "_static/drawn" in target:
            continue
        assert file in WRITTEN or file.parent == DOCS / "_static", f"{page.name}: {target}"
        assert file.exists(), f"{page.name}: {target}"
        if anchor:
            name = file.relative_to(DOCS).as_posix()
            assert anchor in anchors(pages[name]), f"{page.name}: {target}"


def test_links_of_generated_pages_resolve() -> None:
    pages = everything()
    for name, text in generated().items():
        for target in TARGET.findall(prose(text)):
            if target.startswith(("https://", "#lamb_rs.", "/_static/drawn/")):
                continue
            path, _, anchor = target.partition("#")
            found = beside(name, path) if path else name
            assert found in pages, f"{name}: {target}"
            assert not anchor or anchor in anchors(pages[found]), f"{name}: {target}"


def test_every_page_is_in_a_table_of_contents() -> None:
    pages = everything()
    listed = {"index.md"}
    for name, text in pages.items():
        for body in re.findall(r"^```\{toctree\}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            for line in body.splitlines():
                entry = re.sub(r"^.*<(.*)>$", r"\1", line.strip())
                if entry and not entry.startswith(":"):
                    listed.add(beside(name, f"{entry}.md"))
    assert listed == {name for name in pages if not name.startswith("_made/")}


def test_every_part_that_is_made_is_included() -> None:
    written = "\n".join(page.read_text(encoding="utf-8") for page in WRITTEN)
    for name in generated():
        if name.startswith("_made/"):
            assert f"{name}\n" in written, name


@each_written
def test_what_a_page_names_is_there(page: Path) -> None:
    quoted = re.findall(r"`([^`\n]+)`", prose(page.read_text(encoding="utf-8")))
    for path in quoted:
        if re.fullmatch(r"(?:src|python|tests|tools|docs|benches|\.ci)/[\w./-]*\w/?", path):
            assert path.startswith("docs/_build/") or (ROOT / path).exists(), path
    for path in quoted:
        if found := re.fullmatch(r"lamb_rs\.(\w+(?:\.\w+)*)(?:\(.*\))?", path):
            value: Any = lamb_rs
            for part in found[1].split("."):
                value = getattr(value, part)


@cache
def allowed() -> dict[str, list[Any]]:
    """Every argument of an optimizer or wrapper, with the words that it takes; others take any."""
    words: dict[str, list[Any]] = {}
    for row in ROWS:
        for one in row.hyperparameters:
            words.setdefault(one.name, []).extend(one.choices)
    public = [getattr(lamb_rs, name) for name in lamb_rs.__all__]
    public += [getattr(lamb_rs.schedules, name) for name in lamb_rs.schedules.__all__]
    for value in public:
        if inspect.isclass(value) and not issubclass(value, Exception):
            for name in inspect.signature(value).parameters:
                words.setdefault(name, [])
    for _, method in inspect.getmembers(lamb_rs.Optimizer, inspect.isfunction):
        for name in inspect.signature(method).parameters:
            words.setdefault(name, [])
    return words


OF_OTHERS = {"lr", "betas", "eps", "base", "base_kwargs", "use_nvlamb", "degenerated_to_sgd"}


@each_written
def test_arguments_that_a_page_names_are_there(page: Path) -> None:
    if page.name == "changelog.md":
        return
    for quoted in re.findall(r"`([^`\n]+)`", prose(page.read_text(encoding="utf-8"))):
        if "from_peer" in quoted or (page.parent.name == "migrating" and quoted[0].islower()):
            continue
        for name, value in re.findall(r"\b([a-z]\w*)=(\"\w+\"|True|False)?", quoted):
            if name in OF_OTHERS:
                continue
            assert name in allowed(), quoted
            if value.startswith('"') and allowed()[name]:
                assert value.strip('"') in allowed()[name], quoted


# Formulas


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_formula_of_the_registry_is_shown_as_mathematics(row: Any) -> None:
    page = generated()[f"api/{row.class_name}.md"]
    assert page.count("\n$$\n\\begin{aligned}\n") == 1 + (row.routed is not None)


def test_formulas_are_read_as_they_are_written() -> None:
    formula = extension("formula")

    def shown(text: str) -> str:
        body: str = (
            formula.tex(text).removeprefix("\\begin{aligned}\n").removesuffix("\n\\end{aligned}")
        )
        return body

    assert shown("p = p - learning_rate m / c") == r"p &= p - \frac{\eta \, m}{c}"
    assert shown("q = norm(p) / norm(u) u") == (
        r"q &= \frac{\lVert p \rVert}{\lVert u \rVert} \, u"
    )
    assert shown("w = max(beta_2 w, abs(g))") == (
        r"w &= \max \left( \beta_{2} \, w, \lvert g \rvert \right)"
    )
    assert shown("u = g / m v") == r"u &= \frac{g}{m} \, v"
    assert shown("m = if(t == 1, g, m)") == (
        r"m &= \begin{cases} g & \text{if } t = 1 \\ m & \text{else} \end{cases}"
    )
    with pytest.raises(formula.NotAFormulaError):
        formula.tex("p = (p")
