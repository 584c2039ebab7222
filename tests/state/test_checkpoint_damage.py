"""Files that are damaged, cut off, hostile or something else: refused, and nothing is changed."""

from __future__ import annotations

import json
import os
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lamb_rs import CheckpointError, LambError, StateMismatchError
from support.checkpoints import bits, parts, sealed, small
from support.children import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    """A whole file, made anew at the same path by each test."""
    small()[0].save(tmp_path / "state")
    return (tmp_path / "state").read_bytes()


def refuses(opt: Any, path: Path) -> bool:
    try:
        opt.load(path)
    except CheckpointError:
        return True
    return False


def test_every_bit_counts(content: bytes, tmp_path: Path) -> None:
    opt, path = small(steps=1)[0], tmp_path / "state"
    before = bits(opt)
    accepted = []
    with path.open("r+b", buffering=0) as file:
        for place, byte in enumerate(content):
            for bit in range(8):
                os.pwrite(file.fileno(), bytes([byte ^ 1 << bit]), place)
                if not refuses(opt, path):
                    accepted.append((place, bit))
            os.pwrite(file.fileno(), bytes([byte]), place)
    assert not accepted
    assert bits(opt) == before
    assert not refuses(opt, path)


def test_every_byte_counts(content: bytes, tmp_path: Path) -> None:
    opt, path = small(steps=1)[0], tmp_path / "state"
    before = bits(opt)
    for more in (b"\0", content):
        path.write_bytes(content + more)
        assert refuses(opt, path)
    for size in reversed(range(len(content))):
        os.truncate(path, size)
        assert refuses(opt, path), size
    assert bits(opt) == before


def test_flips_in_a_large_file(tmp_path: Path) -> None:
    import lamb_rs  # noqa: PLC0415

    opt = lamb_rs.Adam()
    opt.build([np.ones(300_000, np.float32)])
    opt.save(tmp_path / "state")
    content = bytearray((tmp_path / "state").read_bytes())
    rng = random.Random(0)  # noqa: S311  # the same mutations every time
    for _ in range(100):
        place, bit = rng.randrange(len(content)), 1 << rng.randrange(8)
        content[place] ^= bit
        (tmp_path / "state").write_bytes(content)
        assert refuses(opt, tmp_path / "state")
        content[place] ^= bit


# Headers. Where no digest is made for them, they are refused before one is looked at.

ROW: dict[str, Any] = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def file(text: str | bytes, data: bytes = b"") -> bytes:
    raw = text if isinstance(text, bytes) else text.encode()
    return len(raw).to_bytes(8, "little") + raw + data


def tensors(data: int = 8, **rows: Any) -> bytes:
    metadata = {"__metadata__": {"lamb_rs": "0.1.0"}}
    return file(json.dumps({**metadata, **rows}), bytes(data))


