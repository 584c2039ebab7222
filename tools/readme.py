"""Run the Python blocks of README.md and write their output into the block below each.

python tools/readme.py [PAGE...]            # write; other pages than README.md by their paths
python tools/readme.py --check [PAGE...]    # only compare: exit with 1 if an output is out of date
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from pathlib import Path
from typing import Any

README = Path(__file__).resolve().parent.parent / "README.md"
BLOCK = re.compile(r"(^```python\n)(.*?)(^```\n\n```text\n)(.*?)(^```$)", re.MULTILINE | re.DOTALL)


def with_outputs(text: str) -> str:
    """Return the page with what each Python block prints in the ``text`` block below it."""
    names: dict[str, Any] = {}

    def shown(block: re.Match[str]) -> str:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block[2], "README.md", "exec"), names)  # noqa: S102 - our own page
        lines = [line.rstrip() for line in printed.getvalue().rstrip().splitlines()]
        return "".join([block[1], block[2], block[3], *(f"{line}\n" for line in lines), block[5]])

    return BLOCK.sub(shown, text)


def main() -> int:
    """Write, or compare."""
    pages = [Path(name) for name in sys.argv[1:] if name != "--check"] or [README]
    old = {page: page.read_text(encoding="utf-8") for page in pages}
    new = {page: with_outputs(text) for page, text in old.items()}
    changed = [page for page in pages if old[page] != new[page]]
    if "--check" in sys.argv[1:]:
        for page in changed:
            print(f"an output in {page.name} is out of date: run python tools/readme.py {page}")
        return int(bool(changed))
    for page in changed:
        page.write_text(new[page], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
