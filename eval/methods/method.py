"""The methods that are compared: what each does to a prompt, and to the text that comes back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from eval.core.ask import Ask, Decoding, conversation
from eval.core.errors import BadRun
from eval.methods.detector_gate import Gate
from guard.matching.automaton import Automaton
from guard.policy.plan import PlanKind
from serving.settings import DECLINE_TEXT

_ICU = (
    "You are an AI Assistant who is supposed to unlearn about {} and provide answers without its knowledge as if"
    " you never knew about it. Don’t tell anyone that you unlearned anything.\n"
)

_FILTERED = "no likelihood: the filter acts on finished text"
_REFUSED = "no likelihood: a fixed refusal is no distribution"
_REWOUND = "no likelihood: an answer taken back is no distribution; that of its tokens is guard's"
_SEARCHED = "no likelihood: a search is no distribution; that of its tokens is guard's"
_COMPOSED = "no likelihood: agents decide on finished text"


class MethodName(StrEnum):
    """none      the model as it is
    icu       RWKU's prompt before every question, naming all targets
    keyword   a filter on the finished answer: one that holds a forbidden phrase of any target becomes the refusal
    decline   the detector's gate, and the refusal behind it
    guard     the detector's gate, and restricted decoding behind it
    guard-rewind  the same, an answer that heads into a phrase begun anew, as the server does
    guard-beam  the same with GUARD's beam search instead of greedy decoding
    uld       the detector's gate, and an assistant's knowledge subtracted behind it
    dd-linear, dd-rank  the same gate, and Divergence Decoding's two rules behind it
    alu       the server's agents; through an endpoint alone
    """

    NONE = "none"
    ICU = "icu"
    KEYWORD = "keyword"
    DECLINE = "decline"
    GUARD = "guard"
    GUARD_REWIND = "guard-rewind"
    GUARD_BEAM = "guard-beam"
    ULD = "uld"
    DD_LINEAR = "dd-linear"
    DD_RANK = "dd-rank"
    ALU = "alu"


DIFFERENCES = frozenset({MethodName.ULD, MethodName.DD_LINEAR, MethodName.DD_RANK})
"""The methods that change the distribution by that of other models, see eval.methods.extra_models."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """What becomes of one prompt: how it is asked, or the `reply` that is given without asking."""

    ask: Ask
    plan: str = "pass"
    reply: str | None = field(default=None, repr=False)


class Method(Protocol):
    """Suppression as an evaluation sees it.

    `no_likelihood` says why the served distribution of answers cannot be scored; "" when it can.
    """

    @property
    def no_likelihood(self) -> str: ...

    def treat(self, ask: Ask, seen: str) -> Treatment:
        """What becomes of `ask`; `seen` is all that a detector would read of the request."""
        ...

    def finish(self, text: str) -> str:
        """The finished answer as it leaves."""
        ...


@dataclass(frozen=True, slots=True)
class Unprotected:
    """The model as it is; with `plan` "server", an endpoint that does what is to be done itself."""

    plan: str = "pass"
    no_likelihood: str = ""

    def treat(self, ask: Ask, seen: str) -> Treatment:
        return Treatment(ask, self.plan)

    def finish(self, text: str) -> str:
        return text


@dataclass(frozen=True, slots=True)
class Icu:
    """A prompt that asks the model to forget, put before every user text: it has no detector."""

    names: Sequence[str] = field(repr=False)
    no_likelihood: str = ""

    def treat(self, ask: Ask, seen: str) -> Treatment:
        return Treatment(replace(ask, text=_ICU.format(", ".join(self.names)) + ask.text))

    def finish(self, text: str) -> str:
        return text


class Keyword:
    """A filter on finished answers, without a detector: one that holds any of the words becomes the refusal."""

    no_likelihood = _FILTERED

    def __init__(self, words: Collection[str]) -> None:
        self._automaton = Automaton.compile(words)

    def treat(self, ask: Ask, seen: str) -> Treatment:
        return Treatment(ask)

    def finish(self, text: str) -> str:
        return DECLINE_TEXT if self._automaton.matches(text) else text

    def let_through(self, text: str) -> str:
        """What a client of a stream has when the filter, which reads along, stops it before a word is whole."""
        found = self._automaton.matches(text)
        return text[: found[0].end - 1] if found else text


@dataclass(frozen=True, slots=True)
class Decline:
    """The fixed refusal to every prompt that touches a target."""

    gate: Gate
    no_likelihood: str = _REFUSED

    def treat(self, ask: Ask, seen: str) -> Treatment:
        touched = bool(self.gate.judge(conversation(ask, seen)).matches)
        return Treatment(ask, "decline", DECLINE_TEXT) if touched else Treatment(ask)

    def finish(self, text: str) -> str:
        return text


@dataclass(frozen=True, slots=True)
class Guard:
    """Restricted decoding of every prompt that touches a target: its phrases are masked at every position."""

    gate: Gate
    no_likelihood: str = ""
    decoding: Decoding = Decoding.GREEDY

    def treat(self, ask: Ask, seen: str) -> Treatment:
        plan = self.gate.judge(conversation(ask, seen))
        decoding = self.decoding if plan.kind is PlanKind.RESTRICT else Decoding.GREEDY
        return Treatment(replace(ask, digests=plan.automata, decoding=decoding), plan.kind.value)

    def finish(self, text: str) -> str:
        return text


@dataclass(frozen=True, slots=True)
class Differing:
    """Logit difference on every prompt that touches a target."""

    gate: Gate
    name: MethodName
    no_likelihood: str = ""

    def treat(self, ask: Ask, seen: str) -> Treatment:
        touched = bool(self.gate.judge(conversation(ask, seen)).matches)
        return Treatment(replace(ask, difference=self.name.value), "subtract") if touched else Treatment(ask)

    def finish(self, text: str) -> str:
        return text


def method(name: MethodName, gate: Gate) -> Method:
    """The method of this name, for the targets of `gate`; BadRun for one that only a server has."""
    match name:
        case MethodName.NONE:
            return Unprotected()
        case MethodName.ICU:
            return Icu(gate.names)
        case MethodName.KEYWORD:
            return Keyword(gate.phrases)
        case MethodName.DECLINE:
            return Decline(gate)
        case MethodName.GUARD:
            return Guard(gate)
        case MethodName.GUARD_REWIND:
            return Guard(gate, _REWOUND, Decoding.REWIND)
        case MethodName.GUARD_BEAM:
            return Guard(gate, _SEARCHED, Decoding.BEAM)
        case MethodName.ULD | MethodName.DD_LINEAR | MethodName.DD_RANK:
            return Differing(gate, name)
        case MethodName.ALU:
            raise BadRun("the agents are a server's: alu is replayed through an endpoint alone")


def no_likelihood(name: MethodName) -> str:
    """Why a method has no likelihood; "" when it has one."""
    reasons = {
        MethodName.KEYWORD: _FILTERED,
        MethodName.DECLINE: _REFUSED,
        MethodName.GUARD_REWIND: _REWOUND,
        MethodName.GUARD_BEAM: _SEARCHED,
        MethodName.ALU: _COMPOSED,
    }
    return reasons.get(name, "")
