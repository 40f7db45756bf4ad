"""A network of words as it is trained: judged on clips without an artefact."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware_py.front_end import frames_of
from models.settings.config import Config
from models.settings.network import WindowNetwork
from models.training.task import Network
from models.words.confusion import Confusion
from models.words.corpus import load_corpus
from models.words.division import Part
from models.words.presented import PresentedWord, clip_scores, presented_clips, surrounded


def judged_clips(config: Config, roots: tuple[Path, ...], part: Part) -> list[PresentedWord]:
    """Return the clips of a part on which a network is judged."""
    words, rate_hz = config.words_recipe, config.front_end.sample_rate_hz
    return presented_clips(load_corpus(words, roots, part, rate_hz), config.labels, words, rate_hz)


def keras_answers(config: Config, network: Network, clips: Sequence[PresentedWord]) -> Confusion:
    """Return what the Keras network answers to each clip."""
    steps = average_steps(config)
    posteriors = posteriors_of(config, network, clips)
    answers = [int(clip_scores(each, config.labels, steps).argmax()) for each in posteriors]
    return Confusion.of(config.labels, [clip.label for clip in clips], answers)


def posteriors_of(
    config: Config, network: Network, clips: Sequence[PresentedWord]
) -> NDArray[np.float32]:
    """Return the posteriors of each clip, float32 [clips, steps, labels]."""
    frames = np.stack([clip_frames(config, clip.samples) for clip in clips])
    return network(frames)


def clip_frames(config: Config, samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the frames of a clip as the network is given it, float32 [frames, num_bins].

    samples: one second, int16 [sample_rate_hz].
    """
    if not isinstance(config.network, WindowNetwork):
        samples = surrounded(samples, config.front_end.sample_rate_hz)
    return frames_of(config.front_end, samples)


def average_steps(config: Config) -> int:
    """Return how many steps the average window holds."""
    return config.trigger.average_steps(config.network.stride * config.front_end.frame_seconds)
