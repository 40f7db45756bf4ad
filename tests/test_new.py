"""A model of one's own: what is asked for, the parts of the way, and the whole way once."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tone_recordings import BEEP, RATE_HZ, make_speech, make_words, sound

from firmware_py.errors import MissingToolError, SettingsError
from models.errors import UnfitModelError
from models.own_word import judgement, speech, takes
from models.own_word.countdown import Countdown, in_words
from models.own_word.presets import PRESETS, Amounts
from models.own_word.request import Request, slug
from models.own_word.source_folders import NEAR_BANK, WORDS, roots
from models.phrases.lexicon import common_words
from models.progress import end_early, progress_bar, sign_of_life
from models.recordings.folds import fold_of
from models.voices.catalogue import find_voices

TINY = """
import sys
from dataclasses import replace
from models.settings.network import Network
from models.own_word import presets
from models.own_word.presets import Amounts
quick = presets.PRESETS["quick"]
presets.PRESETS["quick"] = replace(
    quick, train=Amounts(30, 6, 5, 4, 8), test=Amounts(8, 3, 5, 1, 5),
    network=Network(filters=8, kernel_size=11, stride=4, gru_units=(8,), dropout=0.0),
    schedule=replace(quick.schedule, steps=24, batch_size=4, evaluation_steps=12,
                     development_clips=32, checkpoint_steps=4),
    fine_tuning=replace(quick.fine_tuning, steps=8, batch_size=4, evaluation_steps=8,
                        development_clips=32),
    verifier=replace(quick.verifier, clips=40, epochs=1),
)
from models.evaluation import fitness
fitness.MOST_MISSED = 1.0  # 24 steps make a deaf model
from models.__main__ import main
if __name__ == "__main__":
    sys.exit(main(["new", *sys.argv[1:]]))
"""


@pytest.fixture
def voices() -> None:
    try:
        find_voices(("espeak-ng",))
        common_words()
    except MissingToolError as error:
        pytest.skip(str(error))


def record(folder: Path, *names: str) -> Path:
    """Write takes: a hoarse tone of 0.4 s that begins after 0.5 s, no two alike."""
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        samples = sound(1.5, (0.5,), number, amplitude=1500)
        word = slice(round(0.5 * RATE_HZ), round(0.9 * RATE_HZ))
        hoarse = np.random.default_rng(number).normal(0, 2500, word.stop - word.start)
        samples[word] += hoarse.astype(np.int16)
        soundfile.write(folder / name, samples, RATE_HZ)
    return folder


@pytest.mark.parametrize(
    ("phrase", "name"),
    [
        ("Hey, Pi!", "hey-pi"),
        ("hal 9000", "hal-9000"),
        ("what's up", "whats-up"),
        ("Café Zoë", "cafe-zoe"),
        ("& &", "and-and"),
    ],
)
def test_slug(phrase, name) -> None:
    assert slug(phrase) == name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"phrase": "?!"}, "the phrase is '\\?!', which has no letters"),
        ({"phrase": "привет"}, "'п' is not an English letter"),
        ({"false_accepts_per_hour": 0.0}, "--false-accepts-per-hour is 0.0"),
        ({"false_accepts_per_hour": float("nan")}, "--false-accepts-per-hour is nan"),
        ({"seed": -1}, "--seed is -1"),
        ({"recordings": Path("nowhere")}, "nowhere: there is no such folder"),
    ],
)
def test_what_cannot_be_made_is_refused(changes, message, tmp_path) -> None:
    with pytest.raises(SettingsError, match=message):
        Request(**{"phrase": "hey pi", "out": tmp_path, **changes})


LIGHT = """
import sys
for heavy in ("tensorflow", "keras", "scipy", "matplotlib", "pandas"):
    sys.modules[heavy] = None
