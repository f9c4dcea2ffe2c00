"""ULD's assistants: what is trained, trained already, and served."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from serving.admin import assistants as plane
from serving.desk.context import desk_of
from serving.desk.rendering import HOME, render

ASSISTANTS = f"{HOME}/assistants"


async def assistants(request: Request) -> Response:
    """Show assistants and trainings, which refresh by themselves while one is open."""
    service = desk_of(request).service
    if service.assistants is None:
        return render(request, "assistants", remote=True, assistants=[], trainings=[], is_training=False)
    found = await plane.page(service)
    is_training = any(training.state in ("queued", "training") for training in found.trainings)
    return render(
        request,
        "assistants",
        remote=False,
        assistants=found.assistants,
        trainings=found.trainings[::-1],
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
