"""Pretending a detection, through every output of a site, one after the other."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial

from firmware_py.errors import SettingsError, TriggerWordError
from firmware_py.live.checking.result import CheckResult, Verdict, result_of
from firmware_py.live.extras import extra
from firmware_py.live.output_plans import plan_outputs
from firmware_py.live.output_set import OutputPlan
from firmware_py.live.site_models import Site, all_labels
from firmware_py.outputs.event import Event
from firmware_py.outputs.gpio import Gpio
from firmware_py.outputs.mute import Mute
from firmware_py.settings.outputs import GpioSettings, MqttSettings
from firmware_py.sound.system import SoundSystem

HOLD_SECONDS = 1.0
"""The refractory time of the pretended event."""


def pretend(site: Site, open_sound: Callable[[], SoundSystem], label: str) -> Iterator[CheckResult]:
    """Yield what each output made of an event.

    open_sound: returns a sound system that is started; called where there is a chime.
    label: of the event; empty: for each output one that it answers to.
    Raises SettingsError for a label that no model has.
    """
    labels = all_labels(site.models)
    if label and label not in labels:
        raise SettingsError(f"no model has the label {label!r}; there is {', '.join(labels)}")
    settings = site.settings
    sound = None
    if settings.chime.sound != "off":
        try:
            sound = open_sound()
        except TriggerWordError as error:
            yield CheckResult("chime", "failed", str(error))
    try:
        for plan in plan_outputs(settings, site.models, sound, Mute()):
            chosen = label or next(iter(plan.labels), labels[0])
            if plan.labels and chosen not in plan.labels:
                yield CheckResult(plan.name, "skipped", f"is for {', '.join(plan.labels)} only")
                continue
            yield result_of(plan.name, partial(_answer, plan, pretended(chosen), settings.mqtt))
    finally:
        if sound:
            sound.stop()


def pretended(label: str) -> Event:
    """Return an event that nobody has caused."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return Event(label, "test-outputs", 1.0, 0.0, now, HOLD_SECONDS)


def _answer(plan: OutputPlan, event: Event, mqtt: MqttSettings | None) -> tuple[Verdict, str]:
    began = time.monotonic()
    if plan.name == "mqtt" and mqtt:
        # Not as the output itself: it would throw out a service that runs, and mark it offline.
        with extra("mqtt"):
            from firmware_py.outputs.mqtt import event_payload, publish_once
        topic = publish_once(mqtt, "event", event_payload(event))
        return "ok", f"published on {topic} in {time.monotonic() - began:.1f} s"
    output = plan.open()
    try:
        output.handle(event)
        if isinstance(output, Gpio):
            time.sleep(_on_seconds(output.settings))
    finally:
        output.close()
    return "ok", f"answered {event.label!r} in {time.monotonic() - began:.1f} s"


def _on_seconds(settings: GpioSettings) -> float:
    return settings.pulse_seconds if settings.mode == "pulse" else HOLD_SECONDS
