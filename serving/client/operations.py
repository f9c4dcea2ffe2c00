"""The operations on targets, elicitations and the policy, one function per route.

To add a route: a function here or in `server_operations`, its answer in `targets`, `observed` or `operated`, and a
method in both clients. The tests compare all of them with the admin plane's own description.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from serving.client.observed import Canary, Check, EventPage, Policy, Trial, VerdictPage
from serving.client.operated import PolicyDiff, Rollback
from serving.client.operation import TRIAL_WAIT_S, Operation, nothing, params_of, reading, waiting
from serving.client.requests import ElicitOptions, Message, TargetDraft, TargetPatch
from serving.client.targets import Elicitation, ProposedTarget, StoredBatch, Target, TargetPage, TargetPreview
from serving.client.values import Mode, ShareSide, State

_TARGETS = "/admin/v1/targets"
_TARGET = f"{_TARGETS}/{{target_id}}"
_ELICITATION = f"{_TARGET}/elicitation"


def add(draft: TargetDraft, *, reveal: bool, urgent: bool, wait_s: int | None) -> Operation[Target]:
    params = waiting(wait_s) | params_of(reveal=reveal, urgent=urgent or None)
    return Operation(
        method="POST",
        route=_TARGETS,
        read=Target.model_validate_json,
        params=params,
        body=draft,
        wait_s=wait_s or 0,
    )


def preview(draft: TargetDraft, *, reveal: bool) -> Operation[TargetPreview]:
    params = params_of(dry_run=True, reveal=reveal)
    return Operation(
        method="POST",
        route=_TARGETS,
        read=TargetPreview.model_validate_json,
        params=params,
        body=draft,
        is_safe=True,
    )


def add_many(drafts: Sequence[TargetDraft], *, skip_existing: bool, wait_s: int | None) -> Operation[StoredBatch]:
    return Operation(
        method="POST",
        route=f"{_TARGETS}:batch",
        read=StoredBatch.model_validate_json,
        params=waiting(wait_s) | params_of(skip_existing=skip_existing),
        body={"targets": drafts},
        # What is there already is left out.
        is_safe=skip_existing,
        wait_s=wait_s or 0,
    )


def target_page(cursor: str | None, *, limit: int, state: State | None, reveal: bool) -> Operation[TargetPage]:
    return reading(_TARGETS, TargetPage, cursor=cursor, limit=limit, state=state, reveal=reveal)


def get(target_id: str, *, reveal: bool) -> Operation[Target]:
    return reading(_TARGET, Target, {"target_id": target_id}, reveal=reveal)


def change(
    target_id: str, patch: TargetPatch, revision: int | None, *, reveal: bool, wait_s: int | None
) -> Operation[Target]:
    return Operation(
        method="PATCH",
        route=_TARGET,
        read=Target.model_validate_json,
        path={"target_id": target_id},
        params=waiting(wait_s) | params_of(reveal=reveal),
        headers={"if-match": "*" if revision is None else f'"{revision}"'},
        body=patch,
        is_safe=revision is not None,
        wait_s=wait_s or 0,
    )


def revoke(target_id: str, revision: int | None, *, wait_s: int | None) -> Operation[None]:
    return Operation(
        method="DELETE",
        route=_TARGET,
        read=nothing,
        path={"target_id": target_id},
        params=waiting(wait_s),
        headers={} if revision is None else {"if-match": f'"{revision}"'},
        is_safe=revision is not None,
        wait_s=wait_s or 0,
    )


def canary(target_id: str) -> Operation[Canary]:
    return reading(f"{_TARGET}/canary", Canary, {"target_id": target_id})


def promote_target(target_id: str, revision: int | None, *, reveal: bool, wait_s: int | None) -> Operation[Target]:
    return Operation(
        method="POST",
        route=f"{_TARGET}:promote",
        read=Target.model_validate_json,
        path={"target_id": target_id},
        params=waiting(wait_s) | params_of(reveal=reveal),
        headers={} if revision is None else {"if-match": f'"{revision}"'},
        is_safe=revision is not None,
        wait_s=wait_s or 0,
    )


def proposed(target_id: str, *, reveal: bool) -> Operation[ProposedTarget]:
    return reading(f"{_TARGET}/proposed", ProposedTarget, {"target_id": target_id}, reveal=reveal)


def approve(target_id: str, revision: int, *, reveal: bool, wait_s: int | None) -> Operation[Target]:
    return Operation(
        method="POST",
        route=f"{_TARGET}:approve",
        read=Target.model_validate_json,
        path={"target_id": target_id},
        params=waiting(wait_s) | params_of(reveal=reveal),
        headers={"if-match": f'"{revision}"'},
        is_safe=True,
        wait_s=wait_s or 0,
    )


def reject(target_id: str, revision: int, reason: str) -> Operation[Target]:
    return Operation(
        method="POST",
        route=f"{_TARGET}:reject",
        read=Target.model_validate_json,
        path={"target_id": target_id},
        headers={"if-match": f'"{revision}"'},
        body={"reason": reason},
        is_safe=True,
    )


def elicit(
    target_id: str, options: ElicitOptions, *, accept: Literal["all"] | None, reveal: bool
) -> Operation[Elicitation]:
    return Operation(
        method="POST",
        route=f"{_TARGET}:elicit",
        read=Elicitation.model_validate_json,
        path={"target_id": target_id},
        params=params_of(accept=accept, reveal=reveal),
        body=options,
    )


def elicitation(target_id: str, *, reveal: bool) -> Operation[Elicitation]:
    return reading(_ELICITATION, Elicitation, {"target_id": target_id}, reveal=reveal)


def cancel_elicitation(target_id: str) -> Operation[None]:
    return Operation(
        method="POST",
        route=f"{_ELICITATION}:cancel",
        read=nothing,
        path={"target_id": target_id},
        is_safe=True,
    )


def accept(
    target_id: str, proposals: Literal["all"] | Sequence[str], *, reveal: bool, wait_s: int | None
) -> Operation[Target]:
    return Operation(
        method="POST",
        route=f"{_ELICITATION}:accept",
        read=Target.model_validate_json,
        path={"target_id": target_id},
        params=waiting(wait_s) | params_of(reveal=reveal),
        body={"proposals": proposals},
        wait_s=wait_s or 0,
    )


def check(asked: str | Sequence[Message], *, tags: Sequence[str], canary: ShareSide | None) -> Operation[Check]:
    body: dict[str, object] = {"text": asked} if isinstance(asked, str) else {"messages": asked}
    body |= {"tags": [*tags]} if tags else {}
    body |= {"canary": canary} if canary else {}
    return Operation(
        method="POST", route="/admin/v1/check", read=Check.model_validate_json, body=body, is_safe=True
    )


def try_(text: str, *, max_tokens: int, proposed: str | None) -> Operation[Trial]:
    body = {"text": text, "max_tokens": max_tokens} | ({"proposed": proposed} if proposed else {})
    read = Trial.model_validate_json
    return Operation(method="POST", route="/admin/v1/try", read=read, body=body, wait_s=TRIAL_WAIT_S)


def policy() -> Operation[Policy]:
    return reading("/admin/v1/policy", Policy)


def policy_diff(older: int, newer: int, cursor: str | None, *, limit: int, reveal: bool) -> Operation[PolicyDiff]:
    return Operation(
        method="GET",
        route="/admin/v1/policy/diff",
        read=PolicyDiff.model_validate_json,
        params={"from": str(older), "to": str(newer)} | params_of(cursor=cursor, limit=limit, reveal=reveal),
        is_safe=True,
    )


def rollback(version: int, *, dry_run: bool, wait_s: int | None) -> Operation[Rollback]:
    return Operation(
        method="POST",
        route="/admin/v1/policy:rollback",
        read=Rollback.model_validate_json,
        params=waiting(wait_s) | params_of(dry_run=dry_run),
        body={"version": version},
        wait_s=wait_s or 0,
    )


def event_page(cursor: int | None, *, limit: int) -> Operation[EventPage]:
    return reading("/admin/v1/audit", EventPage, cursor=cursor, limit=limit)


def verdict_page(
    cursor: int | None, *, limit: int, mode: Mode | None, target_id: str | None
) -> Operation[VerdictPage]:
    return reading("/admin/v1/verdicts", VerdictPage, cursor=cursor, limit=limit, mode=mode, target_id=target_id)
