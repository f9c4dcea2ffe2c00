"""The training queue, one file per training, so that it survives a restart of the server."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from guard.errors import StoreUnavailable
from guard.files import write_atomically

MAX_ATTEMPTS = 3


class JobState(StrEnum):
    """The state of a training; one that is `training` while no process trains it was interrupted."""

    QUEUED = "queued"
    TRAINING = "training"
    TRAINED = "trained"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One training of an assistant for these targets, without any of their texts.

    share         progress from 0 to 1
    tries         attempts so far; it fails after MAX_ATTEMPTS whose process died
    assistant     digest of the trained assistant, or ""
    code, detail  the error of a failed training, or ""
    """

    id: str
    targets: tuple[str, ...]
    created_at: str
    state: JobState = JobState.QUEUED
    share: float = 0.0
    tries: int = 0
    assistant: str = ""
    code: str = ""
    detail: str = ""

    @property
    def open(self) -> bool:
        """Whether the training has not ended yet."""
        return self.state in (JobState.QUEUED, JobState.TRAINING)


class Jobs:
    """The trainings in a folder, one file each, written atomically. Methods raise StoreUnavailable."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, targets: Sequence[str]) -> Job:
        """Queue a training."""
        now = datetime.now(UTC)
        # Ids sort by creation time.
        name = f"as_{int(now.timestamp() * 1e6):014x}{secrets.token_hex(4)}"
        job = Job(id=name, targets=tuple(targets), created_at=now.isoformat(timespec="seconds"))
        # Durable: the client is told that the training is queued.
        self.save(job, durable=True)
        return job

    def save(self, job: Job, *, durable: bool = False) -> None:
        """Save a training. Unless `durable`, a power cut may lose it, which only loses progress."""
        file = self._file(job.id)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(file, json.dumps(asdict(job)), durable=durable, private=False)
        except OSError as error:
            raise StoreUnavailable(f"the training queue cannot be written: {error.strerror}") from error

    def get(self, job_id: str) -> Job:
        """Return the training of this id."""
        try:
            values = json.loads(self._file(job_id).read_text(encoding="utf-8"))
            return Job(**values | {"state": JobState(values["state"]), "targets": tuple(values["targets"])})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreUnavailable(f"training {job_id} cannot be read: {type(error).__name__}") from error

    def list(self) -> list[Job]:
        """Return all trainings, oldest first."""
        return [self.get(file.stem) for file in sorted(self._folder.glob("as_*.json"))]

    def _file(self, job_id: str) -> Path:
        return self._folder / f"{job_id}.json"
