"""The commands of ``python -m lamb_rs``: demo, info and bench."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import signal
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lamb_rs.cli import bench, train
from lamb_rs.cli.data import Data, find, load, load_idx
from lamb_rs.cli.errors import CommandError
from lamb_rs.cli.main import main
from lamb_rs.cli.network import Network, initial_layers
from lamb_rs.cli.results import Results
from lamb_rs.cli.table import finite, text_table

NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
needs_demo = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("sklearn", "tqdm", "matplotlib")),
    reason='the demo extra is not installed: pip install "lamb_rs[demo]"',
)


def idx(values: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    return header + values.astype(np.uint8).tobytes()


def write_set(folder: Path, *, compressed: bool = True, images: int = 70) -> Path:
    """Four files of random images whose class shows in their brightness."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for start, count in ((0, images), (2, 20)):
        labels = np.arange(count) % 10
        pictures = rng.integers(0, 60, (count, 4, 5)) + 19 * labels[:, None, None]
        for name, values in zip(NAMES[start : start + 2], (pictures, labels), strict=True):
            data = idx(values)
            path = folder / (f"{name}.gz" if compressed else name)
            path.write_bytes(gzip.compress(data) if compressed else data)
    return folder


def tiny(tmp_path: Path) -> Data:
    return load_idx(find(write_set(tmp_path / "tiny")))


