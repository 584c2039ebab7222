"""An evaluator of the formulas that the library prints, in float64.

The grammar is that of `Formula` in `src/rule/formula.rs`.
"""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Array = np.ndarray
    Names = dict[str, Any]
    # Evaluates for the array of this index.
    Node = Callable[["Evaluation", int], Any]

TOKEN = re.compile(r" *(?:(\d+(?:\.\d+)?(?:e-?\d+)?)|(\w+)(\(?)|(==|!=|<=|>=|[-+/^<>(),]))")
COMPARISONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Evaluation:
    """The arrays of one optimizer, moved by its formulas.

    Parameters
    ----------
    formulas : mapping of str to str
        The formula of each parameter array.
    params : mapping of str to array
        Initial values.
    hyper : mapping of str to object
        Hyperparameters; those that are None or texts are never read.
    functions : mapping of str to callable, optional
        Functions in addition to those of the grammar.
    """

    def __init__(
        self,
        formulas: Mapping[str, str],
        params: Mapping[str, Array],
        hyper: Mapping[str, Any],
        functions: Mapping[str, Callable[..., Any]] | None = None,
    ) -> None:
        self.programs = {name: parse(text) for name, text in formulas.items()}
        self.functions = {**FUNCTIONS, **(functions or {})}
        self.hyper = dict(hyper)
        self.order = list(params)
        self.names: list[Names] = [{"p": params[name].astype(np.float64)} for name in self.order]
        self.t = 0

    def update(self, grads: Mapping[str, Array], **hyper: Any) -> None:
        """One update; hyperparameters may have new values."""
        self.t += 1
        self.hyper |= hyper
        for name, own in zip(self.order, self.names, strict=True):
            own["g"] = grads[name].astype(np.float64)
        # What `if` does not choose may be anything.
        with np.errstate(invalid="ignore", divide="ignore"):
            for k in range(max(map(len, self.programs.values()))):
                self._assign(k)

    def _assign(self, k: int) -> None:
        """Make the assignment of this number, for all arrays at once."""
        found: list[tuple[int, str, Any]] = []
        for i, name in enumerate(self.order):
            if k < len(self.programs[name]):
                target, node = self.programs[name][k]
                found.append((i, target, node(self, i)))
        for i, target, value in found:
            self.names[i][target] = value

    def __getitem__(self, name: str) -> Array:
        """The parameter array of this name."""
        return np.broadcast_to(self.names[self.order.index(name)]["p"], self.shape(name))

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a parameter array."""
        return self.names[self.order.index(name)]["g"].shape

    def look(self, name: str, i: int) -> Any:
        """Value of a name; 0 before the first assignment."""
        if name == "t":
            return float(self.t)
        if name in self.names[i]:
            return self.names[i][name]
        return self.hyper.get(name, 0.0)


def parse(formula: str) -> list[tuple[str, Node]]:
    """Names and right-hand sides of the assignments."""
    program = []
    for assignment in formula.split("; "):
        name, _, expression = assignment.partition(" = ")
        if not re.fullmatch(r"[A-Za-z]\w*", name):
            raise ValueError(f"not an assignment: {assignment!r}")
        program.append((name, Parser(expression).whole()))
    return program


def free_names(formula: str) -> set[str]:
    """Names that the formula reads and never assigns."""
    assigned = {name for name, _ in parse(formula)}
    read = set()
    for assignment in formula.split("; "):
        for _, name, call, _ in TOKEN.findall(assignment.partition(" = ")[2]):
            if name and not call:
                read.add(name)
    return read - assigned


class Parser:
    """Recursive descent, a method per level of binding."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found:
                raise ValueError(f"cannot be read from {text[at:]!r}: {text!r}")
            number, name, call, sign = found.groups()
            kind = "number" if number else "call" if call else "name" if name else "sign"
            self.tokens.append((kind, number or name or sign))
            at = found.end()
        self.at = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self, wanted: str | None = None) -> str:
        kind, word = self.peek()
        if kind == "end" or (wanted is not None and word != wanted):
            raise ValueError(f"{wanted or 'more'} expected in {self.text!r}")
        self.at += 1
        return word

    def whole(self) -> Node:
        node = self.comparison()
        if self.peek()[0] != "end":
            raise ValueError(f"{self.peek()[1]!r} is left over in {self.text!r}")
        return node

    def comparison(self) -> Node:
        left = self.sum()
        if self.peek()[1] not in COMPARISONS:
            return left
        compare, right = COMPARISONS[self.take()], self.sum()
        return lambda env, i: np.where(compare(left(env, i), right(env, i)), 1.0, 0.0)

    def sum(self) -> Node:
        node = self.term()
        while self.peek()[1] in ("+", "-"):
            node = join(operator.add if self.take() == "+" else operator.sub, node, self.term())
        return node

    def term(self) -> Node:
        if self.peek()[1] == "-":
            self.take()
            inner = self.term()
            return lambda env, i: -inner(env, i)
        node = self.power()
        while True:
            kind, word = self.peek()
            if word == "/":
                self.take()
                node = join(quotient, node, self.power())
            elif word == "(" or kind in ("number", "name", "call"):
                node = join(operator.mul, node, self.power())
            else:
                return node

    def power(self) -> Node:
        node = self.atom()
        if self.peek()[1] == "^":
            self.take()
            node = join(operator.pow, node, self.atom())
        return node

    def atom(self) -> Node:
        kind, word = self.peek()
        self.take()
        if kind == "number":
            value = float(word)
            return lambda env, i: value
        if kind == "name":
            return lambda env, i: env.look(word, i)
        if word == "(":
            node = self.comparison()
            self.take(")")
            return node
        if kind != "call":
            raise ValueError(f"{word!r} is out of place in {self.text!r}")
        arguments = [self.comparison()]
        while self.peek()[1] == ",":
            self.take()
            arguments.append(self.comparison())
        self.take(")")
        if word == "total":
            (inner,) = arguments
            return lambda env, i: sum(np.sum(inner(env, j)) for j in range(len(env.names)))
        return lambda env, i: env.functions[word](*(one(env, i) for one in arguments))


