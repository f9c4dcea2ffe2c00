"""The audit trail is verified while the server runs, and checkpoints show what the chain alone does not."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guard.registry.approval.rule import Approval
from guard.registry.keys.key import Audience, KeyDraft
from guard.registry.registry import Registry
from guard.signing import SigningKey
from guard.targets.target import Draft
from serving.audit import checkpoints
from serving.audit.checkpoints import AuditBroken, AuditKeeper, read_checkpoint
from serving.telemetry.metrics import Metrics

KEY = SigningKey(Ed25519PrivateKey.generate())
NAMES = ("Ada Quill", "Bo Thistle", "Cy Marrow", "Di Fennel", "Ed Sorrel")


class Kept:
    """A registry with a keeper, and what a person with access to the files does to them."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "lethe.db"
        self.path = folder / "checkpoints.jsonl"
        self.registry = Registry(self.database)
        self.metrics = Metrics()

    def keeper(self, key: SigningKey = KEY, period_s: float = 3600) -> AuditKeeper:
        return AuditKeeper(self.registry, key, self.path, self.metrics, period_s)

    def add(self, *names: str) -> None:
        for name in names:
            self.registry.add(Draft(name=name))

    def alter(self, *statements: str) -> None:
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            for table in ("events", "key_events"):
                connection.execute(f"DROP TRIGGER IF EXISTS {table}_stay_on_update")
                connection.execute(f"DROP TRIGGER IF EXISTS {table}_stay_on_delete")
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    @property
    def intact(self) -> float | None:
        return self.metrics.registry.get_sample_value("lethe_audit_intact")


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(tmp_path)
    yield kept
    kept.registry.close()


def test_a_checkpoint_names_the_last_event_and_is_signed(kept: Kept) -> None:
    kept.add(*NAMES[:3])
    made = kept.keeper().keep()
    events = kept.registry.events()
    assert made is not None
    assert (made.seq, made.digest, made.trail) == (3, events[-1].digest, events[0].digest)
    assert made.policy_version == 3
    assert [read_checkpoint(line, KEY.public) for line in kept.keeper().lines()] == [made]
    assert kept.path.stat().st_mode & 0o077 == 0


def test_without_news_there_is_no_other_checkpoint(kept: Kept) -> None:
    assert kept.keeper().keep() is None
    kept.add(NAMES[0])
    keeper = kept.keeper()
    assert keeper.keep() is not None
    assert keeper.keep() is None
    # Nor after a new start.
    assert kept.keeper().keep() is None
    kept.add(NAMES[1])
    assert keeper.keep() is not None
    assert [one.seq for one in kept.keeper().signed()] == [1, 2]


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_an_event_that_was_altered_is_found_at_start(
    kept: Kept, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "BATCH", batch)
    kept.add(*NAMES)
    kept.alter("UPDATE events SET actor = 'clock' WHERE seq = 4")
    with pytest.raises(AuditBroken, match="broken at event 4"):
        kept.keeper().keep()
    assert kept.intact == 0
    assert not kept.path.exists()


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_an_event_of_a_key_that_was_altered_is_found_too_whenever_it_was(
    kept: Kept, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "BATCH", batch)
    kept.add(*NAMES[:1])
    for name in ("chat", "night", "ops"):
        kept.registry.keys.create(KeyDraft(name=name, audience=Audience.CLIENT))
    keeper = kept.keeper()
    assert keeper.keep() is not None
    assert kept.intact == 1
    kept.add(*NAMES[1:2])
    kept.alter("UPDATE key_events SET actor = 'clock' WHERE seq = 3")
    with pytest.raises(AuditBroken, match="keys is broken at event 3"):
        keeper.keep()
    assert kept.intact == 0
    assert len(kept.path.read_bytes().splitlines()) == 1


