"""What can go wrong in a way that a person can mend."""

from potentials.errors import InputError

__all__ = ["InputError"]
