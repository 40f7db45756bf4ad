"""Recordings and pipes through a detector."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from firmware_py.artefact import Artefact, Policy
from firmware_py.audio import mean_square, open_recording, open_sound, open_stream
from firmware_py.detector import Detection, Detector
from firmware_py.level import clip_gain_db
from firmware_py.sound_files.sound import Sound
from firmware_py.streaming.frame_detector import Steps


@dataclass(frozen=True)
class Replayed:
    """What one block of audio brought."""

    steps: Steps
    """Those of the audio itself; the silence that ends a stream adds none."""
    detections: list[Detection]


def detect_in_file(
    artefact: Artefact, path: Path, policy: Policy, channel: int = 1
) -> Iterator[Replayed]:
    """Stream a recording, or what comes through a named pipe, through a new detector.

    channel: counted from 1, or `firmware_py.sound_files.sound.MIX`. Raises AudioError for a bad
    file, and for a pipe where the model wants the level of the whole clip.
    """
    level = artefact.metadata.front_end.clip_level
    gain_db = None
    if level:
        gain_db = clip_gain_db(level, mean_square(open_recording(path).path))
    with open_sound(path) as sound:
        yield from _replay(artefact, sound, policy, channel, gain_db)


def detect_in_stream(
    artefact: Artefact,
    stream: BinaryIO,
    policy: Policy,
    sample_rate_hz: int | None = None,
    num_channels: int = 1,
    channel: int = 1,
) -> Iterator[Replayed]:
    """Stream a sound file or raw int16 samples as they arrive.

    sample_rate_hz, num_channels: of raw samples. Raises AudioError as `open_stream`, and
    ArtefactError for a model that wants the level of the whole clip.
    """
    with open_stream(stream, sample_rate_hz, num_channels) as sound:
        yield from _replay(artefact, sound, policy, channel)


def _replay(
    artefact: Artefact, sound: Sound, policy: Policy, channel: int, gain_db: float | None = None
) -> Iterator[Replayed]:
    rate_hz = sound.sample_rate_hz
    with Detector(artefact, sample_rate_hz=rate_hz, policy=policy, gain_db=gain_db) as detector:
        count = 0
        for block in sound.mono(channel):
            steps = detector.steps(block)
            count += len(steps.posteriors)
            yield Replayed(steps, detector.decide(steps))
        steps = detector.last_steps()
        yield Replayed(steps.first(detector.num_steps - count), detector.decide(steps))
