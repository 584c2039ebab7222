"""State of running optimizers of other packages."""