HEADERS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "is empty"),
    "seven bytes": (bytes(7), "cut off"),
    "length 0": (bytes(8), "not a safetensors file"),
    "length 1": (b"\1" + bytes(20), "not a safetensors file"),
    "longer than the file": (file(b"{}")[:-1], "not a safetensors file"),
    "as long as can be": (b"\xff" * 8 + b"{}", "not a safetensors file"),
    "longer than a header may be": ((10**8 + 1).to_bytes(8, "little") + b"{}", "not a safetensors"),
    "text": (b"Adam, after 1000 steps\n", "not a safetensors file"),
    "pickle": (b"\x80\x04\x95\x0b\0\0\0\0\0\0\0}\x94", "not a safetensors file"),
    "zip": (b"PK\3\4" + bytes(30), "not a safetensors file"),
    "numbers": (file("12"), "expected tensors by name"),
    "list": (file("[]"), "expected tensors by name"),
    "zeros": (file(bytes(64)), "expected value"),
    "cut off": (file('{"a":'), "EOF"),
    "comma": (file('{"a":' + json.dumps(ROW) + ",}", bytes(8)), "trailing comma"),
    "something behind": (file("{}{}"), "trailing characters"),
    "single quotes": (file("{'a':1}"), "key must be a string"),
    "no UTF-8": (file(b'{"\xff\xfe":1}'), "unicode"),
    "half a surrogate": (file('{"\\ud800":1}'), "surrogate|escape"),
    "zero byte": (file(b'{"a\0":1}'), "control character"),
    "empty": (file("{}"), "not a checkpoint of lamb_rs"),
    "empty metadata": (file('{"__metadata__":{}}'), "not a checkpoint of lamb_rs"),
    "model": (tensors(a=ROW).replace(b"lamb_rs", b"torch__"), "not a checkpoint of lamb_rs"),
    "metadata twice": (file('{"__metadata__":{},"__metadata__":{}}'), "duplicate field"),
    "metadata of numbers": (file('{"__metadata__":{"a":1}}'), "expected a string"),
    "metadata in metadata": (file('{"__metadata__":{"a":{}}}'), "expected a string"),
    "a text twice": (file('{"__metadata__":{"a":"1","a":"2"}}'), "there twice"),
    "a tensor twice": (
        file('{"a":%s,"a":%s}' % ((json.dumps(ROW),) * 2), bytes(8)),
        "'a' is there twice",
    ),
    "an empty tensor twice": (
        file('{"a":%s,"a":%s}' % ((json.dumps(ROW | {"shape": [0], "data_offsets": [0, 0]}),) * 2)),
        "'a' is there twice",
    ),
    "overlap": (tensors(12, a=ROW, b=ROW | {"data_offsets": [4, 12]}), "invalid offset .*`b`"),
    "same place": (tensors(8, a=ROW, b=ROW), "invalid offset"),
    "gap": (tensors(20, a=ROW, b=ROW | {"data_offsets": [12, 20]}), "invalid offset .*`b`"),
    "starts late": (tensors(12, a=ROW | {"data_offsets": [4, 12]}), "invalid offset .*`a`"),
    "backwards": (tensors(8, a=ROW | {"data_offsets": [8, 0]}), "invalid offset"),
    "beyond the end": (tensors(4, a=ROW), "8 bytes, of which 4"),
    "bytes left": (tensors(9, a=ROW), "have 8 bytes, and 9 follow"),
    "no tensors for data": (tensors(8), "have 0 bytes, and 8 follow"),
    "size and shape": (tensors(8, a=ROW | {"shape": [3]}), "invalid shape, data type, or offset"),
    "size overflows": (tensors(8, a=ROW | {"shape": [2**62, 4]}), "overflow"),
    "bits overflow": (tensors(8, a=ROW | {"shape": [2**59]}), "overflow"),
    "shape beyond integers": (
        tensors(8, a=ROW | {"shape": [2**70]}),
        "invalid|number out of range",
    ),
    "offset beyond integers": (
        tensors(8, a=ROW | {"data_offsets": [0, 2**64]}),
        "header cannot be read",
    ),
    "negative": (tensors(8, a=ROW | {"shape": [-2]}), "invalid value"),
    "fraction": (tensors(8, a=ROW | {"shape": [2.0]}), "invalid type"),
    "three offsets": (tensors(8, a=ROW | {"data_offsets": [0, 8, 8]}), "header cannot be read"),
    "one offset": (tensors(8, a=ROW | {"data_offsets": [0]}), "invalid length"),
    "many dimensions": (tensors(8, a=ROW | {"shape": [2] + [1] * 64}), "at most 64"),
    "more than NumPy has": (
        sealed({"__metadata__": {"lamb_rs": "0.1.0"}, "a": ROW | {"dtype": "F128"}}, bytes(8)),
        "unknown variant `F128`",
    ),
    "integers": (
        tensors(16, a=ROW | {"dtype": "I64", "data_offsets": [0, 16]}),
        "no format version",
    ),
    "half a byte": (tensors(1, a=ROW | {"dtype": "F4", "shape": [1]}), "slice"),
    "no dtype": (tensors(8, a={"shape": [2], "data_offsets": [0, 8]}), "missing field `dtype`"),
    "more than there is to say": (tensors(8, a=ROW | {"order": "F"}), "unknown field `order`"),
    "nested": (file('{"a":' + "[" * 10_000 + "]" * 10_000 + "}"), "header cannot be read"),
    "nested names": (file('{"a":' * 5000 + "1" + "}" * 5000), "header cannot be read"),
}


@pytest.mark.parametrize(("made", "message"), HEADERS.values(), ids=HEADERS)
def test_hostile_headers(made: bytes, message: str, tmp_path: Path) -> None:
    opt = small(steps=1)[0]
    before = bits(opt)
    path = tmp_path / "state"
    path.write_bytes(made)
    with pytest.raises(CheckpointError, match=message) as caught:
        opt.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value)) < 600
    assert isinstance(caught.value, ValueError)
    assert bits(opt) == before


