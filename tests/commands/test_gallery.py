"""``python -m lamb_rs gallery``: the figures, the page and the table."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import re
import sys
from pathlib import Path

import pytest

from lamb_rs.cli.gallery.convergence import contestants
from lamb_rs.cli.gallery.setting import Setting
from lamb_rs.cli.gallery.trainings import draw_trust_ratios
from lamb_rs.cli.images.sources import load
from lamb_rs.cli.main import main
from lamb_rs.cli.training.small import SmallTask

PNGS = (
    "rosenbrock_contour.png",
    "rosenbrock_surface.png",
    "rosenbrock_family.png",
    "landscape_contour.png",
    "landscape_surface.png",
    "landscape_random.png",
    "trust_ratios.png",
    "learning_rates.png",
    "learning_rates_family.png",
)
GIFS = ("race.gif", "saddle.gif")
PAGES = ("animations.html", "index.html")
needs_demo = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("sklearn", "tqdm", "matplotlib")),
    reason='the demo extra is not installed: pip install "lamb_rs[demo]"',
)


def gallery(*arguments: str) -> str:
    """Run the command and return its output."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert main(["gallery", "--data", "digits", *arguments]) == 0
    return printed.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small gallery, drawn once."""
    out = tmp_path_factory.mktemp("above") / "gallery"
    printed = gallery("--quick", "--out", str(out))
    assert printed.startswith(f"Drawing into {out}. Expected time: seconds.\nImages: digits")
    assert str(out / "index.html") in printed
    for one in contestants():
        assert f"\n{one.label} " in printed
    return out


@needs_demo
def test_every_file_is_there_and_no_other(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {*PNGS, *GIFS, *PAGES}


@needs_demo
@pytest.mark.parametrize("name", [*PNGS, *GIFS])
def test_pictures_are_pictures(folder: Path, name: str) -> None:
    from PIL import Image  # noqa: PLC0415

    with Image.open(folder / name) as picture:
        assert picture.format == Path(name).suffix[1:].upper()
        assert 600 <= picture.width <= 2000
        assert 400 <= picture.height <= 3000
        assert getattr(picture, "n_frames", 1) == (6 if name in GIFS else 1)
        # Not blank: a picture has its ground, its frame and more.
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 20
    assert (folder / name).stat().st_size < 2_000_000


@needs_demo
def test_the_page_shows_everything(folder: Path) -> None:
    page = (folder / "index.html").read_text(encoding="utf-8")
    shown = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert sorted(shown) == sorted([*PNGS, *GIFS, "animations.html"])
    captions = re.findall(r"<figcaption>(.+?)</figcaption>", page)
    assert len(captions) == len([*PNGS, *GIFS])
    assert not set("$\\") & set("".join(captions))  # no TeX
    assert page.count("<tr>") == 1 + len(contestants())
    assert str(folder) not in page


@needs_demo
def test_the_animations_need_nothing_else(folder: Path) -> None:
    page = (folder / "animations.html").read_text(encoding="utf-8")
    assert page.count("<figure") == 2
    assert page.count("data:image/png;base64,") == 12
    assert "http" not in page
    assert len(page) < 3_000_000


@needs_demo
def test_a_second_time_makes_the_same_files(folder: Path, tmp_path: Path) -> None:
    data = load("digits")
    setting = Setting(tmp_path, data, SmallTask(data, epochs=1), [], lambda: None, quick=True)
    for name in draw_trust_ratios(setting):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name


@needs_demo
def test_the_table_alone_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # not needed for it
    assert main(["gallery", "--table", "--quick", "--data", "digits"]) == 0
    printed = capsys.readouterr().out
    assert "Rosenbrock" in printed
    assert "index.html" not in printed
    assert list(tmp_path.iterdir()) == []


# Failures


@needs_demo
def test_a_bad_folder_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    for out, words in ((file, "it is a file"), (tmp_path / "a" / "b", "no folder above it")):
        assert main(["gallery", "--out", str(out)]) == 2
        printed = capsys.readouterr()
        assert words in printed.err
        assert str(out) in printed.err
        assert printed.err.count("\n") == 1
        assert printed.out == ""
    assert file.read_text() == "mine"
    assert not (tmp_path / "a").exists()


@needs_demo
@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="every folder is writable for root"
)
def test_a_folder_that_is_read_only_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o500)
    try:
        assert main(["gallery", "--out", str(tmp_path)]) == 2
    finally:
        tmp_path.chmod(0o700)
    assert "Permission denied" in capsys.readouterr().err
