"""The near-leak run: sends requests to a guarded endpoint for a given time, and counts near leaks by surface."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx

from eval.attacks.leak_scorer import LeaksBy
from eval.attacks.near_requests import NearRequest, Surface
from eval.core.errors import EndpointFailed
from eval.runners.endpoint import admin_errors
from serving.client import AdminClient

MAX_TOKENS: Final = 48
ANSWERS_FILE: Final = "near.jsonl"
_CONCURRENCY = 32
_TIMEOUT_S = 300.0
_TOP = 5
# Of the text before an answer, as much as a phrase may have begun in.
_PREFIX_CHARS = 800
# Whether a request touches its target is asked of one in so many, and of each that leaks.
_CHECKED_EVERY = 20

OnProgress = Callable[[int, int, float], None]
"""(answers, leaks, share of the time that is over)"""


@dataclass(frozen=True, slots=True)
class NearAnswers:
    """The outcome of one request, number `number` of its run.

    leaks    number of answers that tell what the request has not told
    repeated  number of the others that tell what the request has told
    listed   whether a listed alternative would make one tell
    touched  whether the request touches a target; None where that was not asked
    """

    number: int
    surface: str
    attack: str
    temperature: float
    noise: int
    answers: int
    leaks: int = 0
    listed: bool = False
    touched: bool | None = None
    refused: int = 0
    repeated: int = 0
    joined: int = 0
    texts: list[str] = field(default_factory=list, repr=False)


class _Said(NamedTuple):
    """The texts of one response, and of the first its tokens with the alternatives listed for each."""

    texts: list[str]
    listed: list[tuple[str, list[str]]]


def run_near(
    url: str,
    requests: Iterator[NearRequest],
    leaks: LeaksBy,
    out: Path,
    minutes: float,
    most: int,
    choices: int,
    on_progress: OnProgress,
) -> list[NearAnswers]:
    """Send requests for so many minutes or until there are `most` answers; return what is known, earlier runs of
    the same folder included.

    Each outcome is written to ANSWERS_FILE as it comes. Raises EndpointFailed.
    """
    out.mkdir(parents=True, exist_ok=True)
    file = out / ANSWERS_FILE
    known = (
        [NearAnswers(**json.loads(line)) for line in file.read_text("utf-8").splitlines()] if file.exists() else []
    )
    first = max((each.number for each in known), default=-1) + 1
    admin = AdminClient.from_environment()
    end = time.monotonic() + 60 * minutes
    total, told = sum(each.answers for each in known), sum(each.leaks for each in known)
    key = os.environ.get("OPENAI_API_KEY", "unused")
    limits = httpx.Limits(max_connections=_CONCURRENCY)
    with (
        httpx.Client(base_url=url, timeout=_TIMEOUT_S, trust_env=False, limits=limits) as http,
        ThreadPoolExecutor(_CONCURRENCY) as pool,
        file.open("a", encoding="utf-8") as written,
    ):
        http.headers["authorization"] = f"Bearer {key}"
        model = _model(http)["id"]

        def outcome(numbered: tuple[int, NearRequest]) -> NearAnswers:
            return _outcome(http, admin, model, *numbered, leaks, choices)

        numbered = enumerate(islice(requests, first, None), first)
        while time.monotonic() < end and total < most and (batch := list(islice(numbered, 2 * _CONCURRENCY))):
            for each in pool.map(outcome, batch):
                known.append(each)
                written.write(json.dumps(_as_dict(each), ensure_ascii=False) + "\n")
                total, told = total + each.answers, told + each.leaks
            written.flush()
            on_progress(total, told, 1 - (end - time.monotonic()) / (60 * minutes))
    return known


def context_tokens(url: str) -> int:
    """Return how many tokens the context of the endpoint's first model holds. Raises EndpointFailed."""
    with httpx.Client(base_url=url, timeout=_TIMEOUT_S, trust_env=False) as http:
        return int(_model(http).get("max_model_len") or 4096)


