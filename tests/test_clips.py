"""Training clips from small made folders: labels, levels, order, and bad recordings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from firmware_py.errors import AudioError, SettingsError
from firmware_py.front_end import FrontEnd
from models.clips.batches import TriggerWordClips, clip_maker
from models.recordings.sources import load_bank
from models.settings.config import REFERENCE_CONFIG, Config, read_config
from models.settings.network import Network
from models.settings.recipe import Augmentation, Dialogue, Recipe, Source

RATE = 16000
FRONT_END = FrontEnd(RATE, 400, 160, 512, full_scale=32768.0, num_mel_bins=20, log_epsilon=1e-6)
SOURCES = (
    Source("positive", "words"),
    Source("negative", "others"),
    Source("background", "noise"),
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Tones as words, lower tones as others, noise: ten or more of each."""
    root = tmp_path_factory.mktemp("folders")
    rng = np.random.default_rng(0)
    for name, pitch_hz, seconds in (("words", 1500, 0.6), ("others", 500, 0.4)):
        (root / name).mkdir()
        for number in range(30):
            times = np.arange(int(seconds * 22050)) / 22050
            tone = 0.3 * np.sin(2 * np.pi * (pitch_hz + 10 * number) * times)
            soundfile.write(root / name / f"{number}.flac", tone, 22050)
    (root / "noise").mkdir()
    soundfile.write(root / "noise" / "hiss.wav", 0.1 * rng.standard_normal(8 * RATE), RATE)
    return root


def reference(**changes):
    return Config(
        "test",
        ("word",),
        FRONT_END,
        Network(filters=4, kernel_size=11, gru_units=(4,)),
        recipe=Recipe(sources=SOURCES, **changes),
    )


def dialogue():
    return reference(
        clip_seconds=4.0,
        label_steps=6,
        ignored_steps=(2, 5),
        dialogue=Dialogue(),
        augmentation=Augmentation(),
    )


def level_dbfs(samples):
    return 20 * np.log10(np.sqrt(np.mean(np.square(samples, dtype=float))) / 32768)


@pytest.mark.parametrize(
    ("share", "lowest_hz", "highest_hz"), [(0.0, 1500, 1790), (1.0, 1875, 2238)]
)
def test_synthetic_voices_speak_faster_on_request(folders, share, lowest_hz, highest_hz):
    plain = Augmentation(
        snr_db=(60.0, 60.0),
        clean_share=0.0,
        room_share=0.0,
        equaliser_db=0.0,
        low_pass_share=0.0,
        clipping_share=0.0,
        companding_share=0.0,
        codec_share=0.0,
        speed=(1.25, 1.25),
        synthetic_speed_share=share,
    )
    words = reference(
        clip_seconds=4.0, dialogue=Dialogue(positive_share=1.0, empty_share=0.0), augmentation=plain
    )
    words = replace(words, recipe=replace(words.recipe, sources=SOURCES[:1]))
    clip = clip_maker(words, [folders]).make(0, 0)
    spectrum = np.abs(np.fft.rfft(clip.samples))
    peak_hz = np.argmax(spectrum) * RATE / len(clip.samples)
    assert lowest_hz - 5 <= peak_hz <= highest_hz + 5


def test_synthetic_speeds_leave_the_background_alone(folders):
    clips = []
    for share in (0.0, 1.0):
        augmentation = Augmentation(
            snr_db=(-80.0, -80.0),
            clean_share=0.0,
            coloured_noise_share=0.0,
            babble_share=0.0,
            synthetic_speed_share=share,
        )
        config = replace(dialogue(), recipe=replace(dialogue().recipe, augmentation=augmentation))
        maker = clip_maker(config, [folders])
        clips.append(maker.layout._background(np.random.RandomState(1)))
    assert np.array_equal(*clips)


def test_a_dialogue_without_negatives_is_refused(folders):
    config = dialogue()
    for sources in (SOURCES[:1], SOURCES[::2]):
        without = replace(config, recipe=replace(config.recipe, sources=sources))
        with pytest.raises(SettingsError, match="no negative source"):
            clip_maker(without, [folders])


def test_reference_clips_have_the_level_the_words_and_the_labels(folders):
    maker = clip_maker(reference(), [folders])
    counts = []
    for index in range(40):
        clip = maker.make(3, index)
        assert len(clip.samples) == 10 * RATE
        assert level_dbfs(clip.samples) == pytest.approx(-20, abs=0.1)
        assert clip.targets.shape == (len(clip.weights), 1)
        expected = np.zeros(len(clip.weights))
        for word in clip.words:
            end = int(word.end_ms * len(expected) / 10_000)
            expected[end + 1 : end + 51] = 1
        assert np.array_equal(clip.targets[:, 0], expected)
        counts.append(len(clip.words))
    assert set(counts) == {0, 1, 2, 3, 4}


def test_reference_geometry_at_44100_hz(folders):
    config = read_config(REFERENCE_CONFIG)
    config = replace(config, recipe=replace(config.recipe, sources=SOURCES))
    clip = clip_maker(config, [folders]).make(1, 0)
    assert len(clip.samples) == 441_000
    assert clip.frames.shape == (5511, 101)
    assert clip.targets.shape == (1375, 1)


