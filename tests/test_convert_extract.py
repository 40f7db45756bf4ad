"""What of a Keras network can be streamed, and what is refused."""

import keras
import pytest
from keras import layers

from convert.reading.extract import extract
from firmware_py.errors import ArtefactError


def network(**changes: keras.Layer) -> keras.Model:
    """Return the smallest network that fits, with some of its layers changed."""
    chain = {
        "conv": layers.Conv1D(4, 5, 2),
        "norm": layers.BatchNormalization(),
        "relu": layers.ReLU(),
        "gru": layers.GRU(3, return_sequences=True),
        "head": layers.TimeDistributed(layers.Dense(1, activation="sigmoid")),
    }
    return keras.Sequential([keras.Input((21, 6)), *(chain | changes).values()])


def test_plain_layers_mean_the_same() -> None:
    weights = extract(
        network(
            norm=layers.Dropout(0.5),
            relu=layers.Activation("relu"),
            head=layers.Dense(2, activation="softmax"),
        )
    )
    assert (weights.kernel_size, weights.num_bins, weights.num_labels) == (5, 6, 2)
    assert weights.dense.head == "softmax"
    assert weights.recurrences[0].units == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"conv": layers.Conv1D(4, 5, 2, padding="causal")}, "has padding 'causal'"),
        ({"conv": layers.Conv1D(4, 5, 2, activation="relu")}, "activation relu; .* needs linear"),
        ({"conv": layers.Conv1D(4, 5, dilation_rate=2)}, r"dilation_rate \(2,\)"),
        ({"conv": layers.Conv1D(4, 2, 2)}, "kernel_size 2 and stride 2"),
        ({"conv": layers.Dense(4)}, "has Dense '.*' where Conv1D belongs"),
        ({"relu": layers.Activation("tanh")}, "activation tanh; .* needs relu"),
        ({"relu": layers.ReLU(max_value=6.0)}, "max_value 6.0"),
        ({"gru": layers.GRU(3, return_sequences=True, activation="relu")}, "has activation relu"),
        ({"gru": layers.GRU(3, return_sequences=True, use_bias=False)}, "use_bias False"),
        ({"gru": layers.GRU(3, return_sequences=True, go_backwards=True)}, "go_backwards True"),
        (
            {"gru": layers.LSTM(3, return_sequences=True)},
            "the network has LSTM 'lstm.*', which cannot be streamed",
        ),
        ({"head": layers.Dense(1)}, "head has the activation linear; train it with sigmoid"),
        ({"head": layers.TimeDistributed(layers.Flatten())}, "head is Flatten"),
        ({"more": layers.Dense(1)}, "goes on with Dense"),
    ],
)
def test_what_cannot_be_streamed(changes: dict[str, keras.Layer], message: str) -> None:
    with pytest.raises(ArtefactError, match=message):
        extract(network(**changes))
