"""Trying a model out before it listens."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from firmware_py.artefact import Artefact
from firmware_py.detector import Detector
from firmware_py.errors import ArtefactError
from firmware_py.frame_detector import joined
from firmware_py.installation.signature import read_trusted
from firmware_py.interpreter import VerifierNetwork

SILENCE_SECONDS = 3.0


def check_content(
    content: bytes, path: Path, public_keys: Sequence[str], least_version: int = 0
) -> Artefact:
    """Return the artefact in `content` if it may be installed; raises ArtefactError.

    path: for messages. public_keys: base64; with any, one of them must have signed the model,
    and its version must be `least_version` at least.
    """
    artefact = read_trusted(content, path, public_keys, least_version)
    try_out(artefact)
    return artefact


def try_out(artefact: Artefact) -> None:
    """Raise ArtefactError unless the model loads, runs, and hears nothing in silence."""
    with Detector(artefact) as detector:
        silence = np.zeros(int(SILENCE_SECONDS * detector.sample_rate_hz), np.int16)
        steps = joined((detector.steps(silence), detector.last_steps()))
        detections = detector.decide(steps)
    if not np.isfinite(steps.posteriors).all() or not _verifies(artefact):
        raise ArtefactError(f"{artefact.path}: the model gives no numbers in silence; train it on")
    if detections:
        first = detections[0]
        raise ArtefactError(
            f"{artefact.path}: the model hears {first.label!r} in silence (score"
            f" {first.score:.2f}); raise its threshold or train it on"
        )


def _verifies(artefact: Artefact) -> bool:
    """Tell whether the second stage, which silence does not call, gives numbers; without: yes."""
    verifier = artefact.metadata.verifier
    if not verifier:
        return True
    frames = np.zeros((verifier.frames, artefact.metadata.front_end.num_bins), np.float32)
    return bool(np.isfinite(VerifierNetwork(artefact, verifier).process(frames)).all())
