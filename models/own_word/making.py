"""All phases of making a model, each skipped where an earlier run has finished it."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from models.own_word import judgement, learning, takes
from models.own_word.countdown import Countdown
from models.own_word.request import Request
from models.own_word.speech import Bank, banks, split_voices
from models.phrases.lexicon import pronounce
from models.recordings.folder_contents import refuse_folder_without_sound
from models.training.settled import RECORD, VERIFIER
from models.voices.bank import check_phrases
from models.voices.recipe import NEURAL

CONVERSION_SECONDS = 40.0
"""Of one artefact and its proof: a first guess."""
REAL_TIME_FACTOR = 0.02
"""Of an evaluation on one core: a first guess."""
CLIP_SECONDS, SENTENCE_SECONDS = 3.0, 3.5
"""A word with its lead-in and tail; a sentence."""

WITHOUT_NEURAL = (
    "with them more people are heard, above all in noise: python -m models gather --only kokoro"
)

Remark = Callable[[float], str]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Phase:
    """A part of the work."""

    name: str
    seconds: float
    """A guess."""
    done: bool
    run: Callable[[Executor, Remark], object]


def make(request: Request, executor: Executor, workers: int) -> None:
    """Make the model, or what an earlier run has left to do; says how long is left."""
    _refuse_early(request)
    with request.at_work():
        if request.recordings:
            folders = (request.bank(side, takes.TAKES) for side in ("train", "test"))
            trained, tested = takes.prepare(request.recordings, *folders)
            log.info("of your takes %d train and %d test", trained, tested)
        _work_through(phases(request, workers), executor)


def _work_through(todo: Sequence[Phase], executor: Executor) -> None:
    countdown = Countdown({phase.name: 0.0 if phase.done else phase.seconds for phase in todo})
    for phase in todo:
        if phase.done:
            log.info("%s: done before", phase.name)
            continue
        with countdown.phase(phase.name):
            phase.run(executor, countdown.remark)


def _refuse_early(request: Request) -> None:
    """Raise what would else be raised later, before anything is made."""
    check_phrases([request.phrase])
    pronounce(request.phrase)
    train, _ = split_voices(request.held_out_engine)
    if all(voice.engine != NEURAL for voice in train):
        log.info("no neural voices are installed; %s", WITHOUT_NEURAL)
    learning.roots(request)
    for folder in request.negatives:
        refuse_folder_without_sound(folder, "negative")
    for folder in request.noise:
        refuse_folder_without_sound(folder, "noise")
    if request.recordings:
        refuse_folder_without_sound(request.recordings, "take of the phrase")


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


def _speaking(bank: Bank, workers: int) -> Phase:
    name = f"speak {bank.folder.parent.name}/{bank.folder.name}"
    return Phase(name, bank.seconds / workers, bank.complete, lambda pool, _: bank.speak(pool))


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
        lambda pool, remark: learning.fine_tune(request, pool, remark),
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
    return Phase("convert", seconds, bool(judgement.artefacts(request)), run)


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
