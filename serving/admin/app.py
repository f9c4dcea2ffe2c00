"""The admin plane: an operator manages forget targets and assistants, and observes the policy."""

from __future__ import annotations

from typing import Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import SecretStr

from serving.access.access import Access
from serving.admin import assistants, elicitation, observed, replicas, targets, trial
from serving.admin.approval import routes as approval
from serving.admin.auth import OPEN_PATHS, Authentication
from serving.admin.canary import routes as canary
from serving.admin.cases import routes as cases
from serving.admin.check_response import CheckResponse, check_response
from serving.admin.keys import routes as keys
from serving.admin.policy import routes as versions
from serving.admin.problems import Problem, Refused, documented, install
from serving.admin.requests import ConversationIn, TextIn
from serving.admin.responses import Alive, PolicyOut
from serving.admin.service import AdminService, Service

MAX_BODY_BYTES = 8 * 1024 * 1024

router = APIRouter(tags=["policy"])


def create_admin(service: AdminService, key: SecretStr, max_body_bytes: int = MAX_BODY_BYTES) -> FastAPI:
    """Return the admin plane of `service`. `key` may do all, the service's keys what their roles allow."""
    app = _Admin(
        title="Lethe admin plane",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(_refuse_unknown_query)],
    )
    app.state.service = service
    app.include_router(targets.router)
    app.include_router(canary.router)
    app.include_router(approval.router)
    app.include_router(versions.router)
    app.include_router(elicitation.router)
    app.include_router(assistants.router)
    app.include_router(observed.router)
    app.include_router(replicas.router)
    app.include_router(cases.router)
    app.include_router(trial.router)
    app.include_router(keys.router)
    app.include_router(router)
    access = Access(key, service.keys, service.tokens, service.delegates)
    app.add_middleware(Authentication, access=access, max_body_bytes=max_body_bytes)
    install(app)
    return app


class _Admin(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """Return FastAPI's description of the plane, completed with the problems and the key."""
        if self.openapi_schema is not None:
            return self.openapi_schema
        schema = super().openapi()
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schema["components"]["schemas"] |= problem.pop("$defs") | {"Problem": problem}
        schema["components"]["securitySchemes"] = {"admin_key": {"type": "http", "scheme": "bearer"}}
        schema["security"] = [{"admin_key": []}]
        for path in OPEN_PATHS & schema["paths"].keys():
            schema["paths"][path]["get"]["security"] = []
        # Validated later than a body is to FastAPI.
        schemas = schema["components"]["schemas"]
        schemas["Batch"]["properties"]["targets"]["items"] = {"$ref": "#/components/schemas/TargetIn"}
        # Optional to FastAPI, which would otherwise answer 422 instead of 428 without it.
        for parameter in schema["paths"][targets.ONE]["patch"]["parameters"]:
            parameter["required"] |= parameter["name"] == "if-match"
        return schema


def _refuse_unknown_query(request: Request) -> None:
    route: APIRoute = request.scope["route"]
    known = {param.alias for param in route.dependant.query_params}
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        message = "this route has no such query parameter"
        raise RequestValidationError(
            [{"type": "extra_forbidden", "loc": ("query", name), "msg": message} for name in unknown]
        )


@router.post("/admin/v1/check", responses=documented(400, 413, 415))
async def check(service: Service, body: TextIn | ConversationIn) -> CheckResponse:
    """Return which targets a text or conversation touches and what would be done. The model is not called."""
    planner = service.planner.under(frozenset(body.tags)) if body.tags else service.planner
    asked = body.conversation()
    if body.canary is None:
        planned = await planner.plan(asked)
    else:
        planned = await planner.plan_on_side(asked, enforced=body.canary == "enforced")
    return check_response(planned.plan)


@router.get("/admin/v1/policy", responses=documented())
async def policy(service: Service) -> PolicyOut:
    """Return the version of the registry and the version that is enforced."""
    version, counts = await run_sync(lambda: (service.registry.version(), service.registry.counts()))
    enforced = service.enforced()
    return PolicyOut(
        version=version,
        targets=dict(counts),
        enforced_version=enforced.version,
        enforced=dict(enforced.targets),
        pending=enforced.pending,
        encrypted=service.registry.encrypted,
    )


@router.get("/livez", tags=["probes"])
async def livez() -> Alive:
    """Return 200 while the process runs."""
    return Alive()


@router.get("/readyz", tags=["probes"], responses=documented())
async def readyz(service: Service) -> Alive:
    """Return 200 while requests may be answered, else 503 and the reason."""
    reason = service.unready()
    if reason:
        raise Refused(503, "not_ready", reason)
    return Alive()
