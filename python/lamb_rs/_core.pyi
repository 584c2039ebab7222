"""What the native module has. Private: the package around it is the interface."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypedDict, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Optimizer",
    "__version__",
    "algorithms",
    "cos",
    "exp",
    "flatten",
    "get_num_threads",
    "info",
    "log",
    "pack_header",
    "pop_threads",
    "pow",
    "push_threads",
    "set_num_threads",
    "stream_floor",
    "unpack_header",
    "without_effect",
]

class _Hyper(TypedDict):
    name: str
    default: object
    kind: Literal["number", "integer", "bool", "choice", "pair"]
    choices: tuple[bool | str, ...]
    domain: str
    dynamic: bool
    per_parameter: bool
    doc: str
    shared: bool
    wrapper: str | None

class _Algorithm(TypedDict):
    name: str
    class_name: str
    summary: str
    formula: str
    routed: str | None
    routed_formula: str | None
    source: str
    slots: list[str]
    scalars: list[str]
    scope: Literal["group", "parameter", "all"]
    layerwise: bool
    matrix: bool
    hyper: list[_Hyper]

class _Parameter(TypedDict):
    name: str
    rule: str
    formula: str
    shape: tuple[int, ...]
    size: int
    learning_rate: float
    weight_decay: float | None
    layer_adaptation: bool | None
    trainable: bool
    state_bytes: int
    slots: list[tuple[str, str]]
    slot_bytes: list[int]

@final
class Optimizer:
    """One optimizer: hyperparameters, bound parameters, state and counters."""

    def __new__(
        cls,
        algorithm: str,
        hyper: dict[str, object],
        sources: dict[str, tuple[Callable[..., float], bool]] | None = None,
        /,
    ) -> Optimizer: ...
    @property
    def built(self) -> bool: ...
    @property
    def iterations(self) -> int: ...
    @property
    def calls(self) -> int: ...
    @property
    def skipped_steps(self) -> int: ...
    @property
    def last_skip(self) -> str | None: ...
    @property
    def state_bytes(self) -> int: ...
    @property
    def parameter_names(self) -> list[str]: ...
    @property
    def parameters(self) -> list[NDArray[np.float32]]: ...
    @property
    def trust_ratios(self) -> NDArray[np.float64] | None: ...
    @property
    def weight_norms(self) -> NDArray[np.float64] | None: ...
    @property
    def update_norms(self) -> NDArray[np.float64] | None: ...
    @property
    def last_learning_rate(self) -> float: ...
    @property
    def gradient_norm(self) -> float | None: ...
    def build(
        self,
        params: object,
        overrides: list[dict[str, object]] | None,
        pending: dict[str, object] | None,
        differences: Sequence[str] = (),
        /,
    ) -> None: ...
    def apply(self, grads: object, /) -> bool: ...
    def verify(self, grads: object, /) -> None: ...
    def check_params(self, params: object, /) -> None: ...
    def set(self, name: str, value: object, /) -> None: ...
    def configure(self, hyper: dict[str, object], /) -> None: ...
    def get(self, name: str, /) -> object: ...
    def set_source(self, name: str, source: Callable[..., float], takes_step: bool, /) -> None: ...
    def state_dict(self) -> dict[str, object]: ...
    def load_state_dict(
        self, state: dict[str, object], strict: bool, differences: Sequence[str] = (), /
    ) -> None: ...
    def unbuild(self) -> None: ...
    def reset(self) -> None: ...
    def evaluation(self) -> dict[str, NDArray[np.float32]]: ...
    def averages(self) -> dict[str, NDArray[np.float32]]: ...
    def finalize(self) -> None: ...
    def describe(self) -> list[_Parameter]: ...
    def formula(self, *, routed: bool = False) -> str | None: ...

__version__: str

def flatten(params: object, /) -> tuple[list[str], list[NDArray[np.float32]]]: ...
def algorithms() -> list[_Algorithm]: ...
def without_effect(
    algorithm: str, hyper: dict[str, object], sources: Sequence[str], /
) -> list[str]: ...
def pack_header(
    tensors: Sequence[tuple[str, str, Sequence[int]]], metadata: dict[str, str], /
) -> tuple[bytes, list[int]]: ...
def unpack_header(
    header: bytes, data_bytes: int, /
) -> tuple[dict[str, str], list[tuple[str, str, list[int], int, int]]]: ...
def set_num_threads(n: int, /) -> None: ...
def get_num_threads() -> int: ...
def push_threads(n: int, /) -> None: ...
def pop_threads() -> None: ...
def info() -> dict[str, Any]: ...
def cos(x: float, /) -> float: ...
def exp(x: float, /) -> float: ...
def log(x: float, /) -> float: ...
def pow(x: float, y: float, /) -> float: ...
def stream_floor(arrays: Sequence[NDArray[np.float32]], reads: int, /) -> None: ...
