"""What depends on several arguments of a class of pytorch_optimizer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lamb_rs._peers._arguments import RefusedError, Settings, same
from lamb_rs._peers._relative import relative_rate

if TYPE_CHECKING:
    from lamb_rs._peers._peer import Draft


def decay_mode(draft: Draft) -> str:
    """Return how weight decay enters."""
    given = draft.given
    if given.get("fixed_decay"):
        if not given["weight_decouple"]:
            raise RefusedError("fixed_decay has no effect there without weight_decouple")
        return "fixed"
    return "decoupled" if given["weight_decouple"] else "l2"


def decays(draft: Draft) -> None:
    """Say how weight decay enters."""
    draft.settings["weight_decay_mode"] = decay_mode(draft)


def decays_apart(draft: Draft) -> None:
    """Refuse coupled decay where it reaches no moment."""
    draft.settings["weight_decay_mode"] = mode = decay_mode(draft)
    if mode == "l2" and draft.settings["weight_decay"] is not None:
        raise RefusedError("without weight_decouple its weight decay has no effect there")


def skip_or_momentum(draft: Draft) -> None:
    """Say what happens while the variance is not tractable."""
    skips = not draft.given["degenerated_to_sgd"]
    draft.settings["degenerate"] = "skip" if skips else "momentum"


def radam(draft: Draft) -> None:
    """Adjust RAdam: its skipped steps do not decay."""
    decays_apart(draft)
    skip_or_momentum(draft)


def adabelief(draft: Draft) -> None:
    """Adjust AdaBelief."""
    decays(draft)
    skip_or_momentum(draft)
    skips = draft.given["rectify"] and not draft.given["degenerated_to_sgd"]
    if skips and draft.settings["weight_decay"] is not None:
        raise RefusedError("the steps that are skipped decay there, and do nothing here")


def ranger(draft: Draft) -> None:
    """Adjust Ranger; by default it ascends."""
    given, settings = draft.given, draft.settings
    if not given["degenerated_to_sgd"]:
        raise RefusedError(
            "with degenerated_to_sgd=False its first steps go up the gradient, at -1 times the "
            "learning rate; pass degenerated_to_sgd=True"
        )
    decays(draft)
    conv: bool | str = "conv_only" if given["gc_conv_only"] else True
    settings["gradient_centralization"] = conv if given["use_gc"] else False


def lamb(draft: Draft) -> None:
    """Adjust LAMB; the norm of the update has an epsilon, and gradients are clipped on request."""
    given, settings = draft.given, draft.settings
    mode = decay_mode(draft)
    settings["weight_decay_mode"] = "update" if mode == "l2" else mode
    settings["trust_epsilon"] = given["eps"]
    if not given["pre_norm"]:
        if not same(given["max_grad_norm"], 1.0):
            raise RefusedError("max_grad_norm has no effect there without pre_norm=True")
    elif given["max_grad_norm"]:
        settings["global_clipnorm"] = given["max_grad_norm"]
        settings["clip_epsilon"] = given["eps"]


def adan(draft: Draft) -> None:
    """Adjust Adan: its clip, and its form."""
    decays(draft)
    settings = draft.settings
    settings["form"] = "decoupled" if draft.given["weight_decouple"] else "proximal"
    settings["weight_decay_mode"] = "decoupled"
    if draft.given["max_grad_norm"]:
        settings["global_clipnorm"] = draft.given["max_grad_norm"]
        settings["clip_epsilon"] = draft.given["eps"]


def adopt(draft: Draft) -> None:
    """Adjust ADOPT."""
    decays(draft)
    mode, lam = draft.settings["weight_decay_mode"], draft.settings["weight_decay"]
    if mode != "l2" and lam is not None:
        raise RefusedError("its first step decays there, and does nothing else; not so here")


def adafactor(draft: Draft) -> None:
    """Adjust Adafactor: its cap on beta_2, its momentum and its rate."""
    given, settings = draft.given, draft.settings
    first, cap = given["betas"]
    exponent = given["decay_rate"]
    # 1 - t^exponent reaches the cap at this update.
    reached = (1 - cap) ** (1 / exponent) if exponent and cap < 1 else math.inf
    if reached < 1e9:
        raise RefusedError(
            f"betas[1]={cap} limits 1 - t^{exponent} there from update {reached:,.0f} on; there is "
            "no such limit here. Pass a value above 0.99999999 for no limit"
        )
    if first is not None and not str(given["momentum_dtype"]).endswith("float32"):
        raise RefusedError("momentum_dtype: the momentum is float32 here; pass torch.float32")
    settings["beta_1"] = first or 0.0
    if not given["relative_step"]:
        return
    if not same(given["lr"], 0.001):
        raise RefusedError("lr has no effect there with relative_step=True")
    settings["learning_rate"] = relative_rate(given["warmup_init"])


def novograd(draft: Draft) -> None:
    """Adjust NovoGrad."""
    decays(draft)
    if draft.given["grad_averaging"]:
        raise RefusedError("its first gradient is not averaged there; it is here")


def ftrl(value: object) -> Settings:
    """Halve lambda_2."""
    if not isinstance(value, int | float):
        raise RefusedError("it is a number")
    return {"l2_regularization_strength": value / 2}


def pullback(draft: Draft) -> None:
    """Refuse to pull back a slot that is not a momentum there."""
    own = draft.layers[-1][1]["pullback_momentum"]
    if own != "none" and draft.rule not in {"SGD", "Lars"}:
        raise RefusedError(
            f"pullback_momentum={own!r} finds no momentum_buffer in {draft.rule} there, "
            "and would pull its first moment back here"
        )
