"""A native optimizer whose parameters hold other values for a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from lamb_rs._errors import ConcurrentStepError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lamb_rs._optimizer.native import Native


class Frozen:
    """Replaces a native optimizer while its parameters hold other values."""

    def __init__(self, native: Native, what: str, context: str, nests: bool) -> None:
        self._native = native
        self._what = what
        self._context = context
        self._nests = nests

    def __getattr__(self, name: str) -> Any:
        return getattr(self._native, name)

    def evaluation(self) -> dict[str, NDArray[np.float32]]:
        """Return nothing: the parameters hold these values already."""
        if not self._nests:
            self.refuse()
        return {}

    def refuse(self, *_: object) -> NoReturn:
        """Raise an error that names the block."""
        raise ConcurrentStepError(
            f"the parameters hold their {self._what} inside {self._context}; "
            "leave the with block before changing parameters or state"
        )

    def state_dict(self) -> NoReturn:
        """Refuse to save: a run that is resumed from both would start from the other values."""
        raise ConcurrentStepError(
            f"the parameters hold their {self._what} inside {self._context}; leave the with block "
            f"before saving, or a resumed run would start from the {self._what}"
        )

    apply = verify = build = finalize = load_state_dict = reset = refuse
