"""Trains queued assistants one after the other, each in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from guard.encryption.sealing import Secret
from guard.errors import LetheError
from guard.registry.database import Location, url_of
from serving.assistants.queue import MAX_ATTEMPTS, Job, Jobs, JobState
from serving.assistants.worker import DATABASE_ENV, KEY_ENV

log = logging.getLogger("lethe.training")
POLL_S = 1.0
ERROR_PAUSE_S = 30.0


class Trainer:
    """Runs the trainings of one folder of assistants, the oldest first.

    A training whose process died is resumed from its last epoch, in up to MAX_ATTEMPTS attempts. A training stops
    with the server, and the next server resumes it. `key` opens the registry, if it is encrypted; `keep` is called
    when a training has ended.
    """

    def __init__(
        self,
        database: Location,
        model: str,
        root: Path,
        jobs: Jobs,
        key: Secret | None = None,
        keep: Callable[[], None] = lambda: None,
    ) -> None:
        self._command = [sys.executable, "-m", "serving.assistants.worker", model, str(root)]
        self._environment = {**os.environ, DATABASE_ENV: url_of(database), KEY_ENV: key.value.hex() if key else ""}
        self._keep = keep
        self._jobs = jobs
        self._queued = asyncio.Event()

    def notify(self) -> None:
        """Wake `run`, as a training was queued; must be called in its event loop."""
        self._queued.set()

    async def run(self) -> None:
        """Train until cancelled."""
        while True:
            self._queued.clear()
            try:
                while job := await asyncio.to_thread(self._next):
                    await self._train(job)
                pause = POLL_S
            except (LetheError, OSError) as error:
                log.warning("the training queue waits: %s", type(error).__name__)
                pause = ERROR_PAUSE_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._queued.wait()

    def _next(self) -> Job | None:
        return next((job for job in self._jobs.list() if job.open), None)

    async def _train(self, job: Job) -> None:
        if job.tries >= MAX_ATTEMPTS:
            detail = "its process was ended three times before it was done"
            self._jobs.save(replace(job, state=JobState.FAILED, code="training_interrupted", detail=detail))
            return
        self._jobs.save(replace(job, state=JobState.TRAINING, tries=job.tries + 1))
        process = await asyncio.create_subprocess_exec(
            *self._command,
            job.id,
            env=self._environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await process.wait()
        except asyncio.CancelledError:
            # Stopping the server does not count as an attempt.
            process.terminate()
            await process.wait()
            stopped = self._jobs.get(job.id)
            if stopped.open:
                self._jobs.save(replace(stopped, tries=job.tries))
            raise
        await asyncio.to_thread(self._keep)
        log.info("training %s: %s", job.id, self._jobs.get(job.id).state)
