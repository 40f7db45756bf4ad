"""The evaluation of a network whose right answers are known: it hears a tone of 1175 Hz."""

import argparse
import json
import shutil
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tone_recordings import BEEP, RATE_HZ, WORD_END_SECONDS, make_speech, make_words, sound

from firmware_py import Detector
from firmware_py.artefact import Artefact, pack_artefact, read_artefact
from firmware_py.errors import ArtefactError, AudioError, SettingsError
from firmware_py.level import ClipLevel
from firmware_py.streaming.frame_detector import joined
from models.commands import evaluate as command
from models.evaluation import Selection, Setting, assess, collect, evaluate
from models.evaluation.conditions import AS_RECORDED, Condition
from models.evaluation.metrics import clopper_pearson, poisson_interval
from models.evaluation.presented import LEAD_IN_SECONDS, present
from models.recordings.manifest import read_manifest


@pytest.fixture
def words(tmp_path: Path) -> Path:
    return make_words(tmp_path / "words")


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    return make_speech(tmp_path / "speech")


@pytest.fixture
def beep() -> Artefact:
    return read_artefact(BEEP)


def test_counts_what_is_known(beep: Artefact, words: Path, speech: Path) -> None:
    evaluation = evaluate(beep, [words], [speech])
    point = evaluation.point
    assert (point.misses, point.positives, point.false_accepts) == (2, 8, 2)
    assert point.hours == pytest.approx(60 / 3600)
    assert {clip.clip.path.name for clip in evaluation.missed()} == {
        "voice0_6.wav",
        "voice1_7.wav",
    }
    accepted = [peak for peak in evaluation.peaks if peak.accepted]
    assert [peak.clip.path.name for peak in accepted] == ["talk3.flac"] * 2
    times = sorted(peak.time_seconds for peak in accepted)
    assert times == pytest.approx([3.15, 7.15], abs=0.15)
    voices = {group.name: group.point for group in evaluation.voices}
    assert (voices["tones voice0"].misses, voices["tones voice0"].positives) == (1, 4)
    sources = {group.name: group.point for group in evaluation.sources}
    assert (sources["speech"].false_accepts, sources["words"].misses) == (2, 2)


