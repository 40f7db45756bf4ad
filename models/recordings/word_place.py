"""Where in a recording of one word the word is."""

import numpy as np
from numpy.typing import NDArray

FRAME_SECONDS = 0.01
BELOW_PEAK_DB = 28.0
ABOVE_FLOOR_DB = 9.0
LEAST_BELOW_PEAK_DB = 10.0
LONGEST_GAP_SECONDS = 0.18
"""Within a word, as before the p of stop."""


def word_bounds(samples: NDArray[np.int16], sample_rate_hz: int) -> tuple[int, int]:
    """Return the first sample of the word and the one after its last; samples: int16 [n].

    What rises above the noise between pauses shorter than a gap, around the loudest moment.
    """
    length = max(1, round(FRAME_SECONDS * sample_rate_hz))
    count = len(samples) // length
    if count < 3:
        return 0, len(samples)
    frames = samples[: count * length].astype(np.float64).reshape(count, length)
    power = np.convolve(np.mean(frames**2, axis=1), np.ones(3) / 3, "same")
    levels = 10 * np.log10(power + 1.0)
    peak = int(np.argmax(levels))
    floor = float(np.percentile(levels, 10))
    least = max(levels[peak] - BELOW_PEAK_DB, floor + ABOVE_FLOOR_DB)
    above = np.flatnonzero(levels >= min(least, levels[peak] - LEAST_BELOW_PEAK_DB))
    gaps = np.flatnonzero(np.diff(above) > LONGEST_GAP_SECONDS / FRAME_SECONDS)
    groups = np.split(above, gaps + 1)
    word = next(group for group in groups if group[0] <= peak <= group[-1])
    return int(word[0]) * length, min(len(samples), int(word[-1] + 1) * length)
