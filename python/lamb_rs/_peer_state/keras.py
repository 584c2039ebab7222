"""Variables of optimizers of Keras 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lamb_rs._peer_state.base import Found, Target, as_array, leaf

_MOMENTS = (("momentum", "momentum"), ("velocity", "velocity"))
# Rounds over the parameters: names there, and slots here, of what each parameter has in a round.
_ROUNDS: dict[str, tuple[tuple[tuple[str, str], ...], ...]] = {
    "sgd": ((("momentum", "momentum"),),),
    "adagrad": ((("accumulator", "accumulator"),),),
    "rmsprop": (
        (("velocity", "velocity"),),
        (("momentum", "momentum"),),
        (("average_gradient", "gradient_average"),),
    ),
    "adadelta": ((("accumulated_grad", "velocity"), ("accumulated_delta_var", "velocity_step")),),
    "adam": (_MOMENTS, (("velocity_hat", "velocity_max"),)),
    "adamw": (_MOMENTS, (("velocity_hat", "velocity_max"),)),
    "adamax": ((("momentum", "momentum"), ("norm", "maximum")),),
    "nadam": (_MOMENTS,),
    "ftrl": ((("accumulator", "accumulator"), ("linear", "linear")),),
    "lion": ((("momentum", "momentum"),),),
    "lamb": (_MOMENTS,),
    "muon": (_MOMENTS,),
}
_FORMS: dict[str, tuple[str, object]] = {
    "sgd": ("form", "lr_inside"),
    "rmsprop": ("form", "lr_inside"),
    "adamax": ("epsilon_mode", "out"),
    "nadam": ("form", "dozat"),
    "adafactor": ("epsilon_mode", "add"),
    "muon": ("form", "sum"),
}


class Place(NamedTuple):
    """A variable of Keras: the end of its name, its parameter, and its slot in this library."""

    ending: str
    parameter: int | None = None
    slot: str | None = None


def read(target: Target, state: Any) -> Found:
    """Read the variables of a Keras optimizer.

    Parameters
    ----------
    target : Target
    state : mapping or sequence
        Arrays by path, or a sequence of variables or arrays, in the order of
        ``optimizer.variables``.
    """
    found = Found()
    if target.rule not in {*_ROUNDS, "adafactor"}:
        found.problems.append(f"Keras has no {type(target.optimizer).__name__}")
        return found
    named = _named(state)
    if target.rule == "adafactor" and isinstance(state, Mapping):
        found.problems.append(
            "variables of Adafactor share names, so a dict lacks some: pass a list"
        )
        return found
    if named is None:
        found.problems.append("it is neither a mapping of paths to arrays nor a list of variables")
        return found
    if target.rule in _FORMS and (target.rule != "rmsprop" or _has(target, "momentum")):
        found.demand(target, *_FORMS[target.rule], "what Keras keeps")
    if _has(target, "velocity_max"):
        found.demand(target, "amsgrad", True, "Keras's maximum")
    places = _places(target)
    if len(named) == len(places) - 1:
        # A learning rate that a schedule drives is not a variable.
        places = [place for place in places if place.ending != "learning_rate"]
    if len(named) != len(places):
        found.problems.append(f"it has {len(named)} variables, not {len(places)}")
        return found
    for (path, value), place in zip(named, places, strict=True):
        _read_variable(target, path, value, place, found)
    return found


def _named(state: Any) -> list[tuple[str | None, Any]] | None:
    """Return paths, where they are known, and values."""
    if isinstance(state, Mapping):
        return [(str(path), value) for path, value in state.items()]
    if isinstance(state, Sequence) and not isinstance(state, str | bytes):
        return [(getattr(one, "path", None), one) for one in state]
    return None


def _has(target: Target, slot: str) -> bool:
    return any(slot in slots for slots in target.slots)


def _places(target: Target) -> list[Place]:
    """Return what Keras's variables are, in its order."""
    places = [Place("iteration"), Place("learning_rate")]
    trained = [i for i, on in enumerate(target.trainable) if on]
    for slot in ("average", "gradient_accumulator"):
        if _has(target, slot):
            places += [Place(f"_{slot}", i, slot) for i in trained]
    if target.rule == "adafactor":
        for i in trained:
            factored = len(target.shapes[i]) >= 2
            # Keras also keeps the whole second moment, which follows from its factors.
            row = ("row", "column", None) if factored else (None, None, "velocity")
            endings = ("", "", "_velocity")
            places += [Place(end, i, slot) for end, slot in zip(endings, row, strict=True)]
        return places
    for one_round in _ROUNDS[target.rule]:
        places += [
            Place(f"_{ending}", i, slot)
            for i in trained
            for ending, slot in one_round
            if slot in target.slots[i]
        ]
    if target.rule == "nadam":
        places.append(Place("", None, "momentum_product"))
    return places


def _read_variable(
    target: Target, path: str | None, value: Any, place: Place, found: Found
) -> None:
    where = path or f"the variable for {place.ending.strip('_') or place.slot}"
    if path is not None and not path.endswith(place.ending):
        found.problems.append(f"{path!r} is where a name that ends in {place.ending!r} should be")
        return
    if place.parameter is not None:
        if place.slot is not None:
            found.put(target, place.parameter, place.slot, value, where)
        return
    number = as_array(value)
    if number is None or number.size != 1:
        found.problems.append(f"{where} is not a number")
    elif place.ending == "iteration":
        found.calls = int(number)
        found.iterations = found.calls // (leaf(target.optimizer).gradient_accumulation_steps or 1)
    elif place.slot is not None:
        found.scalars[place.slot] = float(number)
