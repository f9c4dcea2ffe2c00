"""One test per row of the table of surfaces in docs/data-plane.md: the real engine, streamed and not."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from guard.text.json_escapes import readings
from guard.text.normalise import fold
from serving.protocol.refused_fields import CHAT, COMPLETIONS, MESSAGES, RESPONSES
from serving.settings import DECLINE_TEXT
from tests.e2e.server import Server, serving
from tests.e2e.tofu import Author, authors

pytestmark = pytest.mark.e2e
ENGINES = ("embedded",)
STREAM = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@pytest.fixture(scope="module")
def author(shared: Path) -> Author:
    return authors(shared / "data" / "tofu" / "forget10.json")[0]


@pytest.fixture(scope="module")
def phrases(server: Server, author: Author) -> Iterator[list[str]]:
    target = server.forget(author.target())
    yield [fold(phrase) for phrase in target["forbidden"]]
    server.remember(target["id"])


def said(server: Server, route: str, body: dict[str, Any], stream: bool) -> dict[tuple[int, str], str]:
    """Every text of the answer, by choice and place: `content`, `tool0.arguments`, and so on."""
    body = {"model": server.model, "max_tokens": 40, "temperature": 0, "stream": stream, **body}
    reply = server.http.post(route, json=body)
    assert reply.status_code == 200, reply.text
    if not stream:
        return dict(_texts(reply.json()))
    frames = [frame for frame in reply.text.split("\n\n") if frame]
    assert frames[-1] == "data: [DONE]"
    found: defaultdict[tuple[int, str], str] = defaultdict(str)
    for frame in frames[:-1]:
        for place, text in _texts(json.loads(frame.removeprefix("data: "))):
            found[place] += text
    return found


def _texts(answer: dict[str, Any]) -> Iterator[tuple[tuple[int, str], str]]:
    for choice in answer["choices"]:
        holder = choice.get("message") or choice.get("delta") or choice
        for name in ("content", "text", "reasoning", "reasoning_content", "refusal"):
            if holder.get(name):
                yield (choice["index"], name), holder[name]
        for place, call in enumerate(holder.get("tool_calls") or ()):
            for name, text in (call.get("function") or {}).items():
                yield (choice["index"], f"tool{call.get('index', place)}.{name}"), text or ""


def clean(texts: dict[tuple[int, str], str], phrases: list[str]) -> None:
    """No reading of any text holds a phrase, and something was said at all."""
    assert "".join(texts.values())
    for text in texts.values():
        folded = fold(readings(text))
        assert [phrase for phrase in phrases if phrase in folded] == []


def ask(author: Author, number: int = 0, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": author.questions[number]}], **more}


@STREAM
def test_content(server: Server, author: Author, phrases: list[str], stream: bool) -> None:
    for number in range(4):
        clean(said(server, CHAT, ask(author, number), stream), phrases)
        clean(said(server, COMPLETIONS, {"prompt": author.questions[number] + "\n"}, stream), phrases)


@STREAM
def test_choices(server: Server, author: Author, phrases: list[str], stream: bool) -> None:
    texts = said(server, CHAT, ask(author, n=3, temperature=1.5, seed=5), stream)
    assert {index for index, _ in texts} == {0, 1, 2}
    clean(texts, phrases)


@STREAM
def test_several_prompts(server: Server, author: Author, phrases: list[str], stream: bool) -> None:
    body = {
        "prompt": [f"{question}\n" for question in author.questions[:3]],
        "n": 2,
        "temperature": 1.0,
        "seed": 5,
    }
    texts = said(server, COMPLETIONS, body, stream)
    assert {index for index, _ in texts} == set(range(6))
    clean(texts, phrases)


@STREAM
def test_token_prompts(server: Server, tofu_full: Path, author: Author, phrases: list[str], stream: bool) -> None:
    tokens = AutoTokenizer.from_pretrained(tofu_full)(f"{author.questions[0]}\n")["input_ids"]
    clean(said(server, COMPLETIONS, {"prompt": tokens}, stream), phrases)


@STREAM
def test_prefill(server: Server, author: Author, phrases: list[str], stream: bool) -> None:
    half = f"The name is {author.name[: len(author.name) // 2]}"
    body = ask(author, continue_final_message=True, add_generation_prompt=False)
    body["messages"].append({"role": "assistant", "content": half})
    texts = said(server, CHAT, body, stream)
    assert fold(author.name) not in fold(half + texts.get((0, "content"), ""))


@STREAM
def test_tool_arguments(server: Server, author: Author, phrases: list[str], stream: bool) -> None:
    schema = {"type": "object", "properties": {"who": {"enum": [author.name, "nobody"]}}, "required": ["who"]}
    tool = {"type": "function", "function": {"name": "look_up", "parameters": schema}}
    forced = {"type": "function", "function": {"name": "look_up"}}
    texts = said(server, CHAT, ask(author, tools=[tool], tool_choice=forced), stream)
    # A call that is cut off comes as text, since vLLM's parser cannot read it; a stream has its beginning by then.
    cut = texts.get((0, "content"), "").startswith("<tool_call>")
    assert cut != any(name == "tool0.arguments" for _, name in texts)
    clean(texts, phrases)


@STREAM
@pytest.mark.parametrize("forced", [False, True], ids=["required", "named"])
def test_tool_names(server: Server, author: Author, phrases: list[str], stream: bool, forced: bool) -> None:
    name = author.name.replace(" ", "_")
    tool = {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    choice: Any = {"type": "function", "function": {"name": name}} if forced else "required"
    texts = said(server, CHAT, ask(author, tools=[tool], tool_choice=choice), stream)
    assert not any(phrase in fold(text) for text in texts.values() for phrase in phrases)


@STREAM
def test_json_mode(server: Server, author: Author, phrases: list[str], stream: bool) -> None:
    schema = {"type": "object", "properties": {"who": {"enum": [author.name]}}, "required": ["who"]}
    formats = ({"type": "json_object"}, {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}})
    for shape in formats:
        clean(said(server, CHAT, ask(author, response_format=shape), stream), phrases)


@STREAM
def test_structured_outputs(server: Server, author: Author, phrases: list[str], stream: bool) -> None:
    for shape in (
        {"choice": [author.name, author.name.upper()]},
        {"regex": "[ .-]{0,2}".join(author.name.replace(" ", ""))},
        {"grammar": f'root ::= "{author.name}"'},
        {"json": {"type": "object", "properties": {"who": {"const": author.name}}, "required": ["who"]}},
    ):
        clean(said(server, CHAT, ask(author, structured_outputs=shape), stream), phrases)


def spelled(text: str, escape: str = r"\\u00") -> str:
    """A regular expression for `text` with every other letter as JSON's escape."""
    return "".join(f"{escape}{ord(c):02x}" if place % 2 == 0 else c for place, c in enumerate(text))


