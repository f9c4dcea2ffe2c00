"""Asks a running server about supplied text, first without a target, then with all of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from eval.core.errors import EndpointFailed
from eval.runners.endpoint import admin_errors
from eval.supplied.prompts import Request, Subject
from guard.matching.automaton import Automaton
from serving.client import AdminClient

MAX_TOKENS = 64
TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """One request: the answer without a target and the one with all of them, and whether either says what only the
    model knows."""

    request: Request
    free: str = field(repr=False)
    guarded: str = field(repr=False)
    free_leaks: bool
    leaks: bool

    @property
    def kept(self) -> bool:
        """Whether the answer stayed as it was."""
        return self.free == self.guarded


def measure(
    url: str, about: Sequence[Subject], asked: Sequence[Request], say: Callable[[str], None]
) -> list[Outcome]:
    """Ask everything twice at temperature 0, one request at a time; the targets are revoked at the end.

    Raises EndpointFailed when the server has a target already or does not answer.
    """
    with admin_errors():
        admin = AdminClient.from_environment()
        if sum(admin.policy().enforced.values()):
            raise EndpointFailed("the server has active forget targets; an evaluation needs one without any")
        free = list(_answers(url, asked, "free", say))
        ids = admin.add_many([subject.draft for subject in about]).ids
        try:
            unsaid = {
                subject.name: _unsaid(subject, admin.get(id, reveal=True).forbidden)
                for subject, id in zip(about, ids, strict=True)
            }
            guarded = list(_answers(url, asked, "guarded", say))
        finally:
            for id in ids:
                admin.revoke(id)
    return [
        Outcome(request, one, other, bool(found.matches(one)), bool(found.matches(other)))
        for request, one, other in zip(asked, free, guarded, strict=True)
        for found in (unsaid[request.subject.name],)
    ]


def _unsaid(subject: Subject, forbidden: Sequence[str]) -> Automaton:
    """Return an automaton of the phrases that nobody says."""
    said = Automaton.forbidding(forbidden).matches(text := " ".join((subject.name, *subject.said)))
    spoken = {text[found.start : found.end].casefold() for found in said}
    return Automaton.forbidding([phrase for phrase in forbidden if phrase.casefold() not in spoken] or [_NOTHING])


# An automaton needs a phrase; no answer has this one.
_NOTHING = "zqxj" * 8


def _answers(url: str, asked: Sequence[Request], phase: str, say: Callable[[str], None]) -> Iterator[str]:
    """Yield the answers. The engine's prefix cache is not used: what is read from it is rounded otherwise, which
    turns near ties of tokens."""
    headers = {"authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', 'unused')}"}
    with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S, trust_env=False) as client:
        model = client.get("/v1/models").json()["data"][0]["id"]
        for number, request in enumerate(asked, 1):
            body: dict[str, Any] = {
                "model": model,
                "messages": list(request.messages),
                "temperature": 0,
                "max_tokens": MAX_TOKENS,
                "cache_salt": f"{phase} {number}",
            }
            response = client.post("/v1/chat/completions", json=body)
            if not response.is_success:
                raise EndpointFailed(f"the endpoint answered with status {response.status_code}")
            yield str(response.json()["choices"][0]["message"]["content"] or "")
            if number % 50 == 0:
                say(f"{number} of {len(asked)} requests")


def markdown(outcomes: Sequence[Outcome]) -> str:
    """Return a table: by task and kind of target, how many answers stayed as they were and how many leaked.

    An answer that changed because it said what only the model knows is counted apart: it had to change.
    """
    rows = ["| task | targets | requests | answers as before | changed, as they leaked before | leaks |"]
    rows.append("| --- | --- | --- | --- | --- | --- |")
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.request.task, outcome.request.subject.kind), []).append(outcome)
    for (task, kind), own in groups.items():
        rows.append(f"| {task} | {kind} | {_cells(own)} |")
    rows.append(f"| all that ask for no more | | {_cells([one for one in outcomes if not one.request.mixed])} |")
    rows.append(f"| all that ask for more | | {_cells([one for one in outcomes if one.request.mixed])} |")
    return "\n".join(rows)


def _cells(own: Sequence[Outcome]) -> str:
    kept = sum(one.kept for one in own)
    had_to = sum(one.free_leaks and not one.kept for one in own)
    leaks = sum(one.leaks for one in own)
    return f"{len(own)} | {kept} | {had_to} | {leaks}"
