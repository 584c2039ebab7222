"""The cases as data: contestants, quantities, and goals."""

from __future__ import annotations

from contestants import floor, optax_jitted, ours, torch_class, torch_fused
from family import FAMILY, MATRICES, SQUARE
from package import IMPORT

from harness import Case, Claim, Contestant, Shapes, Sizes


def bert(layers: int, vocabulary: int, width: int) -> Shapes:
    """Parameters of BERT without a head: embeddings, layers, pooler."""
    square, bias, norm = (width, width), (width,), [(width,), (width,)]
    wide = [(4 * width, width), (4 * width,), (width, 4 * width), bias]
    layer = [square, bias] * 4 + norm + wide + norm
    embeddings = [(vocabulary, width), (512, width), (2, width), *norm]
    return embeddings + layers * layer + [square, bias]


FULL: Sizes = {
    "64 Mi": [(1 << 26,)],
    "BERT-base, 110 M": bert(12, 30522, 768),
    "2000 of 2000": [(2000,)] * 2000,
    "one of 4 M": [(4_000_000,)],
    "8192 x 8192": SQUARE,
    "BERT layer, 7 M": MATRICES,
    "MLP, 235 k": [(784, 256), (256,), (256, 128), (128,), (128, 10), (10,)],
    "4 tiny, 212": [(10, 10), (10,), (10, 10), (2,)],
    "none": [],
}
QUICK: Sizes = {
    **FULL,
    "64 Mi": [(1 << 18,)],
    "BERT-base, 110 M": bert(2, 500, 64),
    "2000 of 2000": [(2000,)] * 20,
    "one of 4 M": [(40_000,)],
    "8192 x 8192": [(64, 64)],
    "BERT layer, 7 M": [(64, 32)],
}

OURS = "lamb_rs"
FUSED = "torch fused"
OPTAX = "optax jitted"
DECAY = {"weight_decay": 0.01}
# Gradients that leave the first, and the second, moment near 1e-40.
FAINT_FIRST, FAINT_SECOND = 1e-39, 3e-19


def streamed(
    rule: str, name: str, passes: list[tuple[int, int]], goal: str, **arguments: object
) -> Case:
    """One tensor far beyond the cache, against the memory."""
    contestants = {"floor": floor(*passes), OURS: ours(name, **arguments)}
    return Case(f"{rule}, one tensor", "64 Mi", contestants, [Claim(OURS, "floor", goal)])


def against_torch(rule: str, name: str, **arguments: object) -> Case:
    """The same against torch."""
    contestants: dict[str, Contestant | tuple[str, Contestant]] = {
        OURS: ours(name.lower(), **arguments),
        FUSED: torch_fused(name, **arguments),
    }
    return Case(f"{rule} and torch", "64 Mi", contestants, [Claim(OURS, FUSED, "<= 1.0")])


def narrow(rule: str, name: str, size: str, goals: dict[str, str]) -> Case:
    """Narrow states against float32."""
    storages = ("float32", *goals)
    contestants = {storage: ours(name, state_dtype=storage, **DECAY) for storage in storages}
    claims = [Claim("float32", storage, goal) for storage, goal in goals.items()]
    return Case(f"{rule}, narrow states, {size.partition(',')[0]}", size, contestants, claims)


def faint(rule: str, name: str) -> Case:
    """Subnormal moments against normal ones."""
    return Case(
        f"{rule}, subnormal moments",
        "one of 4 M",
        {
            "normal": ours(name, **DECAY),
            "first at 1e-40": ours(name, FAINT_FIRST, **DECAY),
            "second at 1e-40": ours(name, FAINT_SECOND, **DECAY),
        },
        [
            Claim("first at 1e-40", "normal", "<= 1.05"),
            Claim("second at 1e-40", "normal", "<= 1.05"),
        ],
    )