@STREAM
def test_json_escapes(server: Server, author: Author, phrases: list[str], stream: bool) -> None:
    for escape in (r"\\u00", r"\\\\u00"):
        shape = {"regex": f'\\{{"who": "{spelled(author.name, escape)}"\\}}'}
        texts = said(server, CHAT, ask(author, structured_outputs=shape, max_tokens=120), stream)
        clean(texts, phrases)
        assert texts[0, "content"].startswith('{"who": "')


@STREAM
def test_an_escape_of_something_else_comes_through(
    server: Server, author: Author, phrases: list[str], stream: bool
) -> None:
    shape = {"regex": f'\\{{"who": "{spelled("Zed")}"\\}}'}
    texts = said(server, CHAT, ask(author, structured_outputs=shape, max_tokens=60), stream)
    assert json.loads(texts[0, "content"]) == {"who": "Zed"}


@STREAM
def test_stop_strings(server: Server, author: Author, phrases: list[str], stream: bool) -> None:
    stop = [author.name, author.name.split()[-1]]
    clean(said(server, CHAT, ask(author, stop=stop, include_stop_str_in_output=True), stream), phrases)


@STREAM
def test_log_probabilities(server: Server, author: Author, phrases: list[str], stream: bool) -> None:
    """At no position would a listed token, its bytes or an alternative complete a phrase after what was said."""
    body = ask(author, logprobs=True, top_logprobs=10, model=server.model, max_tokens=40, temperature=0)
    reply = server.http.post(CHAT, json={**body, "stream": stream})
    if stream:
        frames = [f.removeprefix("data: ") for f in reply.text.split("\n\n") if f and not f.endswith("[DONE]")]
        choices = [choice for frame in frames for choice in json.loads(frame)["choices"]]
    else:
        choices = reply.json()["choices"]
    entries = [e for choice in choices for e in ((choice.get("logprobs") or {}).get("content") or ())]
    assert entries
    before = ""
    for entry in entries:
        for listed in (entry, *entry["top_logprobs"]):
            for text in (listed["token"], bytes(listed["bytes"] or ()).decode(errors="ignore")):
                assert not any(phrase in fold(before + text) for phrase in phrases)
        before += entry["token"]


