"""Pages of the scripts in the folder `examples`: description, code, and what each script prints.

The page of a script has its code as one block, which is run when the site is built.
"""

from __future__ import annotations

import ast
from pathlib import Path

from markdown import contents, table

FOLDER = Path(__file__).resolve().parents[2] / "examples"


def scripts() -> list[Path]:
    """The Python scripts, by name."""
    return sorted(FOLDER.glob("*.py"))


def pages() -> dict[str, str]:
    """A page for each script."""
    return {f"examples/{path.stem}.md": page(path) for path in scripts()}


def page(path: Path) -> str:
    """The page of one script."""
    title, description, code = parts(path)
    lines = [f"# {title}", "", description, ""]
    lines += [f"The script is `examples/{path.name}`.", "", "```python", code.rstrip(), "```"]
    return "\n".join(lines) + "\n"


def parts(path: Path) -> tuple[str, str, str]:
    """The first line of the docstring without its full stop, the rest of it, and the code."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    docstring = ast.get_docstring(tree)
    assert docstring, f"{path.name} needs a docstring"
    title, _, description = docstring.partition("\n")
    code = "\n".join(text.splitlines()[tree.body[0].end_lineno :]).strip() + "\n"
    return title.rstrip("."), description.strip(), code


def overview() -> str:
    """A table of all scripts."""
    lines = [
        (f"[{parts(path)[0]}](/examples/{path.stem}.md)", f"`{path.name}`") for path in scripts()
    ]
    shown = table(("example", "file"), lines)
    return "\n".join([*shown, *contents(f"examples/{path.stem}" for path in scripts())])
