"""The audio front end: int16 samples to the feature frames that a network reads.

Training, conversion, evaluation and the device all use this one definition. A `FrontEnd` is
frozen and says what to compute; a `FrontEndStream` computes it from chunks of any length, and
`FrontEnd.compute` from a whole recording, with bit-identical results.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from firmware_py.errors import SettingsError
from firmware_py.level import CausalLevel, ClipLevel, LevelTracker
from firmware_py.mel import MelSlopes, mel_filter_bank
from firmware_py.reading.bounds import Ranges, check_range, check_ranges

BLOCK_POINTS = 17_600
"""FFT points that are computed at once: more would not stay in the processor's cache."""

RANGES: Ranges = {
    "sample_rate_hz": (1000, 384_000),
    "window_length": (2, 65_536),
    "hop_length": (1, 65_536),
    "fft_length": (0, 65_536),
    "full_scale": (1e-6, 1e9),
    "density_rate_hz": (1e-3, 1e9),
    "sum_frames": (1, 1000),
    "num_mel_bins": (0, 1024),
    "mel_low_hz": (0.0, 192_000.0),
    "mel_high_hz": (0.0, 192_000.0),
}
MOST_SPAN_SECONDS = 10.0
MOST_POINTS = 20e6
"""The reference front end has 0.11 million a second."""
MOST_WEIGHTS = 2**22
MOST_STATISTIC = 1e30


