"""Saving to files and loading from them, for everything that has a state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping


class Checkpoints:
    """`save` and `load`, made of `state_dict`, `load_state_dict` and `get_config`."""

    __slots__ = ()

    def state_dict(self) -> dict[str, Any]:
        raise NotImplementedError

    def load_state_dict(self, d: Mapping[str, Any], strict: bool = True) -> None:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the state to a file, in one piece or not at all.

        The file is written beside its place, synced to the disk and renamed, so that at any moment,
        also of a crash, there is either the old file or the new one. It is in safetensors format:
        every array of the state by name (bfloat16 as BF16; 8-bit codes and scales as U8), and as
        metadata the counters, the class and its `get_config`, the versions of format and numbers,
        and a SHA-256 checksum over all of it. Parameters are not in it; save them beside it. The
        same state makes the same file.

        Parameters
        ----------
        path : str or path-like
            A file that exists is replaced and its permissions are kept; where it is a symbolic link
            the file that it points to is. A new file has the permissions that `open` gives.

        Raises
        ------
        NotBuiltError
            Before `build`.
        ConcurrentStepError
            While another thread takes a step.
        OSError
            If the file cannot be written; the one that was there is as it was.

        Notes
        -----
        What a killed process left behind, ``.lamb_rs-*.tmp``, is removed by the next `save` to the
        same path. The replaced file is another one to the system: its owner is who saved, and hard
        links keep the old content.

        Where a plain function drives a hyperparameter, the state is saved and the configuration is
        not; the metadata says so.
        """
        # The modules behind it are no part of importing the package.
        from lamb_rs._layout import write  # noqa: PLC0415

        write(self, path)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Restore the state that `save` wrote; before `build` it is kept until then.

        The whole file is checked before anything is changed. Hyperparameters are not restored, as
        with `load_state_dict`.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        CheckpointError
            For a file that is no checkpoint, is damaged, or was written by a later release in a
            format that this one does not know.
        StateMismatchError
            For a state of other parameters or of another algorithm; it lists all differences, those
            between the configurations included.
        OSError
            If the file cannot be read.

        Notes
        -----
        The checksum finds damage. It is no protection against somebody who writes a file on
        purpose, but such a file cannot run code, and what it may hold is checked like any state.
        """
        from lamb_rs._layout import load  # noqa: PLC0415

        load(self, path)
