"""Several models on one stream decide as each would alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from firmware_py import Detector
from firmware_py.artefact import Artefact, read_artefact
from firmware_py.ensemble import Ensemble, Model, listening_rate_hz
from firmware_py.errors import ArtefactError, SettingsError
from firmware_py.front_end import FrontEndStream
from firmware_py.level import ClipLevel

DATA = Path(__file__).parent / "data"


def tones(rate_hz: int = 16000) -> NDArray[np.int16]:
    """Return 12 s of faint noise with beeps at 2 and 7 s and hoots at 4 and 9 s."""
    times = np.arange(12 * rate_hz) / rate_hz
    samples = np.random.default_rng(5).normal(0, 60, len(times))
    for start, pitch_hz in ((2, 1175), (4, 440), (7, 1175), (9, 440)):
        heard = (times >= start) & (times < start + 0.25)
        samples[heard] += 3000 * np.sin(2 * np.pi * pitch_hz * times[heard])
    return np.rint(samples).astype(np.int16)


def model(name: str) -> Model:
    artefact = read_artefact(DATA / f"{name}.tflite")
    return Model(artefact, artefact.metadata.trigger)


def with_front_end(artefact: Artefact, **changes: object) -> Artefact:
    metadata = artefact.metadata
    front_end = replace(metadata.front_end, **changes)  # type: ignore[arg-type]
    return replace(artefact, metadata=replace(metadata, front_end=front_end))


@pytest.mark.parametrize("rate_hz", [16000, 44100])
@pytest.mark.parametrize("length", [397, 4096, 10**6])
def test_same_as_each_model_alone(rate_hz: int, length: int) -> None:
    models = [model("beep"), model("hoot")]
    samples = tones(rate_hz)
    ensemble = Ensemble(models, rate_hz)
    hits = []
    for start in range(0, len(samples), length):
        hits += ensemble.process(samples[start : start + length])
    for each in models:
        alone = Detector(each.artefact, sample_rate_hz=rate_hz).process(samples)
        assert len(alone) == 2
        assert [hit.detection for hit in hits if hit.model is each] == alone
    assert [hit.model.name for hit in hits] == ["beep", "hoot", "beep", "hoot"]


def test_one_front_end_for_models_that_differ_in_normalisation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []
    features = FrontEndStream.features

    def counted(stream: FrontEndStream, chunk: NDArray[np.int16]) -> NDArray[np.float64]:
        calls.append(len(chunk))
        return features(stream, chunk)

    monkeypatch.setattr(FrontEndStream, "features", counted)
    scaled = with_front_end(read_artefact(DATA / "hoot.tflite"), mean=(-3.0,) * 24)
    models = [model("beep"), model("hoot"), Model(scaled, scaled.metadata.trigger)]
    hits = Ensemble(models, 16000).process(tones())
    assert len(calls) == 1
    assert [hit.detection for hit in hits if hit.model is models[2]] == Detector(scaled).process(
        tones()
    )


def test_samples_needed_are_what_the_next_call_takes() -> None:
    ensemble = Ensemble([model("beep")], 16000)
    artefact = read_artefact(DATA / "beep.tflite")
    detector = Detector(artefact)
    samples = tones()
    for _ in range(20):
        needed = ensemble.samples_needed
        assert not len(detector.steps(samples[: needed - 1]).scores)
        assert len(detector.steps(samples[needed - 1 : needed]).scores) == 2
        ensemble.process(samples[:needed])
        samples = samples[needed:]


def test_samples_needed_with_a_summed_front_end() -> None:
    artefact = with_front_end(read_artefact(DATA / "beep.tflite"), sum_frames=3)
    ensemble = Ensemble([Model(artefact, artefact.metadata.trigger)], 16000)
    detector = Detector(artefact)
    for _ in range(3):
        needed = ensemble.samples_needed
        assert not len(detector.steps(np.ones(needed - 1, np.int16)).scores)
        assert len(detector.steps(np.ones(1, np.int16)).scores) == 2
        ensemble.process(np.ones(needed, np.int16))


def test_listens_at_the_highest_rate() -> None:
    fast = with_front_end(read_artefact(DATA / "hoot.tflite"), sample_rate_hz=44100)
    models = [model("beep"), Model(fast, fast.metadata.trigger)]
    assert listening_rate_hz(models) == 44100


def test_refuses_no_model_and_clip_level() -> None:
    with pytest.raises(SettingsError, match="no model"):
        Ensemble([], 16000)
    clip = with_front_end(read_artefact(DATA / "beep.tflite"), clip_level=ClipLevel())
    with pytest.raises(ArtefactError, match="level of the whole clip"):
        Ensemble([Model(clip, clip.metadata.trigger)], 16000)


def test_refractory_in_seconds() -> None:
    assert model("beep").refractory_seconds == pytest.approx(0.4)


def test_reset_begins_at_time_0() -> None:
    ensemble = Ensemble([model("beep"), model("hoot"), model("long-beep")], 44100)
    first = ensemble.process(tones(44100))
    ensemble.process(tones(44100)[:12345])
    ensemble.reset()
    again = ensemble.process(tones(44100))
    assert [hit.detection for hit in again] == [hit.detection for hit in first]
    assert first
