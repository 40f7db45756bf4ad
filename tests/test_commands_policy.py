"""The decision between several words: one at a time, silence and the unknown never."""

from pathlib import Path

import numpy as np
import pytest

from firmware_py.artefact import Metadata, StateTensor, StepNetwork, StepTensors
from firmware_py.errors import SettingsError
from firmware_py.front_end import FrontEnd
from firmware_py.policies.command_words import CommandPolicy, CommandTrigger
from firmware_py.policies.trigger import TriggerPolicy
from firmware_py.schema import from_mapping, to_mapping
from models.words.streams.hearing import RecordingScores
from models.words.streams.sweep import CommandSweep

LABELS = ("silence", "unknown", "yes", "no")
STEP_SECONDS = 0.04


def metadata(policy: CommandPolicy | TriggerPolicy) -> Metadata:
    """Steps of 40 ms: four frames of 160 samples."""
    history = StateTensor("history", "next_history", (1, 4, 201))
    network = StepNetwork(4, 8, 2, StepTensors("frames", "posteriors", history))
    front_end = FrontEnd(sample_rate_hz=16000, window_length=400, hop_length=160)
    return Metadata(1, "made", "float32", LABELS, front_end, network, policy, "")


def steps(*labels: int) -> list[list[float]]:
    """Posteriors that are sure of one label after the other."""
    return np.eye(4)[list(labels)].tolist()


def fired(policy: CommandPolicy, posteriors: list[list[float]]) -> list[tuple[int, str]]:
    trigger = CommandTrigger(policy, LABELS, STEP_SECONDS)
    return [(index, LABELS[label]) for index, label, _ in trigger.process(posteriors)]


def test_silence_and_unknown_are_no_detections() -> None:
    policy = CommandPolicy(threshold=0.1, average_window_ms=40.0)
    assert fired(policy, steps(0, 0, 1, 1, 1, 0)) == []
    assert fired(policy, steps(0, 1, 2, 2, 0)) == [(2, "yes")]


def test_average_window_delays_and_outvotes() -> None:
    policy = CommandPolicy(threshold=0.5, average_window_ms=160.0)
    assert fired(policy, steps(0, 2, 0, 2, 0, 0)) == []
    assert fired(policy, steps(0, 2, 2, 2, 2, 0)) == [(3, "yes")]
    score = next(CommandTrigger(policy, LABELS, STEP_SECONDS).process(steps(0, 2, 2, 2)))[2]
    assert score == pytest.approx(0.75)


def test_one_detection_an_utterance_and_suppression() -> None:
    policy = CommandPolicy(threshold=0.5, average_window_ms=40.0, suppression_ms=120.0)
    assert fired(policy, steps(2, 2, 2, 2, 2, 2, 2, 2)) == [(0, "yes")]
    assert fired(policy, steps(2, 0, 2, 0, 2, 0, 0)) == [(0, "yes"), (4, "yes")]
    assert fired(policy, steps(2, 3, 3, 3, 3, 3)) == [(0, "yes"), (4, "no")]


def test_minimum_count_wants_the_label_on_top() -> None:
    close = [[0.0, 0.45, 0.55 if index == 2 else 0.42, 0.0] for index in range(5)]
    assert fired(CommandPolicy(0.4, 120.0, minimum_count=1), close) == [(2, "yes")]
    assert fired(CommandPolicy(0.4, 120.0, minimum_count=2), close) == []


def test_clip_stride_decides_less_often() -> None:
    policy = CommandPolicy(threshold=0.5, average_window_ms=40.0, clip_stride_ms=120.0)
    assert fired(policy, steps(2, 2, 0, 0, 0, 2)) == [(5, "yes")]


def test_sweep_detects_what_the_trigger_does() -> None:
    """Two implementations, random posteriors and policies."""
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(0.0, 1.5, (3000, 4)), axis=0)
    logits = walk - np.cumsum(np.pad(walk, ((50, 0), (0, 0)))[:3000] * 0.0, axis=0)
    logits = 3.0 * np.sin(logits / 4.0)
    posteriors = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = 0
    for _ in range(40):
        policy = CommandPolicy(
            threshold=float(rng.uniform(0.2, 0.8)),
            average_window_ms=float(rng.choice([40.0, 120.0, 200.0])),
            clip_stride_ms=float(rng.choice([0.0, 80.0, 120.0])),
            suppression_ms=float(rng.choice([0.0, 200.0, 600.0])),
            minimum_count=1,
        )
        heard = RecordingScores(metadata(policy), posteriors.astype(np.float32), 2.0)
        expected = heard.detections(policy)
        swept = CommandSweep(heard).detections(policy)
        assert [(d.label, d.time_seconds) for d in swept] == [
            (d.label, d.time_seconds) for d in expected
        ]
        found += len(expected)
    assert found > 1000


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"threshold": 1.5}, "threshold is 1.5"),
        ({"suppression_ms": -1.0}, "suppression_ms is -1.0; the least is 0"),
        ({"minimum_count": 0}, "minimum_count is 0"),
    ],
)
def test_impossible_policies(values: dict[str, float], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        CommandPolicy(**values)  # type: ignore[arg-type]


def test_minimum_count_must_fit_the_window() -> None:
    with pytest.raises(SettingsError, match="holds 2 steps of 40 ms"):
        CommandTrigger(CommandPolicy(average_window_ms=80.0, minimum_count=3), LABELS, 0.04)


@pytest.mark.parametrize("policy", [CommandPolicy(0.7, 160.0), TriggerPolicy(0.7, 4)])
def test_metadata_keeps_either_policy(policy: CommandPolicy | TriggerPolicy) -> None:
    again = from_mapping(Metadata, to_mapping(metadata(policy)), "metadata")
    assert again.trigger == policy
    assert again.words == ("yes", "no")


def test_unknown_settings_of_a_policy_are_refused(tmp_path: Path) -> None:
    mapping = to_mapping(metadata(TriggerPolicy()))
    mapping["trigger"] = {"threshold": 0.5, "average_windows": 3}
    with pytest.raises(SettingsError, match="no setting 'average_windows'"):
        from_mapping(Metadata, mapping, "metadata")


def test_refractory_time_of_both_policies() -> None:
    for policy in (CommandPolicy(), TriggerPolicy()):
        changed = policy.with_refractory(0.8, STEP_SECONDS)
        assert changed.refractory_seconds(STEP_SECONDS) == pytest.approx(0.8)
