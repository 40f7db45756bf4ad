"""`python -m board.benchmarks`: what is counted, how results are kept, and the RAM disk."""

import shutil
import subprocess
import tarfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from board.benchmarks import __main__ as command
from board.benchmarks.benchmark import BenchmarkError, BenchmarkRow, run_bench, run_workload, single
from board.benchmarks.emulated import (
    CYCLES_PER_INSTRUCTION,
    Count,
    count_instructions,
    write_initrd,
)
from board.benchmarks.floor import layer_shapes, multiplications_per_second, step_seconds
from board.benchmarks.ours import Variant, convert_variants, variant_benchmarks
from board.benchmarks.picture import draw_costs
from board.benchmarks.results import PICTURE, Results, read_results, write_results
from board.benchmarks.table import TABLE, write_table
from firmware_py.interpreter import installed_runtimes

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "models" / "configs" / "activate-reference.toml"
BEEP = Path(__file__).parent / "data" / "beep.tflite"
RECORDING = ROOT / "firmware_py" / "data" / "activate.flac"


def test_the_reference_has_the_multiplications_that_its_layers_have() -> None:
    # Conv1D 196 x 15 over 101 bins, GRU 128 on 196, GRU 128 on 128, one output; three gates each.
    expected = 15 * 101 * 196 + 3 * 128 * (196 + 128) + 3 * 128 * (128 + 128) + 128
    shapes = layer_shapes(REFERENCE)
    assert sum(rows * columns for part in shapes.values() for rows, columns in part) == expected
    assert step_seconds(REFERENCE) == pytest.approx(320 / 44100)
    assert multiplications_per_second(REFERENCE) == pytest.approx(expected * 44100 / 320)


def test_a_job_measures_a_model_in_a_process_of_its_own() -> None:
    runtime = installed_runtimes()[0]
    (row,) = single(
        "ours",
        "beep",
        "",
        lambda: run_bench(BEEP, "--runtime", runtime, "--audio", RECORDING, "--seconds", 2),
    ).run()
    assert row.network is not None
    assert 0 < row.network < 1
    assert 0 < row.cpu < 1
    assert row.rss_mb is not None
    assert row.rss_mb > 10


def test_all_variants_of_a_model_are_measured_in_one_process() -> None:
    variants = [Variant("beep", "float32", 1, BEEP), Variant("beep", "float32", 2, BEEP)]
    for job in variant_benchmarks(variants, RECORDING):
        rows = job.run()
        assert [row.detail for row in rows] == ["float32, N = 1", "float32, N = 2"]
        assert all(0 < (row.network or 0) < 1 and 0 < row.cpu < 1 for row in rows)


def test_a_workload_that_fails_is_named() -> None:
    with pytest.raises(BenchmarkError, match=r"invoke\.py.*missing\.tflite"):
        run_workload("invoke.py", installed_runtimes()[0], "missing.tflite")


def test_several_models_on_one_front_end_cost_more_than_one() -> None:
    workload = ("ensemble.py", BEEP, installed_runtimes()[0])
    one, many = (run_workload(*workload, count, RECORDING)["cpu"] for count in (1, 8))
    assert 0 < one < many


def test_variants_that_are_settled_are_not_converted_again(tmp_path: Path) -> None:
    (tmp_path / "m-float32-2.tflite").write_bytes(b"")
    (tmp_path / "m-int8-2.failed").write_text("fails the parity gate")
    found = convert_variants(Path("none.keras"), "m", ("float32", "int8"), (2,), tmp_path)
    assert found == [Variant("m", "float32", 2, tmp_path / "m-float32-2.tflite")]


def test_the_lowest_of_each_cost_counts() -> None:
    first = BenchmarkRow("ours", "a", "", 3.0, 1.0)
    assert first.lowest(replace(first, cpu=2.0, network=2.0)) == BenchmarkRow(
        "ours", "a", "", 2.0, 1.0
    )
    assert BenchmarkRow("peer", "b", "", 3.0).lowest(BenchmarkRow("peer", "b", "", 4.0)).cpu == 3.0


@pytest.fixture
def results() -> Results:
    detail = "float32, N = 2"
    rows = [
        BenchmarkRow("ours", "activate on tflite-runtime", detail, 0.002, 0.0009, 46.0),
        BenchmarkRow("ours", "activate on ai-edge-litert", detail, 0.001, 0.0006, 53.0),
        BenchmarkRow("floor", "activate on tflite-runtime", detail, 0.0006),
        BenchmarkRow("peer", "pymicro-wakeword 2.5.0", "one word", 0.004),
        BenchmarkRow("naive", "activate with Keras", "predict", 0.2),
        BenchmarkRow("chunk", "activate on tflite-runtime", "10 ms", 0.004),
        BenchmarkRow("chunk", "activate on tflite-runtime", "80 ms", 0.002),
    ]
    count = Count(
        "cortex-a53",
        "activate",
        detail,
        "tflite-runtime",
        10_000_000,
        6_000_000,
        3_900_000,
        100_000,
        first_look=40_000_000,
        next_look=3_000_000,
    )
    return Results("a machine", 2, 120.0, rows, [count], "2026-01-31")


