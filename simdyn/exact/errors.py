"""When an exact value cannot be had."""

from simdyn.errors import InputError


class NoReference(InputError):
    """No exact method applies to this problem; the message says why."""
