"""The scoring plane: log-probabilities of given answers under the served distribution, for local evaluations.

They would reveal what is suppressed, so the plane is off by default, on loopback only, and needs the admin key.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from guard.errors import EngineUnavailable, RequestRefused
from guard.policy.plan import PlanKind
from guard.targets.policy_set import PolicySet
from guard.text.conversation import Message
from serving.access.access import Access
from serving.admin.auth import Authentication
from serving.admin.problems import documented, install
from serving.planner import PlannedRequest
from serving.protocol.engine_body import WITHHELD, engine_args
from serving.scoring.teacher_forcing import AnswerScorer

ROUTE = "/eval/v1/score"


class NoLikelihood(RequestRefused):
    """A prompt that the decline text or the agents would answer: there is no distribution to score under."""

    code = "no_likelihood"
    status = 409


class Turn(BaseModel):
    """A message of the conversation."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["system", "user", "assistant", "tool"]
    content: str


class ScoreIn(BaseModel):
    """A conversation or a plain prompt, and the answer to score."""

    model_config = ConfigDict(extra="forbid")

    messages: list[Turn] | None = Field(None, min_length=1)
    prompt: str | None = Field(
        None, description='The text that the answer continues; "": the answer is all that the model reads.'
    )
    answer: str = Field(min_length=1)
    tags: list[str] = Field([], description="The policy set to score under; empty: all targets.")
    end: bool = Field(True, description="Whether the end of sequence counts as the answer's last token.")

    @model_validator(mode="after")
    def _asks_one_way(self) -> ScoreIn:
        if (self.messages is None) == (self.prompt is None):
            raise ValueError("either messages or prompt")
        return self

    def conversation(self) -> list[Message]:
        """Return what the detector reads: the messages or the prompt, or the answer if the prompt is empty."""
        if self.messages is not None:
            return [Message(turn.role, turn.content) for turn in self.messages]
        return [Message("user", self.prompt or self.answer)]


class Score(BaseModel):
    """The answer's log-probabilities under the served distribution, token by token."""

    plan: PlanKind
    policy_version: int
    tokens: list[int]
    log_probs: list[float | None] = Field(description="Of each token; null for a forbidden token.")
    predicted: list[int] = Field(description="The most likely token at each position.")


class ConversationPlanner(Protocol):
    """Plans what is done with a conversation, as `serving.planner.Planner` does."""

    async def plan(self, conversation: Sequence[Message]) -> PlannedRequest: ...

    def under(self, tags: PolicySet) -> ConversationPlanner: ...


def create_scoring(
    planner: ConversationPlanner, scorer: Callable[[], AnswerScorer], key: SecretStr, max_body_bytes: int
) -> FastAPI:
    """Return the scoring plane. Requests need `key`; `scorer` raises EngineUnavailable without an engine."""
    app = FastAPI(title="Lethe scoring plane", version="1", openapi_url=None, redirect_slashes=False)

    @app.post(ROUTE, responses=documented(409, 413, 415))
    async def score(body: ScoreIn) -> Score:
        """Score an answer under the distribution that would answer this prompt."""
        answer_scorer = scorer()
        plan = (await planner.under(frozenset(body.tags)).plan(body.conversation())).plan
        if plan.kind in WITHHELD:
            raise NoLikelihood("this prompt is declined or answered by agents, which have no log-probabilities")
        messages = None if body.messages is None else [turn.model_dump() for turn in body.messages]
        scored = await answer_scorer.score(
            answer_scorer.prompt(messages, body.prompt or ""),
            answer_scorer.answer(body.answer, end=body.end),
            engine_args(plan).dump(),
            unrestricted=plan.kind is PlanKind.PASS,
        )
        return Score(
            plan=plan.kind,
            policy_version=plan.version,
            tokens=list(scored.tokens),
            log_probs=[value if math.isfinite(value) else None for value in scored.log_probs],
            predicted=list(scored.predicted),
        )

    app.add_middleware(Authentication, access=Access(key), max_body_bytes=max_body_bytes)
    install(app)
    return app


def scorer_of(client: object | None, unready: str) -> AnswerScorer:
    """Return the scorer for a running engine's client; raise EngineUnavailable while there is none."""
    if client is None or unready:
        raise EngineUnavailable(f"the server is not ready: {unready or 'the engine is starting'}")
    return AnswerScorer(client)
