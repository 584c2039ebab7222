#!/usr/bin/env bash
# Shows that an aarch64 CPU (NEON) computes the same bits, from Rust and from Python, by building
# for it and running under emulation. `make test-arm64` calls it.
#
# Compiler, linker and emulator are Debian packages, installed where that needs doing (root).
# An aarch64 Python, its packages and all that is built stay in the folder .arm64.
# LAMB_RS_ARM64=optional: where the packages cannot be installed, say so and succeed.
set -euo pipefail
cd "$(dirname "$0")/.."

target=aarch64-unknown-linux-gnu
work=$PWD/.arm64
root=$work/root    # what aarch64 programs see as /
site=$work/site    # Python packages for aarch64
host_python=${PYTHON:-.venv/bin/python}
packages=(rustc-web libstd-rust-web-dev:arm64 gcc-aarch64-linux-gnu libc6-dev-arm64-cross
    qemu-user-static)

unavailable() {
    echo "test-arm64 did not run: $1." >&2
    [ "${LAMB_RS_ARM64:-}" = optional ] && exit 0
    exit 1
}

stage() {
    [ -z "${title:-}" ] || printf '== %s: %d s\n' "$title" "$((SECONDS - started))"
    title=$1 started=$SECONDS
    [ -z "$title" ] || printf '== %s\n' "$title"
}

installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}\n' "${packages[@]}" 2>/dev/null |
        grep -cx installed)" = ${#packages[@]} ]
}

install_packages() {
    command -v apt-get >/dev/null || unavailable "it needs the Debian packages ${packages[*]}"
    installed && return
    [ "$(id -u)" = 0 ] || unavailable "installing ${packages[*]} needs root"
    export DEBIAN_FRONTEND=noninteractive
    {
        dpkg --add-architecture arm64 &&
            apt-get -qq update &&
            apt-get -qq -y --no-install-recommends install "${packages[@]}"
    } >"$work/apt.log" 2>&1 ||
        unavailable "the Debian packages ${packages[*]} cannot be installed (see $work/apt.log)"
}

# A system of its own for aarch64 programs: libraries of one release, and Python.
# (A mixture of the cross compiler's C library and the one installed for arm64 hangs.)
unpack_root() {
    [ -e "$root/complete" ] && return
    rm -rf "$root" "$work/debs"
    mkdir -p "$root" "$work/debs/partial"
    apt-get -qq -y --no-install-recommends --download-only \
        -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
        -o Dir::State::status=/dev/null -o Dir::Cache::archives="$work/debs" \
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root \
        install python3-minimal libpython3-stdlib libstdc++6 >>"$work/apt.log" 2>&1 ||
        unavailable "an aarch64 Python cannot be downloaded (see $work/apt.log)"
    local package
    for package in "$work"/debs/*.deb; do
        dpkg -x "$package" "$root"
    done
    touch "$root/complete"
}

unpack_site() {
    [ "$site/complete" -nt pyproject.toml ] && return
    rm -rf "$site"
    "$host_python" -m pip install --quiet --root-user-action=ignore --no-compile \
        --target "$site" --only-binary=:all: \
        --implementation cp --python-version "$python_version" \
        --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 \
        --platform manylinux_2_17_aarch64 numpy ml_dtypes pytest
    touch "$site/complete"
}

emulated_python() {
    qemu-aarch64-static -L "$root" -E PYTHONPATH="$site" -E PYTHONDONTWRITEBYTECODE=1 \
        -U LAMB_RS_SIMD "$root/usr/bin/python$python_version" "$@"
}

mkdir -p "$work"
stage "aarch64: packages"
install_packages
unpack_root
python_version=$(basename "$root"/usr/bin/python3.[0-9]*)
python_version=${python_version#python}
unpack_site

# Debian's own rustc has the aarch64 library; it may differ from the one for this machine, so what
# it builds is kept apart.
export RUSTC=/usr/bin/rustc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64-static -L $root"
unset LAMB_RS_SIMD

stage "aarch64: Rust"
# Emulated, the whole suite takes hours; what differs between CPUs is the level. These compare rows of
# every algorithm and storage with the table at NEON's, and in the modes of the floating-point unit.
cargo test --release --target $target --target-dir "$work/rust" --test determinism -- \
    every_row best_level in_any_floating_point_mode

stage "aarch64: build the Python module"
PYO3_BUILD_EXTENSION_MODULE=1 PYO3_CROSS_PYTHON_VERSION=$python_version PYO3_PYTHON='' \
    cargo build --release --target $target --target-dir "$work/module" --lib --features python
# Without what other runs may be writing there.
rm -rf "$site/lamb_rs"
tar -C python --exclude='__pycache__' --exclude='*.so' -cf - lamb_rs | tar -C "$site" -xf -
cp "$work/module/$target/release/liblamb_rs.so" "$site/lamb_rs/_core.abi3.so"

stage "aarch64: Python"
emulated_python -m pytest -p no:cacheprovider tests/test_bits.py -k "again_after_reset or every_algorithm"
emulated_python -m pytest -p no:cacheprovider tests/schedules/test_schedule_bits.py
stage ""
