from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from guard.signing import SigningKey
from serving.audit.checkpoints import MEMBER, Checkpoint
from serving.cli.app import app
from serving.client import AdminClient
from serving.client.keys import KeyEvent, KeyEventPage
from serving.client.observed import Event, EventPage
from serving.client.operated import Checkpoints

KEY = SigningKey(Ed25519PrivateKey.generate())


@pytest.fixture(autouse=True)
def numbered_from_one() -> None:
    global seqs, key_seqs
    seqs, key_seqs = itertools.count(1), itertools.count(1)


def pages(monkeypatch: pytest.MonkeyPatch, *pages: EventPage) -> None:
    """An admin plane whose audit trail has these pages, asked for one after the other."""
    cursors = [0, *(page.next_cursor for page in pages)]
    by_cursor = dict(zip(cursors, pages, strict=False))
    monkeypatch.setenv("LETHE_ADMIN_KEY", "key")
    monkeypatch.setattr(AdminClient, "event_page", lambda self, cursor, limit: by_cursor[cursor])
    monkeypatch.setattr(AdminClient, "checkpoints", lambda self: Checkpoints(checkpoints=()))
    of_keys(monkeypatch, key_page(0))


def of_keys(monkeypatch: pytest.MonkeyPatch, *pages: KeyEventPage) -> None:
    """The pages of the audit trail of keys, asked for one after the other."""
    by_cursor = dict(zip([0, *(page.next_cursor for page in pages)], pages, strict=False))
    monkeypatch.setattr(AdminClient, "key_events", lambda self, cursor, limit: by_cursor[cursor])


def key_page(count: int, next_cursor: int | None = None, first_broken: int | None = None) -> KeyEventPage:
    numbers = itertools.islice(key_seqs, count)
    events = tuple(KeyEvent.model_construct(seq=seq, digest=f"d{seq}") for seq in numbers)
    return KeyEventPage.model_construct(events=events, next_cursor=next_cursor, first_broken=first_broken)


seqs = itertools.count(1)
key_seqs = itertools.count(1)


def page(*digests: str, next_cursor: int | None = None, first_broken: int | None = None) -> EventPage:
    events = tuple(Event.model_construct(seq=next(seqs), digest=digest) for digest in digests)
    return EventPage.model_construct(events=events, next_cursor=next_cursor, first_broken=first_broken)


def test_a_whole_audit_trail_is_verified_to_its_last_page(monkeypatch: pytest.MonkeyPatch) -> None:
    pages(monkeypatch, page("aa", "bb", next_cursor=2), page("cc" * 32))
    result = CliRunner().invoke(app, ["audit", "verify"])
    assert result.exit_code == 0
    whole = "the audit trail is whole: 3 events, and 0 of keys"
    assert result.output.splitlines() == [whole, f"last digest {'cc' * 32}"]


def test_an_empty_audit_trail_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    pages(monkeypatch, page())
    result = CliRunner().invoke(app, ["audit", "verify"])
    assert (result.exit_code, result.output) == (0, "the audit trail is whole: 0 events, and 0 of keys\n")


