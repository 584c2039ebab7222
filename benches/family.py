"""The rest of the family: every rule against the memory, and matrices against other packages."""

from __future__ import annotations

from contestants import floor, keras_jitted, optax_made, ours, torch_class

from harness import Case, Claim, Shapes

# One encoder layer of BERT-base, and its matrices alone.
MATRICES: Shapes = [(768, 768)] * 4 + [(3072, 768), (768, 3072)]
SQUARE: Shapes = [(8192, 8192)]

# For each pass over memory: arrays that change, arrays that are only read.
STREAMED: list[tuple[str, str, list[tuple[int, int]], str, dict[str, object]]] = [
    ("RMSprop", "rmsprop", [(2, 1)], "<= 1.0", {}),
    (
        "RMSprop, centered, with momentum",
        "rmsprop",
        [(4, 1)],
        "<= 1.05",
        {"centered": True, "momentum": 0.9},
    ),
    ("Nadam", "nadam", [(3, 1)], "<= 1.0", {}),
    ("AMSGrad", "adam", [(4, 1)], "<= 1.05", {"amsgrad": True}),
    ("Adadelta", "adadelta", [(3, 1)], "<= 1.05", {}),
    ("Adamax", "adamax", [(3, 1)], "<= 1.05", {}),
    ("AdaBound", "adabound", [(3, 1)], "<= 1.05", {}),
    ("AdaBelief", "adabelief", [(3, 1)], "<= 1.05", {}),
    ("Grams", "grams", [(3, 1)], "<= 1.05", {}),
    ("ADOPT", "adopt", [(3, 1)], "<= 1.05", {}),
    ("Ftrl", "ftrl", [(3, 1)], "<= 1.05", {}),
    ("AdEMAMix", "ademamix", [(4, 1)], "<= 1.05", {}),
    ("Adan", "adan", [(5, 1)], "<= 1.05", {}),
    ("Schedule-Free SGD", "schedulefreesgd", [(2, 1)], "<= 1.05", {}),
    ("Schedule-Free AdamW", "schedulefreeadamw", [(3, 1)], "<= 1.05", {}),
    ("NovoGrad", "novograd", [(0, 1), (2, 1)], "<= 1.05", {}),
    ("MARS", "mars", [(0, 2), (4, 1)], "<= 1.05", {"optimize_1d": True}),
    ("Prodigy", "prodigy", [(3, 3), (1, 2)], "<= 1.05", {}),
    ("Cautious AdamW", "adamw", [(2, 1), (1, 3)], "<= 1.05", {"cautious": True}),
    ("Cautious Lion", "lion", [(0, 2), (2, 1)], "<= 1.05", {"cautious": True}),
    ("Ralamb", "ralamb", [(2, 2), (1, 2)], "<= 1.05", {}),
    ("Ranger", "ranger", [(3, 1)], "<= 1.05", {}),
    ("RangerLARS", "rangerlars", [(2, 2), (1, 2)], "<= 1.05", {}),
]


def streamed(case: tuple[str, str, list[tuple[int, int]], str, dict[str, object]]) -> Case:
    """One tensor far beyond the cache, against the memory."""
    title, name, passes, goal, arguments = case
    contestants = {"floor": floor(*passes), "lamb_rs": ours(name, **arguments)}
    return Case(f"{title}, one tensor", "64 Mi", contestants, [Claim("lamb_rs", "floor", goal)])


def against_all(name: str, size: str, optax: object, **torch_arguments: object) -> Case:
    """The same rule in torch, Keras and optax."""
    contestants = {
        "lamb_rs": ours(name.lower()),
        "torch": torch_class("torch.optim", name, **torch_arguments),
        "Keras": keras_jitted(name),
        "optax": optax_made(optax),
    }
    claims = [Claim(who, "lamb_rs") for who in ("torch", "Keras", "optax")]
    return Case(f"{name} and peers", size, contestants, [Claim("lamb_rs", unit="ms"), *claims])


FAMILY = [
    *map(streamed, STREAMED),
    # The rows and columns, the norms, the step.
    Case(
        "Adafactor, one matrix",
        "8192 x 8192",
        {"floor": floor((0, 1), (0, 2), (1, 1)), "lamb_rs": ours("adafactor")},
        [Claim("lamb_rs", "floor", "<= 1.05")],
    ),
    # The norm of the gradients, the step, the slow weights, the average.
    Case(
        "AdamW with Lookahead, average and global clip",
        "64 Mi",
        {
            "floor": floor((0, 1), (3, 1), (1, 1), (1, 1)),
            "lamb_rs": ours("adamw", lookahead=1, use_ema=True, global_clipnorm=1.0),
        },
        [Claim("lamb_rs", "floor", "<= 1.15")],
    ),
    against_all("Adafactor", "BERT-base, 110 M", lambda optax: optax.adafactor(1e-3)),
    against_all("Muon", "BERT layer, 7 M", lambda optax: optax.contrib.muon(1e-3)),
]
