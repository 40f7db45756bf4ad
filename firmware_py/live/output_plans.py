"""From the settings to the outputs; each one's library is imported only where it is wanted."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from firmware_py.ensemble import Model
from firmware_py.live.extras import extra
from firmware_py.live.output_set import OutputPlan
from firmware_py.live.site_models import all_labels
from firmware_py.outputs.mute import Mute
from firmware_py.outputs.worker import Output
from firmware_py.settings import Settings
from firmware_py.settings.outputs import (
    ChimeSettings,
    CommandSettings,
    GpioSettings,
    MqttSettings,
    WebhookSettings,
)

if TYPE_CHECKING:
    from firmware_py.outputs.home_controls import Home
    from firmware_py.sound.system import SoundSystem


def plan_outputs(
    settings: Settings,
    models: Sequence[Model],
    sound: "SoundSystem | None",
    mute: Mute,
    home: "Home | None" = None,
) -> list[OutputPlan]:
    """Return the outputs that the settings want; nothing is opened or imported yet.

    sound: None: there is no chime.
    home: what a smart home may see and change beside the events; None: nothing.
    """
    plans = [
        *_plans("gpio", settings.gpio, "line", _gpio),
        *_plans("command", settings.command, "program", _command),
        *_plans("webhook", settings.webhook, "address", _webhook),
    ]
    if sound and settings.chime.sound != "off":
        chime = settings.chime
        plans.append(
            OutputPlan("chime", chime, partial(_speaker, chime, sound, mute), chime.labels)
        )
    labels = tuple(all_labels(models))
    if mqtt := settings.mqtt:
        plans.append(
            OutputPlan(
                "mqtt",
                (mqtt, labels, _names(settings, models)),
                partial(_mqtt, mqtt, labels, home),
                queue_length=mqtt.queue_length,
            )
        )
    return _told_apart(plans)


def _names(settings: Settings, models: Sequence[Model]) -> tuple[object, ...]:
    """Return what else a smart home is told of at the start."""
    points = [(model.name, *model.artefact.metadata.operating_points) for model in models]
    kinds = [bool(each) for each in (settings.gpio, settings.command, settings.webhook)]
    return (*points, *kinds, settings.chime.sound)


def _told_apart(plans: Sequence[OutputPlan]) -> list[OutputPlan]:
    """Number the plans of one name, so that logs and metrics tell them apart."""
    seen: Counter[str] = Counter()
    numbered = []
    for plan in plans:
        seen[plan.name] += 1
        number = seen[plan.name]
        numbered.append(plan if number == 1 else replace(plan, name=f"{plan.name} ({number})"))
    return numbered


def _plans(
    kind: str, several: Sequence[Any], naming_field: str, open_output: Callable[[Any], Output]
) -> list[OutputPlan]:
    return [
        OutputPlan(
            f"{kind} {_name(getattr(each, naming_field))}",
            each,
            partial(open_output, each),
            each.labels,
        )
        for each in several
    ]


def _name(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else value[0]


def _speaker(chime: ChimeSettings, sound: "SoundSystem", mute: Mute) -> Output:
    from firmware_py.outputs.chime_sound import sound_maker
    from firmware_py.outputs.speaker import Speaker

    make_sound = sound_maker(chime.sound, chime.volume)
    return Speaker(sound, make_sound, chime.device, mute, chime.mute_tail_seconds)


def _gpio(settings: GpioSettings) -> Output:
    from firmware_py.outputs.gpio import Gpio

    return Gpio(settings)


def _command(settings: CommandSettings) -> Output:
    from firmware_py.outputs.command import Command

    return Command(settings)


def _webhook(settings: WebhookSettings) -> Output:
    from firmware_py.outputs.webhook import Webhook

    return Webhook(settings)


def _mqtt(settings: MqttSettings, labels: Sequence[str], home: "Home | None") -> Output:
    from importlib.metadata import version

    with extra("mqtt"):
        from firmware_py.outputs.mqtt import Mqtt
    return Mqtt(settings, labels, version("trigger-word"), home)