def test_dialogue_labels_begin_when_the_word_has_been_heard(folders):
    maker = clip_maker(dialogue(), [folders])
    network, front_end = dialogue().network, FRONT_END
    seen = 0
    for index in range(60):
        clip = maker.make(5, index)
        for word in clip.words:
            heard = [
                1000
                * front_end.frame_end_sample(step * network.stride + network.kernel_size - 1)
                / RATE
                for step in range(len(clip.weights))
            ]
            first = next((s for s, time in enumerate(heard) if time >= word.end_ms - 1e-6), None)
            if first is None:
                continue
            if word.cut:
                assert not clip.weights[first : first + 6].any() or clip.targets[first:].any()
                continue
            assert clip.targets[first : first + 6].all()
            seen += 1
        assert clip.weights[clip.targets[:, 0] > 0].all()
    assert seen > 30


def test_dialogue_levels_cover_the_range(folders):
    maker = clip_maker(dialogue(), [folders])
    levels = [level_dbfs(maker.make(6, index).samples.astype(float) + 1e-3) for index in range(80)]
    assert min(levels) < -40
    assert max(levels) > -14


def test_the_same_index_gives_the_same_clip_whatever_came_before(folders):
    first = clip_maker(dialogue(), [folders])
    second = clip_maker(dialogue(), [folders])
    for index in range(5):
        first.make(9, index)
    assert np.array_equal(first.make(9, 7).samples, second.make(9, 7).samples)
    assert not np.array_equal(first.make(9, 7).samples, first.make(10, 7).samples)


def test_held_out_recordings_never_train(folders):
    config = dialogue()
    training = clip_maker(config, [folders])
    development = clip_maker(config, [folders], config.recipe.held_out_folds)
    used = {take.file for bank in training.layout.banks.of("positive") for take in bank.takes}
    kept = {take.file for bank in development.layout.banks.of("positive") for take in bank.takes}
    assert used
    assert kept
    assert not used & kept


def test_batches_are_clips_side_by_side(folders):
    job = TriggerWordClips(dialogue(), (folders,), seed=2, batch_size=3)
    batch = job.batch(4)
    clip = clip_maker(job.config, job.roots).make(2, 4 * 3 + 1)
    assert batch.frames.shape[0] == batch.targets.shape[0] == batch.weights.shape[0] == 3
    assert np.array_equal(batch.frames[1], clip.frames)


def bad_folder(folders, tmp_path, make):
    words = tmp_path / "words"
    words.mkdir()
    for file in (folders / "words").iterdir():
        (words / file.name).write_bytes(file.read_bytes())
    make(words / "bad.wav")
    return [tmp_path, folders]


BAD = {
    "silent": lambda path: soundfile.write(path, np.zeros(8000), RATE),
    "unreadable": lambda path: path.write_text("no sound"),
    "empty": Path.touch,
    "too long": lambda path: soundfile.write(path, np.full(11 * RATE, 0.1), RATE),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_recording_is_named(folders, tmp_path, kind):
    roots = bad_folder(folders, tmp_path, BAD[kind])
    with pytest.raises(AudioError, match=r"bad\.wav"):
        clip_maker(reference(held_out_folds=()), roots)


def test_a_bad_recording_is_skipped_and_named_where_the_source_says_so(folders, tmp_path, caplog):
    roots = bad_folder(folders, tmp_path, BAD["silent"])
    config = reference()
    sources = (replace(SOURCES[0], on_bad="skip"), *SOURCES[1:])
    config = replace(config, recipe=replace(config.recipe, sources=sources))
    clip_maker(config, roots).make(1, 0)
    assert "bad.wav" in caplog.text


def test_the_manifest_beside_a_recording_places_its_word(tmp_path, caplog):
    for name in ("words/a", "words/b"):
        (tmp_path / name).mkdir(parents=True)
        soundfile.write(tmp_path / name / "0.wav", 0.1 * np.ones(RATE), RATE)
    (tmp_path / "words/a/manifest.csv").write_text(
        "file,word_start_seconds,word_end_seconds\n0.wav,0.25,0.5\n"
    )
    takes = load_bank(SOURCES[0], (tmp_path,), RATE, range(10)).takes
    assert [take.word_end for take in takes] == [RATE // 2, RATE]
    assert "no manifest.csv tells where the word is in 1 recordings" in caplog.text


def test_a_missing_folder_names_the_remedy(tmp_path):
    with pytest.raises(SettingsError, match="--data"):
        clip_maker(reference(), [tmp_path])


def test_fragments_of_the_word_are_negatives(folders):
    config = dialogue()
    talk = replace(config.recipe.dialogue, positive_share=1.0, fragment_share=1.0)
    config = replace(config, recipe=replace(config.recipe, dialogue=talk))
    maker = clip_maker(config, [folders])
    for index in range(10):
        clip = maker.make(4, index)
        assert not clip.words
        assert not clip.targets.any()
        assert clip.weights.all()
