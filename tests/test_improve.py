"""A model taught by labelled clips: what is read, where the word is, what is kept, what refused."""

import io
import json
import os
import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tone_recordings import BEEP, RATE_HZ, sound

from firmware_py.artefact import read_artefact
from firmware_py.errors import SettingsError
from firmware_py.monitor.clip_files import JournalEntry
from firmware_py.monitor.event_recorder import wav
from firmware_py.monitor.export import export
from firmware_py.monitor.journal import Journal
from firmware_py.policies.trigger import TriggerPolicy
from models.own_word.improve import labelled

keras = pytest.importorskip("keras")

from test_clips import RATE, dialogue, folders  # noqa: E402, F401
from test_training import SCHEDULE  # noqa: E402

from convert.conversion import convert  # noqa: E402
from models.__main__ import main  # noqa: E402
from models.evaluation.metrics import OperatingPoint  # noqa: E402
from models.own_word.improve import before_and_after, fine_tuning, placing, teaching  # noqa: E402
from models.own_word.improve.known_model import find_known_model  # noqa: E402
from models.own_word.improve.request import Improvement  # noqa: E402
from models.recordings.manifest import read_manifest  # noqa: E402
from models.recordings.word_place import word_bounds  # noqa: E402
from models.settings.config import TRAINED, read_config  # noqa: E402
from models.settings.recipe import Augmentation  # noqa: E402
from models.training.run import train_in  # noqa: E402
from models.training.trigger_words import TriggerWords  # noqa: E402


def entry(label: str, verdict: str, second: int) -> JournalEntry:
    timestamp = f"2026-05-01T12:00:{second:02d}.000+00:00"
    return JournalEntry("close-miss", label, label, 0.4, 0.5, timestamp, verdict)


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """The page's ZIP: nine clips of beep, of which every third is wrong, and one of another word;
    noted in another order than they were heard in."""
    journal = Journal(tmp_path / "clips", max_clips=100, max_days=30)
    for second in (5, 3, 8, 1, 0, 7, 2, 6, 4):
        verdict = "wrong" if second % 3 == 0 else "right"
        journal.add(entry("beep", verdict, second), wav(sound(3.0, (1.0,), second), RATE_HZ))
    journal.add(entry("hoot", "right", 9), wav(sound(3.0, (1.0,), 9), RATE_HZ))
    journal.add(entry("beep", "", 10), wav(sound(3.0, (1.0,), 10), RATE_HZ))
    path = tmp_path / "clips.zip"
    path.write_bytes(b"".join(export(journal.lines())))
    return path


def test_the_zip_of_the_page_is_taken_as_it_is(exported, tmp_path) -> None:
    folder = labelled.as_folder(exported, tmp_path / "unpacked")
    clips = labelled.read_labelled(folder, "beep")
    seconds = [clip.moment % 60 for clip in clips]
    assert seconds == list(range(9))
    assert [clip.right for clip in clips] == [second % 3 != 0 for second in range(9)]
    train, judge = labelled.divide(clips)
    assert [clip.moment % 60 for clip in judge] == [7, 8, 6]
    assert {clip.path for clip in train} | {clip.path for clip in judge} == {c.path for c in clips}


def test_without_a_manifest_folders_name_the_word_and_files_tell_the_time(tmp_path) -> None:
    for number, name in enumerate(("positives/b.wav", "positives/beep/a.wav", "negatives/x/c.wav")):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, sound(1.0), RATE_HZ)
        os.utime(path, (100 - number, 100 - number))
    clips = labelled.read_labelled(tmp_path, "beep")
    assert [clip.path.name for clip in clips] == ["a.wav", "b.wav"]
    with pytest.raises(SettingsError, match="no clip labelled 'hoot'; it wants positives/hoot"):
        labelled.read_labelled(tmp_path / "negatives", "hoot")


def test_few_clips_all_train(tmp_path) -> None:
    clips = [labelled.LabelledClip(tmp_path / str(n), right=True, moment=n) for n in range(2)]
    assert labelled.divide(clips) == (clips, [])


