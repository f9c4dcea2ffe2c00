"""Fits a parsed request to the model that is served and to what can be examined of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from serving.engine.capabilities import Capabilities, Capability
from serving.http.asgi import App
from serving.protocol.dialects.system_turns import has_inline_system, merge_inline_system
from serving.protocol.dialects.tool_pictures import pictures_after_results
from serving.protocol.media import Kind, UnreadMedia, media_of, without_unread
from serving.protocol.refused_fields import CHAT, MESSAGES
from serving.protocol.request import GenerationRequest

Unread = Literal["refuse", "allow"]
_MEDIA: dict[Kind, str] = {
    "image": "pictures",
    "audio": "sounds",
    "video": "videos",
    "file": "files that are not text",
    "content": "content of an unknown type",
}


class Preparation:
    """Changes what the served model would not take, where the client's API lets it be said otherwise."""

    def __init__(self, enforces: Callable[[], bool], unread_media: Unread = "refuse") -> None:
        """`enforces` tells whether a forget target is enforced by what a conversation says."""
        self._capabilities = Capabilities()
        self._enforces = enforces
        self._unread_media = unread_media

    async def prepare(
        self, engine: App, asked_at: str, request: GenerationRequest, enforces: Callable[[], bool] | None = None
    ) -> GenerationRequest:
        """Return the request as `engine` takes it; `asked_at` is the route by which it came.

        `enforces` is for a client with a policy set. Raises UnreadMedia for media outside tool results that nobody
        may leave unread.
        """
        given = messages = request.body.get("messages", [])
        messages = await self._with_media_settled(engine, asked_at, messages, enforces or self._enforces)
        if asked_at == MESSAGES and has_inline_system(messages) and not await self._takes_system(engine):
            messages = merge_inline_system(messages)
        return request if messages is given else replace(request, body={**request.body, "messages": messages})

    async def _with_media_settled(
        self, engine: App, asked_at: str, messages: list[dict[str, Any]], enforces: Callable[[], bool]
    ) -> list[dict[str, Any]]:
        said = next(media_of(messages, of_tools=False), None)
        of_tools = set(media_of(messages, of_tools=True))
        if said is None and not of_tools:
            return messages
        unread = self._unread_media == "refuse" and enforces()
        if unread and said is not None:
            raise UnreadMedia(f"This server cannot examine {_MEDIA[said]}, and lets none pass.", field="messages")
        pictures = "image" in of_tools and not unread and await self._capabilities.has(engine, Capability.PICTURES)
        messages = without_unread(messages, pictures_of_tools=pictures)
        return messages if asked_at == CHAT else pictures_after_results(messages)

    async def _takes_system(self, engine: App) -> bool:
        return await self._capabilities.has(engine, Capability.SYSTEM_TURNS_ANYWHERE)
