"""Runs one request's model calls: counts them, enforces budget and confidentiality, parses replies strictly."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from agents.audit import Audit, Leak
from agents.chat import Chat, ChatFailed, Completion, Completions, Schema, Usage
from agents.ledger import Item, Ledger, Role
from agents.prompts.exchange import TargetSummary
from agents.prompts.prompt import load_prompt
from agents.prompts.quotation import Data
from agents.prompts.replies import ReplyFormat, Unreadable
from agents.reason import Declined, Reason
from guard.text.conversation import Message

# Every role but the rewriter is deterministic; rewrites must differ from each other.
DETERMINISTIC_TEMPERATURE, DIVERSE_TEMPERATURE = 0.0, 0.8
# Tokens of a reply in addition to the answers in it.
REPLY_OVERHEAD_TOKENS = 512

T = TypeVar("T")


class CallRunner:
    """Runs the calls of one request. Every failure to get a usable reply raises Declined.

    chat        the model that plays every role but Vanilla
    engine      the model that plays Vanilla
    max_tokens  of one answer
    confined    the summaries that a second provider must not be sent
    """

    def __init__(
        self,
        chat: Chat,
        engine: Chat,
        audit: Audit,
        ledger: Ledger,
        max_tokens: int,
        confined: Sequence[TargetSummary],
    ) -> None:
        self.chat = chat
        self.ledger = ledger
        self._engine = engine
        self._audit = audit
        self._max_tokens = max_tokens
        self._confined = confined

    async def answer(self, messages: Sequence[Message], temperature: float) -> Completion:
        """Return the engine's own answer to `messages`."""
        await self._check_confidentiality([message.text for message in messages], self._engine)
        call = _Call(Role.VANILLA, messages, 1, None, self._max_tokens, temperature)
        return (await self._run(call, self._engine)).choices[0]

    async def ask(
        self,
        role: Role,
        prompt: str,
        data: Data,
        reply_format: ReplyFormat[T],
        temperature: float = DETERMINISTIC_TEMPERATURE,
    ) -> T:
        """Return the parsed reply of `role` to `data` under the prompt of that name."""
        return (await self.ask_many(role, prompt, data, reply_format, 1, 1, temperature))[0]

    async def ask_many(
        self,
        role: Role,
        prompt: str,
        data: Data,
        reply_format: ReplyFormat[T],
        n: int,
        min_replies: int,
        temperature: float,
    ) -> list[T]:
        """Return the readable ones of `n` replies to one request, in order.

        If fewer than `min_replies` are readable, the missing ones are requested once more.
        """
        await self._check_confidentiality(list(_texts(data)), self.chat)
        # JSON may take two tokens where plain text takes one.
        max_tokens = REPLY_OVERHEAD_TOKENS + 2 * reply_format.answers * self._max_tokens
        replies: list[T] = []
        for repair in (False, True):
            messages = load_prompt(prompt).messages(data, repair=repair)
            missing = n - len(replies)
            call = _Call(role, messages, missing, reply_format.schema, max_tokens, temperature, repair)
            replies += _readable((await self._run(call, self.chat)).choices[:missing], reply_format)
            if len(replies) >= min_replies:
                return replies
        raise Declined(Reason.UNREADABLE)

    async def find_leaks(self, text: str, subjects: Sequence[TargetSummary] = ()) -> tuple[Leak, ...]:
        """Return the leaks that the deterministic audit finds in `text`."""
        return await asyncio.to_thread(self._audit.find_leaks, text, subjects)

    async def find_nearest(self, texts: Sequence[str], limit: int) -> tuple[TargetSummary, ...]:
        """Return the up to `limit` targets nearest to `texts`."""
        return await asyncio.to_thread(self._audit.find_nearest, texts, limit)

    async def _check_confidentiality(self, texts: Sequence[str], chat: Chat) -> None:
        if chat.second_provider:
            leaks = await self.find_leaks("\n".join(texts), self._confined)
            if any(leak.subject.confined for leak in leaks):
                raise Declined(Reason.CONFIDENTIAL)

    async def _run(self, call: _Call, chat: Chat) -> Completions:
        max_tokens = self.ledger.allow(call.n, call.max_tokens)
        usage = Usage(0, 0)
        try:
            completions = await chat.complete(call.messages, call.n, call.schema, max_tokens, call.temperature)
            usage = completions.usage
        except ChatFailed:
            raise Declined(Reason.UNREACHABLE) from None
        finally:
            self.ledger.record(Item(call.role, call.repair, usage))
        if not completions.choices:
            raise Declined(Reason.UNREACHABLE)
        return completions


class _Call(NamedTuple):
    role: Role
    messages: Sequence[Message]
    n: int
    schema: Schema | None
    max_tokens: int
    temperature: float
    repair: bool = False


def _readable(choices: Sequence[Completion], reply_format: ReplyFormat[T]) -> list[T]:
    replies: list[T] = []
    for choice in choices:
        # A truncated reply may still parse, and lack what mattered.
        if choice.finish != "length":
            with contextlib.suppress(Unreadable):
                replies.append(reply_format.read(choice.text))
    return replies


def _texts(data: Data) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for value in data.values():
            yield from _texts(value)
    elif isinstance(data, Sequence):
        for value in data:
            yield from _texts(value)
