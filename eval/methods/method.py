"""The methods that are compared: what each does to a prompt before generation, and to the finished answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Protocol

from eval.core.errors import BadRun
from eval.core.prompt import Decoding, Prompt, conversation
from eval.methods.detector_gate import Gate
from guard.matching.automaton import Automaton
from guard.policy.plan import PlanKind
from serving.settings import DECLINE_TEXT

_ICU = (
    "You are an AI Assistant who is supposed to unlearn about {} and provide answers without its knowledge as if"
    " you never knew about it. Don’t tell anyone that you unlearned anything.\n"
)


class MethodName(StrEnum):
    """none          the model as it is
    icu           RWKU's prompt before every question, naming all targets
    keyword       a filter on the finished answer: one with a forbidden phrase of any target becomes the refusal
    decline       the detector gate, then the fixed refusal
    guard         the detector gate, then constrained decoding
    guard-rewind  the same with backtracking, as the server does
    guard-beam    the same with GUARD's beam search instead of greedy decoding
    uld           the detector gate, then an assistant's logits subtracted
    guard-uld     the same, and then constrained decoding, as the server does
    dd-linear     the detector gate, then Divergence Decoding's linear rule
    dd-rank       the detector gate, then Divergence Decoding's rank rule
    alu           the server's agents; with an endpoint only
    """

    NONE = "none"
    ICU = "icu"
    KEYWORD = "keyword"
    DECLINE = "decline"
    GUARD = "guard"
    GUARD_REWIND = "guard-rewind"
    GUARD_BEAM = "guard-beam"
    ULD = "uld"
    GUARD_ULD = "guard-uld"
    DD_LINEAR = "dd-linear"
    DD_RANK = "dd-rank"
    ALU = "alu"


ASSISTED: Final = frozenset({MethodName.ULD, MethodName.GUARD_ULD})
"""The methods that subtract an assistant."""
DIFFERENCES: Final = ASSISTED | {MethodName.DD_LINEAR, MethodName.DD_RANK}
"""The methods of logit difference, which combine the model with extra ones; see LogitDifferenceOptions."""

NO_LIKELIHOOD: Final[Mapping[MethodName, str]] = dict.fromkeys(MethodName, "") | {
    MethodName.KEYWORD: "no likelihood: the filter acts on finished text",
    MethodName.DECLINE: "no likelihood: a fixed refusal is no distribution",
    MethodName.GUARD_REWIND: (
        "no likelihood: an answer taken back is no distribution; that of its tokens is guard's"
    ),
    MethodName.GUARD_BEAM: "no likelihood: a search is no distribution; that of its tokens is guard's",
    MethodName.ALU: "no likelihood: agents decide on finished text",
}
"""By method: why given answers have no likelihood under it; "" where they have one."""


@dataclass(frozen=True, slots=True)
class PreparedPrompt:
    """The prompt to generate from, or the fixed `reply` that is returned without generation."""

    prompt: Prompt
    plan: str = "pass"
    reply: str | None = field(default=None, repr=False)


class Method(Protocol):
    """Suppression around a model.

    `no_likelihood` is the reason why given answers cannot be scored; "" when they can.
    """

    @property
    def no_likelihood(self) -> str: ...

    def prepare(self, prompt: Prompt, detector_text: str) -> PreparedPrompt:
        """Return the prompt to generate from; `detector_text` is what a detector reads as the user's message."""
        ...

    def finish(self, text: str) -> str:
        """Return the finished answer as it is served."""
        ...


@dataclass(frozen=True, slots=True)
class Unprotected:
    """The model as it is; with `plan` "server", an endpoint that applies a method of its own."""

    plan: str = "pass"
    no_likelihood: str = ""

    def prepare(self, prompt: Prompt, detector_text: str) -> PreparedPrompt:
        return PreparedPrompt(prompt, self.plan)

    def finish(self, text: str) -> str:
        return text


