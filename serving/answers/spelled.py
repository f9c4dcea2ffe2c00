"""Answers that a regular expression or a grammar spells: read by the detector before any of them leaves.

`I{1}lsabet`, `[I-I]lsabet` and `(Ils|Zzz)(abet|zz)` say a name that nobody finds in the request, and the model
then answers the question that it was made to write. So the answer is held until it is complete, and declined if it
touches a target that the request did not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from guard.errors import LetheError
from guard.text.conversation import Message as Turn
from guard.text.json_escapes import readings
from serving.answers.output_guard import OutputGuard
from serving.http.asgi import App, Message, Receive, Scope, Send
from serving.http.sse import DONE, KEEP_ALIVE, Splitter, frame, is_stream
from serving.protocol.request import GenerationRequest
from serving.protocol.surfaces import MAIN, surfaces

# Members of `structured_outputs` that are patterns or grammars.
_PATTERNS = ("regex", "grammar", "structural_tag", "whitespace_pattern")
# Keywords of a JSON schema whose values or keys are regular expressions.
_SCHEMA_PATTERNS = frozenset({"pattern", "patternProperties"})
Reader = Callable[[Sequence[Turn]], Awaitable[bool]]


def is_spelled(request: GenerationRequest) -> bool:
    """Return whether the request has a pattern or grammar, by which an answer may say what it does not."""
    body = request.body
    outputs, shape = body.get("structured_outputs") or {}, body.get("response_format") or {}
    if any(outputs.get(name) for name in _PATTERNS) or shape.get("type") == "structural_tag":
        return True
    return any(map(_has_pattern, (outputs.get("json"), shape, *_enforced_schemas(body))))


def _enforced_schemas(body: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the schemas of tools that the engine holds arguments to: others are a text that the model may read."""
    forced = body.get("tool_choice") not in (None, "auto", "none")
    for tool in body.get("tools") or ():
        function = tool.get("function")
        if isinstance(function, dict) and (forced or function.get("strict")):
            yield function.get("parameters")


class SpelledAnswer:
    """An ASGI application: the answer of `app`, declined if `touches` says so of all that it says.

    seeds     the text that the answer to each prompt continues
    declined  the guard that replaces an answer
    """

    def __init__(
        self, app: App, request: GenerationRequest, seeds: Sequence[str], touches: Reader, declined: OutputGuard
    ) -> None:
        self._app = app
        self._per_prompt = request.choices_per_prompt
        self._seeds = seeds
        self._touches = touches
        self._declined = declined

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        held: list[Message] = []

        async def hold(message: Message) -> None:
            if message.get("body") != KEEP_ALIVE:
                held.append(message)

        await self._app(scope, receive, hold)
        if not held:
            return
        start, body = held[0], b"".join(message.get("body", b"") for message in held[1:])
        streamed = is_stream(start)
        if start["status"] == 200 and await self._is_touched(_payloads(body, streamed)):
            body = b"".join(self._replaced(body)) if streamed else self._declined.answer(body)
        await send(start)
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _is_touched(self, payloads: Sequence[bytes]) -> bool:
        try:
            return await self._touches(self._turns(payloads))
        except LetheError:
            # What cannot be read is not given out.
            return True

    def _replaced(self, body: bytes) -> Iterator[bytes]:
        for payload in Splitter().feed(body):
            plain = payload == DONE or b'"choices"' not in payload
            yield from map(frame, [payload] if plain else self._declined.chunk(payload))

    def _turns(self, payloads: Sequence[bytes]) -> list[Turn]:
        """Return what each surface of each choice says, after the text that it continues."""
        said: dict[tuple[int, str], str] = {}
        for payload in payloads:
            for choice in orjson.loads(payload).get("choices") or ():
                index = int(choice.get("index", 0))
                for surface in surfaces(choice):
                    key = index, surface.key
                    said.setdefault(key, self._seed(index) if surface.key in MAIN else "")
                    said[key] += surface.holder[surface.member]
        return [Turn("assistant", "\n".join(_readings(text))) for text in said.values()]

    def _seed(self, index: int) -> str:
        prompt = index // self._per_prompt
        return self._seeds[prompt] if prompt < len(self._seeds) else ""


def _payloads(body: bytes, streamed: bool) -> list[bytes]:
    return [payload for payload in Splitter().feed(body) if payload != DONE] if streamed else [body]


def _readings(text: str) -> Iterator[str]:
    """Yield a text with its escapes read, and what the strings of a JSON text say together."""
    yield readings(text)
    try:
        strings = list(_strings(orjson.loads(text)))
    except orjson.JSONDecodeError:
        return
    if len(strings) > 1:
        yield readings("".join(strings))


def _strings(value: object) -> Iterator[str]:
    # Iterative: an answer may be nested deeper than functions may call each other.
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, list | dict):
            stack.extend(reversed(list(item.values()) if isinstance(item, dict) else item))


def _has_pattern(value: Any) -> bool:
    if isinstance(value, str):
        # A schema in a string, whose escapes may spell its keywords.
        return any(keyword in readings(value) for keyword in _SCHEMA_PATTERNS)
    if isinstance(value, Mapping):
        return not _SCHEMA_PATTERNS.isdisjoint(value) or any(map(_has_container_pattern, value.values()))
    return isinstance(value, list) and any(map(_has_container_pattern, value))


def _has_container_pattern(value: Any) -> bool:
    return not isinstance(value, str) and _has_pattern(value)
