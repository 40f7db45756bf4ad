"""Noticing that one listens to a channel on which nothing is."""

import logging

import numpy as np
from numpy.typing import NDArray

SILENT_SECONDS = 5.0
"""Digital silence for this long is no pause in speech: a microphone has noise of its own."""

log = logging.getLogger(__name__)


class ChannelWatch:
    """Looks at the channels of a device until the first sound on the one that is listened to."""

    def __init__(self, device: str, channel: int, rate_hz: int) -> None:
        """
        channel: the one that is listened to, from 1; 0: the mean of all, which is not looked at.
        """
        self.fault = ""
        """What is wrong, in words, until the channel sounds; empty: nothing."""
        self._device = device
        self._channel = channel
        self._rate_hz = rate_hz
        self._is_watching = channel > 0
        self._silent_samples = 0
        self._peaks = np.zeros(channel, np.int64)

    def look(self, channels: NDArray[np.int16]) -> None:
        """Look at the next samples, int16 [samples, channels]."""
        if not self._is_watching:
            return
        if channels[:, self._channel - 1].any():
            self._is_watching = False
            self.fault = ""
            return
        peaks = np.abs(channels.astype(np.int64)).max(axis=0, initial=0)
        self._peaks = np.maximum(peaks, self._peaks) if self._silent_samples else peaks
        self._silent_samples += len(channels)
        if self._silent_samples >= SILENT_SECONDS * self._rate_hz:
            self._say()
            self._silent_samples = 0

    def _say(self) -> None:
        loudest = int(self._peaks.argmax()) + 1
        self.fault = "digital silence; is it muted?"
        if self._peaks[loudest - 1]:
            self.fault = (
                f"channel {self._channel} is silent, but channel {loudest} is not;"
                f" set channel = {loudest} under [microphone]"
            )
        log.warning("microphone %r: %s", self._device, self.fault)
