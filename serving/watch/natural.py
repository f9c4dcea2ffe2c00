"""Natural declines: a question about a declined target is asked with surrogates in the place of its names.

The model answers as it does of a name that it never heard of, under all that the target forbids, and the
caller's own words are put back into the answer (`serving.watch.restored`). Where nothing can be replaced, or a
target is named in a way that was not replaced, the answer is the fixed text.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from anyio.to_thread import run_sync

from guard.deobfuscation.readings import deobfuscate
from guard.matching.near import NearTexts
from guard.policy.conversation_plan import restricted_plan
from guard.policy.policy import Policy
from guard.surrogates.restoring import Originals
from guard.surrogates.substitution import ReplacedPhrases, Substitution
from guard.targets.near import near_texts
from guard.targets.target import Mode
from guard.text.conversation import Message as Turn
from serving.engine.tokenizer import prompt_tokens
from serving.planner import PlannedRequest
from serving.protocol.allowed_values import allow_values
from serving.protocol.request import CONTEXT, DOCUMENTS, GenerationRequest
from serving.protocol.texts import KEYS, WORDS, is_bytes
from serving.watch.context import Client, RequestContext
from serving.watch.restored import RestoredResponse

DeclineStyle = Literal["fixed", "natural"]

MAX_ATTEMPTS = 4
"""To find surrogates that name no other target."""
_READ = ("messages", "prompt", DOCUMENTS, *CONTEXT)


class NaturalRequest(NamedTuple):
    """A request, its plan, and the client to answer it to."""

    client: Client
    context: RequestContext
    planned: PlannedRequest


class _Known(NamedTuple):
    """What of a target is replaced, and what of it must not be nearly said."""

    phrases: ReplacedPhrases
    near: NearTexts


class _OfPolicy(NamedTuple):
    """What is known of targets, by id, while their policy is in use: nothing stays of a target that is no more."""

    policy: weakref.ref[Policy]
    by_id: dict[str, _Known]


class _Substituted(NamedTuple):
    """A request with surrogates, the texts of its prompts, and what the surrogates stand for."""

    request: GenerationRequest
    prompts: tuple[str, ...]
    originals: Mapping[str, str]


class NaturalDeclines:
    """Asks what is declined with surrogates; knows the phrases of the targets of one policy."""

    def __init__(self) -> None:
        self._known: _OfPolicy | None = None

    async def substitute(self, client: Client, context: RequestContext, planned: PlannedRequest) -> NaturalRequest:
        """Return a declined request as one with surrogates, and a client that reads its own words.

        All as they are where nothing can be replaced. Usage counts the prompt that the client sent.
        """
        answered = await self.restrict(planned)
        found = await run_sync(self._substitute, context, planned) if answered else None
        if answered is None or found is None:
            return NaturalRequest(client, context, planned)
        request = allow_values(found.request, answered.automata)
        seeds = request.seeds(found.prompts)
        asked = replace(context, request=request, prompts=found.prompts, seeds=seeds)
        # Counted while the engine answers: a question that names a target must not wait for it.
        count = asyncio.create_task(prompt_tokens(context.engine, context.request))
        restored = RestoredResponse(client.send, Originals(found.originals), count)
        return NaturalRequest(client._replace(send=restored.send), asked, answered)

    async def restrict(self, planned: PlannedRequest) -> PlannedRequest | None:
        """Return a declined request as one answered under all that its targets forbid; None if it cannot be."""
        return await run_sync(self._restrict, planned)

    def _restrict(self, planned: PlannedRequest) -> PlannedRequest | None:
        policy = planned.policy
        plan = restricted_plan(policy, planned.plan) if policy else None
        if policy is None or plan is None:
            return None
        ids = [match.target_id for match in plan.matches if match.mode is Mode.ENFORCE]
        near = (self._of(policy, id).near for id in ids if id not in plan.supplied)
        classes = (each for id in ids for each in policy.lookup.classes.get(id, ()))
        return planned._replace(
            plan=plan,
            automata=tuple(policy.automata[digest] for digest in plan.automata),
            near=tuple(filter(None, dict.fromkeys((*planned.near, *near)))),
            classes=tuple(dict.fromkeys((*planned.classes, *classes))),
        )

    def _substitute(self, context: RequestContext, planned: PlannedRequest) -> _Substituted | None:
        policy, matches = planned.policy, planned.plan.matches
        if policy is None:
            return None
        phrases = [self._of(policy, one.target_id).phrases for one in matches if one.mode is Mode.ENFORCE]
        shadows = {match.target_id for match in matches if match.mode is Mode.SHADOW}
        conversation = "\n".join(turn.text for turn in planned.conversation)
        for attempt in range(MAX_ATTEMPTS):
            substitution = Substitution(phrases, conversation, attempt)
            prompts = tuple(map(substitution.replace, context.prompts))
            request = _replaced_request(context.request, prompts, substitution)
            if not substitution.originals:
                return None
            if _named(policy, request.conversation(prompts)) <= shadows:
                return _Substituted(request, prompts, substitution.originals)
        return None

    def _of(self, policy: Policy, id: str) -> _Known:
        known = self._known
        if known is None or known.policy() is not policy:
            known = self._known = _OfPolicy(weakref.ref(policy, self._forget), {})
        if id not in known.by_id:
            target = policy.targets[id]
            known.by_id[id] = _Known(ReplacedPhrases(target), near_texts(target))
        return known.by_id[id]

    def _forget(self, policy: weakref.ref[Policy]) -> None:
        known = self._known
        if known is not None and known.policy is policy:
            self._known = None


def _named(policy: Policy, conversation: Sequence[Turn]) -> frozenset[str]:
    """Return the targets that a conversation names, in whatever disguise."""
    named = policy.lookup.named("\n".join(turn.text for turn in conversation))
    readings = (reading for turn in conversation for reading in deobfuscate(turn.text))
    return named.union(*(policy.lookup.named(each.text, short=each.is_language) for each in readings))


def _replaced_request(
    request: GenerationRequest, prompts: tuple[str, ...], substitution: Substitution
) -> GenerationRequest:
    body = dict(request.body)
    body.update({name: _replaced(body[name], substitution) for name in _READ if name in body})
    if prompts:
        body["prompt"] = list(prompts) if len(prompts) > 1 else prompts[0]
        if request.prompts.rows:
            # The text of token ids has those of special tokens.
            body["add_special_tokens"] = False
    return replace(request, body=body)


def _replaced(value: Any, substitution: Substitution) -> Any:
    """Return a JSON value with surrogates in every text that the detector reads."""
    if isinstance(value, str):
        return value if value in WORDS or is_bytes(value) else substitution.replace(value)
    if isinstance(value, list):
        return [_replaced(item, substitution) for item in value]
    if isinstance(value, dict):
        return {
            key if key in KEYS else substitution.replace(key): _replaced(item, substitution)
            for key, item in value.items()
        }
    return value
