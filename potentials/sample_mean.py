"""What every landscape that is a mean over samples has in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from potentials.errors import InputError
from potentials.inputs import Domain, columns_of, probes
from potentials.landscape import Landscape
from potentials.potential import Potential
from potentials.search import Search
from potentials.separable import Separable

__all__ = ["SampleMean"]

Floats = NDArray[np.float64]
Part = Callable[[Floats, slice], Floats]

SHORT = 64
"""Up to so many samples the mean is also written out as one formula."""

_CHUNK = 1 << 21
"""Numbers that one intermediate array may hold; 16 MiB."""


class SampleMean(Potential):
    """L = (1/n) sum of f_i: a landscape with the gradient of each sample's loss. Immutable.

    The losses f_i come from a subclass. Energy, gradient and Hessian are formed chunk by chunk, so that
    memory stays bounded however many samples there are. A mean over at most 64 samples is also available as a
    formula, and then everything works on it that works on a `Potential`.
    """

    def _describe(
        self,
        variables: tuple[sp.Symbol, ...],
        parameters: Mapping[str, float],
        name: str,
        domain: Domain,
        size: int,
    ) -> None:
        self._variables = variables
        self._parameters = MappingProxyType(dict(parameters))
        self._name = name
        self._domain = domain
        self._size = size
        if not np.any(np.isfinite(self.energy(probes(domain)))):
            raise InputError(
                f"The mean loss {name[:60]!r} is not a finite real number anywhere it was tried: change the "
                "loss, the data, the parameters or the domain."
            )

    # --- what a subclass says ---------------------------------------------------------------------------

    @abstractmethod
    def _energies(self, x: Floats, samples: slice) -> Floats:
        """Losses of some samples at points of shape (m, d); shape (m, k)."""

    @abstractmethod
    def _gradients(self, x: Floats, samples: slice) -> Floats:
        """Their gradients; shape (m, k, d)."""

    @abstractmethod
    def _hessians(self, x: Floats, samples: slice) -> Floats:
        """Their Hessians; shape (m, k, d, d)."""

    @abstractmethod
    def _sample_expressions(self) -> Iterable[sp.Expr]:
        """The n losses as formulas of variables and parameters."""

    @abstractmethod
    def subset(self, samples: Any) -> SampleMean:
        """The mean over some of the samples, given by their numbers or a mask."""

    # --- numbers ----------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """Number of samples n."""
        return self._size

    @property
    def variables(self) -> tuple[sp.Symbol, ...]:
        """The d variables, in the order of the last dimension of every array of points."""
        return self._variables

    @property
    def dim(self) -> int:
        """Number of variables d."""
        return len(self._variables)

    def energy(self, x: ArrayLike) -> Floats:
        """Mean loss at points of shape (..., d); shape (...)."""
        return self._mean(x, self._energies, ())

    def gradient(self, x: ArrayLike) -> Floats:
        """Gradient at points of shape (..., d); shape (..., d)."""
        return self._mean(x, self._gradients, (self.dim,))

    def hessian(self, x: ArrayLike) -> Floats:
        """Second derivatives at points of shape (..., d); shape (..., d, d)."""
        return self._mean(x, self._hessians, (self.dim, self.dim))

    def sample_energies(self, x: ArrayLike) -> Floats:
        """The loss of every sample at one point of shape (d,); shape (n,)."""
        return self._each(x, self._energies, ())

    def sample_gradients(self, x: ArrayLike) -> Floats:
        """The gradient of every sample's loss at one point of shape (d,); shape (n, d)."""
        return self._each(x, self._gradients, (self.dim,))

    def sample_hessians(self, x: ArrayLike) -> Floats:
        """The Hessian of every sample's loss at one point of shape (d,); shape (n, d, d)."""
        return self._each(x, self._hessians, (self.dim, self.dim))

    def gradient_covariance(self, x: ArrayLike) -> Floats:
        """C_1 = (1/n) sum of (grad f_i - g)(grad f_i - g)' at points of shape (..., d); shape (..., d, d)."""
        columns = self._columns(x)
        points = np.stack([c.ravel() for c in columns], axis=-1)
        result = np.empty((len(points), self.dim, self.dim))
        for some in self._shares(len(points), self.dim):
            mean = self.gradient(points[some])
            total = np.zeros((len(mean), self.dim, self.dim))
            for samples in self._chunks(self.dim * len(mean)):
                deviations = self._gradients(points[some], samples) - mean[:, None]
                total += np.swapaxes(deviations, 1, 2) @ deviations
            result[some] = total / self._size
        return result.reshape((*columns[0].shape, self.dim, self.dim))

    def _mean(self, x: ArrayLike, part: Part, tail: tuple[int, ...]) -> Floats:
        columns = self._columns(x)
        points = np.stack([c.ravel() for c in columns], axis=-1)
        numbers = max(self.dim, int(np.prod(tail, dtype=np.int64)))
        result = np.empty((len(points), *tail))
        with np.errstate(all="ignore"):
            for some in self._shares(len(points), numbers):
                total = np.zeros((len(points[some]), *tail))
                for samples in self._chunks(numbers * len(total)):
                    total += part(points[some], samples).sum(axis=1)
                result[some] = total / self._size
        return result.reshape(columns[0].shape + tail)

    def _each(self, x: ArrayLike, part: Part, tail: tuple[int, ...]) -> Floats:
        point = np.stack(self._columns(x), axis=-1)
        if point.shape != (self.dim,):
            raise InputError(f"The samples are looked at in one point of shape ({self.dim},) at a time.")
        numbers = max(self.dim, int(np.prod(tail, dtype=np.int64)))
        with np.errstate(all="ignore"):
            pieces = [part(point[None], samples)[0] for samples in self._chunks(numbers)]
        return np.concatenate(pieces)

    def _shares(self, points: int, numbers: int) -> Iterable[slice]:
        """Ranges of points, each of which needs `numbers` numbers for a sample, that fit into memory.

        As many points at a time as go with a few samples, and then as many samples as still fit.
        """
        step = max(1, _CHUNK // (numbers * min(self._size, 256)))
        return (slice(begin, min(begin + step, points)) for begin in range(0, points, step))

    def _chunks(self, numbers: int) -> Iterable[slice]:
        """Ranges of samples, each of which needs `numbers` numbers, that fit into memory."""
        step = max(1, _CHUNK // max(1, numbers))
        return (slice(begin, min(begin + step, self._size)) for begin in range(0, self._size, step))

    def _columns(self, x: ArrayLike) -> list[Floats]:
        return columns_of(x, self.dim, self._name)

    # --- formulas ---------------------------------------------------------------------------------------

    @property
    def expression(self) -> sp.Expr:
        """The mean loss as a formula, for at most 64 samples.

        Raises
        ------
        InputError
            More samples than that.
        """
        return self._landscape.expression

    @cached_property
    def _landscape(self) -> Landscape:  # type: ignore[override]
        if self._size > SHORT:
            raise InputError(
                f"The mean loss {self._name[:60]!r} runs over {self._size} samples and is not written out as "
                f'a formula (up to {SHORT} are): use noise="minibatch", "empirical" or "none" on it.'
            )
        total = sp.Add(*self._sample_expressions()) / self._size
        symbols = tuple(sp.Symbol(name, real=True) for name in self._parameters)
        return Landscape(total, self._variables, symbols)

    @property
    def separable(self) -> bool:
        """Whether the mean is known to be a sum of functions of one variable each."""
        return self._size <= SHORT and self._landscape.coordinates is not None

    @cached_property
    def _points(self) -> Any:
        return Separable(self.coordinates()) if self.separable else Search(self)

    def __repr__(self) -> str:
        values = "".join(f", {key}={value:g}" for key, value in self._parameters.items())
        return f"{type(self).__name__}({self._name!r}, dim={self.dim}, size={self.size}{values})"