def test_a_checkpoint_names_the_last_event_of_keys_too_if_there_is_one(kept: Kept) -> None:
    kept.add(NAMES[0])
    keeper = kept.keeper()
    without = keeper.keep()
    assert without is not None
    assert (without.key_seq, without.key_digest) == (0, "")
    assert not any(b"key_seq" in line for line in keeper.lines())
    kept.registry.approvals.rule.write(Approval.FOUR_EYES)
    kept.registry.keys.create(KeyDraft(name="chat", audience=Audience.CLIENT))
    made = keeper.keep()
    last = kept.registry.keys.events().events[-1]
    assert made is not None
    assert (made.key_seq, made.key_digest) == (2, last.digest)
    # No target has changed since.
    assert (made.seq, made.digest, made.policy_version) == (without.seq, without.digest, without.policy_version)
    assert [read_checkpoint(line, KEY.public) for line in keeper.lines()] == [without, made]
    assert keeper.keep() is None
    assert kept.keeper().keep() is None


def test_events_of_keys_that_were_cut_off_or_written_again_are_found_by_the_checkpoint(kept: Kept) -> None:
    kept.add(NAMES[0])
    kept.registry.approvals.rule.write(Approval.FOUR_EYES)
    kept.registry.approvals.rule.write(Approval.NONE)
    keeper = kept.keeper()
    assert keeper.keep() is not None
    kept.alter("DELETE FROM key_events WHERE seq = 2")
    with pytest.raises(AuditBroken, match="keys ends at event 1"):
        keeper.keep()
    assert kept.intact == 0
    kept.registry.keys.create(KeyDraft(name="chat", audience=Audience.CLIENT))
    with pytest.raises(AuditBroken, match="event 2 of keys is another"):
        kept.keeper().keep()


def test_events_that_were_cut_off_are_found_by_the_checkpoint(kept: Kept) -> None:
    kept.add(*NAMES)
    assert kept.intact == 1
    kept.keeper().keep()
    kept.alter("DELETE FROM events WHERE seq > 3")
    with pytest.raises(AuditBroken, match="ends at event 3"):
        kept.keeper().keep()
    assert kept.intact == 0


def test_a_trail_that_was_written_again_is_found_by_the_checkpoint(kept: Kept, tmp_path: Path) -> None:
    kept.add(*NAMES[:2])
    kept.keeper().keep()
    (tmp_path / "other").mkdir()
    other = Kept(tmp_path / "other")
    other.add(*NAMES[2:5])
    other.path.write_bytes(kept.path.read_bytes())
    with pytest.raises(AuditBroken, match="event 2 is another"):
        other.keeper().keep()
    other.registry.close()


def test_a_checkpoint_that_was_altered_is_found(kept: Kept) -> None:
    kept.add(*NAMES[:2])
    kept.keeper().keep()
    content = kept.path.read_bytes()
    kept.path.write_bytes(content.replace(b'"seq":2', b'"seq":1'))
    with pytest.raises(AuditBroken, match="altered, or signed by another key"):
        kept.keeper().keep()
    kept.path.write_bytes(content)
    with pytest.raises(AuditBroken, match="altered, or signed by another key"):
        kept.keeper(SigningKey(Ed25519PrivateKey.generate())).keep()


def test_a_line_that_was_being_written_at_a_crash_is_written_again(kept: Kept) -> None:
    kept.add(NAMES[0])
    kept.keeper().keep()
    whole = kept.path.read_bytes()
    kept.path.write_bytes(whole + whole[:40])
    kept.add(NAMES[1])
    assert kept.keeper().keep() is not None
    assert [one.seq for one in kept.keeper().signed()] == [1, 2]
    assert kept.path.read_bytes().startswith(whole)


def test_the_keeper_signs_while_it_runs_and_goes_on_after_a_fault(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    kept.add(*NAMES[:2])

    async def run() -> None:
        running = asyncio.create_task(kept.keeper(period_s=0.001).run())
        while not kept.path.exists():
            await asyncio.sleep(0.001)
        kept.alter("UPDATE events SET revision = 9 WHERE seq = 1", "DELETE FROM events WHERE seq = 2")
        kept.path.write_bytes(b"{}\n")
        while kept.intact:
            await asyncio.sleep(0.001)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    asyncio.run(run())
    assert "audit_broken" in caplog.text
    assert not any(name in caplog.text for name in NAMES)
