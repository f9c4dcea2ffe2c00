"""What attacks ask of an endpoint beyond one greedy answer."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace as Thing
from typing import Any

from eval.core.prompt import Prompt
from eval.runners.endpoint import Endpoint
from guard.text.conversation import Message

ASK = Prompt("Who baked it?")


class Client:
    """Stands in for the OpenAI client, and keeps what it is asked."""

    def __init__(self, listed: bool = True) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.chat = Thing(completions=Thing(create=self._create))
        self._listed = listed

    def _create(self, **body: Any) -> Any:
        self.bodies.append(body)
        if body.get("stream"):
            pieces = ("It ", None, "was")
            chunks = [Thing(choices=[Thing(delta=Thing(content=piece))]) for piece in pieces]
            return iter([*chunks, Thing(choices=[])])
        entries = [Thing(token="It", logprob=-0.5, top_logprobs=[Thing(token="It"), Thing(token="She")])]
        logprobs = Thing(content=entries) if self._listed else None
        count = body.get("n", 1)
        return Thing(
            choices=[Thing(message=Thing(content=f"It {k}"), logprobs=logprobs) for k in range(count)],
        )


def endpoint(client: Client) -> Endpoint:
    return Endpoint(client, "toy")  # type: ignore[arg-type]


def test_draws_are_the_choices_of_one_request_under_the_first_draws_seed() -> None:
    client = Client()
    prompts = [replace(ASK, temperature=1.0, draw=draw) for draw in (4, 5, 6)]
    said = endpoint(client).generate(prompts, 9)
    assert [answer.text for answer in said] == ["It 0", "It 1", "It 2"]
    (body,) = client.bodies
    assert (body["n"], body["seed"], body["temperature"]) == (3, 4, 1.0)


def test_earlier_turns_and_a_begun_answer_go_with_the_question() -> None:
    client = Client()
    turns = (Message("user", "Let us talk."), Message("assistant", "Gladly."))
    endpoint(client).generate([replace(ASK, before=turns, prefill="It was")], 9)
    (body,) = client.bodies
    assert [(m["role"], m["content"]) for m in body["messages"]] == [
        ("user", "Let us talk."),
        ("assistant", "Gladly."),
        ("user", "Who baked it?"),
        ("assistant", "It was"),
    ]
    assert body["extra_body"] == {"add_generation_prompt": False, "continue_final_message": True}
    assert "n" not in body


def test_a_stream_is_what_was_received_of_it() -> None:
    client = Client()
    assert [said.text for said in endpoint(client).stream([ASK], 9)] == ["It was"]


def test_alternatives_are_read_where_they_are_listed() -> None:
    (top_tokens,) = endpoint(Client()).generate_top_tokens([ASK], 9, 20)
    assert (top_tokens.tokens, top_tokens.listed) == (["It"], [["It", "She"]])
    (blind,) = endpoint(Client(listed=False)).generate_top_tokens([ASK], 9, 20)
    assert (blind.tokens, blind.listed) == (["It 0"], [[]])
