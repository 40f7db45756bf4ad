"""The same clips and results whatever runs them: this process, a pool, a Dask cluster."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from test_clips import dialogue, folders  # noqa: F401

from firmware_py.errors import SettingsError
from models.clips.batches import TriggerWordClips, made_ahead
from models.commands.executors import open_executor, open_pool


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """Return the address of a cluster with two worker processes on this machine."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
    ) as cluster:
        yield cluster.scheduler_address


def test_one_worker_is_this_process() -> None:
    with open_executor(1) as executor:
        assert executor is None


def test_a_pool_makes_the_same_batches_in_order(folders) -> None:
    job = TriggerWordClips(dialogue(), (folders,), seed=2, batch_size=2)
    with open_pool(2) as executor:
        batches = list(made_ahead(job.batch, executor, 3, 7, ahead=2))
    assert len(batches) == 4
    for index, batch in enumerate(batches, 3):
        assert np.array_equal(batch.frames, job.batch(index).frames)


def test_a_cluster_makes_the_same_batches_in_order(folders, scheduler) -> None:
    job = TriggerWordClips(dialogue(), (folders,), seed=2, batch_size=2)
    with open_pool(1, scheduler) as executor:
        batches = list(made_ahead(job.batch, executor, 3, 7, ahead=2))
    assert len(batches) == 4
    for index, batch in enumerate(batches, 3):
        assert np.array_equal(batch.frames, job.batch(index).frames)


def test_no_workers_are_refused() -> None:
    with pytest.raises(SettingsError, match="--workers is 0"), open_executor(0):
        pass


def test_a_scheduler_that_is_not_there_is_named() -> None:
    dask = pytest.importorskip("dask")
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(SettingsError, match=r"--dask tcp://127\.0\.0\.1:9"),
        open_pool(1, "tcp://127.0.0.1:9"),
    ):
        pass


OWNER = """
import os, signal, sys, time
from models.commands.executors import open_pool
if __name__ == "__main__":
    with open_pool(2) as pool:
        list(pool.map(abs, range(8)))
        print(*pool._processes, flush=True)
        time.sleep(60)
"""


def test_workers_end_with_an_owner_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "owner.py"
    script.write_text(OWNER)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment
    ) as owner:
        assert owner.stdout is not None
        workers = [int(pid) for pid in owner.stdout.readline().split()]
        owner.kill()
    assert workers
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
