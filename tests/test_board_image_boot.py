"""The whole image, built and booted: minutes to tens of minutes on an emulated processor.

QEMU skips the Pi's own firmware, so config.txt and start.elf are not tested here.
"""

import contextlib
import os
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from image_guest import (
    GENERIC,
    NO_WATCHDOG,
    PI_3,
    Card,
    ImageGuest,
    missing_programs,
    start,
    write_card,
)

from board.bundle.own_package import own_package
from board.cache import cache_folder
from board.image.build import Image, build_image
from board.image.programs import require_programs
from board.image.site import SiteOptions
from firmware_py.errors import TriggerWordError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

PIN = 27
SETTINGS = f"""\
[[gpio]]
line = "GPIO{PIN}"
pulse_seconds = 3.0
"""
BOOT_SECONDS = 900
"""Until the service listens: ample for a loaded machine."""
POWER_CUTS = 10
READY = r"Started trigger-word\.service"
SOUND_CARD = "modules_load=snd_aloop"
"""What is played into one end of this card is heard at the other."""
RECORDING = "/opt/trigger-word/lib/python3.11/site-packages/firmware_py/data/activate.flac"
PROMPT = r"root@\w+:/# "
WRITER = "while :; do date >/etc/turn; cp /etc/turn /var/lib/turn; mv /var/lib/turn /etc/old; done"
TO_WAV = (
    "/opt/trigger-word/bin/python3 -c 'import soundfile;"
    f'sound = soundfile.read("{RECORDING}", dtype="int16");'
    'soundfile.write("/tmp/activate.wav", *sound)\''
)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SiteOptions]:
    """Our package, and a site as `python -m board image --hostname --settings` makes it."""
    try:
        require_programs()
    except TriggerWordError as error:
        pytest.skip(str(error))
    missing = missing_programs()
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    settings = tmp_path_factory.mktemp("site") / "site.toml"
    settings.write_text(SETTINGS)
    given = os.environ.get("TRIGGER_WORD_DEB")
    own = own_package(Path(given) if given else None)
    return own.resolve(), SiteOptions(host_name="kitchen", settings=settings)


@pytest.fixture(scope="module")
def image(inputs: tuple[Path, SiteOptions], tmp_path_factory: pytest.TempPathFactory) -> Image:
    return build_image(tmp_path_factory.mktemp("image"), *inputs, cache_folder("image"))


@pytest.fixture
def card(image: Image, tmp_path: Path) -> Card:
    return write_card(image.file, tmp_path)


@pytest.fixture(scope="class")
def pi(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageGuest]:
    """A Pi 3 that listens to the loopback sound card."""
    card = write_card(image.file, tmp_path_factory.mktemp("card"))
    with start(card, PI_3, f"{SOUND_CARD} {NO_WATCHDOG}") as guest:
        wait_until_it_listens(guest)
        yield guest


def wait_until_it_listens(guest: ImageGuest) -> None:
    guest.wait_for(READY, BOOT_SECONDS)
    guest.shell(TO_WAV, BOOT_SECONDS)


def hear(guest: ImageGuest) -> None:
    """Play the recording into the sound card until it is detected."""
    guest.shell("aplay -q -D plughw:Loopback,1,0 /tmp/activate.wav >/dev/null 2>&1 &")
    guest.wait_for(r"heard 'activate'", 300)


class TestPi:
    def test_a_recording_is_detected_and_the_pin_goes_high_and_low(self, pi: ImageGuest) -> None:
        assert not pi.pin(PIN)
        hear(pi)
        pi.wait_for_pin(PIN, high=True, timeout_seconds=60)
        pi.wait_for_pin(PIN, high=False, timeout_seconds=60)

    def test_nothing_listens_on_the_network(self, pi: ImageGuest) -> None:
        sockets = pi.shell("ss --no-header --listening --tcp --udp --raw --packet --numeric")
        assert sockets.strip() == ""

    def test_the_system_cannot_be_written_to(self, pi: ImageGuest) -> None:
        assert "squashfs" in pi.shell("findmnt --noheadings --output FSTYPE /")
        pi.shell("! touch /usr/x /boot/x /x")
        assert pi.shell("stat --format=%a /").strip() == "755"
        assert pi.shell("cat /etc/hostname").strip() == "kitchen"
        assert pi.shell("systemctl list-units --failed --no-legend").strip() == ""

    def test_a_stopped_process_is_started_again(self, pi: ImageGuest) -> None:
        before = pi.shell("systemctl show --value --property=MainPID trigger-word").strip()
        pi.shell("systemctl kill --signal=STOP trigger-word")
        pi.wait_for(r"Watchdog timeout", 300)
        pi.wait_for(READY, BOOT_SECONDS)
        after = pi.shell("systemctl show --value --property=MainPID trigger-word").strip()
        assert after not in (before, "0")


def test_the_same_inputs_make_the_same_bytes(
    inputs: tuple[Path, SiteOptions], image: Image, tmp_path: Path
) -> None:
    """From the same installed Debian: installing that again takes minutes more."""
    cache = tmp_path / "cache"
    shutil.copytree(cache_folder("image"), cache, ignore=shutil.ignore_patterns("system-*"))
    again = build_image(tmp_path / "again", *inputs, cache)
    assert again.sha256 == image.sha256
    for name in ("file", "block_map", "manifest", "digests"):
        assert getattr(again, name).read_bytes() == getattr(image, name).read_bytes()


def test_the_boards_watchdog_is_armed(card: Card) -> None:
    """QEMU's model resets the board as soon as systemd arms it, and QEMU then ends."""
    with start(card, PI_3) as guest:
        with pytest.raises(ConnectionError):
            guest.wait_for("this never comes", BOOT_SECONDS)
        assert guest.process.wait() == 0
    assert "panic" not in guest.log.read_text(errors="replace")


def test_after_ten_power_cuts_the_next_boot_listens(card: Card) -> None:
    """The plug is pulled at random moments while something writes; then the card is used again."""
    moments = random.Random(int(os.environ.get("POWER_CUT_SEED", "20")))
    for _ in range(POWER_CUTS):
        with start(card, GENERIC, SOUND_CARD) as guest:
            write_until(guest, time.monotonic() + moments.uniform(2, 60))
            guest.pull_the_plug()
    with start(card, PI_3, f"{SOUND_CARD} {NO_WATCHDOG}") as guest:
        wait_until_it_listens(guest)
        hear(guest)
        assert guest.shell("cat /etc/hostname").strip() == "kitchen"
        assert "ext4" in guest.shell("findmnt --noheadings --output FSTYPE /state")
        guest.shell("test -e /etc/turn")
    assert min(card.written()) >= card.state_start


def write_until(guest: ImageGuest, end: float) -> None:
    """Let the guest start, and write to its card as soon as it has a shell."""
    with contextlib.suppress(TimeoutError):
        guest.wait_for(PROMPT, end - time.monotonic())
        guest.shell(f"({WRITER}) >/dev/null 2>&1 &", end - time.monotonic())
        guest.wait_for("this never comes", end - time.monotonic())
