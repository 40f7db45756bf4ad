"""The artefact: one .tflite file with a ZIP appended that holds metadata.json.

Interpreters ignore what follows the flatbuffer, and the standard `zipfile` reads it: the scheme
of the TensorFlow Lite metadata documentation.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from firmware_py.candidates import LookPolicy
from firmware_py.command_words import CommandPolicy
from firmware_py.errors import ArtefactError, SettingsError
from firmware_py.flatbuffer_check import check_flatbuffer
from firmware_py.front_end import FrontEnd
from firmware_py.labels import is_word
from firmware_py.reading.bounds import (
    Ranges,
    check_name,
    check_numbers,
    check_range,
    check_ranges,
    check_texts,
    shown_value,
)
from firmware_py.reading.files import refused_as, shown
from firmware_py.reading.model_file import (
    METADATA_NAME,
    REMEDY,
    VERIFIER_NAME,
    ModelFile,
    read_model_file,
    take_apart,
)
from firmware_py.schema import from_mapping, to_mapping
from firmware_py.trigger import TriggerPolicy

try:
    from _sha2 import sha256  # type: ignore[import-not-found,unused-ignore]
except ImportError:  # before Python 3.12
    # Brings OpenSSL along, which takes 4 MB; `random` of the standard library avoids it likewise.
    from hashlib import sha256

FIRST_SCHEMA_VERSION = 1
SCHEMA_VERSION = 2
"""The newest that is read; only artefacts with a verifier need more than the first."""
DEFAULT_MODEL = Path(__file__).parent / "data" / "activate.tflite"

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
MOST_STATES, MOST_LABELS, MOST_VERSION = 64, 100, 2**31 - 1


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
    """The second stage: a network without a state, run only where the first has a candidate.

    Its input `frames` is float32 [1, frames, num_bins], of the first stage's front end; its output
    `posteriors` is float32 [1, labels], each a probability by itself.
    """

    mode: Mode
    sha256: str
    """Digest of its flatbuffer, hexadecimal."""


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
    def step_seconds(self) -> float:
        """Time from one step to the next."""
        return self.network.stride * self.front_end.frame_seconds

    def step_end_seconds(self, step: int) -> float:
        """Return the time at which all the audio of step `step` has been heard."""
        last_frame = step * self.network.stride + self.network.kernel_size - 1
        return self.front_end.frame_end_sample(last_frame) / self.front_end.sample_rate_hz


@dataclass(frozen=True)
class Artefact:
    """A model file whose digest and metadata have been checked."""

    path: Path
    metadata: Metadata
    flatbuffer: bytes = field(repr=False)
    verifier: bytes | None = field(default=None, repr=False)
    """The second stage's flatbuffer."""

    def repacked(self, metadata: Metadata) -> bytes:
        """Return the file content with other metadata and the same networks."""
        return pack_artefact(self.flatbuffer, metadata, self.verifier)


def read_artefact(path: Path | str) -> Artefact:
    """Return the checked artefact at `path`; raises ArtefactError with the remedy."""
    return parse_artefact(read_model_file(path), Path(path))


def parse_artefact(content: bytes, path: Path) -> Artefact:
    """Return the checked artefact in `content`, the bytes of the file `path`."""
    file = take_apart(content, path)
    metadata = _metadata(file)
    _check_network(path, file.flatbuffer, metadata.sha256)
    if not metadata.verifier:
        return Artefact(path, metadata, file.flatbuffer)
    verifier = file.entries.get(VERIFIER_NAME)
    if verifier is None:
        raise ArtefactError(f"{path}: the model has no {VERIFIER_NAME}, but a verifier; {REMEDY}")
    _check_network(path, verifier, metadata.verifier.sha256)
    return Artefact(path, metadata, file.flatbuffer, verifier)


def _metadata(file: ModelFile) -> Metadata:
    """Return what metadata.json says, within bounds."""
    path = shown(file.path)
    with refused_as(ArtefactError, f"{path}: {METADATA_NAME} is not JSON that can be read"):
        mapping = json.loads(file.entries[METADATA_NAME], parse_constant=_no_constant)
        version = mapping.get("schema_version") if isinstance(mapping, dict) else None
        if not isinstance(version, int):
            raise ArtefactError(f"{path}: {METADATA_NAME} has no schema_version; {REMEDY}")
        if version > SCHEMA_VERSION:
            raise ArtefactError(
                f"{path}: metadata has schema {shown_value(version)}, this version reads up to"
                f" {SCHEMA_VERSION}; upgrade trigger-word or convert the model again"
            )
        try:
            check_texts(mapping, METADATA_NAME)
            return from_mapping(Metadata, mapping, METADATA_NAME)
        except SettingsError as error:
            raise ArtefactError(f"{path}: {error}; {REMEDY}") from error


def _no_constant(name: str) -> float:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(f"{name} is not a number")


def choose_policy(artefact: Artefact, name: str | None, threshold: float | None) -> Policy:
    """Return the artefact's policy, or its operating point `name`, with `threshold` put in."""
    policy = artefact.metadata.trigger
    if name is not None:
        points = artefact.metadata.operating_points
        if name not in points:
            known = ", ".join(points) or "none"
            raise SettingsError(f"{artefact.path} has no operating point {name!r}; known: {known}")
        policy = points[name]
    return policy if threshold is None else replace(policy, threshold=threshold)


def pack_artefact(flatbuffer: bytes, metadata: Metadata, verifier: bytes | None = None) -> bytes:
    """Return the file content: the flatbuffer and a ZIP with its metadata and labels.

    verifier: the second stage's flatbuffer, where the metadata describe one.
    Digests and schema version are set here. The same inputs give the same bytes.
    """
    metadata = replace(
        metadata, schema_version=FIRST_SCHEMA_VERSION, sha256=sha256(flatbuffer).hexdigest()
    )
    if metadata.verifier and verifier:
        described = replace(metadata.verifier, sha256=sha256(verifier).hexdigest())
        metadata = replace(metadata, schema_version=SCHEMA_VERSION, verifier=described)
    elif metadata.verifier or verifier:
        raise ValueError("the metadata of a verifier and its flatbuffer belong together")
    text = json.dumps(to_mapping(metadata), indent=1, ensure_ascii=False)
    buffer = io.BytesIO(flatbuffer)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(METADATA_NAME), text)
        archive.writestr(zipfile.ZipInfo("labels.txt"), "\n".join(metadata.labels) + "\n")
        if verifier:
            archive.writestr(zipfile.ZipInfo(VERIFIER_NAME), verifier)
    return buffer.getvalue()


def _check_network(path: Path, flatbuffer: bytes, expected: str) -> None:
    """Refuse a flatbuffer with another digest, or one that no interpreter should see."""
    digest = sha256(flatbuffer).hexdigest()
    if digest != expected:
        raise ArtefactError(
            f"{path}: digest {digest[:12]}... is not the {expected[:12]}... of its"
            f" metadata; the file is damaged, copy it again or {REMEDY}"
        )
    try:
        check_flatbuffer(flatbuffer)
    except ArtefactError as error:
        raise ArtefactError(f"{path}: {error}; {REMEDY}") from error
