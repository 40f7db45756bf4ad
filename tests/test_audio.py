"""Reading recordings against soundfile and scipy, and every way a file can be bad."""

import io
import os
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from firmware_py.audio import (
    Resampler,
    mean_square,
    open_recording,
    open_sound,
    open_stream,
    read_blocks,
)
from firmware_py.errors import AudioError
from firmware_py.sound_files.sound import MIX


@pytest.fixture(scope="module")
def samples():
    return np.random.default_rng(0).integers(-20000, 20000, (70_000, 2)).astype(np.int16)


def read_all(path, channel=1):
    return np.concatenate(list(read_blocks(path, channel)))


@pytest.mark.parametrize(
    ("suffix", "subtype", "tolerance"),
    [
        ("wav", "PCM_16", 0),
        ("flac", "PCM_16", 0),
        ("wav", "PCM_24", 0),
        ("wav", "PCM_32", 0),
        ("wav", "FLOAT", 0),
        ("flac", "PCM_24", 0),
        ("wav", "PCM_U8", 256),
    ],
)
def test_every_width_gives_the_same_samples(tmp_path, samples, suffix, subtype, tolerance):
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, samples / 32768.0, 8000, subtype)
    assert np.abs(read_all(path) - samples[:, 0].astype(int)).max() <= tolerance
    recording = open_recording(path)
    assert (recording.sample_rate_hz, recording.num_channels) == (8000, 2)
    assert recording.seconds == 70_000 / 8000


def test_mix_is_the_mean_of_the_channels(tmp_path, samples):
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, 44100)
    assert np.array_equal(read_all(path, MIX), np.rint(samples.mean(axis=1)))


def test_mean_square_is_over_all_channels(tmp_path, samples):
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, 44100)
    assert mean_square(path) == pytest.approx(np.mean(np.square(samples, dtype=np.float64)))


@pytest.mark.parametrize("chunk", [1, 79, 4096])
def test_resampling_does_not_depend_on_chunks(samples, chunk):
    mono = samples[:20_000, 0]
    resampler = Resampler(44100, 16000)
    parts = [resampler.process(mono[i : i + chunk]) for i in range(0, len(mono), chunk)]
    streamed = np.concatenate([*parts, resampler.flush()])
    whole = soxr.resample(mono.astype(np.float32), 44100, 16000)
    assert np.array_equal(streamed, np.clip(np.rint(whole), -32768, 32767))


def heard(stream, sample_rate_hz=None, num_channels=1, channel=1):
    with open_stream(stream, sample_rate_hz, num_channels) as sound:
        return np.concatenate(list(sound.mono(channel)))


class Dribble(io.BytesIO):
    """A pipe gives what it has."""

    def read1(self, size=-1):
        return super().read1(min(size, 4001))


@pytest.mark.parametrize("channel", [1, 2])
def test_raw_pcm_in_odd_pieces(samples, channel):
    raw = samples.astype("<i2").tobytes()
    found = heard(Dribble(raw), 8000, 2, channel)
    assert np.array_equal(found, samples[:, channel - 1])
    with pytest.raises(AudioError, match="half a sample"):
        heard(Dribble(raw[:-1]), 8000, 2)


def test_raw_pcm_without_a_rate_is_refused(samples):
    with pytest.raises(AudioError, match="--rate"):
        heard(Dribble(samples.tobytes()))


@pytest.mark.parametrize("sample_rate_hz", [0, -1, 1, 7999, 384_001, 10**400])
def test_a_rate_that_no_microphone_has_is_refused(samples, tmp_path, sample_rate_hz):
    with pytest.raises(AudioError, match="8000 to 384000 Hz"):
        heard(Dribble(samples.tobytes()), sample_rate_hz)
    if 0 < sample_rate_hz < 2**31:
        path = tmp_path / "odd.wav"
        soundfile.write(path, samples, sample_rate_hz)
        with pytest.raises(AudioError, match=r"odd\.wav.*8000 to 384000 Hz"):
            open_recording(path)