@dataclass(frozen=True, slots=True)
class Icu:
    """In-context unlearning: a prompt that asks the model to forget, before every user text; no detector."""

    names: Sequence[str] = field(repr=False)
    no_likelihood: str = ""

    def prepare(self, prompt: Prompt, detector_text: str) -> PreparedPrompt:
        return PreparedPrompt(replace(prompt, text=_ICU.format(", ".join(self.names)) + prompt.text))

    def finish(self, text: str) -> str:
        return text


class Keyword:
    """A filter on finished answers, without a detector: an answer with any of the phrases becomes the refusal."""

    no_likelihood = NO_LIKELIHOOD[MethodName.KEYWORD]

    def __init__(self, phrases: Collection[str]) -> None:
        self._automaton = Automaton.forbidding(phrases)

    def prepare(self, prompt: Prompt, detector_text: str) -> PreparedPrompt:
        return PreparedPrompt(prompt)

    def finish(self, text: str) -> str:
        return DECLINE_TEXT if self._automaton.matches(text) else text

    def prefix_before_match(self, text: str) -> str:
        """Return what a client of a stream has received when the filter stops it before a phrase is complete."""
        found = self._automaton.matches(text)
        return text[: found[0].end - 1] if found else text


@dataclass(frozen=True, slots=True)
class Decline:
    """The fixed refusal to every prompt that matches a target."""

    gate: Gate
    no_likelihood: str = NO_LIKELIHOOD[MethodName.DECLINE]

    def prepare(self, prompt: Prompt, detector_text: str) -> PreparedPrompt:
        matched = bool(self.gate.plan(conversation(prompt, detector_text)).matches)
        return PreparedPrompt(prompt, "decline", DECLINE_TEXT) if matched else PreparedPrompt(prompt)

    def finish(self, text: str) -> str:
        return text


@dataclass(frozen=True, slots=True)
class Guard:
    """Constrained decoding of every prompt that matches a target: its phrases are masked at every position.

    With `difference` an assistant is subtracted before.
    """

    gate: Gate
    no_likelihood: str = ""
    decoding: Decoding = Decoding.GREEDY
    difference: str = ""

    def prepare(self, prompt: Prompt, detector_text: str) -> PreparedPrompt:
        plan = self.gate.plan(conversation(prompt, detector_text))
        if plan.kind is not PlanKind.RESTRICT:
            return PreparedPrompt(replace(prompt, digests=plan.automata), plan.kind.value)
        restricted = replace(prompt, digests=plan.automata, decoding=self.decoding, difference=self.difference)
        return PreparedPrompt(restricted, plan.kind.value)

    def finish(self, text: str) -> str:
        return text


@dataclass(frozen=True, slots=True)
class LogitDifference:
    """Logit difference on every prompt that matches a target."""

    gate: Gate
    name: MethodName
    no_likelihood: str = ""

    def prepare(self, prompt: Prompt, detector_text: str) -> PreparedPrompt:
        matched = bool(self.gate.plan(conversation(prompt, detector_text)).matches)
        return (
            PreparedPrompt(replace(prompt, difference=self.name.value), "subtract")
            if matched
            else PreparedPrompt(prompt)
        )

    def finish(self, text: str) -> str:
        return text


def method(name: MethodName, gate: Gate) -> Method:
    """Return the method of this name for the targets of `gate`; raises BadRun for one that only a server has."""
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
            return Guard(gate, NO_LIKELIHOOD[name], Decoding.BACKTRACK)
        case MethodName.GUARD_BEAM:
            return Guard(gate, NO_LIKELIHOOD[name], Decoding.BEAM)
        case MethodName.GUARD_ULD:
            return Guard(gate, difference=MethodName.ULD.value)
        case MethodName.ULD | MethodName.DD_LINEAR | MethodName.DD_RANK:
            return LogitDifference(gate, name)
        case MethodName.ALU:
            raise BadRun("the agents are a server's: alu is replayed through an endpoint alone")
