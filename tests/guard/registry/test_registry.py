from __future__ import annotations

import signal
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from guard.errors import DuplicateTarget, InvalidTarget, LetheError, StaleRevision, StoreUnavailable, UnknownTarget
from guard.registry.database import Location, location_of
from guard.registry.registry import Registry
from guard.targets.audit_log import Action, Actor
from guard.targets.target import Draft, Fact, Kind, Method, Mode, Scope, State

SOON = datetime(2090, 5, 1, 12, tzinfo=UTC)
ADA = Draft(
    name="Ada Quillfeather",
    kind=Kind.PERSON,
    aliases=("A. Q.",),
    facts=(Fact(answer='She wrote "The Glass Orchard".', question="What?"),),
    passages=("The orchard was of glass that year \0 and nobody knew why.",),
    phrases=("Mothwick",),
    exceptions=("Ada Lark",),
    methods=(Method.DECLINE, Method.GUARD),
    scope=Scope.ALWAYS,
    mode=Mode.SHADOW,
    expires_at=SOON,
    basis="gdpr_art17",
    external_ref="T-1",
)


def test_what_add_returns_is_what_get_returns(registry: Registry) -> None:
    target = registry.add(ADA)
    assert registry.get(target.id) == target
    assert (target.draft, target.state, target.revision) == (ADA, State.ACTIVE, 1)
    assert target.id.startswith("ft_")
    assert {"Ada Quillfeather", "A. Q.", "Mothwick", "The Glass Orchard"} <= set(target.forbidden)


def test_a_target_survives_reopening(location: Location) -> None:
    first = Registry(location)
    target = first.add(ADA)
    first.close()
    second = Registry(location)
    assert second.active() == [target]
    assert second.version() == 1
    second.close()


def test_changes_since_a_version_are_returned_whatever_their_state(registry: Registry) -> None:
    ada = registry.add(ADA)
    other = registry.add(Draft(name="Somebody Else"))
    since = registry.version()
    assert registry.changes(since) == (since, [])
    changed = registry.change(ada.id, replace(ADA, basis="court"), 1)
    revoked = registry.revoke(other.id)
    assert registry.changes(since) == (since + 2, [changed, revoked])
    assert registry.changes(since + 1) == (since + 2, [revoked])
    assert registry.changes(-1) == (since + 2, [changed])


def test_each_mutation_is_one_version_and_one_event(registry: Registry) -> None:
    target = registry.add(ADA)
    registry.change(target.id, replace(ADA, basis="court"), 1)
    registry.revoke(target.id)
    assert registry.version() == 3
    events = registry.events()
    assert [event.action for event in events] == [Action.ADDED, Action.CHANGED, Action.REVOKED]
    assert [event.revision for event in events] == [1, 2, 3]
    assert [event.policy_version for event in events] == [1, 2, 3]
    assert {(event.target_id, event.actor) for event in events} == {(target.id, Actor.ADMIN)}
    assert registry.first_broken_event() is None


def test_a_refused_change_leaves_no_trace(registry: Registry) -> None:
    target = registry.add(ADA)
    refused = [
        lambda: registry.add(Draft(name="")),
        lambda: registry.add(ADA),
        lambda: registry.change("ft_none", ADA, 1),
        lambda: registry.change(target.id, ADA, 7),
        lambda: registry.change(target.id, Draft(name="!"), 1),
        lambda: registry.revoke("ft_none"),
        lambda: registry.revoke(target.id, 7),
        lambda: registry.add_many([Draft(name="One of two"), ADA]),
    ]
    for call in refused:
        with pytest.raises(LetheError):
            call()
    assert registry.snapshot() == (1, [target])
    assert len(registry.events()) == 1


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Νίκος Υψηλάντης", "ΝΙΚΟΣ ΥΨΗΛΑΝΤΗΣ"),
        ("유나", unicodedata.normalize("NFD", "유나")),
        ("张伟国", "張偉國"),
        ("ガリレオ", "ｶﾞﾘﾚｵ"),
    ],
)
def test_one_name_in_two_forms_is_a_duplicate(registry: Registry, name: str, other: str) -> None:
    registry.add(Draft(name=name))
    with pytest.raises(DuplicateTarget):
        registry.add(Draft(name=other))