def join(operation: Callable[[Any, Any], Any], left: Node, right: Node) -> Node:
    """An operation of two operands."""
    return lambda env, i: operation(left(env, i), right(env, i))


def quotient(a: Any, b: Any) -> Array:
    """``a / b``, and 0 where ``b`` is 0."""
    a, b = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(b, np.float64))
    return np.divide(a, b, out=np.zeros(a.shape), where=b != 0)


def channels(x: Array) -> tuple[int, ...]:
    """All axes but the first."""
    return tuple(range(1, np.ndim(x)))


def norm(x: Array) -> Any:
    """L2 norm."""
    return np.sqrt(np.sum(np.square(x)))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": np.abs,
    "sqrt": np.sqrt,
    "log": np.log,
    "sign": np.sign,
    "min": np.minimum,
    "max": np.maximum,
    "clip": np.clip,
    "if": np.where,
    "mod": np.mod,
    "norm": norm,
    "sum": np.sum,
    "mean": np.mean,
    "size": lambda x: float(np.size(x)),
    "row_mean": lambda x: np.mean(x, axis=-1, keepdims=True),
    "column_mean": lambda x: np.mean(x, axis=-2, keepdims=True),
    "channel_mean": lambda x: np.mean(x, axis=channels(x), keepdims=True),
    "channel_sum": lambda x: np.sum(x, axis=channels(x), keepdims=True),
    "channel_size": lambda x: float(np.size(x) / np.shape(x)[0]),
    "largest": np.max,
    "axes": np.ndim,
    "rows": lambda x: float(np.shape(x)[-2]),
    "columns": lambda x: float(np.shape(x)[-1]),
}
