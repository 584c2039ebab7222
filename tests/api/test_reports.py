"""What an optimizer says about itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamb_rs
from lamb_rs import SGD, Adam, Lamb, optim, schedules

CALLS: dict[str, lamb_rs.Optimizer] = {
    "Lamb()": Lamb(),
    "SGD(momentum=0.9, nesterov=True)": SGD(momentum=0.9, nesterov=True),
    "Adam(learning_rate=0.01, amsgrad='corrected', seed=3)": Adam(
        0.01, amsgrad="corrected", seed=3
    ),
    "AdamW(weight_decay=None, name='mine')": lamb_rs.AdamW(weight_decay=None, name="mine"),
    "Lamb(trust_clip=(0.0, 1.0), gradient_accumulation_steps=4)": Lamb(
        trust_clip=(0, 1), gradient_accumulation_steps=4
    ),
    "Lamb(learning_rate=schedules.Warmup(schedules.CosineDecay(0.1, 90), 10))": Lamb(
        schedules.Warmup(schedules.CosineDecay(0.1, 90), 10)
    ),
}


@pytest.mark.parametrize(("text", "opt"), CALLS.items(), ids=CALLS)
def test_repr_is_the_call_that_makes_it(text: str, opt: lamb_rs.Optimizer) -> None:
    assert repr(opt) == text
    assert repr(eval(text, vars(lamb_rs))) == text  # noqa: S307


def parameters() -> dict[str, Any]:
    rng = np.random.default_rng(0)

    def of(*shape: int) -> Any:
        return rng.normal(size=shape).astype(np.float32)

    return {"dense": {"kernel": of(80, 60), "bias": of(60)}, "scale": of(), "frozen": of(9)}


def trained(opt: lamb_rs.Optimizer, params: Any = None) -> lamb_rs.Optimizer:
    opt.exclude_from_weight_decay(var_names=["bias"])
    opt.exclude_from_layer_adaptation(var_names=["bias"])
    params = params or parameters()
    opt.build(
        params,
        overrides={"scale": {"learning_rate_multiplier": 0.5}, "frozen": {"trainable": False}},
    )
    for _ in range(3):
        opt.apply(parameters())
    return opt


def test_repr_of_a_built_one_says_more_behind_a_comment_sign() -> None:
    text = repr(trained(Lamb(0.01)))
    assert text == "Lamb(learning_rate=0.01)  # 4 tensors, 4,870 parameters, step 3"
    assert repr(eval(text, vars(lamb_rs))) == "Lamb(learning_rate=0.01)"  # noqa: S307


def columns(text: str) -> dict[str, str]:
    """Rows of a table by their first word."""
    return {line.split()[0]: line for line in text.splitlines() if line.split()}


def test_explain_tells_rule_numbers_and_reasons() -> None:
    text = trained(Lamb(0.01, weight_decay=0.1, state_dtype="float8")).explain()
    found = columns(text)
    assert text.startswith("Lamb: layer-wise adaptive moments for large batches (You et al.")
    assert "    u = u + weight_decay p\n" in text
    assert "    p = p - learning_rate q u\n" in text
    assert found["learning_rate"].split()[1] == "0.01"
    assert found["weight_decay_mode"].split()[1] == "'update'"
    assert found["state_dtype"].split()[1] == "'float8'"
    assert "clipnorm" not in found
    assert found["dense/kernel"].split()[1:7] == ["80", "x", "60", "0.01", "0.1", "yes"]
    assert found["dense/kernel"].endswith("float8  -")
    assert "no weight decay, no layer adaptation by 'bias'; too small for" in found["dense/bias"]
    assert found["dense/bias"].split()[1:5] == ["60", "0.01", "-", "no"]
    assert "learning_rate_multiplier=0.5 by 'scale'" in found["scale"]
    assert found["scale"].split()[1:3] == ["scalar", "0.005"]
    assert found["frozen"].endswith("frozen by 'frozen'")


def test_explain_names_what_drives() -> None:
    text = Lamb(schedules.PolynomialDecay(0.1, 9), beta_1=lambda: 0.5).explain()
    found = columns(text)
    assert found["learning_rate"].endswith("from schedules.PolynomialDecay(0.1, 9)")
    assert found["beta_1"].split()[1] == "0.5"


def test_explain_and_summary_before_build() -> None:
    opt = Lamb()
    opt.exclude_from_weight_decay(var_names=["bias", "norm"])
    for text in (opt.explain(), opt.summary()):
        assert "ot built: " in text
        assert "build(params)" in text
        assert "To be excluded from weight decay: 'bias', 'norm'" in text


def test_summary_groups_what_is_treated_alike() -> None:
    opt = trained(Lamb(0.01, weight_decay=0.1))
    text = opt.summary()
    assert text.startswith("Lamb(learning_rate=0.01, weight_decay=0.1)\n")
    assert "4 tensors, 4,870 parameters" in text
    assert "momentum float32, velocity float32" in text
    assert "3 updates in 3 calls" in text
    table = [line.split() for line in text.partition("\n\n")[2].splitlines()]
    assert [row[:5] for row in table[1:]] == [
        ["1", "4,800", "0.01", "0.1", "yes"],
        ["1", "60", "0.01", "-", "no"],
        ["1", "1", "0.005", "0.1", "yes"],
        ["1", "9", "frozen", "-", "-"],
    ]
    assert opt.trust_ratios is not None
    assert table[1][5] == f"{opt.trust_ratios[0]:.3g}"


@pytest.mark.parametrize("name", optim.__all__)
def test_reports_of_every_class(name: str) -> None:
    opt = trained(getattr(lamb_rs, name)())
    known = {one.class_name: one for one in lamb_rs.registry()}[name]
    for text in (opt.explain(), opt.summary()):
        assert all(line == line.rstrip() for line in text.splitlines())
        assert ("adapted" in text) is known.layerwise
    assert known.summary in opt.explain()


def test_skipped_steps_are_told() -> None:
    params = parameters()
    opt = trained(SGD(nonfinite="skip"), params)
    bad = parameters()
    bad["scale"][...] = np.nan
    opt.apply(bad)
    assert "3 updates in 3 calls, 1 skipped" in opt.summary()