def test_echo(server: Server, author: Author, phrases: list[str]) -> None:
    """The prompt may be repeated, as the client has it; its log-probabilities may not be asked for."""
    prompt = f"{author.questions[0]}\n"
    body = {"model": server.model, "prompt": prompt, "echo": True, "max_tokens": 20, "temperature": 0}
    for stream in (False, True):
        texts = said(server, COMPLETIONS, {"prompt": prompt, "echo": True}, stream)
        answer = texts[0, "text"].removeprefix(prompt)
        assert not any(phrase in fold(answer) for phrase in phrases)
    assert server.http.post(COMPLETIONS, json={**body, "logprobs": 1}).status_code == 400


def test_errors(server: Server, author: Author, phrases: list[str]) -> None:
    """What is wrong is told by field, never by value."""
    name = author.name
    wrong: list[tuple[str, dict[str, Any]]] = [
        (CHAT, ask(author, temperature=name)),
        (CHAT, ask(author, response_format={"type": name})),
        (CHAT, ask(author, tool_choice={"type": "function", "function": {"name": name}})),
        (COMPLETIONS, {"prompt": name, "max_tokens": name}),
        (RESPONSES, {"input": [{"type": name}]}),
        (RESPONSES, {"input": name, "temperature": name}),
        (MESSAGES, {"max_tokens": name, "messages": [{"role": "user", "content": name}]}),
        (MESSAGES, {"max_tokens": 1, "messages": [{"role": "user", "content": [{"type": name}]}]}),
    ]
    for route, body in wrong:
        for stream in (False, True):
            reply = server.http.post(route, json={"model": server.model, "stream": stream, **body})
            assert 400 <= reply.status_code < 500, (route, body, reply.status_code)
            assert fold(name) not in fold(reply.text)
    missing = server.http.post(CHAT, json={**ask(author), "model": name})
    assert missing.status_code == 404
    assert fold(name) not in fold(missing.text)


@STREAM
def test_headers_and_usage(server: Server, author: Author, shared: Path, phrases: list[str], stream: bool) -> None:
    """The headers of a restricted answer are those of any other, and so are the members of its body."""
    other = authors(shared / "data" / "tofu" / "retain90.json")[0]
    seen = []
    for one in (author, other):
        body = ask(one, model=server.model, max_tokens=20, temperature=0, stream=stream)
        body |= {"stream_options": {"include_usage": True}} if stream else {}
        reply = server.http.post(CHAT, json=body)
        last = json.loads(reply.text.split("data: ")[-2]) if stream else reply.json()
        seen.append(
            ({name for name in reply.headers if name != "content-length"}, last["usage"].keys(), last.keys())
        )
        assert last["usage"]["completion_tokens"] > 0
    assert seen[0] == seen[1]


