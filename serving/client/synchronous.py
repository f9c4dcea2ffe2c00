"""The synchronous client of the admin plane."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from serving.client.parts.keys import KeyOperations
from serving.client.requests import CaseDraft, ElicitOptions, Message, TargetDraft, TargetPatch
from serving.client.targets import Elicitation, ProposedTarget, StoredBatch, Target, TargetPage, TargetPreview
from serving.client.values import CaseState, Mode, ShareSide, State


class AdminClient(KeyOperations):
    """One method per operation of the admin API; docs/client.md has examples. Raises AdminError.

    A context manager, which closes its connections. A repr shows the address and no key.

    wait_s    seconds to wait until a change is enforced everywhere, else NotApplied; None: only until it is stored
    reveal    return texts of targets instead of their lengths
    revision  change only this revision, else StaleRevision; None changes whichever is stored
    """

    def add(
        self, draft: TargetDraft, *, reveal: bool = False, urgent: bool = False, wait_s: int | None = WAIT_S
    ) -> Target:
        """Store one target; where it takes approval, an `urgent` one is enforced before."""
        return self._send(operations.add(draft, reveal=reveal, urgent=urgent, wait_s=wait_s))

    def preview(self, draft: TargetDraft, *, reveal: bool = False) -> TargetPreview:
        """Return what a target would forbid, and why; nothing is stored."""
        return self._send(operations.preview(draft, reveal=reveal))

    def add_many(
        self, drafts: Sequence[TargetDraft], *, skip_existing: bool = False, wait_s: int | None = WAIT_S
    ) -> StoredBatch:
        """Store targets, all or none; `skip_existing` leaves out those whose kind and name are there."""
        return self._send(operations.add_many(drafts, skip_existing=skip_existing, wait_s=wait_s))

    def targets(self, *, state: State | None = None, reveal: bool = False, page: int = PAGE) -> Iterator[Target]:
        """Yield the targets, or those in `state`, in the order they were added, `page` asked for at a time."""
        cursor: str | None = None
        while True:
            found = self.target_page(cursor, limit=page, state=state, reveal=reveal)
            yield from found.targets
            cursor = found.next_cursor
            if cursor is None:
                return

    def target_page(
        self, cursor: str | None = None, *, limit: int = PAGE, state: State | None = None, reveal: bool = False
    ) -> TargetPage:
        """Return one page of targets; `cursor` is the `next_cursor` of the page before."""
        return self._send(operations.target_page(cursor, limit=limit, state=state, reveal=reveal))

    def get(self, target_id: str, *, reveal: bool = False) -> Target:
        """Return one active target."""
        return self._send(operations.get(target_id, reveal=reveal))

    def change(
        self,
        target_id: str,
        patch: TargetPatch,
        revision: int | None,
        *,
        reveal: bool = False,
        wait_s: int | None = WAIT_S,
    ) -> Target:
        """Change the members given of one target."""
        return self._send(operations.change(target_id, patch, revision, reveal=reveal, wait_s=wait_s))

    def revoke(self, target_id: str, revision: int | None = None, *, wait_s: int | None = WAIT_S) -> None:
        """Revoke one target: its texts are erased. Where that takes approval, it is enforced until then."""
        return self._send(operations.revoke(target_id, revision, wait_s=wait_s))

    def canary(self, target_id: str) -> Canary:
        """Return the canary share of one target, and what its verdicts say of both sides."""
        return self._send(operations.canary(target_id))

    def promote_target(
        self, target_id: str, revision: int | None = None, *, reveal: bool = False, wait_s: int | None = WAIT_S
    ) -> Target:
        """Enforce one target in shadow for all conversations, and end its canary share."""
        return self._send(operations.promote_target(target_id, revision, reveal=reveal, wait_s=wait_s))

    def proposed(self, target_id: str, *, reveal: bool = False) -> ProposedTarget:
        """Return what is proposed of one target, and how it differs from what is in force."""
        return self._send(operations.proposed(target_id, reveal=reveal))

    def approve(
        self, target_id: str, revision: int, *, reveal: bool = False, wait_s: int | None = WAIT_S
    ) -> Target:
        """Bring what somebody else proposes into force, as it was looked at: its `proposed.revision`."""
        return self._send(operations.approve(target_id, revision, reveal=reveal, wait_s=wait_s))

    def reject(self, target_id: str, revision: int, reason: str = "") -> Target:
        """Decide that what is proposed does not come into force."""
        return self._send(operations.reject(target_id, revision, reason))

    def elicit(
        self,
        target_id: str,
        options: ElicitOptions | None = None,
        *,
        accept: Literal["all"] | None = None,
        reveal: bool = False,
    ) -> Elicitation:
        """Start to ask the served model about one target, and return its elicitation."""
        return self._send(operations.elicit(target_id, options or {}, accept=accept, reveal=reveal))

    def elicitation(self, target_id: str, *, reveal: bool = False) -> Elicitation:
        """Return how far the elicitation of one target is, and what the last one found."""
        return self._send(operations.elicitation(target_id, reveal=reveal))

    def cancel_elicitation(self, target_id: str) -> None:
        """Cancel the elicitation of one target."""
        return self._send(operations.cancel_elicitation(target_id))

    def accept(
        self,
        target_id: str,
        proposals: Literal["all"] | Sequence[str],
        *,
        reveal: bool = False,
        wait_s: int | None = ACCEPT_WAIT_S,
    ) -> Target:
        """Add proposals, all or those of these ids, to one target."""
        return self._send(operations.accept(target_id, proposals, reveal=reveal, wait_s=wait_s))

    def train(self, targets: Literal["all"] | Sequence[str]) -> Training:
        """Queue the training of one assistant for these targets."""
        return self._send(server_operations.train(targets))

    def assistants(self) -> Assistants:
        """Return all assistants and trainings."""
        return self._send(server_operations.assistants())

    def promote(self, digest: str) -> Assistant:
        """Serve an assistant, once its files and model are checked."""
        return self._send(server_operations.promote(digest))

    def retire(self, digest: str) -> None:
        """Stop serving an assistant."""
        return self._send(server_operations.retire(digest))

    def check(
        self, asked: str | Sequence[Message], *, tags: Sequence[str] = (), canary: ShareSide | None = None
    ) -> Check:
        """Return which targets a text or conversation touches; no model is called.

        tags    policy set of the client that is to ask; empty: all targets
        canary  as in every canary share, or as in none; None: as in those that it falls in, without a key
        """
        return self._send(operations.check(asked, tags=tags, canary=canary))

    def try_(self, text: str, *, max_tokens: int = 256, proposed: str | None = None) -> Trial:
        """Return what a prompt is answered without and with the policy, and why; its targets count as revealed.

        `proposed` is the id of a target: what is proposed of it is tried as well.
        """
        return self._send(operations.try_(text, max_tokens=max_tokens, proposed=proposed))

    def policy(self) -> Policy:
        """Return the version of the registry and the version that is enforced."""
        return self._send(operations.policy())

    def policy_diff(
        self, older: int, newer: int, cursor: str | None = None, *, limit: int = PAGE, reveal: bool = False
    ) -> PolicyDiff:
        """Return one page of what became of the targets from one policy version to another."""
        return self._send(operations.policy_diff(older, newer, cursor, limit=limit, reveal=reveal))

    def rollback(self, version: int, *, dry_run: bool = False, wait_s: int | None = WAIT_S) -> Rollback:
        """Make the targets what they were at a policy version, or with `dry_run` say what that would do."""
        return self._send(operations.rollback(version, dry_run=dry_run, wait_s=wait_s))

    def replicas(self) -> Replicas:
        """Return the servers that share the registry, and the version that each enforces."""
        return self._send(server_operations.replicas())

    def events(self, *, page: int = PAGE) -> Iterator[Event]:
        """Yield the events of the audit trail, oldest first."""
        cursor: int | None = None
        while True:
            found = self.event_page(cursor, limit=page)
            yield from found.events
            cursor = found.next_cursor
            if cursor is None:
                return

    def event_page(self, cursor: int | None = None, *, limit: int = PAGE) -> EventPage:
        """Return one page of the audit trail, and whether it is unaltered."""
        return self._send(operations.event_page(cursor, limit=limit))

    def verdicts(
        self, *, mode: Mode | None = None, target_id: str | None = None, page: int = PAGE
    ) -> Iterator[Verdict]:
        """Yield which requests touched which targets, newest first."""
        cursor: int | None = None
        while True:
            found = self.verdict_page(cursor, limit=page, mode=mode, target_id=target_id)
            yield from found.verdicts
            cursor = found.next_cursor
            if cursor is None:
                return

    def verdict_page(
        self,
        cursor: int | None = None,
        *,
        limit: int = PAGE,
        mode: Mode | None = None,
        target_id: str | None = None,
    ) -> VerdictPage:
        """Return one page of verdicts, newest first."""
        return self._send(operations.verdict_page(cursor, limit=limit, mode=mode, target_id=target_id))

    def metrics(self) -> str:
        """Return the metrics of both planes in Prometheus' text format."""
        return self._send(server_operations.metrics())

    def live(self) -> Alive:
        """Return while the process answers."""
        return self._send(server_operations.live())

    def ready(self) -> Alive:
        """Return if requests may be answered; raises Unavailable with the reason if not."""
        return self._send(server_operations.ready())

    def description(self) -> dict[str, Any]:
        """Return the OpenAPI description of the admin plane."""
        return self._send(server_operations.description())

    def engines(self) -> Engines:
        """Return the engines of the server."""
        return self._send(server_operations.engines())

    def drain_engine(self, url: str, *, drained: bool = True) -> None:
        """Have one of several engines get no more requests, or get them again."""
        return self._send(server_operations.drain_engine(url, drained=drained))

    def checkpoints(self) -> Checkpoints:
        """Return the signed checkpoints of the audit trail."""
        return self._send(server_operations.checkpoints())

    def webhooks(self) -> Webhooks:
        """Return how far each webhook was told."""
        return self._send(server_operations.webhooks())

    def retry_webhook(self, webhook_id: str) -> Delivered:
        """Deliver the dead letters of a webhook once more."""
        return self._send(server_operations.retry_webhook(webhook_id))

    def cases(self, cursor: int = 0, *, limit: int | None = None, state: CaseState | None = None) -> CasePage:
        """Return one page of cases, the first due first."""
        return self._send(server_operations.cases(cursor, limit=limit, state=state))

    def case(self, target_id: str) -> Case:
        """Return the case of a target."""
        return self._send(server_operations.case(target_id))

    def put_case(self, target_id: str, case: CaseDraft) -> Case:
        """Store when a request to forget a target came, until when it must be answered, or that it was."""
        return self._send(server_operations.put_case(target_id, case))
