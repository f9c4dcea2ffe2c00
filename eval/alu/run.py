"""Evaluates the agents of a real server: twenty people to forget, four hundred questions before and after.

Every answer is written to a file as it arrives, so that an interrupted run resumes where it stopped.
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
from agents.prompts.exchange import summary_of
from eval.alu.people import KnownQuestion, Person, others, targets
from eval.alu.rule_critic import serve_rule_critic
from guard.detection.embedder import SentenceEmbedder
from guard.matching.automaton import Automaton
from guard.policy.compiler import Compiler
from guard.policy.policy import Policy
from guard.registry.registry import Registry
from guard.targets.phrases import forbidden
from serving.bench.processes import Endpoint, guarded, stock

TIMEOUT_S = 600.0
MAX_CONCURRENCY = 4
MAX_TOKENS = 96
RunProgress = Callable[[str, int, int], None]


class Critic(StrEnum):
    """Who plays the Critic: the model, like every other role, or a rule."""

    MODEL = "model"
    RULE = "stand-in"


class QuestionKind(StrEnum):
    """Whom a question is about, and whether its true answer tells of a target."""

    TARGET = "a target"
    RELATED = "others, tied to a target in the answer"
    OTHER = "others alone"


class AluRow(NamedTuple):
    """The results of one kind of question, as shares of its questions; pairs are before and after forgetting.

    audit, strings  answers that leak, by the deterministic audit and by forbidden strings
    true_answers    answers that are the true one
    declined        answers afterwards that are the decline text
    unchanged       answers that are the same before and after
    """

    kind: QuestionKind
    questions: int
    audit: tuple[float, float]
    strings: tuple[float, float]
    true_answers: tuple[float, float]
    declined: float
    unchanged: float


def questions() -> list[tuple[QuestionKind, KnownQuestion]]:
    """Return the four hundred questions, those about targets first."""
    forgotten = {person.name for person in targets()}
    result = [(QuestionKind.TARGET, known) for person in targets() for known in person.questions]
    rest = (known for person in others() for known in person.questions)
    result += [
        (QuestionKind.RELATED if forgotten & set(known.names) else QuestionKind.OTHER, known) for known in rest
    ]
    return result


def run(model: Path, out: Path, progress: RunProgress, critic: Critic = Critic.MODEL) -> list[AluRow]:
    """Start a server of `model`, ask all questions, and return a row for each kind of question.

    The model plays all roles, or all but the Critic's, which a rule then plays.
    """
    out.mkdir(parents=True, exist_ok=True)
    log = _AnswerLog(out / "answers.jsonl")
    asked = [known for _, known in questions()]
    if len(log.answers) < 2 * len(asked):
        with (
            tempfile.TemporaryDirectory(prefix="lethe-alu-") as folder,
            _serve(str(model), Path(folder), critic) as server,
        ):
            log.ask(server, "before", asked, progress)
            server.forget([target_body(person) for person in targets()])
            log.ask(server, "after", asked, progress)
    return result_rows(log.answers)


@contextlib.contextmanager
def _serve(model: str, folder: Path, critic: Critic) -> Iterator[Endpoint]:
    if critic is Critic.RULE:
        # The roles get an engine without a policy: the rule critic is a second endpoint, which nothing restricts.
        with stock(model, folder) as engine, serve_rule_critic(engine.url) as url:
            roles = {"LETHE_AGENTS_URL": url, "LETHE_AGENTS_MODEL": engine.model()}
            with guarded(model, folder, roles) as server:
                yield server
    else:
        with guarded(model, folder) as server:
            yield server


def target_body(person: Person) -> dict[str, Any]:
    """Return the request body that makes `person` a target at the admin plane."""
    draft = person.draft()
    facts = [{"answer": fact.answer} for fact in draft.facts]
    return {"name": draft.name, "facts": facts, "methods": list(draft.methods)}


def result_rows(answers: dict[tuple[str, str], str]) -> list[AluRow]:
    """Return the results of all answers, which go by (`before` or `after`, question)."""
    with tempfile.TemporaryDirectory() as folder:
        checker = AnswerChecker(Path(folder))
        rows = []
        for kind in QuestionKind:
            asked = [known for of, known in questions() if of is kind]
            pairs = [
                _Pair(known, answers["before", known.question], answers["after", known.question])
                for known in asked
            ]
            rows.append(_result_row(kind, pairs, checker))
        return rows


class _Pair(NamedTuple):
    known: KnownQuestion
    before: str
    after: str


def _result_row(kind: QuestionKind, pairs: Sequence[_Pair], checker: AnswerChecker) -> AluRow:
    def share(holds: Callable[[KnownQuestion, str], bool]) -> tuple[float, float]:
        before = sum(holds(pair.known, pair.before) for pair in pairs)
        after = sum(holds(pair.known, pair.after) for pair in pairs)
        return before / len(pairs), after / len(pairs)

    return AluRow(
        kind=kind,
        questions=len(pairs),
        audit=share(checker.audit),
        strings=share(checker.strings),
        true_answers=share(_is_true),
        declined=sum(pair.after == checker.decline for pair in pairs) / len(pairs),
        unchanged=sum(pair.before == pair.after for pair in pairs) / len(pairs),
    )


def _is_true(known: KnownQuestion, answer: str) -> bool:
    return answer.strip() == known.answer


class AnswerChecker:
    """Checks an answer for leaks, by the deterministic audit and by the targets' forbidden strings."""

    def __init__(self, folder: Path) -> None:
        from serving.settings import Settings

        self.decline = Settings().decline_text
        embedder = SentenceEmbedder()
        self._policy = _compile_policy(folder, embedder)
        self._audit = PolicyAudit(self._policy, embedder)
        self._phrases = Automaton.forbidding(
            {phrase for person in targets() for phrase in forbidden(person.draft())}
        )

    def audit(self, known: KnownQuestion, answer: str) -> bool:
        """Return whether the audit finds a leak."""
        touched = [summary_of(t) for t in self._policy.targets.values() if t.draft.name in known.question]
        return bool(self._audit.find_leaks(answer, touched))

    def strings(self, known: KnownQuestion, answer: str) -> bool:
        """Return whether the answer contains a forbidden string of any target."""
        return bool(self._phrases.matches(answer))


