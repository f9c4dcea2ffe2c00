"""ULD's assistants: what is trained, trained already, and served."""

from __future__ import annotations

from collections.abc import Sequence

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from serving.admin import assistants as plane
from serving.assistants.service import AssistantService
from serving.desk.charts import SweepChart, sweep_charts
from serving.desk.context import desk_of
from serving.desk.rendering import HOME, render

ASSISTANTS = f"{HOME}/assistants"


async def assistants(request: Request) -> Response:
    """Show assistants and trainings, which refresh by themselves while one is open."""
    service = desk_of(request).service
    if service.assistants is None:
        return render(
            request, "assistants", remote=True, assistants=[], trainings=[], sweeps=[], is_training=False
        )
    found = await plane.page(service)
    sweeps = await run_sync(_sweeps, service.assistants, [one.digest for one in found.assistants])
    is_training = any(training.state in ("queued", "training") for training in found.trainings)
    return render(
        request,
        "assistants",
        remote=False,
        assistants=found.assistants,
        trainings=found.trainings[::-1],
        sweeps=sweeps,
        is_training=is_training,
    )


async def train(request: Request) -> Response:
    """Queue the training of one assistant for all targets with the method uld."""
    await plane.train(desk_of(request).service, plane.TrainingIn(targets="all"))
    return RedirectResponse(ASSISTANTS, 303)


async def promote(request: Request) -> Response:
    """Serve an assistant."""
    await plane.promote(desk_of(request).service, request.path_params["digest"])
    return RedirectResponse(ASSISTANTS, 303)


async def retire(request: Request) -> Response:
    """Stop serving an assistant."""
    await plane.retire(desk_of(request).service, request.path_params["digest"])
    return RedirectResponse(ASSISTANTS, 303)


def _sweeps(service: AssistantService, digests: Sequence[str]) -> list[tuple[str, list[SweepChart]]]:
    """Return the charts of each assistant that a sweep has measured."""
    found = ((digest, sweep_charts(service.sweep(digest))) for digest in digests)
    return [(digest, charts) for digest, charts in found if charts]
