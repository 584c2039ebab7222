"""Optimizers of other packages: their names, arguments, mathematics and state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamb_rs._optimizer.base import Optimizer
    from lamb_rs._peers._list import Variants


def from_peer(name: str, /, **arguments: Any) -> Optimizer:
    """Make the optimizer of another package, with its arguments, defaults and formulas.

    Parameters
    ----------
    name : str
        Package and class: "torch.AdamW", "keras.Lamb", "optax.lamb", "timm.Lars",
        "schedulefree.AdamWScheduleFree", ... Modules between the two are allowed
        ("torch.optim.AdamW"). Forms that were published without a package have names too:
        "paper.LambV3", "some_optimizers.Lamb". `peers` lists all names.
    **arguments
        Arguments with the names and defaults of the package. The learning rate may be a schedule of
        this library. Arguments that change no result (``fused``, ``foreach``, ...) are accepted
        with any value. A wrapper takes ``base=``, the name of another peer, and ``base_kwargs=``,
        its arguments.

    Returns
    -------
    Optimizer
        An ordinary optimizer of this library, made with its public arguments; `explain` describes
        them. NaN and infinity propagate, as in the other package (``nonfinite="propagate"``).

    Raises
    ------
    HyperparameterError
        For an unknown name; for an argument that cannot be translated, with the reason and what to
        do instead; and for a peer with a documented defect.
    TypeError
        For an argument that the peer does not have. The message names the most similar one.

    Warns
    -----
    UserWarning
        If the two packages treat parameters of some shapes differently. The shapes are only known
        in `build`.

    Notes
    -----
    Updates are counted per optimizer. torch and packages that build on it count them per parameter.
    The results are the same if every parameter gets a gradient in every step.

    Examples
    --------
    >>> import lamb_rs
    >>> lamb_rs.from_peer("timm.Lamb", lr=0.002, weight_decay=0.05).global_clipnorm
    1.0
    >>> lamb_rs.from_peer("torch.optim.AdamW", lr=0.002).epsilon_mode
    'out'
    """
    # The tables are read when they are first needed, which keeps the import fast.
    from lamb_rs._peers._from_peer import make  # noqa: PLC0415

    return make(name, arguments)


def peers() -> Variants:
    """List the optimizers of other packages that `from_peer` knows.

    Returns
    -------
    Variants
        A list of `Variant` that prints as a table: name, class in this library, arguments that are
        set at the defaults of the peer, and whether the translation was compared with the running
        package or made by reading its code or paper. Refused peers are at the end, with the reason.

    Examples
    --------
    >>> import lamb_rs
    >>> next(one for one in lamb_rs.peers() if one.name == "optax.lamb").optimizer
    'Lamb'
    """
    from lamb_rs._peers._list import listed  # noqa: PLC0415

    return listed()
