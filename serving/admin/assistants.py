"""ULD's assistants over HTTP: train, list, promote, retire."""

from __future__ import annotations

from typing import Annotated, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field

from guard.errors import InvalidTarget, ModelUnavailable
from guard.registry.registry import Registry
from guard.targets.question_file import rows_of_target
from guard.targets.target import ForgetTarget, Method, State
from guard.uld.assistant import Status, Training
from serving.admin.problems import Refused, documented
from serving.admin.service import AdminService, Service
from serving.assistants.queue import Job, JobState
from serving.assistants.service import AssistantService, AssistantStatus

PATH = "/admin/v1/assistants"

router = APIRouter(tags=["assistants"])

Digest = Annotated[str, InPath(pattern="^[0-9a-f]{64}$", description="Digest of an assistant.")]


class TrainingIn(BaseModel):
    """The forget targets to train an assistant for."""

    model_config = ConfigDict(extra="forbid")

    targets: Literal["all"] | Annotated[list[str], Field(min_length=1, max_length=10_000)] = Field(
        description="Ids, or `all`: every active one with `uld` among its methods and something to learn."
    )


class TrainingOut(BaseModel):
    """A queued, running or finished training."""

    id: str
    targets: list[str]
    created_at: str
    state: JobState
    share: float = Field(description="Progress from 0 to 1.")
    assistant: str | None = Field(description="Digest of the trained assistant.")
    code: str | None = Field(description="Error code of a failed training.")
    detail: str | None


class AssistantOut(BaseModel):
    """An assistant: its targets, its training, and the default parameters of logit subtraction."""

    digest: str
    standing: Status
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
    """Queue the training of one assistant for these targets. It is served once it is promoted."""
    assistants = _assistants(service)
    targets = await run_sync(_trainable, service.registry, body.targets)
    job = await run_sync(assistants.queue, targets)
    assistants.trainer.notify()
    return _training(job)


@router.get(PATH, responses=documented(409))
async def page(service: Service) -> AssistantsOut:
    """List assistants and trainings."""
    assistants = _assistants(service)
    found, jobs = await run_sync(lambda: (assistants.assistants(), assistants.jobs()))
    return AssistantsOut(assistants=list(map(_assistant, found)), trainings=list(map(_training, jobs)))


@router.post(f"{PATH}/{{digest}}:promote", responses=documented(404, 409))
async def promote(service: Service, digest: Digest) -> AssistantOut:
    """Serve an assistant, after a check of its files and of the model that it was trained on."""
    assistants = _assistants(service)
    await _require(assistants, digest)
    try:
        return _assistant(await run_sync(assistants.promote, digest))
    except ModelUnavailable as error:
        raise Refused(409, "assistant_refused", error.message) from None


@router.post(f"{PATH}/{{digest}}:retire", status_code=204, responses=documented(404, 409))
async def retire(service: Service, digest: Digest) -> None:
    """Stop serving an assistant; its targets are handled by their other methods."""
    assistants = _assistants(service)
    await _require(assistants, digest)
    await run_sync(assistants.retire, digest)


def _assistants(service: AdminService) -> AssistantService:
    if service.assistants is None:
        raise Refused(409, "engine_is_remote", "assistants are trained and served where the engine is our own")
    return service.assistants


async def _require(assistants: AssistantService, digest: str) -> None:
    if not await run_sync(assistants.has, digest):
        raise Refused(404, "unknown_assistant", "no assistant has this digest")


def _trainable(registry: Registry, requested: Literal["all"] | list[str]) -> list[str]:
    if requested == "all":
        found = [target.id for target in registry.snapshot().targets if not _why_unfit(target)]
        if not found:
            raise Refused(409, "nothing_to_train", "no active forget target names uld and has facts or passages")
        return found
    targets = [registry.get(target_id) for target_id in dict.fromkeys(requested)]
    for number, target in enumerate(targets):
        if why := _why_unfit(target):
            raise InvalidTarget(f"this target {why}", field=f"targets[{number}]")
    return [target.id for target in targets]


def _why_unfit(target: ForgetTarget) -> str:
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


def _assistant(found: AssistantStatus) -> AssistantOut:
    manifest = found.assistant.manifest
    return AssistantOut(
        digest=found.assistant.digest,
        standing=found.standing,
        targets=list(manifest.targets),
        layers=manifest.layers,
        training=manifest.training,
        epochs=manifest.epochs,
        alpha=manifest.alpha,
        filter_rate=manifest.filter_rate,
        forget_loss=manifest.forget_loss,
        retain_loss=manifest.retain_loss,
    )
