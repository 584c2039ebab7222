"""Counts the ``unsafe`` code under ``src/`` and holds it to a budget.

Every ``unsafe`` block or ``unsafe impl`` needs a ``// SAFETY:`` comment on its line or right above
its statement, every ``unsafe fn`` a ``# Safety`` section; more of them than `BUDGET` is a failure,
so that raising the number is a decision somebody reads.
"""

import re
import sys
from pathlib import Path

BUDGET = 107
SOURCES = Path(__file__).resolve().parent.parent / "src"
UNSAFE = re.compile(r"\bunsafe\b(?=\s*(\{|impl\b|fn\b|extern\b|$))")
STRING = re.compile(r'"(?:\\.|[^"\\])*"')


def explained(lines: list[str], index: int, mark: str) -> bool:
    """Whether the statement at ``index`` has a comment with ``mark`` on it or right above it."""
    if mark in lines[index].partition("//")[2]:
        return True
    above = index - 1
    while above >= 0:
        line = lines[above].strip()
        if line.startswith("//"):
            if mark in line:
                return True
        elif not line or line.endswith((";", "{", "}", ",")):
            return False
        above -= 1
    return False


def survey(path: Path) -> tuple[int, list[str]]:
    """Count the ``unsafe`` code of one file and list the places without an explanation."""
    count, unexplained = 0, []
    lines = path.read_text(encoding="utf-8").splitlines()
    for index, line in enumerate(lines):
        code = STRING.sub('""', line).partition("//")[0]
        for match in UNSAFE.finditer(code):
            count += 1
            mark = "# Safety" if match[1] == "fn" else "SAFETY:"
            if not explained(lines, index, mark):
                place = path.relative_to(SOURCES.parent)
                unexplained.append(f"{place}:{index + 1}: `unsafe` without `{mark}`")
    return count, unexplained


def main() -> int:
    """Print the count per file; 1 if a comment is missing or the budget is exceeded."""
    total, complaints = 0, []
    for path in sorted(SOURCES.rglob("*.rs")):
        count, unexplained = survey(path)
        total += count
        complaints += unexplained
        if count:
            print(f"{count:4} {path.relative_to(SOURCES.parent)}")
    print(f"{total:4} of {BUDGET} allowed")
    if total > BUDGET:
        complaints.append(f"{total} uses of `unsafe` are over the budget of {BUDGET}")
    print("\n".join(complaints), file=sys.stderr, end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