FORMATS = [
    ("wav", "PCM_16"), ("wav", "FLOAT"), ("flac", "PCM_16"), ("aiff", "PCM_16"), ("au", "PCM_16"),
    ("caf", "PCM_16"), ("w64", "PCM_16"), ("rf64", "PCM_16"), ("ogg", "VORBIS"), ("ogg", "OPUS"),
    ("mp3", "MPEG_LAYER_III"),
]  # fmt: skip


@pytest.mark.parametrize(("suffix", "subtype"), FORMATS)
def test_a_pipe_gives_what_the_file_gives(tmp_path, samples, suffix, subtype):
    """Through a FIFO and through standard input, whatever the format."""
    path, fifo = tmp_path / f"a.{suffix}", tmp_path / "fifo"
    soundfile.write(path, samples / 32768.0, 48000, subtype, format=suffix.upper())
    expected = read_all(path)
    content = path.read_bytes()
    assert np.array_equal(heard(Dribble(content), 16000), expected)
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=(content,))
    writer.start()
    with open_sound(fifo) as sound:
        assert sound.sample_rate_hz == 48000
        found = np.concatenate(list(sound.mono()))
    writer.join()
    assert np.array_equal(found, expected)
    if suffix in ("wav", "flac"):
        assert np.array_equal(found, samples[:, 0])


