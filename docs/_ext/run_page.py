"""Run the Python blocks of one page in order and report what each of them prints.

The blocks share one set of names, as if a reader pasted them into one session. A line that ends
with ``# raises NameOfException`` must raise that exception; its message is part of the output.

Used as a program: it reads ``{"blocks": [...]}`` as JSON from standard input and writes a list of
results to the file that its argument names. The current folder is where the blocks write files.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
import traceback
from pathlib import Path
from typing import Any

RAISES = re.compile(r"#\s*raises\s+(\w+)\s*$", re.MULTILINE)
IMAGES = {".png", ".svg", ".gif"}


def run(blocks: list[str], page: str) -> list[dict[str, Any]]:
    """Results of the blocks; the last one has an ``error`` if a block failed.

    Returns
    -------
    list of dict
        ``text`` is what the block printed, ``images`` are the names of image files that it wrote,
        ``missing`` is a package that it imports and that is not installed, and ``error`` is the
        traceback of an exception that the block does not announce.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    results = []
    for number, block in enumerate(blocks, 1):
        before = images()
        result = run_block(block, f"{page}, block {number}", names)
        result["images"] = sorted(name for name, at in images().items() if before.get(name) != at)
        results.append(result)
        if result["error"] or result["missing"]:
            break
    return results


def run_block(block: str, title: str, names: dict[str, Any]) -> dict[str, Any]:
    """Result of one block, without its images."""
    printed = io.StringIO()
    announced = RAISES.search(block)
    missing = error = None
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            exec(compile(block, title, "exec"), names)  # noqa: S102 - a page of this repository
        except ModuleNotFoundError as failure:
            missing = (failure.name or "").partition(".")[0]
            if missing == "lamb_rs":
                error = traceback.format_exc()
        except Exception as failure:  # noqa: BLE001 - any of them is reported
            if announced and type(failure).__name__ == announced[1]:
                print(f"{type(failure).__name__}: {failure}")
            else:
                error = traceback.format_exc()
        else:
            if announced:
                error = f"{title} announces {announced[1]}, which was not raised"
    return {"text": printed.getvalue(), "missing": missing, "error": error}


def images() -> dict[str, int]:
    """Names of the image files in the current folder, with the time of their last change."""
    return {
        path.name: path.stat().st_mtime_ns
        for path in Path().iterdir()
        if path.suffix in IMAGES and path.is_file()
    }


def main() -> None:
    """Serve one page."""
    order = json.load(sys.stdin)
    results = run(order["blocks"], order["page"])
    Path(sys.argv[1]).write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    main()
