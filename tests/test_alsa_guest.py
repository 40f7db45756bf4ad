"""A true ALSA card, unplugged and plugged in again under the listening daemon.

Needs QEMU, busybox and the kernel package of `alsa_guest`; TRIGGER_WORD_GUEST_KERNEL names the
folder into which it was unpacked.
"""

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from alsa_guest import run_in_guest
from virtual_sound import beeps, write_wav

KERNEL = os.environ.get("TRIGGER_WORD_GUEST_KERNEL", "")
ROOT = Path(__file__).parent.parent
ASOUND = """
pcm.!default{type asym playback.pcm "plughw:Loopback,0,1" capture.pcm "plughw:Loopback,1,0"}
"""
SETTINGS = """
[microphone]
device = "default"
[[model]]
path = "{model}"
[chime]
device = "default"
"""
SCRIPT = """
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME={out} PYTHONPATH={root}:{path}
cd {out}
say() {{ aplay -q -D plughw:Loopback,0,0 words.wav; }}
record() {{
    arecord -q -D plughw:Loopback,1,1 -B 4000000 -f S16_LE -r 16000 -c 1 "$1" & recorder=$!
}}
stop_recording() {{ sleep 3; kill $recorder; wait $recorder; }}
events() {{ [ "$(wc -l < events)" -ge "$1" ]; }}
log_has() {{ [ "$(grep -c "$1" daemon.log)" -ge "$2" ]; }}
wait_for() {{
    for _ in $(seq 600); do "$@" && return; sleep 0.5; done
    echo "never came: $*"; cat daemon.log; exit 1
}}
{python} -c "
import sys, firmware_py.sound.system
firmware_py.sound.system.SoundSystem.hang_seconds = 120.0  # an emulated processor is slow
from firmware_py.__main__ import main
sys.exit(main())" run --json --settings site.toml > events 2> daemon.log & daemon=$!
wait_for log_has 'listening to' 1
record chime-1.wav
say
wait_for events 2
stop_recording

echo -n snd_aloop.0 > /sys/bus/platform/drivers/snd_aloop/unbind & unbinding=$!
wait_for log_has 'opening it again' 1
wait $unbinding
wait_for log_has 'no sound: ' 1
echo -n snd_aloop.0 > /sys/bus/platform/drivers/snd_aloop/bind
wait_for log_has 'listening to' 2
record chime-2.wav
say
wait_for events 4
stop_recording
kill -TERM $daemon
wait $daemon
echo "daemon ended with $?"
"""


def chimes(path: Path) -> int:
    """Return how often the speaker spoke."""
    samples, rate_hz = soundfile.read(path)
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    return int(np.count_nonzero(np.diff(loud, prepend=-2 * rate_hz) > rate_hz))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_unplugged_and_plugged_in_again(tmp_path: Path) -> None:
    for program in ("qemu-system-x86_64", "busybox", "depmod", "aplay"):
        if not shutil.which(program):
            pytest.skip(
                f"{program} is not installed (apt: qemu-system-x86 busybox-static kmod alsa-utils)"
            )
    if not KERNEL:
        pytest.skip("TRIGGER_WORD_GUEST_KERNEL names no unpacked linux-image package")
    write_wav(tmp_path / "words.wav", beeps((1.0, 4.0), 5.5))
    (tmp_path / ".asoundrc").write_text(ASOUND)
    model = Path(__file__).parent / "data" / "beep.tflite"
    (tmp_path / "site.toml").write_text(SETTINGS.format(model=model))
    site_packages = ":".join(path for path in sys.path if path)
    script = SCRIPT.format(out=tmp_path, root=ROOT, path=site_packages, python=sys.executable)
    log = run_in_guest(Path(KERNEL), tmp_path, script, 1700)
    assert "daemon ended with 0" in log
    events = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    assert [event["label"] for event in events] == ["beep"] * 4
    for first in (0, 2):
        gap = events[first + 1]["time_seconds"] - events[first]["time_seconds"]
        assert gap == pytest.approx(3.0, abs=0.3)
    assert chimes(tmp_path / "chime-1.wav") == 2
    assert chimes(tmp_path / "chime-2.wav") == 2
    assert "filled with silence" in (tmp_path / "daemon.log").read_text()
