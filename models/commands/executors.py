"""Executors: where work that can be divided runs. Here, in a pool of processes, or on a cluster."""

import argparse
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager

from firmware_py.errors import MissingToolError, SettingsError


def add_arguments(parser: argparse.ArgumentParser, work: str, default: int = 1) -> None:
    """Add --workers and --dask to a command; `work` says what they do, such as "make clips"."""
    parser.add_argument(
        "--workers",
        type=int,
        default=default,
        metavar="N",
        help=f"processes that {work} (default: {default})",
    )
    parser.add_argument(
        "--dask",
        metavar="ADDRESS",
        help=f"let this Dask scheduler's workers {work}; they must see the same"
        " folders under the same paths",
    )


@contextmanager
def open_executor(workers: int, dask_address: str | None = None) -> Iterator[Executor | None]:
    """Yield an executor; None for one worker, which is this process."""
    if dask_address is None and workers == 1:
        yield None
        return
    with open_pool(workers, dask_address) as executor:
        yield executor


@contextmanager
def open_pool(workers: int, dask_address: str | None = None) -> Iterator[Executor]:
    """Yield an executor that works beside this process: a Dask cluster's, or `workers` processes.

    What has not begun when the block is left is dropped. Raises SettingsError for no workers and
    for a scheduler that does not answer, MissingToolError without the package for it.
    """
    if workers < 1:
        raise SettingsError(f"--workers is {workers}; the least is 1")
    if dask_address is not None:
        with _dask_executor(dask_address) as executor:
            yield executor
        return
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read by their NumPy: one core each
    pool = ProcessPoolExecutor(
        workers,
        # Not forked: a forked process may inherit locks that another thread holds.
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin_worker,
    )
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _begin_worker() -> None:
    """Leave Ctrl-C to the parent, which drops the rest, and end with it even when it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "only workers begin here"
    parent.join()
    os._exit(1)


@contextmanager
def _dask_executor(address: str) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingToolError(
            "--dask needs distributed; install it with: pip install distributed"
        ) from error
    try:
        client = Client(address)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"--dask {address}: no scheduler answers there ({error}); start one with:"
            " dask scheduler"
        ) from error
    with client, client.get_executor() as executor:
        yield executor
