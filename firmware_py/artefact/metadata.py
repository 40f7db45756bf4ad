"""What an artefact says of its networks: geometry, policies, origin, how good they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from firmware_py.artefact.digest import sha256
from firmware_py.errors import SettingsError
from firmware_py.front_end import FrontEnd
from firmware_py.labels import is_word
from firmware_py.policies.candidates import LookPolicy
from firmware_py.policies.command_words import CommandPolicy
from firmware_py.policies.trigger import TriggerPolicy
from firmware_py.reading.bounds import (
    Ranges,
    check_name,
    check_numbers,
    check_range,
    check_ranges,
    shown_value,
)

FIRST_SCHEMA_VERSION = 1
SCHEMA_VERSION = 2
"""The newest that is read; only artefacts with a verifier need more than the first."""

Policy = TriggerPolicy | CommandPolicy
"""How posteriors become detections: each label by itself, or one of several at a time."""

Mode = Literal["float32", "float16", "weight-int8", "dynamic-int8", "int8", "int16x8"]

NETWORK_RANGES: Ranges = {
    "stride": (1, 1000),
    "kernel_size": (1, 10_000),
    "steps_per_call": (1, 1000),
}
STEP_SECONDS = (0.001, 10.0)
MOST_CALL_SECONDS = 10.0
MOST_REFRACTORY_SECONDS = 3600.0
MOST_STATES, MOST_LABELS, MOST_POINTS, MOST_VERSION = 64, 100, 100, 2**31 - 1


@dataclass(frozen=True)
class StateTensor:
    """A state that each call hands to the next: `output` of one is `input` of the other."""

    input: str
    output: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class StepTensors:
    """Names of the flatbuffer's tensors; they are mapped by name, never by order."""

    frames: str
    """Input, float32 [1, steps_per_call * stride, num_bins]."""
    posteriors: str
    """Output, float32 [1, steps_per_call, labels]."""
    history: StateTensor
    """Frames that the convolution still needs, [1, kernel_size - stride, num_bins]."""
    states: tuple[StateTensor, ...] = ()
    """Recurrent states, zero at the start."""


@dataclass(frozen=True)
class StepNetwork:
    """The geometry of the step network."""

    stride: int
    """Frames from one step to the next."""
    kernel_size: int
    """Frames that the first step needs."""
    steps_per_call: int
    tensors: StepTensors

    def __post_init__(self) -> None:
        check_ranges(self, NETWORK_RANGES)
        check_range("kernel_size", self.kernel_size, self.stride, NETWORK_RANGES["kernel_size"][1])
        check_range("the number of states", len(self.tensors.states), 0, MOST_STATES)

    @property
    def history_frames(self) -> int:
        return self.kernel_size - self.stride

    @property
    def frames_per_call(self) -> int:
        return self.steps_per_call * self.stride

    def num_steps(self, num_frames: int) -> int:
        """Return the number of steps that `num_frames` frames give."""
        return max(0, (num_frames - self.kernel_size) // self.stride + 1)


@dataclass(frozen=True, kw_only=True)
class Verifier(LookPolicy):
    """The second stage: a network that is run only where the first has a candidate.

    Its input `frames` is float32 [1, frames of a call, num_bins], of the first stage's front end;
    its output `posteriors` is float32 [1, labels], probabilities.
    """

    mode: Mode
    sha256: str
    """Digest of its flatbuffer, hexadecimal."""
    states: tuple[StateTensor, ...] = ()
    """With states a call reads the frames from one look to the next, and a look goes on from what
    an earlier one computed; as many calls as cover `frames` depend on no state from before them.
    Without any, a call reads all `frames`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("the number of the verifier's states", len(self.states), 0, MOST_STATES)

    def frames_per_call(self, stride: int) -> int:
        """Return the frames that a call reads; stride: frames from one step to the next."""
        return self.spacing * stride if self.states else self.frames

    def calls_per_window(self, stride: int) -> int:
        """Return how many calls cover all that it looks at."""
        return -(-self.frames // self.frames_per_call(stride))


@dataclass(frozen=True)
class Metadata:
    """All that a runtime must know about a model and a person may want to know."""

    schema_version: int
    name: str
    mode: Mode
    labels: tuple[str, ...]
    front_end: FrontEnd
    network: StepNetwork
    trigger: Policy
    sha256: str
    """Digest of the flatbuffer, hexadecimal."""
    operating_points: Mapping[str, Policy] = field(default_factory=dict)
    """Further policies by name, such as sensitive and strict."""
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    """The evaluation that chose the policy."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """Where the weights come from."""
    verifier: Verifier | None = None
    """The second stage; with one, the policies are of the fused score."""
    version: int | None = None
    """Counts the models of one name; a site may refuse signed ones below a number."""

    def __post_init__(self) -> None:
        check_name("name", self.name)
        check_range("the number of labels", len(self.labels), 1, MOST_LABELS)
        for label in self.labels:
            check_name("a label", label)
        check_range("the number of operating points", len(self.operating_points), 0, MOST_POINTS)
        for name in self.operating_points:
            check_name("an operating point", name)
        check_range(
            "the number of different labels", len(set(self.labels)), len(self.labels), MOST_LABELS
        )
        check_range("the number of words among the labels", len(self.words), 1, MOST_LABELS)
        check_range("schema_version", self.schema_version, FIRST_SCHEMA_VERSION, SCHEMA_VERSION)
        check_range("version", self.version or 0, 0, MOST_VERSION)
        check_numbers(self.evaluation, "evaluation")
        check_numbers(self.training, "training")
        check_range("the time of a step in seconds", self.step_seconds, *STEP_SECONDS)
        call_seconds = self.network.frames_per_call * self.front_end.frame_seconds
        check_range("the time of a call in seconds", call_seconds, 0.0, MOST_CALL_SECONDS)
        for policy in (self.trigger, *self.operating_points.values()):
            seconds = policy.refractory_seconds(self.step_seconds)
            check_range("the refractory time in seconds", seconds, 0.0, MOST_REFRACTORY_SECONDS)
        history = (1, self.network.history_frames, self.front_end.num_bins)
        if self.network.tensors.history.shape != history:
            raise SettingsError(
                f"the history's shape is {shown_value(self.network.tensors.history.shape)};"
                f" stride, kernel and front end make it {history}"
            )

    @property
    def digest(self) -> str:
        """What tells models apart: the network's digest, or one of both stages' description."""
        if not self.verifier:
            return self.sha256
        digest: str = sha256(f"{self.sha256} {self.verifier}".encode()).hexdigest()
        return digest

    @property
    def words(self) -> tuple[str, ...]:
        """The labels that can be detected: not silence, not the unknown."""
        return tuple(label for label in self.labels if is_word(label))

    @property
    def most_verifier_calls(self) -> int:
        """How often the second stage may be run in one call of the first, at most."""
        if not self.verifier:
            return 0
        steps = self.network.steps_per_call
        looks = min(steps, len(self.words) * -(-steps // self.verifier.spacing))
        return looks * self.verifier.calls_per_window(self.network.stride)

    @property
    def step_seconds(self) -> float:
        """Time from one step to the next."""
        return self.network.stride * self.front_end.frame_seconds

    def step_end_seconds(self, step: int) -> float:
        """Return the time at which all the audio of step `step` has been heard."""
        last_frame = step * self.network.stride + self.network.kernel_size - 1
        return self.front_end.frame_end_sample(last_frame) / self.front_end.sample_rate_hz