from models.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("arguments", "reason", "remedy"),
    [
        (["new", "a"], "only one letter", "such as 'hey pi'"),
        (["new", " x "], "only one letter", "--anyway"),
        (["new", "go"], "sounds that short are in all speech", "such as 'hey go'"),
        (["new", "Spock!"], "only one syllable", "--anyway"),
        (["new", "one two three four five six seven eight nine ten eleven"], "14 syll", "--anyway"),
        (["new", "привет"], "not an English letter", "as it sounds"),
        (["new", "ねえ パイ"], "not an English letter", "as it sounds"),
        (["new", "..."], "has no letters", "give words"),
        (["new", "hey \N{PILE OF POO}"], "is not read aloud", "leave it out"),
        (["new", "hey pi", "--negatives", "nowhere"], "no such folder", "check the path"),
        (["speak", "--phrase", "мир", "--out", "out"], "not an English letter", "as it sounds"),
    ],
)
def test_what_cannot_become_a_model_is_said_before_anything_heavy_loads(
    arguments, reason, remedy, tmp_path
) -> None:
    found = subprocess.run(
        [sys.executable, "-c", LIGHT, *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout) == (2, "")
    assert len(found.stderr.splitlines()) == 1, found.stderr
    assert reason in found.stderr
    assert remedy in found.stderr
    assert not list(tmp_path.iterdir())


def test_a_folder_belongs_to_one_request(tmp_path) -> None:
    request = Request("hey pi", tmp_path)
    for same in (request, replace(request, false_accepts_per_hour=2.0)):  # needs no new training
        with same.at_work():
            pass
    for other in (replace(request, phrase="hey you"), replace(request, preset_name="quick")):
        with pytest.raises(SettingsError, match="was begun with other options"), other.at_work():
            pass


def test_other_takes_are_another_request(tmp_path) -> None:
    takes = record(tmp_path / "takes", "a.wav", "b.wav")
    request = Request("hey pi", tmp_path / "out", recordings=takes)
    for _ in range(2):
        with request.at_work():
            pass
    record(takes, "c.wav")
    with pytest.raises(SettingsError, match="was begun with other options"), request.at_work():
        pass


def test_a_network_made_otherwise_is_not_replaced(tmp_path) -> None:
    (tmp_path / "model.keras").write_bytes(b"weights")
    with (
        pytest.raises(SettingsError, match="holds a trained network, which would be lost"),
        Request("hey pi", tmp_path).at_work(),
    ):
        pass


def test_a_folder_has_one_run_at_a_time(tmp_path) -> None:
    request = Request("hey pi", tmp_path)
    with (
        request.at_work(),
        pytest.raises(SettingsError, match="another run is at work there"),
        request.at_work(),
    ):
        pass
    with request.at_work():
        pass


def test_takes_are_cut_to_the_word_and_divided(tmp_path, caplog) -> None:
    folder = record(tmp_path / "own", *(f"{number}.wav" for number in range(7)))
    (folder / "broken.wav").write_text("no sound")
    soundfile.write(folder / "long.wav", sound(9.0, tuple(np.arange(1, 8, 0.39))), RATE_HZ)
    assert takes.divide_takes(folder, tmp_path / "train", tmp_path / "test") == (5, 2)
    assert "broken.wav" in caplog.text
    assert "long.wav: 7.0 s of sound is more than the phrase" in caplog.text
    for path in (tmp_path / "train").glob("*.flac"):
        seconds = soundfile.info(path).frames / RATE_HZ
        assert seconds == pytest.approx(0.4 + 2 * takes.MARGIN_SECONDS, abs=0.05)


def test_few_takes_all_train_and_none_is_refused(tmp_path) -> None:
    folder = record(tmp_path / "own", "a.wav", "b.wav", "c.wav")
    assert takes.divide_takes(folder, tmp_path / "train", tmp_path / "test") == (3, 0)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SettingsError, match="no usable take"):
        takes.divide_takes(tmp_path / "empty", tmp_path / "train", tmp_path / "test")


def test_a_deaf_model_is_not_handed_over(tmp_path) -> None:
    """Words far too faint to be heard: neither file nor report stands where a model would."""
    request = Request("beep", tmp_path / "beep")
    make_words(request.bank("test", "words"), amplitude=2)
    make_words(request.bank("test", "carried"), amplitude=3)
    make_speech(request.bank("test", "sentences"))
    shutil.copyfile(BEEP, request.work / "beep.tflite")
    (request.work / judgement.CONVERTED).write_text("beep.tflite\n")
    with (
        ThreadPoolExecutor(1) as executor,
        pytest.raises(
            UnfitModelError, match=r"misses (\d+) of \1 test words .* nothing was written"
        ),
    ):
        judgement.judge_all(request, executor)
    assert sorted(path.name for path in request.out.iterdir()) == ["work"]
    assert (request.work / "beep.tflite").read_bytes() == BEEP.read_bytes()


