"""What an audio front end computes: one frozen definition."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from firmware_py.errors import SettingsError
from firmware_py.front_end.mel import MelSlopes, mel_filter_bank
from firmware_py.level import CausalLevel, ClipLevel
from firmware_py.reading.bounds import Ranges, check_range, check_ranges

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
    """Bring the whole clip to a level first: impossible on a live stream, so whoever holds every
    channel of the clip does it (`firmware_py.level.clip_gain_db`)."""
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


def _require(condition: bool, name: str, value: object, expected: str) -> None:
    if not condition:
        raise SettingsError(f"front end: {name} is {value!r}; it must be {expected}")