def test_what_fires_before_the_word_does_not_find_it(
    beep: Artefact, tmp_path: Path, speech: Path
) -> None:
    words = tmp_path / "carried"
    words.mkdir()
    soundfile.write(words / "a.wav", sound(4.0, (0.5,), 1), RATE_HZ)
    header = "file,word_start_seconds,word_end_seconds\n"
    (words / "manifest.csv").write_text(f"{header}a.wav,3.0,3.4\n")
    evaluation = evaluate(beep, [words], [speech])
    assert (evaluation.point.misses, evaluation.point.positives) == (1, 1)
    assert evaluation.summary()["latency"]["detections"] == 0
    (words / "manifest.csv").write_text(f"{header}a.wav,0.5,0.9\n")
    assert evaluate(beep, [words], [speech]).point.misses == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('file,word_end_seconds\na.wav,"1,2"\n', r"line 2: word_end_seconds is '1,2'; write"),
        ("file,word_end_seconds\nb.wav,1\na.wav,nan\n", "line 3: word_end_seconds is 'nan'"),
        ("name\na.wav\n", "no column 'file'"),
        (b"\xff\xfe", "not a valid table of comma-separated values"),
    ],
)
def test_a_bad_manifest_is_named(tmp_path: Path, text: str | bytes, message: str) -> None:
    (tmp_path / "manifest.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(SettingsError, match=message) as error:
        read_manifest(tmp_path)
    assert str(tmp_path / "manifest.csv") in str(error.value)


def test_detections_are_the_runtimes_own(beep: Artefact, words: Path, speech: Path) -> None:
    evaluation = evaluate(beep, [words], [speech])
    step_seconds = beep.metadata.step_seconds
    for result in evaluation.clips:
        detector = Detector(beep)
        heard = present(result.clip)
        detections = [*detector.process(heard.samples), *detector.flush()]
        assert result.triggers == len(detections)
        if detections:
            wait = result.latency_seconds - (
                detections[0].time_seconds - LEAD_IN_SECONDS - WORD_END_SECONDS
            )
            assert wait == pytest.approx(0, abs=1e-9) or wait == pytest.approx(step_seconds)


def test_curve_equals_runs_of_the_detector(beep: Artefact, words: Path, speech: Path) -> None:
    heard = collect(beep, [words], [speech])
    for threshold in (0.02, 0.5, 0.93, 0.999):
        policy = replace(beep.metadata.trigger, threshold=threshold)
        point = assess(heard, policy).point
        found = false_accepts = 0
        for file in sorted(words.glob("*.wav")):
            detector = Detector(beep, policy=policy)
            samples = present(
                next(r.clip for r in heard.clips[AS_RECORDED] if r.clip.path == file)
            ).samples
            detections = [*detector.process(samples), *detector.flush()]
            found += any(d.time_seconds > LEAD_IN_SECONDS for d in detections)
        stream = heard.streams[AS_RECORDED][0]
        detector = Detector(beep, policy=policy)
        for part in stream.parts:
            samples, _ = soundfile.read(part.clip.path, dtype="int16")
            false_accepts += len(detector.process(samples))
        false_accepts += len(detector.flush())
        assert len(heard.streams[AS_RECORDED]) == 1
        assert (point.misses, point.false_accepts) == (8 - found, false_accepts)


def test_a_reset_before_each_file_on_request(beep: Artefact, words: Path, speech: Path) -> None:
    heard = collect(beep, [words], [speech], Setting(joined=False))
    runs = heard.streams[AS_RECORDED]
    assert [len(run.parts) for run in runs] == [1] * 6
    for run in runs:
        samples, _ = soundfile.read(run.parts[0].clip.path, dtype="int16")
        detector = Detector(beep)
        alone = joined((detector.steps(samples), detector.last_steps()))
        assert np.array_equal(run.scores, alone.scores[:, 0])


def test_noise_levels_and_rates(beep: Artefact, words: Path, speech: Path, tmp_path: Path) -> None:
    hiss = tmp_path / "hiss"
    hiss.mkdir()
    white = np.random.default_rng(9).normal(0, 1000, 5 * RATE_HZ)
    soundfile.write(hiss / "white.wav", np.rint(white).astype(np.int16), RATE_HZ)
    setting = Setting(
        noise=(hiss,), snrs_db=(20.0, -30.0), levels_dbfs=(-45.0, -6.0), rates_hz=(44100,)
    )
    evaluation = evaluate(beep, [words], [speech], setting)
    points = {condition: curve.at(0.5) for condition, curve in evaluation.curves.items()}
    assert points[Condition(snr_db=20.0)].misses == 2
    assert points[Condition(snr_db=-30.0)].misses == 8
    for condition in (Condition(level_dbfs=-45.0), Condition(rate_hz=44100)):
        assert (points[condition].misses, points[condition].false_accepts) == (2, 2)
    assert Condition(level_dbfs=-6.0) in evaluation.heard.streams
    assert Condition(snr_db=20.0) not in evaluation.heard.streams


def test_target_chooses_the_threshold(beep: Artefact, words: Path, speech: Path) -> None:
    loose = evaluate(beep, [words], [speech], target_false_accepts_per_hour=120.0)
    assert loose.point.false_accepts == 2
    assert loose.keeps_to_target
    strict = evaluate(beep, [words], [speech], target_false_accepts_per_hour=0.0)
    assert strict.point.false_accepts == 0
    assert strict.keeps_to_target
    assert 1 > strict.policy.threshold > loose.policy.threshold


def test_unreachable_target_is_said(
    beep: Artefact, words: Path, caplog: pytest.LogCaptureFixture
) -> None:
    evaluation = evaluate(beep, [words], [words], target_false_accepts_per_hour=0.0)
    assert not evaluation.keeps_to_target
    assert "no threshold keeps to 0 false accepts an hour" in caplog.text


def test_other_formats_rates_and_channels(beep: Artefact, tmp_path: Path, speech: Path) -> None:
    folder = tmp_path / "words"
    folder.mkdir()
    at_44100 = sound(2.0, (0.8,), 1, 44100)
    soundfile.write(folder / "stereo.flac", np.stack((at_44100, at_44100), 1), 44100)
    at_48000 = sound(2.0, (0.8,), 2, 48000)
    soundfile.write(folder / "packed.opus", at_48000 / 32768, 48000, format="OGG", subtype="OPUS")
    evaluation = evaluate(beep, [folder], [speech])
    assert (evaluation.point.misses, evaluation.point.positives) == (0, 2)


def test_model_that_wants_the_clips_level(
    beep: Artefact, tmp_path: Path, words: Path, speech: Path
) -> None:
    front_end = replace(beep.metadata.front_end, clip_level=ClipLevel(-30.0))
    path = tmp_path / "clip-level.tflite"
    path.write_bytes(pack_artefact(beep.flatbuffer, replace(beep.metadata, front_end=front_end)))
    assert evaluate(path, [words], [speech]).point.misses == 2


def make_bad_files(words: Path, speech: Path) -> None:
    soundfile.write(words / "silent.wav", np.zeros(16000, np.int16), RATE_HZ)
    (words / "corrupt.wav").write_bytes(b"RIFF not a recording")
    damaged = (speech / "talk0.flac").read_bytes()
    (speech / "damaged.flac").write_bytes(damaged[: len(damaged) // 2])


def test_bad_files_are_named_and_skipped(
    beep: Artefact, words: Path, speech: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_bad_files(words, speech)
    evaluation = evaluate(beep, [words], [speech], Setting(levels_dbfs=(-20.0,)))
    assert evaluation.point.positives == 8
    names = sorted(bad.path.name for bad in evaluation.heard.skipped)
    assert names == ["corrupt.wav", "damaged.flac", "silent.wav"]
    assert len([r for r in caplog.records if r.message.startswith("skipped: ")]) == 3


def test_bad_files_are_refused_on_request(beep: Artefact, words: Path, speech: Path) -> None:
    make_bad_files(words, speech)
    with pytest.raises(AudioError, match=r"(corrupt|silent)\.wav|damaged\.flac"):
        evaluate(beep, [words], [speech], Setting(on_bad="refuse"))


def test_selection(beep: Artefact, words: Path, speech: Path) -> None:
    chosen = Selection(include=("voice1_*",), exclude=("talk3*", "*_7.wav"))
    evaluation = evaluate(beep, [words], [speech], Setting(chosen))
    assert (evaluation.point.misses, evaluation.point.positives) == (0, 3)
    assert (evaluation.point.false_accepts, evaluation.point.hours * 3600) == (0, 50)
    few = evaluate(beep, [words], [speech], Setting(Selection(limit=2)))
    assert (few.point.positives, few.point.hours * 3600) == (2, 20)


def test_copies_of_a_recording_count_once(
    beep: Artefact, words: Path, speech: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    once = evaluate(beep, [words], [speech]).point
    again = tmp_path / "again"
    shutil.copytree(speech, again)
    link = tmp_path / "link"
    link.symlink_to(speech)
    point = evaluate(beep, [words, words], [speech, again, link]).point
    assert (point.positives, point.hours) == (once.positives, once.hours)
    assert point.false_accepts == once.false_accepts > 0
    assert "recordings are copies of others" in caplog.text


def test_empty_selection_is_refused(beep: Artefact, words: Path, speech: Path) -> None:
    with pytest.raises(SettingsError, match=r"no positives to try in .*words"):
        evaluate(beep, [words], [speech], Setting(Selection(include=("nothing",))))
    with pytest.raises(SettingsError, match="there is no such folder"):
        evaluate(beep, [words / "typo"], [speech])
    with pytest.raises(SettingsError, match="has no label 'hoot'; name one with --label: beep"):
        evaluate(beep, [words], [speech], Setting(label="hoot"))


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_any_executor_gives_the_same(
    beep: Artefact, words: Path, speech: Path, pool: type[Executor]
) -> None:
    alone = evaluate(beep, [words], [speech]).to_json()
    with pool(2) as executor:  # type: ignore[call-arg]
        assert evaluate(beep, [words], [speech], executor=executor).to_json() == alone


def test_frame_accuracy_stands_beside_always_no(beep: Artefact, words: Path, speech: Path) -> None:
    accuracy = evaluate(beep, [words], [speech]).frame_accuracy
    assert 0.95 < accuracy.network < accuracy.always_no < 1.0


def run_command(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    parsed = parser.parse_args(["evaluate", *map(str, arguments)])
    return int(parsed.run(parsed))


def test_command_prints_one_json_object(
    words: Path, speech: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run_command(BEEP, "--positives", words, "--negatives", speech, "--json")
    result = json.loads(capsys.readouterr().out)
    assert code == 0
    assert result["threshold"] == 0.5
    assert (result["positives"], result["misses"], result["miss_rate"]) == (8, 2, 0.25)
    assert len(result["missed_clips"]) == 2
    assert tuple(result["miss_rate_ci95"]) == clopper_pearson(2, 8)
    assert result["hours"] == pytest.approx(1 / 60)
    assert result["false_accepts"] == 2
    assert result["false_accepts_per_hour"] == pytest.approx(120)
    assert tuple(result["false_accepts_per_hour_ci95"]) == poisson_interval(2, result["hours"])
    assert len(result["roc"]) > 200
    assert set(result["roc"][0]) == {"threshold", "miss_rate", "false_accepts_per_hour"}
    assert result["latency"]["detections"] == 6
    assert [point["false_accepts"] for point in result["by_target"].values()] == [0, 0, 0]


def test_command_takes_a_named_policy(
    words: Path, speech: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ("--positives", words, "--negatives", speech)
    assert run_command(BEEP, *files, "--operating-point", "strict", "--smoothing", 2, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["policy"] == {
        "threshold": 0.9,
        "smoothing": 2,
        "patience": 4,
        "refractory": 10,
        "release": True,
    }
    assert result["false_accepts"] == 0


def test_command_says_it_in_words(
    words: Path, speech: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(BEEP, "--positives", words, "--negatives", speech, "--workers", 2) == 0
    text = capsys.readouterr().out
    assert "missed 2 of 8: 25.0 (3.2 to 65.1) %" in text
    assert "2 in 0.02 h: 120.00 (14.53 to 433.48) an hour" in text


def test_command_fails_when_the_target_is_out_of_reach(words: Path) -> None:
    target = ("--target-false-accepts-per-hour", 0)
    assert run_command(BEEP, "--positives", words, "--negatives", words, *target) == 1


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (("--workers", 0), "--workers is 0"),
        (("--snr-db", 10), "--noise and --snr-db belong together"),
        (("--threshold", 0.5, "--target-false-accepts-per-hour", 1), "exclude each other"),
        (("--threshold", 2), "threshold is 2"),
        (("--folds", "0,12"), "folds are '0,12'; write them as"),
        (("--operating-point", "keen"), "no operating point 'keen'; known: strict"),
        (("--seed", -1), "--seed is -1; the least is 0"),
        (("--rate-hz", 0), r"--rate-hz is \(0,\); it must be above 0"),
        (("--level-dbfs", "nan"), r"--level-dbfs is \(nan,\); it must be finite"),
    ],
)
def test_contradictions_are_refused(
    words: Path, speech: Path, extra: tuple[object, ...], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        run_command(BEEP, "--positives", words, "--negatives", speech, *extra)


def test_what_is_no_model_is_refused(words: Path, speech: Path) -> None:
    with pytest.raises(ArtefactError, match="not a TensorFlow Lite model"):
        run_command(words / "manifest.csv", "--positives", words, "--negatives", speech)


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same(
    words: Path, speech: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    files = ("--positives", words, "--negatives", speech, "--json")
    assert run_command(BEEP, *files) == 0
    alone = json.loads(capsys.readouterr().out)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        assert run_command(BEEP, *files, "--dask", cluster.scheduler_address) == 0
    assert json.loads(capsys.readouterr().out) == alone


def test_both_stages_are_judged_as_the_device_runs_them(
    words: Path, speech: Path, tmp_path: Path
) -> None:
    path = tmp_path / "two.tflite"
    path.write_bytes((BEEP.parent / "long-beep.tflite").read_bytes())
    artefact = read_artefact(path)
    evaluation = evaluate(artefact, [words], [speech])
    for result in evaluation.clips:
        detector = Detector(artefact)
        samples = present(result.clip).samples
        assert result.triggers == len([*detector.process(samples), *detector.flush()])
    stream = evaluation.heard.streams[AS_RECORDED][0]
    for threshold in (0.05, 0.9, 0.999, 0.99999):
        policy = replace(artefact.metadata.trigger, threshold=threshold)
        detector = Detector(artefact, policy=policy)
        count = 0
        for part in stream.parts:
            count += len(detector.process(soundfile.read(part.clip.path, dtype="int16")[0]))
        count += len(detector.flush())
        judged = assess(evaluation.heard, policy)
        assert judged.point.false_accepts == count
        assert judged.second_stage
        second = detector.frames.second
        assert second
        counts = second.counts["beep"]
        assert (judged.second_stage.candidates, judged.second_stage.refused) == (
            counts.candidates,
            counts.refused,
        )
        assert judged.second_stage.looks == second.looks
    summary = evaluation.to_json()
    assert summary["second_stage"]["candidates"] == 2
