"""`lethe targets import`: stores a file of targets in batches and waits until all are enforced."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence

from serving.admin.client import AdminClient, AdminRefused
from serving.admin.target_file import Row, batches
from serving.cli.console import progress_bar

POLL_S = 0.5


class Importer:
    """One import: what it has stored so far, and whether that is enforced."""

    def __init__(self, admin: AdminClient, skip_existing: bool) -> None:
        self._admin = admin
        self._skip_existing = skip_existing
        self._ids: list[str] = []
        self._existing = 0
        self._enforced = False

    def store(self, rows: Sequence[Row]) -> None:
        """Store the rows batch by batch. Raises AdminRefused, with the place in the file of what is at fault."""
        for batch in batches(rows):
            try:
                stored = self._admin.store([row.draft for row in batch], skip_existing=self._skip_existing)
            except AdminRefused as error:
                raise _placed(error, batch) from None
            self._ids += stored["ids"]
            self._existing += len(stored["existing"])

    def wait(self, seconds: float) -> bool:
        """Return whether all is enforced in full within so many seconds; show how far it is meanwhile."""
        version = self._admin.policy()["version"]
        end = time.monotonic() + seconds
        with progress_bar() as show:
            while True:
                policy = self._admin.policy()
                self._enforced = policy["enforced_version"] >= version
                if self._enforced or time.monotonic() >= end:
                    return self._enforced
                count = max(len(self._ids), 1)
                show("enforced", max(0.0, 1 - policy["pending"] / count))
                time.sleep(POLL_S)

    def report(self) -> Iterator[str]:
        """Yield what became of the file: a line of counts, then an id a line."""
        state = "enforced" if self._enforced else "stored, not yet enforced"
        if self._ids or self._enforced:
            yield f"{state}: {len(self._ids)}"
        if self._existing:
            yield f"skipped as existing: {self._existing}"
        yield from self._ids


def _placed(error: AdminRefused, rows: Sequence[Row]) -> AdminRefused:
    """Return a refusal of a batch with the places in the file of the members at fault."""
    faults = {}
    for path, why in error.faults.items():
        found = re.match(r"targets\[(\d+)\]\.?(.*)", path)
        row = rows[int(found[1])] if found and int(found[1]) < len(rows) else None
        faults[f"{row.place}, {found[2] or 'target'}" if row and found else path] = why
    return AdminRefused(error.code, error.detail, faults)
