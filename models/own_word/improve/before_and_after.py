"""Before and after: on the clips kept out and on the recordings that the model is judged by."""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from scipy import stats

from firmware_py.artefact import Artefact
from firmware_py.errors import SettingsError
from firmware_py.policies.trigger import TriggerPolicy
from models.evaluation import CollectedPosteriors, Evaluation, Setting, assess, collect
from models.evaluation.assess import all_curves
from models.evaluation.conditions import AS_RECORDED
from models.evaluation.metrics import Curve
from models.evaluation.rare_false_accepts import HALF_A_ONE, is_told, rate_at, threshold_for
from models.own_word.improve.request import Improvement
from models.recordings.folds import NUM_FOLDS, in_folds
from models.recordings.sources import find_folder, sound_files
from models.settings.recipe import Recipe, Source

MOST_WORDS, MOST_HOURS = 300, 3.0
"""Of the recipe's recordings: what two cores hear in a minute or two. The threshold hangs on the
hours: in a quarter of one, chosen for as many false accepts, it came out for four times as many; in
a third of one, without any false accept, so high that one word of seven was lost."""
CHANCE = 0.05
"""A model is worse when its losses would come by chance less often than this."""
BEARABLE = 0.05
"""Part of the synthetic words that a model may lose that makes fewer mistakes on the clips.

Synthetic voices judge people badly, and the clips are people: a model of "jarvis" that lost 12 of
273 synthetic words missed 16 of 246 recordings of people instead of 24.
"""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JudgingRecordings:
    """The recordings that judge."""

    words: tuple[Path, ...]
    """Of the recipe, with the word."""
    synthetic: frozenset[Path]
    """Those of them that no person says."""
    others: tuple[Path, ...]
    """Of the recipe, without it."""
    kept_right: Path
    """The folder of labelled clips that are kept out: with the word."""
    kept_wrong: Path
    """... and without it."""

    def hear(self, artefact: Artefact, executor: Executor) -> "TrialPosteriors":
        """Let a model hear all of them."""
        right, wrong = list(sound_files(self.kept_right)), list(sound_files(self.kept_wrong))
        own = collect(artefact, self.words or right, self.others, executor=executor)
        one_by_one = Setting(joined=False)
        clips = (right or self.words[:1], wrong or self.others[:1])  # neither may be empty
        kept = collect(artefact, *clips, one_by_one, executor) if right or wrong else None
        return TrialPosteriors(self, own, kept)


@dataclass(frozen=True)
class TrialPosteriors:
    """What a model said to all recordings of a trial, before any threshold."""

    trial: JudgingRecordings
    own: CollectedPosteriors
    """To the recipe's recordings."""
    kept: CollectedPosteriors | None
    """To the labelled clips that are kept out."""

    def curve(self, policy: TriggerPolicy) -> Curve:
        """Return misses and false accepts on the recipe's recordings at all thresholds."""
        return all_curves(self.own, policy)[AS_RECORDED]

    def at(self, policy: TriggerPolicy) -> "Score":
        """Return what comes of it at a policy."""
        own = assess(self.own, policy)
        kept = assess(self.kept, policy) if self.kept else None
        fired = {peak.clip.path for peak in kept.peaks if peak.accepted} if kept else set()
        return Score(
            own,
            frozenset(_missed(own)) & frozenset(self.trial.words),
            _inside(self.trial.kept_right, _missed(kept) if kept else ()),
            _inside(self.trial.kept_wrong, fired),
        )


@dataclass(frozen=True)
class Score:
    """How a model did at one policy."""

    own: Evaluation
    """On the recipe's recordings."""
    missed: frozenset[Path]
    """Of the recipe's words."""
    kept_missed: frozenset[Path]
    """Of the labelled clips kept out: with the word, and not found."""
    kept_fired: frozenset[Path]
    """... without it, and taken for it."""

    @property
    def kept_mistakes(self) -> int:
        return len(self.kept_missed) + len(self.kept_fired)


def judging_recordings(improvement: Improvement) -> JudgingRecordings:
    """Return the recordings that judge: of the recipe's folds that are kept for it, and the clips.

    Raises SettingsError where no word, or nothing without one, is among them.
    """
    recipe = improvement.model.config.trigger_recipe
    positive, folds = recipe.sources_of("positive"), _judging_folds(recipe)
    words = _recordings(positive, improvement, folds)
    people = _recordings([source for source in positive if source.real], improvement, folds)
    others = _negatives(recipe, improvement)
    kept_right = improvement.takes("kept", right=True)
    if not words:
        log.warning("none of the recipe's words that judge is at hand: only your clips tell misses")
    for found, what in ((words or any(sound_files(kept_right)), "with"), (others, "without")):
        if not found:
            raise SettingsError(
                f"{improvement.model.config.name}: no recording {what} the word is at hand to judge"
                " by; name the folders that hold the recipe's with --data DIR"
            )
    chosen = np.random.default_rng(improvement.seed).permutation(len(words))[:MOST_WORDS]
    tried = tuple(words[index] for index in sorted(chosen))
    return JudgingRecordings(
        tried,
        frozenset(tried) - frozenset(people),
        tuple(others),
        kept_right,
        improvement.takes("kept", right=False),
    )


