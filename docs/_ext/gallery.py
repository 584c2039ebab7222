"""The pictures of `python -m lamb_rs gallery`, drawn when the site is built and shown on a page.

Drawing takes most of a minute, so the pictures are kept until the code that draws them changes.
"""

from __future__ import annotations

import hashlib
import html
import re
import subprocess
import sys
from pathlib import Path

import lamb_rs

FOLDER = Path(__file__).resolve().parents[1] / "_static" / "drawn" / "gallery"
STAMP = FOLDER / "stamp.txt"
PACKAGE = Path(lamb_rs.__file__).parent
TITLE = re.compile(r"<h2>(.*?)</h2>(.*?)(?=<h2>|\Z)", re.DOTALL)
FIGURE = re.compile(
    r'<img src="(?P<file>[^"]+)" alt="(?P<alt>[^"]*)">\s*<figcaption>(?P<caption>.*?)</figcaption>'
    r'|<a href="(?P<page>[^"]+)">[^<]*</a>: (?P<about>[^<]*)',
    re.DOTALL,
)


def draw() -> None:
    """Draw the pictures, if they are not there or were drawn by other code."""
    code = hashlib.sha256()
    for folder in ("plots", "cli"):
        for path in sorted((PACKAGE / folder).rglob("*.py")):
            code.update(path.read_bytes())
    if STAMP.exists() and STAMP.read_text(encoding="utf-8") == code.hexdigest():
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "lamb_rs", "gallery", "--out", str(FOLDER)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    # The page of the gallery is replaced by a page of this site.
    (FOLDER / "index.html").rename(FOLDER / "captions.txt")
    STAMP.write_text(code.hexdigest(), encoding="utf-8")


def figures() -> str:
    """All pictures with their captions, as Markdown."""
    captions = FOLDER / "captions.txt"
    if not captions.exists():
        return "The pictures are drawn when the site is built.\n"
    lines = []
    for title, section in TITLE.findall(captions.read_text(encoding="utf-8")):
        shown = [figure(found) for found in FIGURE.finditer(section)]
        if shown:
            lines += [f"## {html.unescape(title)}", "", *(line for one in shown for line in one)]
    return "\n".join(lines) + "\n"


def figure(found: re.Match[str]) -> list[str]:
    """One picture with its caption, or a link to a page with its description."""
    if found["page"]:
        link = f'<a href="_static/drawn/gallery/{found["page"]}">{found["page"]}</a>'
        return [f"{link}: {text(found['about'])}", ""]
    alt = text(found["alt"]).replace("[", "\\[").replace("]", "\\]")
    return [f"![{alt}](/_static/drawn/gallery/{found['file']})", "", text(found["caption"]), ""]


def text(markup: str) -> str:
    """The text of a caption, safe in Markdown."""
    plain = " ".join(html.unescape(markup).split())
    return re.sub(r"([\\`*_<|$])", r"\\\1", plain)
