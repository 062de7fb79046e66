"""From what a person says ("x >= 0", "valley", "commit", a minimum) to an Exit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy

from potentials import DriftField, Potential, Valley
from potentials.formula import parse_condition
from simdyn.errors import InputError
from simdyn.exits.exit import Channel, Exit, Surface


def resolve_exit(spec: Any, potential: Potential | DriftField, start: np.ndarray) -> Exit:
    """The exit that `spec` names, for paths that begin at `start`.

    Parameters
    ----------
    spec
        A condition in the variables and parameters of the potential ("x >= 0", "(x >= 0) | (x <= -2)");
        "valley": the rim of the start's valley; "commit": arrival at a neighbouring minimum; a point: arrival
        at that minimum; or an `Exit`.
    potential
        The landscape.
    start
        Shape (d,).

    Raises
    ------
    InputError
        A condition that cannot be read or that the start fulfils already, or a valley without a rim.
    """
    word = spec.strip().lower() if isinstance(spec, str) else None
    if isinstance(spec, Exit):
        found = spec
    elif isinstance(spec, str) and word not in ("valley", "commit"):
        found = _condition_exit(spec, potential)
    elif not isinstance(potential, Potential):
        raise InputError(
            f"The exit {spec!r} needs an energy, which the drift field {potential.name!r} does not have; "
            'give a condition such as "x >= 0".'
        )
    elif word == "valley":
        found = _valley_exit(potential, start)
    elif word == "commit":
        found = _commit_exit(potential, start)
    else:
        found = _target_exit(spec, potential, start)
    inside = int(found.channel_of(start))
    if inside >= 0:
        raise InputError(
            f"The start {_point_text(potential, start)} already fulfils the exit {found.labels[inside]!r};"
            " move the "
            "start inside or the exit away from it."
        )
    return found


def _condition_exit(text: str, potential: Potential | DriftField) -> Exit:
    condition = parse_condition(text)
    known = {*(v.name for v in potential.variables), *potential.parameters}
    unknown = sorted(s.name for s in condition.free_symbols if s.name not in known)
    if unknown:
        raise InputError(
            f"The exit {text!r} uses {', '.join(unknown)}, which {potential.name!r} does not have; its "
            "names are "
            f"{', '.join(sorted(known))}."
        )
    normal = sympy.to_dnf(condition)
    if normal in (sympy.true, sympy.false) or not condition.has(*potential.variables):
        raise InputError(
            f"The exit {text!r} is always {bool(normal == sympy.true)}; it has to depend on the variables."
        )
    values = dict(potential.parameters)
    channels = []
    for disjunct in normal.args if isinstance(normal, sympy.Or) else (normal,):
        relations = disjunct.args if isinstance(disjunct, sympy.And) else (disjunct,)
        relations = sorted(relations, key=sympy.default_sort_key)
        surfaces = tuple(_surface(relation, potential, values) for relation in relations)
        channels.append(Channel(" & ".join(_relation_text(r) for r in relations), surfaces))
    channels.sort(key=lambda channel: channel.label)
    return Exit(potential.variables, tuple(channels), values, "hit", text)


def _surface(relation: Any, potential: Potential | DriftField, values: dict[str, float]) -> Surface:
    """A relation as left >= right, with a bare numeric bound turned into a run-time value."""
    if not isinstance(relation, sympy.Rel) or isinstance(relation, sympy.Eq | sympy.Ne):
        raise InputError(f"The exit contains {relation}, but it must be made of <, <=, > and >=.")
    strict = isinstance(relation, sympy.StrictGreaterThan | sympy.StrictLessThan)
    gts, lts = relation.gts, relation.lts
    bounds = []
    for side in (gts, lts):
        if side.is_number:
            name = f"_bound{sum(key.startswith('_bound') for key in values)}"
            values[name] = float(side)
            side = _internal(name)
        bounds.append(side)
    return Surface(bounds[0], bounds[1], strict)


def _relation_text(relation: sympy.Rel) -> str:
    """The relation with plain decimal numbers, variable first."""
    canonical = relation if relation.lhs.free_symbols else relation.reversed
    fractions = [number for number in canonical.atoms(sympy.Rational) if not number.is_Integer]
    return str(canonical.xreplace({number: sympy.Float(number, 6) for number in fractions}))


def _valley_exit(potential: Potential, start: np.ndarray) -> Exit:
    valley = potential.valley(start)
    if valley.lower is not None and valley.upper is not None:
        return _box_exit(
            potential, valley.lower, valley.upper, "hit", "leaves the valley of the start", valley
        )
    planes = _planes(valley)
    if not planes:
        raise InputError(_no_rim(potential, start))
    surfaces, values = [], {}
    for s, (point, normal) in enumerate(planes):
        terms = []
        for i, variable in enumerate(potential.variables):
            name = f"_normal{s}_{i}"
            values[name] = float(normal[i])
            terms.append(_internal(name) * variable)
        values[f"_bound{s}"] = float(normal @ point)
        surfaces.append(Surface(sympy.Add(*terms), _internal(f"_bound{s}")))
    channels = tuple(
        Channel(f"saddle {_numbered(potential, point, number)}", (surface,))
        for number, ((point, _), surface) in enumerate(zip(planes, surfaces, strict=True), start=1)
    )
    description = "leaves the valley of the start through the planes at its saddles (approximate)"
    return Exit(potential.variables, channels, values, "hit", description, approximate=True, valley=valley)


def _planes(valley: Valley) -> list[tuple[np.ndarray, np.ndarray]]:
    """A point on each plane of the rim with the normal there."""
    if valley.points is None or valley.normals is None:
        return []
    return list(zip(valley.points, valley.normals, strict=True))


def _commit_exit(potential: Potential, start: np.ndarray) -> Exit:
    valley = potential.valley(start)
    if valley.kind == "box":
        lower, upper = _neighbours(potential, valley)
        return _box_exit(potential, lower, upper, "commit", "reaches a neighbouring minimum", valley)
    targets = _far_ends(potential, valley)
    if not targets:
        raise InputError(_no_rim(potential, start))
    return _ball_exit(potential, targets, valley)


def _target_exit(spec: Sequence[float], potential: Potential, start: np.ndarray) -> Exit:
    try:
        target = np.atleast_1d(np.asarray(getattr(spec, "x", spec), dtype=float))
    except (TypeError, ValueError):
        raise InputError(
            f'exit is {spec!r}, but it must be a condition such as "x >= 0", "valley", "commit", or a point.'
        ) from None
    if target.shape != (potential.dim,) or not np.isfinite(target).all():
        raise InputError(f"The target minimum {spec!r} must have {potential.dim} finite coordinates.")
    if potential.dim == 1:
        ahead = target[0] > start[0]
        lower = np.array([-np.inf if ahead else target[0]])
        upper = np.array([target[0] if ahead else np.inf])
        return _box_exit(potential, lower, upper, "commit", f"reaches {_point_text(potential, target)}", None)
    return _ball_exit(potential, [target], potential.valley(start))


def _box_exit(
    potential: Potential,
    lower: np.ndarray,
    upper: np.ndarray,
    kind: Any,
    description: str,
    valley: Valley | None,
) -> Exit:
    channels, values = [], {}
    for i, variable in enumerate(potential.variables):
        if np.isfinite(upper[i]):
            values[f"_upper{i}"] = float(upper[i])
            surface = Surface(variable, _internal(f"_upper{i}"))
            channels.append(Channel(f"{variable} >= {upper[i]:.6g}", (surface,)))
        if np.isfinite(lower[i]):
            values[f"_lower{i}"] = float(lower[i])
            surface = Surface(_internal(f"_lower{i}"), variable)
            channels.append(Channel(f"{variable} <= {lower[i]:.6g}", (surface,)))
    if not channels:
        where = valley.minimum.x if valley is not None else np.zeros(potential.dim)
        raise InputError(_no_rim(potential, where))
    return Exit(potential.variables, tuple(channels), values, kind, description, valley=valley)


def _ball_exit(potential: Potential, targets: list[np.ndarray], valley: Valley) -> Exit:
    """Arrival within half the distance from each target minimum to the nearest saddle of the start's
    valley."""
    if not valley.saddles:
        raise InputError(_no_rim(potential, valley.minimum.x))
    channels, values = [], {}
    for t, target in enumerate(targets):
        radius = 0.5 * min(np.linalg.norm(target - saddle.x) for saddle in valley.saddles)
        terms = []
        for i, variable in enumerate(potential.variables):
            values[f"_target{t}_{i}"] = float(target[i])
            terms.append((variable - _internal(f"_target{t}_{i}")) ** 2)
        values[f"_radius{t}"] = float(radius**2)
        surface = Surface(_internal(f"_radius{t}"), sympy.Add(*terms))
        channels.append(Channel(f"minimum {_numbered(potential, target, t + 1)}", (surface,)))
    return Exit(
        potential.variables, tuple(channels), values, "commit", "comes near another minimum", valley=valley
    )


def _neighbours(potential: Potential, valley: Valley) -> tuple[np.ndarray, np.ndarray]:
    """Per coordinate of a separable landscape: the nearest minimum beyond each end of the valley."""
    lower = np.full(potential.dim, -np.inf)
    upper = np.full(potential.dim, np.inf)
    coordinates = potential.coordinates() if potential.dim > 1 else (potential,)
    assert valley.lower is not None
    assert valley.upper is not None
    for i, coordinate in enumerate(coordinates):
        minima = sorted(float(point.x[0]) for point in coordinate.minima())
        if np.isfinite(valley.upper[i]):
            upper[i] = min((m for m in minima if m > valley.upper[i]), default=np.inf)
        if np.isfinite(valley.lower[i]):
            lower[i] = max((m for m in minima if m < valley.lower[i]), default=-np.inf)
    return lower, upper


def _far_ends(potential: Potential, valley: Valley) -> list[np.ndarray]:
    """The minima on the far sides of the valley's saddles, each once."""
    ends: list[np.ndarray] = []
    for point, normal in _planes(valley):
        scale = max(1e-3, 1e-2 * float(np.linalg.norm(point - valley.minimum.x)))
        try:
            end = potential.valley(point + scale * normal).minimum.x
        except InputError:
            # Beyond this saddle the way down ends in no minimum.
            continue
        if np.linalg.norm(end - valley.minimum.x) > scale and not any(
            np.allclose(end, e, atol=1e-6) for e in ends
        ):
            ends.append(end)
    return ends


def _no_rim(potential: Potential, where: np.ndarray) -> str:
    return (
        f"The valley of {potential.name!r} around {_point_text(potential, where)} has no rim, so it cannot"
        " be left; "
        'give an exit such as "x >= 1".'
    )


def _point_text(potential: Potential | DriftField, point: np.ndarray) -> str:
    if potential.dim <= 3:
        return ", ".join(f"{v}={p:.6g}" for v, p in zip(potential.variables, np.asarray(point), strict=True))
    return "(" + ", ".join(f"{p:.4g}" for p in point[:3]) + ", ...)"


def _numbered(potential: Potential, point: np.ndarray, number: int) -> str:
    """The point, with a number where its text leaves coordinates out, which others may differ in."""
    text = _point_text(potential, point)
    return text if potential.dim <= 3 else f"{number} at {text}"


def _internal(name: str) -> sympy.Symbol:
    """A symbol that no formula of a user can contain, since names with a leading underscore are refused
    there."""
    return sympy.Symbol(name, real=True)
