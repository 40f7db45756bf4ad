"""The data set of command words: who is where, what examples hold."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_words import LABELS, NETWORK, RATE, made_config, make_data_set, tone_word

from firmware_py.errors import SettingsError
from models.clips.maker import ClipMaker
from models.recordings.word_place import word_bounds
from models.settings.config import CONFIGS, Config, read_config
from models.settings.network import WindowNetwork
from models.settings.words import Division, Share, WordsRecipe
from models.words.corpus import BACKGROUND_PARTS, load_corpus
from models.words.division import part_by_rule, read_parts
from models.words.examples import ExampleJob, example_maker
from models.words.presented import clip_scores, presented_clips
from models.words.window_layout import one_second, randomly_shifted

SHARED = Path(__file__).parents[1] / "../shared/data/speech_commands"
NAMES = [f"{number:08x}_nohash_0.wav" for number in range(400)]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    make_data_set(folder)
    return folder


def test_rule_puts_the_percentages_aside() -> None:
    parts = [part_by_rule(name.partition("_")[0], 10.0, 20.0) for name in NAMES]
    assert 20 < parts.count("validation") < 65
    assert 50 < parts.count("testing") < 115
    more = [part_by_rule(name.partition("_")[0], 20.0, 20.0) for name in NAMES]
    kept = [new for old, new in zip(parts, more, strict=True) if old == "validation"]
    assert set(kept) == {"validation"}


def test_rule_is_the_official_one() -> None:
    if not SHARED.exists():
        pytest.skip("needs ../shared/data/speech_commands")
    with (SHARED / "split.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 4000
    for row in rows:
        expected = row["official_split"].partition("-")[0]
        assert part_by_rule(row["speaker"], 10.0, 10.0) == expected


@pytest.mark.parametrize("name", ["commands", "commands-cnn"])
def test_no_speaker_is_in_two_parts(name: str) -> None:
    if not SHARED.exists():
        pytest.skip("needs ../shared/data/speech_commands")
    recipe = read_config(CONFIGS / f"{name}.toml").words_recipe
    parts = read_parts(SHARED, recipe.division)
    speakers: dict[str, set[str]] = {"training": set(), "validation": set(), "testing": set()}
    for file in SHARED.glob("*/*_nohash_*"):
        part = parts.part_of(f"{file.parent.name}/{file.name}")
        speakers[part].add(file.name.partition("_")[0])
    assert all(len(found) > 100 for found in speakers.values())
    assert not speakers["training"] & (speakers["validation"] | speakers["testing"])
    assert not speakers["validation"] & speakers["testing"]


def test_list_overrides_the_rule(tmp_path: Path) -> None:
    lines = ["file,official_split", "yes/a_nohash_0.wav,testing", "yes/b_nohash_0.wav,kept"]
    (tmp_path / "split.csv").write_text("\n".join(lines))
    parts = read_parts(tmp_path, Division(0.0, 0.0, "split.csv"))
    assert parts.part_of("yes/a_nohash_0.wav") == "testing"
    assert parts.part_of("yes/c_nohash_0.wav") == "training"
    with pytest.raises(SettingsError, match="split 'kept' of 'yes/b_nohash_0"):
        parts.part_of("yes/b_nohash_0.wav")
    shared = Division(0.0, 0.0, "split.csv", (Share("kept", 100.0, 0.0),))
    assert read_parts(tmp_path, shared).part_of("yes/b_nohash_0.wav") == "validation"
    (tmp_path / "split.csv").write_text("name\nx")
    with pytest.raises(SettingsError, match="needs the columns file and"):
        read_parts(tmp_path, shared)
    with pytest.raises(SettingsError, match=r"none\.csv.*No such file"):
        read_parts(tmp_path, Division(list="none.csv"))


def test_corpus_divides_words_and_noise(root: Path) -> None:
    recipe = WordsRecipe()
    parts = [load_corpus(recipe, (root,), part, RATE) for part in BACKGROUND_PARTS]
    files = [{said.take.file for said in corpus.said} for corpus in parts]
    assert sum(map(len, files)) == 120
    assert len(set.union(*files)) == 120
    assert sum(len(corpus.backgrounds[0]) for corpus in parts) == 30 * RATE
    training = parts[0]
    assert {said.word for said in training.of("unknown", LABELS)} == {"bed", "cat"}
    assert {said.word for said in training.of("yes", LABELS)} == {"yes"}


def test_bounds_hold_the_word() -> None:
    samples = np.random.default_rng(0).normal(0.0, 30.0, RATE)
    samples[5000:9000] += 6000 * np.sin(np.arange(4000) / 5.0)
    start, end = word_bounds(samples.astype(np.int16), RATE)
    assert abs(start - 5000) < 400
    assert abs(end - 9000) < 400


def test_gap_within_a_word_is_kept_and_a_click_is_not() -> None:
    samples = np.random.default_rng(0).normal(0.0, 30.0, RATE)
    samples[200:400] += 3000 * np.sin(np.arange(200) / 3.0)  # a click, far before
    for first in (6000, 8500):
        samples[first : first + 1500] += 6000 * np.sin(np.arange(1500) / 5.0)
    start, end = word_bounds(samples.astype(np.int16), RATE)
    assert abs(start - 6000) < 400
    assert abs(end - 10000) < 400


def maker(root: Path, config: Config) -> ClipMaker:
    return example_maker(config, (root,), "training")


def test_streams_teach_the_word_after_its_end(root: Path) -> None:
    made = maker(root, made_config())
    seen = set()
    for seed in range(30):
        rng = np.random.RandomState(seed)
        samples, placed = made.layout.compose(rng)
        assert len(samples) == 2 * RATE
        clip = made.make(0, seed)
        frames, targets, weights = clip.frames, clip.targets, clip.weights
        assert targets.shape == (NETWORK.num_steps(len(frames)), 4)
        assert np.array_equal(targets.sum(axis=1), np.ones(len(targets)))
        assert weights.shape == (len(targets),)
        seen |= {word.label for word in placed}
    assert seen == {1, 2, 3}


def test_labelled_steps_have_heard_the_word(root: Path) -> None:
    config = made_config()
    made = maker(root, config)
    front_end, network = config.front_end, config.network
    for index in range(40):
        clip = made.make(0, index)
        placed, targets, weights = clip.words, clip.targets, clip.weights
        counted = weights > 0
        for step in np.flatnonzero((targets[:, 2:].max(axis=1) > 0) & counted):
            last = step * network.stride + network.kernel_size - 1
            heard = front_end.frame_end_sample(last)
            label = int(targets[step].argmax())
            late = [heard - word.end for word in placed if word.label == label]
            assert any(0 <= each <= 0.33 * RATE for each in late)


def test_same_index_is_the_same_batch(root: Path) -> None:
    job = ExampleJob(made_config(), (root,), "training", 3, 4)
    first, again, other = job.batch(5), job.batch(5), job.batch(6)
    assert np.array_equal(first.frames, again.frames)
    assert not np.array_equal(first.frames, other.frames)


def test_shift_moves_and_fills_with_zeros() -> None:
    clip = tone_word(500.0, 1)
    assert np.array_equal(one_second(clip, RATE), clip)
    moved = one_second(clip, RATE, 800)
    assert np.array_equal(moved[800:], clip[:-800])
    assert not moved[:800].any()
    assert np.array_equal(one_second(clip[100:-100], RATE)[100:-100], clip[100:-100])
    assert not one_second(clip[: RATE // 2], RATE, RATE).any()  # moved out of it wholly
    rng = np.random.RandomState(0)
    assert len({randomly_shifted(rng, clip, RATE, 100.0).tobytes() for _ in range(5)}) == 5


def test_windows_without_a_whole_word_make_all_labels_as_likely(root: Path) -> None:
    config = made_config()
    words = replace(config.words_recipe, nothing_share=0.5)
    window = WindowNetwork(window_frames=98, stride=10, image_size=16, filters=(4,))
    made = maker(root, replace(config, labels=("yes", "no"), network=window, recipe=words))
    targets = np.stack([made.make(0, index).targets[0] for index in range(200)])
    assert {tuple(target) for target in targets.tolist()} == {(1.0, 0.0), (0.0, 1.0), (0.5, 0.5)}
    assert 70 < np.count_nonzero(targets[:, 0] == 0.5) < 130


def test_presented_clips_have_the_percentages(root: Path) -> None:
    recipe = WordsRecipe(unknown_percent=20.0, silence_percent=30.0)
    corpus = load_corpus(recipe, (root,), "training", RATE)
    clips = presented_clips(corpus, LABELS, recipe, RATE)
    counts = np.bincount([clip.label for clip in clips], minlength=4)
    words = counts[2] + counts[3]
    assert counts[1] == -(-words * 20 // 100)
    assert counts[0] == -(-words * 30 // 100)
    again = presented_clips(corpus, LABELS, recipe, RATE)
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(clips, again, strict=True))
    only = presented_clips(corpus, ("yes", "no"), recipe, RATE)
    assert {clip.label for clip in only} == {0, 1}


def test_clip_is_silence_only_when_nothing_was_heard() -> None:
    quiet = np.tile(np.array([0.9, 0.05, 0.03, 0.02], np.float32), (20, 1))
    assert clip_scores(quiet, LABELS, 4).argmax() == 0
    said = quiet.copy()
    said[10:16] = (0.1, 0.1, 0.75, 0.05)
    assert clip_scores(said, LABELS, 4).argmax() == 2
    assert np.array_equal(clip_scores(said[10:11], LABELS, 4), said[10].astype(np.float64))
