"""The plan for a conversation from its texts: detection, what the conversation supplies, and the plan."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from guard.decoding.request_args import MAX_AUTOMATA
from guard.detection.deadline import Deadline
from guard.detection.detector import Detector, Match
from guard.evidence.namesakes import shares_name
from guard.matching.automaton import Automaton
from guard.policy.exemptions import exemptions
from guard.policy.plan import Plan, PlanKind, SuppliedTarget, plan_for
from guard.policy.policy import Policy
from guard.policy.watch import Watch, WatchAction
from guard.supplied.phrases import remaining
from guard.supplied.rule import supplied
from guard.targets.passages import enforced
from guard.targets.target import ForgetTarget, Method, Mode, Scope
from guard.text.conversation import Message
from guard.text.normalise import fold

MAX_SUPPLIED_PHRASES = 2_000
"""Of a target with more phrases, whatever is supplied stays forbidden: to read it would take seconds."""


def plan_conversation(
    policy: Policy,
    detector: Detector,
    conversation: Sequence[Message],
    deadline: Deadline | None = None,
    unnamed: Callable[[], None] | None = None,
) -> Plan:
    """Return what `policy` does with a conversation; `unnamed` is what Detector.examine calls. Raises as
    Detector.detect does, and PolicyUnavailable when an automaton cannot be written."""
    matches, doubts, others = detector.examine(policy.lookup, conversation, deadline, unnamed)
    given = _supplied(policy, detector, conversation, matches, deadline)
    plan = plan_for(policy, matches, given, namesakes(policy, others))
    watched = tuple(doubt for doubt in doubts if doubt.match.mode is Mode.ENFORCE)
    return replace(plan, doubts=watched) if watched and policy.watch_action is WatchAction.ANSWER else plan


def restricted_plan(policy: Policy, plan: Plan) -> Plan | None:
    """Return a plan that declines as one under which the model answers, and says nothing of what the touched
    targets forbid, whatever their methods; None if a row cannot have as many automata. Raises PolicyUnavailable
    when one cannot be written."""
    touched = [policy.targets[match.target_id] for match in plan.matches if match.mode is Mode.ENFORCE]
    digests = list(plan.automata)
    for target in touched:
        if target.id in plan.supplied:
            digests.append(plan.supplied[target.id].digest)
        elif target.draft.scope is Scope.CONTEXTUAL and (phrases := frozenset(enforced(target))):
            digests.append(policy.contextual.get(target.id) or _written(policy, target, phrases))
    automata = tuple(dict.fromkeys(filter(None, digests)))
    if len(automata) > MAX_AUTOMATA:
        return None
    return replace(plan, kind=PlanKind.RESTRICT, automata=automata)


def namesakes(policy: Policy, target_ids: Iterable[str]) -> Mapping[str, str]:
    """Return, by target of which a conversation names a namesake, the digest of the automaton of all that it
    forbids but the name; "" if that is nothing or the target is in shadow."""
    return {id: _without_name(policy, policy.targets[id]) for id in target_ids}


def targets_said(policy: Policy, mode: Mode, texts: Iterable[str], namesakes: Collection[str]) -> frozenset[str]:
    """Return the targets of `mode` that `texts` touch; names of those in `namesakes` touch none."""
    watch = policy.watch if mode is Mode.ENFORCE else policy.shadow_watch
    automata = _automata(policy, watch)
    if namesakes:
        automata = watch.without_names([policy.targets[id] for id in namesakes], automata)
    said = frozenset[str]().union(*(watch.said(text, automata) for text in texts))
    # What is enforced for a share of conversations only is watched in shadow too.
    return frozenset(id for id in said if policy.targets[id].draft.mode is mode)


def watched_automata(policy: Policy, plan: Plan) -> tuple[Automaton, ...]:
    """Return the automata of what is looked for in the answer to a conversation that has this plan."""
    if policy.watch_action is not WatchAction.ANSWER:
        return ()
    automata = _automata(policy, policy.watch)
    if plan.namesakes:
        automata = policy.watch.without_names([policy.targets[id] for id in plan.namesakes], automata)
    return policy.watch.without(plan.supplied, automata) if plan.supplied else automata


def _automata(policy: Policy, watch: Watch) -> tuple[Automaton, ...]:
    return tuple(policy.automata[digest] for digest in watch.digests)


def _without_name(policy: Policy, target: ForgetTarget) -> str:
    if target.draft.mode is Mode.SHADOW:
        return ""
    rest = frozenset(text for text in enforced(target) if not shares_name(target, text))
    return _written(policy, target, rest) if rest else ""


def _supplied(
    policy: Policy,
    detector: Detector,
    conversation: Sequence[Message],
    matches: Sequence[Match],
    deadline: Deadline | None,
) -> Mapping[str, SuppliedTarget]:
    """Return, by target, what the conversation supplies of it, for those touched targets that allow it."""
    touched = [policy.targets[match.target_id] for match in matches if match.mode is Mode.ENFORCE]
    allowing = [
        target
        for target in touched
        if target.draft.allows_supplied and len(target.forbidden) <= MAX_SUPPLIED_PHRASES
    ]
    given = supplied(conversation) if allowing else None
    if given is None or not given.text.strip():
        return {}

    @cache
    def asked() -> frozenset[str]:
        return frozenset(match.target_id for match in detector.detect(policy.lookup, given.rest, deadline))

    found: dict[str, SuppliedTarget] = {}
    for target in allowing:
        whole = policy.contextual.get(target.id) or _written(policy, target, frozenset(enforced(target)))
        left = remaining(target, policy.automata[whole], given.text)
        if left is not None:
            # The restriction alone answers for a target that the caller does not ask about.
            is_asked = target.draft.methods == (Method.GUARD,) or target.id in asked()
            digest = _written(policy, target, left.strings) if left.strings else ""
            found[target.id] = SuppliedTarget(left.left, given.text, digest, is_asked)
    return found


def _written(policy: Policy, target: ForgetTarget, strings: frozenset[str]) -> str:
    folds = set(map(fold, strings))
    return policy.automata.write(strings, [each for each in exemptions(target) if each.phrase in folds])