def command(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in ("LAMB_RS_DATA", "CI")}
    return subprocess.run(
        [sys.executable, "-m", "lamb_rs", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment | variables,
        check=False,
    )


# Images


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
    assert load(None).source == str(tmp_path)


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
@needs_demo
def test_damaged_images_are_one_sentence(
    tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, spoil, sentence = DAMAGE[damage]
    path = write_set(tmp_path) / name
    path.write_bytes(spoil(path.read_bytes()))
    assert main(["demo", "--data", str(tmp_path), "--out", str(tmp_path / "p.png")]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("lamb_rs: ")
    assert sentence in printed.err
    assert str(tmp_path) in printed.err
    assert printed.err.count("\n") == 1


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


# Network and training


def test_gradients_match_finite_differences() -> None:
    rng = np.random.default_rng(1)
    layers = initial_layers([6, 5, 4, 3], rng, np.float64)
    for layer in layers.values():
        layer["bias"] += rng.standard_normal(layer["bias"].shape) / 3
    gradients = {
        name: {part: np.full_like(values, np.nan) for part, values in layer.items()}
        for name, layer in layers.items()
    }
    network = Network(layers, gradients, batch=9)
    images, labels = rng.standard_normal((7, 6)), rng.integers(0, 3, 7)
    network.loss_and_gradients(images, labels)
    exact = {name: {part: v.copy() for part, v in g.items()} for name, g in gradients.items()}
    width = 1e-6
    for name, layer in layers.items():
        for part, values in layer.items():
            for at in np.ndindex(values.shape):
                kept = values[at]
                values[at] = kept + width
                above = network.loss_and_gradients(images, labels)
                values[at] = kept - width
                below = network.loss_and_gradients(images, labels)
                values[at] = kept
                slope = (above - below) / (2 * width)
                assert exact[name][part][at] == pytest.approx(slope, abs=1e-8, rel=1e-6)


def test_accuracy_counts_every_image() -> None:
    layers = {"output": {"kernel": np.eye(4), "bias": np.zeros(4)}}
    network = Network(layers, layers, batch=3)
    images = np.eye(4)[[0, 1, 2, 3, 0, 1, 2, 3]]
    assert network.accuracy(images, np.array([0, 1, 2, 3, 0, 1, 0, 0])) == 6 / 8


def test_the_rate_warms_up_and_decays() -> None:
    plan = train.Plan([4, 2], batch=8, epochs=8, seed=0, state_dtype="float32")
    schedule = plan.schedule(0.7)
    rates = [schedule(step) for step in range(plan.steps)]
    assert (plan.steps, plan.warmup) == (56, 6)
    assert rates[:7] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    assert rates[6:] == sorted(rates[6:], reverse=True)
    assert 0 < rates[-1] < 0.01


def test_the_grids_are_equally_wide() -> None:
    for contender in train.CONTENDERS:
        low, middle, high = contender.rates
        assert (middle / low, high / middle) == pytest.approx((4, 4))


@pytest.mark.parametrize("contender", train.CONTENDERS, ids=lambda item: item.name)
def test_training_repeats_and_learns(tmp_path: Path, contender: train.Contender) -> None:
    data = tiny(tmp_path)
    plan = train.plan_for(data, epochs=4, seed=3, state_dtype="float32")
    assert plan.batch == 10
    ticks: list[int] = []
    first, second = (
        train.train(data, plan, contender, contender.rates[1], lambda: ticks.append(1))
        for _ in range(2)
    )
    assert len(ticks) == 2 * plan.steps
    assert first.losses == second.losses
    assert first.accuracies == second.accuracies
    assert first.losses[-1] < first.losses[0]
    assert 0 < first.share < 1
    if contender.name == "LAMB":
        assert first.trust_names == ["hidden_1/kernel", "hidden_2/kernel", "output/kernel"]
        assert first.trust_ratios.shape == (plan.steps, 3)
        assert np.isfinite(first.trust_ratios).all()


def test_the_best_rate_is_marked_and_divergence_named(tmp_path: Path) -> None:
    runs = [
        train.Run("SGD", 0.1, [2.0, 1.0], [0.1, 0.8], seconds=2.0, optimizer_seconds=0.5),
        train.Run("SGD", 0.4, [2.0, float("nan")], [0.1, 0.1], seconds=2.0),
    ]
    data = tiny(tmp_path)
    results = Results(data, train.plan_for(data, 1, 0, "float32"), runs, "picture.png")
    _, _, good, bad, _ = results.table().splitlines()
    assert "80.0 % *" in good
    assert "25.0 %" in good
    assert "diverged" in bad
    assert "*" not in bad
    text = json.dumps(results.as_json(), allow_nan=False)
    assert json.loads(text)["runs"][1]["losses"] == [2.0, None]


def test_tables_and_json_values() -> None:
    assert text_table(["a", "bb"], [["x", "1"], [], ["yy", "22"]]).splitlines() == [
        "a   bb",
        "--  --",
        "x    1",
        "--  --",
        "yy  22",
    ]
    assert finite({"a": (1, float("inf")), "b": Path("c")}) == {"a": [1, None], "b": "c"}


# Commands


@needs_demo
def test_quick_demo_on_digits_ends_with_table_and_picture(tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    done = command("demo", "--quick", "--data", "digits", "--out", str(picture))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for wanted in ("digits from scikit-learn", "dpkg -x", "LAMB_RS_DATA", "in optimizer"):
        assert wanted in done.stdout
    for contender in train.CONTENDERS:
        assert f"{contender.name} " in done.stdout
    assert str(picture) in done.stdout
    head = picture.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">2I", head[16:]) == (1800, 648)


@needs_demo
@pytest.mark.parametrize("state_dtype", ["bfloat16", "float8"])
def test_demo_as_json_with_narrow_state(tmp_path: Path, state_dtype: str) -> None:
    picture = tmp_path / "picture.png"
    done = command(
        *("demo", "--quick", "--json", "--state-dtype", state_dtype, "--seed", "7"),
        *("--data", str(write_set(tmp_path / "images")), "--out", str(picture)),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["plan"]["state_dtype"] == state_dtype
    assert found["plan"]["seed"] == 7
    assert [run["optimizer"] for run in found["runs"]] == ["SGD", "AdamW", "LAMB"]
    assert all(run["best"] for run in found["runs"])
    assert picture.is_file()


@pytest.mark.parametrize("missing", ["tqdm", "matplotlib"])
def test_a_missing_extra_is_one_sentence(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    assert main(["demo", "--quick"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert missing in printed.err
    assert printed.err.endswith('pip install "lamb_rs[demo]"\n')
    assert printed.err.count("\n") == 1


def test_digits_without_scikit_learn_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(CommandError, match=r"^the demo needs scikit-learn: pip install"):
        load("digits")


def test_commands_import_only_numpy() -> None:
    code = (
        "import sys, lamb_rs.cli.main; "
        "print(*{'sklearn', 'tqdm', 'matplotlib', 'torch', 'jax'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == ""


@needs_demo
def test_a_picture_that_cannot_be_written_is_told_first(
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
    # A shell ignores Ctrl-C in what it runs in the background, and its children inherit that.
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
        assert process.stderr is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert process.stderr.read().strip() == "lamb_rs: stopped by Ctrl-C"


def test_info_as_json() -> None:
    done = command("info", "--json", LAMB_RS_NUM_THREADS="3")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["lamb_rs"]["threads"] == 3
    assert found["environment"]["LAMB_RS_NUM_THREADS"] == "3"
    assert found["environment"]["LAMB_RS_DATA"] is None
    assert "matplotlib" in found["packages"]


def test_info_for_people() -> None:
    done = command("info")
    assert done.returncode == 0, done.stderr
    for wanted in ("simd", "optional packages", "LAMB_RS_SIMD", "OMP_NUM_THREADS"):
        assert wanted in done.stdout


@pytest.mark.parametrize("rule", bench.RULES)
def test_bench_times_every_rule(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "peers", lambda *_: {"peer": lambda: None})
    ours, numpy, peer = bench.time_case(rule, "tiny", [(30, 20), (20,)], seconds=0.0)
    assert (ours.who, numpy.who, peer.who) == (bench.OURS, bench.NUMPY, "peer")
    assert ours.milliseconds > 0
    assert ours.to_ours == (1.0, 1.0, 1.0)
    assert ours.to_floor[0] <= ours.to_floor[1] <= ours.to_floor[2]
    assert ours.bytes_per_element == {"SGD": 20, "Lion": 20, "AdamW": 28, "LAMB": 40}[rule]
    header, _, first, second = bench.table([ours, peer]).splitlines()
    assert header.split()[0] == "parameters"
    assert rule in first
    assert "peer" in second


@pytest.mark.parametrize("arguments", [[], ["demo"], ["info"], ["bench"]])
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*arguments, "--help"])
    assert stopped.value.code == 0
    assert "--help" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [[], ["train"], ["demo", "--seed", "-1"], ["demo", "--state-dtype", "int4"]]
)
def test_wrong_arguments_end_with_status_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "error:" in capsys.readouterr().err
