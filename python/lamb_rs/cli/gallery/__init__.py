"""The command ``gallery``: every figure of the library on one page."""