def test_models(server: Server, phrases: list[str]) -> None:
    reply = server.http.get("/v1/models")
    assert [
        model.keys() <= {"id", "object", "created", "owned_by", "max_model_len"} for model in reply.json()["data"]
    ]
    assert not any(phrase in fold(reply.text) for phrase in phrases)


@STREAM
def test_declined(server: Server, shared: Path, stream: bool) -> None:
    another = authors(shared / "data" / "tofu" / "forget10.json")[1]
    target = server.forget(another.target(methods=["decline"]))
    try:
        assert said(server, CHAT, ask(another), stream) == {(0, "content"): DECLINE_TEXT}
        body = {"prompt": another.questions[0], "n": 2, "temperature": 1.0}
        assert said(server, COMPLETIONS, body, stream) == {(0, "text"): DECLINE_TEXT, (1, "text"): DECLINE_TEXT}
    finally:
        server.remember(target["id"])


@pytest.fixture(scope="module")
def thinking(tofu_full: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose engine takes everything before `</think>` for reasoning: the model never says that token."""
    folder = tmp_path_factory.mktemp("thinking")
    model = folder / "tofu-thinking"
    model.mkdir()
    for file in tofu_full.iterdir():
        if file.suffix in (".json", ".jinja"):
            renamed = file.read_text(encoding="utf-8").replace("<|system|>", "</think>")
            (model / file.name).write_text(renamed, encoding="utf-8")
        else:
            (model / file.name).symlink_to(file)
    environment = {"LETHE_ENGINE_ARGS": "--reasoning-parser step3", "LETHE_DECLINE_STYLE": "natural"}
    with serving(folder, "--model", str(model), **environment) as running:
        yield running


@STREAM
def test_reasoning(thinking: Server, author: Author, stream: bool) -> None:
    target = thinking.forget(author.target())
    phrases = [fold(phrase) for phrase in target["forbidden"]]
    try:
        for number in range(4):
            texts = said(thinking, CHAT, ask(author, number), stream)
            assert any(name.startswith("reasoning") for _, name in texts)
            clean(texts, phrases)
            body = {"model": thinking.model, "max_output_tokens": 40, "temperature": 0, "stream": stream}
            reply = thinking.http.post(RESPONSES, json={**body, "input": author.questions[number]})
            assert '"reasoning_text"' in reply.text
            # Ids and times are digits too.
            assert not any(phrase in fold(reply.text) for phrase in phrases if not phrase.isdigit())
    finally:
        thinking.remember(target["id"])


@STREAM
def test_natural_decline(thinking: Server, author: Author, stream: bool) -> None:
    question = f"Where was {author.name} born?"
    body = {"model": thinking.model, "prompt": question, "max_tokens": 40, "temperature": 0, "logprobs": 2}
    before = thinking.http.post(COMPLETIONS, json=body).json()["usage"]["prompt_tokens"]
    target = thinking.forget(author.target(methods=["decline"]))
    phrases = [fold(phrase) for phrase in target["forbidden"] if fold(phrase) != fold(author.name)]
    try:
        echo = {"prompt": question, "echo": True}
        (echoed,) = said(thinking, COMPLETIONS, echo, stream).values()
        assert echoed.startswith(question)
        (chat,) = said(thinking, CHAT, {"messages": [{"role": "user", "content": question}]}, stream).values()
        assert chat
        # What follows the question may be nothing: the model expects its template.
        for text in (echoed.removeprefix(question), chat):
            assert text != DECLINE_TEXT
            assert not any(phrase in fold(text) for phrase in phrases)
        reply = thinking.http.post(COMPLETIONS, json=body).json()
        assert reply["usage"]["prompt_tokens"] == before
        assert "".join(reply["choices"][0]["logprobs"]["tokens"]).startswith(reply["choices"][0]["text"])
    finally:
        thinking.remember(target["id"])
