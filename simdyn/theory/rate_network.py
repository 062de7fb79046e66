"""Several wells with the rates between them, named and side by side."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from potentials import Potential, WellGraph
from simdyn.errors import InputError
from simdyn.markov import passage_times
from simdyn.results import Prediction
from simdyn.theory.closed_form import Array, numbers
from simdyn.theory.wells import (
    MOST_PAIRS,
    occupation,
    rates_over,
    relaxation_time,
    residence_times,
    well_passage_times,
)

if TYPE_CHECKING:
    import xarray

_SHOWN = 8
"""Wells in the printed table."""


@dataclass(frozen=True, eq=False)
class RateNetwork:
    """The wells of a landscape as the states of a jump process.

    Attributes
    ----------
    potential, temperature
        The landscape, and the constant noise D.
    graph
        Minima, lowest first, and the passes between them; wells are numbered from 0 in this order.
    rates
        k_ij of Eyring and Kramers from well i to well j, per unit of time, shape (n, n).
    """

    potential: Potential
    temperature: float
    graph: WellGraph
    rates: Prediction

    @cached_property
    def occupation(self) -> Prediction:
        """Share of each well in the long run, shape (n,)."""
        return occupation(self.rates.value)

    @cached_property
    def residence_times(self) -> Prediction:
        """Mean time in each well before another one is reached, shape (n,)."""
        return residence_times(self.rates.value)

    @cached_property
    def passage_times(self) -> Prediction:
        """Mean time from well i until well j is first reached, shape (n, n); up to 200 wells."""
        return well_passage_times(self.rates.value)

    @cached_property
    def relaxation_time(self) -> Prediction:
        """Time in which the slowest deviation from the occupation in the long run decays to 1/e of itself."""
        return relaxation_time(self.rates.value)

    def times_to(self, well: int) -> Array:
        """Mean time from each well until one of them is first reached, shape (n,).

        Raises
        ------
        InputError
            No such well.
        """
        count = len(self.graph.minima)
        if isinstance(well, bool) or not isinstance(well, int | np.integer) or not 0 <= well < count:
            raise InputError(f"There is no well {well!r}; they are numbered from 0 to {count - 1}.")
        return passage_times(self.rates.value, int(well))

    def well_of(self, at: Any) -> int:
        """Number of the well into which the way down from a point leads.

        Raises
        ------
        InputError
            It leads into none of them.
        """
        bottom = self.potential.minimum_below(at).x
        apart = [float(np.linalg.norm(minimum.x - bottom)) for minimum in self.graph.minima]
        nearest = int(np.argmin(apart))
        if apart[nearest] > 1e-6 * max(1.0, float(np.abs(bottom).max())):
            raise InputError("The way down from there leads into a minimum that is none of the wells.")
        return nearest

    def to_dataset(self) -> xarray.Dataset:
        """Everything with names: dimensions well, to_well, coordinate, and pass."""
        import xarray

        minima, passes = self.graph.minima, self.graph.passes
        dim = self.potential.dim
        variables: dict[str, Any] = {
            "rate": (("well", "to_well"), self.rates.value, {"units": "1/time"}),
            "occupation": (("well",), self.occupation.value),
            "residence_time": (("well",), self.residence_times.value, {"units": "time"}),
            "relaxation_time": ((), self.relaxation_time.value, {"units": "time"}),
            "energy": (("well",), [point.energy for point in minima]),
            "position": (("well", "coordinate"), [point.x for point in minima]),
            "saddle_energy": (("pass",), [way.saddle.energy for way in passes]),
            "saddle_position": (
                ("pass", "coordinate"),
                np.array([way.saddle.x for way in passes]).reshape(-1, dim),
            ),
            "pass_well": (
                ("pass", "side"),
                np.array([[-1 if i is None else i for i in way.wells] for way in passes]).reshape(-1, 2),
                {"long_name": "wells on either side, -1 for none"},
            ),
        }
        if len(minima) <= MOST_PAIRS:
            variables["passage_time"] = (("well", "to_well"), self.passage_times.value, {"units": "time"})
        numbers_of_wells = np.arange(len(minima))
        return xarray.Dataset(
            variables,
            coords={
                "well": numbers_of_wells,
                "to_well": numbers_of_wells,
                "coordinate": [variable.name for variable in self.potential.variables],
            },
            attrs={
                "potential": self.potential.name,
                "temperature": self.temperature,
                "valid": int(self.rates.valid),
                "why": self.rates.why,
            },
        )

    def __str__(self) -> str:
        minima = self.graph.minima
        shown = min(len(minima), _SHOWN)
        rates = self.rates.value
        rows = [
            ["well", "energy", "occupation", "residence", *(f"to {j}" for j in range(shown)), "position"],
            *(
                [
                    str(i),
                    f"{minima[i].energy:.6g}",
                    f"{self.occupation.value[i]:.4g}",
                    f"{self.residence_times.value[i]:.4g}",
                    *(f"{rates[i, j]:.3g}" if i != j else "-" for j in range(shown)),
                    _position(minima[i].x),
                ]
                for i in range(shown)
            ),
        ]
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
        lines = [
            f"{len(minima)} wells of {self.potential.name[:60]} at D = {self.temperature:g}, joined by "
            f"{len(self.graph.passes)} saddles; rates per unit of time by Eyring-Kramers",
            *(
                "  " + "  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True))
                for row in rows
            ),
        ]
        if shown < len(minima):
            lines.append(f"  and {len(minima) - shown} more wells")
        lines.append(f"  slowest relaxation time {self.relaxation_time.value:.6g}")
        mark = "" if self.rates.valid else "NOT VALID HERE: "
        lines.append(f"  {mark}{self.rates.why}")
        if not self.graph.complete:
            lines.append("  Wells and saddles are those that a search has found.")
        return "\n".join(lines)


def rate_network(
    potential: Potential, temperature: float, *, start: Any = None, most: int = 256
) -> RateNetwork:
    """The wells of a landscape, and how fast paths go from one to another, for constant noise D.

    Minima and saddles are found by the landscape (`Potential.well_graph`). Rates over several saddles between
    the same wells add.

    Parameters
    ----------
    potential
        The landscape.
    temperature
        D, the same in all directions; for discrete rules of learning rate eta, times in steps are times over
        eta.
    start
        A point whose well is to be among them; in many coupled dimensions the search begins there.
    most
        How many wells a search follows at most.

    Returns
    -------
    RateNetwork

    Raises
    ------
    InputError
        Fewer than two minima, more than can be followed, or a temperature out of range.
    """
    noise = numbers("temperature", temperature, above=0)
    if noise.ndim:
        raise InputError("A network is for one temperature; well_rates takes arrays.")
    graph = potential.well_graph(start, most=most)
    return RateNetwork(potential, float(noise), graph, rates_over(graph, noise, potential.name))


def _position(x: Array) -> str:
    shown = ", ".join(f"{value:.4g}" for value in x[:4])
    return f"({shown}{', ...' if len(x) > 4 else ''})"
