"""Checkpoints: signed statements of how far the audit trail goes, and that it held when they were made.

The chain of digests shows that an event was altered, but not that its last ones were cut off, nor that the whole
was written again from some event on. A checkpoint that was copied elsewhere shows both: it names an event and its
digest under the server's signature.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from guard.errors import LetheError
from guard.registry.registry import Registry
from guard.signatures import BadCertificate, SignatureStatus, check
from guard.signing import KEY_NAME, SigningKey
from guard.targets.audit_log import GENESIS, first_broken
from serving.telemetry.metrics import Metrics

log = logging.getLogger("lethe.audit")

SCHEMA = "lethe-checkpoint/1"
MEMBER = "checkpoint"
FILE_NAME = "checkpoints.jsonl"
BATCH = 1000
"""Events that are read at once."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """That the trail which begins with the digest `trail` held up to event `seq`, whose digest is `digest`."""

    seq: int
    digest: str
    trail: str
    policy_version: int
    at: str

    def payload(self) -> dict[str, Any]:
        """Return what is signed."""
        members = {"seq": self.seq, "digest": self.digest, "trail": self.trail, "at": self.at}
        return {"schema": SCHEMA, "policy_version": self.policy_version, **members}


class AuditBroken(LetheError):
    """The audit trail was altered, or is not the one that a checkpoint speaks of."""

    code = "audit_broken"
    status = 409


def read_checkpoint(line: bytes, expected: str | None = None) -> Checkpoint:
    """Return the checkpoint in a line, signed by the key `expected` (any, if None). Raises AuditBroken."""
    try:
        checked = check(line.rstrip(b"\n") + b"\n", expected, MEMBER)
        payload = checked.payload
        read = Checkpoint(*(payload[name] for name in ("seq", "digest", "trail", "policy_version", "at")))
    except (BadCertificate, KeyError):
        raise AuditBroken("a line is no checkpoint") from None
    if checked.status is not SignatureStatus.VALID or payload.get("schema") != SCHEMA:
        raise AuditBroken(f"the checkpoint of event {read.seq} was altered, or signed by another key")
    return read


class AuditKeeper:
    """Verifies the audit trail while the server runs, and appends checkpoints to a file.

    The whole trail is verified at start, what came since each `period_s` seconds; that of keys with it.
    A trail that does not hold gets no checkpoint any more; it is logged, and the metric `lethe_audit_intact` is 0.
    Answers go on: what is enforced does not depend on it.
    """

    def __init__(self, registry: Registry, key: SigningKey, path: Path, metrics: Metrics, period_s: float) -> None:
        self._registry = registry
        self._key = key
        self._path = path
        self._metrics = metrics
        self._period_s = period_s
        self._seq = 0
        self._digest = GENESIS
        self._trail = ""

    async def run(self) -> None:
        """Verify and sign until cancelled, and once more then."""
        try:
            while True:
                await asyncio.to_thread(self._keep)
                await asyncio.sleep(self._period_s)
        finally:
            await asyncio.to_thread(self._keep)

    def _keep(self) -> None:
        try:
            self.keep()
        except LetheError as error:
            log.error("%s: %s", error.code, error.message)
        except OSError as error:
            log.error("a checkpoint cannot be written: %s", error.strerror)

    def keep(self) -> Checkpoint | None:
        """Verify the events that were not verified yet, and sign a checkpoint if there are any.

        Raises AuditBroken, StoreUnavailable, and OSError if the file cannot be written.
        """
        try:
            version = self._verify()
            self._verify_keys()
        except AuditBroken:
            self._metrics.set_audit_intact(False)
            raise
        self._metrics.set_audit_intact(True)
        last = next(reversed(self.signed()), None)
        if not self._seq or (last is not None and last.seq >= self._seq):
            return None
        now = datetime.now(UTC).isoformat(timespec="seconds")
        made = Checkpoint(self._seq, self._digest, self._trail, version, now)
        _append(self._path, self._key.sign(made.payload(), MEMBER))
        return made

    def lines(self) -> list[bytes]:
        """Return the signed lines, oldest first."""
        return _whole(self._path).splitlines()

    def signed(self) -> list[Checkpoint]:
        """Return the checkpoints in the file. Raises AuditBroken for a line that this server did not sign."""
        return [read_checkpoint(line, self._key.public) for line in self.lines()]

    def _verify(self) -> int:
        """Verify on from where the last look ended; return the policy version of the last event, 0 without one."""
        expected = {checkpoint.seq: checkpoint.digest for checkpoint in self.signed()}
        version = 0
        while batch := self._registry.events(self._seq, BATCH):
            broken = first_broken(batch, self._seq, self._digest)
            if broken is not None:
                raise AuditBroken(f"the audit trail is broken at event {broken}")
            for event in batch:
                if expected.get(event.seq, event.digest) != event.digest:
                    raise AuditBroken(f"event {event.seq} is another than at its checkpoint")
            self._trail = self._trail or batch[0].digest
            self._seq, self._digest, version = batch[-1].seq, batch[-1].digest, batch[-1].policy_version
        if expected and max(expected) > self._seq:
            raise AuditBroken(f"the audit trail ends at event {self._seq}, before its last checkpoint")
        return version

    def _verify_keys(self) -> None:
        """Verify the audit trail of keys, which is short, from its beginning."""
        after: int | None = 0
        while after is not None:
            page = self._registry.keys.events(after, BATCH)
            if page.first_broken is not None:
                raise AuditBroken(f"the audit trail of keys is broken at event {page.first_broken}")
            after = page.next


def open_keeper(registry: Registry, data_dir: Path, metrics: Metrics, period_s: float) -> AuditKeeper:
    """Return the keeper of a server with this data folder; its key is made where there is none.

    Raises BadSigningKey.
    """
    key = SigningKey.load_or_make(data_dir / KEY_NAME)
    return AuditKeeper(registry, key, data_dir / FILE_NAME, metrics, period_s)


def unmatched(checkpoints: Iterable[Checkpoint], digests: dict[int, str]) -> Iterator[Checkpoint]:
    """Yield the checkpoints of which the trail, given as digests by `seq`, is not the one that they speak of."""
    for checkpoint in checkpoints:
        if digests.get(checkpoint.seq) != checkpoint.digest or digests.get(1) != checkpoint.trail:
            yield checkpoint


def _whole(path: Path) -> bytes:
    """Return the whole lines of a file: one that was being written when the server died ends without its end."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return b""
    return content[: content.rfind(b"\n") + 1]


def _append(path: Path, line: bytes) -> None:
    end = len(_whole(path))
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.truncate(handle, end)
        os.pwrite(handle, line, end)
        os.fsync(handle)
    finally:
        os.close(handle)
