"""When an exact value cannot be had."""

from simdyn.errors import InputError

LARGEST = 1e296


class NoReference(InputError):
    """No exact method applies to this problem; the message says why."""


def too_large() -> NoReference:
    """The refusal of a moment so large that double precision may have lost what leads to it."""
    return NoReference(
        f"The exact escape time is beyond {LARGEST:g}, more than double precision holds with all its digits; "
        "raise the noise or lower the barrier."
    )


def alike_modes() -> NoReference:
    """The refusal of a slowest mode that iteration does not separate from the next one."""
    return NoReference(
        "The slowest mode decays hardly slower than the next one, so that iteration does not separate them; "
        "move the exit or change the landscape a little."
    )


def check_size(value: float) -> None:
    """Refuse a moment beyond `LARGEST`, infinite or undefined.

    Raises
    ------
    NoReference
        See `too_large`.
    """
    if not value < LARGEST:
        raise too_large()
