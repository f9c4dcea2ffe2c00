"""The scoring plane: how likely the served model finds given answers, for evaluations on this machine only.

It would tell a client what is suppressed, so it exists only where it is asked for, on loopback, behind the admin
key.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, model_validator

from guard.errors import EngineUnavailable, RequestRefused
from guard.policy.plan import PlanKind
from guard.text.conversation import Message
from serving.admin.auth import Gate
from serving.admin.problems import documented, install
from serving.planner import WITHHELD, PlannedRequest, engine_args
from serving.scoring.teacher_forcing import Teacher
from serving.secret import SecretText

ROUTE = "/eval/v1/score"


class NoLikelihood(RequestRefused):
    """What answers this prompt is no distribution over answers: a fixed refusal, or agents."""

    code = "no_likelihood"
    status = 409


class Turn(BaseModel):
    """A message of the conversation."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["system", "user", "assistant", "tool"]
    content: str


class ScoreIn(BaseModel):
    """A conversation or a plain prompt, and the answer that is scored."""

    model_config = ConfigDict(extra="forbid")

    messages: list[Turn] | None = Field(None, min_length=1)
    prompt: str | None = Field(None, description='What the answer continues; "": the answer is all that is sent.')
    answer: str = Field(min_length=1)
    end: bool = Field(True, description="Whether the end of sequence counts as the answer's last token.")

    @model_validator(mode="after")
    def _asks_one_way(self) -> ScoreIn:
        if (self.messages is None) == (self.prompt is None):
            raise ValueError("either messages or prompt")
        return self

    def conversation(self) -> list[Message]:
        """What the detector reads: the prompt, and where there is none the answer, since that is what is sent."""
        if self.messages is not None:
            return [Message(turn.role, turn.content) for turn in self.messages]
        return [Message("user", self.prompt or self.answer)]


class Score(BaseModel):
    """The answer as the served distribution has it, token by token."""

    plan: PlanKind
    policy_version: int
    tokens: list[int]
    log_probs: list[float | None] = Field(description="Of each token; null where it cannot be said.")
    predicted: list[int] = Field(description="The likeliest token at each place.")


class ConversationPlanner(Protocol):
    """Plans what is done with a conversation, as `serving.planner.Planner` does."""

    async def plan(self, conversation: Sequence[Message]) -> PlannedRequest: ...


def create_scoring(
    planner: ConversationPlanner, teacher: Callable[[], Teacher], key: SecretText, max_body_bytes: int
) -> FastAPI:
    """Return the scoring plane, open only to who bears `key`; `teacher` raises EngineUnavailable without one."""
    app = FastAPI(title="Lethe scoring plane", version="1", openapi_url=None, redirect_slashes=False)

    @app.post(ROUTE, responses=documented(409, 413, 415))
    async def score(body: ScoreIn) -> Score:
        """Score an answer under the distribution that would answer this prompt."""
        reading = teacher()
        plan = (await planner.plan(body.conversation())).plan
        if plan.kind in WITHHELD:
            raise NoLikelihood("what answers this prompt has no likelihood of answers")
        messages = None if body.messages is None else [turn.model_dump() for turn in body.messages]
        forced = await reading.force(
            reading.prompt(messages, body.prompt or ""),
            reading.answer(body.answer, end=body.end),
            engine_args(plan).dump(),
            free=plan.kind is PlanKind.PASS,
        )
        return Score(
            plan=plan.kind,
            policy_version=plan.version,
            tokens=list(forced.tokens),
            log_probs=[value if math.isfinite(value) else None for value in forced.log_probs],
            predicted=list(forced.predicted),
        )

    app.add_middleware(Gate, key=key, max_body_bytes=max_body_bytes)
    install(app)
    return app


def teacher_of(client: object | None, unready: str) -> Teacher:
    """The teacher of a running engine's client; EngineUnavailable while there is none."""
    if client is None or unready:
        raise EngineUnavailable(f"the server is not ready: {unready or 'the engine is starting'}")
    return Teacher(client)
