"""Answers one planned request: who answers, what may leave, and what is done if the answer touches a target.

The watch: names and decisive phrases of contextual targets are looked for in every answer, and where the
conversation left a target in doubt, each sentence is read for its meaning (`serving.watch.sentences`). An answer
that says any is cut there and planned with the targets that it touches. A stream goes on under that plan from the
last word that was released, and a whole answer is made again. What cannot go on ends there, or with the decline
text if nothing was released.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from guard.decoding.backtracking import AbortToken
from guard.policy.plan import PlanKind
from guard.targets.target import Mode
from guard.text.conversation import Message as Turn
from serving.answers.agents import Agents
from serving.answers.backtracking import BacktrackingApplication, Begun, is_plain, should_backtrack
from serving.answers.beam import beam_search_application, should_beam_search
from serving.answers.output_guard import OutputGuard
from serving.answers.response import GuardedResponse
from serving.answers.spelled import SpelledAnswer, is_spelled
from serving.answers.trial import TrialFirst, is_altered
from serving.engine.tokenizer import answer_ids
from serving.http.asgi import App, replay
from serving.http.asgi_client import json_scope
from serving.planner import PlannedRequest, Planner, said_targets
from serving.protocol.engine_body import CONSTRAINTS, KEEPS_FROM_WORDS, WITHHELD, engine_body
from serving.protocol.request import GenerationRequest
from serving.telemetry.metrics import FailClosed
from serving.telemetry.recorder import Recorder
from serving.telemetry.tracing import note, span, spanned
from serving.watch.context import Client, RequestContext
from serving.watch.natural import NaturalDeclines
from serving.watch.sentences import SentenceReader, read_all

log = logging.getLogger("lethe.access")

MAX_CUTS = 4
"""Of one answer; one that says what touches yet another target after that ends there."""
_GOES_ON = frozenset({PlanKind.PASS, PlanKind.RESTRICT, PlanKind.SUBTRACT})


class Answering:
    """Answers planned requests.

    decline  the text of a declined answer
    natural  whether what is declined is asked with surrogates instead, where that can be (`serving.watch.natural`)
    """

    def __init__(
        self, planner: Planner, recorder: Recorder, agents: Agents | None, decline: str, *, natural: bool = False
    ) -> None:
        self._planner = planner
        self._recorder = recorder
        self._agents = agents
        self._decline = decline
        self._natural = NaturalDeclines() if natural else None

    async def answer(self, client: Client, context: RequestContext, planned: PlannedRequest) -> None:
        """Send the answer to a request under its plan, and under another from where it touches more targets."""
        if self._natural and planned.plan.kind is PlanKind.DECLINE:
            client, context, planned = await self._natural.substitute(client, context, planned)
        app = self._answerer(context, planned)
        if planned.plan.kind in WITHHELD and is_altered(context.request):
            app = TrialFirst(context.engine, context.request, planned.plan, app)
        sent = await self._run(app, client, context, planned)
        for count in range(1, MAX_CUTS + 1):
            if sent.response is None or not sent.response.is_cut:
                break
            go_on = self._go_on_streaming if sent.response.is_stream else self._answer_again
            sent = await go_on(client, context, sent, last=count == MAX_CUTS)
        if sent.response is not None and sent.response.row_failed:
            self._recorder.metrics.count_fail_closed(FailClosed.ROW_FAILED)
            await self._end(client, context, sent.planned, sent.response)
        await self._record_rest(context, sent)

    async def _answer_again(self, client: Client, context: RequestContext, sent: _Sent, *, last: bool) -> _Sent:
        """Answer from the beginning, under the plan for the targets that the whole answer `sent` touches too."""
        found = await self._found(context, sent)
        if found is None:
            await sent.cut.send_kept()
            return replace(sent, response=None)
        found = _declined(found) if last else found
        return await self._run(self._answerer(context, found), client, context, found)

    async def _go_on_streaming(self, client: Client, context: RequestContext, sent: _Sent, *, last: bool) -> _Sent:
        """Go on from where the stream `sent` was cut, under the plan for the targets that it touches too."""
        found = await self._found(context, sent)
        released = sent.guard.released() if sent.guard is not None else None
        if found is not None and released is not None and not last and found.plan.kind in _GOES_ON:
            unsent = sent.cut.kept_text() if released else ""
            said = sent.said + released.removesuffix(unsent)
            ids = await answer_ids(context.engine, context.request, (said + unsent).rstrip())
            if ids is not None and context.abort_token is not None:
                app = _continued(context, found, context.abort_token, Begun(*ids, said, unsent, sent.cut.last))
                return await self._run(app, client, context, found, said=said)
        sent.cut.end_choices()
        await self._end(client, context, found or sent.planned, sent.cut)
        return replace(sent, response=None, planned=found or sent.planned)

    @spanned("watch")
    async def _found(self, context: RequestContext, sent: _Sent) -> PlannedRequest | None:
        """Return the plan with the targets that an answer touches by what it said; None if there are none."""
        said = sent.guard.said() if sent.guard is not None else []
        found = sent.found or await self._planner.plan_said(sent.planned, said)
        if found is not None:
            self._recorder.record_said(context.id, sent.planned, found)
            if self._natural and found.plan.kind is PlanKind.DECLINE:
                return await self._natural.restrict(found)
        return found

    async def _end(
        self, client: Client, context: RequestContext, planned: PlannedRequest, response: GuardedResponse
    ) -> None:
        """Send what the answer that `response` began still lacks, without anything of the model's."""
        await self._run(context.engine, client, context, _declined(planned), failed=response)

    async def _record_rest(self, context: RequestContext, sent: _Sent) -> None:
        """Record what the answer said that was withheld without another plan, and what of targets in shadow."""
        guard, planned = sent.guard, sent.planned
        if guard is None or planned.policy is None:
            return
        if guard.matched:
            await self._found(context, sent)
        if planned.records_shadows:
            found = await self._planner.plan_said(planned, guard.said(), Mode.SHADOW)
            if found is not None:
                self._recorder.record_said(context.id, planned, found)

    def _answerer(self, context: RequestContext, planned: PlannedRequest) -> App:
        """Return what answers; an answer that a pattern spells, or a stream that may be about a target and cannot
        go on under another plan, is read before any of it leaves."""
        app, request = self._choose_answerer(context, planned), context.request
        if not self._planner.detects or planned.plan.kind is PlanKind.DECLINE:
            return app
        if is_spelled(request) or (planned.in_doubt and not _may_cut(context, planned)):
            app = self._read_first(app, context, planned)
        return app

    def _choose_answerer(self, context: RequestContext, planned: PlannedRequest) -> App:
        """Return what answers: the engine itself, or an application that makes several calls to it."""
        request, engine = context.request, context.engine
        if self._agents is not None and planned.plan.kind is PlanKind.AGENTS:
            policy = planned.policy if planned.plan.policy_set or planned.is_sharing else None
            return self._agents.application(engine, request, context.id, context.prompts, planned.plan, policy)
        if should_beam_search(request, planned):
            return beam_search_application(engine, request, context.id, planned.plan)
        abort_token = context.abort_token
        if abort_token is not None and should_backtrack(request, planned, context.seeds):
            return BacktrackingApplication(engine, request, planned.automata, context.seeds[0], abort_token)
        return engine

    def _read_first(self, app: App, context: RequestContext, planned: PlannedRequest) -> App:
        """Return an application that lets nothing of the answer of `app` leave before the detector has read it."""

        async def touches(answer: Sequence[Turn]) -> bool:
            found = await self._planner.plan_answer(planned, answer) if is_spelled(context.request) else None
            for turn in answer if planned.in_doubt else ():
                found = found or await read_all(turn.text, partial(self._read_sentence, planned))
            if found is not None:
                self._recorder.record_answer(context.id, found)
            return found is not None

        declined = self._make_guard(context, declined=True)
        return SpelledAnswer(app, context.request, context.seeds, touches, declined)

    @spanned("answer")
    async def _run(
        self,
        app: App,
        client: Client,
        context: RequestContext,
        planned: PlannedRequest,
        *,
        failed: GuardedResponse | None = None,
        said: str | None = None,
    ) -> _Sent:
        """Send the answer of `app` to the client, or what a response still lacks that failed or was cut.

        `said` is what was released of a stream that goes on.
        """
        request, headers = context.request, context.headers
        note(plan=planned.plan.kind, again=said is not None)
        body = engine_body(request, planned.plan)
        guard = self._output_guard(context, planned, said)
        response = GuardedResponse(
            client.send,
            guard,
            headers,
            logprobs=request.logprobs,
            failed=failed,
            cuts=partial(_touches_more, planned, guard) if failed is None and _may_cut(context, planned) else None,
            began=said is not None,
        )
        reader = SentenceReader(response, partial(self._read_sentence, planned))
        reads = failed is None and planned.in_doubt and _may_cut(context, planned)
        send = reader.send if reads else response.send
        try:
            await app(json_scope(request.route, len(body), context.id), replay(body, client.receive), send)
        except Exception as error:
            if not response.is_cut:
                log.error("%s the engine's application raised %s", context.id, type(error).__name__)
                self._recorder.metrics.count_fail_closed(FailClosed.ENGINE_FAILED)
                await response.fail()
        if guard is not None and not response.row_failed:
            self._recorder.metrics.observe_output_guard(guard.max_held, guard.withheld)
            note(held_chars=guard.max_held, withheld=guard.withheld)
        if isinstance(app, BacktrackingApplication):
            self._recorder.metrics.observe_restarts(app.restarts)
            note(restarts=app.restarts)
        return _Sent(planned, response, guard, said or "", reader.found)

    async def _read_sentence(self, planned: PlannedRequest, sentence: str) -> PlannedRequest | None:
        with self._recorder.metrics.time_stage("sentence"), span("sentence"):
            return await self._planner.plan_sentence(planned, sentence)

    def _output_guard(
        self, context: RequestContext, planned: PlannedRequest, said: str | None
    ) -> OutputGuard | None:
        kind = planned.plan.kind
        if kind is PlanKind.PASS and not planned.watches and not planned.in_doubt:
            return None
        declined = kind is PlanKind.DECLINE or (kind is PlanKind.AGENTS and self._agents is None)
        return self._make_guard(context, declined, planned, said)

    def _make_guard(
        self,
        context: RequestContext,
        declined: bool,
        planned: PlannedRequest | None = None,
        said: str | None = None,
    ) -> OutputGuard:
        request = context.request
        seeds = context.seeds if said is None else tuple(seed + said for seed in context.seeds)
        options = declined, planned is not None and planned.plan.is_touched, request.blank_chunk(context.id)
        limits = request.alternatives, request.max_tokens
        automata = (*planned.automata, *planned.watched) if planned else ()
        forbidden = (planned.near, planned.classes) if planned else ((), ())
        choices = request.choices_per_prompt
        may_be_empty = not declined and planned is not None and _may_be_empty(context.request, planned)
        ends = bool(said), may_be_empty, request.held_chars, _left_free(request, planned)
        return OutputGuard(*(automata, seeds, choices, self._decline, *options, *limits, *forbidden, *ends))


