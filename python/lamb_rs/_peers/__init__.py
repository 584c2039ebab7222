"""Optimizers of other packages: their names, arguments, mathematics and state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamb_rs._optimizer.base import Optimizer
    from lamb_rs._peers._list import Variants


def from_peer(name: str, /, **arguments: Any) -> Optimizer:
    """Make the optimizer that another package's users write, with that package's mathematics.

    Parameters
    ----------
    name : str
        Package and class: "torch.AdamW", "keras.Lamb", "optax.lamb", "timm.Lars",
        "schedulefree.AdamWScheduleFree", ...; modules between the two do no harm
        ("torch.optim.AdamW"). Forms that were published without a package have names, too:
        "paper.LambV3", "some_optimizers.Lamb". `peers` lists all.
    **arguments
        By the names that the package gives them; its defaults hold. The learning rate may be a
        schedule of this library. What changes no number (``fused``, ``foreach``, ...) is taken at
        any value. A wrapper takes ``base=``, the name of another peer, and ``base_kwargs=``, its
        arguments.

    Returns
    -------
    Optimizer
        An ordinary optimizer of this library, with its public arguments filled in: its `explain`
        says what they mean. NaN and infinity pass through (``nonfinite="propagate"``), as there.

    Raises
    ------
    HyperparameterError
        For an unknown name; for an argument that cannot be translated, with the reason and what to
        do instead; and for a peer with a documented defect.
    TypeError
        For an argument that the peer does not have; the message names the nearest.

    Warns
    -----
    UserWarning
        Where parameters of some shapes are treated differently, which only `build` could know.

    Notes
    -----
    Updates are counted per optimizer. torch and packages built on it count them per parameter,
    which is the same wherever every parameter gets a gradient in every step.

    Examples
    --------
    >>> import lamb_rs
    >>> lamb_rs.from_peer("timm.Lamb", lr=0.002, weight_decay=0.05).global_clipnorm
    1.0
    >>> lamb_rs.from_peer("torch.optim.AdamW", lr=0.002).epsilon_mode
    'out'
    """
    # The tables are read when they are first wanted: importing the package stays fast.
    from lamb_rs._peers._from_peer import make  # noqa: PLC0415

    return make(name, arguments)


def peers() -> Variants:
    """List the optimizers of other packages that `from_peer` knows.

    Returns
    -------
    Variants
        A list of `Variant`, which prints as a table: name, class here, the arguments it sets at
        the peer's defaults, and whether trajectories were compared with the running package or
        its code or paper was only read. Those that are refused are at the end, with the reason.

    Examples
    --------
    >>> import lamb_rs
    >>> next(one for one in lamb_rs.peers() if one.name == "optax.lamb").optimizer
    'Lamb'
    """
    from lamb_rs._peers._list import listed  # noqa: PLC0415

    return listed()
