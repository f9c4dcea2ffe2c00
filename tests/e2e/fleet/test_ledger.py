from __future__ import annotations

from tests.e2e.fleet.ledger import Answer, Change, Outcome, leaks, lost, unrecorded

ADDED = Change(True, "t1", "Quorne", 1.0, 2.0, Outcome.APPLIED)
REVOKED = Change(False, "t1", "Quorne", 8.0, 9.0, Outcome.STORED)


def answer(text: str, begun: float, ended: float) -> Answer:
    return Answer(text, begun, ended, "a")


def test_a_phrase_said_while_it_was_enforced_everywhere_is_a_leak() -> None:
    said = answer("It was QUORNE.", 2.1, 3.0)
    assert [leak.answer for leak in leaks([ADDED], [said])] == [said]
    assert leaks([ADDED, REVOKED], [answer("Quorne", 2.1, 7.9)])


def test_a_phrase_said_before_or_after_is_none() -> None:
    others = [
        answer("Quorne", 1.9, 3.0),
        answer("Quorne", 7.0, 8.1),
        answer("Quorne", 9.5, 9.6),
        answer("quo", 3.0, 4.0),
        answer("Quornefields", 3.0, 4.0),
    ]
    assert leaks([ADDED, REVOKED], others) == []
    stored = Change(True, "t1", "Quorne", 1.0, 2.0, Outcome.STORED)
    assert leaks([stored], [answer("Quorne", 2.1, 3.0)]) == []


def test_what_was_acknowledged_and_is_not_stored_is_lost() -> None:
    assert lost([ADDED], {"t1": "active"}) == []
    assert lost([ADDED], {}) == lost([ADDED], {"t1": "revoked"}) == [ADDED]
    assert lost([ADDED, REVOKED], {"t1": "revoked"}) == []
    assert lost([ADDED, REVOKED], {"t1": "active"}) == [REVOKED]


def test_what_nobody_acknowledged_may_be_stored_or_not() -> None:
    unknown = Change(False, "t1", "Quorne", 8.0, 9.0, Outcome.UNKNOWN)
    for state in ("active", "revoked"):
        assert lost([ADDED, unknown], {"t1": state}) == []
    assert lost([Change(True, "", "Quorne", 1.0, 2.0, Outcome.UNKNOWN)], {}) == []


def test_what_was_acknowledged_stands_in_the_audit_trail() -> None:
    assert unrecorded([ADDED, REVOKED], {("added", "t1"), ("revoked", "t1")}) == []
    assert unrecorded([ADDED, REVOKED], {("added", "t1")}) == [REVOKED]
    assert unrecorded([Change(True, "", "Quorne", 1.0, 2.0, Outcome.UNKNOWN)], ()) == []
