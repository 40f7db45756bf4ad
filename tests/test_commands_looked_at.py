"""What a second stage of command words learns from: clips with several words and running speech."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile
import tomli_w
from made_words import FRONT_END, LABELS, NETWORK, RATE, made_config, make_data_set, tone_word

from firmware_py.errors import SettingsError
from firmware_py.schema import to_mapping
from models.clips.positive import Positive
from models.commands.verifier import _clips
from models.settings.config import CONFIGS, Config, read_config
from models.settings.words import Extra, WordsRecipe
from models.training.architecture import offline_model
from models.training.verifier import train_verifier
from models.training.verifier_windows import FRAMES, windows_of
from models.words.corpus import STRETCH_SECONDS, load_corpus
from models.words.looked_at import CommandWordClips


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    make_data_set(folder)
    (folder / "talk").mkdir()
    talk = np.concatenate([tone_word(1300.0, seed) for seed in range(8)])
    soundfile.write(folder / "talk" / "long.wav", talk, RATE)
    return folder


def spoken(**changes: object) -> Config:
    """Return the configuration of the data set, its clips long enough for several looks."""
    config = made_config()
    layout = replace(config.words_recipe.layout, clip_seconds=4.0, quiet_share=1.0)
    recipe = replace(config.words_recipe, layout=layout, **changes)  # type: ignore[arg-type]
    return replace(config, recipe=recipe)


def test_running_speech_is_as_many_takes_as_it_has_stretches(root: Path) -> None:
    recipe = WordsRecipe(extras=(Extra("talk", "_unknown_", 0.5),))
    said = load_corpus(recipe, (root,), "training", RATE).said
    talk = [each.take for each in said if each.word == "_unknown_"]
    assert len(talk) == 3
    assert sum(len(take.samples) for take in talk) == 8 * RATE
    assert max(len(take.samples) for take in talk) <= STRETCH_SECONDS * RATE
    whole, _ = soundfile.read(root / "talk" / "long.wav", dtype="int16")
    np.testing.assert_array_equal(np.concatenate([take.samples for take in talk]), whole)


def test_words_end_where_their_tone_does(root: Path) -> None:
    """The other words and silence are no places where a look must say yes."""
    clips = CommandWordClips(spoken(), (root,), seed=3)
    made = clips.clips(range(12))
    again = CommandWordClips(spoken(), (root,), seed=3).clips([5])[0]
    np.testing.assert_array_equal(again.samples, made[5].samples)
    words = [(clip, word) for clip in made for word in clip.words]
    assert len(words) > 15
    assert {word.label for _, word in words} == {LABELS.index("yes"), LABELS.index("no")}
    pitches = {LABELS.index("yes"): 500.0, LABELS.index("no"): 900.0}
    for clip, word in words:
        assert isinstance(word, Positive)
        end = round(word.end_ms * RATE / 1000)
        heard = clip.samples[max(0, end - RATE // 4) : end].astype(float)
        if word.cut or len(heard) < RATE // 8:
            continue
        power = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
        pitch_hz = power.argmax() * RATE / len(heard)
        assert 0.8 < pitch_hz / pitches[word.label] < 1.25  # at another speed, in the whole
        windows = windows_of(
            clips.config, clip, np.zeros_like(clip.targets), np.random.RandomState(1)
        )
        assert not windows.targets[:, :2].any()


def test_one_is_trained_for_each_kind_of_recipe(root: Path, tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    offline_model(NETWORK, FRONT_END.num_bins, len(LABELS)).save(tmp_path / "model.keras")
    config = spoken()
    (tmp_path / "config.toml").write_text(tomli_w.dumps(to_mapping(config)))
    clips = _clips(config, (root,), 1)
    assert isinstance(clips, CommandWordClips)
    out = tmp_path / "verifier.keras"
    with ThreadPoolExecutor(1) as executor:
        train_verifier(clips, tmp_path / "model.keras", out, executor, count=8, epochs=1, seed=1)
    model = keras.models.load_model(out, compile=False)
    assert model.input_shape == (None, FRAMES, FRONT_END.num_bins)
    said = model.predict(np.zeros((2, FRAMES, FRONT_END.num_bins), np.float32), verbose=0)
    np.testing.assert_allclose(said.sum(axis=1), 1.0, atol=1e-5)  # as the network before it


def test_a_window_network_has_no_second_stage(root: Path) -> None:
    config = read_config(CONFIGS / "commands-cnn.toml")
    with pytest.raises(SettingsError, match="looks at whole windows; name one that streams"):
        _clips(config, (root,), 1)
