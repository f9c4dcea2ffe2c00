"""The response body of a check: what would be done with a conversation."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import BaseModel, Field

from guard.policy.plan import Plan, PlanKind
from guard.targets.target import Mode


class SignalsOut(BaseModel):
    """Why a target matched; docs/detector.md explains how the score is computed."""

    name: float = Field(description="1 where its name or an alias occurs.")
    semantic: float = Field(description="The best cosine of a window of the conversation to a text of the target.")
    partial: float = Field(description="How specific the part of its name that occurs is, 0 to 1.")
    contrast: float = Field(description="The best margin over retain texts; 0 without a trained detector.")
    classifier: float = Field(description="Log-odds of the trained classifier; 0 without one.")
    phrases: float = Field(description="How telling the target's distinctive phrases are that occur, 0 to 1.")


class MatchOut(BaseModel):
    """A target that the conversation touches."""

    target_id: str
    score: float
    signals: SignalsOut
    form: str = Field(description="The kind of the target's nearest text, as in docs/detector.md.")
    mode: Mode
    supplied: int = Field(description="How many of its phrases the conversation itself says and may be repeated.")


class CheckResponse(BaseModel):
    """What would be done with a conversation under policy `policy_version`."""

    matches: list[MatchOut]
    namesakes: list[str] = Field(
        description="Targets of which the conversation names only a namesake, told by their `distinguish`."
    )
    plan: PlanKind
    policy_version: int


def check_response(plan: Plan) -> CheckResponse:
    """Return the response body of a check that led to `plan`."""
    matches = [
        MatchOut(
            target_id=match.target_id,
            score=match.score,
            signals=SignalsOut(**asdict(match.signals)),
            form=match.form,
            mode=match.mode,
            supplied=len(plan.supplied[match.target_id].left) if match.target_id in plan.supplied else 0,
        )
        for match in plan.matches
    ]
    return CheckResponse(matches=matches, namesakes=[*plan.namesakes], plan=plan.kind, policy_version=plan.version)