def zipped(**members: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK and nothing else", "no ZIP of clips; export it again"),
        (zipped(**{"positives/a.wav": bytes(60_000_000)}), "at most 20000 files of 50000000 bytes"),
        (zipped(**{"manifest.json": b"[[[", "positives/a.wav": b""}), "no manifest of clips"),
        (zipped(**{"manifest.json": b'{"clips": [1]}'}), "no manifest of clips"),
        (zipped(**{"photos/a.wav": b""}), "no clip labelled 'beep'"),
        (
            zipped(**{"positives/a.wav": bytes(4_000_000)}),
            "4000000 bytes packed into",
        ),
        (
            zipped(**{"manifest.json": bytes(20_000_000), "positives/a.wav": os.urandom(300_000)}),
            "larger than 10,000,000 bytes",
        ),
    ],
)
def test_what_is_no_zip_of_clips_is_refused_in_one_line(content, message, tmp_path) -> None:
    path = tmp_path / "clips.zip"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=message) as caught:
        labelled.read_labelled(labelled.as_folder(path, tmp_path / "out"), "beep")
    assert "\n" not in str(caught.value)


def test_clips_that_are_no_clips_are_left_out(tmp_path, caplog) -> None:
    """Hours of silence take a few bytes; a name may be as long as the file system allows."""
    paths = [tmp_path / f"{name}.flac" for name in ("long", "n" * 245)]
    soundfile.write(paths[0], np.zeros(700 * RATE_HZ, np.int16), RATE_HZ)
    soundfile.write(paths[1], sound(1.0, (0.5,)), RATE_HZ)
    clips = [labelled.LabelledClip(path, right=False, moment=0.0) for path in paths]
    assert placing.write_takes(clips, tmp_path / "takes", read_artefact(BEEP), cut=True) == 1
    assert "more than 600 s of sound" in caplog.text
    (written,) = (tmp_path / "takes").glob("*.flac")
    assert written.name == f"take-01-{'n' * 50}.flac"


def test_a_zip_never_writes_outside_its_folder(tmp_path) -> None:
    path = tmp_path / "clips.zip"
    names = ("positives/../../outside.wav", "../positives/b.wav", "/positives/c.wav", "run.sh")
    path.write_bytes(zipped(**dict.fromkeys(names, b"x")))
    labelled.as_folder(path, tmp_path / "in" / "here")
    found = {file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file()}
    assert found == {Path("clips.zip"), Path("in/here/positives/outside.wav")}


LATENCY_SECONDS = 0.12
"""From the end of a word to a trained model's highest posterior."""


