"""Escape of a discrete Gaussian rule in the plane, and its long-run laws, by its transfer operator."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from simdyn.dynamics import Update
from simdyn.exact.curves import Density
from simdyn.exact.errors import NoReference, alike_modes
from simdyn.exact.panels import Array, Panels
from simdyn.exact.plane_coordinates import PlaneCoordinates, plane_coordinates
from simdyn.exact.plane_extent import visited_box
from simdyn.exits import Exit
from simdyn.results import Reference

if TYPE_CHECKING:
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import LinearOperator

METHOD = (
    "transfer operator of the discrete chain in the plane (Gauss-Legendre panels towards the exit, "
    "trapezoidal rule elsewhere), solved by GMRES"
)
REACH = 7.6
"""How many sd a step may go and still count: 3e-14 of all steps go further."""
LEVELS = ((8, 3.2, 0.7), (8, 2.6, 0.6))
"""Nodes of a panel, its width in sd, and the spacing of the trapezoidal rule in sd; coarse and fine."""
SMALLEST = 1e-16
MAX_NODES = 16_000
MAX_ENTRIES = 20_000_000
LARGEST = 1e10
PASS = 1e-6
PASSES = 4
ROUNDING = 1e-14
MARGIN = 4.0
NEGLIGIBLE = 1e-9


@dataclass(frozen=True)
class PlaneChain:
    """The chain on the nodes of a product rule.

    Attributes
    ----------
    coordinates
        In which the exits are sides of the box.
    law
        Mean (n, 2) and covariance (n, 2, 2) of the next point, from points (n, 2), in those coordinates.
    axes
        For each axis its nodes and weights.
    """

    coordinates: PlaneCoordinates
    law: Callable[[Array], tuple[Array, Array]]
    axes: tuple[tuple[Array, Array], tuple[Array, Array]]

    @cached_property
    def points(self) -> Array:
        """The states, shape (n, 2)."""
        grid = np.meshgrid(self.axes[0][0], self.axes[1][0], indexing="ij")
        return np.stack(grid, axis=2).reshape(-1, 2)

    @cached_property
    def weights(self) -> Array:
        """Shape (n,)."""
        return np.multiply.outer(self.axes[0][1], self.axes[1][1]).ravel()

    def leaving(self, x: Array) -> Array:
        """Probability that the next point from each of `x` is in each region, shape (n, regions)."""
        from scipy.special import ndtr

        mean, covariance = self.law(x)
        share = np.zeros((len(x), self.coordinates.problem.regions))
        for axis, pair in enumerate(self.coordinates.walls):
            sd = np.sqrt(covariance[:, axis, axis])
            for side, wall in enumerate(pair):
                if wall is not None:
                    sign = 1.0 if side == 0 else -1.0
                    share[:, wall[1]] += ndtr(sign * (wall[0] - mean[:, axis]) / sd)
        return share

    def rows(self, x: Array) -> csr_array:
        """Transition probabilities from `x` of shape (k, 2) to the states, (k, n)."""
        from scipy.sparse import csr_array

        mean, covariance = self.law(x)
        windows = []
        for axis, (nodes, _) in enumerate(self.axes):
            reach = REACH * np.sqrt(covariance[:, axis, axis])
            first = np.searchsorted(nodes, mean[:, axis] - reach)
            last = np.searchsorted(nodes, mean[:, axis] + reach)
            width = int(max(1, min(len(nodes), (last - first).max())))
            windows.append(np.minimum(first, len(nodes) - width)[:, None] + np.arange(width))
        rows, columns = windows
        entries = rows.shape[1] * columns.shape[1]
        if len(x) * entries > MAX_ENTRIES:
            raise _too_fine()
        inverse = np.linalg.inv(covariance)
        scale = np.sqrt(np.linalg.det(inverse)) / (2 * math.pi)
        u = self.axes[0][0][rows] - mean[:, :1]
        v = self.axes[1][0][columns] - mean[:, 1:]
        exponent = u[:, :, None] * v[:, None, :]
        exponent *= 2 * inverse[:, 0, 1, None, None]
        exponent += (inverse[:, 0, 0, None] * u * u)[:, :, None]
        exponent += (inverse[:, 1, 1, None] * v * v)[:, None, :]
        values = np.exp(-0.5 * exponent, out=exponent)
        values *= (scale[:, None] * self.axes[0][1][rows])[:, :, None]
        values *= self.axes[1][1][columns][:, None, :]
        values[values < SMALLEST] = 0.0
        places = rows[:, :, None] * len(self.axes[1][0]) + columns[:, None, :]
        starts = np.arange(len(x) + 1) * entries
        shape = (len(x), len(self.points))
        matrix = csr_array((values.ravel(), places.astype(np.int32).ravel(), starts), shape=shape)
        matrix.eliminate_zeros()
        return matrix

    @cached_property
    def killing(self) -> Array:
        """Shape (n, regions)."""
        return self.leaving(self.points)

    @cached_property
    def transitions(self) -> csr_array:
        """Transition probabilities between the states, whose rows and killing add up to 1."""
        from scipy.sparse import dia_array

        matrix = self.rows(self.points)
        stay = 1.0 - self.killing.sum(axis=1)
        total = np.asarray(matrix.sum(axis=1)).ravel()
        # What a step leaves the box with on its open sides is spread over the rest of the row.
        factor = np.divide(stay, total, out=np.zeros_like(stay), where=total > 0)
        return (dia_array((factor[None], [0]), shape=matrix.shape) @ matrix).tocsr()

    def from_start(self) -> tuple[Array, Array]:
        """Row of transition probabilities from the start, and its probabilities to leave."""
        origin = np.zeros((1, 2))
        row, leave = self.rows(origin).toarray()[0], self.leaving(origin)[0]
        return row * ((1 - leave.sum()) / row.sum()), leave

    def solve(
        self, source: Array, transposed: bool = False, closing: Array | None = None, passes: int = PASSES
    ) -> Array:
        """x with (I - K) x = source, or with the transposed; with `closing` u, (I - K^T + u 1^T) x = source.

        Each pass of GMRES takes the residual of the one before, until it is that of rounding.
        """
        from scipy.sparse.linalg import LinearOperator, gmres

        matrix = self.transitions.T if transposed else self.transitions

        def apply(x: Array) -> Array:
            moved = x - matrix @ x
            return moved if closing is None else moved + closing * x.sum()

        size = len(source)
        operator: LinearOperator = LinearOperator((size, size), matvec=apply, dtype=float)
        found = np.zeros(size)
        residual = source
        for _ in range(passes):
            more, failed = gmres(operator, residual, rtol=PASS, atol=0.0, restart=120, maxiter=1)
            if failed:
                raise NoReference(
                    "The discrete rule relaxes too slowly for its transfer operator in the plane; raise the "
                    "learning rate, or ask for the SDE."
                )
            found = found + more
            residual = source - apply(found)
            if np.abs(residual).max() <= ROUNDING * np.abs(found).max():
                break
        return found

    def edge_share(self, law: Array) -> float:
        """Share of `law` within a step of the open sides."""
        share = 0.0
        for axis, pair in enumerate(self.coordinates.walls):
            nodes = self.axes[axis][0]
            reach = 2 * float(np.sqrt(self.law(np.zeros((1, 2)))[1][0, axis, axis]))
            for side, wall in enumerate(pair):
                if wall is None:
                    end = nodes[0] + reach if side == 0 else nodes[-1] - reach
                    beyond = self.points[:, axis] <= end if side == 0 else self.points[:, axis] >= end
                    share += float(np.abs(law[beyond]).sum() / np.abs(law).sum())
        return share


def plane_chain_moments(
    update: Update, start: Array, way_out: Exit, moments: int, landmarks: Array
) -> tuple[Reference, ...]:
    """Mean and second moment of the number of steps until a planar rule fulfils the exit.

    Raises
    ------
    NoReference
        An exit that is no straight line, noise too small for the number of nodes that it needs, or times
        beyond what GMRES resolves.
    """
    levels = _levels(update, start, [way_out], landmarks)
    answers = []
    for chain in levels:
        row, _ = chain.from_start()
        times = chain.solve(np.ones(len(chain.points)))
        found = [1.0 + float(row @ times)]
        if moments > 1:
            squares = chain.solve(2 * times - 1)
            found.append(1.0 + float(row @ (squares + 2 * times)))
        answers.append(found)
    mean = answers[1][0]
    if not 0 < mean < LARGEST:
        raise NoReference(
            f"The mean escape time is about {mean:.1e} steps, more than the transfer operator in the plane "
            "resolves; raise the noise."
        )
    lost = _lost(levels[1], levels[1].from_start()[0])
    relative = lost * mean + 1e-14 * mean + 1e-12
    return tuple(
        Reference(value=v, error=abs(v - w) + v * relative, unit="steps", method=METHOD)
        for v, w in zip(answers[1], answers[0], strict=True)
    )


def plane_chain_committor(
    update: Update, start: Array, reach: Exit, before: Exit, landmarks: Array
) -> Reference:
    """Probability that a planar rule enters `reach` before `before`.

    Raises
    ------
    NoReference
        As in `plane_chain_moments`.
    """
    levels = _levels(update, start, [reach, before], landmarks)
    found = []
    for chain in levels:
        row, leave = chain.from_start()
        found.append(float(row @ chain.solve(chain.killing[:, 0])) + float(leave[0]))
    error = abs(found[1] - found[0]) + _lost(levels[1], levels[1].from_start()[0]) + 1e-11
    return Reference(value=found[1], error=error, unit="1", method=METHOD)


def plane_chain_stationary(update: Update, start: Array, landmarks: Array) -> Density:
    """Stationary density of a planar rule.

    Raises
    ------
    NoReference
        No stationary law, or as in `plane_chain_moments`.
    """
    levels = _levels(update, start, [], landmarks)
    _check_return(levels[1])
    laws = []
    for chain in levels:
        even = np.full(len(chain.points), 1.0 / len(chain.points))
        law = chain.solve(even, transposed=True, closing=even)
        laws.append(law / law.sum())
    if not levels[1].edge_share(laws[1]) < NEGLIGIBLE:
        raise NoReference("The stationary law of the discrete rule has tails too heavy for a finite box.")
    return _density(levels, laws, 1.0)


def plane_chain_quasi_stationary(
    update: Update, start: Array, way_out: Exit, landmarks: Array
) -> tuple[Reference, Density]:
    """Exit probability per step of a planar rule in the long run, and the density of those still inside.

    Raises
    ------
    NoReference
        As in `plane_chain_moments`.
    """
    from scipy.sparse.linalg import ArpackNoConvergence, eigs

    levels = _levels(update, start, [way_out], landmarks)
    rates, laws = [], []
    for chain in levels:
        even = np.full(len(chain.points), 1.0 / len(chain.points))
        try:
            _, vectors = eigs(chain.transitions.T, k=1, which="LR", v0=even, tol=1e-14)
        except ArpackNoConvergence:
            raise alike_modes() from None
        law = np.abs(vectors[:, 0].real)
        laws.append(law / law.sum())
        # The mass that leaves has more digits than the eigenvalue.
        rates.append(float(laws[-1] @ chain.killing.sum(axis=1)))
    error = abs(rates[1] - rates[0]) + 1e-13
    reference = Reference(value=rates[1], error=error, unit="1/steps", method=METHOD)
    return reference, _density(levels, laws, 1.0 - rates[1])


def plane_chain_spectral_gap(update: Update, start: Array, landmarks: Array) -> Reference:
    """1 - |lambda_2| of a planar rule, per step.

    Raises
    ------
    NoReference
        As in `plane_chain_stationary`.
    """
    from scipy.sparse.linalg import ArpackNoConvergence, eigs

    levels = _levels(update, start, [], landmarks)
    _check_return(levels[1])
    gaps = []
    for chain in levels:
        even = np.full(len(chain.points), 1.0) + 0.1 * np.cos(np.arange(len(chain.points)))
        try:
            values = eigs(
                chain.transitions, k=3, which="LM", v0=even, ncv=40, tol=1e-13, return_eigenvectors=False
            )
        except ArpackNoConvergence:
            raise alike_modes() from None
        gaps.append(1.0 - float(np.sort(np.abs(values))[-2]))
    return Reference(value=gaps[1], error=abs(gaps[1] - gaps[0]) + 1e-12, unit="1/steps", method=METHOD)


def _levels(
    update: Update, start: Array, exits: list[Exit], landmarks: Array
) -> tuple[PlaneChain, PlaneChain]:
    """The chain at two resolutions, on the box that the SDE of the rule visits and a little more."""
    try:
        coordinates = plane_coordinates(update, start, exits)
    except np.linalg.LinAlgError:
        raise NoReference(
            "The noise vanishes in some direction at the start, which the transfer operator in the plane "
            "does not cover; give it a floor."
        ) from None
    walled = [any(wall is not None for wall in pair) for pair in coordinates.walls]
    if exits and (not coordinates.straight or all(walled)):
        raise NoReference(
            "For an exact answer the exit of a discrete rule in the plane has to be a straight line, or two "
            "that are parallel, unless its coordinates are independent."
        )

    def law(xi: Array) -> tuple[Array, Array]:
        drift, diffusion = coordinates.problem.drift(xi), coordinates.problem.diffusion(xi)
        return xi + update.step * drift, 2 * update.step * diffusion

    box = visited_box(coordinates, landmarks)
    sd = math.sqrt(2 * update.step)
    lower, upper = box.lower.copy(), box.upper.copy()
    for axis, (low, high) in enumerate(coordinates.walls):
        lower[axis] -= MARGIN * sd if low is None else 0.0
        upper[axis] += MARGIN * sd if high is None else 0.0
    finest = _finest(law, lower, upper)
    if np.prod((upper - lower) / finest) * LEVELS[1][0] / LEVELS[1][1] / LEVELS[1][2] > MAX_NODES:
        raise _too_fine()
    coarse, fine = (
        PlaneChain(
            coordinates,
            law,
            (
                _nodes(lower[0], upper[0], walled[0], finest, *level),
                _nodes(lower[1], upper[1], walled[1], finest, *level),
            ),
        )
        for level in LEVELS
    )
    return coarse, fine


def _finest(law: Callable[[Array], tuple[Array, Array]], lower: Array, upper: Array) -> float:
    """Least sd of a step in any direction, from anywhere in the box."""
    axes = [np.linspace(low, high, 61) for low, high in zip(lower, upper, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=2).reshape(-1, 2)
    least = float(np.linalg.eigvalsh(law(points)[1]).min())
    if not least > 0:
        raise NoReference("The noise of the discrete rule vanishes in some direction; give it a floor.")
    return math.sqrt(least)


def _nodes(
    lower: float, upper: float, walled: bool, sd: float, order: int, stride: float, spacing: float
) -> tuple[Array, Array]:
    """Nodes and weights along an axis: panels where it ends in an exit, else equally spaced."""
    per_sd = order / stride if walled else 1.0 / spacing
    if (upper - lower) / sd * per_sd > MAX_NODES:
        raise _too_fine()
    if walled:
        count = math.ceil((upper - lower) / (stride * sd))
        panels = Panels(np.linspace(lower, upper, count + 1), order)
        return panels.nodes.ravel(), panels.weights.ravel()
    count = math.ceil((upper - lower) / (spacing * sd))
    return np.linspace(lower, upper, count + 1), np.full(count + 1, (upper - lower) / count)


def _lost(chain: PlaneChain, row: Array) -> float:
    """Share of the steps that paths from the start spend next to the open sides, where the box is cut."""
    return chain.edge_share(chain.solve(row, transposed=True, passes=1))


def _check_return(chain: PlaneChain) -> None:
    """Refuse a rule that a step throws further out than it was, from far out in any direction."""
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    distance = np.geomspace(10.0, 1e7, 400) * float(np.abs(chain.points).max())
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points = (distance[:, None, None] * ring).reshape(-1, 2)
    with np.errstate(all="ignore"):
        mean, _ = chain.law(points)
        far = np.linalg.norm(mean, axis=1) >= np.linalg.norm(points, axis=1)
    if far[np.isfinite(mean).all(axis=1)].any():
        raise NoReference(
            "The discrete rule has no stationary law: from far out each step leads further out, so that it "
            "explodes sooner or later; give an exit and ask for the quasi-stationary law, or ask for the SDE."
        )


def _density(levels: tuple[PlaneChain, PlaneChain], laws: list[Array], decay: float) -> Density:
    """One more step makes a smooth density out of the masses of the states."""
    coarse, fine = levels
    cell = fine.coordinates.cell
    values = laws[1] / fine.weights / cell

    def density(chain: PlaneChain, law: Array, xi: Array) -> Array:
        keep = law > 1e-17 * law.max()
        mean, covariance = chain.law(chain.points[keep])
        inverse = np.linalg.inv(covariance)
        scale = law[keep] * np.sqrt(np.linalg.det(inverse)) / (2 * math.pi * decay * cell)
        result = np.empty(len(xi))
        for i, point in enumerate(xi):
            gap = point - mean
            result[i] = scale @ np.exp(-0.5 * np.einsum("ni,nij,nj->n", gap, inverse, gap))
        return result

    def at(x: Array) -> Array:
        xi = fine.coordinates.from_plane(x)
        inside = np.ones(len(xi), dtype=bool)
        for axis, (low, high) in enumerate(fine.coordinates.walls):
            inside &= xi[:, axis] > (-np.inf if low is None else low[0])
            inside &= xi[:, axis] < (np.inf if high is None else high[0])
        return np.where(inside, density(fine, laws[1], xi), 0.0)

    some = fine.points[np.argsort(values)[-200::20]]
    error = float(np.abs(density(coarse, laws[0], some) - density(fine, laws[1], some)).max())
    return Density(
        points=fine.coordinates.to_plane(fine.points),
        weights=fine.weights * cell,
        values=values,
        error=error + 1e-12 * float(values.max()),
        method=METHOD,
        _at=at,
    )


def _too_fine() -> NoReference:
    return NoReference(
        "The noise of one step is so small against the way to the exit that the transfer operator in the "
        "plane would be too large; ask for the SDE of this rule, or raise the learning rate."
    )
