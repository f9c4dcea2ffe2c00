"""Drafts become targets: one or a batch of them, and what of a batch is stored already."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple, TypeVar

from ulid import ULID

from guard.errors import DuplicateTarget, InvalidTarget
from guard.evidence.transliteration import load_ordinary_words
from guard.registry.database import Connection
from guard.registry.records import TARGET_COLUMNS, found, refuse_duplicate, target_of
from guard.registry.rows.names import folded_name
from guard.targets.differences import differences
from guard.targets.phrases import phrases, variants
from guard.targets.target import Draft, Fact, ForgetTarget, State
from guard.targets.validation import validate
from guard.variants.values.spelled_numbers import load_spelling

_Refusal = TypeVar("_Refusal", InvalidTarget, DuplicateTarget)


_LOADING = threading.Lock()


class Added(NamedTuple):
    """The targets that were stored, and the ids of those that were active before, in the order of the drafts."""

    targets: list[ForgetTarget]
    existing: list[str]


def load_words() -> None:
    """Load the word lists, the tagger, the names of months and the rules of numbers in words by which phrases and
    variants are made and found, before the first target comes: it takes seconds. What other languages than
    English need is loaded with their first target.
    """
    with _LOADING:
        load_spelling()
        answer = "Ilsabet Quorne wrote Half Past the Rain on 3 March 1971."
        _new_target(Draft(name="Ilsabet Quorne", facts=(Fact(answer=answer),)))
    # No target waits for these.
    load_ordinary_words()


def new_target(draft: Draft) -> ForgetTarget:
    """Return an active target with an id of its own. Raises InvalidTarget."""
    # Lists that are being loaded are waited for: two threads that load them need twice the time.
    with _LOADING:
        pass
    return _new_target(draft)


def _new_target(draft: Draft) -> ForgetTarget:
    validate(draft, datetime.now(UTC))
    return target_like(draft)


def target_like(draft: Draft) -> ForgetTarget:
    """Do as `new_target` for a draft that was valid once, and may be so no more: its end may have passed."""
    now = datetime.now(UTC)
    extracted = phrases(draft)
    return ForgetTarget(
        id=f"ft_{ULID()}",
        draft=draft,
        state=State.ACTIVE,
        revision=1,
        forbidden=tuple(phrase.text for phrase in extracted),
        variants=tuple(variant.text for variant in variants(draft, extracted)),
        created_at=now,
        updated_at=now,
    )


def new_targets(drafts: Sequence[Draft]) -> list[ForgetTarget]:
    """Return a target for each draft. Raises InvalidTarget, whose `field` starts at `targets[i]`."""
    targets = []
    for i, draft in enumerate(drafts):
        try:
            targets.append(new_target(draft))
        except InvalidTarget as error:
            raise _in_batch(error, i) from None
    return targets


class NameKey(NamedTuple):
    """What two targets may not have in common."""

    kind: str
    folded: str


def key_of(draft: Draft) -> NameKey:
    """Return what no other target may have in common with this one."""
    return NameKey(draft.kind, folded_name(draft.name))


def proposed_names(connection: Connection) -> dict[NameKey, str]:
    """Return the ids of the targets that wait for approval, by their names; they take time in proportion."""
    rows = connection.execute(f"SELECT {TARGET_COLUMNS} FROM targets WHERE state = 'proposed'").fetchall()
    targets = (target_of(connection, row) for row in rows)
    return {key_of(target.draft): target.id for target in targets}


NO_NAMES: Mapping[NameKey, str] = {}


def missing(
    connection: Connection, targets: list[ForgetTarget], proposed: Mapping[NameKey, str] = NO_NAMES
) -> Added:
    """Return those whose kind and name no active target, none `proposed` and none before has, and the ids that the
    rest have."""
    new: dict[NameKey, ForgetTarget] = {}
    existing = []
    for target in targets:
        key = key_of(target.draft)
        id = new[key].id if key in new else _holder(connection, key, proposed)
        if id is None:
            new[key] = target
        else:
            existing.append(id)
    return Added(list(new.values()), existing)


class Standing(StrEnum):
    """What becomes of a draft where those that are there already are left out, as `missing` does.

    new       it is stored
    same      a target of its kind and name is there, and is like it
    changed   a target of its kind and name is there, differs from it, and stays as it is
    repeated  an earlier draft of its kind and name is stored
    """

    NEW = "new"
    SAME = "same"
    CHANGED = "changed"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class DraftStanding:
    """The standing of a draft, the id of the target that is there, and the members in which the two differ."""

    standing: Standing
    target_id: str = ""
    differs: tuple[str, ...] = ()


def standings(
    connection: Connection, drafts: Sequence[Draft], proposed: Mapping[NameKey, str] = NO_NAMES
) -> list[DraftStanding]:
    """Return what `missing` would find of each draft."""
    new: set[NameKey] = set()
    return [_standing(connection, draft, new, proposed) for draft in drafts]


def _standing(
    connection: Connection, draft: Draft, new: set[NameKey], proposed: Mapping[NameKey, str]
) -> DraftStanding:
    key = key_of(draft)
    if key in new:
        return DraftStanding(Standing.REPEATED)
    id = _holder(connection, key, proposed)
    if id is None:
        new.add(key)
        return DraftStanding(Standing.NEW)
    differs = tuple(one.member for one in differences(found(connection, id).draft, draft))
    return DraftStanding(Standing.CHANGED if differs else Standing.SAME, id, differs)


def _holder(connection: Connection, key: NameKey, proposed: Mapping[NameKey, str]) -> str | None:
    """Return the id of the target, `proposed` or active, that has this kind and name."""
    return proposed.get(key) or next(iter(connection.texts.named(connection, *key)), None)


def refuse_duplicates(
    connection: Connection, targets: Sequence[ForgetTarget], proposed: Mapping[NameKey, str] = NO_NAMES
) -> None:
    """Raise DuplicateTarget, whose `field` starts at `targets[i]`, for one that is stored or occurs twice."""
    seen: set[NameKey] = set()
    for i, target in enumerate(targets):
        key = key_of(target.draft)
        try:
            refuse_proposed(target, proposed)
            if key in seen:
                raise DuplicateTarget("this kind and name occurs twice in the batch", field="name")
            refuse_duplicate(connection, target)
        except DuplicateTarget as error:
            raise _in_batch(error, i) from None
        seen.add(key)


def refuse_proposed(target: ForgetTarget, proposed: Mapping[NameKey, str]) -> None:
    """Raise DuplicateTarget if another target of this kind and name waits for approval."""
    existing = proposed.get(key_of(target.draft), target.id)
    if existing != target.id:
        raise DuplicateTarget(f"{existing} of this kind and name waits for approval", field="name")


def _in_batch(error: _Refusal, i: int) -> _Refusal:
    path = f"targets[{i}].{error.field}" if error.field else f"targets[{i}]"
    return type(error)(error.message, field=path)
