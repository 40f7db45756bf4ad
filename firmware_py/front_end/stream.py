"""Samples to frames, in chunks of any length or at once: the results are bit-identical."""

import numpy as np
from numpy.typing import NDArray

from firmware_py.front_end.definition import FrontEnd
from firmware_py.level import LevelTracker

BLOCK_POINTS = 17_600
"""FFT points that are computed at once: more would not stay in the processor's cache."""


def frames_of(front_end: FrontEnd, samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the frames of a whole recording, float32 [num_frames, num_bins].

    samples: int16 [n], mono, at the front end's rate and, where it has one, its clip level.
    """
    return FrontEndStream(front_end).process(samples)


class FrontEndStream:
    """Turns chunks of samples into frames and keeps what the next frame still needs."""

    def __init__(self, front_end: FrontEnd) -> None:
        self.front_end = front_end
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        front_end = self.front_end
        self._samples = np.zeros(0, np.int16)
        self._spectra = np.zeros((0, front_end.num_fft_bins))
        self._padded = np.zeros((0, front_end.num_fft_points))
        level = front_end.causal_level
        self._level = LevelTracker(level, front_end.frame_seconds) if level else None

    def process(self, chunk: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the frames that `chunk` completes, float32 [frames, num_bins].

        chunk: int16 [any length], mono, at the front end's sample rate.
        """
        return self.front_end.normalise(self.features(chunk))

    def features(self, chunk: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return what `process` does before `FrontEnd.normalise`, float32 [frames, num_bins].

        chunk: as in `process`.
        """
        front_end = self.front_end
        samples = np.concatenate((self._samples, chunk)) if len(self._samples) else chunk
        count = max(0, (len(samples) - front_end.window_length) // front_end.hop_length + 1)
        self._samples = samples[count * front_end.hop_length :].copy()
        if not count:
            return np.zeros((0, front_end.num_bins), np.float32)
        most = max(1, BLOCK_POINTS // front_end.num_fft_points)
        if count <= most:
            return self._block(samples, count)
        blocks = [
            self._block(samples[start * front_end.hop_length :], min(most, count - start))
            for start in range(0, count, most)
        ]
        return np.concatenate(blocks)

    def samples_needed(self, frames: int) -> int:
        """Return how many more samples complete `frames` more frames."""
        front_end = self.front_end
        frames += max(0, front_end.sum_frames - 1 - len(self._spectra))
        span = front_end.window_length + (frames - 1) * front_end.hop_length
        return span - len(self._samples)

    def _block(self, samples: NDArray[np.int16], count: int) -> NDArray[np.float32]:
        """Return the features of the first `count` frames, float32 [at most count, num_bins]."""
        return self._features(self._summed(self._spectrum(samples, count)))

    def _spectrum(self, samples: NDArray[np.int16], count: int) -> NDArray[np.float64]:
        """Return `count` spectra, float64 [count, num_fft_bins]."""
        front_end = self.front_end
        windows = _windows(samples, count, front_end.window_length, front_end.hop_length)
        if len(self._padded) < count:
            self._padded = np.zeros((count, front_end.num_fft_points))
        padded = self._padded[:count]
        np.multiply(windows, front_end.scaled_window, out=padded[:, : front_end.window_length])
        parts = np.fft.rfft(padded).view(np.float64)
        np.multiply(parts, parts, out=parts)
        power = parts[:, ::2] + parts[:, 1::2]
        if front_end.scaling == "psd":
            power[:, 0] /= 2.0
            if front_end.num_fft_points % 2 == 0:
                power[:, -1] /= 2.0
        if self._level:
            power *= self._level.power_gains(windows)[:, None]
        return np.sqrt(power, out=power) if front_end.scaling == "magnitude" else power

    def _summed(self, spectra: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return sums over `sum_frames` successive spectra, in a fixed order of addition."""
        width = self.front_end.sum_frames
        if width == 1:
            return spectra
        spectra = np.concatenate((self._spectra, spectra))
        self._spectra = spectra[max(0, len(spectra) - width + 1) :].copy()
        count = max(0, len(spectra) - width + 1)
        total = np.zeros((count, spectra.shape[1]))
        for offset in range(width):
            total += spectra[offset : offset + count]
        return total

    def _features(self, spectra: NDArray[np.float64]) -> NDArray[np.float32]:
        front_end = self.front_end
        if front_end.mel_slopes is not None:
            spectra = front_end.mel_slopes.apply(spectra)
        features = spectra.astype(np.float32)
        if front_end.log_epsilon is not None:
            features += np.float32(front_end.log_epsilon)
            np.log(features, out=features)
        return features


def _windows(samples: NDArray[np.int16], count: int, length: int, hop: int) -> NDArray[np.int16]:
    """Return overlapping views, int16 [count, length].

    Made by hand: `sliding_window_view` takes as long as the spectra of a short chunk.
    """
    samples = np.ascontiguousarray(samples, np.int16)
    width = samples.itemsize
    return np.ndarray((count, length), np.int16, samples, strides=(hop * width, width))