@pytest.mark.parametrize(("name", "other"), [("राम", "रोम"), ("มา", "เมา"), ("かな", "がな"), ("हरि", "हरा")])
def test_names_of_other_vowels_or_voicing_are_others(registry: Registry, name: str, other: str) -> None:
    registry.add(Draft(name=name))
    registry.add(Draft(name=other))


@pytest.mark.parametrize("name", ["ada quillfeather", "ADA-QUILLFEATHER", "Аda Quillfeather", "Adá Quill feather"])
def test_a_name_that_folds_alike_is_a_duplicate(registry: Registry, name: str) -> None:
    target = registry.add(ADA)
    with pytest.raises(DuplicateTarget) as caught:
        registry.add(Draft(name=name))
    assert caught.value.field == "name"
    assert target.id in str(caught.value)
    registry.add(Draft(name=name, kind=Kind.WORK))


def test_a_name_is_free_again_once_its_target_has_ended(registry: Registry) -> None:
    registry.revoke(registry.add(ADA).id)
    assert registry.add(ADA).state is State.ACTIVE


def test_a_batch_is_all_or_nothing_under_one_version(registry: Registry) -> None:
    drafts = [Draft(name=f"Person {i}") for i in range(5)]
    targets = registry.add_many(drafts)
    assert [target.draft for target in registry.active()] == drafts
    assert registry.version() == 1
    assert [event.target_id for event in registry.events()] == [target.id for target in targets]
    assert registry.first_broken_event() is None


@pytest.mark.parametrize(
    ("drafts", "error", "field"),
    [
        ([ADA, Draft(name="B", phrases=("ok", "?"))], InvalidTarget, "targets[1].name"),
        ([ADA, Draft(name="Bo", phrases=("ok", "?"))], InvalidTarget, "targets[1].phrases[1]"),
        ([ADA, Draft(name="Bo"), Draft(name="B-o")], DuplicateTarget, "targets[2].name"),
        ([Draft(name="Bo"), Draft(name="Taken Name")], DuplicateTarget, "targets[1].name"),
    ],
)
def test_a_batch_says_which_of_its_targets_is_invalid(
    registry: Registry, drafts: list[Draft], error: type[LetheError], field: str
) -> None:
    registry.add(Draft(name="Taken Name"))
    with pytest.raises(error) as caught:
        registry.add_many(drafts)
    assert caught.value.field == field
    assert registry.counts()[State.ACTIVE] == 1


def test_an_empty_batch_changes_nothing(registry: Registry) -> None:
    assert registry.add_many([]) == []
    assert registry.version() == 0


def test_a_preview_is_what_add_would_store_and_stores_nothing(registry: Registry) -> None:
    preview = registry.preview(ADA)
    assert (registry.version(), registry.active()) == (0, [])
    assert registry.add(ADA).forbidden == preview.forbidden
    with pytest.raises(DuplicateTarget):
        registry.preview(ADA)


def test_a_change_extracts_phrases_again_and_keeps_the_identity(registry: Registry) -> None:
    target = registry.add(ADA)
    changed = registry.change(target.id, replace(ADA, facts=(Fact(answer="Born in Sallowmere."),)), 1)
    assert (changed.id, changed.revision, changed.created_at) == (target.id, 2, target.created_at)
    assert "Sallowmere" in changed.forbidden
    assert "The Glass Orchard" not in changed.forbidden
    assert registry.get(target.id) == changed


def test_a_change_may_not_take_the_name_of_another(registry: Registry) -> None:
    registry.add(ADA)
    other = registry.add(Draft(name="Bela Moth"))
    with pytest.raises(DuplicateTarget):
        registry.change(other.id, replace(other.draft, name="ada quillfeather"), 1)
    registry.change(other.id, replace(other.draft, name="BELA MOTH"), 1)


