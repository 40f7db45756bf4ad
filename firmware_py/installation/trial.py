"""Trying a model out before it listens."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_py.artefact import Artefact, Mode
from firmware_py.detector import Detector
from firmware_py.errors import ArtefactError
from firmware_py.front_end import frames_of
from firmware_py.installation.confinement import run_confined
from firmware_py.installation.signature import read_trusted
from firmware_py.interpreter import VerifierNetwork
from firmware_py.streaming.frame_detector import joined

TRIAL_SECONDS = 3.0
"""Of silence, and as much of noise."""
INTEGER_MODES = ("int8", "int16x8")
FULL = 1.0 / 128.0
"""Integer outputs this near to 0 or 1 say nothing: a good network is at its end there."""

Answers = tuple[str, Mode, NDArray[np.float32], NDArray[np.float32]]
"""The name and mode of a stage, and its posteriors in silence and in noise: [steps, labels], or
[labels] of the second stage."""


def check_content(
    content: bytes, path: Path, public_keys: Sequence[str], least_version: int = 0
) -> Artefact:
    """Return the artefact in `content` if it may be installed; raises ArtefactError.

    It is tried out in a process of its own, whatever becomes of that.
    path: for messages. public_keys: base64; with any, one of them must have signed the model,
    and its version must be `least_version` at least.
    """
    artefact = read_trusted(content, path, public_keys, least_version)
    run_confined("firmware_py.installation.trial_child", content, path)
    return artefact


def try_out(artefact: Artefact) -> None:
    """Raise ArtefactError unless the model answers, in numbers, to what it hears.

    Silence must not be a word for it, and noise must not be the same as silence: the answers of a
    network that hears nothing do not depend on the sound, whether they are one number or change
    with time.
    """
    rate_hz = artefact.metadata.front_end.sample_rate_hz
    noise = _noise(int(TRIAL_SECONDS * rate_hz))
    in_silence = _posteriors(artefact, np.zeros_like(noise))
    in_noise = _posteriors(artefact, noise)
    if not in_silence.size:
        _refuse(artefact, f"the model gives no answer in {TRIAL_SECONDS:g} s of sound")
    stages = [("model", artefact.metadata.mode, in_silence, in_noise), *_verified(artefact, noise)]
    for name, mode, quiet, loud in stages:
        if not (np.isfinite(quiet).all() and np.isfinite(loud).all()):
            _refuse(artefact, f"the {name} gives no numbers in silence or noise; train it on")
        if np.array_equal(quiet, loud) and not _is_at_its_end(mode, loud):
            _refuse(artefact, f"the {name} is deaf: silence and noise are one to it; train it on")


def _posteriors(artefact: Artefact, samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the posteriors for samples, float32 [steps, labels]; all zeros: silence."""
    with Detector(artefact) as detector:
        steps = joined((detector.steps(samples), detector.last_steps()))
        detections = detector.decide(steps)
    if detections and not samples.any():
        first = detections[0]
        _refuse(
            artefact,
            f"the model hears {first.label!r} in silence (score {first.score:.2f}); raise its"
            " threshold or train it on",
        )
    return steps.posteriors


def _verified(artefact: Artefact, noise: NDArray[np.int16]) -> list[Answers]:
    """Return what the second stage, which silence does not call, answers; none without it."""
    verifier, front_end = artefact.metadata.verifier, artefact.metadata.front_end
    if not verifier:
        return []
    network = VerifierNetwork(artefact, verifier)
    sounds = (frames_of(front_end, samples) for samples in (np.zeros_like(noise), noise))
    shape = (verifier.frames, front_end.num_bins)
    quiet, loud = (network.process(np.resize(frames, shape))[0] for frames in sounds)
    return [("verifier", verifier.mode, quiet, loud)]


def _noise(length: int) -> NDArray[np.int16]:
    """Return white noise that grows from a whisper to a shout, the same each time."""
    loudness = np.geomspace(30.0, 8000.0, length)
    samples = loudness * np.random.default_rng(0).standard_normal(length)
    return np.clip(samples, -32768, 32767).astype(np.int16)


def _is_at_its_end(mode: Mode, posteriors: NDArray[np.float32]) -> bool:
    """Tell whether an integer network says 0 or 1, whose steps in between are too large."""
    at_an_end = (posteriors <= FULL) | (posteriors >= 1.0 - FULL)
    return mode in INTEGER_MODES and bool(at_an_end.all())


def _refuse(artefact: Artefact, fault: str) -> None:
    raise ArtefactError(f"{artefact.path}: {fault}")
