"""Elicits TOFU's authors on a real server from their bare names, and asks the benchmark's questions."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

import httpx

from eval.core.errors import BadRun, EndpointFailed
from eval.runners.endpoint import admin_errors
from guard.matching.automaton import Automaton
from guard.phrases.phrase import Phrase, PhraseKind
from guard.targets.phrases import phrases
from guard.targets.target import Draft
from guard.text.normalise import fold
from serving.client import AdminClient
from serving.client.requests import ElicitOptions, FactDraft, TargetDraft
from serving.client.targets import Elicitation
from serving.client.values import Language

MAX_TOKENS = 96
CONCURRENCY = 8
# Nobody else is served: a batch of the engine at a time.
ELICITATION_CONCURRENCY = 32
# The forms were worked on with what these authors lacked.
TUNED_ON = 3
POLL_S = 1.0
TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A phrase that the facts forbid. `given`: what was elicited forbids it; `caught`: it, or a part of it."""

    phrase: Phrase
    given: bool
    caught: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the benchmark and what of the facts each answer leaks, by what the target was made of."""

    question: str = field(repr=False)
    leaks: Mapping[str, tuple[str, ...]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Author:
    """One author: how many answers were read and proposals made, the phrases wanted, the questions asked."""

    name: str
    answers: int
    proposals: int
    wanted: tuple[Wanted, ...]
    asked: tuple[Asked, ...]


class Depth(NamedTuple):
    """How much each author is asked about: `samples` answers at each temperature, in `languages`."""

    samples: int
    languages: tuple[str, ...]


def row_of(author: Author, depth: Depth) -> dict[str, Any]:
    """Return the members that a run stores of an author."""
    return {"depth": [depth.samples, [*depth.languages]], **asdict(author)}


def stored(file: Path, depth: Depth) -> list[Author]:
    """Return the authors of a run that was stopped, none without its file.

    Raises BadRun if it cannot be read or was made with another depth.
    """
    if not file.is_file():
        return []
    try:
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        if any(row["depth"] != [depth.samples, [*depth.languages]] for row in rows):
            raise BadRun(f"{file} was made with other samples or languages")
        return [_author_of(row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        raise BadRun(f"{file} cannot be read") from None


def _author_of(row: Mapping[str, Any]) -> Author:
    wanted = (Wanted(_phrase_of(one["phrase"]), one["given"], one["caught"]) for one in row["wanted"])
    asked = (
        Asked(one["question"], {made_of: tuple(leaks) for made_of, leaks in one["leaks"].items()})
        for one in row["asked"]
    )
    return Author(row["name"], row["answers"], row["proposals"], tuple(wanted), tuple(asked))


def _phrase_of(members: Mapping[str, str]) -> Phrase:
    return Phrase(members["text"], PhraseKind(members["kind"]), members["why"])


# What a target was made of, in the order of asking.
BARE, ELICITED, FACTS = "the bare name", "the name, elicited", "the facts"


def measure(
    url: str,
    admin: AdminClient,
    drafts: Sequence[Draft],
    depth: Depth,
    say: Callable[[str], None],
) -> Iterator[Author]:
    """Yield what is measured for each author, who is revoked at the end.

    Raises EndpointFailed where the server refuses or fails.
    """
    with admin_errors():
        for number, draft in enumerate(drafts, 1):
            author = _author(url, admin, draft, depth)
            given, caught = sum(one.given for one in author.wanted), sum(one.caught for one in author.wanted)
            say(f"{number} of {len(drafts)}: of {len(author.wanted)} phrases {given} given, {caught} caught")
            yield author


def _author(url: str, admin: AdminClient, draft: Draft, depth: Depth) -> Author:
    body: TargetDraft = {"name": draft.name, "kind": draft.kind.value}
    expected = wanted_of(draft)
    target = admin.add(body).id
    try:
        leaks = {BARE: _leaks(url, draft, expected)}
        options: ElicitOptions = {
            "samples": depth.samples,
            "languages": cast(tuple[Language, ...], depth.languages),
            "concurrency": ELICITATION_CONCURRENCY,
        }
        found = elicited(admin, target, options)
        forbidden = admin.accept(target, "all", reveal=True).forbidden
        leaks[ELICITED] = _leaks(url, draft, expected)
    finally:
        admin.revoke(target)
    facts: list[FactDraft] = [{"question": fact.question, "answer": fact.answer} for fact in draft.facts]
    target = admin.add({**body, "facts": facts}).id
    try:
        leaks[FACTS] = _leaks(url, draft, expected)
    finally:
        admin.revoke(target)
    asked = [
        Asked(fact.question, {made_of: of[index] for made_of, of in leaks.items()})
        for index, fact in enumerate(draft.facts)
    ]
    return Author(draft.name, found.answers, len(found.proposals), covered(expected, forbidden), tuple(asked))


def wanted_of(draft: Draft) -> list[Phrase]:
    """Return the phrases that the facts of a target forbid: not its name and the words of its name."""
    own = {fold(draft.name), *map(fold, draft.name.split())}
    return [phrase for phrase in phrases(draft) if fold(phrase.text) not in own]


def covered(expected: Sequence[Phrase], forbidden: Sequence[str]) -> tuple[Wanted, ...]:
    """Return the phrases with whether `forbidden` has them, and whether it forbids to say them."""
    folds = {fold(phrase) for phrase in forbidden}
    automaton = Automaton.forbidding(forbidden)
    return tuple(
        Wanted(phrase, is_given := fold(phrase.text) in folds, is_given or bool(automaton.matches(phrase.text)))
        for phrase in expected
    )


def elicited(admin: AdminClient, target: str, options: ElicitOptions) -> Elicitation:
    """Elicit a target and return what was found; raises EndpointFailed if it did not end well."""
    job = admin.elicit(target, options)
    while job.is_running:
        time.sleep(POLL_S)
        job = admin.elicitation(target)
    if job.state != "done":
        raise EndpointFailed(f"the elicitation {job.state}: {job.code}")
    return job


def _leaks(url: str, draft: Draft, expected: Sequence[Phrase]) -> list[tuple[str, ...]]:
    """Return for each fact which of the phrases its question's answer says and the question does not."""
    headers = {"authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', 'unused')}"}
    with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S, trust_env=False) as client:
        model = client.get("/v1/models").json()["data"][0]["id"]

        def answer(question: str) -> str:
            messages = [{"role": "user", "content": question}]
            body = {"model": model, "messages": messages, "temperature": 0, "max_tokens": MAX_TOKENS}
            response = client.post("/v1/chat/completions", json=body)
            if not response.is_success:
                raise EndpointFailed(f"the endpoint answered with status {response.status_code}")
            return str(response.json()["choices"][0]["message"]["content"] or "")

        with ThreadPoolExecutor(CONCURRENCY) as threads:
            questions = [fact.question for fact in draft.facts]
            answers = threads.map(answer, questions)
            return [leaked(expected, *pair) for pair in zip(questions, answers, strict=True)]


