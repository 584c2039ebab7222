"""Checkpoints and optimizers from files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lamb_rs._errors import CheckpointError, HyperparameterError

if TYPE_CHECKING:
    from lamb_rs._checkpoint.format import Checkpoint
    from lamb_rs._optimizer.base import Optimizer


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a file that `Optimizer.save` wrote, without an optimizer.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    Checkpoint
        Class, configuration, state and release, as a named tuple. The state of a parameter is under
        ``"<parameter>/<slot>"``; bfloat16 arrays are uint16, 8-bit arrays uint8 with their scales
        under ``"<parameter>/<slot>_scale"``.

    Raises
    ------
    CheckpointError
        For a file that is not a checkpoint, is damaged, or has a format of a later release.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import lamb_rs
    >>> optimizer = lamb_rs.Adam(0.01)
    >>> _ = optimizer.apply({"w": np.ones(2, np.float32)}, {"w": np.ones(2, np.float32)})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     optimizer.save(f"{folder}/state")
    ...     checkpoint = lamb_rs.read_checkpoint(f"{folder}/state")
    >>> checkpoint.class_name, checkpoint.config["learning_rate"]
    ('Adam', 0.01)
    >>> checkpoint.state["w/momentum"]
    array([0.1, 0.1], dtype=float32)
    """
    # Importing the package does not need the code that reads files.
    from lamb_rs._checkpoint.format import checkpoint  # noqa: PLC0415

    return checkpoint(path)


def load(path: str | os.PathLike[str]) -> Optimizer:
    """Make the optimizer that was saved to a file: its class, its arguments and its state.

    Parameters
    ----------
    path : str or path-like
        A file that `Optimizer.save` wrote.

    Returns
    -------
    Optimizer
        Not built. `build` binds parameters of the same names and shapes and restores the state.
        Overrides are not in the file; pass them to `build` again.

    Raises
    ------
    CheckpointError
        For a file that is not a checkpoint, is damaged or has a format of a later release; for
        one whose configuration this release does not accept, or that was saved without it because
        a plain function drove a hyperparameter; and for a class of your own whose module was not
        imported.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import lamb_rs
    >>> params = {"w": np.ones(2, np.float32)}
    >>> optimizer = lamb_rs.Lamb(0.01, weight_decay=0.1)
    >>> _ = optimizer.apply({"w": np.ones(2, np.float32)}, params)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     optimizer.save(f"{folder}/state")
    ...     again = lamb_rs.load(f"{folder}/state")
    >>> again.build({"w": params["w"].copy()})
    >>> again  # doctest: +NORMALIZE_WHITESPACE
    Lamb(learning_rate=0.01, weight_decay=0.1)  # 1 tensor, 2 parameters, step 1
    """
    from lamb_rs.wrappers.base import revived  # noqa: PLC0415 - as above

    checkpoint = read_checkpoint(path)
    reason = checkpoint.config.get("not_saved")
    if reason is not None:
        raise CheckpointError(
            f"{os.fspath(path)} has no configuration: {reason}. Make the optimizer with the same "
            "arguments as before, then call its load(path)"
        )
    try:
        made: Optimizer = revived(
            {"class_name": checkpoint.class_name, "config": checkpoint.config}
        )
    except (HyperparameterError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            f"{os.fspath(path)}: its configuration is not accepted: {error}"
        ) from error
    made.load_state_dict(checkpoint.state)
    return made
