"""The one error that bad input raises, in every package of this project."""


class InputError(ValueError):
    """What was asked for cannot be done as asked.

    The message is one sentence that names the offending value and the remedy. The shell prints it on
    standard error, without a traceback, and ends with exit code 2.
    """
