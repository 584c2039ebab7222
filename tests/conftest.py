"""Set before NumPy is imported."""

import os

# The references multiply small matrices, where the threads of a BLAS wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
