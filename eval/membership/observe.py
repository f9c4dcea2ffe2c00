"""Asks a running server, and keeps what an outsider sees of each answer."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

import httpx

from eval.core.errors import EndpointFailed
from eval.membership.probes import Group, Probe

MAX_TOKENS = 48
TIMEOUT_S = 300.0
# Of every answer, whatever it says.
_VARYING = frozenset({"date", "content-length", "x-request-id"})


@dataclass(frozen=True, slots=True)
class Observation:
    """What an outsider sees of one answer.

    seconds  from the request to the end of the answer
    logprob  the mean log-probability of its tokens; None without any
    shape    status, names of headers, paths of members and why the answer ended
    """

    probe: Probe
    text: str = field(repr=False)
    seconds: float
    logprob: float | None
    shape: tuple[str, ...]


def observe(url: str, asked: Sequence[Probe], say: Callable[[str], None]) -> Iterator[Observation]:
    """Ask one question at a time at temperature 0, and yield what is seen of each answer.

    An answer with an error is one too. Raises EndpointFailed where there is no server.
    """
    try:
        yield from _observed(url, asked, say)
    except httpx.TransportError as error:
        raise EndpointFailed(f"the endpoint cannot be reached ({type(error).__name__})") from None


def _observed(url: str, asked: Sequence[Probe], say: Callable[[str], None]) -> Iterator[Observation]:
    headers = {"authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', 'unused')}"}
    with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S, trust_env=False) as client:
        model = client.get("/v1/models").json()["data"][0]["id"]
        # The first request of a process pays for what is loaded on first use.
        _ask(client, model, Probe(Group.INVENTED, "", "Hello."))
        for number, probe in enumerate(asked, 1):
            yield _ask(client, model, probe)
            if number % 50 == 0:
                say(f"{number} of {len(asked)} questions")


def _ask(client: httpx.Client, model: str, probe: Probe) -> Observation:
    body = {
        "model": model,
        "messages": [{"role": "user", "content": probe.question}],
        "temperature": 0,
        "max_tokens": MAX_TOKENS,
        "logprobs": True,
    }
    began = time.perf_counter()
    response = client.post("/v1/chat/completions", json=body)
    seconds = time.perf_counter() - began
    if not response.is_success:
        return Observation(probe, "", seconds, None, (str(response.status_code),))
    found = response.json()
    (choice,) = found["choices"]
    logprobs = [one["logprob"] for one in (choice.get("logprobs") or {}).get("content") or ()]
    headers = sorted({name.lower() for name in response.headers} - _VARYING)
    members = sorted(set(_paths(found)))
    shape = (str(response.status_code), *headers, *members, str(choice.get("finish_reason")))
    text = str(choice["message"]["content"] or "")
    return Observation(probe, text, seconds, fmean(logprobs) if logprobs else None, shape)


def _paths(value: object, path: str = "") -> Iterator[str]:
    """Yield the path of every member that has a value, without those of single tokens."""
    if isinstance(value, Mapping) and not path.endswith("logprobs"):
        for name, member in value.items():
            yield from _paths(member, f"{path}.{name}")
    elif isinstance(value, list):
        for member in value:
            yield from _paths(member, f"{path}[]")
    elif value is not None:
        yield path