class TestPlacing:
    """The word is the tone of `sound`, which `beep` hears; what else there is may be far louder."""

    def clip(self, word: float) -> np.ndarray:
        samples = sound(4.0, (word,), amplitude=1500).astype(float)
        times = np.arange(len(samples)) / RATE_HZ
        for start, end in ((0.2, 0.7), (3.0, 3.8)):  # somebody speaks before and after
            said = (times >= start) & (times < end)
            samples[said] += 9000 * np.sin(2 * np.pi * 300 * times[said])
        return np.rint(samples).astype(np.int16)

    @pytest.mark.parametrize("word", [1.2, 1.7, 2.3])
    def test_a_quiet_word_among_loud_talk(self, word: float) -> None:
        samples = self.clip(word)
        start, end = word_bounds(samples, RATE_HZ)
        assert not word <= start / RATE_HZ <= word + 0.4  # what is loudest is not the word
        heard = round((word + 0.4 + LATENCY_SECONDS) * RATE_HZ)
        start, end = placing.placed(samples, heard)
        assert end / RATE_HZ == pytest.approx(word + 0.4, abs=0.06)
        assert start / RATE_HZ == pytest.approx(word, abs=0.06)

    @pytest.mark.parametrize("word", [1.2, 2.3])
    def test_the_model_tells_where_it_heard_the_word(self, word: float) -> None:
        heard = placing.heard_at(read_artefact(BEEP), self.clip(word)) / RATE_HZ
        assert word < heard < word + 0.5

    def test_speech_that_follows_without_a_pause_makes_the_word_no_longer(self) -> None:
        samples = self.clip(2.6)  # until 3.0, where somebody speaks on
        _, end = placing.placed(samples, round((3.0 + LATENCY_SECONDS) * RATE_HZ))
        assert 3.0 <= end / RATE_HZ <= 3.0 + LATENCY_SECONDS

    def test_what_the_model_does_not_hear_is_placed_by_its_loudness(self) -> None:
        times = np.arange(2 * RATE_HZ) / RATE_HZ
        samples = np.rint(3000 * np.sin(2 * np.pi * 300 * times)).astype(np.int16)
        samples[: RATE_HZ // 2] = samples[RATE_HZ:] = 0
        assert placing.heard_at(read_artefact(BEEP), samples) is None
        bounds = [sample / RATE_HZ for sample in placing.placed(samples, None)]
        assert bounds == pytest.approx([0.5, 1.0], abs=0.05)

    def test_takes_are_cut_to_the_word_and_say_where_it_is(self, tmp_path, monkeypatch) -> None:
        monkeypatch.setattr(placing, "heard_at", lambda *_: round(2.22 * RATE_HZ))
        path = tmp_path / "clip.wav"
        soundfile.write(path, self.clip(1.7), RATE_HZ)
        (tmp_path / "bad.wav").write_bytes(b"")
        clips = [
            labelled.LabelledClip(tmp_path / name, True, 0.0) for name in ("clip.wav", "bad.wav")
        ]
        for cut, seconds, word in ((True, 1.0, (0.3, 0.7)), (False, 4.0, (1.7, 2.1))):
            out = tmp_path / str(cut)
            assert placing.write_takes(clips, out, read_artefact(BEEP), cut) == 1
            [(name, row)] = read_manifest(out).items()
            assert soundfile.info(out / name).duration == pytest.approx(seconds, abs=0.1)
            found = [float(row[f"word_{edge}_seconds"]) for edge in ("start", "end")]
            assert found == pytest.approx(word, abs=0.06)


@pytest.mark.parametrize(
    "model", sorted(path.parent.name for path in TRAINED.glob("*/config.toml"))
)
def test_a_shipped_model_can_be_improved_or_is_refused_in_words(model: str) -> None:
    if read_config(TRAINED / model / "config.toml").recipe.__class__.__name__ == "WordsRecipe":
        with pytest.raises(SettingsError, match="its recipe is one of command words"):
            find_known_model(model)
        return
    known = find_known_model(model)
    assert known.label == model.partition("-")[0]
    assert known.policies["default"] == known.artefact.metadata.trigger
    assert (known.verifier is not None) == (TRAINED / model / "verifier.keras").exists()
    if known.verifier:
        described = known.artefact.metadata.verifier
        assert known.verifier.looks["candidate_threshold"] == described.candidate_threshold
        assert known.verifier.looks["spacing"] == described.spacing


def test_what_is_no_model_is_named() -> None:
    with pytest.raises(SettingsError, match=r"nobody: no model; .* one of activate, .*computer"):
        find_known_model("nobody")


class FakeScore:
    """As much of a score as is compared."""

    def __init__(self, missed: set[int], false_accepts: int, kept_mistakes: int) -> None:
        self.missed, self.kept_mistakes = missed, kept_mistakes
        point = OperatingPoint(0.5, len(missed), 300, false_accepts, 1.0)
        self.own = type("Own", (), {"point": point})


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (({1, 2}, 3, 4), ({1, 3}, 5, 4), ""),
        (({1, 2}, 3, 4), (set(), 0, 0), ""),
        (({1, 2}, 3, 4), ({1, 2}, 3, 5), "makes 5 mistakes on your clips kept out, instead of 4"),
        (({1, 2}, 3, 4), ({1, 3, 4}, 3, 4), ""),  # 2 lost and 1 gained come by chance
        (({1, 2}, 3, 4), (set(range(1, 8)), 3, 0), "it loses 5 and gains 0"),
        (({1, 2}, 3, 4), ({1, 2}, 13, 0), "makes 13 false accepts instead of 3"),
    ],
)
def test_what_is_worse(before, after, reason) -> None:
    scores = FakeScore(*before), FakeScore(*after)
    reasons = "; ".join(before_and_after.reasons_against(*scores, frozenset()))
    assert reason in reasons
    assert bool(reasons) == bool(reason)


