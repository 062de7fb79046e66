"""Where does a theory hold? The ratio of predictions to the exact value over two parameters."""

from __future__ import annotations

import difflib
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from potentials import DriftField, Potential
from simdyn.dynamics import SDE, Dynamics
from simdyn.engines.threads import default_threads
from simdyn.errors import InputError
from simdyn.questions.record import dynamics_record
from simdyn.questions.validity_cells import Cell, Formula, cell_of, formulas, predicted_by
from simdyn.questions.validity_map import ValidityMap, dataset
from simdyn.questions.varied import Problem
from simdyn.questions.workers import answers
from simdyn.results import versions

_WORTH_A_PROCESS = 16


def validity(
    potential: Potential | DriftField,
    dynamics: Dynamics,
    start: Any = "deepest",
    exit: Any = "valley",
    *,
    prediction: str | Formula | Sequence[str | Formula],
    over: Mapping[str, Sequence[float]],
    tolerance: float = 0.1,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ValidityMap:
    """Where predictions of an escape time hold: their ratio to the exact value over two parameters.

    Nothing is measured, so that nothing scatters: the exact values come from quadrature, transfer operators
    or finite volumes, and each cell is a pure function of the problem, the same for any number of workers. A
    cell without an exact value, or that a prediction is not about, is NaN and keeps the reason. Ctrl-C ends
    the map early; the cells that are missing then say so.

    Parameters
    ----------
    potential, dynamics, start, exit
        The problem, as in `escape_time`; what `over` names takes its values from there.
    prediction
        One or several of `formulas()`: "kramers", "kramers_next_order", "eyring_kramers",
        "finite_learning_rate", "xie2021", "mori2022", "bouchet_reygner", and "sde_limit", the exact value of
        the SDE in the place of a discrete rule; or functions of (potential, dynamics, start, exit) that
        return a `Prediction`, such as `functools.partial(theory.xie2021, s=0.3)`.
    over
        Two names, each with increasing values; the first goes across the figure. A setting of the dynamics
        that is a number ("learning_rate", "temperature", "batch_size", "floor", "diffusion"; for
        `SDE.limit_of(rule)` those of the rule), a parameter of the potential, "barrier_over_noise", or
        "learning_rate_times_curvature" (at the minimum).
    tolerance
        How far the ratio may be from 1 for the prediction to be right.
    workers
        Number of processes; by default one for each core, and fewer for small maps.
    progress
        Called with the number of cells done and their total.

    Returns
    -------
    ValidityMap

    Raises
    ------
    InputError
        Anything that cannot be done as asked, in one sentence.
    """
    begun = time.perf_counter()
    chosen = _chosen(prediction)
    axes = _axes(over)
    if not 0 < tolerance < 1:
        raise InputError(f"tolerance is {tolerance!r}, but it must lie between 0 and 1.")
    count = default_threads(workers)
    if workers is None:
        # A process takes about as long to start as a few cells take.
        count = min(count, -(-math.prod(map(len, axes.values())) // _WORTH_A_PROCESS))
    problem = Problem(potential, dynamics, start, exit)
    problem.check(axes)
    (across, first), (up, second) = axes.items()
    settings = [{across: float(x), up: float(y)} for x in first for y in second]
    cells = _cells(problem, chosen, settings, count, progress)
    refused = [cell.note for cell in cells if cell is not None and cell.refused]
    if len(refused) == len(cells):
        raise InputError(refused[0])
    data = dataset(
        cells,
        tuple(chosen),
        axes,
        tolerance=tolerance,
        unit="time" if isinstance(dynamics, SDE) else "steps",
    )
    barrier = None if up in potential.parameters else problem.barrier(across)
    if barrier is not None:
        data[across].attrs["barrier"] = barrier
    record = {
        "potential": potential.record(),
        "dynamics": dynamics_record(dynamics),
        "start": start if isinstance(start, str) else np.asarray(getattr(start, "x", start)).tolist(),
        "exit": exit if isinstance(exit, str) else str(getattr(exit, "description", exit)),
        "over": {name: values.tolist() for name, values in axes.items()},
    }
    data.attrs |= {
        "title": f"Predicted over exact escape times of {potential.name}",
        "seconds": time.perf_counter() - begun,
        "problem": json.dumps(record),
        "versions": json.dumps(versions()),
    }
    return ValidityMap(data)


def _cells(
    problem: Problem,
    chosen: Mapping[str, str | Formula],
    settings: Sequence[dict[str, float]],
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> list[Cell | None]:
    """All cells; None for those that Ctrl-C came before."""
    named = tuple(name for name, formula in chosen.items() if isinstance(formula, str))
    own = {name: formula for name, formula in chosen.items() if not isinstance(formula, str)}
    cells: list[Cell | None] = [None] * len(settings)
    done = 0
    try:
        for index, cell in answers(partial(cell_of, problem, named), settings, workers):
            # Other processes do not know the functions of a script.
            cell.predicted.update(predicted_by(problem, settings[index], own))
            cells[index] = cell
            done += 1
            if progress is not None:
                progress(done, len(settings))
    except KeyboardInterrupt:
        pass  # The map says which cells are missing.
    return cells


def _chosen(prediction: str | Formula | Sequence[str | Formula]) -> dict[str, str | Formula]:
    """Predictions by name; those that are named stay names."""
    given = list(prediction) if isinstance(prediction, list | tuple) else [prediction]
    known = formulas()
    chosen: dict[str, str | Formula] = {}
    for one in given:
        if isinstance(one, str):
            if one not in known:
                near = difflib.get_close_matches(one, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}."
                raise InputError(f"There is no prediction {one!r}; {hint}")
            name = one
        elif callable(one):
            name = str(getattr(one, "__name__", None) or _described(one))
        else:
            raise InputError(f"prediction contains {one!r}, but it must be a name or a function.")
        if name in chosen:
            raise InputError(f"prediction names {name} twice; name it once.")
        chosen[name] = one
    if not chosen:
        raise InputError(f"prediction is empty; name one or several of {', '.join(known)}.")
    return chosen


def _described(one: Any) -> str:
    """A name for a partial function: that of the function, and what was put in."""
    inner = getattr(one, "func", one)
    options = ", ".join(f"{key}={value}" for key, value in getattr(one, "keywords", {}).items())
    name = getattr(inner, "__name__", type(inner).__name__)
    return f"{name}({options})" if options else str(name)


def _axes(over: Mapping[str, Sequence[float]]) -> dict[str, np.ndarray]:
    """The two axes as arrays."""
    if not isinstance(over, Mapping) or len(over) != 2:
        raise InputError(
            'over must name exactly two parameters, such as {"temperature": [0.05, 0.1], "learning_rate": '
            "[0.01, 0.1]}."
        )
    axes = {}
    for name, values in over.items():
        try:
            array = np.asarray(values, dtype=float)
        except (TypeError, ValueError):
            raise InputError(f"over gives {name} the values {values!r}, but they must be numbers.") from None
        if array.ndim != 1 or len(array) < 2 or not np.isfinite(array).all():
            raise InputError(f"over gives {name} the values {values!r}; give at least two finite numbers.")
        if (np.diff(array) <= 0).any():
            raise InputError(f"The values of {name} must increase; give them in order, each once.")
        axes[name] = array
    return axes
