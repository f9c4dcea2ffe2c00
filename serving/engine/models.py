"""The models that are served, as the engine lists them."""

from __future__ import annotations

from serving.http import asgi_client
from serving.http.asgi import App, Headers, Send, respond
from serving.protocol import errors

_MEMBERS = ("id", "object", "created", "owned_by", "max_model_len")


async def answer_models(engine: App, wanted: str, send: Send, headers: Headers) -> None:
    """Send the list of models, or the one that is `wanted`; 404 if it is not served."""
    response = await asgi_client.request(engine, "GET", "/v1/models")
    models = [{k: m[k] for k in _MEMBERS if k in m} for m in (response.json() or {}).get("data", [])]
    if not wanted:
        return await respond(send, 200, {"object": "list", "data": models}, headers)
    for model in models:
        if model.get("id") == wanted:
            return await respond(send, 200, model, headers)
    error = errors.error_response(404, *errors.STATUS_ERRORS[404])
    await respond(send, error.status, error.body, headers)
