"""Brings the generated tables up to date. `make tables` calls it.

    python tools/tables.py [TABLE...] [--new-numerics]

hashes        tests/hashes.txt. Adds the rows of new algorithms and options. If the hash of an
              existing row has changed, the command lists the row, restores the file and fails.
              --new-numerics writes the changed hashes; raise NUMERICS_VERSION first.
instructions  benches/instructions.txt. Adds new algorithms, and lowers limits to measured values.
readme        README.md. Runs the examples and replaces their outputs.
convergence   docs/convergence.md. Runs every optimizer and replaces the table. Needs Fashion-MNIST.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HASHES = ROOT / "tests" / "hashes.txt"
CONVERGENCE = ROOT / "docs" / "convergence.md"
CHANGED = """
RESULTS HAVE CHANGED FOR USERS. These rows of tests/hashes.txt have another hash or are gone:
{}
{} rows; the file is as it was. If the change is intended, raise NUMERICS_VERSION in src/lib.rs,
describe it in CHANGELOG.md, and run: python tools/tables.py hashes --new-numerics
"""


def run(*command: str, **environment: str) -> str:
    """Run a command in the repository and return its output."""
    done = subprocess.run(  # noqa: S603 - the commands are those of this file
        command,
        cwd=ROOT,
        env=os.environ | environment,
        text=True,
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{done.stdout}\n{' '.join(command)} failed")
    return done.stdout


def rows(text: str) -> dict[str, str]:
    """Return the hashes of a table by the rest of their lines."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {row: digest for digest, _, row in (line.partition(" ") for line in lines)}


def broken(old: str, new: str) -> list[str]:
    """Return the rows of the old table that the new one lacks or gives another hash."""
    after = rows(new)
    return [row for row, digest in rows(old).items() if after.get(row) != digest]


def hashes(new_numerics: bool) -> str:
    """Write the table of hashes, unless an existing row would change."""
    old = HASHES.read_text(encoding="utf-8")
    command = "cargo test --profile quick --test determinism every_row_is_in_the_table"
    run(*command.split(), LAMB_RS_WRITE_HASHES="1")
    new = HASHES.read_text(encoding="utf-8")
    if (changed := broken(old, new)) and not new_numerics:
        HASHES.write_text(old, encoding="utf-8")
        raise SystemExit(CHANGED.format("\n".join(changed), len(changed)))
    return f"{len(rows(new)) - len(rows(old))} rows added, {len(changed)} changed"


def instructions() -> str:
    """Add and lower limits."""
    return run(sys.executable, "benches/instructions.py", "--write").splitlines()[-1]


def convergence() -> str:
    """Replace the table in the page."""
    output = run(sys.executable, "-m", "lamb_rs", "gallery", "--table")
    images = next(line for line in output.splitlines() if line.startswith("Images: "))
    if "Fashion-MNIST" not in images:
        raise SystemExit(f"the page shows Fashion-MNIST, which was not found. {images}")
    (table,) = (part for part in output.split("\n\n") if part.startswith("optimizer "))
    page = CONVERGENCE.read_text(encoding="utf-8")
    before, fence, rest = page.partition("```text\n")
    CONVERGENCE.write_text(
        f"{before}{fence}{table}\n```{rest.partition('```')[2]}", encoding="utf-8"
    )
    return f"{len(table.splitlines()) - 2} rows"


def readme() -> str:
    """Replace the outputs of the examples."""
    return run(sys.executable, "tools/readme.py").strip() or "outputs written"


def main() -> None:
    """Write the requested tables."""
    tables = {
        "hashes": lambda: hashes(arguments.new_numerics),
        "instructions": instructions,
        "readme": readme,
        "convergence": convergence,
    }
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"of {', '.join(tables)}")
    parser.add_argument("--new-numerics", action="store_true", help="let hashes change")
    arguments = parser.parse_args()
    if unknown := set(arguments.tables) - set(tables):
        parser.error(f"unknown table {', '.join(sorted(unknown))}; there are {', '.join(tables)}")
    for name in arguments.tables or tables:
        print(f"{name}: {tables[name]()}", flush=True)


if __name__ == "__main__":
    main()
