"""Truncates composed text to the request's limits: its number of tokens and its stop strings."""

from __future__ import annotations

from typing import NamedTuple

from serving.http import asgi_client
from serving.http.asgi import App
from serving.protocol.request import GenerationRequest


class TruncatedText(NamedTuple):
    """A text and its finish reason: `stop`, or `length` if tokens were cut off."""

    text: str
    finish_reason: str


class Truncator:
    """Truncates texts to the limits of one request, with the engine's own tokenizer."""

    def __init__(self, engine: App, request: GenerationRequest) -> None:
        self._engine = engine
        self._body = request.body

    async def truncate(self, text: str) -> TruncatedText:
        """Return `text` up to its first stop string and its last allowed token.

        Empty if the engine cannot tokenize it.
        """
        stops = [position for stop in self._stop_strings() if (position := text.find(stop)) >= 0]
        text = text[: min(stops)] if stops else text
        max_tokens = self._body.get("max_completion_tokens") or self._body.get("max_tokens")
        # Every token has at least one byte.
        if type(max_tokens) is not int or len(text.encode()) <= max_tokens:
            return TruncatedText(text, "stop")
        model = {"model": self._body["model"]} if "model" in self._body else {}
        body = {**model, "prompt": text, "add_special_tokens": False}
        response = await asgi_client.request(self._engine, "POST", "/tokenize", body)
        tokens = (response.json() or {}).get("tokens")
        if not isinstance(tokens, list):
            return TruncatedText("", "stop")
        if len(tokens) <= max_tokens:
            return TruncatedText(text, "stop")
        body = {**model, "tokens": tokens[:max_tokens]}
        response = await asgi_client.request(self._engine, "POST", "/detokenize", body)
        kept = (response.json() or {}).get("prompt")
        return TruncatedText(kept if isinstance(kept, str) and text.startswith(kept) else "", "length")

    def _stop_strings(self) -> list[str]:
        stop = self._body.get("stop")
        stops = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
        return [each for each in stops if isinstance(each, str) and each]
