"""The agents behind the data plane: who plays the roles, what a request may cost, and what a choice becomes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from openai import AsyncOpenAI

from agents.audit import PolicyAudit
from agents.chat import Usage
from agents.ledger import Budget
from agents.openai_chat import OpenAIChat
from agents.pipeline import Profile, answer
from agents.prompts.case import Subject, subject_of
from agents.reason import Reason
from agents.result import AgentsResult
from guard.detection.embedder import Embedder
from guard.policy.current import CurrentPolicy
from guard.policy.plan import Plan, PlanKind
from guard.policy.policy import Policy
from guard.targets.target import Method, Mode
from guard.text.conversation import Message
from serving.answers.application import Application, Outcome
from serving.answers.choices import Choice, make_choice
from serving.answers.limits import Truncator
from serving.answers.vanilla import Vanilla, prompts_of
from serving.engine.client import engine_client
from serving.http import asgi_client
from serving.http.asgi import App
from serving.planner import CONSTRAINTS, engine_args
from serving.protocol.refused_fields import CHAT
from serving.protocol.request import GenerationRequest
from serving.settings import Settings

MOST_CHOICES = 8
MAX_TOKENS = 1024
# Vanilla, and the check with its repair: what may be spent on a text that cannot be rewritten.
UNCHANGED_ONLY = 3
UNKNOWN_CONTEXT = 8192
Observe = Callable[[AgentsResult], None]


@dataclass(frozen=True, slots=True)
class Terms:
    """How the agents work on this server, by its settings."""

    profile: Profile
    threshold: float
    budget: Budget


class Agents:
    """Answers requests whose plan is AGENTS. `second` is another model for the roles; the engine itself when None.

    `observe` is told every verdict, once for each choice.
    """

    def __init__(
        self,
        current: CurrentPolicy,
        embedder: Embedder,
        terms: Terms,
        engine: AsyncOpenAI,
        places: asyncio.Semaphore,
        second: OpenAIChat | None = None,
        observe: Observe = lambda verdict: None,
    ) -> None:
        self._current = current
        self._embedder = embedder
        self._terms = terms
        self._engine = engine
        self._places = places
        self._second = second
        self._observe = observe

    def application(
        self, engine: App, request: GenerationRequest, request_id: str, prompts: Sequence[str], plan: Plan
    ) -> App:
        """Return the application that answers `request` in the engine's place; `prompts` are a completion's."""

        async def work() -> Outcome:
            return await self._worked(engine, request, prompts, plan)

        return Application(request, request_id, work)

    async def _worked(
        self, engine: App, request: GenerationRequest, prompts: Sequence[str], plan: Plan
    ) -> Outcome:
        parts = prompts_of(request)
        count = len(parts) * request.choices_per_prompt
        if count > MOST_CHOICES:
            return Outcome([Choice(make_choice(request.route, "", "stop"), Usage(0, 0), None)] * count)
        scene = _Scene(engine, await self._roles(engine, request, plan), plan, self._current.required())
        choices = [
            self._choice(scene, part, _conversation(part, prompts[place : place + 1]), number)
            for place, part in enumerate(parts)
            for number in range(request.choices_per_prompt)
        ]
        found = await asyncio.gather(*choices)
        refusal = next((each for each in found if not isinstance(each, Choice)), None)
        return refusal or Outcome([each for each in found if isinstance(each, Choice)])

    async def _choice(
        self, scene: _Scene, request: GenerationRequest, conversation: Sequence[Message], number: int
    ) -> Choice | Outcome:
        profile = self._terms.profile
        # The published pipeline asks the last question alone; a completion has no other.
        asked = profile is Profile.LETHE or request.route != CHAT
        plan = _own_turn(scene.plan, scene.policy)
        vanilla = Vanilla(scene.engine, _seeded(request, number), plan, self._places, asked=asked)
        verdict = await answer(
            conversation,
            _subjects(scene, profile),
            scene.roles,
            PolicyAudit(scene.policy, self._embedder),
            engine=vanilla,
            profile=profile,
            threshold=self._terms.threshold,
            budget=_budget(self._terms.budget, request),
            max_tokens=_max_tokens(request),
        )
        self._observe(verdict)
        if vanilla.refusal is not None:
            return Outcome((), vanilla.refusal)
        return Choice(await _spoken(scene.engine, request, vanilla, verdict), verdict.usage, vanilla.answer)

    async def _roles(self, engine: App, request: GenerationRequest, plan: Plan) -> OpenAIChat:
        if self._second is not None:
            return self._second
        response = await asgi_client.request(engine, "GET", "/v1/models")
        cards = [card for card in (response.json() or {}).get("data", []) if isinstance(card, dict)]
        asked = request.body.get("model")
        card: dict[str, Any] = next((c for c in cards if c.get("id") == asked), cards[0] if cards else {})
        context = card.get("max_model_len")
        # A quarter of the context for a reply leaves the rest for its prompt: an engine refuses what may not fit.
        longest = (context if isinstance(context, int) else UNKNOWN_CONTEXT) // 4
        name = str(card.get("id") or asked or "")
        extra = {"vllm_xargs": _arguments(plan)}
        return OpenAIChat(self._engine, name, False, self._places, extra, longest)


@dataclass(frozen=True, slots=True)
class _Scene:
    """What the choices of one request share."""

    engine: App
    roles: OpenAIChat
    plan: Plan
    policy: Policy


def _conversation(request: GenerationRequest, prompts: Sequence[str]) -> tuple[Message, ...]:
    return request.conversation(tuple(prompts))


def _subjects(scene: _Scene, profile: Profile) -> list[Subject]:
    targets = scene.policy.targets
    if profile is Profile.PAPER:
        told = [target for target in targets.values() if target.draft.mode is Mode.ENFORCE]
    else:
        touched = (match.target_id for match in scene.plan.matches if match.mode is Mode.ENFORCE)
        told = [targets[target] for target in touched if target in targets]
    return [subject_of(target) for target in told]


def _own_turn(plan: Plan, policy: Policy) -> Plan:
    """Return the plan of the engine's own answer: what targets for the agents alone forbid is left to them."""
    enforced = [m.target_id for m in plan.matches if m.mode is Mode.ENFORCE and m.target_id in policy.targets]
    alone = {t for t in enforced if set(policy.targets[t].draft.methods) == {Method.ALU}}
    kept = {policy.own[t] for t in enforced if t not in alone and t in policy.own}
    lifted = {policy.own[t] for t in alone if t in policy.own} - kept
    automata = tuple(digest for digest in plan.automata if digest not in lifted)
    kind = PlanKind.SUBTRACT if plan.subtraction is not None else PlanKind.RESTRICT
    return replace(plan, kind=kind, automata=automata)


