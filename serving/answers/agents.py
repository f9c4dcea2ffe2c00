"""Runs the agents for a request: chooses the models, sets the budget, and shapes the choices."""

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
from agents.prompts.exchange import TargetSummary, summary_of
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
from serving.answers.trial import refusal
from serving.answers.vanilla import Vanilla, split_prompts
from serving.engine.client import engine_client
from serving.http import asgi_client
from serving.http.asgi import App
from serving.protocol.engine_body import CONSTRAINTS, engine_args
from serving.protocol.refused_fields import CHAT
from serving.protocol.request import GenerationRequest
from serving.settings import Settings
from serving.telemetry.tracing import spanned

MAX_CHOICES = 8
DEFAULT_MAX_TOKENS = 1024
# Vanilla, and the check with its repair: a text that cannot be rewritten needs no other call.
MAX_CALLS_WITHOUT_REWRITE = 3
# Assumed context length, in tokens, of a model that does not report one.
DEFAULT_CONTEXT = 8192
Observer = Callable[[AgentsResult], None]


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """The settings of the agents on this server."""

    profile: Profile
    threshold: float
    budget: Budget


class Agents:
    """Answers requests whose plan is AGENTS.

    concurrency  limits the concurrent calls of all requests
    second       another model that plays the roles; None: the engine plays them
    observe      is called with the result of each choice
    """

    def __init__(
        self,
        current: CurrentPolicy,
        embedder: Embedder,
        settings: AgentSettings,
        engine: AsyncOpenAI,
        concurrency: asyncio.Semaphore,
        second: OpenAIChat | None = None,
        observe: Observer = lambda result: None,
    ) -> None:
        self._current = current
        self._embedder = embedder
        self._settings = settings
        self._engine = engine
        self._concurrency = concurrency
        self._second = second
        self._observe = observe

    def application(
        self,
        engine: App,
        request: GenerationRequest,
        request_id: str,
        prompts: Sequence[str],
        plan: Plan,
        policy: Policy | None = None,
    ) -> App:
        """Return an application that answers `request` instead of the engine; `prompts` are a completion's.

        `policy` is the one that the plan was made under; None for the one in force when the agents begin.
        """

        async def compute() -> Outcome:
            return await self._answer(engine, request, prompts, plan, policy or self._current.required())

        return Application(request, request_id, compute)

    @spanned("agents")
    async def _answer(
        self, engine: App, request: GenerationRequest, prompts: Sequence[str], plan: Plan, policy: Policy
    ) -> Outcome:
        parts = split_prompts(request)
        count = len(parts) * request.choices_per_prompt
        if count > MAX_CHOICES:
            # First of all: a number that the engine would not take is of any size.
            if (judgement := await refusal(engine, request, plan)) is not None:
                return Outcome((), judgement)
            return Outcome([Choice(make_choice(request.route, "", "stop"), Usage(0, 0), None)] * count)
        context = _Context(engine, await self._roles(engine, request, plan), plan, policy)
        pending = [
            self._choice(context, part, _conversation(part, prompts[index : index + 1]), number)
            for index, part in enumerate(parts)
            for number in range(request.choices_per_prompt)
        ]
        results = await asyncio.gather(*pending)
        refused = next((each for each in results if not isinstance(each, Choice)), None)
        return refused or Outcome([each for each in results if isinstance(each, Choice)])

    async def _choice(
        self, context: _Context, request: GenerationRequest, conversation: Sequence[Message], number: int
    ) -> Choice | Outcome:
        profile = self._settings.profile
        # The published pipeline sends the last question alone; a completion has nothing else.
        client_messages = profile is Profile.LETHE or request.route != CHAT
        vanilla = Vanilla(
            context.engine,
            _with_own_seed(request, number),
            _vanilla_plan(context.plan, context.policy),
            self._concurrency,
            client_messages=client_messages,
        )
        result = await answer(
            conversation,
            _subjects(context, profile),
            context.roles,
            PolicyAudit(context.policy, self._embedder),
            engine=vanilla,
            profile=profile,
            threshold=self._settings.threshold,
            budget=_budget(self._settings.budget, request),
            max_tokens=_max_tokens(request),
        )
        self._observe(result)
        if vanilla.refusal is not None:
            return Outcome((), vanilla.refusal)
        body = await _choice_body(context.engine, request, vanilla, result)
        return Choice(body, result.usage, vanilla.answer)

    async def _roles(self, engine: App, request: GenerationRequest, plan: Plan) -> OpenAIChat:
        if self._second is not None:
            return self._second
        response = await asgi_client.request(engine, "GET", "/v1/models")
        cards = [card for card in (response.json() or {}).get("data", []) if isinstance(card, dict)]
        model = request.body.get("model")
        card: dict[str, Any] = next((c for c in cards if c.get("id") == model), cards[0] if cards else {})
        length = card.get("max_model_len")
        # A quarter of the context for the reply leaves enough for the prompt; an engine refuses what may not fit.
        max_reply_tokens = (length if isinstance(length, int) else DEFAULT_CONTEXT) // 4
        name = str(card.get("id") or model or "")
        extra = {"vllm_xargs": _role_args(plan)}
        return OpenAIChat(self._engine, name, False, self._concurrency, extra, max_reply_tokens)


