"""The results as tables for people."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from board.benchmarks.benchmark import BenchmarkRow
from board.benchmarks.emulated import BOARDS, CYCLES_PER_INSTRUCTION, Count
from board.benchmarks.ours import RUNTIMES
from board.benchmarks.results import PICTURE, Results

TABLE = "RESULTS.md"
MOST = {
    ("activate", "pymicro-wakeword"): 0.5,
    ("activate-small", "pymicro-wakeword"): 0.3,
    ("activate-reference", "pymicro-wakeword"): 0.85,
    ("activate", "openwakeword"): 0.05,
}
"""What a model may cost of an engine with one word."""
LEAST_TO_KERAS = {"tflite-runtime": 75.0, "ai-edge-litert": 120.0}
"""How many times dearer the obvious way in Keras should be."""
MOST_TO_FLOOR = 1.5
"""What the network may cost of its products alone."""
FIRING_LOOKS = 6
"""Looks at a word; at what is none they are fewer."""
SAME_KERNELS = {"float16": "float32", "weight-int8": "float32"}
"""Modes that compute as another does."""


def write_table(results: Results, folder: Path) -> None:
    """Write everything as Markdown."""
    text = "\n".join(_lines(results)) + "\n"
    (folder / TABLE).write_text(text, encoding="utf-8")


def _lines(results: Results) -> Iterator[str]:
    yield "# Results"
    yield ""
    yield f"{results.date}; {results.machine}."
    yield ""
    yield f"One thread, {results.seconds:g} s of audio, CPU seconds for each second of audio, the"
    yield f"lowest of {results.rounds} rounds in which all took turns. Other machines have other"
    yield "numbers: compare the ratios."
    yield ""
    yield f"![costs side by side]({PICTURE})"
    yield from _ratios(results)
    yield from _matrix(results)
    for title, group in (
        ("Other engines", "peer"),
        ("The whole window again", "naive"),
        ("Arithmetic floor", "floor"),
        ("Models on one front end", "models"),
        ("Chunks", "chunk"),
        ("Length of the stream", "stream"),
    ):
        yield from _plain(title, results.group(group))
    yield from _instructions(results)


def _ratios(results: Results) -> Iterator[str]:
    """Yield the cheapest artefact of each model beside everything else."""
    yield from ("", "## Ratios", "", "| what | ratio | wanted |", "| --- | --- | --- |")
    yield from _peer_ratios(results)
    yield from _naive_ratios(results)
    yield from _floor_ratios(results)


def _peer_ratios(results: Results) -> Iterator[str]:
    for name in results.model_names:
        ours = results.cheapest(f"{name} on ")
        if ours is None:
            continue
        label = f"{name} ({ours.detail}, {ours.name.partition(' on ')[2]})"
        for peer in results.group("peer"):
            engine = peer.name.partition(" ")[0]
            most = MOST.get((name, engine)) if peer.detail.startswith("one") else None
            wanted = "" if most is None else f"at most {most:g}"
            ratio = ours.cpu / peer.cpu
            yield f"| {label} to {peer.name}, {peer.detail} | {ratio:.3f} | {wanted} |"


def _naive_ratios(results: Results) -> Iterator[str]:
    for row in results.group("naive"):
        name = row.name.partition(" with ")[0].partition(" on ")[0]
        for runtime in RUNTIMES:
            ours = results.cheapest(f"{name} on {runtime}")
            if ours is None:
                continue
            wanted = f"at least {LEAST_TO_KERAS[runtime]:g}" if " with Keras" in row.name else ""
            label = f"{row.name} to {name} ({ours.detail}, {runtime})"
            yield f"| {label} | {row.cpu / ours.cpu:.0f} | {wanted} |"


def _floor_ratios(results: Results) -> Iterator[str]:
    """Yield the cheapest network of each model and interpreter over its products alone."""
    for ours in results.cheapest_of_each():
        times = _times_floor(results, ours)
        if times:
            label = f"network of {ours.name} ({ours.detail}) to its products alone"
            yield f"| {label} | {times:.2f} | at most {MOST_TO_FLOOR:g} |"


def _times_floor(results: Results, row: BenchmarkRow) -> float | None:
    """Return the network over its products alone, with the same kernels and interpreter."""
    mode, _, steps = row.detail.partition(",")
    detail = f"{SAME_KERNELS.get(mode, mode)},{steps}"
    for floor in results.group("floor"):
        if (floor.name, floor.detail) == (row.name, detail) and row.network:
            return row.network / floor.cpu
    return None


def _matrix(results: Results) -> Iterator[str]:
    """Yield modes and steps per call as a table a model."""
    for name in results.model_names:
        rows = [row for row in results.group("ours") if row.name.startswith(f"{name} on ")]
        columns = list(dict.fromkeys(row.name for row in rows))
        cells = {(row.detail, row.name): row for row in rows}
        yield from (
            "",
            f"## {name}: modes and steps a call",
            "",
            "Total (network alone; how many times its products alone, where measured).",
            "",
            "| | " + " | ".join(column.partition(" on ")[2] for column in columns) + " |",
            "| --- |" + " --- |" * len(columns),
        )
        for detail in dict.fromkeys(row.detail for row in rows):
            found = (cells.get((detail, column)) for column in columns)
            texts = (_cell(results, row) if row else "-" for row in found)
            yield f"| {detail} | " + " | ".join(texts) + " |"


def _cell(results: Results, row: BenchmarkRow) -> str:
    times = _times_floor(results, row)
    return f"{row.cpu:.5f} ({row.network:.5f}" + (f"; {times:.2f})" if times else ")")


def _plain(title: str, rows: Sequence[BenchmarkRow]) -> Iterator[str]:
    if not rows:
        return
    yield from ("", f"## {title}", "", "| | | CPU |", "| --- | --- | --- |")
    for row in rows:
        yield f"| {row.name} | {row.detail} | {row.cpu:.5f} |"


def _instructions(results: Results) -> Iterator[str]:
    """Yield counts, and what they would be on boards."""
    if not results.counts:
        return
    yield from (
        "",
        "## Instructions on emulated processors",
        "",
        "Millions for each second of audio, counted by QEMU (`-icount`). Milliseconds for",
        "each second of audio are estimates: nothing was timed on these boards, and",
        f"{CYCLES_PER_INSTRUCTION} cycles an instruction are a cautious guess.",
        "",
        "| processor | model | all | front end | network | decision | estimate |",
        "| --- |" + " --- |" * 6,
    )
    for count in results.counts:
        shares = ", ".join(
            f"{board} ({clock_hz / 1e9:g} GHz) {10 * count.core_percent(clock_hz):.1f} ms,"
            f" {count.core_percent(clock_hz):.1f} %"
            for board, clock_hz in BOARDS[count.processor]
        )
        parts = (count.total, count.front_end, count.network, count.decision)
        numbers = " | ".join(f"{part / 1e6:.2f}" for part in parts)
        yield (
            f"| {count.processor} | {count.name}, {count.detail}, {count.runtime} | {numbers}"
            f" | {shares} |"
        )
    yield from _looks(results.counts)


def _looks(counts: Sequence[Count]) -> Iterator[str]:
    """Yield what the looks of second stages take."""
    counted = [count for count in counts if count.first_look]
    if not counted:
        return
    yield from (
        "",
        f"Looks of a second stage, in millions; a firing is {FIRING_LOOKS} of them.",
        "",
        "| processor | model | first look | further look | a firing |",
        "| --- |" + " --- |" * 4,
    )
    for count in counted:
        firings = ", ".join(
            f"{board} {count.firing_ms(FIRING_LOOKS, clock_hz):.0f} ms"
            for board, clock_hz in BOARDS[count.processor]
        )
        yield (
            f"| {count.processor} | {count.name}, {count.detail}, {count.runtime}"
            f" | {count.first_look / 1e6:.1f} | {count.next_look / 1e6:.2f} | {firings} |"
        )
