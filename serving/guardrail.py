"""The deterministic audit behind LiteLLM's Generic Guardrail API, so that an existing gateway can call it.

Contract: https://docs.litellm.ai/docs/adding_provider/generic_guardrail_api (beta). The response is the same for
every reason to block, because gateways show `blocked_reason` to their callers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, SecretStr

from agents.audit import Audit
from serving.http.asgi import App, BodyTooLarge, ClientGone, Receive, Scope, Send, read_body, replay, respond
from serving.keys import key_matches

log = logging.getLogger(__name__)

ROUTE = "/beta/litellm_basic_guardrail_api"
BLOCKED_REASON = "This content cannot be provided."

Json = Any


class GuardrailRequest(BaseModel):
    """The request of a gateway; members without text to audit are accepted and ignored."""

    model_config = ConfigDict(extra="ignore")

    input_type: Literal["request", "response"]
    texts: list[str] | None = None
    images: list[str] | None = None
    tools: Json = None
    tool_calls: Json = None
    structured_messages: Json = None


class GuardrailResponse(BaseModel):
    """The response to a gateway; it never contains any of the request."""

    action: Literal["BLOCKED", "NONE"]
    blocked_reason: str | None = None


BLOCKED = GuardrailResponse(action="BLOCKED", blocked_reason=BLOCKED_REASON)
PASSED = GuardrailResponse(action="NONE")


def guardrail_app(audit: Callable[[], Audit], key: SecretStr) -> FastAPI:
    """Return the application with the guardrail route.

    `audit` returns the audit under the policy in force. `key` is required as `x-api-key`. A request is blocked if
    any text, tool, tool call or message in it leaks a target, if it is a response with an image (which cannot be
    audited), if it is malformed, or if the audit fails.
    """
    app = FastAPI(title="Lethe guardrail", openapi_url=None)

    def authorised(x_api_key: Annotated[str, Header()] = "") -> None:
        if not key_matches(x_api_key, [key]):
            raise HTTPException(401, "invalid API key")

    @app.post(ROUTE, response_model_exclude_none=True, dependencies=[Depends(authorised)])
    async def guardrail(body: GuardrailRequest) -> GuardrailResponse:
        try:
            return await asyncio.to_thread(_audit_request, audit(), body)
        except Exception as error:
            log.warning("the guardrail blocked after a fault: %s", type(error).__name__)
            return BLOCKED

    @app.exception_handler(RequestValidationError)
    async def not_understood(request: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse(BLOCKED.model_dump())

    return app


def _audit_request(audit: Audit, body: GuardrailRequest) -> GuardrailResponse:
    if body.images and body.input_type == "response":
        return BLOCKED
    carriers = (body.texts, body.tools, body.tool_calls, body.structured_messages)
    texts = dict.fromkeys(text for carrier in carriers for text in _strings(carrier))
    return BLOCKED if any(audit.find_leaks(text) for text in texts) else PASSED


def _strings(value: Json) -> Iterator[str]:
    """Yield every string in a JSON value, including member names."""
    stack = [value]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            stack += [*value, *value.values()]
        elif isinstance(value, list):
            stack += value


class Guardrail:
    """The admin plane with the guardrail route, for requests with `key` as `x-api-key`.

    The route is on the admin plane's port because it reveals, text by text, whether a forget target is touched.
    """

    def __init__(self, admin: App, audit: Callable[[], Audit], key: SecretStr, max_body_bytes: int) -> None:
        self._admin = admin
        self._app: App = guardrail_app(audit, key)
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != ROUTE:
            return await self._admin(scope, receive, send)
        try:
            body = await read_body(receive, self._max_body_bytes)
        except BodyTooLarge:
            return await respond(send, 413, {"error": "the body is too large"})
        except ClientGone:
            return None
        await self._app(scope, replay(body, receive), send)