@dataclass(frozen=True, slots=True)
class _Context:
    """What all choices of one request share."""

    engine: App
    roles: OpenAIChat
    plan: Plan
    policy: Policy


def _conversation(request: GenerationRequest, prompts: Sequence[str]) -> tuple[Message, ...]:
    return request.conversation(tuple(prompts))


def _subjects(context: _Context, profile: Profile) -> list[TargetSummary]:
    targets = context.policy.targets
    if profile is Profile.PAPER:
        chosen = [target for target in targets.values() if target.draft.mode is Mode.ENFORCE]
    else:
        touched = (match.target_id for match in context.plan.matches if match.mode is Mode.ENFORCE)
        chosen = [targets[target] for target in touched if target in targets]
    return [summary_of(target) for target in chosen]


def _vanilla_plan(plan: Plan, policy: Policy) -> Plan:
    """Return the plan of Vanilla's answer, without the phrases of targets that only the agents handle."""
    enforced = [m.target_id for m in plan.matches if m.mode is Mode.ENFORCE and m.target_id in policy.targets]
    agents_only = {t for t in enforced if set(policy.targets[t].draft.methods) == {Method.ALU}}
    kept = {policy.contextual[t] for t in enforced if t not in agents_only and t in policy.contextual}
    lifted = {policy.contextual[t] for t in agents_only if t in policy.contextual} - kept
    automata = tuple(digest for digest in plan.automata if digest not in lifted)
    kind = PlanKind.SUBTRACT if plan.subtraction is not None else PlanKind.RESTRICT
    return replace(plan, kind=kind, automata=automata)


def _role_args(plan: Plan) -> dict[str, object]:
    """Return the engine arguments under which the roles follow the whole policy."""
    return engine_args(replace(plan, kind=PlanKind.RESTRICT, subtraction=None)).dump()


def _with_own_seed(request: GenerationRequest, number: int) -> GenerationRequest:
    seed = request.body.get("seed")
    if not number or type(seed) is not int:
        return request
    return GenerationRequest(request.route, {**request.body, "seed": seed + number})


def _budget(budget: Budget, request: GenerationRequest) -> Budget:
    """Return the budget, without rewrites for an answer under a grammar or with tools, which they would break."""
    constraints = [request.body[name] for name in CONSTRAINTS if request.body.get(name)]
    free = all(value == {"type": "text"} or value == "none" for value in constraints)
    return budget if free else replace(budget, calls=min(budget.calls, MAX_CALLS_WITHOUT_REWRITE))


def _max_tokens(request: GenerationRequest) -> int:
    limit = request.body.get("max_completion_tokens") or request.body.get("max_tokens")
    return limit if type(limit) is int and limit > 0 else DEFAULT_MAX_TOKENS


async def _choice_body(
    engine: App, request: GenerationRequest, vanilla: Vanilla, result: AgentsResult
) -> dict[str, Any]:
    if result.reason is Reason.CLEAN and vanilla.answer is not None:
        choice: dict[str, Any] = vanilla.answer["choices"][0]
    elif result.text is None:
        # The output guard puts the decline text into a choice without text.
        return make_choice(request.route, "", "stop")
    else:
        truncated = await Truncator(engine, request).truncate(result.text)
        choice = make_choice(request.route, truncated.text, truncated.finish_reason)
    if request.body.get("echo") and isinstance(request.body.get("prompt"), str):
        choice = {**choice, "text": request.body["prompt"] + choice["text"]}
    return choice


@asynccontextmanager
async def open_agents(
    settings: Settings,
    engine: Callable[[], App | None],
    current: CurrentPolicy,
    embedder: Embedder,
    observe: Observer = lambda result: None,
) -> AsyncIterator[Agents]:
    """Open the agents with the server's settings; close their clients at the end."""
    budget = Budget(calls=settings.agents_calls, tokens=settings.agents_tokens, seconds=settings.agents_seconds)
    agent_settings = AgentSettings(Profile(settings.agents_profile), settings.agents_threshold, budget)
    concurrency = asyncio.Semaphore(settings.agents_concurrency)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(engine_client(engine))
        second = None
        if settings.agents_url:
            key = settings.agents_key.get_secret_value() or "none"
            other = await stack.enter_async_context(AsyncOpenAI(base_url=settings.agents_url, api_key=key))
            second = OpenAIChat(other, settings.agents_model, second_provider=True, concurrency=concurrency)
        yield Agents(current, embedder, agent_settings, client, concurrency, second, observe)
