from __future__ import annotations

from serving.engine.tokenizer import rendering


def test_a_chat_is_rendered_with_the_arguments_that_its_route_hands_to_the_template() -> None:
    chat = {
        "model": "m",
        "messages": [],
        "temperature": 0,
        "documents": [{"text": "d"}],
        "reasoning_effort": "none",
    }
    arguments = {"enable_thinking": False, "reasoning_effort": "none", "documents": [{"text": "d"}]}
    assert rendering(chat) == {"model": "m", "messages": [], "chat_template_kwargs": arguments}
    assert rendering({"model": "m", "messages": []}) == {"model": "m", "messages": []}


def test_the_clients_own_switch_wins_over_the_effort() -> None:
    chat = {"messages": [], "reasoning_effort": "low", "chat_template_kwargs": {"enable_thinking": False}}
    arguments = {"enable_thinking": False, "reasoning_effort": "low"}
    assert rendering(chat) == {"messages": [], "chat_template_kwargs": arguments}
