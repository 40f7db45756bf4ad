"""Trying what the settings name beside sound and pins, without an event that others would see."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from firmware_py.live.checking.result import CheckResult, Verdict, result_of
from firmware_py.live.extras import extra
from firmware_py.settings import Settings
from firmware_py.settings.outputs import (
    CommandSettings,
    MqttSettings,
    WebhookSettings,
    WyomingSettings,
)

NOT_SENT = "nothing was sent; pretend a detection with: trigger-word test-outputs"


def check_outputs(settings: Settings) -> Iterator[CheckResult]:
    """Yield a result for each output and service that the settings name."""
    for command in settings.command:
        yield result_of(f"command {command.program[0]}", partial(check_command, command))
    for webhook in settings.webhook:
        yield result_of(f"webhook {webhook.address}", partial(check_webhook, webhook))
    if settings.mqtt:
        yield result_of("mqtt", partial(check_mqtt, settings.mqtt))
    if settings.wyoming:
        yield result_of("wyoming", partial(check_wyoming, settings.wyoming))


def check_command(settings: CommandSettings) -> tuple[Verdict, str]:
    """Look for the program."""
    name = settings.program[0]
    found = shutil.which(name)
    if found:
        return "ok", f"{found} is there; {NOT_SENT}"
    there = "this user may not run it: chmod +x" if os.path.exists(name) else "no such program"  # noqa: PTH110
    return "failed", f"{name}: {there}"


def check_webhook(settings: WebhookSettings) -> tuple[Verdict, str]:
    """Connect to the server, with TLS where the address says so."""
    from firmware_py.outputs.webhook import Webhook

    Webhook(settings).reach()
    return "ok", f"the server answers; {NOT_SENT}"


def check_mqtt(settings: MqttSettings) -> tuple[Verdict, str]:
    """Connect to the broker as the service would, under a name of our own, and publish there."""
    with extra("mqtt"):
        from firmware_py.outputs.mqtt import publish_once
    topic = publish_once(settings, "check", "check")
    return "ok", f"{settings.host}:{settings.broker_port} accepts us, and messages on {topic}"


def check_wyoming(settings: WyomingSettings) -> tuple[Verdict, str]:
    """Listen for a moment."""
    with extra("wyoming"):
        from firmware_py.wake_service.service import WyomingService
        from firmware_py.wake_service.words import spotter_for
    service = WyomingService(replace(settings, zeroconf=False), [], spotter_for([]))
    try:
        if not service.is_serving:
            return "failed", f"{service.fault}; does the service itself run? Stop it first"
        text = f"can listen on {settings.host}:{service.port}"
    finally:
        service.close()
    if not settings.zeroconf:
        return "ok", text
    with extra("wyoming"):
        from firmware_py.wake_service.announcement import own_address
    try:
        return "ok", f"{text}; would be announced at {own_address()}"
    except OSError as error:
        return "warning", f"{text}; no network to announce it on: {error.strerror}"
