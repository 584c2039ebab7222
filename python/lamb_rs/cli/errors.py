"""The error that a command reports as one sentence, without a traceback."""


class CommandError(Exception):
    """A failure that the user can correct; the message says how."""
