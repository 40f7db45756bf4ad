"""The mel filter bank, and its use."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def hz_to_mel(frequency_hz: Any) -> NDArray[np.float64]:
    """Return mel values, float64 [any shape]: 1127 ln(1 + f / 700) (HTK Book, section 5.6)."""
    mel: NDArray[np.float64] = 1127.0 * np.log1p(np.asarray(frequency_hz, np.float64) / 700.0)
    return mel


def mel_filter_bank(
    num_mel_bins: int, fft_length: int, sample_rate_hz: int, low_hz: float, high_hz: float
) -> NDArray[np.float64]:
    """Return triangular filters, float64 [num_mel_bins, fft_length // 2 + 1], each of peak 1.

    The triangles are straight on the mel axis and the zero-frequency bin takes no part: the
    definition of `tf.signal.linear_to_mel_weight_matrix`.
    """
    spectrum_mel = hz_to_mel(np.fft.rfftfreq(fft_length, 1.0 / sample_rate_hz))
    edges = np.linspace(hz_to_mel(low_hz), hz_to_mel(high_hz), num_mel_bins + 2)
    lower, centre, upper = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (spectrum_mel - lower) / (centre - lower)
    falling = (upper - spectrum_mel) / (upper - centre)
    bank: NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling))
    bank[:, 0] = 0.0
    return bank


class MelSlopes:
    """A mel bank as its non-zero weights, a few per cent of the matrix.

    Applied without BLAS: its product rounds differently for different numbers of frames, and its
    threads spin between the calls of a live stream.
    """

    def __init__(self, bank: NDArray[np.float64]) -> None:
        """
        bank: float64 [num_mel_bins, num_fft_bins].
        """
        used = bank != 0.0
        used[~used.any(axis=1), 0] = True  # each band has at least one weight, be it zero
        rows, self._bins = np.nonzero(used)
        self._weights = bank[rows, self._bins]
        self._starts = np.searchsorted(rows, np.arange(len(bank)))

    def apply(self, spectra: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the bands, float64 [frames, num_mel_bins]; spectra: [frames, num_fft_bins]."""
        weighted = spectra.take(self._bins, axis=1, mode="clip")  # no bin is out of range
        weighted *= self._weights
        return np.add.reduceat(weighted, self._starts, axis=1)
