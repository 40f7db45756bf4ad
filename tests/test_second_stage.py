"""An artefact with a second stage: exact for every chunking, refused when it is damaged.

`long-beep` hears a tone as `beep` does, and its verifier wants the tone to last 0.4 s.
"""

import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from firmware_py import Detector
from firmware_py.__main__ import main
from firmware_py.artefact import (
    DEFAULT_MODEL,
    Artefact,
    pack_artefact,
    parse_artefact,
    read_artefact,
)
from firmware_py.bench.table import describe_second_stage
from firmware_py.bench.trial import SecondStageCost
from firmware_py.ensemble import Ensemble, Model
from firmware_py.errors import ArtefactError
from firmware_py.flatbuffer_check import check_flatbuffer
from firmware_py.front_end import frames_of
from firmware_py.installation.trial import try_out
from firmware_py.interpreter import Runtime, States, VerifierNetwork, installed_runtimes
from firmware_py.live.metrics.measurements import second_stage_metrics
from firmware_py.policies.candidates import Counts
from firmware_py.reading.model_file import VERIFIER_NAME
from firmware_py.streaming.frame_detector import FrameDetector, joined
from firmware_py.streaming.second_stage import SecondStage

DATA = Path(__file__).parent / "data"
LONG_BEEP, BEEP = DATA / "long-beep.tflite", DATA / "beep.tflite"
RATE = 16000
TONES = ((1.0, 0.2), (3.0, 0.6), (5.0, 0.25), (7.0, 0.5), (9.0, 1.5), (11.2, 0.2))
"""Start and length in seconds."""


def tones() -> NDArray[np.int16]:
    """Return 12 s of faint noise with short and long tones."""
    times = np.arange(12 * RATE) / RATE
    samples = np.random.default_rng(3).normal(0, 30, len(times))
    for start, length in TONES:
        heard = (times >= start) & (times < start + length)
        samples[heard] += 6000 * np.sin(2 * np.pi * 1175 * times[heard])
    return np.rint(samples).astype(np.int16)


def test_short_tones_are_refused() -> None:
    with Detector.open(BEEP) as first, Detector.open(LONG_BEEP) as both:
        assert len(first.process(tones()) + first.flush()) == len(TONES)
        found = both.process(tones()) + both.flush()
    ends = [start + 0.4 for start, length in TONES if length >= 0.4]
    assert [each.time_seconds for each in found] == pytest.approx(ends, abs=0.2)
    assert all(0.999 < each.score < 1.0 for each in found)


STREAM = """
import sys
import numpy as np
from firmware_py import Detector
from firmware_py.__main__ import main
from firmware_py.streaming.frame_detector import joined
audio, out, runtime, length = sys.argv[1:]
samples, length = np.load(audio), int(length)
detector = Detector.open("MODEL", runtime=runtime)
steps = joined(
    (
        *(detector.steps(samples[at : at + length]) for at in range(0, len(samples), length)),
        detector.last_steps(),
    )
)
np.savez(out, scores=steps.scores, posteriors=steps.posteriors)
""".replace("MODEL", str(LONG_BEEP))


def streamed(folder: Path, runtime: Runtime, length: int) -> dict[str, NDArray[np.float32]]:
    """Return posteriors and scores, in a fresh process: TensorFlow spoils tflite-runtime."""
    np.save(folder / "audio.npy", tones())
    out = folder / "steps.npz"
    command = [sys.executable, "-c", STREAM, str(folder / "audio.npy"), str(out), runtime]
    subprocess.run([*command, str(length)], check=True, cwd=Path(__file__).parent.parent)
    with np.load(out) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("runtime", installed_runtimes())
def test_scores_do_not_depend_on_chunks(tmp_path: Path, runtime: Runtime) -> None:
    whole = streamed(tmp_path, runtime, 10**6)
    assert 0.05 < (whole["scores"] > 0.5).mean() < 0.5
    for length in (157, 160, 1280, 4096):
        parts = streamed(tmp_path, runtime, length)
        np.testing.assert_array_equal(parts["posteriors"], whole["posteriors"])
        np.testing.assert_array_equal(parts["scores"], whole["scores"])


def test_the_interpreters_agree(tmp_path: Path) -> None:
    first, *others = (
        streamed(tmp_path, runtime, 1280)["scores"] for runtime in installed_runtimes()
    )
    for other in others:
        np.testing.assert_allclose(other, first, atol=1e-4)