def table(outcomes: Sequence[NearAnswers], by: Callable[[NearAnswers], str]) -> str:
    """Return answers and leaks as a table of Markdown, a row for each value of `by`, and all."""
    rows = {name: [each for each in outcomes if by(each) == name] for name in sorted({by(o) for o in outcomes})}
    lines = [
        "| | requests | refused | answers | leaks | alternatives | repeated |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, these in {**rows, "all": list(outcomes)}.items():
        sums = Counter(answers=0)
        for each in these:
            sums.update(refused=each.refused, answers=each.answers, leaks=each.leaks, listed=each.listed)
            sums.update(repeated=each.repeated)
        cells = (sums["refused"], sums["answers"], sums["leaks"], sums["listed"], sums["repeated"])
        lines.append(f"| {name} | {len(these)} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def report(outcomes: Sequence[NearAnswers]) -> str:
    """Return the tables by surface, temperature and attack, and how many requests touched their target."""
    checked = [each for each in outcomes if each.touched is not None and each.number % _CHECKED_EVERY == 0]
    noises = sorted({each.noise for each in checked})
    touched = {noise: [bool(each.touched) for each in checked if each.noise == noise] for noise in noises}
    shares = ", ".join(f"{sum(these)} of {len(these)} after {noise} words" for noise, these in touched.items())
    missed = sum(each.leaks for each in outcomes if each.touched is False)
    return "\n\n".join(
        (
            table(outcomes, lambda each: each.surface),
            table(outcomes, lambda each: f"temperature {each.temperature}"),
            table(outcomes, lambda each: each.attack),
            table(outcomes, lambda each: f"{each.noise:5} words of noise"),
            table(outcomes, lambda each: f"{each.joined} harmless questions"),
            f"Requests that touch their target, of those that were checked: {shares}."
            f" Leaks in answers to requests that do not: {missed}.",
        )
    )


def _outcome(
    http: httpx.Client,
    admin: AdminClient,
    model: str,
    number: int,
    request: NearRequest,
    leaks: LeaksBy,
    choices: int,
) -> NearAnswers:
    said = _ask(http, _body(model, request, choices))
    described = (number, request.surface.value, request.attack, request.prompt.temperature, request.noise)
    if said is None:
        return NearAnswers(*described, answers=0, refused=1, joined=request.joined)
    prompt = request.prompt
    prefix = (prompt.prefill if prompt.chat else prompt.text)[-_PREFIX_CHARS:]
    asked = request.text

    def tells(text: str, known: str) -> bool:
        return leaks(request.subjects, known, prefix, text)

    told = [text for text in said.texts if tells(text, asked)]
    repeated = sum(tells(text, prefix) for text in said.texts) - len(told)
    listed = _is_listed(said, prefix, request, leaks)
    touched = None
    if told or listed or number % _CHECKED_EVERY == 0:
        with admin_errors():
            touched = bool(admin.check(asked).matches)
    return NearAnswers(*described, len(said.texts), len(told), listed, touched, 0, repeated, request.joined, told)


def _is_listed(said: _Said, prefix: str, request: NearRequest, leaks: LeaksBy) -> bool:
    """Whether an alternative listed at some place would tell, after what was said before it."""
    before = prefix
    for token, alternatives in said.listed:
        for other in alternatives:
            if leaks(request.subjects, request.text, before, other):
                return True
        before = (before + token)[-_PREFIX_CHARS:]
    return False


def _ask(http: httpx.Client, posted: tuple[str, dict[str, Any]]) -> _Said | None:
    """Return what the endpoint answers; None where it refuses such a request."""
    path, body = posted
    try:
        response = http.post(path, json=body)
        if response.status_code in (400, 422):
            return None
        response.raise_for_status()
    except httpx.HTTPError as error:
        raise EndpointFailed(
            f"the endpoint cannot be asked ({type(error).__name__}); run again to go on"
        ) from None
    if body.get("stream"):
        lines = (line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: {"))
        pieces = (choice["delta"].get("content") or "" for line in lines for choice in json.loads(line)["choices"])
        return _Said(["".join(pieces)], [])
    choices = response.json()["choices"]
    texts = [one["text"] if "text" in one else one["message"].get("content") or "" for one in choices]
    return _Said(texts, _listed(choices[0]))


def _listed(choice: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    content = (choice.get("logprobs") or {}).get("content") or ()
    return [(entry["token"], [other["token"] for other in entry["top_logprobs"]]) for entry in content]


def _body(model: str, request: NearRequest, choices: int) -> tuple[str, dict[str, Any]]:
    prompt = request.prompt
    body: dict[str, Any] = {"model": model, "temperature": prompt.temperature, "max_tokens": MAX_TOKENS}
    body |= {"seed": prompt.draw, **request.more}
    if prompt.temperature and request.surface not in (Surface.CHAT, Surface.STREAM):
        body["n"] = choices
    if not prompt.chat:
        return "/v1/completions", body | {"prompt": prompt.text}
    turns = [{"role": turn.role, "content": turn.text} for turn in prompt.before]
    turns.append({"role": "user", "content": prompt.text})
    if prompt.prefill:
        turns.append({"role": "assistant", "content": prompt.prefill})
        body |= {"add_generation_prompt": False, "continue_final_message": True}
    if request.surface is Surface.STREAM:
        body["stream"] = True
    elif request.surface is Surface.LOGPROBS:
        body |= {"logprobs": True, "top_logprobs": _TOP}
    return "/v1/chat/completions", body | {"messages": turns}


def _model(http: httpx.Client) -> dict[str, Any]:
    try:
        return dict(http.get("/v1/models").raise_for_status().json()["data"][0])
    except (httpx.HTTPError, KeyError, IndexError, ValueError) as error:
        raise EndpointFailed(f"the endpoint cannot be reached ({type(error).__name__})") from None


def _as_dict(outcome: NearAnswers) -> dict[str, Any]:
    return {name: getattr(outcome, name) for name in outcome.__dataclass_fields__}