@pytest.mark.parametrize(
    ("lost", "mistakes", "reason"),
    [
        (5, 3, ""),  # one in twenty, for clips that are heard better
        (5, 4, "of the synthetic words it found it loses 5 and gains 0"),
        (6, 3, "of the synthetic words it found it loses 6 and gains 0"),
    ],
)
def test_synthetic_words_weigh_less_than_the_clips(lost: int, mistakes: int, reason: str) -> None:
    before, after = FakeScore(set(), 3, 4), FakeScore(set(range(lost)), 3, mistakes)
    found = before_and_after.reasons_against(before, after, frozenset(range(100)))
    assert found == ([reason] if reason else [])
    of_people = before_and_after.reasons_against(before, after, frozenset(range(100, 200)))
    assert of_people == [f"of the words of people it found it loses {lost} and gains 0"]


EASY = Augmentation(
    level_dbfs=(-30.0, -15.0),
    snr_db=(30.0, 40.0),
    room_share=0.0,
    equaliser_db=1.0,
    low_pass_share=0.0,
    clipping_share=0.0,
    companding_share=0.0,
    codec_share=0.0,
    feature_mask_share=0.0,
)
"""So that a tiny network learns in seconds."""


@pytest.fixture(scope="module")
def tone_model(folders, tmp_path_factory) -> Path:
    """A model, as `new` leaves it, of tones from 1500 Hz on."""
    out = tmp_path_factory.mktemp("tones")
    schedule = replace(
        SCHEDULE, steps=160, batch_size=16, learning_rate=1e-2, repeats=4, evaluation_steps=160
    )
    config = dialogue()
    network = replace(config.network, filters=16, gru_units=(16,))
    recipe = replace(config.recipe, test_folds=(1,), augmentation=EASY)
    trigger = TriggerPolicy(threshold=0.25)
    config = replace(config, schedule=schedule, network=network, recipe=recipe, trigger=trigger)
    with ThreadPoolExecutor(1) as executor:
        train_in(out, config, lambda it: TriggerWords(it, (folders,)), executor, resume=False)
    shutil.rmtree(out / "work")
    convert(out / "model.keras", out / "test.tflite", num_steps=3)
    return out


def tone(pitch_hz: float, seed: int) -> np.ndarray:
    """Return a clip of 3 s of the device: a tone that ends after 1.9 s."""
    times = np.arange(3 * RATE) / RATE
    samples = np.random.default_rng(seed).normal(0, 30, len(times))
    said = (times >= 1.3) & (times < 1.9)
    samples[said] += 5000 * np.sin(2 * np.pi * pitch_hz * times[said])
    return np.rint(samples).astype(np.int16)


@pytest.fixture(scope="module")
def tone_clips(tmp_path_factory) -> Path:
    """Clips that say: what is near 2300 Hz is the word too, what is near 1000 Hz is not."""
    root = tmp_path_factory.mktemp("clips")
    for kind, pitch_hz in (("positives", 2300), ("negatives", 1000)):
        folder = root / kind / "word"
        folder.mkdir(parents=True)
        for number in range(6):
            soundfile.write(folder / f"{number}.wav", tone(pitch_hz + 7 * number, number), RATE)
    return root


def improve(tone_model: Path, clips: Path, data: Path, out: Path, *more: str) -> int:
    arguments = (tone_model, "--clips", clips, "--data", data, "--out", out, "--workers", 1, *more)
    return main(["improve", *map(str, arguments), "--json"])


@pytest.fixture
def in_this_process(monkeypatch) -> None:
    """Make clips in a thread, and few of them."""
    schedule = replace(
        fine_tuning.IMPROVEMENT,
        steps=80,
        batch_size=8,
        learning_rate=1e-2,
        warm_up_steps=2,
        evaluation_steps=80,
        development_clips=16,
        average_momentum=0.8,
        checkpoint_steps=10,
    )
    monkeypatch.setattr(fine_tuning, "IMPROVEMENT", schedule)
    monkeypatch.setattr("models.commands.executors.open_pool", lambda *_: ThreadPoolExecutor(1))


