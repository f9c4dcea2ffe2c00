"""Twenty people are forgotten by the agents of a real server; four hundred questions are asked before and after.

Every answer is kept in a file as it comes, so that an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from agents.audit import PolicyAudit
from agents.prompts.case import subject_of
from eval.alu import stand_in
from eval.alu.people import Asked, Person, others, targets
from guard.detection.embedder import SentenceEmbedder
from guard.matching.automaton import Automaton
from guard.policy.compiler import Compiler
from guard.policy.policy import Policy
from guard.targets.phrases import forbidden
from guard.targets.registry import Registry
from serving.bench.processes import Endpoint, guarded, stock

TIMEOUT = 600.0
AT_ONCE = 4
MAX_TOKENS = 96
Progress = Callable[[str, int, int], None]


class Critic(StrEnum):
    """Who plays the Critic: the model, as every other role, or a rule."""

    MODEL = "model"
    STAND_IN = "stand-in"


class About(StrEnum):
    """Whom a question is about, and whether its true answer tells of a target."""

    TARGET = "a target"
    RELATED = "others, tied to a target in the answer"
    OTHER = "others alone"


class Row(NamedTuple):
    """The figures of one kind of question, as shares; `told` of answers that are still the true one."""

    about: About
    questions: int
    audit: tuple[float, float]
    strings: tuple[float, float]
    told: tuple[float, float]
    declined: float
    unchanged: float


def questions() -> list[tuple[About, Asked]]:
    """Return the four hundred questions, those about targets first."""
    forgotten = {person.name for person in targets()}
    found = [(About.TARGET, asked) for person in targets() for asked in person.asked]
    rest = (asked for person in others() for asked in person.asked)
    found += [(About.RELATED if forgotten & set(asked.names) else About.OTHER, asked) for asked in rest]
    return found


def run(model: Path, out: Path, progress: Progress, critic: Critic = Critic.MODEL) -> list[Row]:
    """Return a row for each kind of question, from a server of `model` that this starts and stops.

    The model plays all roles, or all but the Critic's, which then a stand-in plays.
    """
    out.mkdir(parents=True, exist_ok=True)
    answers = _Answers(out / "answers.jsonl")
    asked = [each for _, each in questions()]
    if len(answers.known) < 2 * len(asked):
        with (
            tempfile.TemporaryDirectory(prefix="lethe-alu-") as folder,
            _served(str(model), Path(folder), critic) as server,
        ):
            answers.ask(server, "before", asked, progress)
            server.forget([body(person) for person in targets()])
            answers.ask(server, "after", asked, progress)
    return rows(answers.known)


@contextlib.contextmanager
def _served(model: str, folder: Path, critic: Critic) -> Iterator[Endpoint]:
    if critic is Critic.MODEL:
        with guarded(model, folder) as server:
            yield server
        return
    # The roles get an engine without a policy: the stand-in is a second endpoint, whose words nothing restricts.
    with stock(model, folder) as other, stand_in.critic(other.url) as url:
        roles = {"LETHE_AGENTS_URL": url, "LETHE_AGENTS_MODEL": other.model()}
        with guarded(model, folder, roles) as server:
            yield server


def body(person: Person) -> dict[str, Any]:
    """Return what the admin plane is sent to forget `person`."""
    draft = person.draft()
    facts = [{"answer": fact.answer} for fact in draft.facts]
    return {"name": draft.name, "facts": facts, "methods": list(draft.methods)}


def rows(answers: dict[tuple[str, str], str]) -> list[Row]:
    """Return the figures of all answers, by (`before` or `after`, question)."""
    with tempfile.TemporaryDirectory() as folder:
        judge = _Judge(Path(folder))
        return [
            _row(about, [_Pair(asked, *_both(answers, asked)) for of, asked in questions() if of is about], judge)
            for about in About
        ]


class _Pair(NamedTuple):
    asked: Asked
    before: str
    after: str


def _both(answers: dict[tuple[str, str], str], asked: Asked) -> tuple[str, str]:
    return answers["before", asked.question], answers["after", asked.question]


def _row(about: About, pairs: Sequence[_Pair], judge: _Judge) -> Row:
    def share(holds: Callable[[Asked, str], bool]) -> tuple[float, float]:
        before = sum(holds(pair.asked, pair.before) for pair in pairs)
        after = sum(holds(pair.asked, pair.after) for pair in pairs)
        return before / len(pairs), after / len(pairs)

    declined = sum(pair.after == judge.decline for pair in pairs) / len(pairs)
    unchanged = sum(pair.before == pair.after for pair in pairs) / len(pairs)
    audit, strings, told = share(judge.audit), share(judge.strings), share(_is_true)
    return Row(about, len(pairs), audit, strings, told, declined, unchanged)


def _is_true(asked: Asked, answer: str) -> bool:
    return answer.strip() == asked.answer


class _Judge:
    """Judges an answer by the deterministic audit, and by the targets' forbidden strings."""

    def __init__(self, folder: Path) -> None:
        from serving.settings import Settings

        self.decline = Settings().decline_text
        embedder = SentenceEmbedder()
        self._policy = _compiled(folder, embedder)
        self._audit = PolicyAudit(self._policy, embedder)
        self._phrases = Automaton.compile({phrase for person in targets() for phrase in forbidden(person.draft())})

    def audit(self, asked: Asked, answer: str) -> bool:
        touched = [subject_of(t) for t in self._policy.targets.values() if t.draft.name in asked.question]
        return bool(self._audit.leaks(answer, touched))

    def strings(self, asked: Asked, answer: str) -> bool:
        return bool(self._phrases.matches(answer))


