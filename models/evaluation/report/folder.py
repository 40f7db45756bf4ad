"""The report folder: report.md, evaluation.json, pictures, and recordings to listen to."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import soundfile
from matplotlib.figure import Figure

from models.evaluation.report.det import trade_off
from models.evaluation.report.excerpts import scene_of_clip, scene_of_peak
from models.evaluation.report.pictures import by_condition, by_group, latencies
from models.evaluation.report.scene import Excerpt, draw_excerpt
from models.evaluation.report.tables import (
    percent_with_interval,
    point_row,
    rate_with_interval,
    table,
)
from models.evaluation.results import TARGETS, Evaluation, Group, Peak
from models.recordings.voice_names import spoken_by

NUM_WORST = 20
"""False accepts and misses that are cut out to listen to."""
NUM_PICTURES = 4
"""Scenes of each kind that are drawn."""
POINT_HEADER = ("", "words", "missed (%)", "hours", "false accepts", "an hour")


def write_report(evaluation: Evaluation, folder: Path) -> None:
    """Write the report of an evaluation into `folder`, which is made if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    result = json.dumps(evaluation.to_json(), indent=1)
    (folder / "evaluation.json").write_text(result + "\n", encoding="utf-8")
    sections = [
        _summary(evaluation),
        "## Misses against false accepts",
        _picture(trade_off(evaluation), folder / "det.png"),
        _targets(evaluation),
        "## From the word's end to the detection",
        _latency_note(evaluation),
        _picture(latencies(evaluation), folder / "latency.png"),
        *_conditions(evaluation, folder),
        *_groups(evaluation.sources, "Sources", folder),
        *_groups(_named(evaluation.engines), "Engines", folder),
        *_groups(_named(evaluation.voices), "Voices", folder),
        *_false_accepts(evaluation, folder),
        *_misses(evaluation, folder),
        *_found(evaluation, folder),
        *_skipped(evaluation),
    ]
    (folder / "report.md").write_text("\n\n".join(sections) + "\n", encoding="utf-8")


def _summary(evaluation: Evaluation) -> str:
    metadata, point = evaluation.heard.artefact.metadata, evaluation.point
    policy, accuracy = evaluation.policy, evaluation.frame_accuracy
    latency = evaluation.summary()["latency"]
    target = evaluation.target_false_accepts_per_hour
    milliseconds = [1000 * (latency[name] or 0) for name in ("median_seconds", "p95_seconds")]
    rows = [
        ("model", f"{metadata.name} ({metadata.mode}, {metadata.sha256[:12]})"),
        ("label", evaluation.heard.label),
        ("policy", policy.describe(metadata.step_seconds)),
        (
            "threshold chosen for",
            "the model's own" if target is None else f"{target:g} false accepts an hour",
        ),
        (
            "words missed",
            (f"{point.misses} of {point.positives}: {percent_with_interval(point)} %"),
        ),
        (
            "false accepts",
            (f"{point.false_accepts} in {point.hours:.2f} h: {rate_with_interval(point)} an hour"),
        ),
        *_second_stage(evaluation),
        ("latency", f"{milliseconds[0]:.0f} ms at the median, {milliseconds[1]:.0f} ms at 95 %"),
        ("second triggers on one word", str(evaluation.repeated_triggers)),
        (
            "steps on the right side",
            (
                f"{100 * accuracy.network:.2f} %;"
                f' "always no" scores {100 * accuracy.always_no:.2f} %'
            ),
        ),
    ]
    note = (
        "Intervals are exact and hold 95 % (Clopper-Pearson; Poisson). They take every clip for"
        " an independent trial; clips of one speaker are not, so the truth is less certain."
    )
    return "\n\n".join((f"# Evaluation of {metadata.name}", table(("", ""), rows), note))


def _second_stage(evaluation: Evaluation) -> list[tuple[str, str]]:
    metadata, second = evaluation.heard.artefact.metadata, evaluation.second_stage
    if not metadata.verifier or not second:
        return []
    looks = metadata.verifier.describe(metadata.step_seconds, metadata.front_end.frame_seconds)
    use = (
        f"called {second.candidates} times, {second.candidates / second.hours:.3g} an hour without"
        f" the word; ran {second.looks} times; refused {second.refused}"
    )
    return [("second stage", looks), ("its use", use)]


def _targets(evaluation: Evaluation) -> str:
    """Return the lowest thresholds that keep to a rate on these recordings."""
    rows = []
    for name, point in evaluation.by_target().items():
        title = f"{TARGETS[name]:g} an hour"
        if point is None:
            rows.append((title, "out of reach", "", ""))
            continue
        misses, rate = percent_with_interval(point), rate_with_interval(point)
        rows.append((title, f"{point.threshold:g}", misses, rate))
    return table(("at most", "threshold", "missed (%)", "false accepts an hour"), rows)


