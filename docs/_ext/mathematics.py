"""Formulas as MathML, with a font for mathematics that comes with the site.

Pages need no script, no network and no font of the reader's machine. The font is a subset of STIX
Two Math, which the package ziamath contains.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from docutils.nodes import SkipNode
from docutils.utils.math.latex2mathml import tex2mathml

if TYPE_CHECKING:
    from collections.abc import Iterable

FONT = "mathematics.woff"
# Latin, Greek, operators, and the italic letters that browsers use for variables.
CHARACTERS = [
    *range(0x20, 0x7F),
    *range(0x391, 0x3D6),
    *map(ord, "\N{DOUBLE VERTICAL LINE}\N{PARALLEL TO}\N{SQUARE ROOT}\N{INFINITY}\N{MINUS SIGN}"),
    *map(ord, "≤≥≠≈·⋅×±→←↦∑∏∈∂ϵϕ…\N{PLANCK CONSTANT}\u0302\u00af\u2032\u02c6\u2062\u2061"),
    *range(0x1D434, 0x1D468),
    *range(0x1D6A4, 0x1D71C),
]


LONG = 20  # characters of TeX


def write_font(path: Path) -> None:
    """Write the subset of the font that formulas use."""
    if path.exists():
        return
    import ziamath  # noqa: PLC0415 - tests import this module without it
    from fontTools import subset  # noqa: PLC0415
    from fontTools.ttLib import TTFont  # noqa: PLC0415

    font = TTFont(Path(ziamath.__file__).parent / "fonts" / "STIXTwoMath-Regular.ttf")
    subsetter = subset.Subsetter(subset.Options(layout_features=["*"]))
    subsetter.populate(unicodes=CHARACTERS)
    subsetter.subset(font)
    font.flavor = "woff"
    path.parent.mkdir(parents=True, exist_ok=True)
    font.save(path)


def mathml(tex: str, *, as_block: bool) -> str:
    """MathML of a formula.

    docutils leaves open which of two bars opens and which closes, and what is displayed large.
    """
    text: str = tex2mathml(tex, as_block=as_block)
    unknown = {ord(letter) for letter in re.sub(r"<[^>]*>|&\w+;|\s", "", text)} - set(CHARACTERS)
    if unknown:
        raise ValueError(f"add {''.join(map(chr, unknown))!r} to CHARACTERS, for {tex}")
    plain = "" if as_block else ' stretchy="false"'
    for bar in ("\N{DOUBLE VERTICAL LINE}", "|"):
        opening, closing = f'<mo class="mathopen">{bar}</mo>', f"<mo>{bar}</mo>"
        text = text.replace(opening, f'<mo form="prefix"{plain}>{bar}</mo>')
        text = text.replace(closing, f'<mo form="postfix"{plain}>{bar}</mo>')
    text = re.sub(r"(<mtd>\s*)<mo>", r'\1<mo form="infix">', text)
    return text.replace("<mtable ", '<mtable displaystyle="true" ')


def inline(self: Any, node: Any) -> NoReturn:
    """Show a formula within a line."""
    parts = breakable(node.astext())
    self.body.append("<wbr>".join(mathml(part, as_block=False) for part in parts))
    raise SkipNode


def breakable(tex: str) -> list[str]:
    """Parts of a formula between which a line may break: at a relation, or a sum if it is long."""
    parts, depth = [""], 0
    for token in re.findall(r"\\[A-Za-z]+|\\.|.", tex):
        depth += (token in {"{", r"\left"}) - (token in {"}", r"\right"})
        relation = token in {"=", r"\le", r"\leftarrow"} and parts[-1].strip()
        if depth == 0 and (relation or (token in {"+", "-"} and len(parts[-1]) > LONG)):
            parts.append("")
        parts[-1] += token
    return parts


def block(self: Any, node: Any) -> NoReturn:
    """Show a formula on lines of its own, with its width for narrow screens."""
    tex = node.astext()
    style = f'style="--width: {width(tex)}"'
    self.body.append(f'<div class="math" {style}>{mathml(tex, as_block=True)}</div>')
    raise SkipNode


def width(tex: str) -> int:
    """About how many letters the longest line of a formula has."""
    before = ""
    while before != tex:
        before = tex
        tex = re.sub(r"\\(?:text|mathrm|operatorname|sqrt)\{([^{}]*)\}", r"\1.", tex)
        tex = re.sub(r"[_^]\{([^{}]*)\}", lambda found: found[1][: len(found[1]) // 2], tex)
        tex = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", lambda found: _longest(found.groups()), tex)
        tex = re.sub(
            r"\\begin\{cases\}((?:(?!\\begin).)*?)\\end\{cases\}",
            lambda found: _longest(found[1].replace("&", "..").split(r"\\")) + "..",
            tex,
            flags=re.DOTALL,
        )
    rows = [line.partition("&") for line in tex.split(r"\\")]
    sides = zip(*((_letters(left), _letters(right)) for left, _, right in rows), strict=True)
    return sum(map(max, sides))


def _longest(parts: Iterable[str]) -> str:
    return max(parts, key=_letters)


def _letters(tex: str) -> int:
    """Letters of a line without fractions, indices and cases."""
    plain = re.sub(r"\\(?:left|right|begin|end|[,;])(?:\{\w+\})?", "", tex)
    return len(re.sub(r"[{}&\s]", "", re.sub(r"\\[A-Za-z]+", "x", plain)))
