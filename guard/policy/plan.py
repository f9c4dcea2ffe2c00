"""The plan: what is done with one conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from guard.decoding.request_args import MAX_AUTOMATA, MAX_BIASES, Subtraction
from guard.detection.detector import Doubt, Match
from guard.policy.policy import Policy
from guard.policy.watch import WatchAction
from guard.targets.target import Decoder, Method, Mode


class PlanKind(StrEnum):
    """`pass`: answer freely; `restrict`: under automata; `subtract`: under automata, with an assistant subtracted;
    `agents`: the agents answer; `decline`: do not answer."""

    PASS = "pass"
    RESTRICT = "restrict"
    SUBTRACT = "subtract"
    AGENTS = "agents"
    DECLINE = "decline"


@dataclass(frozen=True, slots=True)
class SuppliedTarget:
    """What a conversation supplies of a touched target.

    left    the phrases that left the restriction
    text    what the conversation supplies, of all targets
    digest  of the automaton of what stays forbidden, "" if that is nothing
    asked   whether the conversation touches it by more than what it supplies, as far as its methods depend on that
    """

    left: tuple[str, ...] = field(repr=False)
    text: str = field(repr=False)
    digest: str
    asked: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done under policy `version`; `automata` are distinct digests into the policy, `always` first.

    `subtraction` is the assistant of the best match that has one; the other matches are restricted all the same.
    `decoder` is beam if the plan restricts and any of its targets asks for that; `biases` are the digests of its
    targets' soft matches; `supplied` has what the conversation itself says, by target; `doubts` are the enforced
    targets for which the answer is read sentence by sentence; `namesakes` has, by target of which only a namesake
    is named, the digest of what stays forbidden, "" for nothing; `policy_set` is the id of the policy's.
    """

    kind: PlanKind
    automata: tuple[str, ...]
    matches: tuple[Match, ...]
    version: int
    subtraction: Subtraction | None = None
    decoder: Decoder = Decoder.SAMPLE
    biases: tuple[str, ...] = ()
    supplied: Mapping[str, SuppliedTarget] = field(default_factory=dict)
    doubts: tuple[Doubt, ...] = ()
    namesakes: Mapping[str, str] = field(default_factory=dict)
    policy_set: str = ""

    @property
    def is_touched(self) -> bool:
        """Whether the conversation touches a target that is enforced."""
        return any(match.mode is Mode.ENFORCE for match in self.matches)


def plan_for(
    policy: Policy,
    matches: Sequence[Match],
    supplied: Mapping[str, SuppliedTarget] | None = None,
    namesakes: Mapping[str, str] | None = None,
) -> Plan:
    """Return what `policy` does with a conversation that has these matches, best first.

    Matches in shadow mode are listed and never acted upon. Decline wins over agents, agents over subtraction, and
    subtraction over restriction; the always-on automata are in every plan, and the watch's where it masks. A
    target that can be neither restricted nor subtracted nor given to the agents is declined: nothing else can be
    done. So is a conversation that needs more automata or biases than a row can have.

    A target of which the conversation supplies something (`supplied`) is restricted without that; one that is not
    asked about besides is restricted alone, whatever its methods are.
    """
    given = supplied or {}
    enforced = [match.target_id for match in matches if match.mode is Mode.ENFORCE]
    asked = [target for target in enforced if target not in given or given[target].asked]
    contextual = (digest for target in enforced if (digest := _restriction(policy, given, target)))
    soft = [policy.soft[target] for target in enforced if target in policy.soft]
    near = (each.words for each in soft if each.words)
    masked = policy.watch.digests if policy.watch_action is WatchAction.MASK else ()
    others = namesakes or {}
    besides = filter(None, others.values())
    automata = tuple(dict.fromkeys((*policy.always.digests, *masked, *contextual, *besides, *near)))
    biases = tuple(dict.fromkeys(each.bias for each in soft if each.bias))
    subtraction = next((_subtraction(policy, target) for target in asked if target in policy.assistants), None)
    restricted = bool(automata or policy.classes(enforced))
    kind = _kind(policy, asked, restricted, subtraction)
    if len(automata) > MAX_AUTOMATA or len(biases) > MAX_BIASES:
        kind, automata, biases = PlanKind.DECLINE, (*policy.always.digests, *masked), ()
    beam = any(policy.targets[target].draft.decoder is Decoder.BEAM for target in enforced)
    decoder = Decoder.BEAM if beam and kind is PlanKind.RESTRICT else Decoder.SAMPLE
    return Plan(
        kind,
        automata,
        tuple(matches),
        policy.version,
        subtraction,
        decoder,
        biases,
        given,
        namesakes=others,
        policy_set=policy.set_id,
    )


def _restriction(policy: Policy, given: Mapping[str, SuppliedTarget], target: str) -> str:
    """Return the digest of what is forbidden of a touched target, "" for nothing."""
    if target in given:
        return given[target].digest
    return policy.contextual.get(target, "")


def _kind(policy: Policy, enforced: Sequence[str], restricted: bool, subtraction: Subtraction | None) -> PlanKind:
    methods = {target: policy.targets[target].draft.methods for target in enforced}
    if any(Method.DECLINE in methods[target] or not _can_answer(policy, target) for target in enforced):
        return PlanKind.DECLINE
    if any(Method.ALU in methods[target] for target in enforced):
        return PlanKind.AGENTS
    if subtraction is not None:
        return PlanKind.SUBTRACT
    return PlanKind.RESTRICT if restricted else PlanKind.PASS


def _can_answer(policy: Policy, target: str) -> bool:
    by_agents = Method.ALU in policy.targets[target].draft.methods
    has_classes = target in policy.lookup.classes
    return target in policy.contextual or target in policy.assistants or by_agents or has_classes


def _subtraction(policy: Policy, target: str) -> Subtraction:
    draft = policy.targets[target].draft
    return Subtraction(policy.assistants[target], draft.alpha, draft.filter_rate)
