"""Composed text kept within what the client asked for: its length in tokens, and its stop strings."""

from __future__ import annotations

from typing import NamedTuple

from serving.http.asgi import App
from serving.http.asgi_client import call
from serving.protocol.request import GenerationRequest


class Text(NamedTuple):
    """A text, and why it ends."""

    text: str
    finish: str


class Cut:
    """Cuts texts to the limits of one request, by the engine's own tokenizer."""

    def __init__(self, engine: App, request: GenerationRequest) -> None:
        self._engine = engine
        self._body = request.body

    async def of(self, text: str) -> Text:
        """Return `text` up to its first stop string and its last token that is allowed."""
        ends = [place for stop in self._stops() if (place := text.find(stop)) >= 0]
        text = text[: min(ends)] if ends else text
        most = self._body.get("max_completion_tokens") or self._body.get("max_tokens")
        # No token is shorter than a byte.
        if type(most) is not int or len(text.encode()) <= most:
            return Text(text, "stop")
        model = {"model": self._body["model"]} if "model" in self._body else {}
        asked = {**model, "prompt": text, "add_special_tokens": False}
        tokens = ((await call(self._engine, "POST", "/tokenize", asked)).json() or {}).get("tokens")
        if not isinstance(tokens, list):
            return Text("", "stop")
        if len(tokens) <= most:
            return Text(text, "stop")
        reply = await call(self._engine, "POST", "/detokenize", {**model, "tokens": tokens[:most]})
        shown = (reply.json() or {}).get("prompt")
        return Text(shown if isinstance(shown, str) and text.startswith(shown) else "", "length")

    def _stops(self) -> list[str]:
        stop = self._body.get("stop")
        given = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
        return [each for each in given if isinstance(each, str) and each]
