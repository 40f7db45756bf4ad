"""What telephones, radio links and sound files do to speech, through the codecs themselves."""

import io
from dataclasses import dataclass

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from firmware_py.level import FULL_SCALE

Signal = NDArray[np.float32]
"""[samples]"""

MP3_DELAY = 1105
"""Samples by which LAME and the decoder (576 + 529) delay a file that is too small to say so."""


@dataclass(frozen=True)
class Codec:
    """A codec of libsndfile as it is used for speech."""

    file_format: str
    subtype: str
    sample_rate_hz: int
    compression: tuple[float, float] | None = None
    """Range of libsndfile's compression level; None: it has none."""


MU_LAW = Codec("AU", "ULAW", 8000)
"""Telephone lines (ITU-T G.711)."""

CODECS = (
    (0.40, Codec("WAV", "GSM610", 8000)),
    (0.35, Codec("OGG", "VORBIS", 16000, (0.5, 1.0))),
    (0.15, Codec("MP3", "MPEG_LAYER_III", 16000, (0.7, 0.99))),
    (0.08, Codec("OGG", "OPUS", 8000, (0.85, 1.0))),
    (0.02, Codec("OGG", "OPUS", 16000, (0.85, 1.0))),
)
"""Shares of those that are drawn. Opus is as likely as its time allows: it takes ten times as
long as the others."""


def draw_codec(rng: np.random.RandomState) -> Codec:
    """Return one of CODECS, each as often as its share."""
    shares = np.cumsum([share for share, _ in CODECS])
    return CODECS[int(np.searchsorted(shares / shares[-1], rng.uniform()))][1]


def transcode(
    rng: np.random.RandomState, samples: Signal, sample_rate_hz: int, codec: Codec
) -> Signal:
    """Return the samples, float32 [samples] in int16 units, coded and decoded again, in place."""
    level = rng.uniform(*codec.compression) if codec.compression else None
    narrow = _resampled(samples / np.float32(FULL_SCALE), sample_rate_hz, codec.sample_rate_hz)
    coded = io.BytesIO()
    soundfile.write(
        coded,
        np.clip(narrow, -1.0, 1.0),
        codec.sample_rate_hz,
        format=codec.file_format,
        subtype=codec.subtype,
        compression_level=level,
    )
    coded.seek(0)
    decoded, _ = soundfile.read(coded, dtype="float32")
    if codec.file_format == "MP3" and len(decoded) > len(narrow):
        decoded = decoded[MP3_DELAY:]
    wide = _resampled(decoded[: len(narrow)], codec.sample_rate_hz, sample_rate_hz)
    result = np.zeros(len(samples), np.float32)
    count = min(len(result), len(wide))
    result[:count] = wide[:count] * np.float32(FULL_SCALE)
    return result


def _resampled(samples: Signal, from_rate_hz: int, to_rate_hz: int) -> Signal:
    if from_rate_hz == to_rate_hz:
        return samples
    converted: Signal = soxr.resample(samples, from_rate_hz, to_rate_hz, quality="MQ")
    return converted
