"""The operations on ULD assistants that the admin plane offers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from guard.encryption.sealing import Secret
from guard.registry.database import Location
from guard.uld.assistant import Assistant, Assistants, Status
from serving.assistants.queue import Job, Jobs
from serving.assistants.sweeps import SweepPoint, sweep_of
from serving.assistants.trainer import Trainer
from serving.assistants.worker import QUEUE


class AssistantStatus(NamedTuple):
    """An assistant and its status."""

    standing: Status
    assistant: Assistant


class AssistantService:
    """Assistants, their training queue and its trainer. `changed` is called when the served assistants change.

    Its methods block. `key` opens the registry, if it is encrypted. `keep` is called after every change of files.
    """

    def __init__(
        self,
        root: Path,
        model: str,
        database: Location,
        changed: Callable[[], None],
        key: Secret | None = None,
        keep: Callable[[], None] = lambda: None,
    ) -> None:
        self._assistants = Assistants(root)
        self._model = model
        self._jobs = Jobs(root / QUEUE)
        self._changed = changed
        self._keep = keep
        self.trainer = Trainer(database, model, root, self._jobs, key, keep)

    def queue(self, targets: Sequence[str]) -> Job:
        """Queue a training for these forget targets."""
        job = self._jobs.add(targets)
        self._keep()
        return job

    def jobs(self) -> list[Job]:
        """Return all trainings, oldest first."""
        return self._jobs.list()

    def assistants(self) -> list[AssistantStatus]:
        """Return all readable assistants."""
        return [AssistantStatus(standing, one) for standing in Status for one in self._assistants.list(standing)]

    def sweep(self, digest: str) -> tuple[SweepPoint, ...]:
        """Return what a sweep has measured of an assistant, nothing if none has."""
        return sweep_of(self._assistants.root, digest)

    def has(self, digest: str) -> bool:
        """Return whether there is an assistant with this digest, damaged or not."""
        return any((self._assistants.folder(standing) / digest).exists() for standing in Status)

    def promote(self, digest: str) -> AssistantStatus:
        """Start serving an assistant; raise ModelUnavailable if it is damaged or of another model."""
        promoted = self._assistants.promote(digest, self._model)
        self._keep()
        self._changed()
        return AssistantStatus(Status.PROMOTED, promoted)

    def retire(self, digest: str) -> None:
        """Stop serving an assistant; raise ModelUnavailable if there is none."""
        self._assistants.retire(digest)
        self._keep()
        self._changed()
