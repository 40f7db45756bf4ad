"""What several tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from virtual_sound import NO_SERVER, Pulse, pulse_server

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture
def pulse(tmp_path: Path) -> Iterator[Pulse]:
    with pulse_server(tmp_path) as server:
        yield server


@pytest.fixture
def without_sound(tmp_path: Path) -> dict[str, str]:
    config = tmp_path / "none.conf"
    config.write_text(NO_SERVER)
    return {**os.environ, "ALSA_CONFIG_PATH": str(config)}
