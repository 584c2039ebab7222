"""What differs between parameters: exclusions and overrides, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from lamb_rs._errors import HyperparameterError, ParameterSetError, nearest, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from lamb_rs._optimizer.hyperparameters import Overrides

Array: TypeAlias = Any
Settings: TypeAlias = dict[str, object]


class Reason(NamedTuple):
    """Why a setting differs: the setting, the pattern, and the kind of rule."""

    what: str
    by: str
    source: str


Reasons: TypeAlias = dict[str, Reason]
"""Maps a setting to its value and source, in words."""

# Settings of an override other than hyperparameters.
EXTRA = ("learning_rate_multiplier", "layer_adaptation", "trainable")


class Exclusion:
    """Parameters that one of the methods ``exclude_from_...`` has named.

    Parameters
    ----------
    method : str
        Name of the method.
    setting, value : str, object
        Value of the setting.
    feature : str
        What they are excluded from, in words.
    patterns : iterable of str
        Regular expressions.
    arrays : iterable of array
        Arrays, which are compared by identity.
    """

    __slots__ = ("arrays", "feature", "method", "patterns", "setting", "value")

    def __init__(
        self,
        method: str,
        setting: str,
        value: object,
        feature: str,
        patterns: Iterable[str] = (),
        arrays: Iterable[Array] = (),
    ) -> None:
        self.method = method
        self.setting = setting
        self.value = value
        self.feature = feature
        self.patterns = list(patterns)
        self.arrays = list(arrays)

    def add(self, var_list: Sequence[Array] | None, var_names: Sequence[str] | None) -> None:
        """Name more parameters, after checking the arguments."""
        if var_list is None and var_names is None:
            raise HyperparameterError(f"{self.method}: give var_names, var_list or both")
        if isinstance(var_names, str):
            raise HyperparameterError(
                f"{self.method}: var_names must be a list of patterns; "
                f"write var_names=[{var_names!r}]"
            )
        patterns = self._listed("var_names", var_names)
        for pattern in patterns:
            try:
                re.compile(pattern)
            except (re.error, TypeError) as error:
                raise HyperparameterError(
                    f"{self.method}: {pattern!r} is not a regular expression: {error}"
                    f"{_if_glob(pattern)}"
                ) from None
        given = [var_list] if isinstance(var_list, str) else self._listed("var_list", var_list)
        texts = [one for one in given if isinstance(one, str)]
        if texts:
            raise HyperparameterError(
                f"{self.method}: var_list takes arrays, got {texts[0]!r}; for names, write "
                f"var_names={texts!r}"
            )
        self.patterns += patterns
        self.arrays += given

    def _listed(self, argument: str, given: Iterable[Any] | None) -> list[Any]:
        """Return the elements of an argument; none if it is not given."""
        try:
            return [] if given is None else list(given)
        except Exception as error:
            # Iterating over an object of the user may raise any exception.
            raise HyperparameterError(
                f"{self.method}: {argument} must be a list, got {type(given).__name__}: {error}"
            ) from error

    def and_names(self, names: Iterable[str]) -> Exclusion:
        """Return one that names these parameters too."""
        more = [f"^{re.escape(name)}$" for name in names]
        patterns = [*self.patterns, *more]
        return Exclusion(self.method, self.setting, self.value, self.feature, patterns, self.arrays)

    def matches(self, names: list[str], arrays: list[Array]) -> Iterable[tuple[str, list[int]]]:
        """For every pattern and array, how it reads and the parameters that it names."""
        for pattern in self.patterns:
            found = [i for i, name in enumerate(names) if re.search(pattern, name)]
            if not found:
                raise ParameterSetError(
                    f"{self.method}: {pattern!r} is found in {none_of(names)}; "
                    f"correct the pattern or leave it out{_if_glob(pattern)}"
                )
            yield repr(pattern), found
        for position, wanted in enumerate(self.arrays):
            found = [i for i, array in enumerate(arrays) if array is wanted]
            if not found:
                shape = getattr(wanted, "shape", None)
                what = type(wanted).__name__ if shape is None else f"array of shape {shape}"
                raise ParameterSetError(
                    f"{self.method}: var_list[{position}] ({what}) is {none_of(names)}; "
                    "pass the same array objects that build gets"
                )
            yield "var_list", found


EXCLUSIONS = ("exclude_from_weight_decay", "exclude_from_layer_adaptation")


def exclusions() -> dict[str, Exclusion]:
    """Make the exclusions of a new optimizer, which are empty."""
    decay, adaptation = EXCLUSIONS
    return {
        decay: Exclusion(decay, "weight_decay", None, "weight decay"),
        adaptation: Exclusion(adaptation, "layer_adaptation", False, "layer adaptation"),
    }


def resolve(
    names: list[str],
    arrays: list[Array],
    exclusions: Iterable[Exclusion],
    overrides: Overrides | None,
    hypers: Iterable[str],
) -> tuple[list[Settings], list[Reasons]]:
    """Compute the settings of each parameter.

    Parameters
    ----------
    names, arrays : list
        Of the parameters.
    exclusions : iterable of Exclusion
        They come first, so that an override wins over them.
    overrides : mapping or None
        Glob or predicate to settings; later entries win.
    hypers : iterable of str
        Names of the hyperparameters that the optimizer has, and of other settings of its own.

    Returns
    -------
    settings, reasons : list of dict
        Per parameter.

    Raises
    ------
    ParameterSetError
        For a pattern, predicate or array that matches nothing.
    HyperparameterError
        For a setting that does not exist.
    """
    settings: list[Settings] = [{} for _ in names]
    reasons: list[Reasons] = [{} for _ in names]
    for exclusion in exclusions:
        for by, found in exclusion.matches(names, arrays):
            for i in found:
                settings[i][exclusion.setting] = exclusion.value
                reason = Reason(f"no {exclusion.feature}", by, f"{exclusion.method} {by}")
                reasons[i].setdefault(exclusion.setting, reason)
    known = [*hypers, *EXTRA]
    if not isinstance(overrides, Mapping | None):
        raise HyperparameterError(
            f"overrides must be a mapping from patterns to settings; got {shown(overrides)}"
        )
    for selector, own in (overrides or {}).items():
        by = repr(selector) if isinstance(selector, str) else _called(selector)
        _check_settings(by, own, known)
        chosen = choose(selector)
        found = [i for i, name in enumerate(names) if chosen(name, arrays[i])]
        if not found:
            raise ParameterSetError(
                f"overrides: {by} matches {none_of(names)}; correct it or leave it out"
                f"{_if_regex(selector, names)}"
            )
        for i in found:
            settings[i].update(own)
            for setting, value in own.items():
                # Added last, so that the reasons are in the order of the settings.
                reasons[i].pop(setting, None)
                reasons[i][setting] = Reason(f"{setting}={value!r}", by, f"override {by}")
    return settings, reasons


def _if_glob(pattern: object) -> str:
    """Say what to write where a glob is given and a regular expression is expected."""
    if not (isinstance(pattern, str) and "*" in pattern and ".*" not in pattern):
        return ""
    start = "(^|/)" if pattern.startswith("*/") else "" if pattern.startswith("*") else "^"
    end = "" if pattern.endswith("*") else "$"
    written = start + pattern.removeprefix("*/").strip("*").replace("*", ".*") + end
    return (
        "; var_names are regular expressions, which may match any part of a name: write "
        f"{written!r} (glob patterns are for overrides)"
    )


def _if_regex(selector: object, names: list[str]) -> str:
    """Say what to write where a regular expression is given and a glob is expected."""
    if not isinstance(selector, str):
        return ""
    try:
        found = any(re.search(selector, name) for name in names)
    except re.error:
        return ""
    if not found:
        return ""
    plain = selector.replace(".*", "*").strip("^$")
    globs = [plain, f"*{plain}", f"*{plain}*"]
    matching = [one for one in globs if any(choose(one)(name, None) for name in names)]
    example = f": write {matching[0]!r}" if matching else ""
    return (
        f"; keys of overrides are glob patterns that match whole names{example} "
        "(regular expressions are for exclude_from_...)"
    )


def none_of(names: list[str]) -> str:
    """Say ``none of the 3 parameters ('a', 'b', 'c')``, with at most eight names."""
    shown = ", ".join(map(repr, names[:8])) + (", ..." if len(names) > 8 else "")
    return f"none of the {len(names)} parameters ({shown})"


def choose(selector: object) -> Callable[[str, Array], bool]:
    """Return the function of name and array that a key of overrides selects by.

    Parameters
    ----------
    selector : str or callable
        A glob pattern, or a predicate.

    Raises
    ------
    HyperparameterError
        For anything else.
    """
    if callable(selector):
        return selector
    if not isinstance(selector, str):
        raise HyperparameterError(
            f"overrides: keys are glob patterns or predicates (name, array) -> bool; "
            f"got {selector!r}"
        )
    # "*/bias" means a bias anywhere, at the top too.
    patterns = [selector, selector.removeprefix("*/")]
    return lambda name, _: any(fnmatchcase(name, pattern) for pattern in patterns)


def _check_settings(by: str, own: object, known: list[str]) -> None:
    if not isinstance(own, Mapping):
        raise HyperparameterError(
            f"overrides: {by} needs a dict such as {{'weight_decay': None}}; got {own!r}"
        )
    for setting in own:
        if setting not in known:
            raise HyperparameterError(
                f"overrides: {by} has an unknown setting '{setting}'{nearest(str(setting), known)}"
            )
        if callable(own[setting]):
            raise HyperparameterError(
                f"overrides: {by} sets {setting} to {shown(own[setting])}; overrides take numbers "
                "only: give the schedule to the constructor and set learning_rate_multiplier here, "
                "or use MultiOptimizer with an optimizer for these parameters"
            )
        if setting == "own_rule" and own[setting] is not False:
            raise HyperparameterError(
                f"overrides: {by} sets own_rule={own[setting]!r}; only False has an effect: "
                "leave it out"
            )


def _called(predicate: object) -> str:
    name = getattr(predicate, "__name__", type(predicate).__name__)
    return "a lambda" if name == "<lambda>" else f"{name}()"
