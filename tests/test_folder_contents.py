"""Folders of recordings as people have them: several formats, links, hidden files, copies."""

import logging

import numpy as np
import pytest
import soundfile

from firmware_py.errors import SettingsError
from models.own_word import takes
from models.recordings.folder_contents import folder_contents, refuse_folder_without_sound
from models.recordings.manifest import read_table
from models.recordings.sources import load_bank, sound_files
from models.settings.recipe import Source

RATE_HZ = 16000


def word(seed, seconds=0.6):
    """A sound that begins and ends, with silence around it."""
    rng = np.random.default_rng(seed)
    samples = np.convolve(rng.normal(0, 0.1, round(seconds * RATE_HZ)), np.ones(8) / 3, "same")
    return np.pad(samples, round(0.4 * RATE_HZ))


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "podcasts"
    for number, name in enumerate(("1.mp3", "2.aiff", "3.wav", ".trash/4.wav", ".5.wav")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / name, word(number), RATE_HZ)
    for name in ("6.m4a", "7.webm", "8.M4A", "notes.txt"):
        (root / name).write_bytes(b"")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    soundfile.write(elsewhere / "9.flac", word(9), RATE_HZ)
    (root / "linked").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(root)
    return root


def test_what_is_read_and_what_is_left_out(folder, caplog):
    assert [file.name for file in sound_files(folder)] == ["1.mp3", "2.aiff", "3.wav", "9.flac"]
    assert "left out 2 .m4a, 1 .webm (cannot be read; convert them" in caplog.text
    assert "and 2 hidden" in caplog.text
    caplog.clear()
    list(sound_files(folder))
    assert not caplog.text  # once


def test_all_of_it_trains(folder):
    bank = load_bank(Source("negative", "podcasts"), (folder.parent,), RATE_HZ, range(10))
    assert len(bank.takes) == 4


def test_a_folder_without_sound_is_refused_with_what_is_there(tmp_path):
    with pytest.raises(SettingsError, match="as negative; add WAV"):
        refuse_folder_without_sound(tmp_path, "negative")
    (tmp_path / "a.m4a").touch()
    with pytest.raises(SettingsError, match=r"as negative; there is only 1 \.m4a"):
        refuse_folder_without_sound(tmp_path, "negative")
    assert not folder_contents(tmp_path).sounds


def test_the_same_take_trains_or_tests_once(tmp_path, caplog):
    """Copies, other formats and other levels are the same take; other takes are not."""
    caplog.set_level(logging.WARNING)
    recordings = tmp_path / "takes"
    recordings.mkdir()
    for number in range(6):
        soundfile.write(recordings / f"{number}.wav", word(number), RATE_HZ)
    soundfile.write(recordings / "copy.flac", word(1), RATE_HZ)
    soundfile.write(recordings / "packed.mp3", word(2), RATE_HZ)
    soundfile.write(recordings / "quiet.wav", 0.3 * word(3), RATE_HZ)
    soundfile.write(recordings / "short.wav", word(11, 0.1), RATE_HZ)
    assert takes.divide_takes(recordings, tmp_path / "train", tmp_path / "test") == (4, 2)
    assert caplog.text.count("the same take as") == 3
    assert "too short for the phrase" in caplog.text


BAD_TABLES = {
    "bytes": b"file,split\n\xff\xfe\x00,training\n",
    "quotes": b'file,split\n"a,training\n' + b"x" * 200_000,
    "short row": b"file,split\na.wav\n",
    "long row": b"file,split\na.wav,training,more\n",
}


@pytest.mark.parametrize("kind", BAD_TABLES)
def test_a_table_that_is_none_gets_one_line(tmp_path, kind):
    path = tmp_path / "splits.csv"
    path.write_bytes(BAD_TABLES[kind])
    with pytest.raises(SettingsError, match=r"splits\.csv") as caught:
        read_table(path)
    assert "\n" not in str(caught.value)


def test_a_table_from_a_spreadsheet_is_read(tmp_path):
    path = tmp_path / "splits.csv"
    path.write_bytes("\ufefffile,split\r\na.wav,training\r\n".encode())
    assert read_table(path) == [{"file": "a.wav", "split": "training"}]
