"""The shipped models of command words, on both interpreters and on real people."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from made_words import tone_word
from numpy.typing import NDArray

from convert.replay import replay
from firmware_py.artefact import read_artefact
from firmware_py.detector import Detector
from firmware_py.interpreter import installed_runtimes
from firmware_py.policies.candidates import LookPolicy
from firmware_py.policies.command_words import CommandPolicy
from models.settings.config import CONFIGS, read_config
from models.words.division import read_parts

TRAINED = Path(__file__).parents[1] / "models" / "trained"
SHARED = Path(__file__).parents[1] / "../shared/data/speech_commands"
NAMES = ("commands", "commands-cnn")


@pytest.mark.parametrize("name", NAMES)
def test_artefact_is_what_its_configuration_says(name: str) -> None:
    metadata = read_artefact(TRAINED / name / f"{name}.tflite").metadata
    config = read_config(TRAINED / name / "config.toml")
    assert metadata.labels == config.labels == read_config(CONFIGS / f"{name}.toml").labels
    assert metadata.front_end == config.front_end
    assert metadata.trigger == config.trigger
    assert isinstance(metadata.trigger, CommandPolicy)
    assert not {"silence", "unknown"} & set(metadata.words)
    assert bool(metadata.verifier) == (name == "commands")
    if metadata.verifier:
        looks = {each.name: getattr(metadata.verifier, each.name) for each in fields(LookPolicy)}
        assert LookPolicy(**looks) == config.verifier


@pytest.mark.parametrize("runtime", installed_runtimes())
@pytest.mark.parametrize("name", NAMES)
def test_posteriors_are_shares(name: str, runtime: str) -> None:
    samples = np.concatenate([tone_word(600.0, seed) for seed in range(3)])
    posteriors = replay(TRAINED / name / f"{name}.tflite", samples, runtime)
    assert len(posteriors) > 10
    assert np.abs(posteriors.sum(axis=1) - 1.0).max() < 1e-4


def people() -> tuple[list[NDArray[np.int16]], list[str]]:
    """Return clips of 1.5 s by test speakers, and their words."""
    if not SHARED.exists():
        pytest.skip("needs ../shared/data/speech_commands")
    import soundfile

    words = read_config(CONFIGS / "commands.toml").words_recipe
    parts = read_parts(SHARED, words.division)
    clips, said = [], []
    for word in ("yes", "stop", "up"):
        files = [
            f
            for f in sorted((SHARED / word).iterdir())
            if parts.part_of(f"{word}/{f.name}") == "testing"
        ]
        for file in files[:6]:
            samples = soundfile.read(file, dtype="int16")[0]
            clips.append(np.pad(samples, (0, 24000 - len(samples))))
            said.append(word)
    return clips, said


@pytest.mark.parametrize("runtime", installed_runtimes())
def test_words_of_people_who_did_not_train(runtime: str) -> None:
    """A stream of test speakers' clips of three words: most are the likeliest word at their end."""
    clips, said = people()
    artefact = TRAINED / "commands" / "commands.tflite"
    metadata = read_artefact(artefact).metadata
    posteriors = replay(artefact, np.concatenate(clips), runtime)
    steps = 1.5 / metadata.step_seconds
    answers = [
        metadata.labels[
            int(posteriors[round(steps * number) : round(steps * (number + 1)), 2:].max(0).argmax())
            + 2
        ]
        for number in range(len(clips))
    ]
    assert np.mean(np.array(answers) == said) >= 0.8


def test_what_people_say_is_detected_once_whatever_the_chunks() -> None:
    """By the policy, of the scores that both stages make; the same for every chunking."""
    clips, said = people()
    stream = np.concatenate(clips)
    with Detector.open(TRAINED / "commands" / "commands.tflite") as detector:
        found = detector.process(stream) + detector.flush()
        detector.reset()
        parts = [detector.process(part) for part in np.array_split(stream, 997)]
        assert [each for part in parts for each in part] + detector.flush() == found
    heard = {int(each.time_seconds / 1.5): each.label for each in found}
    assert sum(heard.get(number) == word for number, word in enumerate(said)) >= 0.8 * len(said)
    assert len(found) <= len(said) + 1
