"""From clips to a trained network: its configuration, training, and fine-tuning on own takes."""

import shutil
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from pathlib import Path

from firmware_py.errors import SettingsError
from models.clips.batches import TriggerWordClips
from models.own_word.request import Request
from models.own_word.source_folders import CARRIED, NEAR_BANK, SENTENCES, TAKES, WORDS, roots
from models.own_word.speech import DEVELOPMENT_FOLDS, TEST_FOLDS
from models.progress import Remark
from models.recordings.folds import first_besides
from models.settings.config import CONFIGS, Config, read_config
from models.settings.recipe import Source
from models.training.run import train_in
from models.training.run_folder import BEST_MODEL, CONFIG, RECORD, VERIFIER
from models.training.trigger_words import TriggerWords
from models.training.verifier import SEED_OFFSET, train_verifier

TEMPLATE = CONFIGS / "activate.toml"
"""Front end, clips and policy are those of the default model."""
EXCERPT_SECONDS = (0.5, 2.8)
BASE, TUNED = "base", "tuned"
OWN_SHARE = 1.25
"""Own takes are drawn this often for each synthetic word when fine-tuning."""

NOT_SPEECH = ("_background_noise_/*",)
"""Speech Commands keeps its noise among its words."""


def first_config(request: Request) -> Config:
    """Return the configuration of the network that is trained first."""
    template = read_config(TEMPLATE)
    preset = request.preset
    recipe = template.trigger_recipe
    if recipe.dialogue is None:
        raise SettingsError(f"{TEMPLATE} has no dialogue; restore it from the project")
    recipe = replace(
        recipe,
        dialogue=replace(recipe.dialogue, positive_share=preset.positive_share),
        held_out_folds=DEVELOPMENT_FOLDS,
        test_folds=TEST_FOLDS,
        sources=(*_synthetic(), *_real(request)),
    )
    return Config(
        name=request.name,
        labels=(request.phrase,),
        front_end=template.front_end,
        network=preset.network,
        trigger=template.trigger,
        recipe=recipe,
        schedule=replace(preset.schedule, seed=request.seed),
    )


def configure_fine_tuning(config: Config, request: Request) -> Config:
    """Return the configuration that goes on from a trained one with own takes."""
    positive = sum(source.share for source in config.trigger_recipe.sources_of("positive"))
    training_fold = first_besides(DEVELOPMENT_FOLDS + TEST_FOLDS)
    own = Source("positive", TAKES, share=OWN_SHARE * positive, real=True, fold=training_fold)
    recipe = config.trigger_recipe
    recipe = replace(recipe, sources=(own, *recipe.sources))
    schedule = replace(request.preset.fine_tuning, seed=request.seed)
    return replace(config, recipe=recipe, schedule=schedule)


def _task(request: Request) -> Callable[[Config], TriggerWords]:
    return partial(TriggerWords, roots=roots(request))


def train_base(request: Request, executor: Executor, remark: Remark) -> Path:
    """Train on synthetic voices and real negatives; return the run's folder."""
    folder = request.work / BASE
    train_in(folder, first_config(request), _task(request), executor, resume=True, remark=remark)
    return folder


def fine_tune_on_takes(request: Request, executor: Executor, remark: Remark) -> Path:
    """Go on from the first network with one's own takes; return the run's folder."""
    base, folder = request.work / BASE, request.work / TUNED
    config = configure_fine_tuning(read_config(base / CONFIG), request)
    train_in(
        folder,
        config,
        _task(request),
        executor,
        resume=True,
        start=base / BEST_MODEL,
        remark=remark,
    )
    return folder


def first_stage(request: Request) -> Path:
    """Return the folder of the run whose network is kept."""
    return request.work / (TUNED if request.recordings else BASE)


def train_second_stage(request: Request, executor: Executor) -> Path:
    """Train what looks again where the first stage is in doubt; return the network."""
    run, looks = first_stage(request), request.preset.verifier
    config, seed = read_config(run / CONFIG), request.seed
    return train_verifier(
        TriggerWordClips(config, roots(request), seed + SEED_OFFSET, 1),
        run / BEST_MODEL,
        run / VERIFIER,
        executor,
        count=looks.clips,
        epochs=looks.epochs,
        seed=seed,
    )


def keep(run: Path, out: Path) -> Path:
    """Copy what a run leaves for good into `out`; return the network there."""
    for name in (CONFIG, RECORD, BEST_MODEL, VERIFIER):
        shutil.copyfile(run / name, out / name)
    return out / BEST_MODEL


def _synthetic() -> tuple[Source, ...]:
    return (
        Source("positive", WORDS),
        Source("positive", CARRIED, share=0.25),
        Source("negative", NEAR_BANK, share=2.0),
        Source("negative", SENTENCES, share=2.0, excerpt_seconds=EXCERPT_SECONDS),
    )


def _real(request: Request) -> tuple[Source, ...]:
    """Return the real sources; real speech is drawn twice as often as made-up sentences."""
    share = 4.0 / max(1, len(request.negatives))
    speech = (
        Source(
            "negative",
            folder.resolve().name,
            share=share,
            excerpt_seconds=EXCERPT_SECONDS,
            real=True,
            on_bad="skip",
            exclude=NOT_SPEECH,
        )
        for folder in request.negatives
    )
    noise = (
        Source("background", folder.resolve().name, real=True, on_bad="skip")
        for folder in request.noise
    )
    return (*speech, *noise)
