"""A running server while its policy grows: what retained knowledge and latency are at each size."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, quantiles
from typing import Any

import httpx

from eval.benchmarks import muse
from eval.benchmarks.files import Question, load_questions
from eval.benchmarks.muse import KNOWMEM_MAX_TOKENS, cut_answer, knowledge_prompt
from eval.core.ask import Ask
from eval.core.errors import BadBenchmark, EndpointFailed
from eval.growth.load import Answered, Asking, Load, loading
from eval.metrics.rouge import rouge
from eval.runners.endpoint import Endpoint
from serving.admin.client import AdminClient, AdminRefused


@dataclass(frozen=True, slots=True)
class Point:
    """The server with `targets` of them.

    knowledge   ROUGE-L F1 of the answers on the retain side, times 100: MUSE's KnowMem, or of chats
    unchanged   share of the answers on the retain side that are those before the first target, letter for letter
    p50, p95    seconds of a request of the load since the point before
    requests    of the load since then, and how many of them `failed`
    adding      mean seconds until an added target was enforced (of a batch: until it was)
    """

    targets: int
    knowledge: float
    unchanged: float
    p50: float
    p95: float
    requests: int
    failed: int
    adding: float


CHAT_MAX_TOKENS = 128

Told = Callable[[Point], None]


@dataclass(frozen=True, slots=True)
class Questions:
    """The questions of the retain side, and how they are asked."""

    rows: Sequence[Question] = field(repr=False)
    asks: Sequence[Ask] = field(repr=False)
    max_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The server under test.

    url      base URL of its data plane, without /v1; the admin plane is found as the command line finds it
    clients  of the load
    retain   rows with `question` and `answer` that a chat model knows, asked instead of KnowMem's
    limit    questions of the retain side; None for all
    """

    url: str
    data: Path
    retain: Path | None = None
    clients: int = 4
    limit: int | None = None

    def questions(self) -> Questions:
        """What is asked at each point; raises BadBenchmark where it is not there."""
        if self.retain:
            rows = load_questions(self.retain)[: self.limit]
            return Questions(rows, [Ask(row.question) for row in rows], CHAT_MAX_TOKENS)
        learnt = muse.load(self.data)
        if not learnt.retain:
            raise BadBenchmark(f"{self.data}: no retain questions of knowmem")
        rows = learnt.retain[: self.limit]
        asks = [Ask(knowledge_prompt(learnt.retain_shots, row.question), chat=False) for row in rows]
        return Questions(rows, asks, KNOWMEM_MAX_TOKENS)


@dataclass
class Growth:
    """Grows the policy of a server under load, and takes a point whenever it is asked for one."""

    admin: AdminClient
    endpoint: Endpoint
    load: Load
    questions: Questions
    stored: list[str] = field(default_factory=list)
    _adding: list[float] = field(default_factory=list)
    _first: list[str] = field(default_factory=list, repr=False)

    def add(self, texts: Sequence[str]) -> None:
        """Store one target for each text, in one request, and wait until they are enforced."""
        started, count = time.perf_counter(), len(self.stored)
        drafts = [_draft(count + place, text) for place, text in enumerate(texts)]
        self.stored += self.admin.add_many(drafts)["ids"]
        self._adding.append(time.perf_counter() - started)

    def point(self) -> Point:
        """Ask the whole retain side while the load goes on."""
        said = self.endpoint.generate(self.questions.asks, self.questions.max_tokens)
        answers = [cut_answer(each.text) for each in said]
        self._first = self._first or answers
        pairs = zip(self.questions.rows, answers, strict=True)
        scores = [rouge(row.answer, answer, stemmer=False).rougeL_f1 for row, answer in pairs]
        same = fmean(now == then for now, then in zip(answers, self._first, strict=True))
        adding = fmean(self._adding) if self._adding else 0.0
        self._adding.clear()
        return _point(len(self.stored), 100 * fmean(scores), same, adding, self.load.take())


@contextmanager
def growing(server: Server) -> Iterator[Growth]:
    """A server without any target, under load; what was stored is revoked at the end."""
    questions = server.questions()
    endpoint = Endpoint.open(server.url, "")
    key = os.environ.get("OPENAI_API_KEY", "unused")
    headers = {"authorization": f"Bearer {key}"}
    try:
        with (
            _refusals(),
            httpx.Client(base_url=server.url, headers=headers, trust_env=False) as client,
        ):
            admin = AdminClient.from_environment()
            if sum(admin.policy()["enforced"].values()):
                raise EndpointFailed("the server has active forget targets; an evaluation needs one without any")
            texts = [row.question for row in questions.rows]
            asking = Asking(endpoint.model, texts, chat=server.retain is not None)
            with loading(client, asking, server.clients) as load:
                growth = Growth(admin, endpoint, load, questions)
                try:
                    yield growth
                finally:
                    for target in growth.stored:
                        admin.revoke(target)
    finally:
        endpoint.close()


def _draft(number: int, text: str) -> dict[str, Any]:
    return {"name": f"article {number:06d}", "kind": "topic", "passages": [text]}


def _point(targets: int, knowledge: float, unchanged: float, adding: float, seen: Sequence[Answered]) -> Point:
    seconds = [each.seconds for each in seen]
    if len(seconds) < 2:
        raise EndpointFailed("the load had no answer at all: is the server still there?")
    cuts = quantiles(seconds, n=20, method="inclusive")
    failed = sum(not each.fine for each in seen)
    return Point(targets, knowledge, unchanged, cuts[9], cuts[18], len(seen), failed, adding)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except AdminRefused as error:
        raise EndpointFailed(f"the admin plane refused: {error.code}: {error.detail}") from None
