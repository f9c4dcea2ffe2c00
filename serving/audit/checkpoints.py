"""Checkpoints: signed statements of how far the audit trail goes, and that it held when they were made.

The chain of digests shows that an event was altered, but not that its last ones were cut off, nor that the whole
was written again from some event on. A checkpoint that was copied elsewhere shows both: it names an event and its
digest under the server's signature.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

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
_OF_KEYS = ("key_seq", "key_digest")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """That the trail which begins with the digest `trail` held up to event `seq`, whose digest is `digest`.

    So did the trail of keys up to its event `key_seq`, of the digest `key_digest`; 0 and "" before its first one.
    """

    seq: int
    digest: str
    trail: str
    policy_version: int
    at: str
    key_seq: int = 0
    key_digest: str = ""

    def payload(self) -> dict[str, Any]:
        """Return what is signed."""
        members = {"seq": self.seq, "digest": self.digest, "trail": self.trail, "at": self.at}
        keys = {name: getattr(self, name) for name in _OF_KEYS} if self.key_seq else {}
        return {"schema": SCHEMA, "policy_version": self.policy_version, **members, **keys}


class _Last(NamedTuple):
    """The last event of a trail, 0 and "" before the first."""

    seq: int = 0
    digest: str = ""


class AuditBroken(LetheError):
    """The audit trail was altered, or is not the one that a checkpoint speaks of."""

    code = "audit_broken"
    status = 409


def read_checkpoint(line: bytes, expected: str | None = None) -> Checkpoint:
    """Return the checkpoint in a line, signed by the key `expected` (any, if None). Raises AuditBroken."""
    try:
        checked = check(line.rstrip(b"\n") + b"\n", expected, MEMBER)
        payload = checked.payload
        members = {name: payload[name] for name in ("seq", "digest", "trail", "policy_version", "at")}
        read = Checkpoint(**members, **{name: payload[name] for name in _OF_KEYS if name in payload})
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
        self._version = 0

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
        """Verify the events that were not verified yet; sign a checkpoint if there are any, of targets or keys.

        None is signed before the first event of a target. Raises AuditBroken, StoreUnavailable, and OSError if
        the file cannot be written.
        """
        try:
            signed = self.signed()
            self._verify(signed)
            keys = self._verify_keys(signed)
        except AuditBroken:
            self._metrics.set_audit_intact(False)
            raise
        self._metrics.set_audit_intact(True)
        if not self._seq or (signed and signed[-1].seq >= self._seq and signed[-1].key_seq >= keys.seq):
            return None
        now = datetime.now(UTC).isoformat(timespec="seconds")
        made = Checkpoint(self._seq, self._digest, self._trail, self._version, now, *keys)
        _append(self._path, self._key.sign(made.payload(), MEMBER))
        return made

    def lines(self) -> list[bytes]:
        """Return the signed lines, oldest first."""
        return _whole(self._path).splitlines()

    def signed(self) -> list[Checkpoint]:
        """Return the checkpoints in the file. Raises AuditBroken for a line that this server did not sign."""
        return [read_checkpoint(line, self._key.public) for line in self.lines()]

    def _verify(self, signed: Sequence[Checkpoint]) -> None:
        """Verify on from where the last look ended."""
        expected = {checkpoint.seq: checkpoint.digest for checkpoint in signed}
        while batch := self._registry.events(self._seq, BATCH):
            broken = first_broken(batch, self._seq, self._digest)
            if broken is not None:
                raise AuditBroken(f"the audit trail is broken at event {broken}")
            for event in batch:
                if expected.get(event.seq, event.digest) != event.digest:
                    raise AuditBroken(f"event {event.seq} is another than at its checkpoint")
            self._trail = self._trail or batch[0].digest
            self._seq, self._digest, self._version = batch[-1].seq, batch[-1].digest, batch[-1].policy_version
        if expected and max(expected) > self._seq:
            raise AuditBroken(f"the audit trail ends at event {self._seq}, before its last checkpoint")

    def _verify_keys(self, signed: Sequence[Checkpoint]) -> _Last:
        """Verify the audit trail of keys, which is short, from its beginning; return its last event."""
        expected = {checkpoint.key_seq: checkpoint.key_digest for checkpoint in signed if checkpoint.key_seq}
        last, after = _Last(), 0
        while True:
            page = self._registry.keys.events(after, BATCH)
            if page.first_broken is not None:
                raise AuditBroken(f"the audit trail of keys is broken at event {page.first_broken}")
            for event in page.events:
                if expected.get(event.seq, event.digest) != event.digest:
                    raise AuditBroken(f"event {event.seq} of keys is another than at its checkpoint")
                last = _Last(event.seq, event.digest)
            if page.next is None:
                break
            after = page.next
        if expected and max(expected) > last.seq:
            raise AuditBroken(f"the audit trail of keys ends at event {last.seq}, before its last checkpoint")
        return last


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


def unmatched_keys(checkpoints: Iterable[Checkpoint], digests: dict[int, str]) -> Iterator[Checkpoint]:
    """Yield the checkpoints that speak of another trail of keys than this one, given as digests by `seq`."""
    for checkpoint in checkpoints:
        if checkpoint.key_seq and digests.get(checkpoint.key_seq) != checkpoint.key_digest:
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
