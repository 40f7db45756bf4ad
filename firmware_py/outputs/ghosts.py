"""Devices that this machine once was: after a new name they would stay in Home Assistant for ever.

An announcement is retained by the broker. One that this machine made, under a name that is not ours
and whose device is offline, is taken back; so is our own where it is no longer wanted. Another
service of the same machine, should it just be stopped, announces itself again when it starts.
"""

import json
import logging
from collections.abc import Callable

from firmware_py.outputs.home_assistant import ORIGIN, Topics, machine_serial

ANY_PREFIX = "+"
OFFLINE = b"offline"

log = logging.getLogger(__name__)


class Ghosts:
    """Looks at retained announcements and removes those that are stale."""

    def __init__(
        self, ours: Topics, subscribe: Callable[[str], None], remove: Callable[[str], None]
    ) -> None:
        """
        subscribe: called with a topic to hear.
        remove: called with a topic whose retained message is to go.
        """
        self._ours = ours
        self._subscribe = subscribe
        self._remove = remove
        self._serial = machine_serial()
        self._suspects: dict[str, str] = {}
        """Topics of announcements by those of availability."""

    def look(self, discovery_prefix: str) -> None:
        """Ask for all announcements."""
        if not self._serial:
            return
        self._suspects.clear()
        for prefix in {ANY_PREFIX, discovery_prefix or ANY_PREFIX}:
            self._subscribe(f"{prefix}/device/+/config")

    def hear(self, topic: str, payload: bytes) -> None:
        """Judge an announcement, or the availability of a suspect."""
        if topic in self._suspects:
            if payload == OFFLINE:
                self._take_back(self._suspects.pop(topic))
                self._remove(topic)
            return
        if topic == self._ours.discovery or not topic.endswith("/config") or not payload:
            return
        availability = self._availability_of_own(payload)
        if availability == self._ours.availability:
            self._take_back(topic)
        elif availability:
            self._suspects[availability] = topic
            self._subscribe(availability)

    def _availability_of_own(self, payload: bytes) -> str:
        """Return the topic of a device that this machine announced, else ''."""
        try:
            announced = json.loads(payload)
            ours = (announced["origin"]["name"], announced["device"]["serial_number"])
            topic = announced["availability_topic"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return ""
        plain = isinstance(topic, str) and not set(topic) & set("+#\0")
        own = ours == (ORIGIN, self._serial)
        return topic if plain and own and topic.endswith("/availability") else ""

    def _take_back(self, topic: str) -> None:
        log.info("mqtt: the announcement of an earlier device is removed: %r", topic)
        self._remove(topic)
