"""The messages for common mistakes: the problem, its place, and the remedy."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import schedules

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

F32 = np.float32


def params() -> dict[str, Any]:
    return {
        "dense": {"kernel": np.ones((4, 3), F32), "bias": np.zeros(3, F32)},
        "norm": np.ones(3, F32),
    }


def built(tree: Any, opt: lamb_rs.Optimizer | None = None, **arguments: Any) -> lamb_rs.Optimizer:
    opt = opt or lamb_rs.Lamb()
    opt.build(tree, **arguments)
    return opt


def step(tree: Any, grads: Any, **arguments: Any) -> None:
    built(tree, lamb_rs.Lamb(**arguments)).apply(grads)


def changed(tree: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**tree, **changes}


@dataclass(frozen=True)
class Row:
    """A mistake and its message.

    Attributes
    ----------
    mistake : str
        In words.
    code : callable
        Makes the mistake; takes an empty folder.
    says : tuple of str
        What the message contains.
    longest : int
        Most characters of the message.
    """

    mistake: str
    code: Callable[[Path], object]
    says: tuple[str, ...]
    longest: int = 300
    never: tuple[str, ...] = field(default=("array([", "<function", "0x"))


def rebinding(_: Path) -> None:
    tree = params()
    opt = built(tree)
    tree["dense"]["kernel"] = np.ones((4, 3), F32)
    opt.apply(params())


def kept_nowhere(_: Path) -> None:
    opt = lamb_rs.Lamb()
    opt.build({"w": np.ones(3, F32)})
    opt.apply({"w": np.ones(3, F32)})


def other_parameters(_: Path) -> None:
    tree = params()
    built(tree).apply(params(), params())


def excluded_late(_: Path) -> None:
    tree = params()
    built(tree).exclude_from_weight_decay(var_names=["bias"])


def excluding(*args: Any, **names: Any) -> Callable[[Path], object]:
    def code(_: Path) -> None:
        opt = lamb_rs.Lamb()
        opt.exclude_from_weight_decay(*args, **names)
        opt.build(params())

    return code


def overriding(overrides: Any) -> Callable[[Path], object]:
    return lambda _: lamb_rs.Lamb().build(params(), overrides=overrides)


def gradients(
    change: Callable[[dict[str, Any]], Any], **arguments: Any
) -> Callable[[Path], object]:
    def code(_: Path) -> None:
        tree = params()
        step(tree, change(params()), **arguments)

    return code


def reading(name: str, make: Callable[[], Any] = lamb_rs.Lamb) -> Callable[[Path], object]:
    return lambda _: getattr(make(), name)


def lists(wanted: int, given: int) -> Callable[[Path], object]:
    def code(_: Path) -> None:
        tree = [np.ones(2, F32) for _ in range(wanted)]
        step(tree, [np.ones(2, F32) for _ in range(given)])

    return code


def saved(folder: Path) -> Path:
    tree = params()
    opt = built(tree)
    opt.apply(params())
    path = folder / "x.safetensors"
    opt.save(path)
    return path


def loading(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    def code(folder: Path) -> None:
        path = saved(folder)
        path.write_bytes(change(path.read_bytes()))
        lamb_rs.Lamb().load(path)

    return code


def flipped(content: bytes) -> bytes:
    return content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]


def load_into(make: Callable[[], lamb_rs.Optimizer], tree: Any) -> Callable[[Path], object]:
    return lambda folder: built(tree, make()).load(saved(folder))


def shared_memory(_: Path) -> None:
    both = np.ones(9, F32)
    built({"emb": both, "head": both})


def read_only(_: Path) -> None:
    array = np.ones(3, F32)
    array.flags.writeable = False
    built({"w": array})


def lookahead_twice(_: Path) -> None:
    lamb_rs.Lookahead(lamb_rs.Lookahead(lamb_rs.Adam()))


def own_class(_: Path) -> None:
    class Own(lamb_rs.Optimizer):
        pass

    Own(learning_rate=0.1)


def tensor(module: str, **attributes: Any) -> Any:
    """Make an object of a class that says it is from another package."""
    return type("Parameter", (), {"__module__": module, **attributes})()


def with_nan(tree: dict[str, Any]) -> dict[str, Any]:
    tree["dense"]["bias"][1] = np.nan
    return tree


NAMES = "('dense/kernel', 'dense/bias', 'norm')"

ROWS = [
    # Arguments.
    Row(
        "lr",
        lambda _: lamb_rs.Lamb(lr=1e-3),
        ("Lamb() has no argument 'lr'; did you mean 'learning_rate'?",),
    ),
    Row(
        "betas",
        lambda _: lamb_rs.AdamW(betas=(0.9, 0.99)),
        ("AdamW() has no argument 'betas'; did you mean 'beta_1' and 'beta_2'?",),
    ),
    Row(
        "parameters in the constructor",
        lambda _: lamb_rs.AdamW(params(), 1e-3),
        ("learning_rate", "mapping of 2 items", "build(params), not to the constructor"),
    ),
    Row(
        "a list of parameters in the constructor",
        lambda _: lamb_rs.Adam([np.ones(3, F32)]),
        ("learning_rate", "sequence of 1 item", "build(params), not to the constructor"),
    ),
    Row(
        "one array in the constructor",
        lambda _: lamb_rs.SGD(np.ones((4, 3), F32)),
        ("learning_rate", "array of shape (4, 3)", "build(params), not to the constructor"),
    ),
    Row(
        "negative rate",
        lambda _: lamb_rs.Lamb(-0.1),
        ("learning_rate must be a finite number >= 0; got -0.1",),
    ),
    Row(
        "rate that is a string",
        lambda _: lamb_rs.Lamb("0.1"),
        ("learning_rate must be a finite number >= 0", "the string '0.1'", "without quotation"),
    ),
    Row(
        "rate that is not a number",
        lambda _: lamb_rs.Lamb(float("nan")),
        ("learning_rate must be a finite number >= 0; got nan",),
    ),
    Row(
        "no rate",
        lambda _: lamb_rs.Lamb(None),
        ("learning_rate must be a finite number >= 0; got None",),
    ),
    Row(
        "beta_1=1",
        lambda _: lamb_rs.Lamb(beta_1=1.0),
        ("beta_1 must be a number in the range [0, 1); got 1.0",),
    ),
    Row(
        "function of the step",
        lambda _: lamb_rs.Lamb(lambda step: 0.1 / step),
        ("learning_rate", "takes arguments", "subclass lamb_rs.schedules.Schedule"),
        never=("array([",),
    ),
    Row(
        "two clips",
        lambda _: lamb_rs.Lamb(clipnorm=1.0, global_clipnorm=1.0),
        ("clipnorm and global_clipnorm are set together", "set at most one"),
    ),
    Row(
        "names of the paper",
        lambda _: lamb_rs.Lookahead(lamb_rs.AdamW(), k=5),
        ("Lookahead() has no argument 'k'; did you mean 'sync_period'?",),
    ),
    Row(
        "the other name of the paper",
        lambda _: lamb_rs.Lookahead(lamb_rs.AdamW(), alpha=0.5),
        ("Lookahead() has no argument 'alpha'; did you mean 'slow_step_size'?",),
    ),
    Row(
        "misspelt argument of a wrapper",
        lambda _: lamb_rs.Larc(lamb_rs.SGD(), trust_coef=0.1),
        ("Larc() has no argument 'trust_coef'; did you mean 'trust_coefficient'?",),
    ),
    Row(
        "misspelt argument of a schedule",
        lambda _: schedules.CosineDecay(0.1, steps=100),
        ("CosineDecay() has no argument 'steps'; did you mean 'decay_steps'?",),
    ),
    Row(
        "Lookahead around Lookahead",
        lookahead_twice,
        ("Lookahead cannot go around Lookahead", "synchronizes", "set its sync_period"),
    ),
    Row(
        "the base class",
        lambda _: lamb_rs.Optimizer(0.1),
        ("Optimizer is the base class", "such as lamb_rs.AdamW()", "lamb_rs.optimizers()"),
    ),
    Row(
        "subclass of the base class",
        own_class,
        ("Own subclasses Optimizer itself", "subclass one of the optimizers"),
    ),
    Row(
        "unknown name",
        lambda _: lamb_rs.get("lambb"),
        ("unknown optimizer 'lambb'; did you mean 'Lamb'?", "lamb_rs.optimizers() lists all"),
    ),
    # Attributes of other packages.
    Row("step", reading("step"), ("Lamb has no attribute 'step'", "call apply(grads)")),
    Row("zero_grad", reading("zero_grad"), ("no attribute 'zero_grad'", "leave it out")),
    Row(
        "apply_gradients",
        lambda _: lamb_rs.Lamb().apply_gradients(zip([], [], strict=True)),
        ("no attribute 'apply_gradients'", "call apply(grads)", "not pairs"),
    ),
    Row(
        "param_groups",
        reading("param_groups"),
        ("no attribute 'param_groups'", "learning_rate", "build(params, overrides="),
    ),
    Row("lr", reading("lr"), ("no attribute 'lr'; did you mean 'learning_rate'?",)),
    Row("minimize", reading("minimize"), ("no attribute 'minimize'", "call apply(grads)")),
    Row("update", reading("update"), ("no attribute 'update'", "call apply(grads)")),
    Row(
        "step of a wrapper",
        reading("step", lambda: lamb_rs.Lookahead(lamb_rs.Adam())),
        ("Lookahead has no attribute 'step'", "call apply(grads)"),
    ),
    Row(
        "setting lr",
        lambda _: setattr(lamb_rs.Lamb(), "lr", 0.1),
        ("Lamb has no attribute 'lr'; did you mean 'learning_rate'?",),
    ),
    Row(
        "setting param_groups",
        lambda _: setattr(lamb_rs.Lamb(), "param_groups", []),
        ("no attribute 'param_groups'", "build(params, overrides="),
    ),
    # Parameters.
    Row(
        "float64 parameter",
        lambda _: built({"w": np.ones(3)}),
        ("parameter 'w' must have dtype float32; got float64", ".astype(np.float32)", "build with"),
    ),
    Row(
        "transposed parameter",
        lambda _: built({"w": np.ones((4, 3), F32).T}),
        ("parameter 'w' must be C-contiguous", "(3, 4)", "np.ascontiguousarray", "build with"),
    ),
    Row(
        "tensor of torch",
        lambda _: built([tensor("torch.nn.parameter", detach=None)]),
        ("parameter '0' must be a numpy.ndarray", "torch.nn.parameter", "p.detach().numpy()"),
    ),
    Row(
        "array of JAX",
        lambda _: built({"w": tensor("jaxlib._jax", __dlpack__=None)}),
        ("parameter 'w' must be a numpy.ndarray", "cannot be updated in place", "np.array(x)"),
    ),
    Row(
        "array of another package",
        lambda _: built({"w": tensor("other", __dlpack__=None)}),
        ("parameter 'w' must be a numpy.ndarray", "np.from_dlpack(x)"),
    ),
    Row(
        "generator of parameters",
        lambda _: built(array for array in [np.ones(3, F32)]),
        ("must be a numpy.ndarray", "pass a list or a dict"),
    ),
    Row(
        "read-only parameter",
        read_only,
        ("parameter 'w' is read-only", "pass a writeable array, or a .copy()"),
    ),
    Row(
        "tied parameters",
        shared_memory,
        ("'emb' and 'head' share 36 bytes", "pass each parameter once"),
    ),
    Row(
        "parameter replaced",
        rebinding,
        ("parameter 'dense/kernel' was replaced", "nothing was changed", "w -= x, w[...] = x"),
    ),
    Row(
        "parameter kept nowhere",
        kept_nowhere,
        ("only the optimizer holds", "parameter 'w'", "nothing was changed", "w -= x", "keep the"),
        longest=330,
    ),
    Row(
        "other parameters",
        other_parameters,
        ("'dense/kernel' is not the array that build bound", "leave params out"),
    ),
    # Gradients.
    Row(
        "apply before build",
        lambda _: lamb_rs.Lamb().apply(params()),
        ("not built; call build(params) first, or apply(grads, params)",),
    ),
    Row(
        "float64 gradient",
        gradients(lambda g: changed(g, norm=np.ones(3))),
        ("gradient of 'norm' must have dtype float32, bfloat16 or float16", "float64", ".astype("),
    ),
    Row(
        "transposed gradient",
        gradients(lambda g: changed(g, dense=changed(g["dense"], kernel=np.ones((3, 4), F32).T))),
        ("gradient of 'dense/kernel' must be C-contiguous", "np.ascontiguousarray makes a copy"),
    ),
    Row(
        "shape of the transpose",
        gradients(lambda g: changed(g, dense=changed(g["dense"], kernel=np.ones((3, 4), F32)))),
        ("gradient of 'dense/kernel' has shape (3, 4)", "(4, 3)", "no broadcasting", "transpose"),
    ),
    Row(
        "another shape",
        gradients(lambda g: changed(g, norm=np.ones(4, F32))),
        ("gradient of 'norm' has shape (4,), the parameter has (3,)", "no broadcasting"),
        never=("transpose",),
    ),
    Row(
        "missing gradient",
        gradients(lambda g: {"dense": g["dense"]}),
        ("missing: 'norm'", "pass None to leave a parameter alone"),
    ),
    Row(
        "unknown gradient",
        gradients(lambda g: changed(g, head=np.ones(3, F32))),
        ("unknown: 'head'", "leave it out"),
    ),
    Row(
        "flat names",
        gradients(lambda g: {"dense/kernel": g["dense"]["kernel"], "norm": g["norm"]}),
        ("missing: 'dense'", "'dense/kernel'", "nested", "{'dense': {'kernel': ...}}"),
    ),
    Row(
        "flat names of torch",
        gradients(lambda g: {"dense.kernel": g["dense"]["kernel"], "norm": g["norm"]}),
        ("missing: 'dense'", "'dense.kernel'", "nested", "{'dense': {'kernel': ...}}"),
    ),
    Row("too few", lists(2, 1), ("must be a sequence of 2", "got 1 item"), never=("1 items",)),
    Row("too many", lists(2, 3), ("must be a sequence of 2", "got 3 items")),
    Row(
        "NaN under a clip",
        gradients(with_nan, clipnorm=1.0),
        ("gradient of 'dense/bias' has 1 non-finite element", "index 1", 'nonfinite="skip"'),
    ),
    # Exclusions and overrides.
    Row(
        "exclude after build",
        excluded_late,
        ("exclude_from_weight_decay has no effect after build", "call it before"),
    ),
    Row(
        "pattern without a match",
        excluding(var_names=["batch_norm"]),
        ("'batch_norm' is found in none of the 3 parameters", NAMES, "correct the pattern"),
    ),
    Row(
        "var_names that is a string",
        excluding(var_names="bias"),
        ("var_names must be a list of patterns; write var_names=['bias']",),
    ),
    Row(
        "names as arrays",
        excluding(["bias"]),
        (
            "exclude_from_weight_decay: var_list takes arrays, got 'bias'",
            "write var_names=['bias']",
        ),
    ),
    Row(
        "glob in an exclusion",
        excluding(var_names=["*/bias"]),
        ("'*/bias' is not a regular expression", "write '(^|/)bias$'", "overrides"),
    ),
    Row(
        "glob in an exclusion that is a regular expression too",
        excluding(var_names=["dense*norm"]),
        ("'dense*norm' is found in none", "write '^dense.*norm$'"),
        longest=360,
    ),
    Row(
        "regular expression in overrides",
        overriding({"dense/.*": {"weight_decay": None}}),
        ("'dense/.*' matches none of the 3 parameters", NAMES, "write 'dense/*'", "glob"),
        longest=360,
    ),
    Row(
        "part of a name in overrides",
        overriding({"kernel$": {"weight_decay": None}}),
        ("'kernel$' matches none of the 3 parameters", "write '*kernel'"),
        longest=360,
    ),
    Row(
        "misspelt setting",
        overriding({"norm": {"lr_multiplier": 0.1}}),
        (
            "'norm' has an unknown setting 'lr_multiplier'",
            "did you mean 'learning_rate_multiplier'",
        ),
    ),
    Row(
        "schedule in an override",
        overriding({"norm": {"learning_rate": schedules.CosineDecay(0.1, 10)}}),
        ("overrides: 'norm' sets learning_rate", "learning_rate_multiplier", "MultiOptimizer"),
    ),
    Row(
        "value of an override",
        overriding({"norm": {"weight_decay": "0.1"}}),
        ("parameter 'norm'", "weight_decay must be a finite number >= 0, or None", "string '0.1'"),
    ),
    Row(
        "rate of an override",
        overriding({"norm": {"learning_rate": [0.1]}}),
        ("parameter 'norm'", "learning_rate must be a finite number >= 0"),
    ),
    # Files.
    Row(
        "state of another optimizer",
        load_into(lamb_rs.AdamW, params()),
        ("does not fit this optimizer; nothing was changed", "'lamb'", "'adamw'", "here it is"),
        longest=1200,
    ),
    Row(
        "state of other shapes",
        load_into(lamb_rs.Lamb, changed(params(), norm=np.ones(5, F32))),
        ("'norm/momentum' must be float32 of shape (5,), got float32 of shape (3,)",),
        longest=600,
    ),
    Row(
        "file that is cut off",
        loading(lambda content: content[:-7]),
        ("x.safetensors: is cut off", "137 are there", "load an older checkpoint"),
    ),
    Row(
        "file that is cut off in its header",
        loading(lambda content: content[:200]),
        ("x.safetensors: is cut off", "(200 bytes)", "load an older checkpoint"),
    ),
    Row(
        "file with more bytes",
        loading(lambda content: content + b"abc"),
        ("x.safetensors: is damaged", "147 follow the header", "load an older checkpoint"),
    ),
    Row(
        "file with a flipped bit",
        loading(flipped),
        ("x.safetensors: is damaged", "SHA-256", "load an older checkpoint"),
        longest=400,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.mistake)
def test_message(row: Row, tmp_path: Path) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the message is what counts
        row.code(tmp_path)
    message = str(caught.value)
    for piece in row.says:
        assert piece in message
    for piece in row.never:
        assert piece not in message
    assert len(message) - len(str(tmp_path)) * (str(tmp_path) in message) <= row.longest


ELSEWHERE = ["step", "zero_grad", "apply_gradients", "param_groups", "lr", "betas"]


@pytest.mark.parametrize("make", [lamb_rs.SGD, lambda: lamb_rs.Lookahead(lamb_rs.SGD())])
@pytest.mark.parametrize("name", ELSEWHERE)
def test_attributes_of_other_packages_do_not_exist(
    make: Callable[[], lamb_rs.Optimizer], name: str
) -> None:
    opt = make()
    assert not hasattr(opt, name)
    assert not hasattr(type(opt), name)
    assert name not in dir(opt)
    assert not hasattr(pickle.loads(pickle.dumps(opt)), name)


class Named(lamb_rs.Adam):  # type: ignore[misc]  # the optimizers are final for type checkers
    step = 3


def test_a_subclass_can_have_an_attribute_of_this_name() -> None:
    opt = Named()
    opt.betas = "own"
    assert (opt.step, opt.betas) == (3, "own")
