"""What is spoken: the phrase, what sounds like it, and sentences without it."""

import logging
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from firmware_py.errors import MissingToolError
from models.own_word.presets import Amounts
from models.own_word.request import Request
from models.own_word.source_folders import CARRIED, NEAR_BANK, SENTENCES, WORDS
from models.phrases.lexicon import pronounce
from models.phrases.near_phrases import near_phrases
from models.phrases.sentences import sentences, without
from models.progress import Remark, no_remark
from models.recordings.folds import fold_of
from models.replacing import replacing
from models.voices.bank import speak_phrases
from models.voices.catalogue import REMEDY, find_voices
from models.voices.engines.voice import Voice
from models.voices.manifest import ClipManifest
from models.voices.recipe import KOKORO, PIPER, neural_shares
from models.voices.spelling import spell

DEVELOPMENT_FOLDS = (0,)
TEST_FOLDS = (1,)
NEAR = "near.txt"

SECONDS_A_CLIP = {WORDS: 0.07, CARRIED: 0.17, NEAR_BANK: 0.08, SENTENCES: 0.31}
NEURAL_SECONDS_A_CLIP = {
    KOKORO: {WORDS: 1.2, CARRIED: 1.7, NEAR_BANK: 1.2, SENTENCES: 3.3},
    PIPER: {WORDS: 0.2, CARRIED: 0.4, NEAR_BANK: 0.2, SENTENCES: 0.6},
}
"""Of one core, measured on an x86-64 of 2 GHz: a first guess of how long it will take."""

WITHOUT_NEURAL = (
    "with them more people are heard, above all in noise: python -m models gather --only kokoro"
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SpeechFolder:
    """A folder of clips to speak."""

    folder: Path
    phrases: tuple[str, ...]
    takes: int
    """Of each phrase."""
    voices: tuple[Voice, ...]
    seed: int
    carrier: bool = True
    keep_carrier: bool = False

    @property
    def complete(self) -> bool:
        """Tell whether all of it has been spoken."""
        return len(ClipManifest(self.folder).read()) >= self.takes * len(self.phrases)

    @property
    def seconds(self) -> float:
        """Return about how long one core speaks."""
        kind = self.folder.name
        each, left = 0.0, 1.0
        for engine, share in neural_shares(self.voices).items():
            each += left * share * NEURAL_SECONDS_A_CLIP[engine][kind]
            left *= 1 - share
        each += left * SECONDS_A_CLIP[kind]
        return each * self.takes * len(self.phrases)

    def speak(self, executor: Executor, remark: Remark = no_remark) -> None:
        """Speak what is not there yet; `remark` stands beside the progress bar."""
        speak_phrases(
            self.phrases,
            self.folder,
            self.takes,
            voices=self.voices,
            seed=self.seed,
            executor=executor,
            carrier=self.carrier,
            keep_carrier=self.keep_carrier,
            remark=remark,
        )


def refuse_unspeakable(request: Request) -> None:
    """Raise what speaking would raise later: MissingToolError, AudioError, SettingsError.

    Says where neural voices are to be had if there are none.
    """
    train, _ = split_voices(request.held_out_engine)
    if all(voice.engine != KOKORO for voice in train):
        log.info("no voices of Kokoro are installed; %s", WITHOUT_NEURAL)
    pronounce(request.spoken)


def banks(request: Request) -> list[SpeechFolder]:
    """Return all there is to speak, for training and for the test.

    Raises MissingToolError where too few voices are installed.
    """
    train, test = split_voices(request.held_out_engine)
    near = chosen_near_phrases(request)
    preset = request.preset
    return [
        *_side(request, "train", train, near, preset.train, request.seed),
        *_side(request, "test", test, near, preset.test, request.seed + 1),
    ]


def _side(
    request: Request,
    side: str,
    voices: tuple[Voice, ...],
    near: Sequence[str],
    amounts: Amounts,
    seed: int,
) -> list[SpeechFolder]:
    phrase = (request.spoken,)
    said = tuple(sentences(amounts.sentences, request.spoken, seed))
    return [
        SpeechFolder(request.bank(side, WORDS), phrase, amounts.words, voices, seed),
        SpeechFolder(
            request.bank(side, CARRIED), phrase, amounts.carried, voices, seed, keep_carrier=True
        ),
        SpeechFolder(request.bank(side, NEAR_BANK), tuple(near), amounts.near_takes, voices, seed),
        SpeechFolder(request.bank(side, SENTENCES), said, 1, voices, seed, carrier=False),
    ]


def chosen_near_phrases(request: Request) -> list[str]:
    """Return the phrases to refuse, and keep them in a file: the same ones when resumed."""
    path = request.work / NEAR
    if not path.exists():
        found = near_phrases(request.spoken, request.preset.train.near_phrases)
        phrases = dict.fromkeys([*_near_ones_given(request), *found])
        with replacing(path) as part:
            part.write_text("\n".join(phrases) + "\n", encoding="utf-8")
    return path.read_text(encoding="utf-8").splitlines()


def _near_ones_given(request: Request) -> list[str]:
    """Return the phrases of --near as voices read them, without those in which the phrase is."""
    given = [spell(phrase) for phrase in request.near]
    kept = without(request.spoken, given)
    for phrase in given:
        if phrase not in kept:
            log.warning("--near %r left out: %r is heard in it", phrase, request.phrase)
    return kept


def split_voices(held_out_engine: str | None) -> tuple[tuple[Voice, ...], tuple[Voice, ...]]:
    """Return the voices that train and those that test: a tenth, and a whole engine if named."""
    find_voices([held_out_engine] if held_out_engine else None)  # names a wrong or missing engine
    train: list[Voice] = []
    test: list[Voice] = []
    for voice in find_voices():
        name = f"{voice.engine}_{voice.name}_00000.flac".replace(" ", "-")
        kept_out = voice.engine == held_out_engine or fold_of(Path(name)) in TEST_FOLDS
        (test if kept_out else train).append(voice)
    if not train or not test:
        raise MissingToolError(
            f"too few voices are installed to keep some for the test; install more with: {REMEDY}"
        )
    return tuple(train), tuple(test)