def test_of_two_changes_to_one_revision_the_second_is_refused(registry: Registry) -> None:
    target = registry.add(ADA)
    registry.change(target.id, replace(ADA, basis="one"), 1)
    with pytest.raises(StaleRevision):
        registry.change(target.id, replace(ADA, basis="two"), 1)
    assert registry.get(target.id).draft.basis == "one"


def test_what_has_ended_cannot_be_changed_or_revoked_again(registry: Registry) -> None:
    target = registry.revoke(registry.add(ADA).id)
    with pytest.raises(UnknownTarget):
        registry.change(target.id, ADA, target.revision)
    with pytest.raises(UnknownTarget):
        registry.revoke(target.id)


def test_expiry_ends_what_is_due_and_nothing_else(registry: Registry) -> None:
    due = registry.add(ADA)
    later = registry.add(Draft(name="Later One", expires_at=SOON + timedelta(seconds=1)))
    never = registry.add(Draft(name="Never Once"))
    assert registry.expire(SOON - timedelta(seconds=1)) == 0
    assert registry.version() == 3
    assert registry.expire(SOON) == 1
    assert registry.expire(SOON) == 0
    assert registry.version() == 4
    assert registry.active() == [later, never]
    ended = registry.get(due.id)
    assert (ended.state, ended.draft.name, ended.forbidden) == (State.EXPIRED, "", ())
    assert registry.events(after=3)[0].actor == Actor.CLOCK


@pytest.mark.parametrize("zone", [-12, 14])
def test_expiry_looks_at_the_instant_and_not_at_the_clock_face(registry: Registry, zone: int) -> None:
    registry.add(replace(ADA, expires_at=SOON.astimezone(timezone(timedelta(hours=zone)))))
    assert registry.expire(SOON - timedelta(seconds=1)) == 0
    assert registry.expire(SOON) == 1


def test_pages_hold_every_target_once_in_the_order_of_adding(registry: Registry) -> None:
    targets = registry.add_many([Draft(name=f"Person {i}") for i in range(7)])
    seen, after = [], None
    while True:
        page = registry.list(after, 3)
        seen += page.items
        after = page.next
        if after is None:
            break
    assert seen == targets
    assert registry.list(None, 7).next is None
    with pytest.raises(UnknownTarget):
        registry.list("ft_none")


def test_pages_and_counts_know_states(registry: Registry) -> None:
    one, two, three = registry.add_many([Draft(name=f"Person {i}") for i in range(3)])
    registry.revoke(two.id)
    assert [target.id for target in registry.list(state=State.ACTIVE).items] == [one.id, three.id]
    assert [target.id for target in registry.list(state=State.REVOKED).items] == [two.id]
    assert [target.id for target in registry.list().items] == [one.id, two.id, three.id]
    assert registry.counts() == {**dict.fromkeys(State, 0), State.ACTIVE: 2, State.REVOKED: 1}


def test_vectors_are_kept_by_embedder_until_their_target_moves_on(registry: Registry) -> None:
    one = registry.add(Draft(name="Person one"))
    two = registry.add(Draft(name="Person two"))
    registry.keep_vectors("minilm", {(one.id, 1): b"1111", (two.id, 1): b"2222", ("ft_none", 1): b"3333"})
    registry.keep_vectors("minilm", {(one.id, 1): b"4444"})
    assert registry.vectors("minilm") == {(one.id, 1): b"4444", (two.id, 1): b"2222"}
    assert registry.vectors("other") == {}
    registry.change(one.id, one.draft, 1)
    registry.revoke(two.id)
    assert registry.vectors("minilm") == {}
    registry.keep_vectors("minilm", {(one.id, 1): b"late", (two.id, 2): b"gone"})
    assert registry.vectors("minilm") == {}


def test_an_altered_trail_is_noticed(registry: Registry, alter: Callable[..., None]) -> None:
    registry.add_many([Draft(name=f"Person {i}") for i in range(3)])
    alter("UPDATE events SET action = 'revoked' WHERE seq = 2")
    assert registry.first_broken_event() == 2
    assert [registry.first_broken_event(after, 1) for after in range(4)] == [None, 2, None, None]


