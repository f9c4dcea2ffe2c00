"""The scoring plane of a server as an evaluation uses it: given answers under the distribution that is served."""

from __future__ import annotations

import os
from typing import Any

import httpx
import numpy as np

from eval.core.ask import Ask, Forced, conversation
from eval.core.errors import EndpointFailed

UNSCORED = "not scored: an endpoint does not score given answers (--score-url)"
"""Why a run through an endpoint has no likelihood."""

_ROUTE = "/eval/v1/score"
_TIMEOUT = 300.0


class Scorer:
    """Asks `lethe serve --eval-port`; what it cannot answer raises EndpointFailed."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    @classmethod
    def open(cls, url: str) -> Scorer:
        """The scoring plane at this base URL, with the key in LETHE_ADMIN_KEY."""
        headers = {"authorization": f"Bearer {os.environ.get('LETHE_ADMIN_KEY', '')}"}
        return cls(httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT, trust_env=False))

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def forced(self, ask: Ask, answer: str, *, end: bool) -> Forced:
        """The answer as it is served; the distribution over the whole vocabulary is not to be had."""
        try:
            reply = self._http.post(_ROUTE, json=_question(ask) | {"answer": answer, "end": end})
        except httpx.HTTPError as error:
            raise EndpointFailed(
                f"the scoring plane cannot be reached ({type(error).__name__}); run again to go on"
            ) from None
        if reply.status_code != 200:
            raise EndpointFailed(f"the scoring plane answered {reply.status_code}; run again to go on")
        said: dict[str, Any] = reply.json()
        log_probs = [-np.inf if value is None else value for value in said["log_probs"]]
        return Forced(tuple(said["tokens"]), np.array(log_probs, np.float64), tuple(said["predicted"]), None)


def _question(ask: Ask) -> dict[str, Any]:
    if ask.prefill:
        raise EndpointFailed("the benchmark begins the assistant's turn, which a scoring plane does not do")
    if not ask.chat:
        return {"prompt": ask.text}
    turns = conversation(ask, ask.text)
    return {"messages": [{"role": turn.role, "content": turn.text} for turn in turns]}