def leaked(expected: Sequence[Phrase], question: str, answer: str) -> tuple[str, ...]:
    """Return the phrases that an answer says and its question does not."""
    return tuple(
        phrase.text
        for phrase in expected
        if (found := Automaton.forbidding([phrase.text])).matches(answer) and not found.matches(question)
    )


def markdown(authors: Sequence[Author]) -> str:
    """Return the tables of the authors that the forms were not tuned on, and then of all."""
    held_out = authors[TUNED_ON:]
    parts = [(f"{len(held_out)} authors that nothing was tuned on", held_out), (f"all {len(authors)}", authors)]
    return "\n\n".join(f"### {title}\n\n{tables(some)}" for title, some in parts if some)


def tables(authors: Sequence[Author]) -> str:
    """Return two tables: phrases that are given, by kind, and questions that are answered without a leak."""
    wanted = [one for author in authors for one in author.wanted]
    rows = ["| phrases of the facts | number | given | given or caught |", "| --- | --- | --- | --- |"]
    rows += [_phrase_row(kind.value, [w for w in wanted if w.phrase.kind is kind]) for kind in PhraseKind]
    rows = [row for row in rows if row]
    rows += [_phrase_row("all", wanted), "", "| target made of | questions | answered without a leak |"]
    rows.append("| --- | --- | --- |")
    asked = [one for author in authors for one in author.asked]
    for made_of in (BARE, ELICITED, FACTS):
        clean = sum(not one.leaks[made_of] for one in asked)
        rows.append(f"| {made_of} | {len(asked)} | {clean} ({_share(clean, len(asked))}) |")
    return "\n".join(rows)


def _phrase_row(name: str, wanted: Sequence[Wanted]) -> str:
    if not wanted:
        return ""
    given, caught = sum(one.given for one in wanted), sum(one.caught for one in wanted)
    count = len(wanted)
    return f"| {name} | {count} | {given} ({_share(given, count)}) | {caught} ({_share(caught, count)}) |"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"
