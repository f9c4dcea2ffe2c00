"""The queue's worker, with processes that stand in for trainings."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from serving.assistants.queue import Job, Jobs, JobState
from serving.assistants.trainer import Trainer

pytestmark = pytest.mark.anyio

TRAINS = """
import sys; from dataclasses import replace; from pathlib import Path
from serving.assistants.queue import Jobs, JobState
jobs = Jobs(Path(sys.argv[1])); job = jobs.get(sys.argv[2])
jobs.save(replace(job, state=JobState.TRAINED, assistant="a" * 64))
"""
DIES = "import os; os.kill(os.getpid(), 9)"
LASTS = "import time; time.sleep(60)"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Queue:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.jobs = Jobs(folder)
        self.job = self.jobs.add(["ft_1"])

    @property
    def now(self) -> Job:
        return self.jobs.get(self.job.id)

    def trainer(self, code: str) -> Trainer:
        trainer = Trainer(Path("-"), "-", self.folder, self.jobs)
        trainer._command = [sys.executable, "-c", code, str(self.folder)]
        return trainer

    async def until(self, code: str, wanted: Callable[[], bool]) -> None:
        task = asyncio.create_task(self.trainer(code).run())
        async with asyncio.timeout(20):
            while not wanted():
                await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(tmp_path)


async def test_what_is_queued_is_trained(queue: Queue) -> None:
    await queue.until(TRAINS, lambda: not queue.now.open)
    assert queue.now.assistant == "a" * 64


async def test_a_training_whose_process_keeps_dying_has_failed_after_three_tries(queue: Queue) -> None:
    await queue.until(DIES, lambda: not queue.now.open)
    assert (queue.now.state, queue.now.code, queue.now.tries) == (JobState.FAILED, "training_interrupted", 3)


async def test_a_training_that_the_server_s_stop_ended_goes_on_with_the_next_server(queue: Queue) -> None:
    await queue.until(LASTS, lambda: queue.now.state is JobState.TRAINING)
    assert (queue.now.state, queue.now.tries) == (JobState.TRAINING, 0)
    await queue.until(TRAINS, lambda: not queue.now.open)
    assert queue.now.state is JobState.TRAINED
