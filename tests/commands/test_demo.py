"""``python -m lamb_rs demo``: its output and its files."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lamb_rs.cli.demo import training
from lamb_rs.cli.main import main
from support.idx_files import write_set

if TYPE_CHECKING:
    from pathlib import Path

needs_demo = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("sklearn", "tqdm", "matplotlib")),
    reason='the demo extra is not installed: pip install "lamb_rs[demo]"',
)


@pytest.fixture(autouse=True)
def no_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which no images were fetched."""
    monkeypatch.delenv("LAMB_RS_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@needs_demo
def test_quick_demo_on_digits_ends_with_table_and_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "picture.png"
    assert main(["demo", "--quick", "--data", "digits", "--out", str(picture)]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    before, _, after = printed.out.partition("\nRun 1 of 3")
    for wanted in (
        "at one learning rate each",
        "digits from scikit-learn",
        "--fetch",
        "LAMB_RS_DATA",
        "SIMD",
        "Expected time of the 3 runs on this machine: ",
    ):
        assert wanted in before
    for contender in training.CONTENDERS:
        assert f"\n{contender.name} " in after
    for wanted in ("in optimizer", "SIMD", str(picture)):
        assert wanted in after
    head = picture.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">2I", head[16:]) == (1800, 648)


@needs_demo
@pytest.mark.parametrize("state_dtype", ["bfloat16", "float8"])
def test_demo_as_json_with_narrow_state(
    tmp_path: Path, state_dtype: str, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "picture.png"
    arguments = [
        *("demo", "--quick", "--json", "--state-dtype", state_dtype, "--seed", "7"),
        *("--data", str(write_set(tmp_path / "images")), "--out", str(picture)),
    ]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["plan"]["state_dtype"] == state_dtype
    assert found["plan"]["seed"] == 7
    assert [run["optimizer"] for run in found["runs"]] == ["SGD", "AdamW", "LAMB"]
    assert all(run["best"] for run in found["runs"])
    assert found["cpu"]
    assert picture.is_file()


@needs_demo
def test_images_that_cannot_be_fetched_are_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    images = write_set(tmp_path / "images")
    monkeypatch.setenv("PATH", str(tmp_path))  # without apt-get
    picture = str(tmp_path / "picture.png")
    # The module, since its package has an attribute of the same name as the command's function.
    command = importlib.import_module("lamb_rs.cli.demo.command")
    monkeypatch.setattr(command, "local_folder", lambda: None)
    monkeypatch.setattr(command, "load", lambda _, load=command.load: load(str(images)))
    assert main(["demo", "--quick", "--fetch", "--out", picture]) == 0
    assert "this system has no apt-get" in capsys.readouterr().out


@needs_demo
def test_damaged_images_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = write_set(tmp_path / "images")
    next(images.glob("train-images*")).write_bytes(b"no gzip here")
    picture = tmp_path / "picture.png"
    assert main(["demo", "--data", str(images), "--out", str(picture)]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("lamb_rs: ")
    assert "truncated or damaged" in printed.err
    assert printed.err.count("\n") == 1
    assert not picture.exists()


@needs_demo
def test_a_picture_that_cannot_be_written_is_reported_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--out", str(tmp_path / "none" / "p.png")]) == 2
    assert "there is no such folder" in capsys.readouterr().err
    assert main(["demo", "--out", str(tmp_path)]) == 2
    assert "it is a folder" in capsys.readouterr().err


@needs_demo
@pytest.mark.skipif(os.name != "posix", reason="sends a POSIX signal")
def test_ctrl_c_ends_with_one_line(tmp_path: Path) -> None:
    write_set(tmp_path / "images", images=200_000)
    # A shell ignores Ctrl-C in background jobs, and their children inherit that.
    code = (
        "import runpy, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        f"sys.argv = ['lamb_rs', 'demo', '--data', {str(tmp_path / 'images')!r}]; "
        "runpy.run_module('lamb_rs', run_name='__main__', alter_sys=True)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert errors.strip() == "lamb_rs: stopped by Ctrl-C"
        assert process.returncode == 130
