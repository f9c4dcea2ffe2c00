"""The server's assistants as the admin plane sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from guard.uld.assistant import Assistant, Assistants, Standing
from serving.assistants.queue import Job, Jobs
from serving.assistants.trainer import Trainer
from serving.assistants.worker import QUEUE


class Placed(NamedTuple):
    """An assistant and where it stands."""

    standing: Standing
    assistant: Assistant


class AssistantService:
    """Joins assistants, training queue and policy; its methods block but for `queue`'s notice to the trainer."""

    def __init__(self, root: Path, model: str, database: Path, changed: Callable[[], None]) -> None:
        self._assistants = Assistants(root)
        self._model = model
        self._jobs = Jobs(root / QUEUE)
        self._changed = changed
        self.trainer = Trainer(database, model, root, self._jobs)

    def queue(self, targets: Sequence[str]) -> Job:
        """Queue a training for these forget targets."""
        return self._jobs.add(targets)

    def jobs(self) -> list[Job]:
        """Return all trainings, oldest first."""
        return self._jobs.list()

    def assistants(self) -> list[Placed]:
        """Return all assistants that can be read."""
        return [Placed(standing, one) for standing in Standing for one in self._assistants.list(standing)]

    def has(self, digest: str) -> bool:
        """Return whether there is an assistant of this digest, damaged or not."""
        return any((self._assistants.folder(standing) / digest).exists() for standing in Standing)

    def promote(self, digest: str) -> Placed:
        """Serve an assistant from now on; raises ModelUnavailable when it is damaged or not of this model."""
        promoted = self._assistants.promote(digest, self._model)
        self._changed()
        return Placed(Standing.PROMOTED, promoted)

    def retire(self, digest: str) -> None:
        """Serve an assistant no more; raises ModelUnavailable when there is none."""
        self._assistants.retire(digest)
        self._changed()
