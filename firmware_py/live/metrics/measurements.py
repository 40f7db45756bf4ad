"""What a listening device measures, for Prometheus."""

from collections import Counter
from collections.abc import Mapping, Sequence

from firmware_py.live.listener import Listener
from firmware_py.live.metrics.exposition import Metric
from firmware_py.live.network_service import NetworkService
from firmware_py.outputs.worker import OutputWorker
from firmware_py.sound.microphone import Microphone
from firmware_py.streaming.second_stage import SecondStage

PREFIX = "trigger_word_"


def stream_metrics(listener: Listener, microphone: Microphone, uptime: float) -> list[Metric]:
    """Return the counters and gauges of sound and models."""
    counters = microphone.counters
    lost_seconds = counters.lost_seconds + listener.unheard_seconds
    values: list[tuple[str, str, float]] = [
        ("audio_seconds_total", "Sound processed.", listener.audio_seconds),
        ("processing_seconds_total", "Time spent on the models.", listener.processing_seconds),
        ("real_time_factor", "Processing time over audio time.", listener.real_time_factor),
        ("muted_seconds_total", "Sound muted while the chime played.", listener.muted_seconds),
        ("lost_seconds_total", "Sound that was never heard.", lost_seconds),
        ("overflows_total", "Times that the driver lost samples.", counters.overflows),
        (
            "dropped_samples_total",
            "Samples dropped because they had waited too long.",
            counters.dropped_samples,
        ),
        ("reconnects_total", "Times that the microphone was opened again.", counters.reconnects),
        ("microphone_queue_seconds", "Sound that waits.", microphone.queued_seconds),
        ("microphone_up", "1 while a microphone is open.", float(bool(microphone.name))),
    ]
    return [
        uptime_metric(uptime),
        *(
            Metric(PREFIX + name, "counter" if name.endswith("_total") else "gauge", text, value)
            for name, text, value in values
        ),
    ]


def second_stage_metrics(second_stages: Sequence[SecondStage]) -> list[Metric]:
    """Return how often the second stages were called, ran and refused; nothing without any.

    The counters begin anew when the models are replaced.
    """
    if not second_stages:
        return []
    candidates: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for second in second_stages:
        for word, counts in second.counts.items():
            candidates[word] += counts.candidates
            refused[word] += counts.refused
    looks = sum(second.looks for second in second_stages)
    return [
        Metric(
            f"{PREFIX}candidates_total",
            "counter",
            "Times that a first stage called its second.",
            sorted(candidates.items()),
            "label",
        ),
        Metric(
            f"{PREFIX}candidates_refused_total",
            "counter",
            "Candidates that stayed below the threshold of both stages.",
            sorted(refused.items()),
            "label",
        ),
        Metric(f"{PREFIX}looks_total", "counter", "Runs of the second stages.", float(looks)),
    ]


def uptime_metric(seconds: float) -> Metric:
    """Return how long the process has been running."""
    return Metric(f"{PREFIX}uptime_seconds", "gauge", "Time since the start.", seconds)


def event_metrics(
    detections: Mapping[str, int], late_detections: int, workers: Sequence[OutputWorker]
) -> list[Metric]:
    """Return the counters of detections by label and of events by output."""

    def each(attribute: str) -> list[tuple[str, float]]:
        return [(worker.name, float(getattr(worker, attribute))) for worker in workers]

    return [
        Metric(
            f"{PREFIX}detections_total",
            "counter",
            "Detections.",
            sorted(detections.items()),
            "label",
        ),
        Metric(
            f"{PREFIX}late_detections_total",
            "counter",
            "Detections that came too late to be answered.",
            float(late_detections),
        ),
        Metric(
            f"{PREFIX}output_queued",
            "gauge",
            "Events that wait for an output.",
            each("queued"),
            "output",
        ),
        Metric(
            f"{PREFIX}output_handled_total",
            "counter",
            "Events that an output answered.",
            each("handled"),
            "output",
        ),
        Metric(
            f"{PREFIX}output_failures_total",
            "counter",
            "Events that an output failed at.",
            each("failures"),
            "output",
        ),
        Metric(
            f"{PREFIX}output_dropped_total",
            "counter",
            "Events that found a queue full.",
            each("dropped"),
            "output",
        ),
    ]


def service_metrics(service: NetworkService) -> list[Metric]:
    """Return what the Wyoming service counts; nothing where there is none."""
    if not service.is_wanted:
        return []
    return [
        Metric(f"{PREFIX}wyoming_up", "gauge", "1 while it listens.", float(service.is_serving)),
        Metric(f"{PREFIX}wyoming_clients", "gauge", "Connections.", float(service.clients)),
        Metric(
            f"{PREFIX}wyoming_detections_total",
            "counter",
            "Detections in the streams of clients.",
            sorted(service.detections.items()),
            "label",
        ),
    ]
