"""Sends probes to an endpoint as any client would."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx
import openai

from eval.certificate.probes import CertificateProbe, ProbeForm
from eval.core.errors import EndpointFailed

MAX_TOKENS: Final = 128
DECODING: Final = f"greedy, at most {MAX_TOKENS} new tokens"
UNKNOWN: Final = "not told by the endpoint"
_MAX_CONCURRENCY = 8
_TIMEOUT_S = 300.0
# Statuses of an endpoint that does not support such a request.
_UNSUPPORTED = (400, 404, 422)


class CertifiedEndpoint:
    """One endpoint under one model name. Every failure to answer raises EndpointFailed.

    engine  the system fingerprint of the last chat answer
    """

    def __init__(self, client: openai.OpenAI, model: str) -> None:
        self._client = client
        self.model = model
        self.engine = UNKNOWN

    @classmethod
    def open(cls, url: str) -> CertifiedEndpoint:
        """Return the first model at this base URL (without /v1). A key, if needed, is read from OPENAI_API_KEY."""
        client = openai.OpenAI(
            base_url=f"{url.rstrip('/')}/v1",
            api_key=os.environ.get("OPENAI_API_KEY", "unused"),
            timeout=_TIMEOUT_S,
            max_retries=2,
            http_client=openai.DefaultHttpxClient(trust_env=False),
        )
        try:
            models = client.with_options(max_retries=0).models.list().data
        except openai.OpenAIError as error:
            raise _endpoint_failed(error) from None
        return cls(client, str(models[0].id))

    def version(self) -> str:
        """Return what the server's /version says, which is a neighbour of /v1."""
        try:
            response = self._client.get("/../version", cast_to=httpx.Response)
            return str(response.json()["version"])
        except (openai.OpenAIError, ValueError, KeyError, TypeError):
            return UNKNOWN

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def answers(self, probes: Sequence[CertificateProbe], on_answer: Callable[[], None]) -> list[str | None]:
        """Return the greedy answer to each probe; None where the endpoint does not accept such a request.

        `on_answer` is called after each, in the order of the probes.
        """
        answers = []
        with ThreadPoolExecutor(_MAX_CONCURRENCY) as pool:
            for answer in pool.map(self._answer, probes):
                answers.append(answer)
                on_answer()
        return answers

    def _answer(self, probe: CertificateProbe) -> str | None:
        try:
            if probe.form is ProbeForm.PREFIX:
                return self._completion(probe)
            if probe.form is ProbeForm.STREAMED:
                return self._streamed_chat(probe)
            return self._chat(probe)
        except openai.APIStatusError as error:
            if error.status_code in _UNSUPPORTED:
                return None
            raise _endpoint_failed(error) from None
        except openai.OpenAIError as error:
            raise _endpoint_failed(error) from None

    def _parameters(self) -> dict[str, Any]:
        return {"model": self.model, "temperature": 0.0, "max_tokens": MAX_TOKENS}

    def _completion(self, probe: CertificateProbe) -> str:
        return str(self._client.completions.create(**self._parameters(), prompt=probe.text).choices[0].text)

    def _streamed_chat(self, probe: CertificateProbe) -> str:
        messages: Any = [{"role": "user", "content": probe.text}]
        chunks = self._client.chat.completions.create(**self._parameters(), messages=messages, stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)

    def _chat(self, probe: CertificateProbe) -> str:
        messages: Any = [{"role": "user", "content": probe.text}]
        options: dict[str, Any] = {}
        if probe.prefill:
            messages.append({"role": "assistant", "content": probe.prefill})
            options = {"extra_body": {"continue_final_message": True, "add_generation_prompt": False}}
        response = self._client.chat.completions.create(**self._parameters(), messages=messages, **options)
        self.engine = response.system_fingerprint or self.engine
        return response.choices[0].message.content or ""


def _endpoint_failed(error: openai.OpenAIError) -> EndpointFailed:
    if isinstance(error, openai.APIStatusError):
        return EndpointFailed(f"the endpoint answered {error.status_code}")
    return EndpointFailed(f"the endpoint cannot be reached ({type(error).__name__})")
