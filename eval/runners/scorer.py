"""Client of a server's scoring plane: scores given answers under the distribution that is served."""

from __future__ import annotations

import os
from typing import Any

import httpx
import numpy as np

from eval.core.errors import EndpointFailed
from eval.core.prompt import Prompt, conversation
from eval.core.runner import ScoredAnswer

_ROUTE = "/eval/v1/score"
_TIMEOUT_S = 300.0


class Scorer:
    """Calls `lethe serve --eval-port`; raises EndpointFailed for what it cannot score."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    @classmethod
    def open(cls, url: str) -> Scorer:
        """Open the scoring plane at this base URL, with the key in LETHE_ADMIN_KEY."""
        headers = {"authorization": f"Bearer {os.environ.get('LETHE_ADMIN_KEY', '')}"}
        return cls(httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT_S, trust_env=False))

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def score(self, prompt: Prompt, answer: str, *, end: bool) -> ScoredAnswer:
        """Return an answer's scores, without the distribution over the vocabulary."""
        try:
            reply = self._http.post(_ROUTE, json=_body(prompt) | {"answer": answer, "end": end})
        except httpx.HTTPError as error:
            raise EndpointFailed(
                f"the scoring plane cannot be reached ({type(error).__name__}); run again to go on"
            ) from None
        if reply.status_code != 200:
            raise EndpointFailed(f"the scoring plane answered {reply.status_code}; run again to go on")
        scores: dict[str, Any] = reply.json()
        log_probs = [-np.inf if value is None else value for value in scores["log_probs"]]
        return ScoredAnswer(
            tuple(scores["tokens"]), np.array(log_probs, np.float64), tuple(scores["predicted"]), None
        )


def _body(prompt: Prompt) -> dict[str, Any]:
    if prompt.prefill:
        raise EndpointFailed("the benchmark begins the assistant's turn, which a scoring plane does not do")
    if not prompt.chat:
        return {"prompt": prompt.text}
    turns = conversation(prompt, prompt.text)
    return {"messages": [{"role": turn.role, "content": turn.text} for turn in turns]}
