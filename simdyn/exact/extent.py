"""How far a one-dimensional diffusion has to be followed: truncation of open sides, zeros of the noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simdyn.errors import InputError
from simdyn.exact.errors import NoReference
from simdyn.exact.panels import Array
from simdyn.exact.speed import Medium

SCAN = 1e6
NEARLY_ZERO = 1e-14


@dataclass(frozen=True)
class Extent:
    """Panel edges of the interval that matters, and which of its ends absorb."""

    edges: Array
    lower_absorbs: bool
    upper_absorbs: bool


def find_extent(
    medium: Medium, start: float, lower: float, upper: float, breakpoints: Sequence[float], cut: float
) -> Extent:
    """Resolved panels from end to end, the start and the breakpoints among their edges.

    An open side goes on until the speed measure beyond it is less than `cut` of what lies between it and the
    start. A zero of D that the drift keeps the path away from ends the domain: it is never crossed.

    Raises
    ------
    InputError
        The mean exit time is infinite.
    NoReference
        D = 0 where the drift crosses, or a mesh that grows too large.
    """
    finite = [abs(end - start) for end in (lower, upper) if math.isfinite(end)]
    span = max(1e-3, *finite)
    sides = [
        _Side(medium, start, end, span, breakpoints, cut, sign) for end, sign in ((lower, -1.0), (upper, 1.0))
    ]
    if not any(side.absorbs for side in sides):
        blocked = [side.wall for side in sides if side.wall is not None]
        raise InputError(
            f"The mean escape time of the SDE is infinite: its noise vanishes at x = {blocked[0]:.6g}, where "
            "the drift points back, so the exit is never reached; ask for the discrete rule, or give the "
            "noise a floor."
        )
    try:
        left, right = (side.edges() for side in sides)
    except OverflowError:
        raise NoReference(
            f"The landscape around {start:g} is too long or too rough for quadrature; give both ends of the "
            "exit."
        ) from None
    edges = np.concatenate([left[::-1][:-1], right])
    return Extent(edges, sides[0].absorbs, sides[1].absorbs)


def find_support(medium: Medium, centre: float, breakpoints: Sequence[float], cut: float) -> Array:
    """Resolved panel edges of what a diffusion without exit visits from `centre`, cut as in `find_extent`.

    Raises
    ------
    NoReference
        A side that does not confine (there is no stationary law), or a mesh that grows too large.
    """
    try:
        left, right = (
            _Side(medium, centre, sign * math.inf, _scale(medium, centre), breakpoints, cut, sign).edges()
            for sign in (-1.0, 1.0)
        )
    except OverflowError:
        raise NoReference(
            f"The landscape around {centre:g} is too long or too rough for quadrature."
        ) from None
    except InputError as reason:
        if isinstance(reason, NoReference):
            raise
        raise NoReference(
            "There is no stationary law, because the landscape does not confine the path on every side; give "
            "an exit and ask for the quasi-stationary law."
        ) from None
    return np.concatenate([left[::-1][:-1], right])


def _scale(medium: Medium, centre: float) -> float:
    """A distance over which the slope of the potential around `centre` changes: where to look first."""
    distance = np.geomspace(1e-6, 1e3, 181)
    slope = np.abs(
        [medium.sample(np.array([centre + side * d]))[0][0] * d for d in distance for side in (-1, 1)]
    ).reshape(-1, 2)
    rises = np.flatnonzero(np.nan_to_num(slope, nan=np.inf).max(axis=1) >= 1.0)
    return float(distance[rises[0]]) if rises.size else 1.0


class _Side:
    """The part of the domain on one side (sign -1 or +1) of the start."""

    def __init__(
        self,
        medium: Medium,
        start: float,
        end: float,
        span: float,
        breakpoints: Sequence[float],
        cut: float,
        sign: float,
    ) -> None:
        self.medium, self.start, self.end, self.span = medium, start, end, span
        self.sign, self.cut = sign, cut
        self.breaks = np.sort([sign * (b - start) for b in breakpoints if sign * (b - start) > 0])
        self.wall = self._first_wall()
        self.absorbs = math.isfinite(end) and self.wall is None

    def edges(self) -> Array:
        """Refined edges from the start outwards (monotone in the direction of the side)."""
        if self.absorbs:
            return self._refine(0.0, abs(self.end - self.start))
        return self._march()

    def _refine(self, near: float, far: float) -> Array:
        # A break that differs from a station by rounding would leave a panel of no width.
        slack = 1e-13 * (abs(self.start) + far)
        inner = self.breaks[(self.breaks > near + slack) & (self.breaks < far - slack)]
        inner = inner[np.diff(inner, prepend=near) > slack]
        stations = self.start + self.sign * np.concatenate([[near], inner, [far]])
        if math.isfinite(self.end) and far == abs(self.end - self.start):
            stations[-1] = self.end
        return self.medium.refine(np.sort(stations))[:: int(self.sign)]

    def _scan(self) -> Array:
        """Distances from the start at which drift and noise are looked at."""
        if math.isfinite(self.end):
            return np.linspace(0, abs(self.end - self.start), 4001)[1:-1]
        near = np.linspace(0, 50 * self.span, 8001)[1:]
        return np.concatenate([near, np.geomspace(50 * self.span, SCAN * self.span, 2001)[1:]])

    def _first_wall(self) -> float | None:
        """The first point where D vanishes, or None; the drift there must point back."""
        distance = np.union1d(self._scan(), self.breaks)
        distance = distance[distance < abs(self.end - self.start)]
        with np.errstate(all="ignore"):
            noise = np.broadcast_to(self.medium.diffusion(self.start + self.sign * distance), distance.shape)
        if not noise.size:
            return None
        if np.any(noise < 0):
            bad = self.start + self.sign * distance[np.argmax(noise < 0)]
            raise InputError(f"The diffusion coefficient is negative at x = {bad:.6g}; it must not be.")
        padded = np.concatenate([[np.inf], noise, [np.inf]])
        dips = np.flatnonzero((noise <= padded[:-2]) & (noise < padded[2:]))
        for i in map(int, dips):
            low, high = distance[max(i - 1, 0)], distance[min(i + 1, len(distance) - 1)]
            where, depth = self._deepest(low, high, distance[i])
            if depth <= NEARLY_ZERO * float(np.median(noise[max(i - 40, 0) : i + 41])):
                x = self.start + self.sign * where
                if self.sign * float(np.asarray(self.medium.drift(np.array([x])))[0]) >= 0:
                    raise NoReference(
                        f"The noise vanishes at x = {x:.6g} while the drift does not point back to the start "
                        "there; this case has no exact method here."
                    )
                return x
        return None

    def _deepest(self, low: float, high: float, guess: float) -> tuple[float, float]:
        """Place and value of the least D between two distances, by golden section."""

        def noise(d: float) -> float:
            with np.errstate(all="ignore"):
                return float(
                    np.broadcast_to(self.medium.diffusion(np.array([self.start + self.sign * d])), (1,))[0]
                )

        best = (noise(guess), guess)
        ratio = (math.sqrt(5) - 1) / 2
        for _ in range(90):
            one, two = high - ratio * (high - low), low + ratio * (high - low)
            first, second = noise(one), noise(two)
            best = min(best, (first, one), (second, two))
            low, high = (low, two) if first <= second else (one, high)
        return best[1], best[0]

    def _march(self) -> Array:
        """Chunks outwards, doubling (or halving towards a wall), until the rest carries no weight."""
        turning = self._last_turning()
        pieces = [np.array([self.start])]
        total, last, phi = -math.inf, -math.inf, 0.0
        near, step, panels = 0.0, 0.5 * self.span, 0
        room = math.inf if self.wall is None else abs(self.wall - self.start)
        for _ in range(400):
            if near >= turning:
                step = self._gentle(near, step)
            far = min(near + step, 0.5 * (near + room)) if math.isfinite(room) else near + step
            # Close to a wall D is known to few digits, and a halving chunk resolves its zero anyway.
            close = math.isfinite(room) and room - near < 1e-2 * room
            edges = self.start + self.sign * np.array([near, far]) if close else self._refine(near, far)
            part, phi = self.medium.mass(edges, phi)
            if not math.isfinite(part):
                break
            pieces.append(edges[1:])
            panels += len(edges)
            total = float(np.logaddexp(total, part))
            shrink = part - last if math.isfinite(last) else math.inf
            rest = part + shrink - math.log(-math.expm1(shrink)) if shrink < -1e-9 else math.inf
            if far >= turning and rest - total < math.log(self.cut):
                return np.concatenate(pieces)
            if math.isfinite(room) and room - far < 1e-13 * (1 + room):
                return np.concatenate(pieces)
            if panels > 20_000:
                raise OverflowError("too many panels")
            last, near = part, far
            # Chunks of one size near home, where wells may be; doubling beyond, where only a tail is left.
            step = step if far < turning else 2 * step
        side = "below" if self.sign < 0 else "above"
        raise InputError(
            "The mean escape time is infinite: the landscape does not confine the path on the open side "
            f"{side} x = {self.start:g}; give an exit on that side too."
        )

    def _gentle(self, near: float, step: float) -> float:
        """`step`, halved until a chunk beyond `near` climbs no more than it takes to lose all weight."""
        fractions = np.linspace(0.0, 1.0, 9)
        for _ in range(200):
            slope, _ = self.medium.sample(self.start + self.sign * (near + step * fractions))
            if step * np.abs(slope).max() < 100:
                break
            step *= 0.5
        return step

    def _last_turning(self) -> float:
        """Distance beyond which the drift points back for as far as one can see."""
        distance = self._scan()
        if self.wall is not None:
            distance = distance[distance < abs(self.wall - self.start)]
        with np.errstate(all="ignore"):
            push = self.sign * np.broadcast_to(
                self.medium.drift(self.start + self.sign * distance), distance.shape
            )
        outward = np.flatnonzero((push >= 0) & np.isfinite(push))
        return 0.0 if not outward.size else float(distance[min(outward[-1] + 1, len(distance) - 1)])
