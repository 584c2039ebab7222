"""Every benchmark of this folder that is a time, as a Markdown table with the goals.

python benches/steps.py                  # all of it: minutes, and 12 GB of memory
python benches/steps.py --only bert      # cases whose name contains a regular expression
python benches/steps.py --quick          # small sizes, three rounds: only shows that it runs
"""

from __future__ import annotations

import argparse
import gc
import json
import re
from dataclasses import asdict, replace
from pathlib import Path

from cases import CASES, FULL, QUICK
from package import NAME as PACKAGE
from package import sizes as package_sizes

from harness import header, markdown, run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", metavar="PATTERN", help="regular expression of names")
    parser.add_argument("--rounds", type=int, default=15, help="at least so many (default: 15)")
    parser.add_argument("--quick", action="store_true", help="small sizes, three rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there as well")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    arguments = parser.parse_args()
    wanted = re.compile(arguments.only, re.IGNORECASE)
    cases = [case for case in CASES if wanted.search(case.name)]
    package = wanted.search(PACKAGE) is not None
    if not cases and not package:
        parser.error(f"no case matches '{arguments.only}'; --list prints their names")
    if arguments.list:
        print("\n".join([case.name for case in cases] + [PACKAGE] * package))
        return
    sizes, rounds = (QUICK, 3) if arguments.quick else (FULL, arguments.rounds)
    head = header()
    for name, value in head.items():
        print(f"* {name}: {value}")
    if arguments.quick:
        print("* quick: the sizes are not those of the names, and the numbers mean nothing")
    print(f"\n{markdown(None)}", flush=True)
    results = []
    for case in cases:
        found = run(case, sizes, rounds)
        if arguments.quick:
            found = [replace(result, met=None) for result in found]
        gc.collect()
        results += found
        print("\n".join(map(markdown, found)), flush=True)
    if package:
        found = package_sizes()
        results += found
        print("\n".join(map(markdown, found)))
    if arguments.json is not None:
        rows = [asdict(result) for result in results]
        report = {"header": head, "quick": arguments.quick, "results": rows}
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
