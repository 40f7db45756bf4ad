"""What is measured, and what comes out: the words between the bench and its processes."""

from dataclasses import dataclass

from firmware_py.interpreter import Runtime


@dataclass(frozen=True)
class Trial:
    """One artefact on one interpreter, for a process of its own."""

    model: str
    """Path of the artefact."""
    runtime: Runtime
    num_threads: int
    pcm: str
    """File of raw little-endian int16 mono samples, at the model's rate and level."""
    chunk_length: int
    """Samples that are handed over at a time."""
    num_chunks: int
    """At least this many; the recording is repeated for them."""
    soak_seconds: float = 0.0
    """Go on for this long after the measurement."""


@dataclass(frozen=True)
class Cost:
    """CPU seconds for each second of audio."""

    total: float
    """All from samples to decision in one pass; the parts are measured each in its own."""
    front_end: float
    network: float
    decision: float


@dataclass(frozen=True)
class CallTimes:
    """How long a chunk takes, in milliseconds of real time."""

    p50: float
    p95: float
    p99: float
    worst: float
    budget: float
    """The duration of a chunk: slower than this for long is too slow."""


@dataclass(frozen=True)
class OutputCall:
    """A detection, at the moment that an output would have been called."""

    label: str
    time_seconds: float
    """When the chunk had come and was processed, on the clock of the recording."""


@dataclass(frozen=True)
class SecondStageCost:
    """What the second stage takes; the cost of the network holds it too."""

    first_look_ms: float
    """Real time of a candidate's first look, the median."""
    next_look_ms: float
    """Of each further look, which goes on from what the one before computed."""
    candidates: int
    """How often the recording called it."""
    looks: int
    """How often it ran for them."""

    @property
    def firing_ms(self) -> float | None:
        """All looks at one candidate, in the mean; None: the recording had none."""
        if not self.candidates:
            return None
        further = self.looks / self.candidates - 1.0
        return self.first_look_ms + further * self.next_look_ms


@dataclass(frozen=True)
class Measurement:
    """What a process found out."""

    audio_seconds: float
    cost: Cost
    real_time_factor: float
    """Processing time over audio time."""
    call_ms: CallTimes
    load_cpu_seconds: float
    """Reading the artefact and setting the interpreter up."""
    start_cpu_seconds: float
    """From the start of the process until it could hear."""
    rss_bytes: int
    """Most memory in use."""
    fresh_rss_bytes: int
    """Memory of the Python interpreter before it had imported anything."""
    process_threads: int
    output_calls: tuple[OutputCall, ...]
    second_stage: SecondStageCost | None = None


@dataclass(frozen=True)
class SoakSample:
    """How it went for some seconds of sustained load."""

    elapsed_seconds: float
    real_time_factor: float
    rss_bytes: int