@dataclass(frozen=True, slots=True)
class _Sent:
    """A response under a plan, None if all is done, its guard, what the answer had released before it, and the
    plan that a sentence of it led to."""

    planned: PlannedRequest
    response: GuardedResponse | None
    guard: OutputGuard | None
    said: str
    found: PlannedRequest | None = None

    @property
    def cut(self) -> GuardedResponse:
        """The response, which was cut."""
        assert self.response is not None
        return self.response


def _may_cut(context: RequestContext, planned: PlannedRequest) -> bool:
    """Whether an answer can go on under another plan: any whole one, and a stream of one plain text."""
    if planned.plan.kind in WITHHELD or not (planned.watched or planned.in_doubt):
        return False
    return not context.request.stream or is_plain(context.request, context.seeds)


def _may_be_empty(request: GenerationRequest, planned: PlannedRequest) -> bool:
    """Whether an answer without text is the model's own: nobody is touched, and no grammar left it empty."""
    return not planned.plan.is_touched and not any(request.body.get(name) for name in CONSTRAINTS)


def _left_free(request: GenerationRequest, planned: PlannedRequest | None) -> int:
    """Return how many automata hold phrases that nothing keeps the model from ending: none if the request does."""
    return len(planned.watched) if planned and not any(map(request.body.get, KEEPS_FROM_WORDS)) else 0


def _touches_more(planned: PlannedRequest, guard: OutputGuard | None) -> bool:
    """Whether an answer that has said a phrase touches targets that its plan does not know."""
    return guard is not None and bool(said_targets(planned, guard.said()))


def _continued(context: RequestContext, found: PlannedRequest, abort_token: AbortToken, begun: Begun) -> App:
    may_abort = found.plan.kind is PlanKind.RESTRICT
    engine, seed = context.engine, context.seeds[0]
    return BacktrackingApplication(
        engine, context.request, found.automata, seed, abort_token, begun, may_abort=may_abort
    )


def _declined(planned: PlannedRequest) -> PlannedRequest:
    return planned._replace(plan=replace(planned.plan, kind=PlanKind.DECLINE))
