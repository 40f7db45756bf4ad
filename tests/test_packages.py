"""Recordings out of Debian packages, with a package made by dpkg-deb."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from firmware_py.errors import AudioError
from models.recordings.debian_packages import COLLECTIONS, Collection, take_out

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is missing")


def tone(seconds: float, rate_hz: int) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate_hz)) / rate_hz)


def package(folder: Path, files: dict[str, np.ndarray], rate_hz: int) -> Path:
    root = folder / "root"
    for name, samples in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / name, samples, rate_hz)
    control = root / "DEBIAN" / "control"
    control.parent.mkdir()
    control.write_text(
        "Package: sounds\nVersion: 1\nArchitecture: all\nMaintainer: none\nDescription: sounds\n"
    )
    deb = folder / "sounds.deb"
    subprocess.run(["dpkg-deb", "--build", root, deb], check=True, capture_output=True)
    return deb


def collection(name: str) -> Collection:
    return next(collection for collection in COLLECTIONS if collection.name == name)


def test_pictures_names_go_to_their_language_without_silence(tmp_path: Path) -> None:
    silence = np.zeros(22_050)
    spoken = np.concatenate([silence, tone(0.8, 22_050), silence])
    deb = package(
        tmp_path,
        {
            "usr/share/tuxpaint/stamps/animals/cat_desc_es.ogg": spoken,
            "usr/share/tuxpaint/stamps/animals/cat_desc_ro.ogg": silence,
            "usr/share/tuxpaint/stamps/animals/cat.ogg": spoken,
        },
        22_050,
    )
    assert take_out(deb, collection("stamps"), tmp_path / "out") == 1
    samples, rate_hz = soundfile.read(tmp_path / "out" / "es" / "animals-cat_desc_es.flac")
    assert rate_hz == 16_000
    assert len(samples) / rate_hz == pytest.approx(0.9, abs=0.03)
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.argmax(spectrum) * rate_hz / len(samples) == pytest.approx(440, abs=2)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is missing")
def test_telephone_prompts_are_decoded(tmp_path: Path) -> None:
    path = tmp_path / "root" / "usr/share/asterisk/sounds/fr_CA_f_June/hello.g722"
    path.parent.mkdir(parents=True)
    soundfile.write(tmp_path / "tone.wav", tone(1.0, 16_000), 16_000)
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "tone.wav", path], check=True)
    deb = package(tmp_path, {}, 16_000)
    assert take_out(deb, collection("prompts"), tmp_path / "out") == 1
    samples, _ = soundfile.read(tmp_path / "out" / "fr" / "fr_CA_f_June-hello.flac")
    assert len(samples) == pytest.approx(16_000, abs=400)
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


def test_a_damaged_package_is_named(tmp_path: Path) -> None:
    deb = tmp_path / "sounds.deb"
    deb.write_bytes(b"!<arch>\nnothing")
    with pytest.raises(AudioError, match=r"sounds\.deb: .*download it again"):
        take_out(deb, collection("stamps"), tmp_path / "out")


def test_a_damaged_recording_is_named(tmp_path: Path) -> None:
    name = "usr/share/tuxpaint/stamps/cat_desc_es.ogg"
    deb = package(tmp_path, {name: tone(0.8, 22_050)}, 22_050)
    (tmp_path / "root" / name).write_bytes(b"OggS and nothing more")
    subprocess.run(["dpkg-deb", "--build", tmp_path / "root", deb], check=True, capture_output=True)
    with pytest.raises(AudioError, match=r"cat_desc_es\.ogg: .*download it again"):
        take_out(deb, collection("stamps"), tmp_path / "out")