METADATA: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "no format": (lambda m: m.pop("format_version"), "no format version"),
    "format of words": (lambda m: m.update(format_version="one"), "no format version, but 'one'"),
    "negative format": (lambda m: m.update(format_version="-1"), "no format version"),
    "endless format": (lambda m: m.update(format_version="9" * 5000), "no format version"),
    "other digits": (lambda m: m.update(format_version="１"), "no format version"),
    "later format": (lambda m: m.update(format_version="2"), "written by lamb_rs 0"),
    "integers": (lambda m: m, "'w/momentum' has dtype I32, which is not a dtype of a state"),
    "no class": (lambda m: m.pop("class"), "has no class in its metadata"),
    "no values": (lambda m: m.pop("values"), "has no values in its metadata"),
    "values of nothing": (lambda m: m.update(values=""), "Expecting value"),
    "values in a list": (lambda m: m.update(values="[]"), "its values have no names"),
    "values without end": (lambda m: m.update(values='{"a":' * 10**5), "nested too deeply|Expect"),
    "many digits": (lambda m: m.update(values='{"a": 1%s}' % ("0" * 5000)), "digits"),
    "a value for a tensor": (
        lambda m: m.update(values=json.dumps({"w/momentum": 1})),
        "'w/momentum' is there twice",
    ),
}


@pytest.mark.parametrize(("spoil", "message"), METADATA.values(), ids=METADATA)
def test_hostile_metadata(
    spoil: Callable[[dict[str, Any]], Any], message: str, content: bytes, tmp_path: Path
) -> None:
    header, data = parts(content)
    spoil(header["__metadata__"])
    header["w/momentum"]["dtype"] = "I32" if "I32" in message else "F32"
    (tmp_path / "state").write_bytes(sealed(header, data))
    with pytest.raises(CheckpointError, match=message):
        small(steps=1)[0].load(tmp_path / "state")


VALUES: dict[str, Any] = {
    "optimizer/iterations": [-1, 1.5, "1", None, [], {}, True, 2**63, 2**70, float("inf")],
    "optimizer/calls": [-1, "x"],
    "optimizer/first_learning_rate": [-1.0, float("nan"), "x", []],
    "optimizer/algorithm": ["lamb", 5, None, [1], "x" * 10**5],
    "optimizer/format_version": [0, "1"],
    "w/velocity": [1.0],
    "nobody": [1.0, {}],
}


@pytest.mark.parametrize("name", VALUES)
def test_hostile_values(name: str, content: bytes, tmp_path: Path) -> None:
    opt = small(steps=1)[0]
    before = bits(opt)
    for value in VALUES[name]:
        header, data = parts(content)
        metadata = header["__metadata__"]
        metadata["values"] = json.dumps(json.loads(metadata["values"]) | {name: value})
        (tmp_path / "state").write_bytes(sealed(header, data))
        if (name, value) == ("optimizer/iterations", True):  # an integer of Python
            continue
        said = "it is of '" if name == "optimizer/algorithm" else name
        with pytest.raises((CheckpointError, StateMismatchError), match=said):
            opt.load(tmp_path / "state")
        assert bits(opt) == before


@pytest.mark.filterwarnings("ignore::lamb_rs.ConfigurationWarning")
def test_configurations_are_never_trusted(content: bytes, tmp_path: Path) -> None:
    """They are shown; an optimizer is made of them, or they are refused."""
    import lamb_rs  # noqa: PLC0415

    for text in ("", "[]", "5", '{"epsilon": [[]]}', "[" * 10**5, '{"not_saved": 5}', "\0"):
        header, data = parts(content)
        header["__metadata__"]["config"] = text
        (tmp_path / "state").write_bytes(sealed(header, data))
        small(steps=1)[0].load(tmp_path / "state")
        lamb = lamb_rs.Lamb()
        lamb.build([np.ones(3, np.float32)])
        with pytest.raises(StateMismatchError, match="it was saved by Adam, this is Lamb"):
            lamb.load(tmp_path / "state")
        with pytest.raises(CheckpointError, match=r"state(: its| has no) configuration"):
            lamb_rs.load(tmp_path / "state")


