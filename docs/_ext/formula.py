"""The one-line formulas of the registry, as TeX.

The registry writes ``p = p - eta (m / c1) / (sqrt(v / c2) + eps)``: a product is a space, a
quotient takes everything to its left in the product. A word that is no symbol stays text.
"""

from __future__ import annotations

import re

GREEK = {"alpha", "beta", "gamma", "delta", "eta", "theta", "lambda", "mu", "phi", "psi", "rho"}
GREEK |= {"sigma", "tau", "kappa", "omega", "xi", "nu", "zeta"}
NAMES = {"slow": r"\phi", "eps": r"\epsilon", "epsilon": r"\epsilon", "tc": r"\mathrm{tc}"}
FUNCTIONS = {"sign", "sgn", "max", "min", "clip", "clamp", "mean", "sum", "rms", "abs", "rows"}
FUNCTIONS |= {"columns", "log", "exp", "cos"}
RELATIONS = {"=": "=", "<": "<", ">": ">", "<=": r"\le", ">=": r"\ge", "!=": r"\ne"}
QUOTIENT = r"\\frac\{(?:[^{}]|\{[^{}]*\})*\}\{(?:[^{}]|\{[^{}]*\})*\}"
# A quotient of two symbols, which may have an index.
SIMPLE = re.compile(r"\\frac\{((?:[^{}\s]|\{[^{}]*\})+)\}\{((?:[^{}\s]|\{[^{}]*\})+)\}")
TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?(?:e-?\d+)?|[A-Za-z]\w*'?|_\w+|<=|>=|!=|[-+*/^()\[\]|=<>,])")


class NotAFormulaError(ValueError):
    """The text is none that this grammar knows."""


def symbol(name: str) -> str:
    """TeX of a variable: ``b1`` is beta_1, ``m_hat`` has a hat, ``r_t`` an index."""
    prime = "'" if name.endswith("'") else ""
    base, _, index = name.rstrip("'").partition("_")
    if digits := re.fullmatch(r"([A-Za-z]+?)(\d+)", base):
        base, index = digits[1], digits[2] + ("," + index if index else "")
    if base == "b" and index:
        base = "beta"
    if base in GREEK:
        text = "\\" + base
    elif base in NAMES:
        text = NAMES[base]
    elif len(base) == 1:
        text = base
    else:
        text = rf"\mathrm{{{base}}}"
    if index == "hat":
        return rf"\hat{{{text}}}{prime}"
    if index and len(index) > 1 and not index.replace(",", "").isdigit():
        index = rf"\mathrm{{{index}}}"
    return text + prime + (f"_{{{index}}}" if index else "")


def known(word: str) -> bool:
    """Whether a word is a symbol rather than prose."""
    base = word.rstrip("'").partition("_")[0]
    letters = re.sub(r"\d+$", "", base)
    if word in FUNCTIONS or word in {"sqrt", "root"}:
        return True
    return (len(letters) == 1 and word != "a") or letters in GREEK or letters in NAMES


