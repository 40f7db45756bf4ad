"""From a trained network to artefacts with policies chosen on what took no part in training."""

import json
import logging
import shutil
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from convert.conversion import convert
from convert.errors import ParityError
from convert.verifier import VerifierChoice
from firmware_py.artefact import Artefact, Mode, read_artefact
from models.clips.noise import coloured_noise
from models.evaluation import (
    Evaluation,
    Setting,
    calibrate,
    collect,
    evaluate,
    write_operating_points,
)
from models.evaluation.collect import trigger_policy
from models.evaluation.conditions import AS_RECORDED
from models.evaluation.fitness import carried_targets, refuse_deaf
from models.evaluation.report.folder import write_report
from models.evaluation.results import DEFAULT, SENSITIVE, STRICT
from models.own_word.learning import NOT_SPEECH, first_config
from models.own_word.request import Request
from models.own_word.source_folders import CARRIED, NEAR_BANK, SENTENCES, TAKES, WORDS
from models.own_word.speech import TEST_FOLDS
from models.recordings.folds import in_folds
from models.recordings.sources import sound_files
from models.replacing import replacing
from models.training.run_folder import VERIFIER

MODES: dict[str, Mode] = {"": "float16", "-int8": "weight-int8"}
"""Artefacts by what their names end in; the first is the one to use."""
SECOND_STAGE_MODE: Mode = "float16"
"""It seldom runs, and is small."""
STRICTER, MORE_SENSITIVE = 5.0, 4.0
"""By how much the two other operating points differ in false accepts an hour."""

NOISE = "noise"
NOISE_CLIPS, NOISE_SECONDS, NOISE_RATE_HZ = 4, 20, 16000
CONVERTED = "converted.txt"
JUDGEMENT = "judgement.json"
REPORT = "report"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NearMisses:
    """How many phrases near to the word set the model off."""

    fired: int
    tried: int


def convert_all(request: Request, network: Path) -> None:
    """Write the artefacts, not yet judged, and note which; one that fails its proof of parity
    is left out.

    Raises ParityError when the first one fails.
    """
    written: list[str] = []
    verifier = VerifierChoice(network.with_name(VERIFIER), mode=SECOND_STAGE_MODE)
    for suffix, mode in MODES.items():
        out = request.work / f"{request.name}{suffix}.tflite"
        try:
            convert(network, out, mode=mode, verifier=verifier)
        except ParityError as error:
            if not written:
                raise
            log.warning("left out: %s", error)
            out.unlink(missing_ok=True)
            continue
        written.append(out.name)
    (request.work / CONVERTED).write_text("\n".join(written) + "\n", encoding="utf-8")


def converted(request: Request) -> list[Path]:
    """Return the artefacts as they were converted, the one to use first; none before that."""
    path = request.work / CONVERTED
    if not path.exists():
        return []
    return [request.work / name for name in path.read_text(encoding="utf-8").splitlines()]


def artefacts(request: Request) -> list[Path]:
    """Return the artefacts that were judged and handed over, the one to use first."""
    return [request.out / path.name for path in converted(request)]


def choose_policies(request: Request, path: Path, executor: Executor, thorough: bool) -> Evaluation:
    """Choose the policies of an artefact, write them into it and return the evaluation.

    thorough: try it in noise too, and write the report.
    Raises UnfitModelError when it misses most of the words.
    """
    artefact = read_artefact(path)
    setting = Setting()
    if thorough:
        setting = Setting(noise=_noise(request), snrs_db=request.preset.snrs_db)
    heard = collect(artefact, _positives(request), _negatives(request), setting, executor)
    rate = request.false_accepts_per_hour
    wanted = {STRICT: rate / STRICTER, DEFAULT: rate, SENSITIVE: rate * MORE_SENSITIVE}
    targets = carried_targets(heard.hours_in(AS_RECORDED), wanted)
    # Without real speech no threshold is below the default model's.
    least = 0.0 if request.negatives else first_config(request).trigger.threshold
    chosen = calibrate(heard, trigger_policy(artefact), targets, least=least)
    refuse_deaf(chosen[DEFAULT])
    write_operating_points(artefact, chosen, targets)
    if thorough:
        write_report(chosen[DEFAULT], request.out / REPORT)
    return chosen[DEFAULT]


def try_near_misses(request: Request, artefact: Artefact, executor: Executor) -> NearMisses:
    """Say phrases near to the word to the model, one by one, at its chosen policy."""
    near = request.bank("test", NEAR_BANK)
    point = evaluate(artefact, [near], [near], executor=executor).point
    return NearMisses(point.positives - point.misses, point.positives)


def judge_all(request: Request, executor: Executor) -> None:
    """Judge every artefact, the first thoroughly, note what its near misses did, and hand over.

    Raises UnfitModelError for one that misses most of the words; then none is handed over.
    """
    for path in artefacts(request):
        path.unlink(missing_ok=True)  # of an earlier judgement
    first, *others = converted(request)
    choose_policies(request, first, executor, thorough=True)
    for other in others:
        choose_policies(request, other, executor, thorough=False)
    near = try_near_misses(request, read_artefact(first), executor)
    for path, out in zip(converted(request), artefacts(request), strict=True):
        with replacing(out) as part:
            shutil.copyfile(path, part)
    found = {"target": request.false_accepts_per_hour, **asdict(near)}
    (request.work / JUDGEMENT).write_text(json.dumps(found) + "\n", encoding="utf-8")


def near_misses(request: Request) -> NearMisses | None:
    """Return what `judge_all` noted for this rate of false accepts; None: not judged yet."""
    path = request.work / JUDGEMENT
    if not path.exists():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    if found.pop("target") != request.false_accepts_per_hour:
        return None
    return NearMisses(**found)


def _positives(request: Request) -> list[Path]:
    folders = [request.bank("test", WORDS), request.bank("test", CARRIED)]
    takes = request.bank("test", TAKES)
    return [*folders, takes] if any(sound_files(takes)) else folders


def _negatives(request: Request) -> list[Path]:
    """Return the folder of test sentences, and the real recordings that did not train."""
    real = (path for folder in request.negatives for path in sound_files(folder, (), NOT_SPEECH))
    return [request.bank("test", SENTENCES), *in_folds(real, TEST_FOLDS)]


def _noise(request: Request) -> tuple[Path, ...]:
    """Return the folders of noise to try the model in; made noise where none was given."""
    if request.noise:
        return request.noise
    folder = request.bank("test", NOISE)
    folder.mkdir(parents=True, exist_ok=True)
    for name, samples in _made_noise(request.seed):
        soundfile.write(folder / name, samples, NOISE_RATE_HZ, "PCM_16")
    return (folder,)


def _made_noise(seed: int) -> Iterator[tuple[str, NDArray[np.int16]]]:
    rng = np.random.RandomState(seed)
    for number in range(NOISE_CLIPS):
        samples = coloured_noise(rng, NOISE_SECONDS * NOISE_RATE_HZ)
        yield f"noise-{number}.flac", np.rint(samples).astype(np.int16)
