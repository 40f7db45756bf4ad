"""Digital silence on the channel that is listened to is said, and sound on another, too."""

import numpy as np
import pytest

from firmware_py.sound.channels import ChannelWatch

RATE_HZ = 16000


def look(watch: ChannelWatch, values: list[int], seconds: float) -> None:
    block = np.tile(np.array(values, np.int16), (1280, 1))
    for _ in range(round(seconds * RATE_HZ / 1280)):
        watch.look(block)


@pytest.mark.parametrize(
    ("channel", "values", "said"),
    [
        (1, [0, 5, 900, 7], "channel 1 is silent, but channel 3 is not; set channel = 3"),
        (2, [-32768, 0], "channel 2 is silent, but channel 1 is not; set channel = 1"),
        (1, [0], "'array': digital silence; is it muted?"),
        (3, [0, 0, 0], "'array': digital silence; is it muted?"),
    ],
)
def test_what_is_said_of_silence(
    channel: int, values: list[int], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    watch = ChannelWatch("array", channel, RATE_HZ)
    look(watch, values, 4.5)
    assert not caplog.text
    assert watch.fault == ""
    look(watch, values, 1.0)
    assert said in caplog.text
    assert watch.fault
    assert f"'array': {watch.fault}" in caplog.text
    look(watch, [1] * len(values), 0.1)
    assert watch.fault == ""


def test_a_channel_that_has_sounded_may_be_silent(caplog: pytest.LogCaptureFixture) -> None:
    watch = ChannelWatch("array", 1, RATE_HZ)
    look(watch, [1, 0], 0.1)
    look(watch, [0, 9], 60.0)
    assert not caplog.text
