"""From a stream of samples at any rate to the frames of one front end."""

from math import ceil

import numpy as np
from numpy.typing import NDArray

from firmware_py.audio import Resampler
from firmware_py.front_end import FrontEnd, FrontEndStream
from firmware_py.sound_files.sound import check_rate

FLUSH_SECONDS = 1.0
"""The silence that is put behind the end of a stream: as long as any policy takes to decide."""


class FrameSource:
    """Streams samples through resampling, where the rates differ, and the front end."""

    def __init__(self, front_end: FrontEnd, sample_rate_hz: int) -> None:
        """sample_rate_hz: of the chunks; raises AudioError where no microphone has it."""
        check_rate(sample_rate_hz, "the detector")
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
        self._samples = 0
        self._own_samples = 0

    @property
    def seconds(self) -> float:
        """The length of the stream so far."""
        return self._samples / self.sample_rate_hz

    @property
    def num_frames(self) -> int:
        """Frames that the samples so far make, without the silence of `flush`."""
        return self._stream.front_end.num_frames(self._own_samples)

    def process(self, chunk: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the frames that `chunk` completes, float32 [frames, num_bins].

        chunk: int16 [any length], mono, at `sample_rate_hz`.
        """
        return self._stream.front_end.normalise(self.features(chunk))

    def features(self, chunk: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return what `process` does before `FrontEnd.normalise`, float32 [frames, num_bins].

        chunk: as in `process`.
        """
        self._samples += len(chunk)
        if self._resampler:
            chunk = self._resampler.process(chunk)
        self._own_samples += len(chunk)
        return self._stream.features(chunk)

    def flush(self) -> NDArray[np.float32]:
        """End the stream: return the frames still to come, and those of FLUSH_SECONDS of silence.

        float32 [frames, num_bins].

        So what decides on a word at the very end is what would have followed it.
        """
        late = self._resampler.flush() if self._resampler else np.zeros(0, np.int16)
        self._own_samples += len(late)
        silence = np.zeros(round(FLUSH_SECONDS * self._stream.front_end.sample_rate_hz), np.int16)
        return self._stream.process(np.concatenate((late, silence)))

    def samples_needed(self, frames: int) -> int:
        """Return how many more samples complete `frames` more frames; resampled, about so many."""
        ratio = self.sample_rate_hz / self._stream.front_end.sample_rate_hz
        return ceil(self._stream.samples_needed(frames) * ratio)
