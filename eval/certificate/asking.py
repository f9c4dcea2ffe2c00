"""Puts probes to an endpoint as any client would."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx
import openai

from eval.certificate.suite import Form, Probe
from eval.core.errors import EndpointFailed

MAX_TOKENS: Final = 128
DECODING: Final = f"greedy, at most {MAX_TOKENS} new tokens"
UNTOLD: Final = "not told by the endpoint"
_AT_ONCE = 8
_TIMEOUT = 300.0
_REFUSED = (400, 404, 422)


class Asking:
    """One endpoint under one model name; every failure to answer raises EndpointFailed."""

    def __init__(self, client: openai.OpenAI, model: str) -> None:
        self._client = client
        self.model = model
        self.engine = UNTOLD

    @classmethod
    def open(cls, url: str) -> Asking:
        """The first model at this base URL (without /v1), with the key in OPENAI_API_KEY where one is needed."""
        client = openai.OpenAI(
            base_url=f"{url.rstrip('/')}/v1",
            api_key=os.environ.get("OPENAI_API_KEY", "unused"),
            timeout=_TIMEOUT,
            max_retries=2,
            http_client=openai.DefaultHttpxClient(trust_env=False),
        )
        try:
            served = client.with_options(max_retries=0).models.list().data
        except openai.OpenAIError as error:
            raise _failed(error) from None
        return cls(client, str(served[0].id))

    def version(self) -> str:
        """What the server says of its version; it stands beside /v1."""
        try:
            answer = self._client.get("/../version", cast_to=httpx.Response)
            return str(answer.json()["version"])
        except (openai.OpenAIError, ValueError, KeyError, TypeError):
            return UNTOLD

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def replies(self, probes: Sequence[Probe]) -> list[str | None]:
        """The greedy answer to each; None where the endpoint does not accept such a request."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(self._reply, probes))

    def _reply(self, probe: Probe) -> str | None:
        try:
            if probe.form is Form.PREFIX:
                return self._completed(probe)
            if probe.form is Form.STREAMED:
                return self._streamed(probe)
            return self._said(probe)
        except openai.APIStatusError as error:
            if error.status_code in _REFUSED:
                return None
            raise _failed(error) from None
        except openai.OpenAIError as error:
            raise _failed(error) from None

    def _common(self) -> dict[str, Any]:
        return {"model": self.model, "temperature": 0.0, "max_tokens": MAX_TOKENS}

    def _completed(self, probe: Probe) -> str:
        return str(self._client.completions.create(**self._common(), prompt=probe.text).choices[0].text)

    def _streamed(self, probe: Probe) -> str:
        messages: Any = [{"role": "user", "content": probe.text}]
        parts = self._client.chat.completions.create(**self._common(), messages=messages, stream=True)
        return "".join(part.choices[0].delta.content or "" for part in parts if part.choices)

    def _said(self, probe: Probe) -> str:
        messages: Any = [{"role": "user", "content": probe.text}]
        more: dict[str, Any] = {}
        if probe.prefill:
            messages.append({"role": "assistant", "content": probe.prefill})
            more = {"extra_body": {"continue_final_message": True, "add_generation_prompt": False}}
        answer = self._client.chat.completions.create(**self._common(), messages=messages, **more)
        self.engine = answer.system_fingerprint or self.engine
        return answer.choices[0].message.content or ""


def _failed(error: openai.OpenAIError) -> EndpointFailed:
    if isinstance(error, openai.APIStatusError):
        return EndpointFailed(f"the endpoint answered {error.status_code}")
    return EndpointFailed(f"the endpoint cannot be reached ({type(error).__name__})")