@dataclass(frozen=True)
class FrontEnd:
    """How samples become frames.

    The processing order is: level, window, FFT, `scaling`, sum over `sum_frames` frames, mel
    bank, logarithm, normalisation by `mean` and `deviation`.
    """

    sample_rate_hz: int
    window_length: int
    """Samples in one analysis window (Hann)."""
    hop_length: int
    """Samples from one frame to the next."""
    fft_length: int = 0
    """Points of the FFT, the window padded with zeros; 0: the window's own length."""
    periodic_window: bool = False
    """False: symmetric Hann as in numpy and matplotlib; True: periodic, as in tf.signal."""
    full_scale: float = 1.0
    """Samples are divided by this: 1 keeps int16 values, 32768 gives -1 to 1."""
    scaling: Literal["psd", "power", "magnitude"] = "power"
    """psd: one-sided density with the window's energy and `density_rate_hz` divided out."""
    density_rate_hz: float = 8000.0
    """The Fs of the psd scaling (the reference recipe says 8000 whatever the real rate)."""
    sum_frames: int = 1
    """Spectra summed into one frame: itself and those before it."""
    num_mel_bins: int = 0
    """Mel bands; 0 keeps the linear bins."""
    mel_low_hz: float = 60.0
    mel_high_hz: float = 7600.0
    log_epsilon: float | None = None
    """Take log(x + log_epsilon); None: no logarithm."""
    mean: tuple[float, ...] = ()
    """Subtracted per bin, when given."""
    deviation: tuple[float, ...] = ()
    """Divided out per bin, when given."""
    clip_level: ClipLevel | None = None
    """Bring the whole clip to a level first: impossible on a live stream."""
    causal_level: CausalLevel | None = None
    """Follow the level of the stream."""

    def __post_init__(self) -> None:
        check_ranges(self, RANGES)
        _require(
            self.hop_length <= self.window_length,
            "hop_length",
            self.hop_length,
            "from 1 to window_length",
        )
        _require(
            self.fft_length == 0 or self.fft_length >= self.window_length,
            "fft_length",
            self.fft_length,
            "0 or at least window_length",
        )
        self._check_effort()
        nyquist_hz = self.sample_rate_hz / 2
        if self.num_mel_bins:
            _require(
                0 <= self.mel_low_hz < self.mel_high_hz <= nyquist_hz,
                "mel_high_hz",
                self.mel_high_hz,
                f"above mel_low_hz and at most {nyquist_hz:g}",
            )
        _require(len(self.mean) in (0, self.num_bins), "mean", len(self.mean), "one value a bin")
        _require(
            len(self.deviation) in (0, self.num_bins),
            "deviation",
            len(self.deviation),
            "one value a bin",
        )
        for name in ("mean", "deviation"):
            least = -MOST_STATISTIC if name == "mean" else 1.0 / MOST_STATISTIC
            for value in getattr(self, name):
                check_range(name, value, least, MOST_STATISTIC)
        if self.log_epsilon is not None:
            check_range("log_epsilon", self.log_epsilon, 1e-30, 1e30)
        _require(
            not (self.clip_level and self.causal_level),
            "causal_level",
            self.causal_level,
            "absent when clip_level is given",
        )

    def _check_effort(self) -> None:
        """Refuse what no board could compute in time, or would need much memory."""
        span_seconds = self.span_length / self.sample_rate_hz
        check_range("the span of a frame in seconds", span_seconds, 0.0, MOST_SPAN_SECONDS)
        points = self.num_fft_points / self.frame_seconds
        check_range("the points of all FFTs in a second", points, 0.0, MOST_POINTS)
        summed = self.sum_frames * self.num_fft_bins / self.frame_seconds
        check_range("the bins that sum_frames adds up in a second", summed, 0.0, MOST_POINTS)
        weights = self.num_mel_bins * self.num_fft_bins
        check_range("the number of weights of the mel bank", weights, 0, MOST_WEIGHTS)

    @property
    def num_bins(self) -> int:
        """Values in one frame."""
        return self.num_mel_bins or self.num_fft_bins

    @property
    def num_fft_bins(self) -> int:
        return self.num_fft_points // 2 + 1

    @property
    def num_fft_points(self) -> int:
        return self.fft_length or self.window_length

    @property
    def frame_seconds(self) -> float:
        """Time from one frame to the next."""
        return self.hop_length / self.sample_rate_hz

    @property
    def span_length(self) -> int:
        """Samples that the first frame needs."""
        return self.window_length + (self.sum_frames - 1) * self.hop_length

    def num_frames(self, num_samples: int) -> int:
        """Return the number of whole frames in `num_samples` samples."""
        return max(0, (num_samples - self.span_length) // self.hop_length + 1)

    def frame_end_sample(self, frame: int) -> int:
        """Return the number of samples that have been heard when frame `frame` is complete."""
        return frame * self.hop_length + self.span_length

    def compute(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the frames of a whole recording, float32 [num_frames, num_bins].

        samples: int16 [n], mono, at `sample_rate_hz`. A `clip_level` is applied by the caller
        that holds every channel of the clip (`firmware_py.level.clip_gain_db`).
        """
        return FrontEndStream(self).process(samples)

    def normalise(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return features, float32 [frames, num_bins], less `mean` and over `deviation`."""
        if self.mean:
            features = features - self._mean
        if self.deviation:
            features = features / self._deviation
        return features

    @cached_property
    def _mean(self) -> NDArray[np.float32]:
        return np.asarray(self.mean, np.float32)

    @cached_property
    def _deviation(self) -> NDArray[np.float32]:
        return np.asarray(self.deviation, np.float32)

    @cached_property
    def window(self) -> NDArray[np.float64]:
        """The Hann window, float64 [window_length]."""
        if self.periodic_window:
            return np.hanning(self.window_length + 1)[:-1]
        return np.hanning(self.window_length)

    @cached_property
    def scaled_window(self) -> NDArray[np.float64]:
        """The window with the scale of the spectrum in it, float64 [window_length].

        For psd, |FFT|^2 is to be multiplied by 2 / (Fs sum w^2) (Welch 1967; as in
        matplotlib.mlab.psd), which leaves out that bins 0 and Nyquist count once.
        """
        scale = 1.0 / self.full_scale
        if self.scaling == "psd":
            scale *= np.sqrt(2.0 / (self.density_rate_hz * np.sum(self.window**2)))
        return self.window * scale

    @cached_property
    def mel_slopes(self) -> MelSlopes | None:
        """The filters as they are applied, or None for linear bins."""
        return None if self.mel_bank is None else MelSlopes(self.mel_bank)

    @cached_property
    def mel_bank(self) -> NDArray[np.float64] | None:
        """Filters, float64 [num_mel_bins, num_fft_bins], or None for linear bins."""
        if not self.num_mel_bins:
            return None
        return mel_filter_bank(
            self.num_mel_bins,
            self.num_fft_points,
            self.sample_rate_hz,
            self.mel_low_hz,
            self.mel_high_hz,
        )


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
        """Return the same frames before `FrontEnd.normalise`, float32 [frames, num_bins]."""
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


def _require(condition: bool, name: str, value: object, expected: str) -> None:
    if not condition:
        raise SettingsError(f"front end: {name} is {value!r}; it must be {expected}")
