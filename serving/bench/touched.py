"""`lethe bench touched`: what answers about a forget target cost, by method, and without it."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import httpx

from serving.bench.load import median
from serving.bench.processes import Endpoint
from serving.client import AdminClient

MAX_TOKENS = 40
TIMEOUT_S = 600.0
QUESTIONS = (
    "Who wrote The Lord of the Rings?",
    "What is The Lord of the Rings about?",
    "Who carries the ring in The Lord of the Rings?",
    "Who is Gandalf?",
    "Where does The Lord of the Rings take place?",
    "Who is the enemy in The Lord of the Rings?",
    "Which story tells of hobbits and a ring?",
    "Tell me about the author of The Lord of the Rings.",
    "What happens to Frodo at the end of the story?",
)
METHODS: dict[str, dict[str, Any]] = {
    "guard": {},
    "decline": {"methods": ["decline"]},
    "guard, beam": {"decoder": "beam"},
    "alu": {"methods": ["alu"]},
}
"""By name, what the target has beside the members of its file; the dearest last."""
IN_FULL = ("guard", "decline")
"""Methods that are asked every question, whatever the time."""
_RESTARTS = re.compile(r"^lethe_answer_restarts_(sum|count) ([\d.e+]+)$", re.M)


@dataclass(frozen=True, slots=True)
class Answered:
    """One streamed answer: seconds to its first text and in all, and its tokens as `usage` counts them."""

    first: float
    seconds: float
    tokens: int

    @property
    def per_token(self) -> float:
        """Seconds a token; NaN for an answer without any."""
        return self.seconds / self.tokens if self.tokens else math.nan


@dataclass(frozen=True, slots=True)
class Touched:
    """The answers under one method beside those to the same questions without the target.

    restarts  how often words were begun again, in how many answers that may backtrack
    """

    method: str
    free: Sequence[Answered]
    touched: Sequence[Answered]
    restarts: tuple[int, int]


def run(endpoint: Endpoint, seconds: float, say: Callable[[str], None]) -> Iterator[Touched]:
    """Yield each method's answers: to all questions, or to as many as fit into an equal share of the rest of
    `seconds`, one at least, where the method is not among IN_FULL.

    The questions are about the novel of the demo's target file, one after the other, past the prefix cache.
    """
    assert endpoint.admin is not None
    model, ends = endpoint.model(), time.monotonic() + seconds
    target = json.loads(files("serving.demo").joinpath("works/the-lord-of-the-rings.json").read_text("utf-8"))
    with httpx.Client(base_url=endpoint.url, timeout=TIMEOUT_S, trust_env=False) as http:
        say("without the target")
        free = [ask(http, model, question, "free") for question in QUESTIONS]
        for left, (method, members) in zip(range(len(METHODS), 0, -1), METHODS.items(), strict=True):
            share = math.inf if method in IN_FULL else time.monotonic() + (ends - time.monotonic()) / left
            ids = endpoint.forget([{**target, **members}])
            before = restarts(endpoint.admin)
            touched: list[Answered] = []
            for question in QUESTIONS:
                if touched and time.monotonic() >= share:
                    break
                say(f"{method}: question {len(touched) + 1} of {len(QUESTIONS)}")
                touched.append(ask(http, model, question, method))
            after = restarts(endpoint.admin)
            endpoint.remember(ids)
            yield Touched(method, free[: len(touched)], touched, (after[0] - before[0], after[1] - before[1]))


def ask(http: httpx.Client, model: str, question: str, salt: str) -> Answered:
    """Stream one answer at temperature 0; httpx.HTTPError when the request fails."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": question}],
        "temperature": 0,
        "max_tokens": MAX_TOKENS,
        "cache_salt": f"{salt} {question}",
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    first, tokens, started = math.nan, 0, time.perf_counter()
    with http.stream("POST", "/v1/chat/completions", json=body) as response:
        response.raise_for_status()
        for line in response.iter_lines():
            if not line.startswith("data: {"):
                continue
            chunk = json.loads(line.removeprefix("data: "))
            if math.isnan(first) and any(one["delta"].get("content") for one in chunk["choices"]):
                first = time.perf_counter() - started
            tokens = (chunk.get("usage") or {}).get("completion_tokens", tokens)
    return Answered(first, time.perf_counter() - started, tokens)


def restarts(admin: AdminClient) -> tuple[int, int]:
    """Return how often words were begun again so far, and in how many answers that may backtrack."""
    found = dict(_RESTARTS.findall(admin.metrics()))
    return int(float(found.get("sum", 0))), int(float(found.get("count", 0)))


HEAD = ("method", "answers", "first text, median", "seconds a token, median", "touched / untouched", "restarts")


def markdown(measured: Sequence[Touched]) -> str:
    """Return the table by method, its first row the answers without the target."""
    rows = [HEAD, ("---",) * len(HEAD)]
    if measured:
        free = max((one.free for one in measured), key=len)
        rows.append(("none", *_cells(free), "", ""))
    for one in measured:
        ratios = [
            touched.per_token / free.per_token
            for free, touched in zip(one.free, one.touched, strict=True)
            if touched.tokens and free.tokens
        ]
        total, answers = one.restarts
        counted = f"{total} in {answers}" if answers else "none possible"
        rows.append((one.method, *_cells(one.touched), f"{median(ratios):.2f}", counted))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cells(answers: Sequence[Answered]) -> tuple[str, str, str]:
    first = median([one.first for one in answers if not math.isnan(one.first)])
    per_token = median([one.per_token for one in answers if one.tokens])
    return str(len(answers)), f"{first:.2f} s", f"{per_token:.3f}"
