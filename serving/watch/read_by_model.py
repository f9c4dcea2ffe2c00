"""What a conversation supplies counts only as far as the model reads it.

A chat template may pass over documents, over a role, or over members of a turn; and an engine may cut a prompt. A
list of all towns and years would otherwise free every one of them, and cost the caller nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from guard.supplied.rule import RULED_ROLES, WHOLE_ROLES
from guard.text.conversation import Message, message
from guard.text.json_escapes import readings
from guard.text.normalise import fold
from serving.engine.tokenizer import rendered
from serving.http.asgi import App, off_loop
from serving.protocol.request import GenerationRequest

_SUPPLYING = WHOLE_ROLES | RULED_ROLES


async def as_read(engine: App, request: GenerationRequest, conversation: Sequence[Message]) -> tuple[Message, ...]:
    """Return `conversation` with what the rendered prompt lacks as context, which supplies nothing.

    All of it is, where the engine cannot tell the prompt or cuts it.
    """
    prompt = await rendered(engine, request)
    return tuple(await off_loop(len(prompt), lambda: list(_as_read(prompt, conversation))))


def _as_read(prompt: str, conversation: Sequence[Message]) -> Iterator[Message]:
    # A template may write what a tool returned as JSON.
    read, at = fold(readings(prompt)), 0
    for turn in conversation:
        if turn.role not in _SUPPLYING:
            yield turn
            continue
        kept: list[str] = []
        left: list[str] = []
        for line in (turn.written or turn.text).splitlines():
            # Mostly in the order of the prompt, so that looking for all lines takes linear time.
            folded = fold(line)
            found = read.find(folded, at)
            found = found if found >= 0 else read.find(folded)
            (kept if found >= 0 else left).append(line)
            at = found + len(folded) if found >= 0 else at
        yield message(turn.role, "\n".join(kept)) if left else turn
        if left:
            yield message("context", "\n".join(left))
