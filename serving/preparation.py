"""Fits a parsed request to the model that is served, before anything of it is examined."""

from __future__ import annotations

from dataclasses import replace

from serving.engine.capabilities import Capabilities, Capability
from serving.http.asgi import App
from serving.protocol.dialects.system_turns import has_inline_system, merge_inline_system
from serving.protocol.refused_fields import MESSAGES
from serving.protocol.request import GenerationRequest


class Preparation:
    """Changes what the served model would not take, where the client's API lets it be said otherwise."""

    def __init__(self) -> None:
        self._capabilities = Capabilities()

    async def prepare(self, engine: App, asked_at: str, request: GenerationRequest) -> GenerationRequest:
        """Return the request as `engine` takes it; `asked_at` is the route by which it came."""
        messages = request.body.get("messages", [])
        if asked_at == MESSAGES and has_inline_system(messages) and not await self._takes_system(engine):
            return replace(request, body={**request.body, "messages": merge_inline_system(messages)})
        return request

    async def _takes_system(self, engine: App) -> bool:
        return await self._capabilities.has(engine, Capability.SYSTEM_TURNS_ANYWHERE)
