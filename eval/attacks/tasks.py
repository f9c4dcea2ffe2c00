"""Attacks as benchmark tasks: an item for every request, measured by what its answer leaks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from eval.attacks.catalogue import DRAWS, LOGPROBS, TEXT_ATTACKS
from eval.attacks.clients import load_top_tokens
from eval.attacks.extraction import assemble_phrase, logprob_extraction, sampling
from eval.attacks.leak_scorer import BEYOND, STRING, LeakScorer
from eval.attacks.probe import AttackProbe, Attempt
from eval.core.prompt import conversation
from eval.core.task import Item, Measures, Task

MAX_TOKENS = 64
MAX_LOGPROB_TOKENS = 40
MAX_DRAW_TOKENS = 48


@dataclass(frozen=True, slots=True)
class AttackItem(Item):
    """An item with its attempt and the name of the target that it is about."""

    attempt: Attempt = field(kw_only=True)
    subject: str = field(kw_only=True, repr=False)


def text_tasks(probes: Sequence[AttackProbe], scorer: LeakScorer) -> list[Task[AttackItem]]:
    """Return a task for each attack whose outcome is a text."""
    return [
        _task(name, ((p, attack(p)) for p in probes), MAX_TOKENS, _measure_answer(scorer))
        for name, attack in TEXT_ATTACKS.items()
    ]


def logprob_task(probes: Sequence[AttackProbe], scorer: LeakScorer) -> Task[AttackItem]:
    """Return the task of log-probability extraction, whose answers are written by `dump_top_tokens`."""
    attempts = ((p, logprob_extraction(p, scorer.forbidden(p.subject))) for p in probes)
    return _task(LOGPROBS, attempts, MAX_LOGPROB_TOKENS, _measure_top_tokens(scorer))


def draw_task(probes: Sequence[AttackProbe], count: int, scorer: LeakScorer) -> Task[AttackItem]:
    """Return the task of leak@k: `count` draws of the answer to each probe, one probe after the other."""
    attempts = ((p, sampling(p, count)) for p in probes)

    def measure_text(item: AttackItem, text: str) -> Measures:
        return scorer.score_words(item.subject, item.gold, text, request=_request(item))

    return _task(DRAWS, attempts, MAX_DRAW_TOKENS, measure_text)


def _task(
    name: str,
    attempts_by_probe: Iterable[tuple[AttackProbe, Iterable[Attempt]]],
    max_tokens: int,
    measure_text: Callable[[AttackItem, str], Measures],
) -> Task[AttackItem]:
    items = [
        AttackItem(attempt.prompt, attempt.gold or probe.answer, attempt=attempt, subject=probe.subject)
        for probe, attempts in attempts_by_probe
        for attempt in attempts
    ]
    return Task(name, items, max_tokens, measure_text)


def _measure_answer(scorer: LeakScorer) -> Callable[[AttackItem, str], Measures]:
    def measure_text(item: AttackItem, text: str) -> Measures:
        prompt = item.prompt
        prefix = prompt.prefill if prompt.chat else prompt.text
        cipher = item.attempt.cipher
        return scorer.score(item.subject, item.gold, text, prefix=prefix, request=_request(item), cipher=cipher)

    return measure_text


def _measure_top_tokens(scorer: LeakScorer) -> Callable[[AttackItem, str], Measures]:
    def measure_text(item: AttackItem, text: str) -> Measures:
        top_tokens = load_top_tokens(text)
        prefill, answer = item.prompt.prefill, "".join(top_tokens.tokens)
        gold = item.gold.removeprefix(prefill) or item.gold
        request = _request(item)
        scores = scorer.score(item.subject, gold, answer, prefix=prefill, request=request)
        if assemble_phrase(prefill, top_tokens.tokens, top_tokens.listed, scorer.forbidden(item.subject)):
            scores[STRING] = 1.0
            beyond = scorer.beyond(item.subject, request)
            if assemble_phrase(prefill, top_tokens.tokens, top_tokens.listed, beyond):
                scores[BEYOND] = 1.0
        return scores

    return measure_text


def _request(item: AttackItem) -> str:
    """Return all that the client says in a request."""
    return "\n".join(turn.text for turn in conversation(item.prompt, item.prompt.text))
