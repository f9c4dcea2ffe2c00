"""What the served model takes of a chat, found out by having the engine render a short one."""

from __future__ import annotations

from enum import Enum
from typing import Any

from serving.engine.tokenizer import tokenize
from serving.http.asgi import App

# A black square of 64 pixels: processors of pictures have a least size.
_SQUARE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAEAAAABAAQAAAACCEkxzAAAAD0lEQVR42mNgGAWj"
    "gHwAAAJAAAHgTR1EAAAAAElFTkSuQmCC"
)


def _turns(*roles: str) -> list[dict[str, Any]]:
    return [{"role": role, "content": "t"} for role in roles]


class Capability(Enum):
    """What a model may or may not take; the value is a chat that is rendered only by one that does."""

    SYSTEM_TURNS_ANYWHERE = _turns("system", "user", "system", "user")
    PICTURES = [  # noqa: RUF012
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": _SQUARE}}]}
    ]


class Capabilities:
    """Asks each engine once for each capability."""

    def __init__(self) -> None:
        self._engine: App | None = None
        self._found: dict[Capability, bool] = {}

    async def has(self, engine: App, capability: Capability) -> bool:
        """Return whether the model of `engine` takes what `capability` says; False while nobody can tell."""
        if engine is not self._engine:
            self._engine, self._found = engine, {}
        found = self._found
        if capability not in found:
            response = await tokenize(engine, {"messages": capability.value})
            if response.status not in (200, 400):
                return False
            found[capability] = response.status == 200
        return found[capability]