def test_looks_see_the_frames_that_end_at_their_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also at the start of a stream, here with a tone, where the first frame is repeated."""
    seen = []
    process = VerifierNetwork.process

    def noted(
        network: VerifierNetwork, frames: NDArray[np.float32], states: States | None
    ) -> tuple[NDArray[np.float32], States]:
        seen.append(frames.copy())
        return process(network, frames, states)

    monkeypatch.setattr(VerifierNetwork, "process", noted)
    artefact = read_artefact(LONG_BEEP)
    metadata = artefact.metadata
    assert metadata.verifier
    eager = replace(metadata.verifier, looks=1000, spacing=1)
    artefact = replace(artefact, metadata=replace(metadata, verifier=eager))
    frames = frames_of(metadata.front_end, tones()[RATE : 3 * RATE])
    detector = FrameDetector(artefact, metadata.trigger)
    steps = joined((detector.steps(frames), detector.last_steps()))
    network = metadata.network
    assert len(seen) == len(steps.scores) == network.num_steps(len(frames))
    padded = np.concatenate((np.repeat(frames[:1], eager.frames, axis=0), frames))
    for step, found in enumerate(seen):
        end = eager.frames + step * network.stride + network.kernel_size
        np.testing.assert_array_equal(found, padded[end - eager.frames : end])


def test_silence_costs_no_look_and_reset_forgets() -> None:
    artefact = read_artefact(LONG_BEEP)
    detector = FrameDetector(artefact, artefact.metadata.trigger)
    front_end = artefact.metadata.front_end
    quiet = frames_of(front_end, np.random.default_rng(0).normal(0, 30, 4 * RATE).astype(np.int16))
    assert not detector.steps(quiet).scores.any()
    second = detector.second
    assert second
    assert (second.counts, second.looks) == ({"beep": Counts()}, 0)
    detector.reset()
    loud = frames_of(front_end, tones())
    first = detector.steps(loud).scores
    assert second.counts == {"beep": Counts(candidates=6, refused=3)}
    looks = second.looks
    assert looks >= 6 * 3
    detector.reset()
    np.testing.assert_array_equal(detector.steps(loud).scores, first)
    assert second.looks == 2 * looks


@pytest.mark.parametrize("runtime", installed_runtimes())
def test_looks_that_go_on_say_what_looks_from_the_beginning_say(
    monkeypatch: pytest.MonkeyPatch, runtime: Runtime
) -> None:
    """To the last bit: of two frames that are the same the shipped model says the same."""
    if runtime == "tflite-runtime" and "tensorflow" in sys.modules:
        # It cannot load a model any more in a process that has imported TensorFlow.
        name = f"test_looks_that_go_on_say_what_looks_from_the_beginning_say[{runtime}]"
        run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        subprocess.run([*run, f"{__file__}::{name}"], check=True)
        return
    artefact = read_artefact(DEFAULT_MODEL)
    verifier, network = artefact.metadata.verifier, artefact.metadata.network
    assert verifier
    rng = np.random.default_rng(5)
    frames = rng.normal(0, 1, (60, network.frames_per_call, 40)).astype(np.float32)
    posteriors = np.where(rng.random((60, 2, 1)) < 0.15, 0.5, 0.01).astype(np.float32)
    lengths = []
    process = VerifierNetwork.process

    def noted(
        network: VerifierNetwork, frames: NDArray[np.float32], states: States | None
    ) -> tuple[NDArray[np.float32], States]:
        lengths.append(len(frames))
        return process(network, frames, states)

    def from_the_beginning(
        network: VerifierNetwork, frames: NDArray[np.float32], _: States | None
    ) -> tuple[NDArray[np.float32], States]:
        lengths.append(len(frames))
        return process(network, frames)[0], ()

    def scores() -> NDArray[np.float32]:
        lengths.clear()
        second = SecondStage(artefact, verifier, 0.5, runtime)
        return np.concatenate(list(map(second.process, frames, posteriors)))

    monkeypatch.setattr(VerifierNetwork, "process", noted)
    found = scores()
    assert len(np.unique(found)) > 10
    assert len(lengths) == lengths.count(verifier.frames) + lengths.count(12)
    assert min(lengths.count(verifier.frames), lengths.count(12)) > 5
    monkeypatch.setattr(VerifierNetwork, "process", from_the_beginning)
    np.testing.assert_array_equal(scores(), found)
    assert set(lengths) == {verifier.frames}


def test_packing_what_was_read_gives_the_same_bytes() -> None:
    artefact = read_artefact(LONG_BEEP)
    assert artefact.verifier
    assert artefact.metadata.schema_version == 2
    content = pack_artefact(artefact.flatbuffer, artefact.metadata, artefact.verifier)
    assert content == LONG_BEEP.read_bytes()
    with zipfile.ZipFile(LONG_BEEP) as archive:
        assert archive.read(VERIFIER_NAME) == artefact.verifier
    with pytest.raises(ValueError, match="belong together"):
        pack_artefact(artefact.flatbuffer, artefact.metadata)


def changed(change: str) -> bytes:
    """Return the bytes of `long-beep` with its verifier removed or damaged."""
    artefact = read_artefact(LONG_BEEP)
    assert artefact.verifier
    buffer = io.BytesIO(artefact.flatbuffer)
    with zipfile.ZipFile(LONG_BEEP) as old, zipfile.ZipFile(buffer, "a") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == VERIFIER_NAME and change == "removed":
                continue
            if name == VERIFIER_NAME and change == "damaged":
                content = content[:-1] + bytes([content[-1] ^ 1])
            new.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("change", "message"), [("removed", f"no {VERIFIER_NAME}"), ("damaged", "digest")]
)
def test_a_damaged_verifier_is_one_line(change: str, message: str) -> None:
    with pytest.raises(ArtefactError, match=message) as caught:
        parse_artefact(changed(change), Path("damaged.tflite"))
    assert "damaged.tflite: " in str(caught.value)
    assert "\n" not in str(caught.value)


def described(**changes: object) -> Artefact:
    """Return `long-beep` with other metadata of its verifier."""
    artefact = read_artefact(LONG_BEEP)
    assert artefact.metadata.verifier
    verifier = replace(artefact.metadata.verifier, **changes)  # type: ignore[arg-type]
    return replace(artefact, metadata=replace(artefact.metadata, verifier=verifier))


def test_a_verifier_that_its_metadata_do_not_describe_is_refused() -> None:
    with pytest.raises(ArtefactError, match=r"tensor 'frames' is float32 \[1, 50, 24\], not"):
        Detector(described(frames=60))
    first_stage_twice = replace(described(), verifier=read_artefact(BEEP).flatbuffer)
    with pytest.raises(ArtefactError, match="model and metadata differ"):
        Detector(first_stage_twice)


def test_looks_are_bounded_in_what_they_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network within bounds that is run at every step would stop everything else."""
    artefact = described()
    assert artefact.verifier
    content = artefact.repacked(artefact.metadata)
    cost = check_flatbuffer(artefact.verifier) * artefact.metadata.most_verifier_calls
    monkeypatch.setattr("firmware_py.artefact.file.MOST_MULTIPLICATIONS", cost)
    parse_artefact(content, LONG_BEEP)
    monkeypatch.setattr("firmware_py.artefact.file.MOST_MULTIPLICATIONS", cost - 1)
    with pytest.raises(ArtefactError, match=r"may take .* a call; .*more steps from look to look"):
        parse_artefact(content, LONG_BEEP)


