"""Checkpoint files: their format, and how they are replaced as a whole."""
