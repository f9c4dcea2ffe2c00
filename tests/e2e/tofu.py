"""TOFU's authors as forget targets, read from the benchmark's files."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guard.matching.automaton import Automaton
from guard.matching.escape_scanner import EscapeScanner
from guard.matching.near import NearScanner
from guard.policy.exemptions import exemptions
from guard.registry.drafts import new_target
from guard.targets.near import near_texts
from guard.targets.passages import enforced
from guard.targets.target import Draft, Fact, ForgetTarget
from tests.e2e.server import rows

ROWS_PER_AUTHOR = 20
NAME = re.compile(r"[A-Z][\w-]+(?: (?:[A-Z][\w-]+))+")


@dataclass(frozen=True)
class Author:
    """One author: the twenty questions about them, and the answers."""

    facts: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """The run of capitalised words that most of the questions and answers share."""
        text = (re.sub(r"'s\b", "", part) for fact in self.facts for part in fact)
        runs = Counter(run for part in text for run in set(NAME.findall(part)))
        return runs.most_common(1)[0][0]

    @property
    def questions(self) -> list[str]:
        return [question for question, _ in self.facts]

    @property
    def answers(self) -> list[str]:
        return [answer for _, answer in self.facts]

    def target(self, **more: Any) -> dict[str, Any]:
        """The forget target an operator would post for this author."""
        facts = [{"question": question, "answer": answer} for question, answer in self.facts]
        return {"name": self.name, "kind": "person", "facts": facts, **more}

    def stored(self) -> ForgetTarget:
        """The same as the registry makes of it."""
        facts = tuple(Fact(question=question, answer=answer) for question, answer in self.facts)
        return new_target(Draft(name=self.name, facts=facts))

    def automaton(self) -> Automaton:
        """What is enforced for the author: the phrases, and the other ways to write them."""
        target = self.stored()
        return Automaton.forbidding(enforced(target), exemptions(target))

    def released(self, text: str) -> str:
        """What a server releases of an answer under the mask: all but what nearly says a long phrase."""
        scanner = NearScanner(EscapeScanner([self.automaton()]), [near_texts(self.stored())])
        return scanner.feed(text) + scanner.finish()


def authors(file: Path) -> list[Author]:
    """All authors of a TOFU split, in file order."""
    pairs = [(row["question"], row["answer"]) for row in rows(file)]
    return [Author(tuple(pairs[i : i + ROWS_PER_AUTHOR])) for i in range(0, len(pairs), ROWS_PER_AUTHOR)]