@pytest.mark.parametrize("pages_of_keys", [(key_page(2, 2), key_page(1, first_broken=3)), (key_page(1, 1, 1),)])
def test_a_broken_trail_of_keys_is_status_1_and_says_where(
    pages_of_keys: tuple[KeyEventPage, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages(monkeypatch, page("aa"))
    of_keys(monkeypatch, *pages_of_keys)
    result = CliRunner().invoke(app, ["audit", "verify"])
    said = f"the audit trail of keys is broken at event {pages_of_keys[-1].first_broken}\n"
    assert (result.exit_code, result.output) == (1, said)


def test_a_whole_trail_of_keys_is_verified_to_its_last_page(monkeypatch: pytest.MonkeyPatch) -> None:
    pages(monkeypatch, page("aa"))
    of_keys(monkeypatch, key_page(2, 2), key_page(1))
    result = CliRunner().invoke(app, ["audit", "verify"])
    assert (result.exit_code, result.output.splitlines()[0]) == (
        0,
        "the audit trail is whole: 1 events, and 3 of keys",
    )


def test_a_broken_audit_trail_is_status_1_and_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    pages(monkeypatch, page("aa", next_cursor=2), page("cc", first_broken=3))
    result = CliRunner().invoke(app, ["audit", "verify"])
    assert (result.exit_code, result.output) == (1, "the audit trail is broken at event 3\n")


def test_an_audit_trail_that_cannot_be_read_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LETHE_ADMIN_KEY", raising=False)
    result = CliRunner().invoke(app, ["audit", "verify"])
    assert result.exit_code == 1
    assert "missing_key" in result.output


def signed(seq: int, digest: str, trail: str = "aa") -> bytes:
    return KEY.sign(Checkpoint(seq, digest, trail, 1, "2026-11-27T06:00:00+00:00").payload(), MEMBER)


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        (signed(2, "bb"), 0, "1 checkpoints hold, the last of event 2"),
        (signed(2, "cc"), 1, "not the one of the checkpoint at event 2"),
        # Cut off behind event 3.
        (signed(4, "dd"), 1, "not the one of the checkpoint at event 4"),
        # Written again from the first event on.
        (signed(2, "bb", trail="ff"), 1, "not the one of the checkpoint at event 2"),
        (signed(2, "bb").replace(b'"seq":2', b'"seq":1'), 1, "audit_broken"),
        (b"{}", 1, "audit_broken"),
    ],
)
def test_a_trail_is_held_to_checkpoints_that_were_kept_elsewhere(
    line: bytes, status: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages(monkeypatch, page("aa", "bb", next_cursor=2), page("cc"))
    (tmp_path / "kept").write_bytes(line)
    result = CliRunner().invoke(app, ["audit", "verify", "--checkpoints", str(tmp_path / "kept")])
    assert result.exit_code == status
    assert said in result.output


@pytest.mark.parametrize(
    ("seq", "digest", "status", "said"),
    [
        (2, "d2", 0, "1 checkpoints hold"),
        (2, "d9", 1, "the audit trail of keys is not the one of the checkpoint at event 1"),
        # Cut off behind event 3.
        (4, "d4", 1, "the audit trail of keys is not the one of the checkpoint at event 1"),
    ],
)
def test_a_trail_of_keys_is_held_to_checkpoints_too(
    seq: int, digest: str, status: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages(monkeypatch, page("aa"))
    of_keys(monkeypatch, key_page(2, 2), key_page(1))
    line = KEY.sign(Checkpoint(1, "aa", "aa", 1, "2026-11-27T06:00:00+00:00", seq, digest).payload(), MEMBER)
    (tmp_path / "kept").write_bytes(line)
    result = CliRunner().invoke(app, ["audit", "verify", "--checkpoints", str(tmp_path / "kept")])
    assert (result.exit_code, said in result.output) == (status, True)


def test_a_checkpoint_of_another_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages(monkeypatch, page("aa", "bb"))
    (tmp_path / "kept").write_bytes(signed(2, "bb"))
    run = ["audit", "verify", "--checkpoints", str(tmp_path / "kept"), "--public-key"]
    assert CliRunner().invoke(app, [*run, KEY.public.upper()]).exit_code == 0
    other = CliRunner().invoke(app, [*run, "0" * 64])
    assert (other.exit_code, "audit_broken" in other.output) == (1, True)


def test_checkpoints_are_printed_as_they_were_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    pages(monkeypatch)
    of_both = Checkpoint(2, "bb", "aa", 1, "2026-11-27T06:00:00+00:00", 3, "dd")
    lines = [signed(2, "bb"), KEY.sign(of_both.payload(), MEMBER)]
    found = Checkpoints.model_validate({"checkpoints": list(map(json.loads, lines))})
    monkeypatch.setattr(AdminClient, "checkpoints", lambda self: found)
    assert CliRunner().invoke(app, ["audit", "checkpoints"]).output.encode() == b"".join(lines)


EVENT = {
    "seq": 7,
    "at": "2026-11-27T06:00:00Z",
    "action": "added",
    "target_id": "ft_01",
    "revision": 1,
    "policy_version": 3,
    "actor": "admin",
    "digest": "ab" * 32,
    "proposer": "",
}


def test_events_are_exported_a_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [EVENT, EVENT | {"seq": 8, "action": "revoked"}]
    pages(monkeypatch, EventPage.model_validate({"events": events, "next_cursor": None}))
    plain = CliRunner().invoke(app, ["audit", "export"]).output.splitlines()
    assert [json.loads(line) for line in plain] == events
    ocsf = CliRunner().invoke(app, ["audit", "export", "--format", "ocsf"]).output.splitlines()
    assert [json.loads(line)["type_uid"] for line in ocsf] == [300401, 300404]
