"""The docstrings of optimizers and schedules are complete, and say what the library does."""

from __future__ import annotations

import doctest
import inspect
import re
from typing import Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import schedules

ROWS = lamb_rs.registry()
SCHEDULES = [
    cls
    for cls in (getattr(schedules, name) for name in schedules.__all__)
    if isinstance(cls, type) and issubclass(cls, schedules.Schedule)
]
CLASSES = [getattr(lamb_rs, row.class_name) for row in ROWS] + SCHEDULES
RANGES = {
    "a finite number > 0": "positive",
    "a finite number >= 0": "at least 0",
    "a finite number >= 4": "at least 4",
    "a finite number <= 0": "at most 0",
    "a number in the range (0, 1)": "in (0, 1)",
    "a number in the range [0, 1)": "in [0, 1)",
    "a number in the range [0, 1]": "in [0, 1]",
    "a pair (low, high) with 0 <= low <= high": "0 <= low <= high",
    "an integer >= 0": "at least 0",
    "an integer >= 1": "at least 1",
    "an integer >= 2": "at least 2",
}
STORAGES = ("float32", "bfloat16", "float8")

each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
each_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)


def docstring(cls: Any) -> str:
    text = inspect.getdoc(cls)
    assert text
    return text


def entry(text: str, name: str) -> str:
    """The line of an argument and its description."""
    found = re.search(rf"^{name} : .*\n(?:(?: {{4}}.*)?\n)*", text, re.MULTILINE)
    assert found, name
    return " ".join(found[0].split())


@each_class
def test_the_first_line_is_a_sentence_about_the_class(cls: Any) -> None:
    first = docstring(cls).splitlines()[0]
    assert first.endswith(".")
    assert len(first.split()) >= 5


@each_class
def test_a_docstring_has_an_example_with_its_output(cls: Any) -> None:
    found = doctest.DocTestParser().get_examples(docstring(cls))
    assert found
    assert found[-1].want
    assert "Examples\n--------\n" in docstring(cls)


@each_class
def test_sections_are_in_the_order_of_numpydoc(cls: Any) -> None:
    order = ["Parameters", "Raises", "Notes", "References", "Examples"]
    titles = re.findall(r"^(\w+)\n-+$", docstring(cls), re.MULTILINE)
    assert titles == [title for title in order if title in titles]


@each_row
def test_arguments_have_their_ranges(row: Any) -> None:
    text = docstring(getattr(lamb_rs, row.class_name))
    written = inspect.signature(getattr(lamb_rs, row.class_name).__init__).parameters
    for one in row.hyperparameters:
        if one.name not in written:
            continue
        domain = one.range.partition(", or ")[0]
        described = entry(text, one.name)
        if one.kind in {"number", "integer", "pair"}:
            assert RANGES[domain] in described.lower(), one.name
        if ", or None" in one.range:
            assert "None" in described.partition(" default ")[0], one.name
        for choice in one.choices:
            # Booleans are the type "bool".
            shown = f'"{choice}"' if isinstance(choice, str) else "bool"
            assert shown in described, one.name


@each_row
def test_the_formula_is_that_of_the_registry(row: Any) -> None:
    """The first block of a docstring is the update at the defaults, an assignment on each line."""
    text = docstring(getattr(lamb_rs, row.class_name))
    block = re.search(r"::\n\n((?: {4}.*\n)+)", text)
    assert block
    # A long assignment goes on in lines that are indented further.
    shown = re.split(r"\n(?=\w)", inspect.cleandoc(block[1]))
    assert [" ".join(one.split()) for one in shown] == [
        without_needless_parentheses(one) for one in row.formula.split("; ")
    ]


def without_needless_parentheses(formula: str) -> str:
    """``x / (norm(g))`` as ``x / norm(g)``."""
    return re.sub(r"(?<!\w)\((\w+\(\w+\))\)", r"\1", formula)


@each_row
def test_state_is_what_an_optimizer_takes(row: Any) -> None:
    state = " ".join(docstring(getattr(lamb_rs, row.class_name)).split()).partition("State: ")[2]
    bytes_of = r"(\d+) bytes per parameter in float32, (\d+) in bfloat16, (\d+) in float8"
    known = [[float(one) for one in numbers] for numbers in re.findall(bytes_of, state)]
    known += [
        [float(one)] * 3 for one in re.findall(r"(\d+) bytes per parameter[.,](?! in)", state)
    ]
    sides = re.search(r"(\d+) bytes per row and per column", state)
    if sides:
        # Arrays without rows and columns, and a matrix, which may have a momentum in addition.
        assert rounded(measured(row, (512 * 512,))) in known
        shares = int(sides[1]) * (512 + 512) / 512**2
        known = [[one + shares for one in numbers] for numbers in [[0.0] * 3, *known]]
    assert rounded(measured(row, (512, 512))) in map(rounded, known)


def rounded(numbers: list[float]) -> list[float]:
    """Without the scales of float8, which are less than a hundredth of a byte for each moment."""
    return [round(one, 1) for one in numbers]


def measured(row: Any, shape: tuple[int, ...]) -> list[float]:
    """Bytes of state per parameter, for each storage."""
    found = []
    for dtype in STORAGES:
        opt = getattr(lamb_rs, row.class_name)(state_dtype=dtype)
        opt.build({"kernel": np.zeros(shape, np.float32)})
        found.append(opt.state_bytes / np.prod(shape))
    return found
