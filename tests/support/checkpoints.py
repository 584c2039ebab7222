"""What the tests of checkpoints share: small states, and files made by hand."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

import lamb_rs

if TYPE_CHECKING:
    from pathlib import Path

Arrays = dict[str, np.ndarray]
NO_DIGEST = "0" * 64
STALE = ".lamb_rs-*.tmp"


def small(seed: int = 0, steps: int = 2) -> tuple[Any, Arrays]:
    """A trained optimizer over two tensors, and the tensors."""
    rng = np.random.default_rng(seed)
    params = {"w": rng.normal(size=(3, 4)).astype("f"), "b": rng.normal(size=2).astype("f")}
    opt = lamb_rs.Adam(0.01)
    opt.build(params)
    for _ in range(steps):
        opt.apply({name: rng.normal(size=p.shape).astype("f") for name, p in params.items()})
    return opt, params


def bits(opt: Any) -> dict[str, Any]:
    """The state as bytes and numbers."""
    return {
        key: (x.dtype.str, x.shape, x.tobytes()) if isinstance(x, np.ndarray) else x
        for key, x in opt.state_dict().items()
    }


def parts(content: bytes) -> tuple[dict[str, Any], bytes]:
    """The header of a file as JSON reads it, and the data."""
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def sealed(header: Any, data: bytes = b"") -> bytes:
    """A file with a header (JSON, or text as it is) and a checksum that fits."""
    if isinstance(header, dict):
        header["__metadata__"]["sha256"] = NO_DIGEST
        header = json.dumps(header, separators=(",", ":"))
    text = header if isinstance(header, bytes) else header.encode()
    content = len(text).to_bytes(8, "little") + text + data
    digest = hashlib.sha256(content).hexdigest()
    field = b'"sha256":"%s"'
    return content.replace(field % NO_DIGEST.encode(), field % digest.encode(), 1)


def stale(folder: Path) -> list[Path]:
    """What saving left behind."""
    return sorted(folder.glob(STALE))