class Parser:
    """Recursive descent over the tokens of one clause."""

    def __init__(self, tokens: list[str], norm: tuple[str, str]) -> None:
        self.tokens = tokens
        self.norm = norm
        self.at = 0
        self.bars = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if not token or (wanted and token != wanted):
            raise NotAFormulaError(f"{wanted or 'more'} expected in {' '.join(self.tokens)}")
        self.at += 1
        return token

    def clause(self) -> str:
        text = self.sum()
        while self.peek() in RELATIONS:
            text += f" {RELATIONS[self.take()]} {self.sum()}"
        return text

    def whole(self) -> str:
        text = self.clause()
        if self.peek():
            raise NotAFormulaError(" ".join(self.tokens))
        return text

    def sum(self) -> str:
        text = ""
        if self.peek() in {"-", "+"}:
            text = self.take() + " "
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
            elif token == "*":
                self.take()
                text += rf" \cdot {self.power()}"
            elif self.starts(token):
                text += rf" \, {self.power()}"
            else:
                return text

    def starts(self, token: str) -> bool:
        if token == "|":
            return self.bars == 0
        return token in {"(", "["} or bool(re.match(r"[A-Za-z0-9]", token))

    def power(self) -> str:
        text = self.atom()
        if self.peek().startswith("_"):
            text += f"_{{{self.take()[1:]}}}"
        while self.peek() == "^":
            self.take()
            sign = self.take() if self.peek() == "-" else ""
            text = f"{text}^{{{sign}{bare(self.atom())}}}"
        return text

    def atom(self) -> str:
        token = self.take()
        if token == "(":
            bars, self.bars = self.bars, 0
            inner = self.clause()
            self.take(")")
            self.bars = bars
            # A quotient needs no parentheses beside a factor; it has its bar.
            return inner if re.fullmatch(QUOTIENT, inner) else rf"\left( {inner} \right)"
        if token == "[":
            inner = self.clause()
            self.take("]")
            return rf"\left[ {inner} \right]"
        if token == "|":
            self.bars += 1
            inner = self.clause()
            self.take("|")
            self.bars -= 1
            return rf"{self.norm[0]} {inner} {self.norm[1]}"
        if token[0].isdigit():
            return token
        if not re.match(r"[A-Za-z]", token):
            raise NotAFormulaError(token)
        if self.peek() == "(" and (not known(token) or token in {"sqrt", "root", *FUNCTIONS}):
            return self.call(token)
        return symbol(token)

    def call(self, name: str) -> str:
        self.take("(")
        bars, self.bars = self.bars, 0
        arguments = [self.clause()]
        while self.peek() == ",":
            self.take()
            arguments.append(self.clause())
        self.take(")")
        self.bars = bars
        if name in {"sqrt", "root"} and len(arguments) == 1:
            return rf"\sqrt{{{arguments[0]}}}"
        title = rf"\{name}" if name in {"max", "min", "log", "exp", "cos"} else None
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
    return SIMPLE.sub(r"\1 / \2", text)


def statement(text: str, norm: tuple[str, str]) -> str:
    """TeX of one statement: clauses between commas, with words in between."""
    parts: list[str] = []
    for number, clause in enumerate(split(text)):
        if number:
            parts.append(r", \quad ")
        words = clause.split()
        run: list[str] = []
        prose: list[str] = []
        for word in [*words, ""]:
            is_prose = bool(re.fullmatch(r"[A-Za-z-]+:?", word)) and not known(word)
            if (is_prose or not word) and run:
                parts.append(Parser(tokenize(" ".join(run)), norm).whole())
                run = []
            if not is_prose and prose:
                parts.append(rf"\text{{ {' '.join(prose)} }}")
                prose = []
            if word:
                (prose if is_prose else run).append(word)
    return " ".join(parts)


def split(text: str) -> list[str]:
    """Parts between the commas that stand in no parentheses."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def tokenize(text: str) -> list[str]:
    tokens, at = [], 0
    while at < len(text.rstrip()):
        found = TOKEN.match(text, at)
        if not found:
            raise NotAFormulaError(text)
        tokens.append(found[1])
        at = found.end()
    return tokens


def tex(formula: str) -> str | None:
    """TeX of a formula of the registry, or None where it is not one of this grammar."""
    # Beside a sign, or as an argument of a maximum, bars are of each element; else of the array.
    elements = "sign(" in formula or re.search(r", \|\w+\|\)", formula)
    norm = (r"\lvert", r"\rvert") if elements else (r"\lVert", r"\rVert")
    try:
        lines = [statement(part, norm) for part in formula.split("; ")]
    except NotAFormulaError:
        return None
    lines = [
        "& " + line if line.startswith(r"\text") else line.replace(" = ", " &= ", 1)
        for line in lines
    ]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"
