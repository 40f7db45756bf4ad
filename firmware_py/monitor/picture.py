"""Spectrograms as small pictures, a byte a point, which the page draws."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_py.audio import open_recording, read_blocks
from firmware_py.front_end import FrontEnd, frames_of

NUM_BINS = 40
MOST_FRAMES = 600
DARKEST_SHARE, BRIGHTEST_SHARE = 0.2, 0.995
"""Of a clip's values: these quantiles become 0 and 255."""


def spectrogram_picture(clip: Path) -> dict[str, Any]:
    """Return the log-mel spectrogram of a recording: {"bins", "frames", "seconds", "data"}.

    data: base64 of uint8 [frames, bins], low frequencies first. Raises AudioError.
    """
    rate_hz = open_recording(clip).sample_rate_hz
    samples = np.concatenate([np.zeros(0, np.int16), *read_blocks(clip)])
    hop_length = max(round(0.01 * rate_hz), len(samples) // MOST_FRAMES)
    length = max(round(0.025 * rate_hz), hop_length)
    front_end = FrontEnd(
        sample_rate_hz=rate_hz,
        window_length=length,
        hop_length=hop_length,
        fft_length=1 << (length - 1).bit_length(),
        num_mel_bins=NUM_BINS,
        mel_low_hz=60.0,
        mel_high_hz=min(7600.0, rate_hz / 2),
        log_epsilon=1.0,
    )
    features = frames_of(front_end, samples)
    if not len(features):
        return {"seconds": 0.0, **encoded(features, 0.0, 1.0)}
    darkest, brightest = np.quantile(features, (DARKEST_SHARE, BRIGHTEST_SHARE)).tolist()
    return {"seconds": len(samples) / rate_hz, **encoded(features, darkest, brightest)}


def encoded(features: NDArray[np.float32], darkest: float, brightest: float) -> dict[str, Any]:
    """Return features, float32 [frames, bins], as a picture: `darkest` is 0, `brightest` 255."""
    scaled = (features - darkest) * (255.0 / max(brightest - darkest, 1e-6))
    points = np.clip(scaled, 0.0, 255.0).astype(np.uint8)
    return {
        "frames": len(points),
        "bins": features.shape[1],
        "data": base64.b64encode(points.tobytes()).decode(),
    }
