"""The models that are served, as the engine lists them."""

from __future__ import annotations

from collections.abc import Collection

from serving.http import asgi_client
from serving.http.asgi import App, Headers, Send, respond
from serving.protocol import errors

_MEMBERS = ("id", "object", "created", "owned_by", "max_model_len")


async def answer_models(
    engine: App, wanted: str, send: Send, headers: Headers, allowed: Collection[str] = ()
) -> None:
    """Send the list of models, or the one that is `wanted`; 404 if it is not served.

    `allowed` are those that the client may ask, empty for all.
    """
    response = await asgi_client.request(engine, "GET", "/v1/models")
    models = [{k: m[k] for k in _MEMBERS if k in m} for m in (response.json() or {}).get("data", [])]
    models = [model for model in models if not allowed or model.get("id") in allowed]
    if not wanted:
        return await respond(send, 200, {"object": "list", "data": models}, headers)
    for model in models:
        if model.get("id") == wanted:
            return await respond(send, 200, model, headers)
    error = errors.error_response(404, *errors.STATUS_ERRORS[404])
    await respond(send, error.status, error.body, headers)