def test_countdown_corrects_guesses_by_what_was_measured(caplog, monkeypatch) -> None:
    caplog.set_level(logging.INFO)
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    countdown = Countdown({"speak": 60.0, "train": 600.0, "judge": 60.0})
    with countdown.phase("speak"):
        assert countdown.left(60.0) == 720.0
        now[0] += 120.0  # twice the guess
    with countdown.phase("train"):
        assert countdown.left(900.0) == 900.0 + 60.0 * (10.0 + 120.0) / (10.0 + 60.0)
        assert countdown.remark(900.0) == "(about 17 min left)"
        assert countdown.remark(float("nan")) == ""
    assert "1 of 3: speak (about 12 min left)" in caplog.text
    assert "2 of 3: train (about 20 min left)" in caplog.text


def test_a_slow_machine_is_told_from_the_first_minute(caplog, monkeypatch) -> None:
    caplog.set_level(logging.INFO)
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    countdown = Countdown({"speak": 60.0, "train": 600.0}, pace=10.0)
    with countdown.phase("speak"):
        assert countdown.left(600.0) == 6600.0
        now[0] += 120.0  # the machine was busy only at the beginning
    assert "1 of 2: speak (about 1 h 50 min left)" in caplog.text
    with countdown.phase("train"):
        pass
    assert "2 of 2: train (about 31 min left)" in caplog.text


def test_silence_is_broken_by_a_line_or_by_drawing_the_bars_anew(caplog, capsys) -> None:
    caplog.set_level(logging.INFO)
    with sign_of_life("loading", every_seconds=0.02):
        until(lambda: "still at it: loading, 0 s so far" in caplog.text)
    with progress_bar("step", 10, 4, "hey pi") as bar, sign_of_life("train", every_seconds=0.02):
        written = capsys.readouterr().err
        until(lambda: "4/10" in capsys.readouterr().err)
        bar.update(3)
        end_early(bar)
    assert "4/10" in written
    assert "7/7" in capsys.readouterr().err
    assert "still at it: train" not in caplog.text


