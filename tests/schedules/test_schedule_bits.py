"""The bits of every schedule, the same on every machine.

A changed line means that results changed for users; see CONTRIBUTING.md, "Rules of numbers".
"""

from __future__ import annotations

import pytest

from lamb_rs import schedules
from lamb_rs.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    FlatAndAnneal,
    InverseTimeDecay,
    OneCycle,
    PiecewiseConstantDecay,
    PolynomialDecay,
    ReduceOnPlateau,
    Schedule,
    Warmup,
    WarmupStableDecay,
)

STEPS = (0, 1, 7, 50, 98, 1000)
ROWS: list[tuple[Schedule, tuple[str, ...]]] = [
    (
        ExponentialDecay(0.1, 30, 0.37),
        (
            "0x1.999999999999ap-4",
            "0x1.8c3f6458c4992p-4",
            "0x1.44cb1382195d4p-4",
            "0x1.386eb59782e15p-6",
            "0x1.fd4b5d1571598p-9",
            "0x1.d225e6db8d71cp-52",
        ),
    ),
    (
        ExponentialDecay(0.1, 30, 0.37, staircase=True),
        (
            "0x1.999999999999ap-4",
            "0x1.999999999999ap-4",
            "0x1.999999999999ap-4",
            "0x1.2f1a9fbe76c8bp-5",
            "0x1.4bf5a1d82c7c6p-8",
            "0x1.44a88ca0843fcp-51",
        ),
    ),
    (
        InverseTimeDecay(0.1, 30, 0.37),
        (
            "0x1.999999999999ap-4",
            "0x1.949c1ca8ecb26p-4",
            "0x1.790c5526696aap-4",
            "0x1.fab8be0547420p-5",
            "0x1.72e70a960f9bep-5",
            "0x1.eb851eb851eb8p-8",
        ),
    ),
    (
        PiecewiseConstantDecay([7, 60], [0.1, 0.03, 0.01]),
        (
            "0x1.999999999999ap-4",
            "0x1.999999999999ap-4",
            "0x1.999999999999ap-4",
            "0x1.eb851eb851eb8p-6",
            "0x1.47ae147ae147bp-7",
            "0x1.47ae147ae147bp-7",
        ),
    ),
    (
        PolynomialDecay(0.1, 99, 0.003, 1.7),
        (
            "0x1.999999999999ap-4",
            "0x1.92cd36a76de53p-4",
            "0x1.6b08612dc7907p-4",
            "0x1.08f71fb9cc3b1p-5",
            "0x1.8e5d604676a81p-9",
            "0x1.89374bc6a7efap-9",
        ),
    ),
    (
        PolynomialDecay(0.1, 33, 0.003, 1.7, cycle=True),
        (
            "0x1.999999999999ap-4",
            "0x1.8559a3e36efa1p-4",
            "0x1.1534ecb870c25p-4",
            "0x1.80104d43ef37ep-7",
            "0x1.8e5d604676a81p-9",
            "0x1.9d47d517ef63ap-9",
        ),
    ),
    (
        CosineDecay(0.1, 99, 0.03),
        (
            "0x1.999999999999ap-4",
            "0x1.997fff066aaabp-4",
            "0x1.94b80f0e74d9ep-4",
            "0x1.9f959234bdec8p-5",
            "0x1.8c6a9e2c85cf9p-9",
            "0x1.89374bc6a7efap-9",
        ),
    ),
    (
        CosineDecay(0.001, 90, warmup_target=0.1, warmup_steps=9),
        (
            "0x1.0624dd2f1a9fcp-10",
            "0x1.89374bc6a7efap-7",
            "0x1.3f7ced916872bp-4",
            "0x1.d29af514f8605p-5",
            "0x1.ff02e6caa399ap-16",
            "0x0.0p+0",
        ),
    ),
    (
        CosineDecayRestarts(0.1, 30),
        (
            "0x1.999999999999ap-4",
            "0x1.987a63b968fe9p-4",
            "0x1.64fefdce17f81p-4",
            "0x1.3333333333334p-4",
            "0x1.951fe7a973367p-4",
            "0x1.94400059dbd60p-4",
        ),
    ),
    (
        CosineDecayRestarts(0.1, 7, 1.3, 0.9, 0.01),
        (
            "0x1.999999999999ap-4",
            "0x1.85856ffa7922cp-4",
            "0x1.710cb295e9e1cp-4",
            "0x1.964c69b4d2ef9p-5",
            "0x1.7455d6632656dp-5",
            "0x1.0e74a34eb63a0p-6",
        ),
    ),
    (
        FlatAndAnneal(0.1, 99, 0.37),
        (
            "0x1.999999999999ap-4",
            "0x1.999999999999ap-4",
            "0x1.999999999999ap-4",
            "0x1.6ce30d6a8b301p-4",
            "0x1.09fc08d9a1800p-14",
            "0x0.0p+0",
        ),
    ),
    (
        WarmupStableDecay(0.1, 9, 33, 57, 0.003),
        (
            "0x0.0p+0",
            "0x1.6c16c16c16c17p-7",
            "0x1.3e93e93e93e94p-4",
            "0x1.61d63fe21b3c2p-4",
            "0x1.3422595250b33p-8",
            "0x1.89374bc6a7efap-9",
        ),
    ),
    (
        WarmupStableDecay(0.1, 9, 33, 57, 0.003, "cosine"),
        (
            "0x0.0p+0",
            "0x1.6c16c16c16c17p-7",
            "0x1.3e93e93e93e94p-4",
            "0x1.86999808e29dep-4",
            "0x1.92de75fd75045p-9",
            "0x1.89374bc6a7efap-9",
        ),
    ),
    (
        WarmupStableDecay(0.1, 9, 33, 57, 0.003, "sqrt"),
        (
            "0x0.0p+0",
            "0x1.6c16c16c16c17p-7",
            "0x1.3e93e93e93e94p-4",
            "0x1.04c0d76e42110p-4",
            "0x1.f93c5475b00b0p-9",
            "0x1.89374bc6a7efap-9",
        ),
    ),
    (
        OneCycle(0.1, 99),
        (
            "0x1.0624dd2f1aa00p-8",
            "0x1.18f8b66d06950p-8",
            "0x1.1d53a6ae5ada8p-6",
            "0x1.4150f76be4c7ep-4",
            "0x1.ad7f29abcaf48p-22",
            "0x1.ad7f29abcaf48p-22",
        ),
    ),
    (
        OneCycle(0.1, 99, 0.41, 7, 300, "linear", three_phase=True),
        (
            "0x1.d41d41d41d41ep-7",
            "0x1.0d8780767a1dep-6",
            "0x1.e25cbdc0ff0b8p-6",
            "0x1.3d48a09d6ff14p-4",
            "0x1.8f752047c7100p-15",
            "0x1.8f752047c70bdp-15",
        ),
    ),
    (
        ReduceOnPlateau(0.1),
        (
            "0x1.999999999999ap-4",
            "0x1.999999999999ap-4",
            "0x1.999999999999ap-4",
            "0x1.999999999999ap-4",
            "0x1.999999999999ap-4",
            "0x1.999999999999ap-4",
        ),
    ),
    (
        Warmup(ExponentialDecay(0.1, 30, 0.37), 33, 0.003),
        (
            "0x1.89374bc6a7efap-9",
            "0x1.853e7eba4e521p-8",
            "0x1.8243e4f10b1bep-6",
            "0x1.d25779d1be4adp-5",
            "0x1.7c172a5dbcd57p-7",
            "0x1.5be3d94362777p-50",
        ),
    ),
]


@pytest.mark.parametrize(("schedule", "bits"), ROWS, ids=lambda x: getattr(x, "name", None))
def test_bits(schedule: Schedule, bits: tuple[str, ...]) -> None:
    assert tuple(float.hex(schedule(n)) for n in STEPS) == bits


def test_every_schedule_has_a_row() -> None:
    abstract = {"Schedule", "StatefulSchedule"}
    named = {name for name in schedules.__all__ if name[0].isupper()} - abstract
    assert {type(schedule).__name__ for schedule, _ in ROWS} == named
