"""The shipped models of command words, on both interpreters and on real people."""

from pathlib import Path

import numpy as np
import pytest
from made_words import tone_word

from convert.replay import replay
from firmware_py.artefact import read_artefact
from firmware_py.interpreter import installed_runtimes
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


@pytest.mark.parametrize("runtime", installed_runtimes())
@pytest.mark.parametrize("name", NAMES)
def test_posteriors_are_shares(name: str, runtime: str) -> None:
    samples = np.concatenate([tone_word(600.0, seed) for seed in range(3)])
    posteriors = replay(TRAINED / name / f"{name}.tflite", samples, runtime)
    assert len(posteriors) > 10
    assert np.abs(posteriors.sum(axis=1) - 1.0).max() < 1e-4


@pytest.mark.parametrize("runtime", installed_runtimes())
def test_words_of_people_who_did_not_train(runtime: str) -> None:
    """A stream of test speakers' clips of three words: most are the likeliest word at their end."""
    if not SHARED.exists():
        pytest.skip("needs ../shared/data/speech_commands")
    import soundfile

    words = read_config(CONFIGS / "commands.toml").words_recipe
    parts = read_parts(SHARED, words.division)
    metadata = read_artefact(TRAINED / "commands" / "commands.tflite").metadata
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
            said.append(metadata.labels.index(word))
    artefact = TRAINED / "commands" / "commands.tflite"
    posteriors = replay(artefact, np.concatenate(clips), runtime)
    steps = 1.5 / metadata.step_seconds
    answers = [
        int(posteriors[round(steps * number) : round(steps * (number + 1)), 2:].max(0).argmax()) + 2
        for number in range(len(clips))
    ]
    assert np.mean(np.array(answers) == said) >= 0.8
