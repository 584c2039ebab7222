#!/bin/sh
# Prints the Python to build with, or one sentence that says what to install.
# Usage: tools/find_python.sh [PYTHON]
set -eu

fail() {
    echo "lamb_rs: $1, then run this command again." >&2
    exit 1
}

cd "$(dirname "$0")/.."
needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

command -v cargo >/dev/null ||
    fail "cargo is missing: install Rust $needed or newer (rustup.rs, or your system's packages)"
found=$(cargo --version 2>/dev/null | cut -d' ' -f2)
[ "$(printf '%s\n' "$needed" "${found:-0}" | sort -V | head -n1)" = "$needed" ] ||
    fail "cargo ${found:-of an unknown version} is too old: install Rust $needed or newer (rustup.rs)"
command -v cc >/dev/null ||
    fail "Rust needs a linker and finds no cc: install a C compiler such as gcc"

for python in ${1:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        "$python" -c 'import venv, ensurepip' 2>/dev/null ||
            fail "$python cannot make virtual environments: install its venv package (python3-venv on Debian)"
        echo "$python"
        exit 0
    fi
done
fail "${1:-Python} is not a Python of version 3.11 or newer: install Python 3.11 or newer"
