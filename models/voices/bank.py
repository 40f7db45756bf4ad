"""Banks of clips: many phrases, many voices, any number of workers, resumable."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from pathlib import Path

import soundfile

from firmware_py.errors import AudioError, MissingToolError, SettingsError
from models.progress import Remark, no_remark, progress_bar, seconds_left
from models.recordings.voice_names import speaker
from models.voices.catalogue import find_voices
from models.voices.engines.native import PREFIX
from models.voices.engines.voice import Voice
from models.voices.manifest import ClipManifest, ManifestRow
from models.voices.recipe import Order, SpeechRecipe, draw_recipe
from models.voices.spoken import SpokenClip, make_clip

CLIPS_PER_TASK = 16
ATTEMPTS = 8
MOST_NAMED = 10
"""Voices that failed and are named at the end."""
log = logging.getLogger(__name__)

LETTER = r"[^\W_]"
SPEAKABLE = rf"(?:{LETTER}|[' ,.?!-])*{LETTER}(?:{LETTER}|[' ,.?!-])*"


@dataclass(frozen=True)
class SpokenTask:
    """What came of one task."""

    rows: list[ManifestRow]
    left_out: list[str]
    """Voices that could not say a clip, once for each time."""


def speak_phrases(
    phrases: Sequence[str],
    out: Path,
    count: int,
    *,
    engines: Sequence[str] | None = None,
    voices: Sequence[Voice] | None = None,
    seed: int = 0,
    executor: Executor | None = None,
    carrier: bool = True,
    keep_carrier: bool = False,
    remark: Remark = no_remark,
) -> Path:
    """Speak each phrase count times into 16-bit FLAC files under out; return the manifest.

    Clip i says phrase i modulo their number and depends on seed, i and the voices only, so that
    any executor makes the same files and an interrupted run goes on where it stopped.
    voices: who speaks; else all of the engines, or of all engines. keep_carrier leaves the whole
    sentence around each phrase; remark stands beside the progress bar. Raises SettingsError for
    phrases that cannot be spoken and when out holds clips of another order, MissingToolError
    without voices.
    """
    chosen = find_voices(engines) if voices is None else tuple(voices)
    check_phrases(phrases, english=any(not voice.engine.startswith(PREFIX) for voice in chosen))
    order = Order(tuple(phrases), chosen, seed, carrier, keep_carrier)
    out.mkdir(parents=True, exist_ok=True)
    manifest = ClipManifest(out)
    made = manifest.read()
    check_same_order(made, order, manifest.path)
    manifest.write(made)
    done = {int(row["index"]) for row in made}
    todo = [index for index in range(count * len(phrases)) if index not in done]
    with progress_bar("clip", len(todo) + len(done), len(done)) as bar:
        left_out: Counter[str] = Counter()
        for done_task in speak_tasks(order, out, todo, executor):
            manifest.append(done_task.rows)
            left_out.update(done_task.left_out)
            bar.set_postfix_str(remark(seconds_left(bar)), refresh=False)
            bar.update(len(done_task.rows))
    say_what_was_left_out(left_out)
    manifest.write(sorted(manifest.read(), key=lambda row: int(row["index"])))
    return manifest.path


def speak_tasks(
    order: Order, out: Path, indexes: Sequence[int], executor: Executor | None
) -> Iterator[SpokenTask]:
    """Yield each task as it is done; what has not begun is dropped on an error."""
    starts = range(0, len(indexes), CLIPS_PER_TASK)
    tasks = [indexes[start : start + CLIPS_PER_TASK] for start in starts]
    if executor is None:
        yield from (speak_clips(order, out, task) for task in tasks)
        return
    futures: list[Future[SpokenTask]] = [
        executor.submit(speak_clips, order, out, task) for task in tasks
    ]
    try:
        for future in as_completed(futures):
            yield future.result()
    finally:
        for future in futures:
            future.cancel()


def speak_clips(order: Order, out: Path, indexes: Sequence[int]) -> SpokenTask:
    """Make and write the clips of indexes."""
    left_out: list[str] = []
    return SpokenTask([speak_clip(order, out, index, left_out) for index in indexes], left_out)


def speak_clip(order: Order, out: Path, index: int, left_out: list[str]) -> ManifestRow:
    """Make and write one clip; return its row. left_out gets the voices that could not say it."""
    recipe, spoken = speak_somehow(order, index, left_out)
    clip, voice, room = spoken.clip, recipe.voice, recipe.room
    name = f"{voice.engine}_{voice.name}_{index:05d}.flac".replace(" ", "-")
    soundfile.write(out / name, clip.samples, clip.sample_rate_hz, subtype="PCM_16")
    return ManifestRow(
        index=index,
        file=name,
        phrase=recipe.phrase,
        engine=voice.engine,
        voice=voice.name,
        rate_wpm=recipe.rate_wpm,
        pitch=recipe.pitch,
        mean_f0_hz=spoken.mean_f0_hz,
        formant_factor=spoken.formant_factor,
        t60_seconds=None if room is None else room.t60_seconds,
        direct_to_reverberant_db=None if room is None else room.direct_to_reverberant_db,
        carrier=spoken.carrier or "",
        word_start_seconds=clip.start_seconds,
        word_end_seconds=clip.end_seconds,
        duration_seconds=clip.duration_seconds,
        sample_rate_hz=clip.sample_rate_hz,
        seed=order.seed,
    )


def speak_somehow(order: Order, index: int, left_out: list[str]) -> tuple[SpeechRecipe, SpokenClip]:
    """Say clip index; a voice that fails for its phrase is named in left_out and replaced.

    Whatever an engine raises concerns this clip alone. Raises MissingToolError, and AudioError
    when ATTEMPTS voices in a row fail: then it is the phrase.
    """
    for attempt in range(ATTEMPTS):
        recipe = draw_recipe(order, index, attempt)
        try:
            return recipe, make_clip(recipe, order.keep_carrier)
        except MissingToolError:
            raise
        except Exception as error:
            failure = error
            name = speaker(recipe.voice.engine, recipe.voice.name)
            left_out.append(name)
            log.debug("%s left out: %s", name, error, exc_info=True)
    raise AudioError(
        f"{ATTEMPTS} voices in a row cannot say {recipe.phrase!r} ({failure}); spell it differently"
    )


def say_what_was_left_out(left_out: Counter[str]) -> None:
    """Name the voices that could not say a clip, the most frequent first."""
    if not left_out:
        return
    shown = [f"{name} ({count})" for name, count in left_out.most_common(MOST_NAMED)]
    if len(left_out) > MOST_NAMED:
        shown.append(f"{len(left_out) - MOST_NAMED} more")
    log.warning(
        "some voices failed and others spoke for them, %d times in all: %s",
        left_out.total(),
        ", ".join(shown),
    )


def check_phrases(phrases: Sequence[str], *, english: bool = True) -> None:
    """Raise SettingsError unless there are phrases and every engine can read them.

    english: some of the voices read English letters only.
    """
    if not phrases:
        raise SettingsError("no phrase to speak; give --phrase TEXT or --phrases FILE")
    letters = "English letters" if english else "letters"
    for phrase in phrases:
        if not re.fullmatch(SPEAKABLE, phrase, re.ASCII if english else re.UNICODE):
            raise SettingsError(f"cannot speak {phrase!r}; write it in {letters} and .,?!'-")


def check_same_order(made: Sequence[dict[str, str]], order: Order, path: Path) -> None:
    """Raise SettingsError if a manifest's clips come from other phrases, engines or seed."""
    voices = {(voice.engine, voice.name) for voice in order.voices}
    for row in made:
        phrase = order.phrases[int(row["index"]) % len(order.phrases)]
        if (row["phrase"], int(row["seed"])) != (phrase, order.seed):
            raise SettingsError(
                f"{path} lists {row['phrase']!r} with seed {row['seed']} where this run would say "
                f"{phrase!r} with seed {order.seed}; choose another --out or delete it"
            )
        if (row["engine"], row["voice"]) not in voices:
            raise SettingsError(
                f"{path} lists clips of {row['engine']} {row['voice']}, which this run leaves out; "
                "choose another --out"
            )
