"""The command line: help, wrong arguments, missing packages, imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lamb_rs.cli.main import main


@pytest.mark.parametrize("arguments", [[], ["demo"], ["gallery"], ["info"], ["bench"]])
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*arguments, "--help"])
    assert stopped.value.code == 0
    assert "--help" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["train"],
        ["demo", "--seed", "-1"],
        ["demo", "--state-dtype", "int4"],
        ["demo", "--fetch", "--data", "digits"],
    ],
)
def test_wrong_arguments_end_with_status_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "error:" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["demo", "gallery"])
@pytest.mark.parametrize("missing", ["tqdm", "matplotlib"])
def test_a_missing_extra_is_one_sentence(
    command: str,
    missing: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("empty")
    monkeypatch.chdir(folder)
    monkeypatch.setitem(sys.modules, missing, None)
    assert main([command, "--quick"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert missing in printed.err
    assert printed.err.endswith('pip install "lamb_rs[demo]"\n')
    assert printed.err.count("\n") == 1
    assert list(folder.iterdir()) == []


def test_commands_import_only_numpy() -> None:
    code = (
        "import sys, lamb_rs.cli.main; "
        "print(*{'sklearn', 'mlxtend', 'tqdm', 'matplotlib', 'torch', 'jax'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == ""


def test_a_module_can_be_run() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lamb_rs", "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    for command in ("demo", "gallery", "info", "bench"):
        assert f"  {command} " in done.stdout