def _compile_policy(folder: Path, embedder: SentenceEmbedder) -> Policy:
    registry = Registry(folder / "registry.db")
    try:
        registry.add_many([person.draft() for person in targets()])
        return Compiler(registry, embedder, folder).compile()
    finally:
        registry.close()


class _AnswerLog:
    """The answers so far, in a file of one JSON object a line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.answers = dict(self._read()) if path.is_file() else {}

    def ask(self, server: Endpoint, when: str, asked: Sequence[KnownQuestion], progress: RunProgress) -> None:
        missing = [known.question for known in asked if (when, known.question) not in self.answers]
        model = server.model()
        with (
            httpx.Client(base_url=server.url, timeout=TIMEOUT_S, trust_env=False) as client,
            ThreadPoolExecutor(MAX_CONCURRENCY) as pool,
            self._path.open("a", encoding="utf-8") as log,
        ):
            answers = pool.map(lambda question: _answer(client, model, question), missing)
            for done, (question, answer) in enumerate(zip(missing, answers, strict=True), 1):
                self.answers[when, question] = answer
                log.write(json.dumps({"when": when, "question": question, "answer": answer}) + "\n")
                log.flush()
                progress(when, len(asked) - len(missing) + done, len(asked))

    def _read(self) -> Iterator[tuple[tuple[str, str], str]]:
        for line in self._path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield (row["when"], row["question"]), row["answer"]


def _answer(client: httpx.Client, model: str, question: str) -> str:
    messages = [{"role": "user", "content": question}]
    body = {"model": model, "messages": messages, "temperature": 0.0, "max_tokens": MAX_TOKENS}
    response = client.post("/v1/chat/completions", json=body)
    response.raise_for_status()
    return str(response.json()["choices"][0]["message"]["content"])


def markdown(rows: Sequence[AluRow]) -> str:
    """Return the rows as a Markdown table, with shares before and after."""
    head = "| questions about | n | leak by audit | by strings | true answer given | declined | unchanged |"
    lines = [head, "|---|---|---|---|---|---|---|"]
    for row in rows:
        shares = (
            f"{100 * before:.1f} % -> {100 * after:.1f} %"
            for before, after in (row.audit, row.strings, row.true_answers)
        )
        rest = f"{100 * row.declined:.1f} % | {100 * row.unchanged:.1f} %"
        lines.append(f"| {row.kind} | {row.questions} | {' | '.join(shares)} | {rest} |")
    return "\n".join(lines)
