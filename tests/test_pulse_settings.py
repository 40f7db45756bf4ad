"""PulseAudio's client uses no shared memory, unless somebody chose otherwise."""

from pathlib import Path

from firmware_py.sound.pulse import OWN_SETTINGS, SETTINGS, VARIABLE, use_no_shared_memory


def test_shared_memory_is_off_and_the_systems_settings_hold(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path)}
    use_no_shared_memory(environment)
    assert environment[VARIABLE] == str(SETTINGS)
    lines = SETTINGS.read_text().splitlines()
    assert ".include /etc/pulse/client.conf" in lines
    assert "enable-shm = no" in lines


def test_ones_own_settings_stay(tmp_path: Path) -> None:
    chosen = {VARIABLE: "/mine"}
    use_no_shared_memory(chosen)
    assert chosen == {VARIABLE: "/mine"}
    own = tmp_path / OWN_SETTINGS
    own.parent.mkdir(parents=True)
    own.touch()
    environment = {"HOME": str(tmp_path)}
    use_no_shared_memory(environment)
    assert VARIABLE not in environment
