"""The whole way: clips placed, network tuned, converted, judged; kept when it is no worse."""

import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from convert.conversion import convert
from firmware_py.artefact import read_artefact
from models.evaluation import assess
from models.evaluation.operating_points import write_operating_points
from models.evaluation.results import DEFAULT, point_mapping
from models.own_word.improve import before_and_after, fine_tuning
from models.own_word.improve.before_and_after import Score
from models.own_word.improve.labelled import as_folder, divide, read_labelled
from models.own_word.improve.placing import write_takes
from models.own_word.improve.request import UNPACKED, Improvement
from models.own_word.work_folder import at_work
from models.replacing import replacing
from models.training.run_folder import BEST_MODEL, CONFIG, RECORD

RESULT = "improvement.json"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TeachingResult:
    """What came of it."""

    model: str
    """The artefact: the new one, or where it was refused the one there was."""
    reasons_against: tuple[str, ...]
    """In what the new model was worse; empty: it was kept."""
    clips: Mapping[str, int]
    """How many trained and how many were kept out, by what they hold."""
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def teach(improvement: Improvement, executor: Executor) -> TeachingResult:
    """Return what came of it, from where an earlier run stopped; `out` holds what was kept."""
    with at_work(improvement.out, improvement.asked()) as work:
        path = work / RESULT
        if not path.exists():
            result = _teach(improvement, executor)
            with replacing(path) as part:
                part.write_text(json.dumps(asdict(result), indent=1) + "\n", encoding="utf-8")
        found = json.loads(path.read_text(encoding="utf-8"))
    return TeachingResult(**found | {"reasons_against": tuple(found["reasons_against"])})


def _teach(improvement: Improvement, executor: Executor) -> TeachingResult:
    clips = _write_clips(improvement)
    trial = before_and_after.judging_recordings(improvement)
    fine_tuning.improved_config(improvement)  # raises what would else be raised after some minutes
    model = improvement.model
    log.info("hearing %d recordings with the model as it is", len(trial.words) + len(trial.others))
    before = trial.hear(model.artefact, executor)
    tuned = fine_tuning.fine_tune_on_clips(improvement, executor)
    candidate = _convert(improvement, tuned)
    log.info("hearing them with the new one")
    after = trial.hear(read_artefact(candidate), executor)
    policy = model.policies[DEFAULT]
    earlier, later = before.curve(policy), after.curve(policy)
    rates = before_and_after.expected_rates(earlier, model.policies)
    thresholds = before_and_after.choose_thresholds(earlier, later, model.policies, rates)
    scores = before.at(policy), after.at(replace(policy, threshold=thresholds[DEFAULT]))
    reasons = before_and_after.reasons_against(*scores, trial.synthetic)
    kept = model.artefact.path
    if not reasons:
        chosen = {
            name: assess(after.own, replace(policy, threshold=threshold))
            for name, threshold in thresholds.items()
        }
        write_operating_points(read_artefact(candidate), chosen, rates)
        kept = _keep(improvement, tuned, candidate)
    return TeachingResult(
        str(kept), tuple(reasons), clips, *(_figures(score, clips) for score in scores)
    )


def _write_clips(improvement: Improvement) -> dict[str, int]:
    """Write the clips as takes that train and takes that judge; return how many of each."""
    shutil.rmtree(improvement.work / UNPACKED, ignore_errors=True)
    model = improvement.model
    folder = as_folder(improvement.clips, improvement.work / UNPACKED)
    sides = zip(("train", "kept"), divide(read_labelled(folder, model.label)), strict=True)
    counts = {}
    for side, clips in sides:
        for right, what in ((True, "right"), (False, "wrong")):
            of_kind = [clip for clip in clips if clip.right == right]
            takes = improvement.takes(side, right)
            cut = side == "train"
            counts[f"{side}_{what}"] = write_takes(of_kind, takes, model.artefact, cut)
    log.info(
        "clips with the word: %(train_right)d train, %(kept_right)d judge; without it:"
        " %(train_wrong)d train, %(kept_wrong)d judge",
        counts,
    )
    return counts


def _convert(improvement: Improvement, tuned: Path) -> Path:
    """Write the artefact of the tuned network, in the form of the one there was, its second stage
    unchanged; return its path."""
    metadata = improvement.model.artefact.metadata
    out = improvement.work / f"{metadata.name}.tflite"
    convert(
        tuned / BEST_MODEL,
        out,
        mode=metadata.mode,
        num_steps=metadata.network.steps_per_call,
        verifier=improvement.model.verifier,
    )
    return out


def _keep(improvement: Improvement, tuned: Path, candidate: Path) -> Path:
    """Copy what a model is made of into `out`, the artefact last; return that."""
    model, out = improvement.model, improvement.out
    sources: Sequence[Path] = (
        model.folder / CONFIG,
        tuned / RECORD,
        tuned / BEST_MODEL,
        *([model.verifier.path] if model.verifier else []),
        candidate,
    )
    for source in sources:
        with replacing(out / source.name) as part:
            shutil.copyfile(source, part)
    return out / candidate.name


def _figures(score: Score, clips: Mapping[str, int]) -> dict[str, Any]:
    """Return what is told of a model, JSON-ready."""
    return {
        "threshold": score.own.policy.threshold,
        "kept_right": clips["kept_right"],
        "kept_missed": len(score.kept_missed),
        "kept_wrong": clips["kept_wrong"],
        "kept_fired": len(score.kept_fired),
        "own": point_mapping(score.own.point),
    }
