"""Profiles of boards and audio hardware."""

import json
import math
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from board.__main__ import main
from board.errors import BoardError
from board.profiles import combine, read_audio_hardware, read_boards
from board.profiles.tables import FOLDER
from firmware_py.bench.budget import read_budgets
from firmware_py.errors import SettingsError

BOARDS = read_boards()
AUDIO = read_audio_hardware()

BUSY = {
    "aiy-voice-hat": {23, 25},
    "respeaker-2-mic-v1": {2, 3, 10, 11, 12, 13, 17},
    "voice-bonnet": {2, 3, 5, 6, 12, 13, 17},
}
"""Buttons, lamps, connectors and I2C of the HATs, from their makers' pinouts."""


def test_all_boards_and_hardware_are_there() -> None:
    assert set(BOARDS) == {"zero-2-w", "3b", "4b", "5"}
    assert set(AUDIO) == {
        "usb-microphone",
        "aiy-voice-hat",
        "i2s-microphone",
        "respeaker-2-mic-v1",
        "voice-bonnet",
        "i2s-dac",
    }


@pytest.mark.parametrize("name", BOARDS)
def test_budgets_are_those_of_the_smallest_board_scaled_by_speed(name: str) -> None:
    board = BOARDS[name]
    speed = board.clock_mhz / 1000 * board.instructions_per_clock
    budgets = read_budgets(FOLDER / f"{name}.toml")
    for model, percent in {"activate": 10, "activate-small": 3}.items():
        allowed = math.ceil(percent / speed * 10 - 1e-9) / 10
        assert budgets[model].core_percent == pytest.approx(allowed)
        assert budgets[model].rss_mb == 60


@pytest.mark.parametrize("name", AUDIO)
def test_default_pin_is_free(name: str) -> None:
    hardware = AUDIO[name]
    assert hardware.default_output_pin in hardware.free_pins
    assert not set(hardware.free_pins) & set(hardware.used_pins)
    assert set(hardware.used_pins) >= BUSY.get(name, set())
    if hardware.overlays:
        assert {18, 19} <= set(hardware.used_pins), "every overlay here is an I2S card"


@pytest.mark.parametrize("pin", [17, 18, 2, 0, 28])
def test_colliding_default_pin_is_refused(pin: int, tmp_path: Path) -> None:
    text = (FOLDER / "audio" / "voice-bonnet.toml").read_text()
    (tmp_path / "hat.toml").write_text(f"default_output_pin = {pin}\n{text}")
    with pytest.raises(SettingsError, match=rf"default_output_pin {pin} is taken.*choose one of"):
        read_audio_hardware(tmp_path)


def test_two_hats_on_one_bus_are_refused() -> None:
    with pytest.raises(BoardError, match="both need GPIO"):
        combine([AUDIO["voice-bonnet"], AUDIO["aiy-voice-hat"]])


def test_dac_and_usb_microphone_go_together() -> None:
    both = combine([AUDIO["usb-microphone"], AUDIO["i2s-dac"]])
    assert both.config_lines == ("dtoverlay=hifiberry-dac",)
    assert both.settings == {"microphone": {"device": "USB"}}
    assert both.default_output_pin == 27


@pytest.mark.skipif(shutil.which("aplay") is None, reason="alsa-utils is missing")
@pytest.mark.parametrize("name", [name for name, each in AUDIO.items() if each.alsa])
def test_alsa_settings_are_read_by_alsa(name: str, tmp_path: Path) -> None:
    """The card is missing here: ALSA must get as far as looking for it."""
    config = tmp_path / "asound.conf"
    config.write_text(f"</usr/share/alsa/alsa.conf>\n{AUDIO[name].alsa}")
    player = subprocess.run(
        ["aplay", "-D", "default", "-d", "1", "-f", "S16_LE", "/dev/zero"],
        env={**os.environ, "ALSA_CONFIG_PATH": str(config), "LC_ALL": "C"},
        capture_output=True,
        text=True,
    )
    assert player.returncode != 0
    assert f"Cannot get card index for {AUDIO[name].card}" in player.stderr


def test_mixer_rule_sets_every_control() -> None:
    hardware = AUDIO["voice-bonnet"]
    rule = hardware.mixer_rule
    assert rule.count("RUN+=") == len(hardware.mixer)
    assert 'ATTR{id}=="wm8960soundcard"' in rule
    assert "cset name='Left Input Boost Mixer LINPUT1 Volume' 2\"" in rule


def test_command_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profiles"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in (*BOARDS, *AUDIO))
    assert main(["profiles", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["name"] for row in rows if row["kind"] == "board"] == list(BOARDS)
    hat = next(row for row in rows if row["name"] == "aiy-voice-hat")
    assert hat["default_output_pin"] == 27
    assert 23 not in hat["free_pins"]


def test_command_shows_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profiles", "i2s-microphone"]) == 0
    printed = capsys.readouterr().out
    assert "dtoverlay=googlevoicehat-soundcard" in printed
    assert "pin 12 (GPIO18)" in printed


def test_unknown_hardware_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profiles", "headphones"]) == 2
    assert "no audio hardware is called 'headphones'; choose one of" in capsys.readouterr().err