def _latency_note(evaluation: Evaluation) -> str:
    metadata = evaluation.heard.artefact.metadata
    wait = 1000 * (metadata.network.steps_per_call - 1) * metadata.step_seconds
    return (
        "The end of the word is the manifest's, or else where the clip's energy ends. Counted is"
        " audio until the network has run; it runs on"
        f" {metadata.network.steps_per_call} steps at a time, for which the first of them waits"
        f" {wait:.0f} ms. The time to compute comes on top."
    )


def _conditions(evaluation: Evaluation, folder: Path) -> list[str]:
    figure = by_condition(evaluation)
    if figure is None:
        return []
    rows = [
        point_row(condition.name, curve.at(evaluation.policy.threshold))
        for condition, curve in evaluation.curves.items()
    ]
    picture = _picture(figure, folder / "conditions.png")
    return ["## Conditions", table(POINT_HEADER, rows), picture]


def _named(groups: Sequence[Group]) -> list[Group]:
    """Return groups of voices by names that people read."""
    return [replace(group, name=spoken_by(group.name)) for group in groups]


def _groups(groups: Sequence[Group], title: str, folder: Path) -> list[str]:
    if not groups:
        return []
    rows = [point_row(group.name, group.point) for group in groups]
    figure = by_group(groups, title)
    pictures = [_picture(figure, folder / f"{title.lower()}.png")] if figure else []
    return [f"## {title}", table(POINT_HEADER, rows), *pictures]


def _false_accepts(evaluation: Evaluation, folder: Path) -> list[str]:
    worst = evaluation.peaks[:NUM_WORST]
    accepted = [peak for peak in worst if peak.accepted]
    near = [peak for peak in worst if not peak.accepted]
    return [
        "## False accepts",
        *_peaks(evaluation, accepted, folder, "false-accept"),
        "## Near misses: what came nearest to a false accept",
        *_peaks(evaluation, near, folder, "near-miss"),
    ]


def _peaks(evaluation: Evaluation, worst: Sequence[Peak], folder: Path, kind: str) -> Iterable[str]:
    scenes = [scene_of_peak(evaluation, peak) for peak in worst]
    cells = [
        (peak.clip.path.name, peak.clip.source, f"{peak.time_seconds:.2f}", f"{peak.score:.4f}")
        for peak in worst
    ]
    return _listed(("file", "source", "time (s)", "score"), cells, scenes, folder, kind)


def _misses(evaluation: Evaluation, folder: Path) -> list[str]:
    worst = evaluation.missed()[:NUM_WORST]
    scenes = [scene_of_clip(evaluation, clip) for clip in worst]
    cells = [(c.clip.path.name, c.clip.source, f"{c.best_score:.4f}") for c in worst]
    title = "## Misses, the lowest score first"
    return [title, *_listed(("file", "source", "score"), cells, scenes, folder, "miss")]


def _found(evaluation: Evaluation, folder: Path) -> list[str]:
    found = sorted((c for c in evaluation.clips if c.found), key=lambda clip: clip.best_score)
    places = dict.fromkeys((len(found) // 2, 0, 1))
    examples = [found[place] for place in places if place < len(found)]
    scenes = [scene_of_clip(evaluation, clip) for clip in examples]
    cells = [
        (
            c.clip.path.name,
            c.clip.source,
            f"{c.best_score:.4f}",
            f"{1000 * (c.latency_seconds or 0):.0f}",
        )
        for c in examples
    ]
    header = ("file", "source", "score", "latency (ms)")
    title = "## Found: a typical one, and the lowest scores"
    return [title, *_listed(header, cells, scenes, folder, "found")]


def _skipped(evaluation: Evaluation) -> list[str]:
    skipped = evaluation.heard.skipped
    rows = [(bad.path.name, bad.reason) for bad in skipped]
    return ["## Skipped", table(("file", "reason"), rows)] if skipped else []


def _listed(
    header: Sequence[str],
    cells: Sequence[Sequence[str]],
    scenes: Sequence[Excerpt],
    folder: Path,
    kind: str,
) -> Iterable[str]:
    """Return a table of scenes and their pictures; write a WAV of each."""
    if not scenes:
        return ["None."]
    names = [f"{kind}-{number:02d}" for number in range(1, len(scenes) + 1)]
    for name, scene in zip(names, scenes, strict=True):
        path = folder / "sounds" / f"{name}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, scene.samples, scene.sample_rate_hz, "PCM_16")
    rows = [
        (*row, f"[{name}.wav](sounds/{name}.wav)") for row, name in zip(cells, names, strict=True)
    ]
    drawn = list(zip(names, scenes, strict=True))[:NUM_PICTURES]
    pictures = [_picture(draw_excerpt(scene), folder / f"{name}.png") for name, scene in drawn]
    return [table((*header, "listen"), rows), *pictures]


def _picture(figure: Figure, path: Path) -> str:
    """Write a picture; return the line that shows it."""
    figure.savefig(path)
    return f"![{path.stem}]({path.name})"
