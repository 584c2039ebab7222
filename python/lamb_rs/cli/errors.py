"""The one kind of error that a command shows as a sentence instead of a traceback."""


class CommandError(Exception):
    """Something the user can put right; its message is the sentence to print."""
