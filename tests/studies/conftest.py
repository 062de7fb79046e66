from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest

from simdyn.errors import InputError


@pytest.fixture
def check_shorter_settings():
    """A function (study, results, *pairs) that cuts each list of settings short (pairs of them alike), takes
    what is left of the results, and fails if claims or figures end in anything but a refusal."""
    return _check


def _check(study, results, *together):
    settings = study.stored_settings(results.manifest.settings)
    lists = {
        field.name: value
        for field in dataclasses.fields(settings)
        if isinstance(value := getattr(settings, field.name), tuple) and len(value) > 1
    }
    partners = {name: other for pair in together for name, other in (pair, pair[::-1])}
    failed, tried = [], 0
    for name, values in lists.items():
        for cut in [slice(None, k) for k in range(1, len(values))] + [slice(-1, None), slice(None, None, -1)]:
            names = {name, partners.get(name, name)}
            try:
                shorter = dataclasses.replace(settings, **{one: lists[one][cut] for one in names})
                left = _left(study, results, shorter)
            except InputError:
                continue
            if left is None:
                continue
            tried += 1
            for part in (study.claims, study.figures):
                try:
                    # A line through one point is any line.
                    with warnings.catch_warnings(action="error", category=np.exceptions.RankWarning):
                        list(part(left, shorter))
                except InputError:
                    pass
                except Exception as error:
                    failed.append(f"{name}[{cut.start}:{cut.stop}:{cut.step}]: {error!r}")
    assert tried > 3
    assert not failed, "\n".join(failed)


def _left(study, results, settings):
    """The results of shorter settings; None if they ask for what was not measured."""
    datasets = {}
    for grid in study.grids(settings):
        whole = results.datasets.get(grid.name)
        places = {dimension.name: list(dimension.values) for dimension in grid.dimensions}
        if whole is None or not all(
            set(values) <= set(whole[name].values.tolist()) for name, values in places.items()
        ):
            return None
        datasets[grid.name] = whole.sel(places)
    manifest = dataclasses.replace(results.manifest, settings=dataclasses.asdict(settings))
    return dataclasses.replace(results, manifest=manifest, datasets=datasets)