def test_a_pipe_can_be_opened_only_once(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    writer = threading.Thread(target=(tmp_path / "fifo").write_bytes, args=(b"",))
    writer.start()
    with pytest.raises(AudioError, match="read only once"):
        open_recording(tmp_path / "fifo")
    writer.join()


@pytest.mark.parametrize("name", [b"caf\xe9.flac", "k\u00fcche.flac".encode(), b"a b'c.flac"])
def test_a_name_of_any_bytes_is_opened(tmp_path, samples, name):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    with path.open("wb") as file:
        soundfile.write(file, samples, 8000, format="FLAC")
    assert np.array_equal(read_all(path), samples[:, 0])


def test_an_mp3_is_heard_to_its_end_whatever_its_header_says(tmp_path):
    """A stream recorder writes no count of frames; a variable rate makes the estimate wrong."""
    seconds, rate = 20, 16000
    rng = np.random.default_rng(1)
    quiet, loud = np.zeros(rate * seconds // 2), rng.normal(0, 0.2, rate * seconds // 2)
    path = tmp_path / "a.mp3"
    with soundfile.SoundFile(path, "w", rate, 1, bitrate_mode="VARIABLE") as file:
        file.write(np.concatenate((loud, quiet)))
    content = path.read_bytes()
    for mark in (b"Xing", b"Info"):
        content = content.replace(mark, bytes(4))
    path.write_bytes(content)
    assert open_recording(path).announced_samples is None
    assert len(read_all(path)) / rate == pytest.approx(seconds, abs=0.2)
    assert open_recording(path).seconds == len(read_all(path)) / rate


def test_an_mp3_that_goes_on_after_its_count_is_refused(tmp_path, samples):
    path = tmp_path / "twice.mp3"
    soundfile.write(path, samples / 32768.0, 48000)
    path.write_bytes(2 * path.read_bytes())
    with pytest.raises(AudioError, match=r"twice\.mp3.*goes on.*ffmpeg -i"):
        read_all(path)


def test_a_silent_channel_beside_another_is_named(tmp_path, samples, caplog):
    path = tmp_path / "second.wav"
    soundfile.write(path, samples * np.array([0, 1], np.int16), 8000)
    assert not read_all(path).any()
    assert "channel 1 is silent, channel 2 is not" in caplog.text
    caplog.clear()
    assert np.array_equal(read_all(path, 2), samples[:, 1])
    assert not caplog.text
    with pytest.raises(AudioError, match="no channel 3"):
        read_all(path, 3)


def test_a_float_recording_of_another_scale_is_named(tmp_path, samples, caplog):
    path = tmp_path / "loud.wav"
    soundfile.write(path, samples.astype(float), 8000, "FLOAT")
    read_all(path)
    assert "times full scale and are clipped" in caplog.text


def write_nan(path, samples):
    floats = samples[:, 0] / 32768.0
    floats[65_000] = np.nan
    soundfile.write(path, floats, 8000, "FLOAT")


def write_truncated(path, samples):
    soundfile.write(path, samples, 8000)
    path.write_bytes(path.read_bytes()[:100_000])


BAD_FILES = {
    "missing": (lambda path, samples: None, "no such file"),
    "folder": (lambda path, samples: path.mkdir(), "folder"),
    "empty": (lambda path, samples: path.touch(), "empty"),
    "truncated": (write_truncated, "cut short"),
    "text": (
        lambda path, samples: path.write_text("not a sound\n" * 99),
        "no recording in a known format",
    ),
    "nan": (write_nan, "not numbers"),
    "no samples": (lambda path, samples: soundfile.write(path, samples[:0], 8000), "no samples"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_files_are_named_with_the_remedy(tmp_path, samples, kind):
    make, expected = BAD_FILES[kind]
    path = tmp_path / "bad.wav"
    make(path, samples)
    with pytest.raises(AudioError, match=expected) as caught:
        read_all(path)
    assert "bad.wav" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_truncated_flac_is_refused(tmp_path, samples):
    path = tmp_path / "bad.flac"
    soundfile.write(path, samples, 8000)
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(AudioError, match=r"bad\.flac"):
        read_all(path)


def flac_without_length(path, samples):
    soundfile.write(path, samples, 8000, format="FLAC")
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # STREAMINFO: the last 36 bits before the MD5 sum count samples
    content[22:26] = bytes(4)
    path.write_bytes(content)


def wav_with_sizes(riff, data):
    def write(path, samples):
        soundfile.write(path, samples, 8000, format="WAV")
        content = bytearray(path.read_bytes())
        at = content.index(b"data") + 4
        content[4:8], content[at : at + 4] = (size.to_bytes(4, "little") for size in (riff, data))
        path.write_bytes(content)

    return write


UNFINISHED = {
    "flac": flac_without_length,
    "ffmpeg": wav_with_sizes(0xFFFFFFFF, 0xFFFFFFFF),
    "arecord": wav_with_sizes(0x80000024, 0x80000000),
    "nothing": wav_with_sizes(0, 0),
    "empty": wav_with_sizes(36, 0),
    "begun": wav_with_sizes(36 + 1000, 1000),
}


@pytest.mark.parametrize("kind", UNFINISHED)
def test_a_header_that_was_never_finished_is_heard_to_the_end(tmp_path, samples, caplog, kind):
    path = tmp_path / "killed"
    UNFINISHED[kind](path, samples)
    assert np.array_equal(read_all(path), samples[:, 0])
    assert "never finished" in caplog.text
    assert open_recording(path).num_samples == len(samples)


def test_what_stands_behind_a_finished_wav_is_no_sound(tmp_path, samples):
    path = tmp_path / "tagged.wav"
    soundfile.write(path, samples, 8000)
    path.write_bytes(path.read_bytes() + b"TAG" + bytes(125))
    assert np.array_equal(read_all(path), samples[:, 0])


@pytest.mark.parametrize("name", ["x.raw", "x.wav"])
def test_a_file_without_a_header_is_refused(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(bytes(100))
    with pytest.raises(AudioError, match=r"no recording in a known format.*ffmpeg -i"):
        open_recording(path)


def test_memory_does_not_grow_with_the_stream(samples):
    """A day of WAV through a pipe, as far as anybody listens."""
    stream = Endless(samples)
    with open_stream(stream, None) as sound:
        tracemalloc.start()
        for _, block in zip(range(3000), sound.mono(), strict=False):
            assert len(block)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert stream.given > 8 << 20
    assert peak < 4 << 20


class Endless(io.RawIOBase):
    """A recorder that never stops."""

    def __init__(self, samples):
        file = io.BytesIO()
        soundfile.write(file, samples, 48000, format="WAV")
        content = bytearray(file.getvalue())
        at = content.index(b"data") + 4
        content[at : at + 4] = b"\xff\xff\xff\xff"
        self._content, self._again, self.given = bytes(content), samples.tobytes(), 0

    def read1(self, size):
        while len(self._content) < size:
            self._content += self._again
        found, self._content = self._content[:size], self._content[size:]
        self.given += len(found)
        return found

    read = read1