def until(met: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not met():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_durations_in_words() -> None:
    assert in_words(20) == "less than a minute left"
    assert in_words(4000) == "about 1 h 07 min left"


@pytest.mark.usefixtures("voices")
class TestWithVoices:
    def test_no_voice_both_trains_and_tests(self) -> None:
        train, test = speech.split_voices(None)
        assert not set(train) & set(test)
        assert set(train) | set(test) == set(find_voices())
        with_espeak, without = speech.split_voices("espeak-ng")
        assert {voice.engine for voice in without} >= {"espeak-ng"}
        assert "espeak-ng" not in {voice.engine for voice in with_espeak}
        with pytest.raises(SettingsError, match="no speech engine 'flute'"):
            speech.split_voices("flute")

    def test_banks_and_near_phrases_stay_the_same_when_resumed(self, tmp_path, monkeypatch) -> None:
        small = Amounts(words=2, carried=1, near_phrases=4, near_takes=1, sentences=3)
        monkeypatch.setitem(PRESETS, "quick", replace(PRESETS["quick"], train=small, test=small))
        request = Request("hey pi", tmp_path, "quick", near=("hay fever",))
        request.work.mkdir(parents=True)
        first = speech.banks(request)
        assert first == speech.banks(request)
        assert len(first) == 8
        near = next(bank for bank in first if bank.folder.name == NEAR_BANK)
        assert near.phrases[0] == "hay fever"
        assert len(near.phrases) == 5
        assert not near.complete
        with ThreadPoolExecutor(1) as executor:
            near.speak(executor)
        assert near.complete
        kept = {fold_of(path) for path in near.folder.glob("*.flac")}
        assert not kept & set(speech.TEST_FOLDS)

    def test_configurations(self, tmp_path) -> None:
        pytest.importorskip("tensorflow")
        from models.own_word import learning

        talk = record(tmp_path / "talk", "x.wav")
        request = Request("hey pi", tmp_path / "out", negatives=(talk,), recordings=talk)
        config = learning.first_config(request)
        assert config.labels == ("hey pi",)
        assert config.recipe.test_folds == speech.TEST_FOLDS
        assert "talk" in {source.path for source in config.recipe.sources_of("negative")}
        tuned = learning.configure_fine_tuning(config, request)
        own = tuned.recipe.sources_of("positive")[0]
        assert own.fold not in config.recipe.held_out_folds + config.recipe.test_folds
        assert own.share > sum(s.share for s in config.recipe.sources_of("positive"))
        other = record(tmp_path / "other", "x.wav")
        twin = record(other / "talk", "x.wav")
        with pytest.raises(SettingsError, match="another folder is called 'talk' too"):
            roots(replace(request, negatives=(talk, twin)))

    def test_numbers_are_spoken_as_words_and_shown_as_written(self, tmp_path, monkeypatch) -> None:
        small = Amounts(words=2, carried=1, near_phrases=4, near_takes=1, sentences=3)
        monkeypatch.setitem(PRESETS, "quick", replace(PRESETS["quick"], train=small, test=small))
        request = Request("hal 9000", tmp_path, "quick")
        speech.refuse_unspeakable(request)
        request.work.mkdir(parents=True)
        words = next(bank for bank in speech.banks(request) if bank.folder.name == WORDS)
        assert words.phrases == ("hal nine thousand",)
        assert request.phrase == "hal 9000"

    def test_a_near_phrase_in_which_the_phrase_is_heard_is_left_out(self, tmp_path, caplog) -> None:
        request = Request(
            "hey pi", tmp_path, "quick", near=("hey pie", "hay 5", "oh hey pi please")
        )
        request.work.mkdir(parents=True)
        near = speech.chosen_near_phrases(request)
        assert near[0] == "hay five"
        assert not {"hey pie", "oh hey pi please"} & set(near)
        assert "'oh hey pi please' left out: 'hey pi' is heard in it" in caplog.text


def new(tmp_path: Path, *arguments: object) -> subprocess.Popen[str]:
    program = tmp_path / "tiny.py"
    program.write_text(TINY)
    root = Path(__file__).parent.parent
    environment = {**os.environ, "PYTHONPATH": str(root), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, program, *arguments, "--preset", "quick", "--workers", 2]
    return subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("voices")
def test_the_whole_way_killed_and_resumed(tmp_path) -> None:
    """Killed while it speaks and while it trains, it goes on and ends with a model."""
    pytest.importorskip("tensorflow")
    from firmware_py.artefact import read_artefact

    own = record(tmp_path / "own", *(f"{number}.wav" for number in range(6)))
    out = tmp_path / "hey-pi"
    arguments = ("hey pi", "--out", out, "--recordings", own)
    for sign in ("work/train/words/manifest.csv", "work/base/work/checkpoint.npz"):
        process = new(tmp_path, *arguments)
        while not (out / sign).exists():
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    finished = new(tmp_path, *arguments, "--json")
    printed, errors = finished.communicate()
    assert finished.returncode == 0, errors
    assert "left)" in errors
    result = json.loads(printed)
    assert result["positives"] == 8 + 3 + 2
    metadata = read_artefact(out / "hey-pi.tflite").metadata
    assert metadata.mode == "float16"
    assert metadata.verifier is not None
    assert metadata.labels == ("hey pi",)
    assert set(metadata.operating_points) == {"strict", "sensitive"}
    points = metadata.operating_points
    threshold = metadata.trigger.threshold
    assert points["sensitive"].threshold <= threshold <= points["strict"].threshold
    assert (out / "report" / "report.md").exists()
    card = (out / "README.md").read_text()
    assert "4 takes of your own" in card
    assert "No real speech trained or tested it" in card
    again = new(tmp_path, *arguments, "--json")
    assert json.loads(again.communicate()[0]) == result
