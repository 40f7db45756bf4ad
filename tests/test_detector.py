"""The detector: the same for every chunking, rate and interpreter."""

from pathlib import Path

import numpy as np
import pytest
import soxr

from convert.replay import RANDOM_CHUNKS, replay
from firmware_py import Detector
from firmware_py.artefact import read_artefact
from firmware_py.errors import ArtefactError, AudioError, MissingToolError, SettingsError
from firmware_py.interpreter import NetworkStream, installed_runtimes
from firmware_py.streaming.frame_detector import joined
from firmware_py.streaming.frame_source import FLUSH_SECONDS

BEEP = Path(__file__).parent / "data" / "beep.tflite"
RATE = 16000


@pytest.fixture(scope="module")
def beeps():
    """12 s of noise with a 1175 Hz beep of 0.5 s every 3 s."""
    times = np.arange(12 * RATE) / RATE
    on = (times % 3 > 1) & (times % 3 < 1.5)
    rng = np.random.default_rng(0)
    samples = 6000 * np.sin(2 * np.pi * 1174.66 * times) * on + rng.normal(0, 30, len(times))
    return samples.astype(np.int16)


@pytest.mark.parametrize("runtime", installed_runtimes())
def test_posteriors_do_not_depend_on_chunks(beeps, runtime):
    """In fresh processes: tflite-runtime does not work beside an imported TensorFlow."""
    whole = replay(BEEP, beeps, runtime, chunk_length=len(beeps))
    for chunk in (79, 160, 1280, 4096, RANDOM_CHUNKS):
        assert np.array_equal(replay(BEEP, beeps, runtime, chunk_length=chunk), whole)


def test_every_step_of_the_recording_is_there(beeps):
    metadata = read_artefact(BEEP).metadata
    frames = metadata.front_end.num_frames(len(beeps))
    with Detector.open(BEEP) as detector:
        steps = joined((detector.steps(beeps), detector.last_steps())).posteriors
        assert detector.num_steps == metadata.network.num_steps(frames)
    silence = FLUSH_SECONDS / metadata.step_seconds
    assert len(steps) - metadata.network.num_steps(frames) == pytest.approx(silence, abs=1)


def test_the_interpreters_agree(beeps):
    if len(installed_runtimes()) < 2:
        pytest.skip("only one TFLite interpreter is installed")
    first, second = (replay(BEEP, beeps, runtime) for runtime in installed_runtimes())
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_detections_have_times_in_audio(beeps):
    with Detector.open(BEEP) as detector:
        found = detector.process(beeps) + detector.flush()
    assert [detection.label for detection in found] == ["beep"] * 4
    times = [detection.time_seconds for detection in found]
    assert times == pytest.approx([1.15, 4.15, 7.15, 10.15], abs=0.15)


def test_another_rate_gives_the_same_detections(beeps):
    loud = soxr.resample(beeps, RATE, 48000)
    with Detector.open(BEEP) as slow, Detector.open(BEEP, sample_rate_hz=48000) as fast:
        expected = [d.time_seconds for d in slow.process(beeps) + slow.flush()]
        found = [d.time_seconds for d in fast.process(loud) + fast.flush()]
    assert found == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("rate_hz", [16000, 48000])
def test_a_word_at_the_very_end_is_heard_by_flush(beeps, rate_hz):
    cut = beeps[: round(1.06 * RATE)]  # just begun
    samples = cut if rate_hz == RATE else soxr.resample(cut, RATE, rate_hz)
    with Detector.open(BEEP, sample_rate_hz=rate_hz) as detector:
        assert detector.process(samples) == []
        (found,) = detector.flush()
    assert 1.0 < found.time_seconds <= len(samples) / rate_hz


@pytest.mark.parametrize("dtype", ["<i2", ">i2", "<f4", ">f4", "<f8"])
def test_samples_of_other_libraries_are_heard_alike(beeps, dtype):
    scale = 1 if "i2" in dtype else 32768
    with Detector.open(BEEP) as detector:
        expected = detector.process(beeps)
        detector.reset()
        assert detector.process((beeps / scale).astype(dtype)) == expected


WRONG_SAMPLES = {
    "int32": (lambda x: x.astype(np.int32), "int16, or float32"),
    "uint8": (lambda x: x.astype(np.uint8), "int16, or float32"),
    "uint16": (lambda x: x.astype(np.uint16), "int16, or float32"),
    "complex": (lambda x: x.astype(complex), "int16, or float32"),
    "object": (lambda x: x.astype(object), "int16, or float32"),
    "float in int16 range": (lambda x: x.astype(np.float32), "from -1 to 1"),
    "not a number": (lambda x: x * np.nan, "from -1 to 1"),
    "stereo": (lambda x: np.stack((x, x), axis=1), r"\[n\].*samples\[:, 0\]"),
    "column": (lambda x: x[:, None], r"\[n\].*samples\[:, 0\]"),
    "scalar": (lambda x: np.array(x[0]), r"\[n\]"),
    "bytes": (lambda x: x.tobytes(), "frombuffer"),
    "memoryview": (lambda x: memoryview(x), "numpy array"),
    "list": (lambda x: x.tolist(), "numpy array"),
    "nothing": (lambda x: None, "numpy array"),
}


@pytest.mark.parametrize("kind", WRONG_SAMPLES)
def test_samples_that_would_not_be_heard_are_refused(beeps, kind):
    change, expected = WRONG_SAMPLES[kind]
    with Detector.open(BEEP) as detector, pytest.raises(AudioError, match=expected) as caught:
        detector.process(change(beeps))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("rate_hz", [0, -1, 7999, 400_000])
def test_a_sample_rate_out_of_range_is_refused(rate_hz):
    with pytest.raises(AudioError, match="8000 to 384000"):
        Detector.open(BEEP, sample_rate_hz=rate_hz)


def test_reset_begins_at_time_0(beeps):
    with Detector.open(BEEP) as detector:
        first = detector.process(beeps)
        detector.reset()
        assert detector.process(beeps) == first


def test_less_than_a_frame_gives_nothing():
    with Detector.open(BEEP) as detector:
        assert detector.process(np.zeros(100, np.int16)) == []
        assert detector.flush() == []


def test_a_threshold_out_of_range_is_refused():
    with pytest.raises(SettingsError, match=r"threshold is 2\.0; the most is 1"):
        Detector.open(BEEP, threshold=2.0)


def test_a_runtime_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr("firmware_py.interpreter.installed_runtimes", list)
    with pytest.raises(MissingToolError, match="pip install"):
        NetworkStream(read_artefact(BEEP))


def test_a_model_that_wants_the_whole_clip_refuses_a_live_stream(tmp_path):
    from dataclasses import replace

    from firmware_py.artefact import pack_artefact
    from firmware_py.level import ClipLevel

    artefact = read_artefact(BEEP)
    front_end = replace(artefact.metadata.front_end, clip_level=ClipLevel(-20.0))
    path = tmp_path / "clip.tflite"
    metadata = replace(artefact.metadata, front_end=front_end)
    path.write_bytes(pack_artefact(artefact.flatbuffer, metadata))
    with pytest.raises(ArtefactError, match="level of the whole clip"):
        Detector.open(path)
