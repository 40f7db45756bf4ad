"""How much is made and how long is learnt: minutes to see the way, or hours for a good model."""

from dataclasses import dataclass, replace

from models.settings.network import Network
from models.settings.schedule import Schedule


@dataclass(frozen=True)
class Amounts:
    """Clips that are spoken."""

    words: int
    """Of the phrase alone."""
    carried: int
    """Of the phrase within a sentence."""
    near_phrases: int
    near_takes: int
    """Of each near phrase."""
    sentences: int


@dataclass(frozen=True)
class Looks:
    """What the second stage learns from."""

    clips: int
    epochs: int
    clip_seconds: float
    """Of a clip, all epochs of what is found in it included: a first guess, on two cores."""


@dataclass(frozen=True)
class Preset:
    """One size of the whole work."""

    train: Amounts
    test: Amounts
    """Spoken by voices that do not train."""
    network: Network
    schedule: Schedule
    fine_tuning: Schedule
    """With own recordings, from the network that `schedule` leaves."""
    verifier: Looks
    positive_share: float
    """Of what is said in a training clip; the rest must be refused."""
    step_seconds: float
    """Of a training step, measured on two cores: a first guess of how long it will take."""
    snrs_db: tuple[float, ...]
    """Noise that the result is tried in."""


_GOING_ON = Schedule(
    learning_rate=3e-4,
    last_learning_rate=1e-5,
    warm_up_steps=20,
    average_momentum=0.98,
    positive_weight=2.0,
)
"""Of a trained network that learns on, slower than it learnt at first."""
IMPROVEMENT = replace(
    _GOING_ON,
    steps=300,
    batch_size=32,
    checkpoint_steps=25,
    evaluation_steps=300,
    development_clips=64,
)
"""With the labelled clips of a place, about five minutes on two cores. The network is judged once,
at the end: nothing is chosen by the clips that are kept out."""
PRESETS = {
    "quick": Preset(
        train=Amounts(words=500, carried=60, near_phrases=24, near_takes=12, sentences=100),
        test=Amounts(words=80, carried=20, near_phrases=24, near_takes=2, sentences=80),
        network=Network(filters=48, kernel_size=11, stride=4, gru_units=(48,), dropout=0.1),
        schedule=Schedule(
            steps=2000,
            batch_size=16,
            learning_rate=4e-3,
            warm_up_steps=80,
            weight_decay=1e-4,
            average_momentum=0.99,
            positive_weight=2.0,
            repeats=3,
            checkpoint_steps=200,
            evaluation_steps=2000,
            development_clips=160,
        ),
        fine_tuning=replace(
            _GOING_ON,
            steps=120,
            batch_size=16,
            last_learning_rate=3e-5,
            warm_up_steps=10,
            average_momentum=0.9,
            checkpoint_steps=40,
            evaluation_steps=120,
            development_clips=160,
        ),
        verifier=Looks(clips=2400, epochs=6, clip_seconds=0.032),
        positive_share=0.45,
        step_seconds=0.06,
        snrs_db=(10.0,),
    ),
    "full": Preset(
        train=Amounts(words=3000, carried=500, near_phrases=90, near_takes=20, sentences=1000),
        test=Amounts(words=400, carried=100, near_phrases=90, near_takes=4, sentences=1000),
        network=Network(filters=96, kernel_size=11, stride=4, gru_units=(96, 96), dropout=0.15),
        schedule=Schedule(
            steps=8000,
            batch_size=64,
            learning_rate=2e-3,
            warm_up_steps=200,
            weight_decay=1e-4,
            average_momentum=0.998,
            positive_weight=2.0,
            repeats=3,
            checkpoint_steps=200,
            evaluation_steps=1000,
            development_clips=512,
        ),
        fine_tuning=replace(
            _GOING_ON,
            steps=400,
            batch_size=64,
            checkpoint_steps=100,
            evaluation_steps=400,
            development_clips=512,
        ),
        verifier=Looks(clips=16000, epochs=10, clip_seconds=0.045),
        positive_share=0.3,
        step_seconds=0.4,
        snrs_db=(20.0, 10.0),
    ),
}
