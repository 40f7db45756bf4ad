"""Pictures of clips: what is drawn, and the command that writes them."""

import argparse
import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from matplotlib.image import imread
from matplotlib.mlab import specgram

from firmware_py.artefact import read_artefact
from firmware_py.errors import AudioError, SettingsError
from models.commands import plot
from models.evaluation.metrics import smoothed
from models.evaluation.report.scene import (
    COLUMNS,
    LABEL_SECONDS,
    Excerpt,
    draw_excerpt,
    spectrogram,
)
from models.evaluation.selection import EvaluationClip
from models.settings.config import REFERENCE_CONFIG, read_config

BEEP = Path(__file__).parent / "data" / "beep.tflite"
REFERENCE = read_config(REFERENCE_CONFIG).front_end


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Two seconds at 44.1 kHz with a tone of 1175 Hz from 0.8 to 1.2 s."""
    times = np.arange(2 * 44100) / 44100
    samples = np.random.default_rng(0).normal(0, 20, len(times))
    samples[(times > 0.8) & (times < 1.2)] += 3000 * np.sin(
        2 * np.pi * 1175 * times[(times > 0.8) & (times < 1.2)]
    )
    soundfile.write(tmp_path / "tone.wav", np.rint(samples).astype(np.int16), 44100)
    return tmp_path / "tone.wav"


def run_command(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    plot.add_parser(parser.add_subparsers())
    parsed = parser.parse_args(["plot", *map(str, arguments)])
    return int(parsed.run(parsed))


def test_spectrogram_is_the_reference_recipes(clip: Path) -> None:
    samples, rate_hz = soundfile.read(clip, dtype="int16")
    expected, _, _ = specgram(samples.astype(float), NFFT=200, Fs=8000, noverlap=120)
    scene = plot.scene_of(EvaluationClip(clip, "clips"), None, REFERENCE)
    assert scene.sample_rate_hz == rate_hz
    assert np.allclose(spectrogram(scene), 10 * np.log10(expected + 1e-10), atol=1e-4)


def test_scene_with_a_model_holds_the_detection(clip: Path) -> None:
    scene = plot.scene_of(EvaluationClip(clip, "clips"), read_artefact(BEEP), REFERENCE)
    assert scene.said is not None
    assert scene.front_end.num_bins == 24
    assert len(scene.said.scores) == len(scene.said.step_seconds)
    (detection,) = scene.said.detections_seconds
    assert 0.8 < detection < 1.1
    policy = read_artefact(BEEP).metadata.trigger
    scores = smoothed(scene.said.posteriors[:, 0], policy.smoothing)
    np.testing.assert_array_equal(scene.said.scores[:, 0], scores)
    high = scene.said.step_seconds[scene.said.scores[:, 0] > 0.5]
    assert 0.8 < high.min() < high.max() < 1.35


def test_picture_shows_word_label_and_posteriors(clip: Path) -> None:
    known = EvaluationClip(clip, "clips", word_start_seconds=0.8, word_end_seconds=1.2)
    figure = draw_excerpt(plot.scene_of(known, read_artefact(BEEP), REFERENCE))
    above, _, below = figure.axes
    assert above.get_title(loc="left") == "tone.wav"
    assert (above.get_ylabel(), below.get_xlabel()) == ("frequency (Hz)", "time (s)")
    assert below.get_xlim() == pytest.approx((0.0, 2.0))
    names = below.get_legend_handles_labels()[1]
    assert names == ["beep", "posterior", "threshold 0.5", "detection", "word", "label"]
    spans = {patch.get_label(): patch.get_extents() for patch in below.patches}
    pixels = below.transData.inverted()
    word, label = (pixels.transform_bbox(spans[name]) for name in ("word", "label"))
    assert (word.x0, word.x1) == pytest.approx((0.8, 1.2), abs=0.01)
    assert (label.x0, label.x1) == pytest.approx((1.2, 1.2 + LABEL_SECONDS), abs=0.01)


def test_a_detection_after_the_end_of_the_sound_is_in_the_picture(clip: Path) -> None:
    """A word at the very end is heard in the silence that ends a stream."""
    scene = plot.scene_of(EvaluationClip(clip, "clips"), read_artefact(BEEP), REFERENCE)
    assert scene.said
    late = replace(scene, said=replace(scene.said, detections_seconds=(2.3,)))
    *_, below = draw_excerpt(late).axes
    assert below.get_xlim() == pytest.approx((0.0, 2.35))


def test_long_recordings_are_narrowed() -> None:
    samples = np.random.default_rng(0).normal(0, 100, 44100 * 30).astype(np.int16)
    figure = draw_excerpt(Excerpt("long", samples, 44100, REFERENCE))
    (image,) = figure.axes[0].images
    array = image.get_array()
    assert array is not None
    assert array.shape[1] <= COLUMNS


def test_command_writes_pictures(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command(clip, "--reference") == 0
    assert run_command(clip, "--model", BEEP, "--out", tmp_path / "new" / "said.png") == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed == ["tone.png", str(tmp_path / "new" / "said.png")]
    low, high = (imread(tmp_path / path) for path in printed)
    assert high.shape[0] > low.shape[0] > 300
    assert low.std() > 0.1
    assert run_command(clip, "--model", "activate", "--out", "built-in.png") == 0
    assert imread(tmp_path / "built-in.png").shape[0] == high.shape[0]
    with pytest.raises(SettingsError, match="--reference draws no model"):
        run_command(clip, "--reference", "--model", BEEP)


def test_command_reads_the_manifest(clip: Path, tmp_path: Path) -> None:
    columns = ["file", "word_start_seconds", "word_end_seconds"]
    elsewhere = tmp_path / "words.csv"
    with elsewhere.open("w", newline="") as file:
        csv.writer(file).writerows([columns, ["tone.wav", 0.8, 1.2]])
    out = tmp_path / "pictures"
    assert run_command(clip, "--out", out) == 0
    assert run_command(clip, "--manifest", elsewhere, "--out", out / "marked.png") == 0
    assert not np.array_equal(imread(out / "tone.png"), imread(out / "marked.png"))


def test_one_picture_for_two_clips_is_refused(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="one picture for 2 clips; name a folder"):
        run_command(clip, tmp_path / "other.wav", "--out", tmp_path / "out.png")
    with pytest.raises(SettingsError, match="two clips have the same name"):
        run_command(clip, clip)


def test_a_missing_clip_is_named(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"nothing\.wav: there is no such file"):
        run_command(tmp_path / "nothing.wav", "--out", tmp_path)
