"""Grows the policy of a running server: retained knowledge and latency at each size."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, quantiles

import httpx

from eval.benchmarks import muse
from eval.benchmarks.files import Question, load_questions
from eval.benchmarks.muse import KNOWMEM_MAX_TOKENS, cut_answer, knowledge_prompt
from eval.core.errors import BadBenchmark, EndpointFailed
from eval.core.prompt import Prompt
from eval.growth.load import LoadPrompts, LoadResult, LoadResults, running_load
from eval.metrics.rouge import rouge
from eval.runners.endpoint import Endpoint, admin_errors
from serving.client import AdminClient
from serving.client.requests import TargetDraft


@dataclass(frozen=True, slots=True)
class GrowthPoint:
    """One measurement, with `targets` targets enforced.

    knowledge   ROUGE-L F1 of the answers on the retain side, times 100: MUSE's KnowMem, or of chats
    unchanged   share of the answers on the retain side that equal those before the first target
    p50, p95    latency of the load's requests since the last point, in seconds
    requests    number of these requests
    failed      how many of them failed
    adding      mean seconds until an added target, or batch of targets, was enforced
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

OnPoint = Callable[[GrowthPoint], None]


@dataclass(frozen=True, slots=True)
class RetainQuestions:
    """The questions of the retain side, with their prompts."""

    rows: Sequence[Question] = field(repr=False)
    prompts: Sequence[Prompt] = field(repr=False)
    max_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredServer:
    """The server under test, and what it is asked.

    url      base URL of the data plane, without /v1; the admin plane comes from the command line's own settings
    clients  concurrent requests of the load
    retain   file of questions and answers that a chat model knows, used instead of KnowMem's
    limit    maximum number of questions of the retain side; None for all
    """

    url: str
    data: Path
    retain: Path | None = None
    clients: int = 4
    limit: int | None = None

    def questions(self) -> RetainQuestions:
        """Return what is asked at each point. Raises BadBenchmark if the data is missing."""
        if self.retain:
            rows = load_questions(self.retain)[: self.limit]
            return RetainQuestions(rows, [Prompt(row.question) for row in rows], CHAT_MAX_TOKENS)
        corpus = muse.load(self.data)
        if not corpus.retain:
            raise BadBenchmark(f"{self.data}: no retain questions of knowmem")
        rows = corpus.retain[: self.limit]
        prompts = [Prompt(knowledge_prompt(corpus.retain_shots, row.question), chat=False) for row in rows]
        return RetainQuestions(rows, prompts, KNOWMEM_MAX_TOKENS)


@dataclass
class GrowingPolicy:
    """Adds targets to a server under load, and measures it on request."""

    admin: AdminClient
    endpoint: Endpoint
    load: LoadResults
    questions: RetainQuestions
    stored: list[str] = field(default_factory=list)
    _adding: list[float] = field(default_factory=list)
    _first: list[str] = field(default_factory=list, repr=False)

    def add(self, texts: Sequence[str]) -> None:
        """Store one target for each text, in one request, and wait until all are enforced."""
        started, count = time.perf_counter(), len(self.stored)
        drafts = [_draft(number, text) for number, text in enumerate(texts, count)]
        self.stored += self.admin.add_many(drafts).ids
        self._adding.append(time.perf_counter() - started)

    def point(self) -> GrowthPoint:
        """Ask all questions of the retain side while the load runs, and return the measurement."""
        generations = self.endpoint.generate(self.questions.prompts, self.questions.max_tokens)
        answers = [cut_answer(generation.text) for generation in generations]
        self._first = self._first or answers
        pairs = zip(self.questions.rows, answers, strict=True)
        scores = [rouge(row.answer, answer, stemmer=False).rougeL_f1 for row, answer in pairs]
        same = fmean(now == first for now, first in zip(answers, self._first, strict=True))
        adding = fmean(self._adding) if self._adding else 0.0
        self._adding.clear()
        return _point(len(self.stored), 100 * fmean(scores), same, adding, self.load.take())


@contextmanager
def growing_policy(server: MeasuredServer) -> Iterator[GrowingPolicy]:
    """Put a server that has no target under load; revoke at the end whatever was stored."""
    questions = server.questions()
    endpoint = Endpoint.open(server.url, "")
    key = os.environ.get("OPENAI_API_KEY", "unused")
    headers = {"authorization": f"Bearer {key}"}
    try:
        with admin_errors():
            admin = AdminClient.from_environment()
            if sum(admin.policy().enforced.values()):
                raise EndpointFailed("the server has active forget targets; an evaluation needs one without any")
            texts = [row.question for row in questions.rows]
            prompts = LoadPrompts(endpoint.model, texts, chat=server.retain is not None)
            client = httpx.AsyncClient(base_url=server.url, headers=headers, trust_env=False)
            with running_load(client, prompts, server.clients) as load:
                growth = GrowingPolicy(admin, endpoint, load, questions)
                try:
                    yield growth
                finally:
                    for target in growth.stored:
                        admin.revoke(target)
    finally:
        endpoint.close()


def _draft(number: int, text: str) -> TargetDraft:
    return {"name": f"article {number:06d}", "kind": "topic", "passages": [text]}


def _point(
    targets: int, knowledge: float, unchanged: float, adding: float, results: Sequence[LoadResult]
) -> GrowthPoint:
    seconds = [result.seconds for result in results]
    if len(seconds) < 2:
        raise EndpointFailed("the load had no answer at all: is the server still there?")
    twentieths = quantiles(seconds, n=20, method="inclusive")
    failed = sum(not result.succeeded for result in results)
    p50, p95 = twentieths[9], twentieths[18]
    return GrowthPoint(targets, knowledge, unchanged, p50, p95, len(results), failed, adding)
