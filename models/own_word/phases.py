"""All phases of making a model, each skipped where an earlier run has finished it."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from models.own_word import judgement, learning, takes
from models.own_word.countdown import Countdown, measured_pace
from models.own_word.request import Request
from models.own_word.source_folders import TAKES
from models.own_word.speech import SpeechFolder, banks
from models.progress import Remark, sign_of_life
from models.training.run_folder import RECORD, VERIFIER

CONVERSION_SECONDS = 40.0
"""Of one artefact and its proof: a first guess."""
REAL_TIME_FACTOR = 0.02
"""Of an evaluation on one core: a first guess."""
CLIP_SECONDS, SENTENCE_SECONDS = 3.0, 3.5
"""A word with its lead-in and tail; a sentence."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Phase:
    """A part of the work."""

    name: str
    seconds: float
    """A guess."""
    done: bool
    run: Callable[[Executor, Remark], object]


def make_model(request: Request, executor: Executor, workers: int) -> None:
    """Make the model, or what an earlier run has left to do; says how long is left."""
    with request.at_work():
        if request.recordings:
            folders = (request.bank(side, TAKES) for side in ("train", "test"))
            trained, tested = takes.divide_takes(request.recordings, *folders)
            log.info("of your takes %d train and %d test", trained, tested)
        with sign_of_life("looking for phrases that sound alike"):
            todo = phases(request, workers)
        _work_through(todo, executor)


def _work_through(todo: Sequence[Phase], executor: Executor) -> None:
    guesses = {phase.name: 0.0 if phase.done else phase.seconds for phase in todo}
    countdown = Countdown(guesses, measured_pace())
    for phase in todo:
        if phase.done:
            log.info("%s: done before", phase.name)
            continue
        try:
            with countdown.phase(phase.name):
                phase.run(executor, countdown.remark)
        except KeyboardInterrupt as stop:
            log.info("%s; the same command goes on", str(stop) or f"{phase.name}: kept so far")
            raise


def phases(request: Request, workers: int) -> list[Phase]:
    """Return all phases in their order."""
    tuned = [_fine_tuning(request)] if request.recordings else []
    return [
        *(_speaking(bank, workers) for bank in banks(request)),
        _training(request),
        *tuned,
        _second_stage(request),
        _conversion(request),
        _evaluation(request, workers),
    ]


def _speaking(bank: SpeechFolder, workers: int) -> Phase:
    name = f"speak {bank.folder.parent.name}/{bank.folder.name}"
    return Phase(name, bank.seconds / workers, bank.complete, bank.speak)


def _training(request: Request) -> Phase:
    preset = request.preset
    return Phase(
        "train",
        preset.step_seconds * preset.schedule.steps,
        (request.work / learning.BASE / RECORD).exists(),
        lambda pool, remark: learning.train_base(request, pool, remark),
    )


def _fine_tuning(request: Request) -> Phase:
    preset = request.preset
    return Phase(
        "fine-tune on your takes",
        preset.step_seconds * preset.fine_tuning.steps * preset.schedule.repeats,
        (request.work / learning.TUNED / RECORD).exists(),
        lambda pool, remark: learning.fine_tune_on_takes(request, pool, remark),
    )


def _second_stage(request: Request) -> Phase:
    looks = request.preset.verifier
    return Phase(
        "train the second stage",
        looks.clip_seconds * looks.clips,
        (learning.first_stage(request) / VERIFIER).exists(),
        lambda pool, _: learning.train_second_stage(request, pool),
    )


def _conversion(request: Request) -> Phase:
    def run(_pool: Executor, _remark: Remark) -> None:
        kept = learning.keep(learning.first_stage(request), request.out)
        judgement.convert_all(request, kept)

    seconds = CONVERSION_SECONDS * len(judgement.MODES)
    return Phase("convert", seconds, bool(judgement.converted(request)), run)


def _evaluation(request: Request, workers: int) -> Phase:
    amounts = request.preset.test
    words = (amounts.words + amounts.carried) * (1 + len(request.preset.snrs_db))
    heard = CLIP_SECONDS * (words + amounts.near_phrases * amounts.near_takes)
    heard += SENTENCE_SECONDS * amounts.sentences * len(judgement.MODES)
    return Phase(
        "evaluate",
        REAL_TIME_FACTOR * heard / workers,
        judgement.near_misses(request) is not None,
        lambda pool, _: judgement.judge_all(request, pool),
    )