def test_a_trail_is_noticed_to_lack_the_event_that_a_page_follows(
    registry: Registry, alter: Callable[..., None]
) -> None:
    registry.add_many([Draft(name=f"Person {i}") for i in range(3)])
    alter("DELETE FROM events WHERE seq = 2")
    assert [registry.first_broken_event(after, 1) for after in range(4)] == [None, 2, 2, None]


def test_concurrent_writers_and_readers_see_whole_states(registry: Registry) -> None:
    done = threading.Event()
    torn: list[int] = []

    def read() -> None:
        while not done.is_set():
            version, targets = registry.snapshot()
            if version != len(targets):
                torn.append(version)

    with ThreadPoolExecutor(10) as pool:
        reading = [pool.submit(read) for _ in range(2)]
        list(pool.map(lambda i: registry.add(Draft(name=f"Person {i}")), range(30)))
        done.set()
        for future in reading:
            future.result()
    assert torn == []
    assert registry.version() == 30
    assert registry.first_broken_event() is None


WRITER = """
import sys, threading
from guard.targets.elicitation import Change, Elicitation, Proposal, ProposalKind
from guard.registry.database import location_of
from guard.registry.registry import Registry
from guard.targets.target import Draft, Fact
registry = Registry(location_of(sys.argv[1]))
def write(worker):
    for i in range(1000):
        facts = (Fact(answer="Born in Sallowmere in 1931."),)
        target = registry.add(Draft(name=f"Person {worker} {i}", facts=facts))
        sys.stdout.write(target.id + "\\n")
        sys.stdout.flush()
for worker in range(8):
    threading.Thread(target=write, args=(worker,)).start()
"""


def test_what_was_acknowledged_before_a_kill_is_there_and_nothing_is_half_written(url: str) -> None:
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, cwd=root) as writer:
        assert writer.stdout is not None
        acknowledged = [writer.stdout.readline() for _ in range(40)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += [line for line in writer.stdout.readlines() if line.endswith(b"\n")]
    registry = Registry(location_of(url))
    stored = {target.id for target in registry.active()}
    assert {line.decode().strip() for line in acknowledged} <= stored
    events = registry.events(limit=10_000)
    assert {event.target_id for event in events} == stored
    assert registry.version() == len(events) == len(stored)
    assert registry.first_broken_event() is None
    assert all("Sallowmere" in target.forbidden for target in registry.active())
    registry.close()


def test_a_database_damaged_while_in_use_is_unavailable_and_says_nothing_of_its_texts(
    registry: Registry, alter: Callable[..., None]
) -> None:
    target = registry.add(ADA)
    alter("UPDATE targets SET draft = 'Quillfeather is no JSON'")
    with pytest.raises(StoreUnavailable) as caught:
        registry.get(target.id)
    assert target.id in str(caught.value)
    assert "Quillfeather" not in str(caught.value)


def test_a_closed_registry_is_unavailable(location: Location) -> None:
    registry = Registry(location)
    registry.close()
    for call in (registry.version, lambda: registry.add(ADA)):
        with pytest.raises(StoreUnavailable):
            call()


def test_targets_that_are_missing_are_added_and_the_others_named(registry: Registry) -> None:
    ada, _gone = registry.add(Draft(name="Ada Quill")), registry.add(Draft(name="Bo Quill"))
    registry.revoke(_gone.id)
    drafts = [Draft(name=name) for name in ("ada  QUILL", "Bo Quill", "Cy Quill", "cy quill")]
    added = registry.add_missing([*drafts, Draft(name="Ada Quill", kind=Kind.WORK)])
    assert [target.draft.name for target in added.targets] == ["Bo Quill", "Cy Quill", "Ada Quill"]
    assert added.existing == [ada.id, added.targets[1].id]
    version = registry.version()
    assert registry.add_missing(drafts).targets == []
    assert registry.version() == version
