"""Run the Python blocks of the written pages and show their output and pictures after each block.

A block that fails stops the build. Where a page needs a package that is not installed, the page
says so in place of the output. A page for a package that is too large for this build has its
outputs in ``text`` blocks of its own; `tools/readme.py` writes them.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.errors import ExtensionError

if TYPE_CHECKING:
    from sphinx.application import Sphinx

RUNNER = Path(__file__).with_name("run_page.py")
DRAWN = Path("_static", "drawn")
# Docstrings on these pages are tested and show their own output.
MADE_FROM_DOCSTRINGS = ("optimizers/", "reference/", "changelog")


def show_outputs(app: Sphinx, doctree: nodes.document) -> None:
    """Insert the output of each Python block of a page after the block."""
    page = app.env.docname
    if page.startswith(MADE_FROM_DOCSTRINGS):
        return
    blocks = [
        node for node in doctree.findall(nodes.literal_block) if node.get("language") == "python"
    ]
    if not blocks:
        return
    folder = Path(app.srcdir, DRAWN, page)
    results = outputs([block.astext() for block in blocks], page, folder)
    nothing = {"text": "", "missing": None, "error": None, "images": []}
    for block, result in itertools.zip_longest(blocks, results, fillvalue=nothing):
        if result["error"]:
            raise ExtensionError(f"{page}: a block of code failed\n{result['error']}")
        written = block.next_node(descend=False, siblings=True)
        if isinstance(written, nodes.literal_block) and written.get("language") == "text":
            written.parent.replace(written, nodes.container("", written, classes=["output"]))
        elif shown := after(result, page):
            block.parent.insert(block.parent.index(block) + 1, shown)


def outputs(blocks: list[str], page: str, folder: Path) -> list[dict[str, Any]]:
    """Results of the blocks of a page, as `run_page.run` describes them.

    Parameters
    ----------
    blocks : list of str
        Code.
    page : str
        Name for messages.
    folder : Path
        Where the images go that the blocks write.
    """
    with tempfile.TemporaryDirectory() as place:
        report = Path(place, "report.json")
        session = Path(place, "session")
        session.mkdir()
        ran = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, str(RUNNER), str(report)],
            input=json.dumps({"blocks": blocks, "page": page}),
            capture_output=True,
            text=True,
            cwd=session,
            env={**os.environ, "MPLBACKEND": "agg", "KERAS_BACKEND": "jax"},
            check=False,
        )
        if ran.returncode:
            raise ExtensionError(f"{page}: the interpreter ended\n{ran.stderr}")
        results: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))
        for result in results:
            for name in result["images"]:
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(session / name, folder / name)
    return results


def after(result: dict[str, Any], page: str) -> nodes.Node | None:
    """What is shown after a block, if anything."""
    parts: list[nodes.Node] = []
    if result["missing"]:
        text = f"The output is not shown: {result['missing']} was not installed for this build."
        parts.append(nodes.paragraph("", text))
    elif text := result["text"].rstrip():
        parts.append(nodes.literal_block(text, text, language="text"))
    for name in result["images"]:
        uri = f"/{DRAWN.as_posix()}/{page}/{name}"
        parts.append(nodes.image(uri=uri, alt=f"Figure made by the code above: {name}"))
    return nodes.container("", *parts, classes=["output"]) if parts else None
