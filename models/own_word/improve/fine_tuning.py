"""Fine-tuning on labelled clips, with the recipe's own recordings mixed in against forgetting."""

import logging
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from firmware_py.errors import SettingsError
from models.own_word.improve.request import Improvement
from models.own_word.presets import IMPROVEMENT
from models.recordings.folds import first_besides
from models.recordings.sources import find_folder, sound_files
from models.settings.config import Config
from models.settings.recipe import Recipe, Source
from models.training.run import train_in
from models.training.trigger_words import TriggerWords

SHARE = 0.5
"""Labelled clips are drawn this often for each recording of the recipe in the same role."""
TUNED = "tuned"

log = logging.getLogger(__name__)


def fine_tune_on_clips(improvement: Improvement, executor: Executor) -> Path:
    """Go on from the model's network, or from where an earlier run stopped; return its folder."""
    folder = improvement.work / TUNED
    train_in(
        folder,
        improved_config(improvement),
        partial(TriggerWords, roots=(improvement.work.resolve(), *improvement.roots)),
        executor,
        resume=True,
        start=improvement.model.network,
    )
    return folder


def improved_config(improvement: Improvement) -> Config:
    """Return the model's configuration with the labelled clips among its sources.

    Recordings of the recipe that are not at hand are named in the log. Raises SettingsError when
    none without the word are: the network would forget what is not the word.
    """
    config = improvement.model.config
    recipe = config.trigger_recipe
    kept = _at_hand(recipe.sources, improvement.roots)
    if not any(source.role == "negative" for source in kept):
        raise SettingsError(
            f"{config.name}: of the recordings it learnt from none without the word is at hand, and"
            " with the clips alone it would forget them; name the folders that hold"
            f" {', '.join(_paths(recipe, 'negative'))} with --data DIR"
        )
    sources = (*kept, *_labelled(improvement, replace(recipe, sources=kept)))
    schedule = replace(IMPROVEMENT, seed=improvement.seed)
    return replace(config, recipe=replace(recipe, sources=sources), schedule=schedule)


def _at_hand(sources: Sequence[Source], roots: Sequence[Path]) -> tuple[Source, ...]:
    """Return the sources whose folders are there; say which are not."""
    found, missing = [], []
    for source in sources:
        try:
            folder = find_folder(source.path, roots)
        except SettingsError:
            missing.append(source.path)
            continue
        if any(sound_files(folder, source.include, source.exclude)):
            found.append(source)
    if missing:
        log.warning(
            "of the recipe's %d sources %d are at hand and mixed in; not found: %s",
            len(sources),
            len(found),
            ", ".join(dict.fromkeys(missing)),
        )
    return tuple(found)


def _labelled(improvement: Improvement, recipe: Recipe) -> list[Source]:
    """Return the sources of labelled clips; those kept out count as held out with the recipe's."""
    trains = first_besides(recipe.held_out_folds + recipe.test_folds)
    sources = []
    roles: tuple[tuple[Literal["positive", "negative"], bool], ...] = (
        ("positive", True),
        ("negative", False),
    )
    for role, right in roles:
        shares = sum(source.share for source in recipe.sources_of(role))
        for side, folds in (("train", (trains,)), ("kept", recipe.held_out_folds[:1])):
            folder = improvement.takes(side, right)
            path = folder.relative_to(improvement.work).as_posix()
            sources += [
                Source(role, path, share=SHARE * shares or 1.0, real=True, fold=fold)
                for fold in folds
                if any(sound_files(folder))
            ]
    return sources


def _paths(recipe: Recipe, role: str) -> list[str]:
    return list(dict.fromkeys(source.path for source in recipe.sources_of(role)))
