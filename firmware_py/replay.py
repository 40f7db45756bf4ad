"""Recordings and pipes through a detector."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from firmware_py.artefact import Artefact, Policy
from firmware_py.audio import ChannelChoice, mean_square, open_recording, read_blocks, read_pcm
from firmware_py.detector import Detection, Detector
from firmware_py.frame_detector import Steps
from firmware_py.level import clip_gain_db


@dataclass(frozen=True)
class Replayed:
    """What one block of audio brought."""

    steps: Steps
    detections: list[Detection]


def detect_in_file(
    artefact: Artefact, path: Path, policy: Policy, channel: ChannelChoice = "first"
) -> Iterator[Replayed]:
    """Stream a recording through a new detector; raises AudioError for a bad file."""
    recording = open_recording(path)
    level = artefact.metadata.front_end.clip_level
    gain_db = clip_gain_db(level, mean_square(path)) if level else None
    detector = Detector(
        artefact, sample_rate_hz=recording.sample_rate_hz, policy=policy, gain_db=gain_db
    )
    yield from _stream(detector, read_blocks(path, channel))


def detect_in_pcm(
    artefact: Artefact, stream: BinaryIO, sample_rate_hz: int, policy: Policy
) -> Iterator[Replayed]:
    """Stream raw int16 mono PCM as it arrives; raises ArtefactError for a clip-level model."""
    detector = Detector(artefact, sample_rate_hz=sample_rate_hz, policy=policy)
    yield from _stream(detector, read_pcm(stream))


def _stream(detector: Detector, blocks: Iterable[NDArray[np.int16]]) -> Iterator[Replayed]:
    with detector:
        for block in blocks:
            steps = detector.steps(block)
            yield Replayed(steps, detector.decide(steps))
        steps = detector.last_steps()
        yield Replayed(steps, detector.decide(steps))
