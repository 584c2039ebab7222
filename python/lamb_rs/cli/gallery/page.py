"""The page of the gallery."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from lamb_rs.cli.gallery.convergence import HEADER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lamb_rs.cli.gallery.convergence import Line
    from lamb_rs.cli.gallery.setting import Pictures

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>lamb_rs: gallery</title>
<style>
  body { font-family: sans-serif; margin: 2em auto; max-width: 1100px; padding: 0 1em;
         color: #111; background: #fff; line-height: 1.4; }
  figure { margin: 0 0 2.5em; }
  figcaption { max-width: 46em; }
  img { max-width: 100%; height: auto; display: block; }
  .scroll { overflow-x: auto; }
  table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
  th, td { padding: 0.2em 0.8em; text-align: right; border-bottom: 1px solid #ccc; }
  th:first-child, td:first-child { text-align: left; }
</style>
</head>
<body>
<h1>lamb_rs: gallery</h1>
"""


def page(parts: Mapping[str, Pictures], lines: list[Line], explanation: str) -> str:
    """Return the page.

    Parameters
    ----------
    parts : mapping
        Titles, each with files and their captions.
    lines : list of Line
        Rows of the table.
    explanation : str
        Meaning of its columns.

    Returns
    -------
    str
        HTML that refers to the files in its folder.
    """
    sections = [
        f"<h2>{html.escape(title)}</h2>\n" + "\n".join(map(_figure, pictures, pictures.values()))
        for title, pictures in parts.items()
    ]
    return "\n".join([_HEAD, *sections, _table(lines, explanation), "</body>\n</html>\n"])


def _figure(file: str, caption: str) -> str:
    words = html.escape(caption)
    if file.endswith(".html"):
        return f'<p><a href="{file}">{file}</a>: {words}</p>'
    alt = html.escape(caption.partition(". ")[0].rstrip("."), quote=True)
    return f'<figure>\n<img src="{file}" alt="{alt}">\n<figcaption>{words}</figcaption>\n</figure>'


def _table(lines: list[Line], explanation: str) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in HEADER)
    rows = [
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in line.cells()) + "</tr>"
        for line in lines
    ]
    body = "\n".join(rows)
    return (
        f"<h2>Final result of each optimizer</h2>\n<p>{html.escape(explanation)}</p>\n"
        f'<div class="scroll"><table>\n<tr>{head}</tr>\n{body}\n</table></div>'
    )
