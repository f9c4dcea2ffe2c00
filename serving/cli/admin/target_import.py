"""`lethe targets import`: stores a file of targets in batches and waits until all are enforced."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, cast

from serving.admin.target_file import Row, batches
from serving.cli.console import progress_bar
from serving.client import AdminClient, Refused
from serving.client.requests import TargetDraft

POLL_S = 0.5


class Importer:
    """One import: what it has stored so far, and whether that is enforced."""

    def __init__(self, admin: AdminClient, skip_existing: bool) -> None:
        self._admin = admin
        self._skip_existing = skip_existing
        self.ids: list[str] = []
        """What was stored, in the order of the file."""
        self._existing = 0
        self.proposed: list[str] = []
        """Those of `ids` that wait for approval."""
        self._enforced = False

    def store(self, rows: Sequence[Row]) -> None:
        """Store the rows batch by batch. Raises Refused, with the place in the file of what is at fault."""
        for batch in batches(rows):
            try:
                # The server says what is wrong with a row.
                drafts = cast(list[TargetDraft], [row.draft for row in batch])
                stored = self._admin.add_many(drafts, skip_existing=self._skip_existing, wait_s=None)
            except Refused as error:
                raise _placed(error, batch) from None
            self.ids += stored.ids
            self._existing += len(stored.existing)
            self.proposed += stored.proposed

    def wait(self, seconds: float) -> bool:
        """Return whether all is enforced in full within so many seconds; show how far it is meanwhile."""
        version = self._admin.policy().version
        end = time.monotonic() + seconds
        with progress_bar() as show:
            while True:
                policy = self._admin.policy()
                self._enforced = policy.enforced_version >= version
                if self._enforced or time.monotonic() >= end:
                    return self._enforced
                count = max(len(self.ids), 1)
                show("enforced", max(0.0, 1 - policy.pending / count))
                time.sleep(POLL_S)

    def outcome(self) -> Mapping[str, Any]:
        """Return what became of the file, for scripts."""
        proposed = {"proposed": self.proposed} if self.proposed else {}
        return {"ids": self.ids, "existing": self._existing, "enforced": self._enforced, **proposed}

    def report(self) -> str:
        """Return what became of the file: a line of counts, then an id a line."""
        state = "enforced" if self._enforced else "stored, not yet enforced"
        stored = len(self.ids) - len(self.proposed)
        counts = [f"{state}: {stored}"] if stored or (self._enforced and not self.proposed) else []
        counts += [f"proposed, to be approved: {len(self.proposed)}"] if self.proposed else []
        counts += [f"skipped as existing: {self._existing}"] if self._existing else []
        return "".join(f"{line}\n" for line in (*counts, *self.ids))


def _placed(error: Refused, rows: Sequence[Row]) -> Refused:
    """Return a refusal of a batch with the places in the file of the members at fault."""
    faults = {}
    for path, why in error.faults.items():
        found = re.match(r"targets\[(\d+)\]\.?(.*)", path)
        row = rows[int(found[1])] if found and int(found[1]) < len(rows) else None
        faults[f"{row.place}, {found[2] or 'target'}" if row and found else path] = why
    return type(error)(error.status, error.code, error.detail, faults, error.instance)
