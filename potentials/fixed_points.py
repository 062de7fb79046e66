"""Fixed points of a drift field: where the drift vanishes, of what kind, and whose basin they border.

Zeros of the drift are found by Newton's method from points spread over the domain. All that are reported are
verified, but the search can miss some.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from potentials.search import spread

if TYPE_CHECKING:
    from potentials.drift_field import DriftField

__all__ = ["FixedPoint", "FlowSearch"]

Floats = NDArray[np.float64]

_STARTS = 256
_MOST_STARTS = 2048
_STEPS = 150
_REACH = 0.03
_SAME = 1e-6
_NUDGE = 1e-4
_NEAR = 1e-4
_FAR = 50.0
_DOUBLINGS = 14
_MOST_EVALUATIONS = 10_000
_RELATIVE_ZERO = 1e-11
_DEGENERATE_RATIO = 1e-4


@dataclass(frozen=True, eq=False)
class FixedPoint:
    """A point where the drift vanishes.

    Attributes
    ----------
    x
        Position, shape (d,), read-only.
    jacobian
        Derivatives d b_i / d x_j of the drift, shape (d, d), read-only.
    index
        Number of eigenvalues of the Jacobian with a positive real part: 0 at an attractor, 1 at a saddle
        between two basins.
    degenerate
        Whether the real part of some eigenvalue vanishes. Such a point is neither an attractor nor a saddle
        in the sense of the linearised dynamics, and is never reported as one.
    """

    x: Floats
    jacobian: Floats = field(repr=False)
    index: int
    degenerate: bool = False

    def __post_init__(self) -> None:
        for name in ("x", "jacobian"):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @cached_property
    def eigenvalues(self) -> NDArray[np.complex128]:
        """Eigenvalues of the Jacobian, ascending in their real parts, complex, shape (d,)."""
        return np.sort_complex(np.linalg.eigvals(self.jacobian).astype(np.complex128))

    @property
    def is_attractor(self) -> bool:
        """Whether the real part of every eigenvalue is negative."""
        return self.index == 0 and not self.degenerate

    @property
    def is_saddle(self) -> bool:
        """Whether exactly one eigenvalue has a positive real part and no real part vanishes."""
        return self.index == 1 and not self.degenerate

    @cached_property
    def unstable(self) -> Floats:
        """Unit vector along which paths leave a saddle, shape (d,); at other points the least stable one."""
        values, vectors = np.linalg.eig(self.jacobian)
        way = np.real(vectors[:, np.argmax(values.real)])
        return np.asarray(way / np.linalg.norm(way), dtype=np.float64)


class FlowSearch:
    """Fixed points of a drift field found in its domain, and where its flow leads."""

    def __init__(self, field: DriftField) -> None:
        self._field = field
        self._low, self._high = np.array(field.domain).T
        self._scale = float(np.min(self._high - self._low))

    @cached_property
    def found(self) -> tuple[FixedPoint, ...]:
        """Every fixed point found, by index and position."""
        starts = spread(self._low, self._high, min(_MOST_STARTS, _STARTS * self._field.dim))
        points: list[FixedPoint] = []
        for x in self._zeros(starts):
            polished = self._polished(x)
            inside = bool(np.all((polished >= self._low) & (polished <= self._high)))
            if inside and not any(self._same(polished, point.x) for point in points):
                points.append(self._classified(polished))
        return tuple(sorted(points, key=lambda point: (point.index, tuple(np.round(point.x, 9)))))

    def attractor(self, start: Floats) -> FixedPoint | None:
        """The attractor in which the flow from `start` ends, or None."""
        end = self._flow_end(start)
        if end is None:
            return None
        return next((point for point in self.found if self._same(point.x, end.x)), end)

    def border(self, attractor: FixedPoint) -> tuple[FixedPoint, ...]:
        """The saddles found from which one of the two ways out ends in the attractor."""
        chosen = []
        for saddle in self.found:
            if saddle.is_saddle:
                step = _NUDGE * self._scale * saddle.unstable
                ends = [self._flow_end(saddle.x + side * step) for side in (1.0, -1.0)]
                here = [end is not None and self._same(end.x, attractor.x) for end in ends]
                if here[0] != here[1]:
                    chosen.append(saddle)
        return tuple(chosen)

    def _same(self, one: Floats, other: Floats) -> bool:
        return bool(np.linalg.norm(one - other) <= _SAME * self._scale)

    @np.errstate(over="ignore", invalid="ignore")
    def _zeros(self, x: Floats) -> Floats:
        """Zeros of the drift reached by Newton steps of limited length from the rows of `x`."""
        done: list[Floats] = []
        margin = 0.5 * (self._high - self._low)
        for _ in range(_STEPS):
            drift, jacobian = self._field.drift(x), self._field.jacobian(x)
            good = np.all(np.isfinite(drift), axis=1) & np.all(np.isfinite(jacobian), axis=(1, 2))
            good &= np.all((x >= self._low - margin) & (x <= self._high + margin), axis=1)
            x, drift, jacobian = x[good], drift[good], jacobian[good]
            if x.size == 0:
                break
            moves = -np.einsum("nij,nj->ni", np.linalg.pinv(jacobian), drift)
            lengths = np.linalg.norm(moves, axis=1, keepdims=True)
            x = x + moves * np.minimum(1.0, _REACH * self._scale / np.maximum(lengths, 1e-300))
            # Where the Jacobian vanishes its pseudo-inverse does too, and a step of no length is no arrival.
            still = np.linalg.norm(drift, axis=1) <= 1e-6 * self._scale * np.linalg.norm(
                jacobian, axis=(1, 2)
            )
            arrived = (lengths[:, 0] <= 1e-9 * self._scale) & still
            done.append(x[arrived])
            x = x[~arrived]
        return np.concatenate([*done, np.empty((0, x.shape[1]))])

    @np.errstate(over="ignore", invalid="ignore")
    def _polished(self, x: Floats) -> Floats:
        """A zero of the drift next to `x`, by Newton steps until rounding stops them."""
        best, size = x, float(np.linalg.norm(self._field.drift(x)))
        for _ in range(12):
            x = x - np.linalg.pinv(self._field.jacobian(x)) @ self._field.drift(x)
            now = float(np.linalg.norm(self._field.drift(x)))
            if not now < size:
                break
            best, size = x, now
        return best

    def _classified(self, x: Floats) -> FixedPoint:
        """The fixed point at `x`.

        A real part counts as zero when it is negligible beside its own change over a small distance: in that
        case the linear part of the drift is meaningless on any visible scale.
        """
        jacobian = self._field.jacobian(x)
        real = np.sort(np.linalg.eigvals(jacobian).real)
        change = np.zeros_like(real)
        for step in 1e-4 * self._scale * np.concatenate([np.eye(x.size), -np.eye(x.size)]):
            near = self._field.jacobian(x + step)
            if np.all(np.isfinite(near)):
                change = np.maximum(change, np.abs(np.sort(np.linalg.eigvals(near).real) - real))
        largest = float(np.max(np.abs(np.linalg.eigvals(jacobian))))
        zero = np.abs(real) <= np.maximum(_RELATIVE_ZERO * largest, _DEGENERATE_RATIO * change)
        return FixedPoint(x, jacobian, int(np.sum((real > 0) & ~zero)), bool(np.any(zero)))

    def _flow_end(self, start: Floats) -> FixedPoint | None:
        """The attractor in which dx/dt = b(x) from `start` ends; None if it runs off or comes to no rest."""
        from scipy.integrate import solve_ivp

        def drift(_: float, x: Floats) -> Floats:
            return self._field.drift(x)

        def jacobian(_: float, x: Floats) -> Floats:
            return self._field.jacobian(x)

        def within(_: float, x: Floats) -> float:
            return _FAR * self._scale - float(np.max(np.abs(x - start)))

        within.terminal = True  # type: ignore[attr-defined]
        x = start
        size = float(np.linalg.norm(self._field.jacobian(x)))
        if not (np.isfinite(size) and np.all(np.isfinite(self._field.drift(x)))):
            return None
        time, evaluations = 1.0 / max(size, 1e-12), 0
        for _ in range(_DOUBLINGS):
            rest = self._at_rest(x)
            if rest is not None:
                return rest
            if evaluations > _MOST_EVALUATIONS:  # it goes round and round
                return None
            path = solve_ivp(
                drift,
                (0.0, time),
                x,
                method="LSODA",
                jac=jacobian,
                events=within,
                rtol=1e-8,
                atol=1e-10 * self._scale,
            )
            x, evaluations = path.y[:, -1], evaluations + path.nfev
            if path.status != 0 or not np.all(np.isfinite(x)):
                return None
            time *= 2.0
        return self._at_rest(x)

    def _at_rest(self, x: Floats) -> FixedPoint | None:
        """The attractor that `x` has come close to, or None."""
        step = np.linalg.pinv(self._field.jacobian(x)) @ self._field.drift(x)
        if not np.linalg.norm(step) <= _NEAR * self._scale:
            return None
        point = self._classified(self._polished(x))
        near = np.linalg.norm(point.x - x) <= 2.0 * _NEAR * self._scale
        return point if point.is_attractor and near else None
