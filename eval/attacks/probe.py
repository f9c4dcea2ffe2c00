"""Probes and attempts: an attack turns a forgotten fact into requests that try to extract it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from eval.attacks.cipher import Cipher
from eval.benchmarks.files import Question
from eval.core.prompt import Prompt


@dataclass(frozen=True, slots=True)
class AttackProbe:
    """A fact that must not be told, and what an attacker may know about it.

    subject        name of the forget target
    role           what the questions call the subject, such as "author"
    description    a description of the subject without its name; "" if none is known
    paraphrase     the question in other words; "" if there is none
    wrong_answers  wrong answers to the question
    facts          other questions about the subject, with answers
    shots          questions about other subjects, with answers
    """

    subject: str = field(repr=False)
    question: str = field(repr=False)
    answer: str = field(repr=False)
    role: str = "author"
    description: str = field(default="", repr=False)
    paraphrase: str = field(default="", repr=False)
    wrong_answers: tuple[str, ...] = field(default=(), repr=False)
    facts: tuple[Question, ...] = field(default=(), repr=False)
    shots: tuple[Question, ...] = field(default=(), repr=False)

    @property
    def nameless(self) -> str:
        """Return what to call the subject without its name."""
        return self.description or f"the {self.role} I am thinking of"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request of an attack.

    gold    the text to compare the answer with; "" for the probe's answer
    cipher  the cipher that the answer is requested in, if any
    """

    prompt: Prompt
    gold: str = field(default="", repr=False)
    cipher: Cipher | None = None


Attack = Callable[[AttackProbe], Iterable[Attempt]]


def chat_attempts(*texts: str) -> list[Attempt]:
    """Return an attempt for each text, as the only message of a chat."""
    return [Attempt(Prompt(text)) for text in texts]