def statistics(folder: Path) -> list[np.ndarray]:
    """Return the means and variances of a network's normalisations."""
    layers = keras.models.load_model(folder / "model.keras").layers
    norms = [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]
    return [values for layer in norms for values in layer.get_weights()[2:]]


@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("in_this_process")
def test_the_whole_way_stopped_and_gone_on(
    tone_model, tone_clips, folders, tmp_path, monkeypatch, capsys
) -> None:
    out = tmp_path / "better"
    whole = teaching.convert

    def stopped(*_arguments, **_options):
        raise SettingsError("the power went")

    monkeypatch.setattr(teaching, "convert", stopped)
    assert improve(tone_model, tone_clips, folders, out) == 2
    assert not (out / "model.keras").exists()
    monkeypatch.setattr(teaching, "convert", whole)
    checkpoint = out / "work" / "tuned" / "work" / "checkpoint.npz"
    trained = checkpoint.stat().st_mtime_ns
    capsys.readouterr()
    assert improve(tone_model, tone_clips, folders, out) == 0
    assert checkpoint.stat().st_mtime_ns == trained  # what was learnt is not learnt again
    printed = capsys.readouterr().out
    result = json.loads(printed)
    assert result["clips"] == {"train_right": 4, "train_wrong": 4, "kept_right": 2, "kept_wrong": 2}
    before, after = result["before"], result["after"]
    assert before["kept_missed"] + before["kept_fired"] > 0
    assert after["kept_missed"] + after["kept_fired"] < before["kept_missed"] + before["kept_fired"]
    metadata = read_artefact(out / "test.tflite").metadata
    old = read_artefact(tone_model / "test.tflite").metadata
    assert metadata.trigger.threshold == after["threshold"]
    assert replace(metadata.trigger, threshold=0.5) == replace(old.trigger, threshold=0.5)
    assert metadata.front_end == old.front_end  # with its normalisation
    assert metadata.network.steps_per_call == 3
    assert metadata.sha256 != old.sha256
    assert read_config(out / "config.toml") == read_config(tone_model / "config.toml")
    for ours, theirs in zip(statistics(out), statistics(tone_model), strict=True):
        assert np.array_equal(ours, theirs)
    assert improve(tone_model, tone_clips, folders, out) == 0
    assert capsys.readouterr().out == printed
    assert find_known_model(str(out)).config.name == "test"  # it can be improved again


@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("in_this_process")
def test_a_worse_model_is_not_written(
    tone_model, tone_clips, folders, tmp_path, monkeypatch, capsys
) -> None:
    schedule = replace(fine_tuning.IMPROVEMENT, steps=2, evaluation_steps=2)
    monkeypatch.setattr(fine_tuning, "IMPROVEMENT", schedule)
    monkeypatch.setattr(before_and_after, "reasons_against", lambda *_: ["it is worse"])
    out = tmp_path / "worse"
    assert improve(tone_model, tone_clips, folders, out) == 1
    result = json.loads(capsys.readouterr().out)
    assert result["reasons_against"] == ["it is worse"]
    assert result["model"] == str(tone_model / "test.tflite")
    assert [path.name for path in out.iterdir()] == ["work"]


def test_recordings_that_are_not_there_are_named(
    tone_model, tone_clips, folders, tmp_path, caplog
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    improvement = Improvement(
        find_known_model(str(tone_model)), tone_clips, (data,), tmp_path / "out"
    )
    with pytest.raises(
        SettingsError, match=r"none without the word is at hand, .* hold others with"
    ):
        fine_tuning.improved_config(improvement)
    (data / "others").symlink_to(folders / "others")
    caplog.clear()
    config = fine_tuning.improved_config(improvement)
    assert "3 sources 1 are at hand and mixed in; not found: words, noise" in caplog.text
    assert [source.path for source in config.recipe.sources] == ["others"]
