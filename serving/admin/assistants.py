"""ULD's assistants over HTTP: train, list, promote, retire."""

from __future__ import annotations

from typing import Annotated, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field

from guard.errors import InvalidTarget, ModelUnavailable
from guard.targets.question_file import rows_of_target
from guard.targets.registry import Registry
from guard.targets.target import ForgetTarget, Method, State
from guard.uld.assistant import Standing, Training
from serving.admin.problems import Refused, documented
from serving.admin.service import AdminService, Service
from serving.assistants.queue import Job, JobState
from serving.assistants.service import AssistantService, Placed

PATH = "/admin/v1/assistants"

router = APIRouter(tags=["assistants"])

Digest = Annotated[str, InPath(pattern="^[0-9a-f]{64}$", description="Digest of an assistant.")]


class TrainingIn(BaseModel):
    """Which forget targets an assistant is to be trained for."""

    model_config = ConfigDict(extra="forbid")

    targets: Literal["all"] | Annotated[list[str], Field(min_length=1, max_length=10_000)] = Field(
        description="Ids, or `all`: every active one with `uld` among its methods and something to learn."
    )


class TrainingOut(BaseModel):
    """A training that was asked for."""

    id: str
    targets: list[str]
    created_at: str
    state: JobState
    share: float = Field(description="How much of it is done, 0 to 1.")
    assistant: str | None = Field(description="Digest of what came of it.")
    code: str | None = Field(description="Code of the error it failed with.")
    detail: str | None


class AssistantOut(BaseModel):
    """An assistant: what it was trained for, how, and what is subtracted by default."""

    digest: str
    standing: Standing
    targets: list[str]
    layers: int
    training: Training
    epochs: int
    alpha: float
    filter_rate: float
    forget_loss: float
    retain_loss: float


class AssistantsOut(BaseModel):
    """All assistants and all trainings, the latter oldest first."""

    assistants: list[AssistantOut]
    trainings: list[TrainingOut]


@router.post(PATH, status_code=202, responses=documented(400, 404, 409, 413, 415))
async def train(service: Service, body: TrainingIn) -> TrainingOut:
    """Queue the training of one assistant for these targets; it is served once it is promoted."""
    own = _own(service)
    targets = await run_sync(_trainable, service.registry, body.targets)
    job = await run_sync(own.queue, targets)
    own.trainer.notify()
    return _training(job)


@router.get(PATH, responses=documented(409))
async def page(service: Service) -> AssistantsOut:
    """List assistants and trainings."""
    own = _own(service)
    placed, jobs = await run_sync(lambda: (own.assistants(), own.jobs()))
    return AssistantsOut(assistants=list(map(_assistant, placed)), trainings=list(map(_training, jobs)))


@router.post(f"{PATH}/{{digest}}:promote", responses=documented(404, 409))
async def promote(service: Service, digest: Digest) -> AssistantOut:
    """Serve an assistant, once its files and the model it was trained on are checked."""
    own = _own(service)
    await _known(own, digest)
    try:
        return _assistant(await run_sync(own.promote, digest))
    except ModelUnavailable as error:
        raise Refused(409, "assistant_refused", error.message) from None


@router.post(f"{PATH}/{{digest}}:retire", status_code=204, responses=documented(404, 409))
async def retire(service: Service, digest: Digest) -> None:
    """Serve an assistant no more; its targets are answered by their other methods."""
    own = _own(service)
    await _known(own, digest)
    await run_sync(own.retire, digest)


def _own(service: AdminService) -> AssistantService:
    if service.assistants is None:
        raise Refused(409, "engine_is_remote", "assistants are trained and served where the engine is our own")
    return service.assistants


async def _known(own: AssistantService, digest: str) -> None:
    if not await run_sync(own.has, digest):
        raise Refused(404, "unknown_assistant", "no assistant has this digest")


def _trainable(registry: Registry, asked: Literal["all"] | list[str]) -> list[str]:
    if asked == "all":
        found = [target.id for target in registry.snapshot().targets if not _unfit(target)]
        if not found:
            raise Refused(409, "nothing_to_train", "no active forget target names uld and has facts or passages")
        return found
    targets = [registry.get(target_id) for target_id in dict.fromkeys(asked)]
    for number, target in enumerate(targets):
        if why := _unfit(target):
            raise InvalidTarget(f"this target {why}", field=f"targets[{number}]")
    return [target.id for target in targets]


def _unfit(target: ForgetTarget) -> str:
    if target.state is not State.ACTIVE:
        return f"is {target.state}"
    if Method.ULD not in target.draft.methods:
        return "does not name uld among its methods"
    return "" if rows_of_target(target.draft) else "has neither facts nor passages to learn"


def _training(job: Job) -> TrainingOut:
    return TrainingOut(
        id=job.id,
        targets=list(job.targets),
        created_at=job.created_at,
        state=job.state,
        share=job.share,
        assistant=job.assistant or None,
        code=job.code or None,
        detail=job.detail or None,
    )


def _assistant(placed: Placed) -> AssistantOut:
    manifest = placed.assistant.manifest
    return AssistantOut(
        digest=placed.assistant.digest,
        standing=placed.standing,
        targets=list(manifest.targets),
        layers=manifest.layers,
        training=manifest.training,
        epochs=manifest.epochs,
        alpha=manifest.alpha,
        filter_rate=manifest.filter_rate,
        forget_loss=manifest.forget_loss,
        retain_loss=manifest.retain_loss,
    )
