"""The formulas of the registry, as TeX.

The grammar is that of `Formula` in `src/rule/formula.rs`: assignments separated by ``"; "``, a
product is a space, and a function is followed by its parenthesis without a space.
"""

from __future__ import annotations

import re

GREEK = {"alpha", "beta", "gamma", "delta", "eta", "theta", "lambda", "mu", "phi", "psi", "rho"}
GREEK |= {"sigma", "tau", "kappa", "omega", "xi", "nu", "zeta", "epsilon"}
NAMES = {"learning_rate": r"\eta", "weight_decay": r"\lambda"}
RELATIONS = {"==": "=", "<": "<", ">": ">", "<=": r"\le", ">=": r"\ge", "!=": r"\ne"}
QUOTIENT = r"\\frac\{(?:[^{}]|\{[^{}]*\})*\}\{(?:[^{}]|\{[^{}]*\})*\}"
# A symbol, which may have an index and an exponent, or something between bars or under a root.
SINGLE = re.compile(
    r"(?:[^{}\s]|\{[^{}]*\})+|\\(?:lVert|lvert) [^{}]* \\(?:rVert|rvert)|\\sqrt\{.*\}"
)
TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?(?:e-?\d+)?|[A-Za-z]\w*\(?|<=|>=|==|!=|[-+/^()<>,])")


class NotAFormulaError(ValueError):
    """The text does not follow the grammar."""


def symbol(name: str) -> str:
    """TeX of a variable: one letter or a Greek one, with an index; other names are upright."""
    if name in NAMES:
        return NAMES[name]
    base, _, index = name.partition("_")
    if base not in GREEK and len(base) > 1:
        return rf"\mathrm{{{escaped(name)}}}"
    text = "\\" + base if base in GREEK else base
    if len(index) > 1:
        index = rf"\mathrm{{{escaped(index)}}}"
    return text + (f"_{{{index}}}" if index else "")


def escaped(name: str) -> str:
    """A name with underscores as they are."""
    return name.replace("_", r"\_")


class Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if not token or (wanted and token != wanted):
            raise NotAFormulaError(f"{wanted or 'more'} expected in {' '.join(self.tokens)}")
        self.at += 1
        return token

    def comparison(self) -> str:
        text = self.sum()
        if self.peek() in RELATIONS:
            text += f" {RELATIONS[self.take()]} {self.sum()}"
        return text

    def whole(self) -> str:
        text = self.comparison()
        if self.peek():
            raise NotAFormulaError(" ".join(self.tokens))
        return text

    def sum(self) -> str:
        text = self.take() + " " if self.peek() == "-" else ""
        text += self.product()
        while self.peek() in {"+", "-"}:
            text += f" {self.take()} {self.product()}"
        return text

    def product(self) -> str:
        text = self.power()
        while True:
            token = self.peek()
            if token == "/":
                self.take()
                text = rf"\frac{{{flat(bare(text))}}}{{{flat(bare(self.power()))}}}"
            elif re.match(r"[A-Za-z0-9(]", token):
                text += rf" \, {self.power()}"
            else:
                return text

    def power(self) -> str:
        text = self.atom()
        if self.peek() == "^":
            self.take()
            text = f"{text}^{{{bare(self.atom())}}}"
        return text

    def atom(self) -> str:
        token = self.take()
        if token == "(":
            inner = self.comparison()
            self.take(")")
            # A quotient next to a factor needs no parentheses; it has its bar.
            return inner if re.fullmatch(QUOTIENT, inner) else rf"\left( {inner} \right)"
        if token[0].isdigit():
            mantissa, _, exponent = token.partition("e")
            return rf"10^{{{exponent}}}" if exponent and mantissa == "1" else token
        if not token[0].isalpha():
            raise NotAFormulaError(token)
        return self.call(token[:-1]) if token.endswith("(") else symbol(token)

    def call(self, name: str) -> str:
        arguments = [self.comparison()]
        while self.peek() == ",":
            self.take()
            arguments.append(self.comparison())
        self.take(")")
        if name == "sqrt":
            return rf"\sqrt{{{arguments[0]}}}"
        if name == "norm":
            return rf"\lVert {arguments[0]} \rVert"
        if name == "abs":
            return rf"\lvert {arguments[0]} \rvert"
        if name == "if":
            condition, x, y = arguments
            return (
                rf"\begin{{cases}} {x} & \text{{if }} {condition} \\ {y} & \text{{else}} "
                r"\end{cases}"
            )
        title = rf"\{name}" if name in {"max", "min", "log"} else None
        title = title or rf"\operatorname{{{name.replace('_', ' ')}}}"
        return rf"{title} \left( {', '.join(arguments)} \right)"


def bare(text: str) -> str:
    """Drop parentheses around a whole."""
    opening, closing = r"\left( ", r" \right)"
    if not (text.startswith(opening) and text.endswith(closing)):
        return text
    inner, depth = text[len(opening) : -len(closing)], 0
    for found in re.finditer(r"\\(left|right)\b", inner):
        depth += 1 if found[1] == "left" else -1
        if depth < 0:
            return text
    return inner


def flat(text: str) -> str:
    """Write the quotients inside of a quotient with a slash, so that they stay legible."""
    while (at := text.find(r"\frac{")) >= 0:
        middle = closing(text, at + len(r"\frac"))
        end = closing(text, middle)
        above, below = text[at + len(r"\frac{") : middle - 1], text[middle + 1 : end - 1]
        quotient = f"{factor(above)} / {factor(below)}"
        if text.startswith(r" \,", end):
            quotient = rf"\left( {quotient} \right)"
        text = text[:at] + quotient + text[end:]
    return text


def closing(text: str, at: int) -> int:
    """The position behind the brace that closes the one at this position."""
    depth = 0
    for i in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return i + 1
    raise NotAFormulaError(text)


def factor(text: str) -> str:
    """Put parentheses around an expression that is not a single symbol."""
    return text if SINGLE.fullmatch(text) else rf"\left( {text} \right)"


def tokenize(text: str) -> list[str]:
    """Numbers, names, names of functions with their parenthesis, and signs."""
    tokens, at = [], 0
    while at < len(text.rstrip()):
        found = TOKEN.match(text, at)
        if not found:
            raise NotAFormulaError(text)
        tokens.append(found[1])
        at = found.end()
    return tokens


def assignment(text: str) -> str:
    """TeX of one assignment."""
    name, equals, expression = text.partition(" = ")
    if not equals:
        raise NotAFormulaError(text)
    return f"{symbol(name)} &= {Parser(tokenize(expression)).whole()}"


def tex(formula: str) -> str:
    """TeX of a formula of the registry."""
    lines = [assignment(part) for part in formula.split("; ")]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"