def test_results_are_kept_and_drawn_again_without_measuring(
    results: Results, tmp_path: Path
) -> None:
    write_results(results, tmp_path)
    assert read_results(tmp_path) == results
    assert command.main(["--out", str(tmp_path)]) == 0
    assert (tmp_path / PICTURE).read_bytes().startswith(b"\x89PNG")
    assert "2026-01-31; a machine" in (tmp_path / TABLE).read_text()


def test_the_table_gives_ratios_and_estimates(results: Results, tmp_path: Path) -> None:
    write_table(results, tmp_path)
    text = (tmp_path / TABLE).read_text()
    for line in (
        "ai-edge-litert) to pymicro-wakeword 2.5.0, one word | 0.250 | at most 0.5 |",
        "| activate with Keras to activate (float32, N = 2, tflite-runtime) | 100 | at least 75 |",
        "tflite-runtime (float32, N = 2) to its products alone | 1.50 | at most 1.5 |",
        "| float32, N = 2 | 0.00200 (0.00090; 1.50) | 0.00100 (0.00060) |",
        "Zero 2 W (1 GHz) 23.0 ms, 2.3 %",
        "| 40.0 | 3.00 | Zero 2 W 126 ms, Pi 3 90 ms |",
    ):
        assert line in text


def test_float16_computes_as_float32(results: Results, tmp_path: Path) -> None:
    half = BenchmarkRow("ours", "activate on tflite-runtime", "float16, N = 2", 0.0019, 0.0012)
    write_table(replace(results, rows=[half, *results.rows]), tmp_path)
    line = "tflite-runtime (float16, N = 2) to its products alone | 2.00 | at most 1.5 |"
    assert line in (tmp_path / TABLE).read_text()


def test_a_picture_needs_no_group_in_particular(results: Results, tmp_path: Path) -> None:
    for group in ("ours", "chunk", "peer"):
        rows = [row for row in results.rows if row.group != group]
        draw_costs(replace(results, rows=rows, counts=[]), tmp_path)
    assert (tmp_path / PICTURE).exists()


def test_the_estimate_is_instructions_times_cycles_over_the_clock() -> None:
    count = Count("cortex-a53", "a", "", "tflite-runtime", 10_000_000, 0, 0, 0)
    assert count.core_percent(1e9) == pytest.approx(CYCLES_PER_INSTRUCTION)


def test_without_an_emulator_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BenchmarkError, match="apt install qemu-system-arm"):
        count_instructions([], tmp_path)


@pytest.mark.skipif(not shutil.which("cpio"), reason="cpio is not installed (apt: cpio)")
def test_cpio_reads_the_ram_disk(tmp_path: Path) -> None:
    debian = tmp_path / "debian.tar"
    with tarfile.open(debian, "w") as archive:
        for name, kind, content in (
            ("./usr", tarfile.DIRTYPE, b""),
            ("./usr/word", tarfile.REGTYPE, b"hello"),
            ("./usr/share/doc", tarfile.REGTYPE, b"unread"),
            ("./link", tarfile.SYMTYPE, b""),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.size = kind, len(content)
            member.mode = 0o755
            member.linkname = "usr/word" if kind == tarfile.SYMTYPE else ""
            archive.addfile(member, BytesIO(content))
    packages = tmp_path / "packages"
    (packages / "deep").mkdir(parents=True)
    (packages / "deep" / "file").write_bytes(b"odd")
    write_initrd(tmp_path / "initrd", debian, packages, [Variant("beep", "float32", 1, BEEP)])
    out = tmp_path / "out"
    out.mkdir()
    with (tmp_path / "initrd").open("rb") as file:
        subprocess.run(["cpio", "-idm", "--quiet"], cwd=out, stdin=file, check=True)
    assert (out / "usr" / "word").read_bytes() == b"hello"
    assert (out / "link").resolve() == out / "usr" / "word"
    assert (out / "bench" / "packages" / "deep" / "file").read_bytes() == b"odd"
    assert (out / "bench" / "files" / BEEP.name).read_bytes() == BEEP.read_bytes()
    assert (out / "bench" / "ours" / "firmware_py" / "detector.py").exists()
    assert (out / "init").stat().st_mode & 0o111
    assert not list((out / "usr" / "share").glob("*"))


def test_the_best_rate_of_this_core_is_measured() -> None:
    rate = run_workload("matrices.py")["mac_per_second"]
    assert 1e8 < rate < 1e12
