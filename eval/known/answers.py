"""The answers of a server at temperature 0, each stored as soon as it is there, so that a run can be resumed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path
from typing import Any

import httpx

from eval.core.errors import EndpointFailed

MAX_TOKENS = 48
TIMEOUT_S = 300.0
CONCURRENCY = 8
"""Questions asked at once where it does not matter that rounding depends on which are computed together."""


class Phase(StrEnum):
    """What is in force when a question is asked, or that an answer is scored.

    free      no target
    guarded   all targets with their facts
    bare      the target of its bare name
    elicited  the same with all that was elicited
    """

    FREE = "free"
    BARE = "bare"
    ELICITED = "elicited"
    GUARDED = "guarded"
    SCORE = "score"


class Answers:
    """What `ask` answers to questions by phase, and perplexities of answers, kept in the JSON Lines of `file`."""

    def __init__(self, file: Path, ask: Callable[[Phase, str], str]) -> None:
        self._file = file
        self._ask = ask
        self._stored: dict[tuple[str, str, str], Any] = {}
        if file.is_file():
            for line in file.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                self._stored[row["phase"], row["question"], row["answer"]] = row["value"]

    def has(self, phase: Phase, question: str) -> bool:
        """Return whether the answer to a question is stored."""
        return (phase.value, question, "") in self._stored

    def ask(self, phase: Phase, question: str) -> str:
        """Return the answer to a question, which is asked if it is not stored."""
        return str(self._kept(phase, question, "", lambda: self._ask(phase, question)))

    def ask_all(self, phase: Phase, questions: Sequence[str]) -> None:
        """Ask those of the questions that are not stored, CONCURRENCY at a time, each stored as it comes."""
        missing = [one for one in dict.fromkeys(questions) if (phase.value, one, "") not in self._stored]
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            for question, answer in zip(
                missing, pool.map(lambda one: self._ask(phase, one), missing), strict=True
            ):
                self._keep((phase.value, question, ""), answer)

    def score(self, question: str, answer: str, score: Callable[[], float]) -> float:
        """Return the score of an answer, which is computed if it is not stored."""
        return float(self._kept(Phase.SCORE, question, answer, score))

    def _kept(self, phase: Phase, question: str, answer: str, make: Callable[[], Any]) -> Any:
        key = (phase.value, question, answer)
        if key not in self._stored:
            self._keep(key, make())
        return self._stored[key]

    def _keep(self, key: tuple[str, str, str], value: Any) -> None:
        self._stored[key] = value
        row = dict(zip(("phase", "question", "answer"), key, strict=True)) | {"value": value}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def ask_endpoint(url: str, phase: Phase, question: str) -> str:
    """Return the answer of the first model at `url` (without /v1) to one question; raises EndpointFailed.

    The engine's prefix cache is not used, as what is read from it is rounded otherwise, which turns near ties.
    """
    headers = {"authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', 'unused')}"}
    with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S, trust_env=False) as client:
        try:
            model = client.get("/v1/models").json()["data"][0]["id"]
            body = {
                "model": model,
                "messages": [{"role": "user", "content": question}],
                "temperature": 0,
                "max_tokens": MAX_TOKENS,
                "cache_salt": f"{phase} {question}",
            }
            response = client.post("/v1/chat/completions", json=body)
        except httpx.HTTPError as error:
            raise EndpointFailed(f"the endpoint cannot be reached ({type(error).__name__})") from None
    if not response.is_success:
        raise EndpointFailed(f"the endpoint answered with status {response.status_code}")
    return str(response.json()["choices"][0]["message"]["content"] or "")
