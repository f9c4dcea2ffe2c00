"""The plan: what is done with one conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from guard.detector import Match
from guard.policy import Policy
from guard.target import Method, Mode


class PlanKind(StrEnum):
    """`pass`: answer freely; `restrict`: answer under automata; `decline`: do not answer."""

    PASS = "pass"
    RESTRICT = "restrict"
    DECLINE = "decline"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done under policy `version`; `automata` are digests into the policy, `always` first, none twice."""

    kind: PlanKind
    automata: tuple[str, ...]
    matches: tuple[Match, ...]
    version: int


def plan_for(policy: Policy, matches: Sequence[Match]) -> Plan:
    """Return what `policy` does with a conversation that has these matches.

    Matches in shadow mode are listed and never acted upon. Decline wins over restrict; the automaton of scope
    `always` is in every plan. A target without any phrase to forbid is declined: there is nothing to restrict.
    """
    enforced = [match.target_id for match in matches if match.mode is Mode.ENFORCE]
    own = (policy.own[target] for target in enforced if target in policy.own)
    automata = tuple(dict.fromkeys(digest for digest in (policy.always, *own) if digest))
    if any(
        target not in policy.own or Method.DECLINE in policy.targets[target].draft.methods for target in enforced
    ):
        kind = PlanKind.DECLINE
    else:
        kind = PlanKind.RESTRICT if automata else PlanKind.PASS
    return Plan(kind, automata, tuple(matches), policy.version)