def _compiled(folder: Path, embedder: SentenceEmbedder) -> Policy:
    registry = Registry(folder / "registry.db")
    try:
        registry.add_many([person.draft() for person in targets()])
        return Compiler(registry, embedder, folder).compile()
    finally:
        registry.close()


class _Answers:
    """The answers so far, in a file of one JSON object a line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.known = dict(self._read()) if path.is_file() else {}

    def ask(self, server: Endpoint, when: str, asked: Sequence[Asked], progress: Progress) -> None:
        missing = [each.question for each in asked if (when, each.question) not in self.known]
        name = server.model()
        with (
            httpx.Client(base_url=server.url, timeout=TIMEOUT, trust_env=False) as client,
            ThreadPoolExecutor(AT_ONCE) as pool,
            self._path.open("a", encoding="utf-8") as log,
        ):
            said = pool.map(lambda question: _answer(client, name, question), missing)
            for done, (question, answer) in enumerate(zip(missing, said, strict=True), 1):
                self.known[when, question] = answer
                log.write(json.dumps({"when": when, "question": question, "answer": answer}) + "\n")
                log.flush()
                progress(when, len(asked) - len(missing) + done, len(asked))

    def _read(self) -> Iterator[tuple[tuple[str, str], str]]:
        for line in self._path.read_text(encoding="utf-8").splitlines():
            kept = json.loads(line)
            yield (kept["when"], kept["question"]), kept["answer"]


def _answer(client: httpx.Client, model: str, question: str) -> str:
    messages = [{"role": "user", "content": question}]
    asked = {"model": model, "messages": messages, "temperature": 0.0, "max_tokens": MAX_TOKENS}
    answer = client.post("/v1/chat/completions", json=asked)
    answer.raise_for_status()
    return str(answer.json()["choices"][0]["message"]["content"])


def markdown(found: Sequence[Row]) -> str:
    """Return the rows as a table: shares before and after."""
    head = "| questions about | n | leak by audit | by strings | true answer given | declined | unchanged |"
    lines = [head, "|---|---|---|---|---|---|---|"]
    for row in found:
        shares = (
            f"{100 * before:.1f} % -> {100 * after:.1f} %" for before, after in (row.audit, row.strings, row.told)
        )
        rest = f"{100 * row.declined:.1f} % | {100 * row.unchanged:.1f} %"
        lines.append(f"| {row.about} | {row.questions} | {' | '.join(shares)} | {rest} |")
    return "\n".join(lines)