def test_trying_a_model_out_runs_its_verifier(monkeypatch: pytest.MonkeyPatch) -> None:
    try_out(read_artefact(LONG_BEEP))
    nothing = np.full(1, np.nan, np.float32)
    monkeypatch.setattr(VerifierNetwork, "process", lambda *_: (nothing, ()))
    with pytest.raises(ArtefactError, match="gives no numbers"):
        try_out(read_artefact(LONG_BEEP))


def test_metrics_tell_how_often_it_was_called_and_what_it_refused() -> None:
    artefact = read_artefact(LONG_BEEP)
    ensemble = Ensemble([Model(artefact, artefact.metadata.trigger)], RATE)
    assert len(ensemble.process(tones())) == 3
    metrics = {each.name: each.value for each in second_stage_metrics(ensemble.second_stages)}
    looks = metrics.pop("trigger_word_looks_total")
    assert metrics == {
        "trigger_word_candidates_total": [("beep", 6)],
        "trigger_word_candidates_refused_total": [("beep", 3)],
    }
    assert looks == ensemble.second_stages[0].looks >= 18
    single = read_artefact(BEEP)
    ensemble = Ensemble([Model(single, single.metadata.trigger)], RATE)
    assert second_stage_metrics(ensemble.second_stages) == []


def test_commands_tell_both_stages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(LONG_BEEP)]) == 0
    shown = capsys.readouterr().out
    assert "second stage  from 0.2 on (mean of 1), the last 0.5 s every 120 ms" in shown
    soundfile.write(tmp_path / "tones.wav", tones(), RATE)
    arguments = ["bench", str(LONG_BEEP), "--audio", str(tmp_path / "tones.wav"), "--json"]
    assert main([*arguments, "--seconds", "1"]) == 0
    for line in capsys.readouterr().out.splitlines():
        cost = json.loads(line)["second_stage"]
        assert cost["candidates"] == 6
        assert cost["looks"] >= 18
        assert min(cost["first_look_ms"], cost["next_look_ms"]) > 0
    assert describe_second_stage(SecondStageCost(1.5, 0.25, 4, 12)) == (
        "second stage: 1.50 ms a first look, 0.25 ms a further one; 12 looks at 4 candidates, 2.00"
        " ms a candidate"
    )


def test_another_second_stage_is_another_model() -> None:
    metadata = read_artefact(LONG_BEEP).metadata
    single = replace(metadata, verifier=None)
    assert single.digest == single.sha256
    assert metadata.verifier
    other = replace(metadata, verifier=replace(metadata.verifier, sha256="0" * 64))
    sooner = replace(metadata, verifier=replace(metadata.verifier, spacing=1))
    digests = {each.digest for each in (single, metadata, other, sooner)}
    assert len(digests) == 4
