"""The front end against matplotlib, librosa and TensorFlow, and for every chunking."""

import numpy as np
import pytest
from matplotlib import mlab

from firmware_py.errors import SettingsError
from firmware_py.front_end import FrontEnd, FrontEndStream, frames_of
from firmware_py.front_end.mel import mel_filter_bank
from firmware_py.level import CausalLevel

REFERENCE = FrontEnd(44100, 200, 80, scaling="psd")
LOG_MEL = FrontEnd(
    16000,
    400,
    160,
    512,
    full_scale=32768.0,
    num_mel_bins=40,
    log_epsilon=1e-6,
    mean=(-7.0,) * 40,
    deviation=(3.0,) * 40,
)
FOLLOWED = FrontEnd(
    44100, 200, 80, scaling="psd", sum_frames=11, log_epsilon=1.0, causal_level=CausalLevel()
)
MAGNITUDE = FrontEnd(16000, 255, 128, 256, scaling="magnitude")
FRONT_ENDS = {
    "reference": REFERENCE,
    "log-mel": LOG_MEL,
    "causal": FOLLOWED,
    "magnitude": MAGNITUDE,
}


@pytest.fixture(scope="module")
def noise():
    rng = np.random.default_rng(1)
    swell = np.linspace(0.01, 1, 60_000)
    return (rng.standard_normal(60_000) * 4000 * swell).astype(np.int16)


def test_reference_spectrogram_equals_matplotlib():
    samples = np.random.default_rng(0).integers(-20000, 20000, 441_000).astype(np.int16)
    ours = frames_of(REFERENCE, samples).T
    theirs, _, _ = mlab.specgram(samples, NFFT=200, Fs=8000, noverlap=120)
    assert ours.shape == theirs.shape == (101, 5511)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("name", FRONT_ENDS)
@pytest.mark.parametrize("chunk", [1, 79, 80, 81, 320, 4096, "random"])
def test_every_chunking_gives_the_same_bits(noise, name, chunk):
    front_end = FRONT_ENDS[name]
    samples = noise[:4000] if chunk == 1 else noise
    rng = np.random.default_rng(2)
    stream, frames, position = FrontEndStream(front_end), [], 0
    while position < len(samples):
        length = int(rng.integers(0, 3000)) if chunk == "random" else chunk
        frames.append(stream.process(samples[position : position + length]))
        position += length
    whole = frames_of(front_end, samples)
    assert len(whole) == front_end.num_frames(len(samples)) > 0
    assert np.array_equal(np.concatenate(frames), whole)


def test_reset_forgets_everything(noise):
    stream = FrontEndStream(FOLLOWED)
    first = stream.process(noise[:5000])
    stream.process(noise[5000:9000])
    stream.reset()
    assert np.array_equal(stream.process(noise[:5000]), first)


def test_mel_bank_equals_tensorflow():
    tf = pytest.importorskip("tensorflow")
    theirs = tf.signal.linear_to_mel_weight_matrix(40, 257, 16000, 60.0, 7600.0, tf.float64)
    np.testing.assert_allclose(
        mel_filter_bank(40, 512, 16000, 60.0, 7600.0), theirs.numpy().T, atol=1e-9
    )


def test_mel_bank_has_the_centres_of_librosa():
    librosa = pytest.importorskip("librosa")
    theirs = librosa.filters.mel(
        sr=16000, n_fft=8192, n_mels=40, fmin=60, fmax=7600, htk=True, norm=None
    )
    ours = mel_filter_bank(40, 8192, 16000, 60.0, 7600.0)
    assert np.abs(ours.argmax(axis=1) - theirs.argmax(axis=1)).max() <= 1
    # librosa's triangles are straight over Hz, ours over mel: close, not equal.
    np.testing.assert_allclose(ours, theirs, atol=0.04)


@pytest.mark.parametrize(("length", "periodic"), [(255, False), (400, True)])
def test_magnitude_equals_tf_signal(length, periodic):
    """tf.signal's periodic Hann window is the symmetric one where the length is odd."""
    tf = pytest.importorskip("tensorflow")
    samples = np.random.default_rng(3).integers(-9000, 9000, 16000).astype(np.int16)
    front_end = FrontEnd(16000, length, 128, 512, periodic_window=periodic, scaling="magnitude")
    theirs = tf.abs(tf.signal.stft(samples.astype(np.float64), length, 128, 512)).numpy()
    np.testing.assert_allclose(frames_of(front_end, samples), theirs, rtol=1e-5, atol=1e-2)


def test_causal_level_brings_loud_and_quiet_speech_together(noise):
    steady = (np.random.default_rng(4).standard_normal(44100 * 6) * 3000).astype(np.int16)
    loud = frames_of(FOLLOWED, steady)
    quiet = frames_of(FOLLOWED, (steady / 30).astype(np.int16))
    late = slice(-500, None)
    assert np.abs(loud[late] - quiet[late]).mean() < 0.05
    plain = FrontEnd(44100, 200, 80, scaling="psd", sum_frames=11, log_epsilon=1.0)
    far = frames_of(plain, steady)[late] - frames_of(plain, (steady / 30).astype(np.int16))[late]
    assert np.abs(far).mean() > 5


def test_derived_values():
    assert REFERENCE.num_bins == 101
    assert FrontEnd(sample_rate_hz=44100, window_length=200, hop_length=80).num_bins == 101
    assert LOG_MEL.num_bins == 40
    assert REFERENCE.num_frames(199) == 0
    assert REFERENCE.frame_end_sample(5510) == 441_000


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"hop_length": 0}, "hop_length"),
        ({"fft_length": 100}, "fft_length"),
        ({"sample_rate_hz": 0}, "sample_rate_hz"),
        ({"num_mel_bins": 40, "mel_high_hz": 30000.0}, "mel_high_hz"),
        ({"mean": (1.0, 2.0)}, "mean"),
    ],
)
def test_wrong_values_are_named(values, named):
    settings = {"sample_rate_hz": 44100, "window_length": 200, "hop_length": 80, **values}
    with pytest.raises(SettingsError, match=named):
        FrontEnd(**settings)
