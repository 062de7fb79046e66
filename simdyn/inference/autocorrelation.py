"""How long a stationary series remembers: the integrated autocorrelation time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WINDOW = 5.0
"""Correlations are summed up to this many integrated times (Sokal 1997)."""

_WINDOWS = 4


@dataclass(frozen=True)
class Memory:
    """The integrated autocorrelation time of a series.

    Attributes
    ----------
    time
        1 + 2 sum of the correlations, in steps of the series: the variance of its mean over N steps is that
        of one step times this over N.
    error
        Its standard error.
    window
        The lag up to which correlations were summed.
    resolved
        Whether the series is long enough to tell: at least four windows.
    correlation
        Correlations at lags 0 to `window`.
    """

    time: float
    error: float
    window: int
    resolved: bool
    correlation: np.ndarray


def memory_of(series: np.ndarray) -> Memory:
    """Integrated autocorrelation time of independent series of one law, with Sokal's window.

    Correlations that change their sign cancel in their sum before they have died out. So the window is also
    at least as long as that of correlations of one sign, a^k, with the same sum of squares: with
    s = 1 + 2 sum rho^2 = (1 + a^2) / (1 - a^2), their integrated time (1 + a) / (1 - a) is
    s + (s^2 - 1)^(1/2).

    Parameters
    ----------
    series
        Shape (G, T): G independent series; their mean is taken over all of them, so that short ones do not
        lose what they have in common.

    Returns
    -------
    Memory
        Of a series that does not vary, time 1.
    """
    groups, times = series.shape
    deviations = series - series.mean()
    size = 1 << (2 * times - 1).bit_length()
    power = np.abs(np.fft.rfft(deviations, size, axis=1)) ** 2
    covariance = np.fft.irfft(power, size, axis=1)[:, :times].sum(axis=0)
    covariance /= groups * np.arange(times, 0, -1)
    if not covariance[0] > 1e-28 * max(1.0, float(np.mean(series**2))):
        return Memory(1.0, 0.0, 0, True, np.ones(1))
    correlation = covariance / covariance[0]
    sums = 2.0 * np.cumsum(correlation) - 1.0
    squares = 2.0 * np.cumsum(correlation**2) - 1.0
    of_one_sign = squares + np.sqrt(np.maximum(squares**2 - 1.0, 0.0))
    windows = np.flatnonzero(np.arange(times) >= WINDOW * np.maximum(sums, of_one_sign))
    window = int(windows[0]) if len(windows) else times - 1
    time = float(sums[window])
    error = abs(time) * float(np.sqrt(2 * (2 * window + 1) / (groups * times)))
    # Fluctuations may push a memory of nothing below what correlations of one sign allow.
    resolved = bool(len(windows)) and times >= _WINDOWS * max(window, 1)
    return Memory(max(time, 1e-3), error, window, resolved, correlation[: window + 1])
