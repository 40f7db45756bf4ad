"""From a stream of samples at any rate to the frames of one front end."""

from math import ceil

import numpy as np
from numpy.typing import NDArray

from firmware_py.audio import Resampler
from firmware_py.errors import SettingsError
from firmware_py.front_end import FrontEnd, FrontEndStream


class FrameSource:
    """Streams samples through resampling, where the rates differ, and the front end."""

    def __init__(self, front_end: FrontEnd, sample_rate_hz: int) -> None:
        """sample_rate_hz: of the chunks; raises SettingsError unless it is positive."""
        if sample_rate_hz < 1:
            raise SettingsError(f"a sample rate of {sample_rate_hz} Hz; give a positive one")
        self.sample_rate_hz = sample_rate_hz
        self._stream = FrontEndStream(front_end)
        self.reset()

    def reset(self) -> None:
        """Begin a new stream at time 0."""
        own_rate_hz = self._stream.front_end.sample_rate_hz
        self._resampler = None
        if self.sample_rate_hz != own_rate_hz:
            self._resampler = Resampler(self.sample_rate_hz, own_rate_hz)
        self._stream.reset()

    def process(self, chunk: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the frames that `chunk` completes, float32 [frames, num_bins].

        chunk: int16 [any length], mono, at `sample_rate_hz`.
        """
        return self._stream.front_end.normalise(self.features(chunk))

    def features(self, chunk: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the same frames before `FrontEnd.normalise`, float32 [frames, num_bins]."""
        if self._resampler:
            chunk = self._resampler.process(chunk)
        return self._stream.features(chunk)

    def flush(self) -> NDArray[np.float32]:
        """End the stream: return the frames of what was still being resampled."""
        if not self._resampler:
            return self._stream.process(np.zeros(0, np.int16))
        return self._stream.process(self._resampler.flush())

    def samples_needed(self, frames: int) -> int:
        """Return how many more samples complete `frames` more frames; resampled, about so many."""
        ratio = self.sample_rate_hz / self._stream.front_end.sample_rate_hz
        return ceil(self._stream.samples_needed(frames) * ratio)