def expected_rates(curve: Curve, policies: Mapping[str, TriggerPolicy]) -> dict[str, float]:
    """Return the false accepts an hour to expect of the model as it was, by the policy's name.

    policies: `default` and others that differ from it in their thresholds.
    """
    return {name: rate_at(curve, policy.threshold) for name, policy in policies.items()}


def choose_thresholds(
    earlier: Curve,
    later: Curve,
    policies: Mapping[str, TriggerPolicy],
    rates: Mapping[str, float],
) -> dict[str, float]:
    """Return the thresholds at which the later model lets so many false accepts pass, by name.

    Where either makes too few at any threshold to tell how they thin out, or less than half a one
    is expected, a threshold does not fall, and rises only as far as it must for no more to be
    counted than before.
    """
    told = is_told(earlier) and is_told(later)
    least = HALF_A_ONE / later.hours
    thresholds = {}
    for name, policy in policies.items():
        if told and rates[name] >= least:
            thresholds[name] = threshold_for(later, rates[name])
            continue
        counted = earlier.at(policy.threshold)
        point = later.choose(counted.false_accepts / counted.hours) or later.point(-1)
        thresholds[name] = max(policy.threshold, point.threshold)
    return thresholds


def reasons_against(before: Score, after: Score, synthetic: Set[Path]) -> list[str]:
    """Return in what the later model is worse; empty: in nothing.

    synthetic: the words of the recipe that no person says.
    """
    reasons = []
    if after.kept_mistakes > before.kept_mistakes:
        reasons.append(
            f"it makes {after.kept_mistakes} mistakes on your clips kept out, instead of"
            f" {before.kept_mistakes}"
        )
    lost, gained = after.missed - before.missed, before.missed - after.missed
    helps = after.kept_mistakes < before.kept_mistakes
    words = (
        ("words of people", lost - synthetic, gained - synthetic, 0.0),
        (
            "synthetic words",
            lost & synthetic,
            gained & synthetic,
            helps * BEARABLE * len(synthetic),
        ),
    )
    for name, worse, better, bearable in words:
        less = len(worse) - len(better)
        if less > bearable and _beyond_chance(len(worse), len(better)):
            reasons.append(f"of the {name} it found it loses {len(worse)} and gains {len(better)}")
    more, fewer = (score.own.point.false_accepts for score in (after, before))
    if _beyond_chance(more, fewer):
        reasons.append(f"it makes {more} false accepts instead of {fewer}")
    return reasons


def _beyond_chance(worse: int, better: int) -> bool:
    """Tell whether so many more came out worse that it is no chance (sign test)."""
    if not worse:
        return False
    test = stats.binomtest(worse, worse + better, alternative="greater")
    return bool(test.pvalue < CHANCE)


def _missed(evaluation: Evaluation) -> Iterator[Path]:
    return (clip.clip.path for clip in evaluation.clips if not clip.found)


def _inside(folder: Path, paths: Iterable[Path]) -> frozenset[Path]:
    return frozenset(path for path in paths if path.parent == folder)


def _judging_folds(recipe: Recipe) -> tuple[int, ...]:
    return recipe.test_folds or recipe.held_out_folds


def _negatives(recipe: Recipe, improvement: Improvement) -> list[Path]:
    """Return recordings without the word, together at most MOST_HOURS long.

    First those that judge; where they are too few, others that train: both models know them, so
    that they tell which one has more false accepts, though not how many strangers will have.
    """
    rng = np.random.default_rng(improvement.seed)
    chosen: dict[Path, None] = {}
    seconds = 0.0
    for folds in (_judging_folds(recipe), range(NUM_FOLDS)):
        paths = _recordings(recipe.sources_of("negative"), improvement, folds)
        for index in rng.permutation(len(paths)):
            path = paths[index]
            if path in chosen:
                continue
            try:
                seconds += soundfile.info(path).duration
            except soundfile.LibsndfileError:
                continue
            if seconds > 3600 * MOST_HOURS and chosen:
                return sorted(chosen)
            chosen[path] = None
    return sorted(chosen)


def _recordings(
    sources: Iterable[Source], improvement: Improvement, folds: Collection[int]
) -> list[Path]:
    """Return the recordings of sources that lie in some folds."""
    found: dict[Path, None] = {}
    for source in sources:
        try:
            folder = find_folder(source.path, improvement.judging_roots)
        except SettingsError:
            continue
        if source.fold is None or source.fold in folds:
            paths = list(sound_files(folder, source.include, source.exclude))
            found |= dict.fromkeys(paths if source.fold in folds else in_folds(paths, folds))
    return list(found)
