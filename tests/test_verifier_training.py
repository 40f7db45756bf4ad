"""What a second stage learns from: places after words, and where the first stage is in doubt."""

import numpy as np
import pytest

from firmware_py.front_end import FrontEnd
from models.clips.maker import TrainingClip
from models.clips.positive import Positive, first_step
from models.settings.config import Config
from models.settings.network import Network
from models.training import verifier_windows
from models.training.verifier import LOSSES, build_head, build_small, merged
from models.training.verifier_windows import FRAMES, Windows, exclusive, windows_of

NUM_FRAMES, BINS = 398, 8


@pytest.fixture
def config() -> Config:
    front_end = FrontEnd(
        sample_rate_hz=16000, window_length=400, hop_length=160, fft_length=512, num_mel_bins=BINS
    )
    network = Network(filters=4, kernel_size=11, stride=4, gru_units=(4,))
    return Config("pair", ("one", "two"), front_end, network)


def clip_with(*words: Positive) -> TrainingClip:
    """Return a clip whose frame i says i in all bins."""
    frames = np.repeat(np.arange(NUM_FRAMES, dtype=np.float32)[:, None], BINS, axis=1)
    steps = (NUM_FRAMES - 11) // 4 + 1
    nothing = np.zeros((steps, 2), np.float32)
    return TrainingClip(
        np.zeros(64000, np.int16), words, frames, nothing, np.ones(steps, np.float32)
    )


def test_looks_after_a_word_must_say_yes(config: Config) -> None:
    word = Positive(label=1, end_ms=2500.0)
    clip = clip_with(word)
    silent = np.zeros((len(clip.weights), 2), np.float32)
    windows = windows_of(config, clip, silent, np.random.RandomState(4))
    positive = windows.targets[:, 1] == 1
    assert positive.sum() == verifier_windows.POSITIVES_PER_WORD
    assert not windows.targets[:, 0].any()
    last = windows.frames[positive, -1, 0]
    first = 11 + 4 * first_step(config, word) - 1
    assert ((last >= first) & (last < first + 4 * verifier_windows.LOOKS_AFTER_WORD)).all()
    assert windows.frames.shape[1:] == (FRAMES, BINS)


def test_places_that_the_first_stage_takes_for_a_word_weigh_most(config: Config) -> None:
    clip = clip_with()
    said = np.zeros((len(clip.weights), 2), np.float32)
    said[60:64, 0] = 0.5
    windows = windows_of(config, clip, said, np.random.RandomState(1))
    taken = windows.weights[:, 0] == verifier_windows.TAKEN_WEIGHT
    assert taken.sum() == verifier_windows.NEGATIVES_PER_CLIP
    assert not windows.targets.any()
    assert set(windows.weights[:, 1]) == {np.float32(verifier_windows.SURE_WEIGHT)}
    assert (windows.frames[taken, -1, 0] >= 11 + 4 * 60 - 1).all()


def test_nothing_is_learnt_of_a_word_just_before_its_end(config: Config) -> None:
    word = Positive(label=0, end_ms=2500.0)
    clip = clip_with(word)
    said = np.full((len(clip.weights), 2), 0.9, np.float32)
    windows = windows_of(config, clip, said, np.random.RandomState(2))
    ends = (windows.frames[:, -1, 0].astype(int) + 1 - 11) // 4 - first_step(config, word)
    before, after = verifier_windows.UNDECIDED
    near = (ends >= -before) & (ends < after)
    assert (windows.targets[near, 0] == 1).all()  # the only places near it are looks of its own


def test_a_window_never_begins_before_its_clip(config: Config) -> None:
    clip = clip_with(Positive(label=0, end_ms=700.0))
    said = np.full((len(clip.weights), 2), 0.9, np.float32)
    windows = windows_of(config, clip, said, np.random.RandomState(3))
    assert (windows.frames[:, 0, 0] >= 0).all()
    assert (np.diff(windows.frames[:, :, 0], axis=1) == 1).all()


def test_the_network_maps_one_look_to_one_posterior_a_label() -> None:
    model = build_small(40, 3)
    assert model.input_shape == (None, FRAMES, 40)
    said = model.predict(np.zeros((2, FRAMES, 40), np.float32), verbose=0)
    assert said.shape == (2, 3)
    assert ((said > 0) & (said < 1)).all()


def test_merged_heads_say_the_mean_of_their_log_odds() -> None:
    heads = [build_head(12, 2, 5) for _ in range(3)]
    features = np.random.default_rng(4).normal(0, 1, (7, 12)).astype(np.float32)
    log_odds = [np.log(p / (1 - p)) for p in (head.predict(features, verbose=0) for head in heads)]
    said = merged(heads).predict(features, verbose=0)
    np.testing.assert_allclose(np.log(said / (1 - said)), np.mean(log_odds, axis=0), atol=1e-4)


def test_merged_heads_of_exclusive_labels_say_shares_of_one() -> None:
    heads = [build_head(12, 3, 5, "softmax") for _ in range(3)]
    features = np.random.default_rng(4).normal(0, 1, (7, 12)).astype(np.float32)
    logits = np.mean([np.log(head.predict(features, verbose=0)) for head in heads], axis=0)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(merged(heads).predict(features, verbose=0), shares, atol=1e-5)


def test_silence_is_right_where_no_word_has_ended() -> None:
    frames = np.zeros((2, FRAMES, BINS), np.float16)
    targets = np.array([[0, 0, 1], [0, 0, 0]], np.float32)
    weights = np.array([[0.2, 0.2, 1.0], [0.2, 3.0, 1.0]], np.float32)
    found = exclusive(Windows(frames, targets, weights), silence=0)
    assert found.targets.tolist() == [[0, 0, 1], [1, 0, 0]]
    wanted = np.stack([found.targets, found.weights], axis=2)
    said = np.array([[0.25, 0.25, 0.5], [0.1, 0.4, 0.5]], np.float32)
    loss = np.array(LOSSES["softmax"](wanted, said))
    np.testing.assert_allclose(loss, [-np.log(0.5), -3.0 * np.log(0.1)], rtol=1e-5)
