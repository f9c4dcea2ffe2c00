"""Tasks that run in the background, each for one target."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


class TargetTasks:
    """Runs tasks for targets until they end or are cancelled. Belongs to the event loop.

    A task that was cancelled can take time to end, and the next one of its target may have begun meanwhile: both
    are kept until they end.
    """

    def __init__(self) -> None:
        self._targets: dict[asyncio.Task[None], str] = {}

    def start(self, target_id: str, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` for a target."""
        task = asyncio.create_task(work)
        self._targets[task] = target_id
        task.add_done_callback(self._targets.pop)

    def cancel(self, target_id: str) -> None:
        """Cancel what runs for a target."""
        _cancel(task for task, id in self._targets.items() if id == target_id)

    async def close(self) -> None:
        """Cancel all tasks, and wait until they have ended."""
        tasks = list(self._targets)
        _cancel(tasks)
        await asyncio.gather(*tasks, return_exceptions=True)


def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        # Once each: a second time would break off what a task does as it ends.
        if not task.cancelling():
            task.cancel()
