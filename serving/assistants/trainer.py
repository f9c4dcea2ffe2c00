"""Trains what is queued, one assistant after the other, each in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from dataclasses import replace
from pathlib import Path

from guard.errors import LetheError
from serving.assistants.queue import TRIES, Job, Jobs, JobState

log = logging.getLogger("lethe.training")
POLL = 1.0
PAUSE = 30.0


class Trainer:
    """Runs the trainings of one folder of assistants, the oldest first.

    A training whose process ends without a word goes on from its last epoch, at most three times. When the server
    stops, so does the training; the next server goes on with it.
    """

    def __init__(self, database: Path, model: str, root: Path, jobs: Jobs) -> None:
        self._command = [sys.executable, "-m", "serving.assistants.worker", str(database), model, str(root)]
        self._jobs = jobs
        self._queued = asyncio.Event()

    def notify(self) -> None:
        """Say, in the loop of `run`, that a training was queued."""
        self._queued.set()

    async def run(self) -> None:
        """Train until cancelled."""
        while True:
            self._queued.clear()
            try:
                while job := await asyncio.to_thread(self._next):
                    await self._train(job)
                pause = POLL
            except (LetheError, OSError) as error:
                log.warning("the training queue waits: %s", type(error).__name__)
                pause = PAUSE
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._queued.wait()

    def _next(self) -> Job | None:
        return next((job for job in self._jobs.list() if job.open), None)

    async def _train(self, job: Job) -> None:
        if job.tries >= TRIES:
            ended = "its process was ended three times before it was done"
            self._jobs.keep(replace(job, state=JobState.FAILED, code="training_interrupted", detail=ended))
            return
        self._jobs.keep(replace(job, state=JobState.TRAINING, tries=job.tries + 1))
        process = await asyncio.create_subprocess_exec(
            *self._command, job.id, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            await process.wait()
        except asyncio.CancelledError:
            # A stop that was asked for is no failed try.
            process.terminate()
            await process.wait()
            stopped = self._jobs.get(job.id)
            if stopped.open:
                self._jobs.keep(replace(stopped, tries=job.tries))
            raise
        log.info("training %s: %s", job.id, self._jobs.get(job.id).state)
