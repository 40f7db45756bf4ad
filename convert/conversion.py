"""From a trained network to an artefact that has been proved equal to it."""

import json
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import ParityError
from convert.material import audio_from_files, audio_paths, frames, made_audio
from convert.modes import convert_step
from convert.parity import ParityReport, measure_looks, measure_parity
from convert.reading.trained import Trained, check_own_forward, read_trained
from convert.step import StepModule
from convert.verifier import VerifierChoice, read_verifier
from convert.window import WindowModule
from firmware_py.artefact import FIRST_SCHEMA_VERSION, Metadata, Mode, StepNetwork, pack_artefact
from firmware_py.errors import SettingsError
from firmware_py.front_end import FrontEnd
from models.settings.config import Config
from models.settings.network import WindowNetwork

CALL_SECONDS = 0.08
"""The audio that one call covers at most when no number of steps is asked for."""

PARITY_SEED, CALIBRATION_SEED = 1, 2

log = logging.getLogger(__name__)


def convert(
    model_path: Path,
    out: Path,
    *,
    mode: Mode = "float32",
    num_steps: int | None = None,
    config_path: Path | None = None,
    architecture: str | None = None,
    calibration: Sequence[Path] = (),
    parity_audio: Sequence[Path] = (),
    verifier: VerifierChoice | None = None,
) -> ParityReport:
    """Write the artefact of a trained network to `out` and return how exact it is.

    verifier: the second stage, if there is one; it is proved equal to its network likewise.
    The same inputs give the same bytes. Raises ParityError, and writes nothing, when the artefact
    is past the limit of its mode.
    """
    _check_place(out, model_path)
    log.info("reading %s", model_path)
    trained = read_trained(model_path, config_path, architecture)
    front_end = trained.config.front_end
    audio = _audio(parity_audio, front_end, PARITY_SEED)
    check_own_forward(trained, frames(front_end, audio))
    step = step_module(trained, num_steps)
    log.info("converting to %s, %d steps per call", mode, step.num_steps)

    def calibration_frames() -> NDArray[np.float32]:
        return frames(front_end, _audio(calibration, front_end, CALIBRATION_SEED))

    flatbuffer = convert_step(step, mode, calibration_frames)
    metadata = describe(trained, step, mode)
    second = look = None
    if verifier:
        log.info("reading %s", verifier.path)
        look = read_verifier(verifier, trained.config)
        metadata = replace(
            metadata, verifier=verifier.describe(look, trained.config.verifier, mode)
        )
        second = convert_step(look, verifier.mode or mode, calibration_frames)
    content = pack_artefact(flatbuffer, metadata, second)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as folder:
        candidate = Path(folder, out.name)
        candidate.write_bytes(content)
        log.info("streaming %.0f s of audio through it", len(audio) / front_end.sample_rate_hz)
        looks = None
        if verifier and look:
            looks = measure_looks(candidate, verifier.mode or mode, look, front_end, audio)
        report = measure_parity(candidate, mode, trained.model, front_end, audio)
        try:
            report.check()
        except ParityError as error:
            passing = _passing_mode(trained, step, mode, Path(folder, "other.tflite"), audio)
            raise ParityError(f"{error}; {passing}") if passing else error from None
        report = replace(report, verifier=looks)
        report.check()
        candidate.replace(out)
    return report


def _passing_mode(
    trained: Trained,
    step: StepModule | WindowModule,
    failed: Mode,
    candidate: Path,
    audio: NDArray[np.int16],
) -> str:
    """Return which exacter mode the network passes in; empty: in none."""
    exacter: Sequence[Mode] = ("float16", "float32")
    for mode in exacter[exacter.index(failed) + 1 :] if failed in exacter else exacter:
        log.info("trying %s", mode)
        flatbuffer = convert_step(step, mode, _no_frames)
        candidate.write_bytes(pack_artefact(flatbuffer, describe(trained, step, mode)))
        try:
            measure_parity(candidate, mode, trained.model, trained.config.front_end, audio).check()
        except ParityError:
            continue
        return f"--mode {mode} passes"
    return ""


def step_module(trained: Trained, num_steps: int | None) -> StepModule | WindowModule:
    """Return the network as it is streamed; num_steps: a call, None: `default_num_steps`.

    Raises SettingsError for several steps a call of a window network, which takes one.
    """
    network = trained.config.network
    if isinstance(network, WindowNetwork):
        if num_steps not in (None, 1):
            raise SettingsError(f"--steps is {num_steps}; a window network takes one step a call")
        return WindowModule(trained.weights, network, trained.config.front_end.num_bins)
    return StepModule(trained.weights, num_steps or default_num_steps(trained.config))


def default_num_steps(config: Config) -> int:
    """Return as many steps a call as fit into `CALL_SECONDS` of audio, one at least."""
    step_seconds = config.network.stride * config.front_end.frame_seconds
    return max(1, int(CALL_SECONDS / step_seconds + 1e-9))


def describe(trained: Trained, step: StepModule | WindowModule, mode: Mode) -> Metadata:
    """Return the artefact's metadata; `pack_artefact` sets digest and schema version.

    `training.json` and `evaluation.json` beside the model go in as they are, where they are.
    """
    config = trained.config
    return Metadata(
        schema_version=FIRST_SCHEMA_VERSION,
        name=config.name,
        mode=mode,
        labels=config.labels,
        front_end=config.front_end,
        network=StepNetwork(
            stride=step.stride,
            kernel_size=step.kernel_size,
            steps_per_call=step.num_steps,
            tensors=step.tensors,
        ),
        trigger=config.trigger,
        sha256="",
        evaluation=_json_beside(trained.path, "evaluation.json"),
        training=_json_beside(trained.path, "training.json"),
    )


def _json_beside(model_path: Path, name: str) -> dict[str, Any]:
    path = model_path.with_name(name)
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise SettingsError(f"{path}: this is not valid JSON ({error}); write it again") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: this is not a JSON object; write it again")
    return content


def _audio(sources: Sequence[Path], front_end: FrontEnd, seed: int) -> NDArray[np.int16]:
    if sources:
        return audio_from_files(audio_paths(sources), front_end.sample_rate_hz)
    return made_audio(front_end.sample_rate_hz, seed)


def _check_place(out: Path, model_path: Path) -> None:
    """Raise SettingsError before the work rather than after it."""
    if out.resolve() == model_path.resolve():
        raise SettingsError(f"{out}: this is the network itself; write to another file")
    if out.is_dir():
        raise SettingsError(f"{out}: this is a folder; name a file in it with -o OUT.tflite")
    if not out.parent.is_dir():
        raise SettingsError(f"{out}: there is no folder {out.parent}; make it first")


def _no_frames() -> NDArray[np.float32]:
    raise AssertionError("modes of floats are fitted to nothing")
