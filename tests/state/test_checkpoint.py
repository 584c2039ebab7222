"""Checkpoints: the content of the file, and that training continues from it with the same bits.

Over every registered algorithm, option, storage and wrapper; in the middle of windows; on another
number of threads and another SIMD level.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

import lamb_rs
from lamb_rs import (
    Adam,
    AdamW,
    CheckpointError,
    ConfigurationWarning,
    HyperparameterError,
    Lamb,
    Lookahead,
    NotBuiltError,
    StateMismatchError,
    schedules,
)
from support.cases import rows_of
from support.checkpoints import bits, parts, sealed, small, stale
from support.children import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.checkpoints import Arrays

ALGORITHMS = lamb_rs.registry()
SHAPES = {
    "matrix": (20, 33),
    "bias": (33,),
    "block": (4099,),
    "none": (0, 3),
    "one": (),
}


def parameters() -> Arrays:
    rng = np.random.default_rng(0)
    return {k: np.asarray(0.05 * rng.normal(size=s), np.float32) for k, s in SHAPES.items()}


def gradients(t: int) -> Arrays:
    rng = np.random.default_rng(1 + t)
    return {k: np.asarray(rng.normal(size=s), np.float32) for k, s in SHAPES.items()}


def train(opt: Any, calls: range) -> None:
    for t in calls:
        opt.apply(gradients(t))


def parameter_bits(params: Arrays) -> dict[str, bytes]:
    return {name: p.tobytes() for name, p in params.items()}


@pytest.mark.parametrize("row", ALGORITHMS, ids=lambda row: row.name)
def test_resumed_from_a_file(row: Any, tmp_path: Path) -> None:
    path = tmp_path / "state"
    for i, case in enumerate(rows_of(row)):
        opt = case.make()
        opt.build(params := parameters())
        train(opt, range(4))
        opt.save(path)
        copies = {name: p.copy() for name, p in params.items()}
        saved = bits(opt)
        train(opt, range(4, 9))
        again = case.make()
        if i % 2:
            again.load(path)
            again.build(copies)
        else:
            again.build(copies)
            again.load(path)
        assert bits(again) == saved, case.id
        with lamb_rs.threads(3):
            train(again, range(4, 9))
        assert parameter_bits(copies) == parameter_bits(params), case.id
        assert bits(again) == bits(opt), case.id


# From every call of two windows, with everything that is between synchronizations and updates.
WINDOWS: dict[str, Any] = {
    "gradient_accumulation_steps": 3,
    "use_ema": True,
    "ema_overwrite_frequency": 2,
    "global_clipnorm": 1.0,
    "weight_decay": 0.01,
    "weight_decay_mode": "corrected",
    "state_dtype": "float8",
    "seed": 3,
}


def rate() -> schedules.Schedule:
    return schedules.Warmup(schedules.CosineDecay(0.01, 12), 3)


def test_resumed_from_every_call(tmp_path: Path) -> None:
    opt = Lamb(rate(), **WINDOWS)
    opt.build(params := parameters())
    saved = []
    for t in range(14):
        opt.save(tmp_path / f"{t}")
        saved.append({name: p.copy() for name, p in params.items()})
        train(opt, range(t, t + 1))
    for t, copies in enumerate(saved):
        again = Lamb(rate(), **WINDOWS)
        again.load(tmp_path / f"{t}")
        again.build(copies)
        assert again.calls == t
        train(again, range(t, 14))
        assert parameter_bits(copies) == parameter_bits(params), t
        assert bits(again) == bits(opt), t


# Everything that has state at once, and every storage.
MIXED = [
    case
    for row in ALGORITHMS
    if not row.matrix  # the same bits on one machine and level only
    for case in rows_of(row)
    if not case.own and case.id.endswith(("-all-clipnorm", "-ema-call", "-bfloat16", "-all-float8"))
]


def finish(folder: Path) -> str:
    """Train the rest of every row from its file, and return a hash of all bits."""
    digest = hashlib.sha256()
    for case in MIXED:
        opt = case.make()
        opt.load(folder / case.id)
        with np.load(folder / f"{case.id}.npz") as arrays:
            params = {name: arrays[name] for name in SHAPES}
        opt.build(params)
        train(opt, range(3, 6))
        opt.save(folder / "last")
        digest.update(case.id.encode() + (folder / "last").read_bytes())
        for p in params.values():
            digest.update(p.tobytes())
    return digest.hexdigest()


def test_resumed_on_other_levels_and_threads(tmp_path: Path) -> None:
    for case in MIXED:
        opt = case.make()
        opt.build(params := parameters())
        train(opt, range(3))
        opt.save(tmp_path / case.id)
        np.savez(tmp_path / f"{case.id}.npz", **params)
    wanted = finish(tmp_path)
    code = "from pathlib import Path; from state.test_checkpoint import finish\n"
    code += f"print(finish(Path({str(tmp_path)!r})))"
    levels = lamb_rs.info()["simd_available"]
    for level, threads in ((levels[0], "3"), (levels[-1], "1")):
        found = run(code, timeout=300, LAMB_RS_SIMD=level, LAMB_RS_NUM_THREADS=threads)
        assert found.strip() == wanted, level


# What the file is.


def test_the_file(tmp_path: Path) -> None:
    opt, _ = small()
    opt.save(tmp_path / "state")
    header, data = parts((tmp_path / "state").read_bytes())
    metadata = header.pop("__metadata__")
    assert set(metadata) == {
        "class", "config", "format_version", "lamb_rs", "numerics_version", "sha256", "values",
    }  # fmt: skip
    assert metadata["class"] == "Adam"
    assert metadata["lamb_rs"] == lamb_rs.__version__
    assert json.loads(metadata["config"]) == opt.get_config()
    values = {k: x for k, x in opt.state_dict().items() if not isinstance(x, np.ndarray)}
    assert json.loads(metadata["values"]) == values
    for name, row in header.items():
        start, end = row["data_offsets"]
        array = np.frombuffer(data[start:end], "f").reshape(row["shape"])
        assert row["dtype"] == "F32"
        assert (array == opt.state_dict()[name]).all()


def test_other_readers_read_it(tmp_path: Path) -> None:
    theirs = pytest.importorskip(
        "safetensors.numpy", reason="safetensors is not installed (extra: test)"
    )
    opt, _ = small()
    opt.save(tmp_path / "state")
    found = theirs.load_file(tmp_path / "state")
    assert {k: (x.dtype.str, x.shape, x.tobytes()) for k, x in found.items()} == {
        k: x for k, x in bits(opt).items() if isinstance(x, tuple)
    }
    theirs.save_file(found, tmp_path / "theirs")
    with pytest.raises(CheckpointError, match="is a safetensors file, but not a checkpoint"):
        opt.load(tmp_path / "theirs")


@pytest.mark.parametrize(("storage", "names"), [("bfloat16", {"BF16"}), ("float8", {"U8"})])
def test_narrow_state_has_its_dtype(storage: Any, names: set[str], tmp_path: Path) -> None:
    opt = Adam(state_dtype=storage)
    opt.build([np.ones(5000, np.float32)])
    opt.save(tmp_path / "state")
    header, _ = parts((tmp_path / "state").read_bytes())
    del header["__metadata__"]
    assert {row["dtype"] for row in header.values()} == names
    assert header.keys() == {k for k, x in opt.state_dict().items() if isinstance(x, np.ndarray)}


def test_data_is_aligned(tmp_path: Path) -> None:
    opt = Adam(state_dtype="float8", use_ema=True)
    opt.build({"odd": np.ones(4097, np.float32), "x": np.ones(3, np.float32)})
    opt.save(tmp_path / "state")
    content = (tmp_path / "state").read_bytes()
    header, _ = parts(content)
    del header["__metadata__"]
    start = 8 + int.from_bytes(content[:8], "little")
    sizes = {"F64": 8, "F32": 4, "BF16": 2, "U8": 1}
    for row in header.values():
        assert (start + row["data_offsets"][0]) % sizes[row["dtype"]] == 0
    assert start % 8 == 0


def test_one_state_makes_one_file(tmp_path: Path) -> None:
    for name in "ab":
        small()[0].save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    again = small(steps=0)[0]
    again.load(tmp_path / "a")
    again.save(tmp_path / "c")
    assert (tmp_path / "c").read_bytes() == (tmp_path / "a").read_bytes()


@pytest.mark.parametrize("key", ['a"b', "a\\b", "ä€😀", "sha256", "a\nb", "__metadata__", " "])
def test_names_of_all_kinds(key: str, tmp_path: Path) -> None:
    opt = Adam()
    opt.build({key: np.ones(3, np.float32)})
    opt.save(tmp_path / "state")
    again = Adam()
    again.build({key: np.ones(3, np.float32)})
    again.load(tmp_path / "state")
    assert bits(again) == bits(opt)


def test_functions_are_not_saved_but_the_state_is(tmp_path: Path) -> None:
    opt = Adam(lambda: 0.1)
    opt.build([np.ones(3, np.float32)])
    opt.save(tmp_path / "state")
    header, _ = parts((tmp_path / "state").read_bytes())
    config = json.loads(header["__metadata__"]["config"])
    assert list(config) == ["not_saved"]
    assert "learning_rate is the function" in config["not_saved"]
    again = Adam(0.2)
    again.load(tmp_path / "state")
    again.build([np.ones(3, np.float32)])
    assert bits(again) == bits(opt)


def test_paths_of_all_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opt, _ = small()
    monkeypatch.chdir(tmp_path)
    for path in ("state", tmp_path / "path", str(tmp_path / "text"), "x" * 255, "ä €"):
        opt.save(path)
        again = small(steps=0)[0]
        again.load(path)
        assert bits(again) == bits(opt)
    assert not stale(tmp_path)


def test_before_build(tmp_path: Path) -> None:
    with pytest.raises(NotBuiltError):
        Adam().save(tmp_path / "state")
    assert not list(tmp_path.iterdir())


# Other arguments.


def test_hyperparameters_are_not_restored(tmp_path: Path) -> None:
    small()[0].save(tmp_path / "state")
    opt = Adam(0.5, weight_decay=0.1)
    with pytest.warns(ConfigurationWarning, match="those of this optimizer hold") as found:
        opt.load(tmp_path / "state")
    (warning,) = found
    lines = str(warning.message).splitlines()
    assert "  - learning_rate was 0.01, here it is 0.5" in lines
    assert "  - weight_decay was None, here it is 0.1" in lines
    assert warning.filename == __file__
    opt.build({"w": np.ones((3, 4), np.float32), "b": np.ones(2, np.float32)})
    assert opt.iterations == 2
    assert (opt.learning_rate, opt.weight_decay, opt.seed) == (0.5, 0.1, 0)


CHANGES: dict[str, tuple[Callable[[], Any], Callable[[], Any], str]] = {
    "beta": (Adam, lambda: Adam(beta_1=0.8), "beta_1 was 0.9, here it is 0.8"),
    "decay": (AdamW, lambda: AdamW(weight_decay=0.5), "weight_decay was .*, here it is 0.5"),
    "schedule": (
        lambda: Adam(schedules.CosineDecay(0.1, 100)),
        lambda: Adam(schedules.CosineDecay(0.1, 200)),
        "learning_rate/decay_steps was 100, here it is 200",
    ),
    "no schedule": (
        lambda: Adam(schedules.CosineDecay(0.1, 100)),
        Adam,
        "learning_rate was {'class_name': 'CosineDecay'.*, here it is 0.001",
    ),
    "clip": (Adam, lambda: Adam(global_clipnorm=1.0), "global_clipnorm was None, here it is 1.0"),
    "nonfinite": (Adam, lambda: Adam(nonfinite="skip"), "nonfinite was 'auto', here it is 'skip'"),
    "wrapper": (
        lambda: Lookahead(Adam(), sync_period=5),
        lambda: Lookahead(Adam(), sync_period=6),
        "sync_period was 5, here it is 6",
    ),
    "inside": (
        lambda: Lookahead(Adam()),
        lambda: Lookahead(Adam(beta_2=0.9)),
        "inner/beta_2 was 0.999, here it is 0.9",
    ),
}


@pytest.mark.parametrize(("before", "after", "message"), CHANGES.values(), ids=CHANGES)
def test_other_arguments_are_told(
    tmp_path: Path, before: Callable[[], Any], after: Callable[[], Any], message: str
) -> None:
    saved, params = before(), {"w": np.ones((3, 4), np.float32)}
    saved.apply({"w": np.ones((3, 4), np.float32)}, params)
    saved.save(tmp_path / "state")
    opt = after()
    opt.build({"w": np.ones((3, 4), np.float32)})
    start = bits(opt)
    with pytest.raises(StateMismatchError, match=message):
        opt.load(tmp_path / "state", config="error")
    assert bits(opt) == start
    with pytest.warns(ConfigurationWarning, match=message):
        opt.load(tmp_path / "state")
    assert opt.iterations == 1


def test_what_happens_to_other_arguments_is_one_of_two(tmp_path: Path) -> None:
    small()[0].save(tmp_path / "state")
    with pytest.raises(HyperparameterError, match="config must be 'warn' or 'error'; got 'quiet'"):
        Adam().load(tmp_path / "state", config=cast("Any", "quiet"))


@pytest.mark.parametrize("row", ALGORITHMS, ids=lambda row: row.name)
def test_the_optimizer_of_a_file(tmp_path: Path, row: Any) -> None:
    """`lamb_rs.load` needs no arguments, whatever they were."""
    params = {"w": np.full((3, 4), 0.5, np.float32), "b": np.ones(4, np.float32)}
    grads = {"w": np.full((3, 4), 0.1, np.float32), "b": np.full(4, -0.1, np.float32)}
    schedule = schedules.CosineDecay(0.02, 50)
    saved: Any = getattr(lamb_rs, row.class_name)(schedule, clipnorm=0.5)
    with contextlib.suppress(HyperparameterError):  # of those that average by themselves
        saved = Lookahead(saved)
    for _ in range(3):
        saved.apply(grads, params)
    saved.save(tmp_path / "state")
    again = lamb_rs.load(tmp_path / "state")
    assert again.get_config() == saved.get_config()
    copies = {name: p.copy() for name, p in params.items()}
    for opt, values in ((saved, params), (again, copies)):
        opt.apply(grads, values)
    assert parameter_bits(copies) == parameter_bits(params)
    assert bits(again) == bits(saved)


def test_a_file_without_a_configuration_says_why(tmp_path: Path) -> None:
    opt = Adam(lambda: 0.1)
    opt.apply(np.ones(3, np.float32), np.ones(3, np.float32))
    opt.save(tmp_path / "state")
    assert lamb_rs.read_checkpoint(tmp_path / "state").state["optimizer/iterations"] == 1
    with pytest.raises(CheckpointError, match="no configuration: learning_rate is the function"):
        lamb_rs.load(tmp_path / "state")


# What does not fit.


def test_all_differences_are_listed_at_once(tmp_path: Path) -> None:
    path = tmp_path / "state"
    small()[0].save(path)
    opt = Lamb(0.5, state_dtype="bfloat16")
    params = {"w": np.ones((3, 4), np.float32), "c": np.ones(2, np.float32)}
    opt.build(params)
    before = bits(opt)
    with pytest.raises(StateMismatchError) as caught:
        opt.load(path)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(f"{path}: the state does not fit")
    for wanted in (
        "it is of 'adam', this optimizer is 'lamb'",
        "'w/momentum' must be uint16 of shape (3, 4), got float32 of shape (3, 4)",
        "'c/velocity' is missing",
        "'b/velocity' is unknown",
        "it was saved by Adam, this is Lamb",
        "state_dtype was 'float32', here it is 'bfloat16'",
        "learning_rate was 0.01, here it is 0.5",
    ):
        assert f"  - {wanted}" in lines, lines
    assert bits(opt) == before


def test_a_state_that_does_not_fit_waits_for_build(tmp_path: Path) -> None:
    small()[0].save(tmp_path / "state")
    opt = Lamb()
    with pytest.warns(ConfigurationWarning, match="it was saved by Adam, this is Lamb"):
        opt.load(tmp_path / "state")
    with pytest.raises(StateMismatchError, match="it is of 'adam', this optimizer is 'lamb'"):
        opt.build({"w": np.ones((3, 4), np.float32), "b": np.ones(2, np.float32)})
    assert not opt.built


def test_a_newer_format_names_the_release(tmp_path: Path) -> None:
    small()[0].save(tmp_path / "state")
    header, data = parts((tmp_path / "state").read_bytes())
    header["__metadata__"].update(format_version="99", lamb_rs="7.5.1", extra="x")
    (tmp_path / "state").write_bytes(sealed(header, data))
    opt, _ = small(steps=0)
    with pytest.raises(CheckpointError, match=r"state: .*version 99, written by lamb_rs 7\.5\.1"):
        opt.load(tmp_path / "state")


def test_other_numerics_are_refused(tmp_path: Path) -> None:
    small()[0].save(tmp_path / "state")
    header, data = parts((tmp_path / "state").read_bytes())
    metadata = header["__metadata__"]
    values = json.loads(metadata["values"]) | {"optimizer/numerics_version": 99}
    metadata.update(values=json.dumps(values), numerics_version="99")
    (tmp_path / "state").write_bytes(sealed(header, data))
    opt, _ = small(steps=0)
    with pytest.raises(StateMismatchError, match="numerics_version' is 99, this release has"):
        opt.load(tmp_path / "state")
