"""Plans what is done with a request."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from guard.detection.calibration import Signals
from guard.detection.deadline import Deadline
from guard.detection.detector import Detector, Match, TouchedBy
from guard.detection.embedder import MAX_CALL_TEXTS
from guard.matching.automaton import Automaton
from guard.matching.near import NearTexts
from guard.patterns.value_class import ValueClass
from guard.policy.canary.share import Conversation, conversation_of
from guard.policy.conversation_plan import namesakes, plan_conversation, targets_said, watched_automata
from guard.policy.current import CurrentPolicy
from guard.policy.plan import Plan, plan_for
from guard.policy.policy import Policy
from guard.policy.sets.policies import PolicySets
from guard.policy.sets.shares import SharePolicies
from guard.policy.watch import WatchAction
from guard.targets.policy_set import ALL, PolicySet, holds_for
from guard.targets.target import ForgetTarget, Mode, Scope
from guard.text.conversation import Message
from guard.text.json_escapes import readings
from serving.planning.enforcing import Enforcing
from serving.planning.near_texts import PlanNearTexts
from serving.protocol.engine_body import WITHHELD

# Conversations of more characters are examined by at most MAX_LONG threads at a time: they take seconds, and
# reading them holds the interpreter that the others need too.
LONG_CHARS = 16_384
MAX_LONG = 4


class PlannedRequest(NamedTuple):
    """A plan, with its automata, the targets it matched, what of these must not be nearly said, and the classes of
    values that must not be said; all from the policy that it was made under."""

    plan: Plan
    automata: tuple[Automaton, ...]
    touched: Mapping[str, ForgetTarget] = MappingProxyType({})
    near: tuple[NearTexts, ...] = ()
    classes: tuple[ValueClass, ...] = ()
    policy: Policy | None = None
    watched: tuple[Automaton, ...] = ()
    conversation: tuple[Message, ...] = ()

    @property
    def watches(self) -> bool:
        """Whether what the answer says is looked at, if only to be recorded."""
        return bool(self.watched) or self.records_shadows

    @property
    def records_shadows(self) -> bool:
        """Whether what the answer says of targets in shadow is recorded."""
        policy = self.policy
        if policy is None or policy.watch_action is WatchAction.OFF:
            return False
        return bool(policy.shadow_watch.digests or policy.shadow_classes)

    @property
    def is_sharing(self) -> bool:
        """Whether targets are enforced in whose canary share the conversation falls."""
        return self.policy is not None and bool(self.policy.sharing)

    @property
    def in_doubt(self) -> bool:
        """Whether the sentences of the answer decide if the conversation is about a target."""
        return bool(self.plan.doubts) and self.plan.kind not in WITHHELD


Unnamed = Callable[[PlannedRequest], None]
Sharing = Callable[[Policy], Policy]
"""Returns the policy with the targets enforced in whose canary share a conversation falls."""


class Planner:
    """Plans requests under the policy in force. A request keeps its policy snapshot until it ends."""

    _tags: PolicySet = ALL
    _told: Conversation | None = None

    def __init__(
        self,
        current: CurrentPolicy,
        detector: Detector,
        detection_timeout: float = math.inf,
        elsewhere: Callable[[], str] = lambda: "",
        sets: PolicySets | None = None,
    ) -> None:
        """`detection_timeout` is in seconds, the wait for a thread included; `elsewhere` returns why other
        processes keep this server from answering, or an empty string; without `sets` there is no policy set."""
        self._current = current
        self._elsewhere = elsewhere
        self._detector = detector
        self._seconds = detection_timeout
        # As many threads as the embedder encodes together; long conversations never hold all of them.
        self._threads = CapacityLimiter(MAX_CALL_TEXTS)
        self._threads_for_long = CapacityLimiter(MAX_LONG)
        self._sets, self._shares = sets, SharePolicies()
        self._enforcing = Enforcing()
        self._near = PlanNearTexts()

    def under(self, tags: PolicySet) -> Planner:
        """Return the planner of a policy set, which plans under the targets alone that hold for it."""
        if tags == self._tags:
            return self
        planner = copy.copy(self)
        planner._tags = tags
        return planner

    def in_conversation(self, told: Conversation) -> Planner:
        """Return the planner of one conversation, of which `told` decides in which canary shares it falls."""
        planner = copy.copy(self)
        planner._told = told
        return planner

    def _in_force(self, policy: Policy, sharing: Sharing) -> Policy:
        return sharing(self._sets.of(policy, self._tags) if self._sets and self._tags else policy)

    def unready(self) -> str:
        """Return why no request can be planned now, or an empty string."""
        if self._current.policy is None:
            return "the policy is being compiled"
        if self._current.stale:
            return "the registry cannot be reached"
        if reason := self._elsewhere():
            return reason
        return "" if self._current.healthy else "the policy in force is older than the registry's"

    @property
    def detects(self) -> bool:
        """Whether a conversation is examined at all; PolicyUnavailable before the first policy."""
        return self._current.required().lookup.has_contextual

    def enforces_contextual(self) -> bool:
        """Return whether any target is enforced by what a conversation says; PolicyUnavailable before a policy.

        Canary shares count where it is known which conversation it is.
        """
        policy = self._current.required()
        if self._told is not None and policy.canaries.by_id:
            chosen = [policy.canaries.by_id[id].target for id in policy.canaries.sharing(self._told)]
            if any(t.draft.scope is Scope.CONTEXTUAL and holds_for(t, self._tags) for t in chosen):
                return True
        return self._enforcing.contextual(policy, self._tags)

    async def plan(self, conversation: Sequence[Message], unnamed: Unnamed | None = None) -> PlannedRequest:
        """Return the plan for `conversation`.

        Detection runs in a thread, and only if the policy has contextual targets; cancelling ends it. If the words
        of the conversation say nothing of any target, `unnamed` is called in that thread before the meaning is
        judged, with the plan that the conversation has if that says nothing either. Raises PolicyUnavailable
        before the first policy, and DetectionTimeout when detection takes too long.
        """
        told = conversation_of(conversation) if self._told is None else self._told
        return await self._plan(conversation, lambda policy: self._shares.of(policy, told), unnamed)

    async def plan_on_side(self, conversation: Sequence[Message], *, enforced: bool) -> PlannedRequest:
        """Return the plan for a conversation as if it were in every canary share, or else in none."""
        return await self._plan(conversation, lambda policy: self._shares.on_side(policy, enforced=enforced))

    async def _plan(
        self, conversation: Sequence[Message], sharing: Sharing, unnamed: Unnamed | None = None
    ) -> PlannedRequest:
        policy = self._current.required()
        self._shares.forget_but(policy.version)
        # The policy of a policy set, or of canary shares, may have to be made first.
        if self._tags or policy.canaries.by_id:
            policy = await run_sync(self._in_force, policy, sharing)
        if not policy.lookup.has_contextual:
            return self._planned(policy, plan_for(policy, ()))
        deadline = Deadline(self._seconds)
        is_long = sum(len(message.text) for message in conversation) > LONG_CHARS
        limiter = self._threads_for_long if is_long else self._threads
        try:
            return await run_sync(
                self._detect, policy, conversation, deadline, unnamed, abandon_on_cancel=True, limiter=limiter
            )
        finally:
            deadline.cancel()

    async def plan_answer(self, planned: PlannedRequest, answer: Sequence[Message]) -> PlannedRequest | None:
        """Return the plan for an answer that touches an enforced target which its request did not; else None.

        Raises as `plan` does.
        """
        known = {match.target_id for match in planned.plan.matches if match.mode is Mode.ENFORCE}
        tags, ids = (planned.policy.tags, planned.policy.sharing) if planned.policy else (ALL, frozenset[str]())
        found = await self.under(tags)._plan(answer, lambda policy: self._shares.sharing(policy, ids))
        new = any(m.mode is Mode.ENFORCE and m.target_id not in known for m in found.plan.matches)
        return found if new else None

    async def plan_said(
        self, planned: PlannedRequest, texts: Sequence[str], mode: Mode = Mode.ENFORCE
    ) -> PlannedRequest | None:
        """Return the plan with the targets of `mode` that the answer itself touches by what it says in `texts`.

        It is made under the same policy. None if it touches none but those of `planned`.
        """
        return await run_sync(self._plan_said, planned, texts, mode, limiter=self._threads)

    async def plan_sentence(self, planned: PlannedRequest, said: str) -> PlannedRequest | None:
        """Return the plan with the targets in doubt that the conversation is about, as the sentence `said` of its
        answer shows; None if it shows none. It is made under the same policy."""
        return await run_sync(self._plan_sentence, planned, said, limiter=self._threads)

    def _detect(
        self, policy: Policy, conversation: Sequence[Message], deadline: Deadline, unnamed: Unnamed | None = None
    ) -> PlannedRequest:
        def untouched() -> None:
            if unnamed is not None:
                unnamed(self._planned(policy, plan_for(policy, ())))

        plan = plan_conversation(policy, self._detector, conversation, deadline, untouched)
        return self._planned(policy, plan, tuple(conversation))

    def _planned(self, policy: Policy, plan: Plan, conversation: tuple[Message, ...] = ()) -> PlannedRequest:
        touched = {match.target_id: policy.targets[match.target_id] for match in plan.matches}
        automata = tuple(policy.automata[digest] for digest in plan.automata)
        classes = policy.classes({match.target_id for match in plan.matches if match.mode is Mode.ENFORCE})
        return PlannedRequest(
            plan,
            automata,
            touched,
            self._near.of(policy, plan),
            classes,
            policy,
            watched_automata(policy, plan),
            conversation,
        )

    def _plan_said(self, planned: PlannedRequest, texts: Sequence[str], mode: Mode) -> PlannedRequest | None:
        policy, new = planned.policy, said_targets(planned, texts, mode)
        if policy is None or not new:
            return None
        others = [target for target in new if self._names_namesake(planned, target, texts)]
        # The answer says a name or what is as good as one.
        said = (
            Match(target, 1.0, Signals(0.0, 0.0, phrases=1.0), mode, "", TouchedBy.ANSWER)
            for target in new
            if target not in others
        )
        names = {**planned.plan.namesakes, **namesakes(policy, others)}
        plan = plan_for(policy, (*planned.plan.matches, *said), planned.plan.supplied, names)
        return self._planned(policy, replace(plan, doubts=planned.plan.doubts), planned.conversation)

    def _names_namesake(self, planned: PlannedRequest, target_id: str, texts: Sequence[str]) -> bool:
        """Whether answers name a target only as its namesake, of which the request did not know yet."""
        policy = planned.policy
        if policy is None or target_id in planned.plan.namesakes:
            return False
        if not policy.targets[target_id].draft.distinguish:
            return False
        read = [readings(text) for text in texts]
        if target_id in targets_said(policy, policy.targets[target_id].draft.mode, read, {target_id}):
            return False
        return self._detector.names_namesake(policy.lookup, target_id, planned.conversation, read)

    def _plan_sentence(self, planned: PlannedRequest, said: str) -> PlannedRequest | None:
        policy, plan = planned.policy, planned.plan
        known = {match.target_id for match in plan.matches}
        doubts = [doubt for doubt in plan.doubts if doubt.match.target_id not in known]
        if policy is None or not doubts:
            return None
        found = self._detector.answered(policy.lookup, doubts, said)
        if not found:
            return None
        new = plan_for(policy, (*plan.matches, *found), plan.supplied, plan.namesakes)
        return self._planned(policy, replace(new, doubts=plan.doubts), planned.conversation)


def said_targets(planned: PlannedRequest, texts: Sequence[str], mode: Mode = Mode.ENFORCE) -> list[str]:
    """Return the targets of `mode` that `texts` touch by what they say, without those that `planned` has.

    For those in shadow, values of their classes count too.
    """
    policy = planned.policy
    if policy is None:
        return []
    read = dict.fromkeys(reading for text in texts for reading in (text, readings(text)))
    found = targets_said(policy, mode, read, planned.plan.namesakes)
    if mode is Mode.SHADOW and (ids := policy.shadow_classes):
        found = found.union(*(policy.lookup.holding(text, ids) for text in read))
    return sorted(found - {match.target_id for match in planned.plan.matches if match.mode is mode})
