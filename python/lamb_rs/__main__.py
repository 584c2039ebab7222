"""Entry point of ``python -m lamb_rs``."""

import sys

from lamb_rs.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
