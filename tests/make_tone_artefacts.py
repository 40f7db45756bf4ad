"""Make the small artefacts of the live tests: `python tests/make_tone_artefacts.py`.

Each hears one tone, whatever its level: the log power of the tone's mel band over the mean of
all bands, averaged over eight frames, through a sigmoid. The weights are set by hand, so that the
tests of microphone, outputs and service need neither training nor TensorFlow. `beep` hears
1175 Hz, the second note of the built-in chime, so a chime that is not muted would trigger it.
`hoot` hears 440 Hz with the same front end. `long-beep` is `beep` with a second stage that wants
the tone to fill 0.4 of the last 0.5 s.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from convert.flatbuffer import name_tensors_by_signature
from firmware_py.artefact import (
    Metadata,
    StateTensor,
    StepNetwork,
    StepTensors,
    Verifier,
    pack_artefact,
    parse_artefact,
)
from firmware_py.front_end import FrontEnd, frames_of
from firmware_py.policies.trigger import TriggerPolicy

FRONT_END = FrontEnd(
    sample_rate_hz=16000,
    window_length=400,
    hop_length=160,
    fft_length=512,
    full_scale=32768.0,
    num_mel_bins=24,
    mel_low_hz=100.0,
    mel_high_hz=7600.0,
    log_epsilon=1e-9,
)
STRIDE, KERNEL_SIZE, STEPS_PER_CALL = 4, 8, 2
VERIFIER_FRAMES = 50
MARGIN = 4.0
"""Natural logarithm of the power ratio, band to mean, at which the posterior is 0.5 (17 dB)."""


def band_of(tone_hz: float) -> int:
    """Return the mel band that hears a tone of this pitch best."""
    times = np.arange(FRONT_END.window_length) / FRONT_END.sample_rate_hz
    tone = np.rint(8000 * np.sin(2 * np.pi * tone_hz * times)).astype(np.int16)
    return int(np.argmax(frames_of(FRONT_END, tone)[0]))


def make_artefact(name: str, tone_hz: float) -> bytes:
    """Return the file content of an artefact that hears `tone_hz`."""
    bins, history_frames = FRONT_END.num_bins, KERNEL_SIZE - STRIDE
    weights = np.full(bins, -1.0 / bins)
    weights[band_of(tone_hz)] += 1.0
    kernel = np.tile(2.0 * weights / KERNEL_SIZE, (KERNEL_SIZE, 1))[:, :, None]
    frames_spec = tf.TensorSpec((1, STEPS_PER_CALL * STRIDE, bins), tf.float32, name="frames")
    history_spec = tf.TensorSpec((1, history_frames, bins), tf.float32, name="history")

    @tf.function(input_signature=[frames_spec, history_spec])
    def step(frames, history):
        heard = tf.concat([history, frames], axis=1)
        logits = tf.nn.conv1d(heard, kernel.astype(np.float32), STRIDE, "VALID") - 2.0 * MARGIN
        return {"posteriors": tf.sigmoid(logits), "next_history": heard[:, -history_frames:]}

    module = tf.Module()
    module.step = step
    concrete = step.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
    flatbuffer = converter.convert()
    interpreter = tf.lite.Interpreter(model_content=flatbuffer)
    outputs = {tuple(d["shape"]): d["name"] for d in interpreter.get_output_details()}
    inputs = {tuple(d["shape"]): d["name"] for d in interpreter.get_input_details()}
    history_shape = (1, history_frames, bins)
    tensors = StepTensors(
        frames=inputs[(1, STEPS_PER_CALL * STRIDE, bins)],
        posteriors=outputs[(1, STEPS_PER_CALL, 1)],
        history=StateTensor(inputs[history_shape], outputs[history_shape], history_shape),
    )
    policy = TriggerPolicy(threshold=0.5, patience=2, refractory=10)
    metadata = Metadata(
        schema_version=1,
        name=name,
        mode="float32",
        labels=(name,),
        front_end=FRONT_END,
        network=StepNetwork(STRIDE, KERNEL_SIZE, STEPS_PER_CALL, tensors),
        trigger=policy,
        sha256="",
        operating_points={"strict": TriggerPolicy(threshold=0.9, patience=4, refractory=10)},
    )
    return pack_artefact(flatbuffer, metadata)


def with_verifier(content: bytes, name: str, tone_hz: float) -> bytes:
    """Return the artefact `content` with a second stage that wants a long tone.

    Its log-odds rise with the share of the frames in which the tone's band is `MARGIN` above the
    mean of all bands, and are 0 at four fifths.
    """
    artefact = parse_artefact(content, Path(name))
    frames_spec = tf.TensorSpec((1, VERIFIER_FRAMES, FRONT_END.num_bins), tf.float32, name="frames")
    band = band_of(tone_hz)

    @tf.function(input_signature=[frames_spec])
    def verify(frames):
        contrast = frames[:, :, band] - tf.reduce_mean(frames, axis=2)
        share = tf.reduce_mean(tf.sigmoid(4.0 * (contrast - MARGIN)), axis=1, keepdims=True)
        return {"posteriors": tf.sigmoid(20.0 * (share - 0.8))}

    module = tf.Module()
    module.verify = verify
    concrete = verify.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
    flatbuffer = name_tensors_by_signature(converter.convert())
    verifier = Verifier(mode="float32", sha256="", frames=VERIFIER_FRAMES, peak=5)
    policy = TriggerPolicy(threshold=0.999, refractory=10)
    metadata = replace(
        artefact.metadata, name=name, verifier=verifier, trigger=policy, operating_points={}
    )
    return pack_artefact(artefact.flatbuffer, metadata, flatbuffer)


if __name__ == "__main__":
    folder = Path(__file__).parent / "data"
    folder.mkdir(exist_ok=True)
    for name, tone_hz in (("beep", 1175.0), ("hoot", 440.0)):
        (folder / f"{name}.tflite").write_bytes(make_artefact(name, tone_hz))
    beep = (folder / "beep.tflite").read_bytes()
    (folder / "long-beep.tflite").write_bytes(with_verifier(beep, "long-beep", 1175.0))
