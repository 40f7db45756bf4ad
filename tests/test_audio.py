"""Reading recordings against soundfile and scipy, and every way a file can be bad."""

import io

import numpy as np
import pytest
import soundfile
import soxr

from firmware_py.audio import Resampler, mean_square, open_recording, read_blocks, read_pcm
from firmware_py.errors import AudioError


@pytest.fixture(scope="module")
def samples():
    return np.random.default_rng(0).integers(-20000, 20000, (70_000, 2)).astype(np.int16)


def read_all(path, channel="first"):
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
    assert np.array_equal(read_all(path, "mix"), np.rint(samples.mean(axis=1)))


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


def test_raw_pcm_in_odd_pieces(samples):
    class Dribble(io.BytesIO):
        def read1(self, size=-1):
            return super().read1(min(size, 4001))

    raw = samples[:, 0].astype("<i2").tobytes()
    assert np.array_equal(np.concatenate(list(read_pcm(Dribble(raw)))), samples[:, 0])
    with pytest.raises(AudioError, match="half a sample"):
        list(read_pcm(Dribble(raw[:-1])))


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
    "text": (lambda path, samples: path.write_text("not a sound\n" * 99), "no WAV or FLAC"),
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


def test_a_flac_without_its_length_is_refused_with_the_remedy(tmp_path, samples):
    path = tmp_path / "piped.flac"
    soundfile.write(path, samples, 8000)
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # STREAMINFO: the last 36 bits before the MD5 sum count samples
    content[22:26] = bytes(4)
    path.write_bytes(content)
    with pytest.raises(AudioError, match=r"does not tell its length.*ffmpeg -i piped\.flac"):
        open_recording(path)


def test_a_file_without_a_header_is_refused(tmp_path):
    path = tmp_path / "x.raw"
    path.write_bytes(bytes(100))
    with pytest.raises(AudioError, match=r"no WAV or FLAC recording \(it has no header\)"):
        open_recording(path)


def test_a_streamed_wav_header_of_unknown_length_is_read(tmp_path, samples):
    path = tmp_path / "streamed.wav"
    soundfile.write(path, samples[:, 0], 8000)
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert np.array_equal(read_all(path), samples[:, 0])
