"""The card of a model of one's own."""

import json
from collections.abc import Iterator
from pathlib import Path

from firmware_py.artefact import read_artefact
from models.evaluation.report.model_card import CardContent, Material, origin, write_card
from models.own_word.judgement import REPORT, artefacts, near_misses
from models.own_word.request import Request
from models.own_word.source_folders import CARRIED, NEAR_BANK, SENTENCES, TAKES, WORDS
from models.own_word.takes import FEWEST_TO_TEST
from models.recordings.manifest import read_manifest
from models.recordings.sources import sound_files
from models.recordings.voice_names import program
from models.settings.config import read_config
from models.training.run_folder import CONFIG

CARD = "README.md"


def write_model_card(request: Request) -> Path:
    """Write the card of a finished model and return its path."""
    report = request.out / REPORT / "evaluation.json"
    card = CardContent(
        read_config(request.out / CONFIG),
        artefacts(request),
        json.loads(report.read_text(encoding="utf-8")),
        [*_spoken(request), *_given(request)],
        [*_findings(request)],
        [*_limits(request)],
    )
    write_card(card, request.out / CARD)
    return request.out / CARD


def _spoken(request: Request) -> Iterator[Material]:
    teach = {
        WORDS: f'"{request.phrase}"',
        CARRIED: f'"{request.phrase}" within sentences',
        NEAR_BANK: "what sounds like it, to be refused",
        SENTENCES: "running speech, to be refused",
    }
    for name, part in teach.items():
        yield Material(name, part, _speakers(request.bank("train", name)))


def _speakers(bank: Path) -> str:
    """Return how many clips and voices of which synthesisers a bank holds."""
    rows = read_manifest(bank).values()
    engines = sorted({row["engine"] for row in rows})
    counts = {
        engine: len({row["voice"] for row in rows if row["engine"] == engine}) for engine in engines
    }
    voices = ", ".join(f"{program(engine)} ({count})" for engine, count in counts.items())
    return f"{len(rows)} synthetic clips; voices of {voices}"


def _given(request: Request) -> Iterator[Material]:
    for folder in request.negatives:
        yield Material(folder.resolve().name, "real speech, to be refused", origin(folder))
    for folder in request.noise:
        yield Material(folder.resolve().name, "noise", origin(folder))
    if request.recordings:
        count = len(list(sound_files(request.bank("train", TAKES))))
        yield Material(TAKES, f'"{request.phrase}"', f"{count} takes of your own")


def _findings(request: Request) -> Iterator[str]:
    yield "No voice and no speech that was tried took part in training."
    if request.held_out_engine:
        engine = program(request.held_out_engine)
        yield f"No voice of {engine} trained: its row tells how new voices fare."
    if near := near_misses(request):
        yield (
            f"Of {near.tried} phrases near in sound, said one by one, {near.fired} set it off"
            f" ({100 * near.fired / near.tried:.1f} %)."
        )
    yield (
        f"Curves, pictures and recordings of what went wrong: [{REPORT}/report.md]"
        f"({REPORT}/report.md)."
    )


def _limits(request: Request) -> Iterator[str]:
    yield (
        "The misses are those of synthetic voices; people vary more. Try it on people before you"
        " rely on it."
    )
    yield (
        "The thresholds were chosen on the very recordings that the false accepts are counted on,"
        " and extrapolated from how scores thin out where those are too short to count so few:"
        " the interval, not the rate, is what is known."
    )
    wanted = request.false_accepts_per_hour
    chosen = read_artefact(artefacts(request)[0]).metadata.evaluation
    if (rate := chosen["target_false_accepts_per_hour"]) > wanted:
        yield (
            f"The threshold was chosen for {rate:.3g} false accepts an hour: the"
            f" {chosen['hours']:.2g} h it was tried on are too short for {wanted:g}. More real"
            " speech (--negatives) carries a rarer rate."
        )
    if not request.negatives:
        yield (
            "No real speech trained or tested it (--negatives). Expect more false accepts in"
            " conversation than are stated here."
        )
    if not request.noise:
        yield "The noise it was tried in is made, not recorded (--noise)."
    if request.recordings and not any(sound_files(request.bank("test", TAKES))):
        yield (
            "All of your own takes were used for training; from"
            f" {FEWEST_TO_TEST} on some are kept to test it."
        )
    if request.preset_name == "quick":
        yield "Made with the quick preset, which shows the way; the full one hears better."