@pytest.mark.filterwarnings("ignore::lamb_rs.ConfigurationWarning")
def test_mutated_headers(content: bytes, tmp_path: Path) -> None:
    """Bytes changed at random, and a checksum that fits: refused, or as good as a state is."""
    opt, path = small(steps=1)[0], tmp_path / "state"
    length = int.from_bytes(content[:8], "little")
    header, data = content[8 : 8 + length], content[8 + length :]
    digest = parts(content)[0]["__metadata__"]["sha256"].encode()
    header = header.replace(digest, b"0" * 64)
    rng = random.Random(0)  # noqa: S311  # as above
    pieces = [
        b'"',
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"0",
        b"9",
        b"-",
        b"e",
        b"\\",
        b"null",
        b" ",
    ]
    refused = 0
    for _ in range(3000):
        mutated = bytearray(header)
        for _ in range(rng.randint(1, 3)):
            place = rng.randrange(len(mutated))
            mutated[place : place + rng.randint(0, 4)] = rng.choice(pieces) * rng.randint(0, 2)
        path.write_bytes(sealed(bytes(mutated), data))
        before = bits(opt)
        try:
            opt.load(path)
        except LambError as error:
            refused += 1
            assert isinstance(error, CheckpointError | StateMismatchError)  # noqa: PT017
            assert bits(opt) == before
    assert refused > 1500


def test_other_things_than_files(tmp_path: Path) -> None:
    opt = small()[0]
    with pytest.raises(FileNotFoundError):
        opt.load(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", "/dev/zero", "/dev/null"):
        with pytest.raises(CheckpointError, match=f"{path} is not a regular file"):
            opt.load(path)


HUGE = """
import resource, struct
from pathlib import Path
opt = Adam()
opt.build([np.ones(3, F)])
folder = Path(os.environ["FOLDER"])
opt.save(folder / "good")
MB = 1 << 20

def sparse(name, length, size, start=b""):
    with open(folder / name, "wb") as file:
        file.write(struct.pack("<Q", length) + start)
        file.truncate(size)

def header(name, *texts):
    with open(folder / name, "wb") as file:
        file.write(struct.pack("<Q", sum(map(len, texts))))
        for text in texts:
            file.write(text)

row = b'"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'
sparse("says 16 EB", 2**64 - 1, 100)
sparse("1 TB, says so", 2**40 - 8, 2**40)
sparse("1 TB of zeros", 64, 2**40)
sparse("1 TB of nothing", 70, 2**40, b'{"__metadata__":{"lamb_rs":"0.1.0"}}' + b" " * 34)
sparse("header of zeros", 10**8, 10**8 + 8)
header("brackets", b"[" * 20 * MB)
header("nested", b'{"a":' + b"[" * 20 * MB)
header("shape", b'{"a":{"dtype":"F32","shape":[' + b"0," * 10 * MB + b"0]}}")
header("offsets", b'{"a":{"dtype":"F32","shape":[0],"data_offsets":[' + b"0," * 10 * MB + b"0]}}")
header("name", b'{"' + b"a" * 20 * MB + b'":1}')
header("dtype", b'{"a":{"dtype":"' + b"F" * 20 * MB + b'"}}')
header("field", b'{"a":{"' + b"F" * 20 * MB + b'":1}}')
header("text", b'{"__metadata__":{"lamb_rs":"' + b"1" * 20 * MB + b'"}}')
header("texts", b'{"__metadata__":{' + b",".join(b'"%d":""' % i for i in range(10**6)) + b"}}")
header("tensors", b"{" + b",".join(row % i for i in range(200_000)) + b"}")
header("spaces", b" " * 20 * MB)
used = int(next(l for l in open("/proc/self/status") if l.startswith("VmSize")).split()[1]) << 10
resource.setrlimit(resource.RLIMIT_AS, (used + 256 * MB,) * 2)
for path in sorted(folder.iterdir()):
    started = time.monotonic()
    try:
        opt.load(path)
        print(path.name, "loaded")
    except CheckpointError as error:
        assert len(str(error)) < 1000, len(str(error))
        print(path.name, "refused")
    assert time.monotonic() - started < 30, path.name
"""


def test_hostile_headers_need_little_memory(tmp_path: Path) -> None:
    lines = run(HUGE, timeout=120, FOLDER=str(tmp_path)).splitlines()
    assert lines.count("good loaded") == 1
    assert [line for line in lines if not line.endswith(" refused")] == ["good loaded"]
    assert len(lines) == 17