def _arguments(plan: Plan) -> dict[str, object]:
    """Return what makes the roles' own words follow the whole policy."""
    return engine_args(replace(plan, kind=PlanKind.RESTRICT, subtraction=None)).dump()


def _seeded(request: GenerationRequest, number: int) -> GenerationRequest:
    seed = request.body.get("seed")
    if not number or type(seed) is not int:
        return request
    return GenerationRequest(request.route, {**request.body, "seed": seed + number})


def _budget(budget: Budget, request: GenerationRequest) -> Budget:
    """A rewritten text keeps no grammar and calls no tool: such answers leave unchanged or not at all."""
    bound = [request.body[name] for name in CONSTRAINTS if request.body.get(name)]
    free = all(value == {"type": "text"} or value == "none" for value in bound)
    return budget if free else replace(budget, calls=min(budget.calls, UNCHANGED_ONLY))


def _max_tokens(request: GenerationRequest) -> int:
    asked = request.body.get("max_completion_tokens") or request.body.get("max_tokens")
    return asked if type(asked) is int and asked > 0 else MAX_TOKENS


async def _spoken(
    engine: App, request: GenerationRequest, vanilla: Vanilla, verdict: AgentsResult
) -> dict[str, Any]:
    if verdict.reason is Reason.CLEAN and vanilla.answer is not None:
        choice: dict[str, Any] = vanilla.answer["choices"][0]
    elif verdict.text is None:
        # A choice without text gets the fixed one from the output guard, as every declined answer does.
        return make_choice(request.route, "", "stop")
    else:
        cut = await Truncator(engine, request).truncate(verdict.text)
        choice = make_choice(request.route, cut.text, cut.finish_reason)
    if request.body.get("echo") and isinstance(request.body.get("prompt"), str):
        choice = {**choice, "text": request.body["prompt"] + choice["text"]}
    return choice


@asynccontextmanager
async def open_agents(
    settings: Settings,
    engine: Callable[[], App | None],
    current: CurrentPolicy,
    embedder: Embedder,
    observe: Observe = lambda verdict: None,
) -> AsyncIterator[Agents]:
    """The agents of a server by its settings; its clients are closed at the end."""
    budget = Budget(calls=settings.agents_calls, tokens=settings.agents_tokens, seconds=settings.agents_seconds)
    terms = Terms(Profile(settings.agents_profile), settings.agents_threshold, budget)
    places = asyncio.Semaphore(settings.agents_concurrency)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(engine_client(engine))
        second = None
        if settings.agents_url:
            key = settings.agents_key.get_secret_value() or "none"
            other = await stack.enter_async_context(AsyncOpenAI(base_url=settings.agents_url, api_key=key))
            second = OpenAIChat(other, settings.agents_model, second_provider=True, places=places)
        yield Agents(current, embedder, terms, client, places, second, observe)
