"""How soon the models run: at once while there is sound, less often in silence.

Bigger pieces cost less. The detections are the same; only in silence they would come later, and
there are none. A word is louder than the room long before it ends, and the first chunk that is
ends the silence.
"""

import numpy as np
from numpy.typing import NDArray

QUIET_SECONDS = 0.64
"""What is gathered in silence."""
LOUDER = 1.5
"""A peak this many times that of the quiet room is sound (3.5 dB): words as loud as the noise still
are, and of white noise alone one chunk in forty is taken for one."""
FAINTEST_PEAK = 30
"""Below this a room is quiet in any case, and so is a muted microphone."""
BLOCK_SECONDS = 0.1
"""The room is known by the peaks of blocks this long, however long the chunks are."""
HOLD_SECONDS = 1.0
"""Sound counts for this long after its last peak."""
RISE_PER_SECOND = 0.1
"""How fast a constant noise becomes the quiet room: from twice its peak in seven seconds."""


class Pace:
    """Follows the peaks of the quiet room and tells sound from it."""

    def __init__(self) -> None:
        self._room_peak = float("inf")
        self._block_peak = self._block_seconds = 0.0
        self._hold = HOLD_SECONDS

    @property
    def is_quiet(self) -> bool:
        return self._hold <= 0.0

    def hear(self, samples: NDArray[np.int16], seconds: float) -> None:
        """Note the next chunk, int16 [any length], which lasts `seconds`."""
        highest = int(np.maximum.reduce(samples, initial=FAINTEST_PEAK))
        lowest = int(np.minimum.reduce(samples, initial=0))
        peak = float(max(highest, -lowest))
        self._hold = HOLD_SECONDS if peak > LOUDER * self._room_peak else self._hold - seconds
        self._block_peak = max(peak, self._block_peak)
        self._block_seconds += seconds
        if self._block_seconds >= BLOCK_SECONDS:
            room_peak = self._room_peak * (1.0 + RISE_PER_SECOND * self._block_seconds)
            self._room_peak = min(self._block_peak, room_peak)
            self._block_peak = self._block_seconds = 0.0
