"""The operations on what runs beside the policy: assistants, engines, replicas, webhooks, cases, probes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from serving.client.keys import Key, KeyEventPage, Keys, NewKey
from serving.client.observed import Alive, Assistant, Assistants, Replicas, Training
from serving.client.operated import Case, CasePage, Checkpoints, Delivered, Engines, Webhooks
from serving.client.operation import Operation, nothing, reading
from serving.client.requests import CaseDraft, KeyDraft
from serving.client.values import CaseState

_ASSISTANTS = "/admin/v1/assistants"
_CASES = "/admin/v1/cases"
_KEYS = "/admin/v1/keys"


def train(targets: Literal["all"] | Sequence[str]) -> Operation[Training]:
    return Operation(
        method="POST", route=_ASSISTANTS, read=Training.model_validate_json, body={"targets": targets}
    )


def assistants() -> Operation[Assistants]:
    return reading(_ASSISTANTS, Assistants)


def promote(digest: str) -> Operation[Assistant]:
    route = f"{_ASSISTANTS}/{{digest}}:promote"
    return Operation(
        method="POST", route=route, read=Assistant.model_validate_json, path={"digest": digest}, is_safe=True
    )


def retire(digest: str) -> Operation[None]:
    route = f"{_ASSISTANTS}/{{digest}}:retire"
    return Operation(method="POST", route=route, read=nothing, path={"digest": digest}, is_safe=True)


def replicas() -> Operation[Replicas]:
    return reading("/admin/v1/replicas", Replicas)


def metrics() -> Operation[str]:
    return Operation(method="GET", route="/metrics", read=bytes.decode, is_safe=True)


def live() -> Operation[Alive]:
    return reading("/livez", Alive)


def ready() -> Operation[Alive]:
    # That it is not ready is the answer.
    return Operation(method="GET", route="/readyz", read=Alive.model_validate_json)


def description() -> Operation[dict[str, Any]]:
    return Operation(method="GET", route="/openapi.json", read=json.loads, is_safe=True)


def engines() -> Operation[Engines]:
    return reading("/admin/v1/engines", Engines)


def drain_engine(url: str, *, drained: bool) -> Operation[None]:
    body = {"url": url, "drained": drained}
    return Operation(method="POST", route="/admin/v1/engines:drain", read=nothing, body=body, is_safe=True)


def checkpoints() -> Operation[Checkpoints]:
    return reading("/admin/v1/audit/checkpoints", Checkpoints)


def webhooks() -> Operation[Webhooks]:
    return reading("/admin/v1/webhooks", Webhooks)


def retry_webhook(id: str) -> Operation[Delivered]:
    route = "/admin/v1/webhooks/{id}:retry"
    return Operation(method="POST", route=route, read=Delivered.model_validate_json, path={"id": id})


def create_key(draft: KeyDraft) -> Operation[NewKey]:
    return Operation(method="POST", route=_KEYS, read=NewKey.model_validate_json, body=draft)


def keys() -> Operation[Keys]:
    return reading(_KEYS, Keys)


def key_events(cursor: int, *, limit: int) -> Operation[KeyEventPage]:
    return reading(f"{_KEYS}/events", KeyEventPage, cursor=cursor, limit=limit)


def rotate_key(key_id: str, *, overlap_s: int) -> Operation[NewKey]:
    route, body = f"{_KEYS}/{{key_id}}:rotate", {"overlap": overlap_s}
    return Operation(
        method="POST", route=route, read=NewKey.model_validate_json, path={"key_id": key_id}, body=body
    )


def revoke_key(key_id: str) -> Operation[Key]:
    route = f"{_KEYS}/{{key_id}}:revoke"
    return Operation(method="POST", route=route, read=Key.model_validate_json, path={"key_id": key_id})


def cases(cursor: int, *, limit: int | None = None, state: CaseState | None = None) -> Operation[CasePage]:
    return reading(_CASES, CasePage, cursor=cursor, limit=limit, state=state)


def case(target_id: str) -> Operation[Case]:
    return reading(f"{_CASES}/{{target_id}}", Case, {"target_id": target_id})


def put_case(target_id: str, case: CaseDraft) -> Operation[Case]:
    route = f"{_CASES}/{{target_id}}"
    path = {"target_id": target_id}
    return Operation(method="PUT", route=route, read=Case.model_validate_json, path=path, body=case, is_safe=True)
