"""Settings: strict, documented once, printed from the dataclasses."""

import base64
import dataclasses
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_type_hints

import pytest

from firmware_py.errors import SettingsError
from firmware_py.schema import from_mapping
from firmware_py.settings import ModelSettings, Settings, read_settings
from firmware_py.settings.outputs import GpioSettings
from firmware_py.settings.text import default_settings_text, field_documents


def write(folder: Path, text: str) -> Path:
    path = folder / "site.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_printed_settings_are_the_defaults() -> None:
    assert from_mapping(Settings, tomllib.loads(default_settings_text()), "file") == Settings()


def test_printed_settings_uncommented_are_every_section_and_field() -> None:
    text = re.sub(r"^#(?=\w+ = |\[)", "", default_settings_text(), flags=re.MULTILINE)
    mapping = tomllib.loads(text)
    settings = from_mapping(Settings, mapping, "file")
    assert settings.gpio == (GpioSettings(),)
    assert settings.model == (ModelSettings(threshold=0.9, refractory_seconds=1.0),)
    assert set(mapping) == {field.name for field in dataclasses.fields(Settings)}
    assert set(mapping["mqtt"]) == set(get_type_hints(type(settings.mqtt)))


def test_every_field_is_documented() -> None:
    clear_by_name = {"seconds_before", "seconds_after"}
    on = {"mqtt": {}, "wyoming": {}, "clips": {}, "web": {}, "gpio": [{}]}
    on["signature"] = {"public_keys": [base64.b64encode(bytes(32)).decode()]}
    settings = from_mapping(Settings, on, "file")
    sections = [getattr(settings, field.name) for field in dataclasses.fields(Settings)]
    for section in sections:
        for each in section if isinstance(section, tuple) else [section]:
            names = {field.name for field in dataclasses.fields(each)}
            assert names - set(field_documents(type(each))) <= clear_by_name


def test_a_whole_site(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        [microphone]
        device = "USB"
        [[model]]
        [[model]]
        path = "lamp.tflite"
        threshold = 0.7
        [chime]
        sound = "ding.wav"
        [[gpio]]
        line = "GPIO5"
        labels = ["on"]
        [[command]]
        program = ["true"]
        [mqtt]
        host = "broker.lan"
        tls = true
        ca_file = "/etc/ca.pem"
        """,
    )
    settings = read_settings(path)
    assert settings.model[0] == ModelSettings()
    assert settings.model[1].path == str(tmp_path / "lamp.tflite")
    assert settings.chime.sound == str(tmp_path / "ding.wav")
    assert settings.mqtt is not None
    assert settings.mqtt.broker_port == 8883
    assert settings.mqtt.ca_file == "/etc/ca.pem"
    assert settings.gpio[0].labels == ("on",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[microfone]", "no setting 'microfone'; did you mean 'microphone'"),
        ("[mqtt]\nhots = 'x'", "no setting 'hots'; did you mean 'host'"),
        ("[[gpio]]\nmode = 'blink'", "'blink'; choose one of 'pulse', 'toggle', 'hold'"),
        ("[chime]\nvolume = 11", "volume is 11.0; it must be from 0 to 1"),
        ("[[model]]\nthreshold = 2", "threshold is 2.0"),
        ("[[model]]\nrefractory_seconds = inf", "is inf; it must be a finite number"),
        ("[[model]]\npath = '~nobody-of-this-name/x'", "~ and a name that nobody has here"),
        ("[[webhook]]\nurl = 'ftp://x'", "'ftp://x'; it must be an http or https address"),
        ("[[command]]", "lacks program"),
        ("[model]\npath = 'x'", "write [[model]]"),
        ("[chime]\nvolume = '1'", "volume must be a number, not '1', which is text in quotes"),
        ("[[command]]\nprogram = 'lamp on'", "program must be a list in brackets"),
        ("[[gpio]]\n[[gpio]]", "a different line in each"),
        ("[microphone]\nchannel = 3\nnum_channels = 2", "num_channels is 2"),
        ("[mqtt]\ncertificate_file = 'a'", "key_file"),
        ("[mqtt]\ndevice_id = 'a/b'", "letters, digits"),
        ("model = []", "at least one"),
        ("[microphone", "not a valid TOML file"),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SettingsError) as error:
        read_settings(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_the_examples_of_the_readme(tmp_path: Path) -> None:
    """They run on any device: what they leave out has a default."""
    root = Path(__file__).parent.parent
    text = (root / "README.md").read_text() + (root / "docs" / "running.md").read_text()
    first, *blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert read_settings(write(tmp_path, first)).mqtt is not None
    assert len(blocks) == 2
    for block in blocks:
        read_settings(write(tmp_path, block))
    assert read_settings(write(tmp_path, "".join(blocks))).wyoming is not None


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        read_settings(tmp_path / "no.toml")


def test_settings_are_light() -> None:
    """The workstation's board tools import them: no library of any output comes along."""
    code = (
        "import sys, firmware_py.settings.text;"
        "print([m for m in ('pyaudio', 'gpiod', 'paho', 'wyoming', 'asyncio') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
