"""`trigger-word detect` and `show` as a person meets them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from firmware_py import Detector
from firmware_py.artefact import DEFAULT_MODEL
from firmware_py.streaming.frame_detector import joined

BEEP = Path(__file__).parent / "data" / "beep.tflite"
SPEECH = DEFAULT_MODEL.with_suffix(".flac")


def trigger_word(*arguments, stdin=b""):
    command = [sys.executable, "-m", "firmware_py", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def beeps(tmp_path_factory):
    """Ten seconds at 44.1 kHz in stereo with a 1175 Hz beep at 2 s and at 6 s."""
    rate = 44100
    times = np.arange(10 * rate) / rate
    tone = 0.2 * np.sin(2 * np.pi * 1174.66 * times)
    on = ((times % 4 > 2) & (times % 4 < 2.6)).astype(float)
    left = tone * on + np.random.default_rng(0).normal(0, 0.001, len(times))
    path = tmp_path_factory.mktemp("audio") / "beeps.wav"
    soundfile.write(path, np.stack((left, np.zeros_like(left)), axis=1), rate)
    return path


def test_detect_prints_one_json_object_a_detection(beeps):
    result = trigger_word("detect", beeps, "--model", BEEP, "--json")
    assert result.returncode == 0, result.stderr
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [list(detection) for detection in found] == [
        ["file", "label", "time_seconds", "score"]
    ] * 2
    assert [d["label"] for d in found] == ["beep", "beep"]
    assert [d["file"] for d in found] == [str(beeps)] * 2
    times = [d["time_seconds"] for d in found]
    assert times == pytest.approx([2.15, 6.15], abs=0.15)


def test_detect_for_people_and_with_chimes(beeps, tmp_path):
    answered = tmp_path / "answered.wav"
    result = trigger_word("detect", beeps, "--model", BEEP, "--chime", answered)
    assert result.returncode == 0, result.stderr
    assert result.stdout.decode().count("beep  (score") == 2
    before, _ = soundfile.read(beeps)
    after, rate = soundfile.read(answered)
    changed = np.flatnonzero(np.abs(after - before).max(axis=1) > 0.01) / rate
    assert changed[0] == pytest.approx(2.15, abs=0.2)
    assert changed[-1] == pytest.approx(6.65, abs=0.3)


def test_raw_pcm_gives_what_the_file_gives(beeps):
    left = soundfile.read(beeps, dtype="int16")[0][:, 0]
    from_file = trigger_word("detect", beeps, "--model", BEEP, "--json").stdout
    from_pipe = trigger_word(
        "detect",
        "-",
        "--rate",
        44100,
        "--model",
        BEEP,
        "--json",
        stdin=left.astype("<i2").tobytes(),
    ).stdout
    assert from_pipe.decode() == from_file.decode().replace(str(beeps), "-")


def test_posteriors_are_saved_and_equal_the_api(beeps, tmp_path):
    target = tmp_path / "posteriors.npy"
    assert trigger_word("detect", beeps, "--model", BEEP, "--posteriors", target).returncode == 0
    left = soundfile.read(beeps, dtype="int16")[0][:, 0]
    with Detector.open(BEEP, sample_rate_hz=44100) as detector:
        ours = joined((detector.steps(left), detector.last_steps())).posteriors
        assert np.array_equal(np.load(target), ours[: detector.num_steps])


def test_a_file_on_standard_input_is_known_by_its_header(beeps):
    from_file = trigger_word("detect", beeps, "--model", BEEP, "--json").stdout
    for arguments in ([], ["--rate", 16000]):
        result = trigger_word(
            "detect", "-", *arguments, "--model", BEEP, "--json", stdin=beeps.read_bytes()
        )
        assert result.stdout.decode() == from_file.decode().replace(str(beeps), "-")


def test_another_channel_is_heard_from_files_and_raw_pcm(beeps, tmp_path):
    samples, rate = soundfile.read(beeps, dtype="int16")
    swapped = tmp_path / "swapped.wav"
    soundfile.write(swapped, samples[:, ::-1], rate)
    silent = trigger_word("detect", swapped, "--model", BEEP)
    assert b"channel 1 is silent, channel 2 is not" in silent.stderr
    second = ("--model", BEEP, "--json", "--channel", "2")
    from_file = trigger_word("detect", swapped, *second).stdout
    raw = samples[:, ::-1].astype("<i2").tobytes()
    from_pipe = trigger_word(
        "detect", "-", "--rate", rate, "--channels", 2, *second, stdin=raw
    ).stdout
    assert len(from_file.splitlines()) == 2
    assert from_pipe.decode() == from_file.decode().replace(str(swapped), "-")


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "utf-8"])
def test_names_that_the_terminal_cannot_show_are_escaped(beeps, tmp_path, encoding):
    names = [os.fsencode(tmp_path) + b"/caf\xe9.wav", os.fsencode(tmp_path / "\u043f.wav")]
    for name in names:
        Path(os.fsdecode(name)).write_bytes(beeps.read_bytes())
    result = subprocess.run(
        [sys.executable, "-m", "firmware_py", "detect", *names, "--model", str(BEEP)],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.count(b"beep  (score") == 4


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_do_no_harm(beeps, closed):
    command = f'{sys.executable} -m firmware_py detect "{beeps}" --model "{BEEP}" {closed}'
    result = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    assert result.returncode == 0
    assert result.stdout.count(b"beep  (score") == (0 if ">&-" in closed.split() else 2)
    assert b"Traceback" not in result.stderr


def test_nothing_heard_is_said_and_is_no_error(tmp_path):
    silence = tmp_path / "silence.wav"
    soundfile.write(silence, np.zeros(16000, np.int16), 16000)
    result = trigger_word("detect", silence, "--model", BEEP)
    assert (result.returncode, result.stdout) == (0, b"")
    assert b"nothing heard" in result.stderr


def test_show_tells_what_a_model_is():
    result = trigger_word("show", BEEP)
    assert result.returncode == 0
    assert b"16000 Hz, window 400, hop 160, 24 mel bins" in result.stdout
    facts = json.loads(trigger_word("show", BEEP, "--json").stdout)
    assert facts["labels"] == ["beep"]
    assert facts["bytes"] == BEEP.stat().st_size


def test_show_is_for_people(tmp_path):
    lines = trigger_word("show").stdout.decode().splitlines()
    assert max(map(len, lines)) < 200
    assert any("false accepts an hour in" in line for line in lines)
    assert not any("{" in line for line in lines)


WRONG_USES = {
    "missing file": (["detect", "missing.wav"], "no such file"),
    "missing model": (["detect", BEEP, "--model", "missing.tflite"], "missing.tflite"),
    "pipe without rate": (["detect", "-"], "--rate"),
    "no rate": (["detect", "-", "--model", BEEP, "--rate", "0"], "0 Hz; it must be from 8000"),
    "negative rate": (["detect", "-", "--model", BEEP, "--rate", "-1"], "-1 Hz"),
    "no such channel": (["detect", SPEECH, "--channel", "2"], "no channel 2"),
    "a name with a line break": (["detect", "a\nb.wav"], "a?b.wav: there is no such file"),
    "chime of a pipe": (["detect", "-", "--rate", "16000", "--chime", "x.wav"], "--chime"),
    "one chime, two files": (["detect", "a.wav", "b.wav", "--chime", "x.wav"], "--chime"),
    "threshold": (["detect", "a.wav", "--model", BEEP, "--threshold", "7"], "the most is 1"),
    "operating point": (
        ["detect", "a.wav", "--model", BEEP, "--operating-point", "x"],
        "operating point",
    ),
}


@pytest.mark.parametrize("kind", WRONG_USES)
def test_wrong_use_is_one_line_and_exit_2(kind):
    arguments, expected = WRONG_USES[kind]
    result = trigger_word(*arguments)
    assert result.returncode == 2
    assert expected in result.stderr.decode()
    assert len(result.stderr.decode().strip().splitlines()) == 1
    assert result.stdout == b""


def test_run_loads_little() -> None:
    """The command line loads no numpy before it must; `run` no OpenSSL at all."""
    code = (
        "import sys; from pathlib import Path; from firmware_py.__main__ import build_parser, main;"
        " build_parser(); print('numpy' in sys.modules);"
        " print(main(['run', '--settings', 'absent.toml']));"
        " print('numpy' in sys.modules, 'libcrypto' in Path('/proc/self/maps').read_text())"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["False", "2", "True", "False"]


def test_a_reader_that_has_gone_is_no_error(beeps) -> None:
    command = [sys.executable, "-m", "firmware_py", "detect", str(beeps), "--model", str(BEEP)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=300) == 141


def test_the_workstation_starts_without_tensorflow() -> None:
    """tflite-runtime loads no model beside TensorFlow: judging commands must come to it alone."""
    code = "import sys, models.__main__; print('keras' in sys.modules, 'tensorflow' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["False", "False"]
