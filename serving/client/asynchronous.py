"""The asynchronous client of the admin plane."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal

from serving.client import operations, server_operations
from serving.client.observed import (
    Alive,
    Assistant,
    Assistants,
    Canary,
    Check,
    Event,
    EventPage,
    Policy,
    Replicas,
    Training,
    Trial,
    Verdict,
    VerdictPage,
)
from serving.client.operated import Case, CasePage, Checkpoints, Delivered, Engines, PolicyDiff, Rollback, Webhooks
from serving.client.operation import ACCEPT_WAIT_S, PAGE, WAIT_S
from serving.client.parts.keys import AsyncKeyOperations
from serving.client.requests import CaseDraft, ElicitOptions, Message, TargetDraft, TargetPatch
from serving.client.targets import Elicitation, ProposedTarget, StoredBatch, Target, TargetPage, TargetPreview
from serving.client.values import CaseState, Mode, ShareSide, State


class AsyncAdminClient(AsyncKeyOperations):
    """One method per operation of the admin API; docs/client.md has examples. Raises AdminError.

    A context manager, which closes its connections. A repr shows the address and no key.

    wait_s    seconds to wait until a change is enforced everywhere, else NotApplied; None: only until it is stored
    reveal    return texts of targets instead of their lengths
    revision  change only this revision, else StaleRevision; None changes whichever is stored
    """

    async def add(
        self, draft: TargetDraft, *, reveal: bool = False, urgent: bool = False, wait_s: int | None = WAIT_S
    ) -> Target:
        """Store one target; where it takes approval, an `urgent` one is enforced before."""
        return await self._send(operations.add(draft, reveal=reveal, urgent=urgent, wait_s=wait_s))

    async def preview(self, draft: TargetDraft, *, reveal: bool = False) -> TargetPreview:
        """Return what a target would forbid, and why; nothing is stored."""
        return await self._send(operations.preview(draft, reveal=reveal))

    async def add_many(
        self, drafts: Sequence[TargetDraft], *, skip_existing: bool = False, wait_s: int | None = WAIT_S
    ) -> StoredBatch:
        """Store targets, all or none; `skip_existing` leaves out those whose kind and name are there."""
        return await self._send(operations.add_many(drafts, skip_existing=skip_existing, wait_s=wait_s))

    async def targets(
        self, *, state: State | None = None, reveal: bool = False, page: int = PAGE
    ) -> AsyncIterator[Target]:
        """Yield the targets, or those in `state`, in the order they were added, `page` asked for at a time."""
        cursor: str | None = None
        while True:
            found = await self.target_page(cursor, limit=page, state=state, reveal=reveal)
            for one in found.targets:
                yield one
            cursor = found.next_cursor
            if cursor is None:
                return

    async def target_page(
        self, cursor: str | None = None, *, limit: int = PAGE, state: State | None = None, reveal: bool = False
    ) -> TargetPage:
        """Return one page of targets; `cursor` is the `next_cursor` of the page before."""
        return await self._send(operations.target_page(cursor, limit=limit, state=state, reveal=reveal))

    async def get(self, target_id: str, *, reveal: bool = False) -> Target:
        """Return one active target."""
        return await self._send(operations.get(target_id, reveal=reveal))

    async def change(
        self,
        target_id: str,
        patch: TargetPatch,
        revision: int | None,
        *,
        reveal: bool = False,
        wait_s: int | None = WAIT_S,
    ) -> Target:
        """Change the members given of one target."""
        return await self._send(operations.change(target_id, patch, revision, reveal=reveal, wait_s=wait_s))

    async def revoke(self, target_id: str, revision: int | None = None, *, wait_s: int | None = WAIT_S) -> None:
        """Revoke one target: its texts are erased. Where that takes approval, it is enforced until then."""
        return await self._send(operations.revoke(target_id, revision, wait_s=wait_s))

    async def canary(self, target_id: str) -> Canary:
        """Return the canary share of one target, and what its verdicts say of both sides."""
        return await self._send(operations.canary(target_id))

    async def promote_target(
        self, target_id: str, revision: int | None = None, *, reveal: bool = False, wait_s: int | None = WAIT_S
    ) -> Target:
        """Enforce one target in shadow for all conversations, and end its canary share."""
        return await self._send(operations.promote_target(target_id, revision, reveal=reveal, wait_s=wait_s))

    async def proposed(self, target_id: str, *, reveal: bool = False) -> ProposedTarget:
        """Return what is proposed of one target, and how it differs from what is in force."""
        return await self._send(operations.proposed(target_id, reveal=reveal))

    async def approve(
        self, target_id: str, revision: int, *, reveal: bool = False, wait_s: int | None = WAIT_S
    ) -> Target:
        """Bring what somebody else proposes into force, as it was looked at: its `proposed.revision`."""
        return await self._send(operations.approve(target_id, revision, reveal=reveal, wait_s=wait_s))

    async def reject(self, target_id: str, revision: int, reason: str = "") -> Target:
        """Decide that what is proposed does not come into force."""
        return await self._send(operations.reject(target_id, revision, reason))

    async def elicit(
        self,
        target_id: str,
        options: ElicitOptions | None = None,
        *,
        accept: Literal["all"] | None = None,
        reveal: bool = False,
    ) -> Elicitation:
        """Start to ask the served model about one target, and return its elicitation."""
        return await self._send(operations.elicit(target_id, options or {}, accept=accept, reveal=reveal))

    async def elicitation(self, target_id: str, *, reveal: bool = False) -> Elicitation:
        """Return how far the elicitation of one target is, and what the last one found."""
        return await self._send(operations.elicitation(target_id, reveal=reveal))

    async def cancel_elicitation(self, target_id: str) -> None:
        """Cancel the elicitation of one target."""
        return await self._send(operations.cancel_elicitation(target_id))

    async def accept(
        self,
        target_id: str,
        proposals: Literal["all"] | Sequence[str],
        *,
        reveal: bool = False,
        wait_s: int | None = ACCEPT_WAIT_S,
    ) -> Target:
        """Add proposals, all or those of these ids, to one target."""
        return await self._send(operations.accept(target_id, proposals, reveal=reveal, wait_s=wait_s))

    async def train(self, targets: Literal["all"] | Sequence[str]) -> Training:
        """Queue the training of one assistant for these targets."""
        return await self._send(server_operations.train(targets))

    async def assistants(self) -> Assistants:
        """Return all assistants and trainings."""
        return await self._send(server_operations.assistants())

    async def promote(self, digest: str) -> Assistant:
        """Serve an assistant, once its files and model are checked."""
        return await self._send(server_operations.promote(digest))

    async def retire(self, digest: str) -> None:
        """Stop serving an assistant."""
        return await self._send(server_operations.retire(digest))

    async def check(
        self, asked: str | Sequence[Message], *, tags: Sequence[str] = (), canary: ShareSide | None = None
    ) -> Check:
        """Return which targets a text or conversation touches; no model is called.

        tags    policy set of the client that is to ask; empty: all targets
        canary  as in every canary share, or as in none; None: as in those that it falls in, without a key
        """
        return await self._send(operations.check(asked, tags=tags, canary=canary))

    async def try_(self, text: str, *, max_tokens: int = 256, proposed: str | None = None) -> Trial:
        """Return what a prompt is answered without and with the policy, and why; its targets count as revealed.

        `proposed` is the id of a target: what is proposed of it is tried as well.
        """
        return await self._send(operations.try_(text, max_tokens=max_tokens, proposed=proposed))

    async def policy(self) -> Policy:
        """Return the version of the registry and the version that is enforced."""
        return await self._send(operations.policy())

    async def policy_diff(
        self, older: int, newer: int, cursor: str | None = None, *, limit: int = PAGE, reveal: bool = False
    ) -> PolicyDiff:
        """Return one page of what became of the targets from one policy version to another."""
        return await self._send(operations.policy_diff(older, newer, cursor, limit=limit, reveal=reveal))

    async def rollback(self, version: int, *, dry_run: bool = False, wait_s: int | None = WAIT_S) -> Rollback:
        """Make the targets what they were at a policy version, or with `dry_run` say what that would do."""
        return await self._send(operations.rollback(version, dry_run=dry_run, wait_s=wait_s))

    async def replicas(self) -> Replicas:
        """Return the servers that share the registry, and the version that each enforces."""
        return await self._send(server_operations.replicas())

    async def events(self, *, page: int = PAGE) -> AsyncIterator[Event]:
        """Yield the events of the audit trail, oldest first."""
        cursor: int | None = None
        while True:
            found = await self.event_page(cursor, limit=page)
            for one in found.events:
                yield one
            cursor = found.next_cursor
            if cursor is None:
                return

    async def event_page(self, cursor: int | None = None, *, limit: int = PAGE) -> EventPage:
        """Return one page of the audit trail, and whether it is unaltered."""
        return await self._send(operations.event_page(cursor, limit=limit))

    async def verdicts(
        self, *, mode: Mode | None = None, target_id: str | None = None, page: int = PAGE
    ) -> AsyncIterator[Verdict]:
        """Yield which requests touched which targets, newest first."""
        cursor: int | None = None
        while True:
            found = await self.verdict_page(cursor, limit=page, mode=mode, target_id=target_id)
            for one in found.verdicts:
                yield one
            cursor = found.next_cursor
            if cursor is None:
                return

    async def verdict_page(
        self,
        cursor: int | None = None,
        *,
        limit: int = PAGE,
        mode: Mode | None = None,
        target_id: str | None = None,
    ) -> VerdictPage:
        """Return one page of verdicts, newest first."""
        return await self._send(operations.verdict_page(cursor, limit=limit, mode=mode, target_id=target_id))

    async def metrics(self) -> str:
        """Return the metrics of both planes in Prometheus' text format."""
        return await self._send(server_operations.metrics())

    async def live(self) -> Alive:
        """Return while the process answers."""
        return await self._send(server_operations.live())

    async def ready(self) -> Alive:
        """Return if requests may be answered; raises Unavailable with the reason if not."""
        return await self._send(server_operations.ready())

    async def description(self) -> dict[str, Any]:
        """Return the OpenAPI description of the admin plane."""
        return await self._send(server_operations.description())

    async def engines(self) -> Engines:
        """Return the engines of the server."""
        return await self._send(server_operations.engines())

    async def drain_engine(self, url: str, *, drained: bool = True) -> None:
        """Have one of several engines get no more requests, or get them again."""
        return await self._send(server_operations.drain_engine(url, drained=drained))

    async def checkpoints(self) -> Checkpoints:
        """Return the signed checkpoints of the audit trail."""
        return await self._send(server_operations.checkpoints())

    async def webhooks(self) -> Webhooks:
        """Return how far each webhook was told."""
        return await self._send(server_operations.webhooks())

    async def retry_webhook(self, webhook_id: str) -> Delivered:
        """Deliver the dead letters of a webhook once more."""
        return await self._send(server_operations.retry_webhook(webhook_id))

    async def cases(
        self, cursor: int = 0, *, limit: int | None = None, state: CaseState | None = None
    ) -> CasePage:
        """Return one page of cases, the first due first."""
        return await self._send(server_operations.cases(cursor, limit=limit, state=state))

    async def case(self, target_id: str) -> Case:
        """Return the case of a target."""
        return await self._send(server_operations.case(target_id))

    async def put_case(self, target_id: str, case: CaseDraft) -> Case:
        """Store when a request to forget a target came, until when it must be answered, or that it was."""
        return await self._send(server_operations.put_case(target_id, case))
