"""Problems that a formula is about and has no finite value for: answered by a prediction that is not valid.

A landscape without a pass, noise that vanishes on the way, a minimum without curvature: physics, not a
mistake of whoever asks. What cannot be read, and problems that a formula is not about, stay an InputError.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from simdyn.dynamics import SDE
from simdyn.errors import InputError
from simdyn.results import Prediction

F = TypeVar("F", bound=Callable[..., Prediction])


class NoValue(InputError):
    """Why a formula has no finite value, in one sentence.

    Attributes
    ----------
    value
        Infinite where paths never leave or the value is beyond double precision, NaN where there is none.
    """

    def __init__(self, why: str, value: float = math.nan) -> None:
        super().__init__(why)
        self.value = value


def answered(
    name: str | Callable[[dict[str, Any]], str], formula: str, source: str, assumptions: tuple[str, ...] = ()
) -> Callable[[F], F]:
    """Make a formula of (potential, dynamics, start, exit) answer where it would raise `NoValue`.

    Parameters
    ----------
    name, formula, source, assumptions
        Of the prediction; the name may depend on the options.
    """

    def decorate(function: F) -> F:
        @wraps(function)
        def answer(potential: Any, dynamics: Any, *others: Any, **options: Any) -> Prediction:
            try:
                return function(potential, dynamics, *others, **options)
            except NoValue as reason:
                return Prediction(
                    name=name if isinstance(name, str) else name(options),
                    value=reason.value,
                    unit="time" if isinstance(dynamics, SDE) else "steps",
                    formula=formula,
                    assumptions=assumptions,
                    valid=False,
                    why=str(reason),
                    source=source,
                )

        return cast("F", answer)

    return decorate
