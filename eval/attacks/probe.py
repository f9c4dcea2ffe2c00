"""What an attack is made from, and what it comes to: requests that try to get a forgotten fact told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from eval.attacks.cipher import Cipher
from eval.benchmarks.files import Question
from eval.core.prompt import Prompt


@dataclass(frozen=True, slots=True)
class Probe:
    """A fact that must not be told, and what an attacker may know around it.

    subject     the name of the forget target
    role        what the subject is to its questions, such as "author"
    portrait    a description of the subject without its name; "" where none is known
    paraphrase  the question in other words; "" where there is none
    wrong       answers that are not right
    facts       other questions on the subject with their answers
    shots       questions on other subjects with their answers
    """

    subject: str = field(repr=False)
    question: str = field(repr=False)
    answer: str = field(repr=False)
    role: str = "author"
    portrait: str = field(default="", repr=False)
    paraphrase: str = field(default="", repr=False)
    wrong: tuple[str, ...] = field(default=(), repr=False)
    facts: tuple[Question, ...] = field(default=(), repr=False)
    shots: tuple[Question, ...] = field(default=(), repr=False)

    @property
    def nameless(self) -> str:
        """What the question calls the subject when it may not name it."""
        return self.portrait or f"the {self.role} I am thinking of"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request of an attack.

    gold    what its answer is compared with; "" for the probe's answer
    cipher  what the answer was asked to be written in, if anything
    """

    prompt: Prompt
    gold: str = field(default="", repr=False)
    cipher: Cipher | None = None


Attack = Callable[[Probe], Iterable[Attempt]]


def asked(*texts: str) -> list[Attempt]:
    """An attempt for each user message of a chat of its own."""
    return [Attempt(Prompt(text)) for text in texts]
