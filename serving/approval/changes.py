"""Makes the changes of targets that callers ask for: at once, or as proposals that wait for a second person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from guard.errors import AlreadyProposed, DuplicateTarget, InvalidTarget, StaleRevision, UnknownTarget
from guard.registry.approval.proposed import ChangeKind, ProposedChange
from guard.registry.approval.rule import Approval
from guard.registry.drafts import Added, DraftStanding
from guard.registry.history.versions import Step
from guard.registry.registry import Registry
from guard.targets.target import Draft, ForgetTarget, State
from serving.access.rights import Caller, NeedsApprover, Right


class WentBack(NamedTuple):
    """What was done on the way back to a policy version: targets as they are now, ids of those whose change was
    proposed, and ids of those of which another change waits."""

    targets: list[ForgetTarget]
    proposed: list[str]
    refused: list[str]


def is_enforced(draft: Draft) -> bool:
    """Whether a target like this changes answers, if only those of its canary share."""
    return draft.changes_answers


@dataclass(frozen=True, slots=True)
class TargetChanges:
    """Changes targets for a caller, if their rights allow it. Its methods block.

    By the registry's rule, what changes answers may wait for a second person, whatever the rights of the first;
    targets in shadow, which change none, do not wait. The rule is read for each change, as any server may have
    asked for it since; where it changes until the change is made, that is refused with StaleRevision.
    """

    registry: Registry

    @property
    def rule(self) -> Approval:
        """The registry's rule by now."""
        return self.registry.approvals.rule.read()

    @property
    def four_eyes(self) -> bool:
        """Whether it takes a second person by now."""
        return self.rule is Approval.FOUR_EYES

    def require(self, caller: Caller, drafts: Sequence[Draft]) -> None:
        """Raise NeedsApprover where the caller may not bring about such a change, nor propose it."""
        if not self.four_eyes:
            caller.require_enforce(drafts)

    def may_change(self, caller: Caller, draft: Draft) -> bool:
        """Return whether the caller may change a target like this, or propose how."""
        return caller.may(Right.EDIT) if self.four_eyes else caller.may_change(draft)

    def add(self, caller: Caller, drafts: Sequence[Draft], *, skip_existing: bool = False) -> Added:
        """Store new targets, all or none; those that wait for approval are in the state `proposed`."""
        rule = self.rule
        if rule is Approval.FOUR_EYES:
            approvals = self.registry.approvals
            return approvals.add(drafts, caller.person, is_enforced, skip_existing=skip_existing)
        caller.require_enforce(drafts)
        if skip_existing:
            return self.registry.add_missing(drafts, rule)
        return Added(self.registry.add_many(drafts, rule), [])

    def standings(self, drafts: Sequence[Draft]) -> Sequence[DraftStanding]:
        """Return what would become of each draft in `add`, existing ones skipped."""
        return (self.registry.approvals if self.four_eyes else self.registry).standings(drafts)

    def add_one(self, caller: Caller, draft: Draft, *, urgent: bool = False) -> ForgetTarget:
        """Store one new target; an urgent one is in force while it waits, for who may approve others."""
        rule = self.rule
        four_eyes = rule is Approval.FOUR_EYES
        if urgent and four_eyes:
            caller.require(Right.ENFORCE)
            return self.registry.approvals.add_one(draft, caller.person, urgent=True)
        if four_eyes and is_enforced(draft):
            return self.registry.approvals.add_one(draft, caller.person)
        if not four_eyes:
            caller.require_enforce([draft])
        return self.registry.add(draft, rule)

    def change(self, caller: Caller, current: ForgetTarget, draft: Draft) -> ForgetTarget:
        """Have a target become `draft`, or propose it; return the target as it stands then.

        A target that is like this already stays as it is, and so does what is proposed of it.
        """
        rule = self.rule
        waits = _waits(current, draft, rule)
        if not waits:
            caller.require_enforce([current.draft, draft])
        if draft == current.draft:
            return current
        if waits:
            return self.registry.approvals.propose(current.id, draft, current.revision, caller.person)
        return self.registry.change(current.id, draft, current.revision, rule)

    def revoke(self, caller: Caller, current: ForgetTarget, *, is_exact: bool) -> ForgetTarget:
        """End a target, or propose its end; return what is left of it, or the target that is still in force.

        `is_exact`: only at the revision of `current`.
        """
        if current.state is State.PROPOSED:
            return self.reject(caller, current.id, current.revision)
        rule = self.rule
        if _waits(current, current.draft, rule):
            change = self.registry.approvals.change(current.id)
            if change and is_unconfirmed(change, current):
                return self.reject(caller, current.id, change.revision)
            return self.registry.approvals.propose(current.id, None, current.revision, caller.person)
        caller.require_enforce([current.draft])
        # Nobody ends alone, or without the right to, a target that was enforced meanwhile.
        exactly = is_exact or rule is Approval.FOUR_EYES or not caller.may(Right.ENFORCE)
        return self.registry.revoke(current.id, current.revision if exactly else None, rule)

    def go_back(self, caller: Caller, steps: Sequence[Step], dry_run: bool = False) -> WentBack:
        """Take the steps of a way back to a policy version, or propose those that wait for approval.

        Those that do not wait are taken first, under one policy version. `dry_run`: nothing is changed.
        """
        waiting: list[Step] = []
        direct: list[Step] = []
        rule = self.rule
        for step in steps:
            waits = _waits(step.target, (step.meant or step.target).draft, rule)
            (waiting if waits else direct).append(step)
        caller.require_enforce(step.target.draft for step in direct)
        if dry_run:
            ended = [
                replace(one.target, state=State.REVOKED) if one.meant is None else one.target for one in direct
            ]
            return WentBack(ended, [one.target.id for one in waiting], [])
        done = WentBack(self.registry.versions.go_back(direct, rule) if direct else [], [], [])
        for target, meant in waiting:
            try:
                draft = meant.draft if meant else None
                self.registry.approvals.propose(target.id, draft, target.revision, caller.person)
                done.proposed.append(target.id)
            except (AlreadyProposed, DuplicateTarget, InvalidTarget, StaleRevision, UnknownTarget):
                # Others are proposed by now: one that has changed or ended meanwhile does not stop the rest.
                done.refused.append(target.id)
        return done

    def approve(self, caller: Caller, target_id: str, revision: int) -> ForgetTarget:
        """Bring what is proposed at this revision into force."""
        caller.require(Right.ENFORCE)
        return self.registry.approvals.approve(target_id, revision, caller.person)

    def reject(self, caller: Caller, target_id: str, revision: int, reason: str = "") -> ForgetTarget:
        """Decide that what is proposed at this revision does not come into force; who proposed it may do so."""
        change = self.registry.approvals.change(target_id)
        if change and change.proposer.identity != caller.person.identity and not caller.may(Right.ENFORCE):
            raise NeedsApprover("what others propose is rejected by approvers")
        return self.registry.approvals.reject(target_id, revision, caller.person, reason)


def _waits(current: ForgetTarget, draft: Draft, rule: Approval) -> bool:
    if current.state is State.PROPOSED:
        return True
    return rule is Approval.FOUR_EYES and (is_enforced(current.draft) or is_enforced(draft))


def is_unconfirmed(change: ProposedChange, target: ForgetTarget) -> bool:
    """Whether a target in force was urgent, and waits to be confirmed."""
    return change.is_open and change.kind is ChangeKind.ADD and target.state is State.ACTIVE
