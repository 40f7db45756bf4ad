"""Long streams with many words: made, read back, and held against detections."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_words import LABELS, RATE, make_data_set

from firmware_py.artefact import Metadata, StateTensor, StepNetwork, StepTensors
from firmware_py.detector import Detection
from firmware_py.errors import SettingsError
from firmware_py.front_end import FrontEnd
from firmware_py.policies.command_words import CommandPolicy
from models.settings.words import WordsRecipe
from models.words.corpus import Corpus, load_corpus
from models.words.streams.hearing import RecordingScores, tally
from models.words.streams.plan import SpokenWord, StreamPlan, make_stream, read_truth, write_truth
from models.words.streams.tuning import Wish, curve, tune


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("data")
    make_data_set(folder)
    return load_corpus(WordsRecipe(), (folder,), "training", RATE)


def test_words_are_where_the_text_says(corpus: Corpus) -> None:
    plan = StreamPlan(minutes=1.5, unknown_percent=25.0, background_volume=0.0)
    samples, spoken = make_stream(corpus, LABELS, plan, RATE)
    assert len(samples) == 90 * RATE
    assert 20 <= len(spoken) <= 40
    assert {each.word for each in spoken} == {"yes", "no", "_unknown_"}
    for each in spoken:
        start = round(each.time_ms * RATE / 1000)
        tone = samples[start : start + RATE // 2].astype(np.float64)
        power = np.abs(np.fft.rfft(tone)) ** 2
        pitch_hz = float(np.argmax(power)) * 2.0
        expected = {"yes": (480, 520), "no": (865, 935), "_unknown_": (1500, 2200)}[each.word]
        assert expected[0] <= pitch_hz <= expected[1]


def test_same_seed_is_the_same_stream(corpus: Corpus) -> None:
    plan = StreamPlan(minutes=0.5)
    first, again = (make_stream(corpus, LABELS, plan, RATE) for _ in range(2))
    assert np.array_equal(first[0], again[0])
    assert first[1] == again[1]
    other, _ = make_stream(corpus, LABELS, replace(plan, seed=2), RATE)
    assert not np.array_equal(first[0], other)


def test_each_recording_once(corpus: Corpus) -> None:
    plan = StreamPlan(each_once=True, every_seconds=1.0, background_volume=0.0)
    samples, spoken = make_stream(corpus, LABELS, plan, RATE)
    assert len(spoken) == len(corpus.said)
    said = [each.word if each.word in LABELS else "_unknown_" for each in corpus.said]
    assert sorted(each.word for each in spoken) == sorted(said)
    whole = sum(np.square(each.take.samples.astype(float)).sum() for each in corpus.said)
    assert np.square(samples.astype(float)).sum() == pytest.approx(whole)


def test_truth_is_read_as_written(tmp_path: Path) -> None:
    spoken = [SpokenWord("yes", 1200.5), SpokenWord("no", 4000.0)]
    write_truth(tmp_path / "s.txt", spoken)
    assert read_truth(tmp_path / "s.txt") == spoken
    (tmp_path / "t.txt").write_text("no, 4000\n\nyes,1200.5\n")
    assert read_truth(tmp_path / "t.txt") == spoken
    (tmp_path / "u.txt").write_text("yes, 100\nno\n")
    with pytest.raises(SettingsError, match=r"u\.txt:2: 'no' is not `word, milliseconds`"):
        read_truth(tmp_path / "u.txt")
    with pytest.raises(SettingsError, match="cannot read what was said"):
        read_truth(tmp_path / "none.txt")


def test_tally_counts_matched_wrong_and_false() -> None:
    spoken = [
        SpokenWord("yes", 1000.0),
        SpokenWord("no", 4000.0),
        SpokenWord("yes", 7000.0),
        SpokenWord("_unknown_", 10000.0),
        SpokenWord("no", 13000.0),
    ]
    detections = [
        Detection("yes", 1.7, 0.9),  # right
        Detection("yes", 2.2, 0.9),  # again: false
        Detection("yes", 4.6, 0.9),  # wrong
        Detection("no", 10.5, 0.9),  # at an unknown word: false
        Detection("no", 14.6, 0.9),  # too late: false
    ]
    found = tally(detections, spoken, LABELS, 0.25)
    assert (found.words, found.matched, found.wrong, found.false_positives) == (4, 1, 1, 3)
    assert found.false_positives_per_minute == 12.0
    late = tally(detections, spoken, LABELS, 0.25, tolerance_ms=1700.0)
    assert (late.matched, late.false_positives) == (2, 2)
    assert "matched 25.0 % (0.6-80.6)" in found.text()
    assert found.mapping()["matched_ci95"] == [0.0063, 0.8059]


def test_a_model_that_lacks_a_label_has_false_positives_there() -> None:
    detections = [Detection("yes", 4.6, 0.9)]
    found = tally(detections, [SpokenWord("no", 4000.0)], ("yes",), 1.0)
    assert (found.words, found.wrong, found.false_positives) == (0, 0, 1)


def heard_of(spoken: list[SpokenWord], minutes: float) -> RecordingScores:
    """Posteriors that answer most words, some weakly, and a little noise."""
    rng = np.random.default_rng(1)
    front_end = FrontEnd(sample_rate_hz=RATE, window_length=400, hop_length=160)
    history = StateTensor("history", "next_history", (1, 4, 201))
    network = StepNetwork(4, 8, 2, StepTensors("frames", "posteriors", history))
    metadata = Metadata(1, "made", "float32", LABELS, front_end, network, CommandPolicy(), "")
    steps = round(minutes * 60 / metadata.step_seconds)
    posteriors = np.tile(np.array([0.9, 0.06, 0.02, 0.02]), (steps, 1))
    for each in spoken:
        first = round((each.time_ms / 1000 + 0.6) / metadata.step_seconds)
        label = LABELS.index(each.word)
        sure = rng.uniform(0.4, 1.0)
        posteriors[first : first + 6] = (1 - sure) / 3
        posteriors[first : first + 6, label] = sure
    for first in rng.integers(0, steps - 4, 30):  # short, so that averaging tells them apart
        posteriors[first : first + 2] = (0.1, 0.0, 0.9, 0.0)
    return RecordingScores(metadata, posteriors.astype(np.float32), minutes)


def test_tuner_keeps_its_wish_and_beats_the_default() -> None:
    spoken = [SpokenWord(("yes", "no")[number % 2], 1000.0 + 3000 * number) for number in range(60)]
    heard = heard_of(spoken, 3.1)
    default = tally(heard.detections(CommandPolicy(0.5, 0.0)), spoken, LABELS, heard.minutes)
    tuned = tune(heard, spoken, Wish(0.02, 0.7))
    assert tuned.tally == tally(heard.detections(tuned.policy), spoken, LABELS, heard.minutes)
    assert tuned.tally.wrong_share <= 0.02
    assert tuned.tally.false_positives_per_minute <= 0.7 < default.false_positives_per_minute
    assert tuned.tally.matched > 50


def test_curve_falls_with_the_threshold() -> None:
    spoken = [SpokenWord("yes", 1000.0 + 3000 * number) for number in range(40)]
    heard = heard_of(spoken, 2.1)
    points = curve(heard, spoken, CommandPolicy(average_window_ms=160.0))
    false = [point.false_positives for _, point in points]
    assert false[0] >= false[-1] == 0
    assert points[3][1].matched >= points[-1][1].matched
    threshold, point = points[9]
    policy = CommandPolicy(threshold, average_window_ms=160.0)
    assert point == tally(heard.detections(policy), spoken, LABELS, heard.minutes)
