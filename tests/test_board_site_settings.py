"""A site's settings on their way to a device."""

from pathlib import Path

import pytest

from board.device.site_settings import read_site_settings
from firmware_py.errors import SettingsError

TEXT = """
[mqtt]
host = "broker"
credentials_file = "trigger-word.d/mqtt.toml"
ca_file = "/etc/ssl/certs/ca.pem"

[[model]]
path = "kitchen.tflite"

[[model]]

[clips]
"""


def test_files_that_stay_behind_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "site.toml"
    path.write_text(TEXT)
    settings = read_site_settings(path)
    assert settings.mqtt is not None
    assert settings.mqtt.host == "broker"
    said = " ".join(record.getMessage() for record in caplog.records)
    assert "model.path names is not carried; put it on the device as /etc/kitchen.tflite" in said
    assert "as /etc/trigger-word.d/mqtt.toml" in said
    assert len(caplog.records) == 2


def test_what_the_device_would_refuse_is_refused_here(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text("[mqt]\n")
    with pytest.raises(SettingsError, match="mqtt"):
        read_site_settings(path)
