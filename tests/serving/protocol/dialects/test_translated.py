"""What holds of every answer in every dialect: the events add up to the object, however the text is cut."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from serving.protocol.dialects.dialect import Event
from serving.protocol.dialects.messages_answer import DELTAS, MessagesTranslator
from serving.protocol.dialects.responses_answer import ResponsesTranslator
from tests.serving.protocol.dialects.test_responses_answer import call, chunk

TEXTS = st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=4)
PARTS = st.lists(st.tuples(st.sampled_from(["reasoning", "content", "refusal", "call"]), TEXTS), max_size=6)


def chunks(parts: list[tuple[str, list[str]]]) -> list[dict[str, Any]]:
    """A chat stream that says `parts` one after the other, each in its pieces."""
    stream = []
    numbers = itertools.count()
    for kind, texts in parts:
        number = next(numbers) if kind == "call" else -1
        for place, text in enumerate(texts):
            id = f"c{number}" if place == 0 else None
            stream.append(chunk(call(number, text, id) if kind == "call" else {kind: text}))
    return [*stream, chunk({}, "stop")]


def merged(parts: list[tuple[str, list[str]]]) -> list[tuple[str, str]]:
    """The items of an answer: neighbours of one kind are one item, calls apart."""
    items: list[tuple[str, str]] = []
    for kind, texts in parts:
        if items and items[-1][0] == kind != "call":
            items[-1] = (kind, items[-1][1] + "".join(texts))
        else:
            items.append((kind, "".join(texts)))
    return items


@given(PARTS)
def test_a_response_is_what_its_events_say(parts: list[tuple[str, list[str]]]) -> None:
    translator = ResponsesTranslator({"model": "m"}, "r")
    events = [event for one in chunks(parts) for event in translator.chunk(one)] + translator.end()
    said: defaultdict[int, str] = defaultdict(str)
    for event in events:
        if event.name.endswith("delta"):
            said[event.data["output_index"]] += event.data["delta"]
    output = events[-1].data["response"]["output"]
    assert output == translator.body()["output"]
    assert [event.data["item"] for event in events if event.name == "response.output_item.done"] == output
    assert [said[place] for place in range(len(output))] == [text for _, text in merged(parts)]


@given(PARTS)
def test_a_message_is_what_its_events_say(parts: list[tuple[str, list[str]]]) -> None:
    translator = MessagesTranslator({"model": "m"}, "r")
    events = [event for one in chunks(parts) for event in translator.chunk(one)] + translator.end()
    assert _well_nested(events)
    said: defaultdict[int, str] = defaultdict(str)
    for event in events:
        if event.name == "content_block_delta":
            delta = event.data["delta"]
            said[event.data["index"]] += next(delta[member] for _, member in DELTAS.values() if member in delta)
    assert [said[place] for place in range(len(said))] == [text for _, text in merged(parts)]
    assert len(translator.body()["content"]) == len(said)


def _well_nested(events: list[Event]) -> bool:
    """Whether each block starts, speaks and stops before the next starts."""
    open_block = -1
    for event in events:
        if event.name == "content_block_start":
            if open_block >= 0:
                return False
            open_block = event.data["index"]
        elif event.name.startswith("content_block") and event.data["index"] != open_block:
            return False
        if event.name == "content_block_stop":
            open_block = -1
    return open_block < 0
