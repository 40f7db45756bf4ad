"""Detections and close misses as the journal keeps them, and the event of a test."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from firmware_py.ensemble import Model
from firmware_py.monitor.clip_files import JournalEntry
from firmware_py.monitor.close_misses import CloseMiss, CloseMissDetector
from firmware_py.outputs.event import Event
from firmware_py.settings import ClipSettings

SHARE = 0.5
"""Where no settings for clips say how near to its threshold a score must come."""


def close_miss_detector(clips: ClipSettings | None) -> CloseMissDetector | None:
    """Return what looks for close misses; None: nothing does."""
    if clips and not clips.close_misses:
        return None
    return CloseMissDetector(clips.close_miss_share if clips else SHARE)


def entry_of_event(event: Event, models: Sequence[Model]) -> JournalEntry:
    """Return a detection's entry."""
    thresholds = {model.name: model.policy.threshold for model in models}
    threshold = thresholds[event.model]
    return JournalEntry(
        "detection", event.label, event.model, event.score, threshold, event.timestamp
    )


def entry_of_miss(miss: CloseMiss, ago_seconds: float) -> JournalEntry:
    """Return the entry of a close miss that is `ago_seconds` past."""
    moment = datetime.now(UTC) - timedelta(seconds=ago_seconds)
    timestamp = moment.isoformat(timespec="milliseconds")
    threshold = miss.model.policy.threshold
    return JournalEntry("close-miss", miss.label, miss.model.name, miss.score, threshold, timestamp)


def kind_of(output: str) -> str:
    """Return the kind of an output by its name, such as gpio of "gpio GPIO27"."""
    return output.partition(" ")[0]


def test_event(label: str) -> Event:
    """Return what outputs are given for a test."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return Event(label, "test", 1.0, 0.0, now, 0.0)
