"""The one place from which a request's calls are made: counted, in budget, confined, read strictly."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from agents.audit import Audit, Leak
from agents.chat import Chat, ChatFailed, Completion, Completions, Schema, Usage
from agents.ledger import Item, Ledger, Role
from agents.prompts.case import Subject
from agents.prompts.prompt import brief
from agents.prompts.quotation import Data
from agents.prompts.replies import Form, Unreadable
from agents.reason import Reason, Withheld
from guard.text.conversation import Message

# Deterministic roles read at temperature 0; rewrites are to differ from each other.
STEADY, VARIED = 0.0, 0.8
_SHORT = 512

T = TypeVar("T")


class Stage:
    """One request's calls. Every failure to get a usable reply ends in Withheld."""

    def __init__(
        self,
        chat: Chat,
        engine: Chat,
        audit: Audit,
        ledger: Ledger,
        max_tokens: int,
        confined: Sequence[Subject],
    ) -> None:
        self.chat = chat
        self.ledger = ledger
        self._engine = engine
        self._audit = audit
        self._max_tokens = max_tokens
        self._confined = confined

    async def answered(self, messages: Sequence[Message], temperature: float) -> Completion:
        """Return the engine's own answer to `messages`."""
        await self._may_leave([message.text for message in messages], self._engine)
        call = _Call(Role.VANILLA, messages, 1, None, self._max_tokens, temperature)
        return (await self._made(call, self._engine)).choices[0]

    async def asked(self, role: Role, prompt: str, data: Data, form: Form[T], temperature: float = STEADY) -> T:
        """Return the one reply of `role` to `data` under the brief `prompt`."""
        return (await self.asked_often(role, prompt, data, form, 1, 1, temperature))[0]

    async def asked_often(
        self, role: Role, prompt: str, data: Data, form: Form[T], n: int, least: int, temperature: float
    ) -> list[T]:
        """Return the readable ones of `n` replies to one request, in order.

        With fewer than `least` of them the request is repeated once, for the replies that are missing.
        """
        await self._may_leave(list(_texts(data)), self.chat)
        # JSON may take two tokens where plain text takes one.
        max_tokens = _SHORT + 2 * form.answers * self._max_tokens
        read: list[T] = []
        for repair in (False, True):
            messages = brief(prompt).messages(data, repair=repair)
            missing = n - len(read)
            call = _Call(role, messages, missing, form.schema, max_tokens, temperature, repair)
            read += _readable((await self._made(call, self.chat)).choices[:missing], form)
            if len(read) >= least:
                return read
        raise Withheld(Reason.UNREADABLE)

    async def leaks(self, text: str, subjects: Sequence[Subject] = ()) -> tuple[Leak, ...]:
        """Return what the deterministic audit finds in `text`."""
        return await asyncio.to_thread(self._audit.leaks, text, subjects)

    async def nearest(self, texts: Sequence[str], limit: int) -> tuple[Subject, ...]:
        """Return the subjects that `texts` come nearest to."""
        return await asyncio.to_thread(self._audit.nearest, texts, limit)

    async def _may_leave(self, texts: Sequence[str], chat: Chat) -> None:
        if chat.second_provider:
            leaks = await self.leaks("\n".join(texts), self._confined)
            if any(leak.subject.confined for leak in leaks):
                raise Withheld(Reason.CONFIDENTIAL)

    async def _made(self, call: _Call, chat: Chat) -> Completions:
        allowed = self.ledger.allow(call.n, call.max_tokens)
        usage = Usage(0, 0)
        try:
            reply = await chat.complete(call.messages, call.n, call.schema, allowed, call.temperature)
            usage = reply.usage
        except ChatFailed:
            raise Withheld(Reason.UNREACHABLE) from None
        finally:
            self.ledger.note(Item(call.role, call.repair, usage))
        if not reply.choices:
            raise Withheld(Reason.UNREACHABLE)
        return reply


class _Call(NamedTuple):
    role: Role
    messages: Sequence[Message]
    n: int
    schema: Schema | None
    max_tokens: int
    temperature: float
    repair: bool = False


def _readable(choices: Sequence[Completion], form: Form[T]) -> list[T]:
    read: list[T] = []
    for choice in choices:
        # What was cut off may read well and still lack what mattered.
        if choice.finish != "length":
            with contextlib.suppress(Unreadable):
                read.append(form.read(choice.text))
    return read


def _texts(data: Data) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for value in data.values():
            yield from _texts(value)
    elif isinstance(data, Sequence):
        for value in data:
            yield from _texts(value)
