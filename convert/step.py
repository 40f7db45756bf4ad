"""The step network: a stateless TensorFlow function with explicit state, and its TFLite names."""

import numpy as np
import tensorflow as tf

from convert.weights import Convolution, Dense, NetworkWeights, Recurrence, Weights
from firmware_py.artefact import StateTensor, StepTensors

Tensors = dict[str, tf.Tensor]


def step_tensors(weights: NetworkWeights) -> StepTensors:
    """Return the names of the step network's inputs and outputs."""
    history_frames = weights.kernel_size - weights.convolution.stride
    return StepTensors(
        frames="frames",
        posteriors="posteriors",
        history=StateTensor("history", "next_history", (1, history_frames, weights.num_bins)),
        states=tuple(
            StateTensor(f"state_{number}", f"next_state_{number}", (1, recurrence.units))
            for number, recurrence in enumerate(weights.recurrences, start=1)
        ),
    )


class StepModule(tf.Module):
    """One call of a network: named inputs to named outputs, and no state of its own.

    frames: float32 [1, num_steps * stride, num_bins], the next frames.
    history, state_1, ...: what the last call returned as next_history, next_state_1, ...
    Returns posteriors, float32 [1, num_steps, labels], and the next call's states.
    """

    def __init__(self, weights: NetworkWeights, num_steps: int) -> None:
        super().__init__()
        self.weights = weights
        self.num_steps = num_steps
        self.tensors = step_tensors(weights)
        shapes = {state.input: state.shape for state in self.state_tensors}
        shapes[self.tensors.frames] = (1, self.num_frames, weights.num_bins)
        specs = {name: tf.TensorSpec(shape, tf.float32, name) for name, shape in shapes.items()}
        self.function = tf.function(self._step, autograph=False).get_concrete_function(**specs)

    @property
    def stride(self) -> int:
        """Frames from one step to the next."""
        return self.weights.convolution.stride

    @property
    def kernel_size(self) -> int:
        """Frames that the first step needs."""
        return self.weights.kernel_size

    @property
    def num_frames(self) -> int:
        """Frames that one call reads."""
        return self.num_steps * self.weights.convolution.stride

    @property
    def state_tensors(self) -> tuple[StateTensor, ...]:
        return (self.tensors.history, *self.tensors.states)

    def _step(self, **inputs: tf.Tensor) -> Tensors:
        history, *states = self.state_tensors
        frames = tf.concat((inputs[history.input], inputs[self.tensors.frames]), axis=1)
        outputs = {history.output: frames[:, self.num_frames :]}
        sequence = _convolve(frames, self.weights.convolution)
        for recurrence, state in zip(self.weights.recurrences, states, strict=True):
            sequence, last = _unroll(sequence, inputs[state.input], recurrence)
            outputs[state.output] = last
        outputs[self.tensors.posteriors] = _head(sequence, self.weights.dense)[None]
        return outputs


def _convolve(frames: tf.Tensor, convolution: Convolution) -> tf.Tensor:
    """Return max(0, convolution), [steps, filters]; frames: [1, frames, num_bins]."""
    exponent = small_exponent(convolution.kernel)
    kernel = _constant(np.ldexp(convolution.kernel, exponent))
    if exponent:
        frames = frames * 2.0**-exponent
    product = tf.nn.conv1d(frames, kernel, convolution.stride, "VALID")
    return tf.nn.relu(product + _constant(convolution.bias))[0]


def small_exponent(kernel: Weights) -> int:
    """Return the power of two that brings a kernel of very small weights to about 1, else 0.

    kernel: float64 [any shape].
    Power spectra reach 1e6, and a kernel folded with their normalisation is as small: below the
    normal numbers of float16. Frames scaled by a power of two instead lose nothing.
    """
    exponent = -int(np.frexp(np.abs(kernel).max())[1])
    return exponent if exponent >= _LEAST_EXPONENT else 0


_LEAST_EXPONENT = 7
"""Larger weights than 2^-7 stay as they are."""


def _unroll(
    sequence: tf.Tensor, state: tf.Tensor, recurrence: Recurrence
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the GRU's output, [steps, units], and its last state, [1, units].

    The input's product is made for all steps at once; only the state's product is sequential.
    """
    products = tf.matmul(sequence, _constant(recurrence.kernel)) + _constant(recurrence.bias)
    kernel, bias = recurrence.recurrent_kernel, recurrence.recurrent_bias
    states = []
    for product in tf.split(products, products.shape[0]):
        gates = tf.split(product, 3, axis=1)
        if bias is None:
            state = _next_state_reset_before(gates, state, kernel)
        else:
            state = _next_state_reset_after(gates, state, kernel, bias)
        states.append(state)
    return tf.concat(states, axis=0), state


def _next_state_reset_after(
    products: list[tf.Tensor], state: tf.Tensor, kernel: Weights, bias: Weights
) -> tf.Tensor:
    """Return the next state; the reset gate scales the state's product.

    products: the input's part of the update gate, the reset gate and the candidate, [1, units]
        each (Cho et al., arXiv 1406.1078 v1).
    """
    recurrent = tf.matmul(state, _constant(kernel)) + _constant(bias)
    update_part, reset_part, candidate_part = tf.split(recurrent, 3, axis=1)
    update = tf.sigmoid(products[0] + update_part)
    reset = tf.sigmoid(products[1] + reset_part)
    candidate = tf.tanh(products[2] + reset * candidate_part)
    return candidate + update * (state - candidate)


def _next_state_reset_before(
    products: list[tf.Tensor], state: tf.Tensor, kernel: Weights
) -> tf.Tensor:
    """Return the next state; the reset gate scales the state itself (the same paper, v3)."""
    gates_kernel, candidate_kernel = np.split(kernel, [2 * len(kernel)], axis=1)
    update_part, reset_part = tf.split(tf.matmul(state, _constant(gates_kernel)), 2, axis=1)
    update = tf.sigmoid(products[0] + update_part)
    reset = tf.sigmoid(products[1] + reset_part)
    candidate = tf.tanh(products[2] + tf.matmul(reset * state, _constant(candidate_kernel)))
    return candidate + update * (state - candidate)


def _head(sequence: tf.Tensor, dense: Dense) -> tf.Tensor:
    """Return posteriors, [steps, labels]; sequence: [steps, inputs]."""
    logits = tf.matmul(sequence, _constant(dense.kernel)) + _constant(dense.bias)
    return tf.sigmoid(logits) if dense.head == "sigmoid" else tf.nn.softmax(logits)


def _constant(values: Weights) -> tf.Tensor:
    return tf.constant(values, tf.float32)
