from __future__ import annotations

import json
import time

import httpx

from eval.growth.load import LoadPrompts, running_load


def test_a_load_sends_no_prompt_twice_and_counts_failures() -> None:
    prompts: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        prompts.append(json.loads(request.content)["prompt"])
        if len(prompts) % 5 == 0:
            raise httpx.ConnectError("gone")
        return httpx.Response(502 if len(prompts) % 7 == 0 else 200)

    client = httpx.AsyncClient(base_url="http://toy", transport=httpx.MockTransport(answer))
    with running_load(client, LoadPrompts("toy", ["Who?", "When?"], chat=False), 3) as load:
        while len(prompts) < 40:
            time.sleep(0.001)
    results = load.take()
    assert len(results) == len(prompts) == len(set(prompts))
    assert sum(not result.succeeded for result in results) == sum(
        n % 5 == 0 or n % 7 == 0 for n in range(1, len(prompts) + 1)
    )


def test_a_chat_model_gets_chat_requests() -> None:
    route, body = LoadPrompts("toy", ["Who?", "When?"], chat=True).request(7)
    assert (route, body["messages"]) == ("/v1/chat/completions", [{"role": "user", "content": "7. When?"}])