def many(rule: str, name: str) -> Case:
    """Many tensors against one."""
    return Case(
        f"{rule}, many tensors",
        "2000 of 2000",
        {"many": ours(name, **DECAY), "one of 4 M": ("one of 4 M", ours(name, **DECAY))},
        [Claim("many", "one of 4 M", "<= 1.2")],
    )


CASES = [
    streamed("AdamW", "adamw", [(3, 1)], "<= 1.0", **DECAY),
    streamed("SGD", "sgd", [(1, 1)], "<= 1.0"),
    streamed("SGD with momentum", "sgd", [(2, 1)], "<= 1.0", momentum=0.9),
    streamed("Lion", "lion", [(2, 1)], "<= 1.0", **DECAY),
    streamed("RAdam", "radam", [(3, 1)], "<= 1.0"),
    streamed("Adagrad", "adagrad", [(2, 1)], "<= 1.0"),
    # Moments and norms first; the step needs the norms, hence a second pass.
    streamed("LAMB", "lamb", [(2, 2), (1, 2)], "<= 1.05", **DECAY),
    streamed("LARS", "lars", [(0, 2), (2, 1)], "<= 1.05", **DECAY),
    # The norm of the gradients, the step, the average.
    streamed(
        "AdamW with average and global clip",
        "adamw",
        [(0, 1), (3, 1), (1, 1)],
        "<= 1.15",
        use_ema=True,
        global_clipnorm=1.0,
        **DECAY,
    ),
    against_torch("AdamW", "AdamW", **DECAY),
    against_torch("Adam", "Adam"),
    against_torch("SGD", "SGD"),
    against_torch("SGD with momentum", "SGD", momentum=0.9),
    against_torch("Adagrad", "Adagrad"),
    Case(
        "LAMB, BERT",
        "BERT-base, 110 M",
        {
            "AdamW": ours("adamw", **DECAY),
            "LAMB": ours("lamb", **DECAY),
            OPTAX: optax_jitted("LAMB"),
            # Without timm's clip of the global norm: the others do not have it either.
            "timm": torch_class("timm.optim", "Lamb", max_grad_norm=None, **DECAY),
            "pytorch_optimizer": torch_class("pytorch_optimizer", "Lamb", **DECAY),
        },
        [
            Claim("LAMB", "AdamW", "<= 1.43"),
            Claim(OPTAX, "LAMB", ">= 5"),
            Claim("timm", "LAMB", ">= 5"),
            Claim("pytorch_optimizer", "LAMB", ">= 5"),
        ],
    ),
    many("AdamW", "adamw"),
    many("LAMB", "lamb"),
    Case(
        "LAMB, MLP",
        "MLP, 235 k",
        {OURS: ours("lamb", **DECAY), OPTAX: optax_jitted("LAMB")},
        [Claim(OURS, goal="<= 60", unit="us"), Claim(OURS, OPTAX, "<= 0.5")],
    ),
    Case(
        "Tiny step from Python",
        "4 tiny, 212",
        {
            "AdamW": ours("adamw", **DECAY),
            "LAMB": ours("lamb", **DECAY),
            FUSED: torch_fused("AdamW", **DECAY),
            OPTAX: optax_jitted("AdamW"),
        },
        [
            Claim("AdamW", goal="<= 1.0", unit="us"),
            Claim("LAMB", goal="<= 1.0", unit="us"),
            Claim(FUSED, unit="us"),
            Claim(OPTAX, unit="us"),
        ],
    ),
    narrow("AdamW", "adamw", "64 Mi", {"bfloat16": ">= 1.2", "float8": ">= 1.7"}),
    narrow("LAMB", "lamb", "64 Mi", {"bfloat16": ">= 1.15", "float8": ">= 1.3"}),
    narrow("LAMB", "lamb", "BERT-base, 110 M", {"bfloat16": ">= 1.15", "float8": ">= 1.3"}),
    faint("AdamW", "adamw"),
    faint("LAMB", "lamb"),
    *FAMILY,
    IMPORT,
]
