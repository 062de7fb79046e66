"""Predictions over exact escape times on a grid, with a verdict on each cell."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simdyn.errors import InputError
from simdyn.questions.record import listed
from simdyn.questions.validity_cells import Cell
from simdyn.questions.varied import meaning
from simdyn.results import Prediction

if TYPE_CHECKING:
    import pandas
    import xarray
    from matplotlib.figure import Figure

QUESTION = "validity"
"""The attribute `question` of the datasets, by which a file is known again."""

HOLDS, TOO_LAX, TOO_STRICT, FAILS = "holds", "too lax", "too strict", "fails"
NO_EXACT, NOT_ABOUT, NOT_DONE = "no exact value", "does not apply", "not computed"
VERDICTS = (HOLDS, TOO_LAX, TOO_STRICT, FAILS, NO_EXACT, NOT_ABOUT, NOT_DONE)
"""What is said of a cell: the prediction is within the tolerance and says so; says so and is not; is and does
not say so; is not and does not say so; or there is no ratio."""


@dataclass(frozen=True)
class ValidityMap:
    """Predictions over exact values on a grid of two parameters.

    Attributes
    ----------
    data
        Dimensions `prediction` and the two parameters. `ratio` (and `log10_ratio`) is `predicted` over
        `exact`; `valid` and `why` are what the prediction says of itself, or why it has nothing to say;
        `exact_error` is absolute, and `exact_note` says why a cell has no exact value; `verdict` is one of
        `VERDICTS`. Missing numbers are NaN. `data.to_netcdf(path)` and `table().to_csv(path)` write it.
    """

    data: xarray.Dataset

    @property
    def complete(self) -> bool:
        """Whether every cell was computed; Ctrl-C ends a map early."""
        return bool(self.data.attrs["complete"])

    @property
    def parameters(self) -> tuple[str, str]:
        """Names of the two parameters: across and up in the figure."""
        _, across, up = self.data["ratio"].dims
        return str(across), str(up)

    def counts(self, prediction: str | None = None) -> dict[str, int]:
        """Number of cells of each verdict; of the first prediction if none is named."""
        verdicts = self._of(prediction)["verdict"].values
        return {name: int(np.count_nonzero(verdicts == name)) for name in VERDICTS}

    def table(self) -> pandas.DataFrame:
        """One row for each prediction and cell."""
        across, up = self.parameters
        frame = self.data.to_dataframe(dim_order=["prediction", across, up]).reset_index()
        return frame[["prediction", across, up, *COLUMNS]]

    def plot(self, path: str | None = None, *, width: float | None = None) -> Figure:
        """One panel for each prediction, with the region within the tolerance outlined.

        Parameters
        ----------
        path
            Where to write the figure as well (.pdf, .svg or .png).
        width
            In inches; by default that of one column of a journal for one panel and of two for several.
        """
        from simdyn.plotting.style import saved
        from simdyn.plotting.validity import validity_figure

        return saved(validity_figure(self.data, width), path)

    def to_json(self) -> dict[str, Any]:
        """The object that the shell prints; missing numbers are None."""
        data = self.data
        across, up = self.parameters
        return {
            "parameters": [{"name": name, "values": data[name].values.tolist()} for name in (across, up)],
            "unit": data.attrs["unit"],
            "tolerance": data.attrs["tolerance"],
            "exact": {name: listed(data[name].values) for name in ("exact", "exact_error", "exact_note")},
            "predictions": [
                {
                    "name": str(name),
                    "title": str(data["title"].sel(prediction=name).values),
                    "formula": str(data["formula"].sel(prediction=name).values),
                    "counts": self.counts(str(name)),
                    **{
                        key: listed(data[key].sel(prediction=name).values)
                        for key in ("predicted", "log10_ratio", "valid", "verdict", "why")
                    },
                }
                for name in data["prediction"].values
            ],
            "complete": self.complete,
            "seconds": round(data.attrs["seconds"], 3),
            "problem": json.loads(data.attrs["problem"]),
            "versions": json.loads(data.attrs["versions"]),
        }

    def __str__(self) -> str:
        from simdyn.questions.validity_text import summary

        return summary(self)

    def _of(self, prediction: str | None) -> xarray.Dataset:
        names = [str(name) for name in self.data["prediction"].values]
        if prediction is None:
            prediction = names[0]
        if prediction not in names:
            raise InputError(f"The map has no prediction {prediction!r}; it has {', '.join(names)}.")
        return self.data.sel(prediction=prediction)


COLUMNS = (
    "predicted",
    "exact",
    "exact_error",
    "ratio",
    "log10_ratio",
    "valid",
    "verdict",
    "why",
    "exact_note",
)


def dataset(
    found: list[Cell | None],
    names: tuple[str, ...],
    axes: Mapping[str, np.ndarray],
    *,
    tolerance: float,
    unit: str,
) -> xarray.Dataset:
    """The cells of a grid, None where one was not computed, as the data of a `ValidityMap`."""
    import xarray

    across, up = axes
    shape = tuple(len(values) for values in axes.values())
    missing = Cell(math.nan, math.nan, "The map was interrupted before.", {})
    cells = [missing if cell is None else cell for cell in found]
    said = [[cell.predicted.get(name, missing.note) for cell in cells] for name in names]
    exact = _grid([cell.exact for cell in cells], shape)
    predicted = _grid([[_value(one) for one in row] for row in said], (len(names), *shape))
    valid = _grid([[_claims(one) for one in row] for row in said], predicted.shape)
    with np.errstate(over="ignore"):
        ratio = predicted / exact
    right = np.abs(ratio - 1) <= tolerance
    verdict = np.full(predicted.shape, FAILS, dtype=object)
    for where, name in (
        (right, TOO_STRICT),
        (valid, TOO_LAX),
        (valid & right, HOLDS),
        (np.isnan(ratio), NO_EXACT),
        (np.isnan(predicted), NOT_ABOUT),
    ):
        verdict[where] = name
    absent = _grid([cell is None for cell in found], shape)
    verdict[:, absent] = NOT_DONE
    first = [next((one for one in row if isinstance(one, Prediction)), None) for row in said]
    each, both = ("prediction", across, up), (across, up)
    log10 = np.log10(predicted) - np.log10(exact)
    why = _grid([[_reason(one) for one in row] for row in said], predicted.shape)
    titles = [name if one is None else one.name for name, one in zip(names, first, strict=True)]
    written = ["" if one is None else one.formula for one in first]
    errors = _grid([cell.error for cell in cells], shape)
    notes = _grid([cell.note for cell in cells], shape)
    variables = {
        "ratio": (each, ratio, {"long_name": "predicted / exact"}),
        "log10_ratio": (each, log10, {"long_name": "log10(predicted / exact)"}),
        "predicted": (each, predicted, {"units": unit, "long_name": "predicted mean escape time"}),
        "valid": (each, valid, {"long_name": "whether the prediction says that it holds"}),
        "why": (each, why, {"long_name": "its reason, or why there is no prediction"}),
        "verdict": (each, verdict, {"long_name": "what became of it"}),
        "exact": (both, exact, {"units": unit, "long_name": "exact mean escape time"}),
        "exact_error": (both, errors, {"units": unit, "long_name": "error of the exact value"}),
        "exact_note": (both, notes, {"long_name": "why there is no exact value"}),
        "title": ("prediction", _text(titles), {"long_name": "name in the literature"}),
        "formula": ("prediction", _text(written), {"long_name": "where it first applies"}),
    }
    coordinates = {name: (name, values, {"long_name": meaning(name)}) for name, values in axes.items()}
    return xarray.Dataset(
        variables,
        coords={"prediction": ("prediction", _text(list(names))), **coordinates},
        attrs={
            "question": QUESTION,
            "unit": unit,
            "tolerance": tolerance,
            "complete": int(not absent.any()),
        },
    )


def _value(one: Prediction | str) -> float:
    return float(one.value) if isinstance(one, Prediction) else math.nan


def _claims(one: Prediction | str) -> bool:
    return isinstance(one, Prediction) and bool(one.valid)


def _reason(one: Prediction | str) -> str:
    return str(one.why) if isinstance(one, Prediction) else one


def _grid(cells: list[Any], shape: tuple[int, ...]) -> np.ndarray:
    array = np.array(cells)
    return array.reshape(shape) if array.dtype.kind != "U" else array.astype(object).reshape(shape)


def _text(items: list[str]) -> np.ndarray:
    return np.array(items, dtype=object)
