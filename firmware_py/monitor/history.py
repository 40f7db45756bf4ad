"""The last seconds of a stream."""

from collections import deque

import numpy as np
from numpy.typing import NDArray


class History:
    """Keeps at least the last `num_samples` samples, and little more."""

    def __init__(self, num_samples: int) -> None:
        self._limit = num_samples
        self._chunks: deque[NDArray[np.int16]] = deque()
        self._held = 0
        self.heard = 0
        """All samples since the start."""

    def add(self, samples: NDArray[np.int16]) -> None:
        """Append the next samples, int16 [n]."""
        self._chunks.append(samples)
        self._held += len(samples)
        self.heard += len(samples)
        while len(self._chunks) > 1 and self._held - len(self._chunks[0]) >= self._limit:
            self._held -= len(self._chunks.popleft())

    def between(self, first: int, last: int) -> NDArray[np.int16]:
        """Return the samples from number `first` to before `last` that are held, int16 [n]."""
        oldest = self.heard - self._held
        everything: NDArray[np.int16] = np.concatenate([np.zeros(0, np.int16), *self._chunks])
        return everything[max(0, first - oldest) : max(0, last - oldest)]
