"""Prints what pyproject.toml requires at run time and for some extras: requirements.py EXTRA..."""

import sys
import tomllib
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
for extra in sys.argv[1:]:
    PROJECT["dependencies"] += PROJECT["optional-dependencies"][extra]
print(*PROJECT["dependencies"])
