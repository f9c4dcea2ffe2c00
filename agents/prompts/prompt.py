"""The prompt of a role: instructions and worked examples (few-shot), from its Markdown file."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from agents.prompts.quotation import Data, render
from guard.text.conversation import Message

_FILE = re.compile(
    r"---\nversion: (?P<version>\d+)\n---\n(?P<system>.*?)(?P<examples>(?:^## Example: .*)?)\Z", re.S | re.M
)
_EXAMPLE = re.compile(
    r"^## Example: (?P<shows>.+?)\n+```json\n(?P<data>.+?)\n```\n+```(?:json|text)\n(?P<reply>.+?)\n```\s*",
    re.S | re.M,
)


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example: what it shows, the data, and the wanted reply."""

    shows: str
    data: Data
    reply: str


@dataclass(frozen=True, slots=True)
class RolePrompt:
    """A role's instructions and examples. No text of a user, a target or a model is ever part of them.

    `example_turns` are the examples as alternating user and assistant turns.
    """

    name: str
    version: int
    system: str
    examples: tuple[Example, ...]
    example_turns: tuple[Message, ...]

    def messages(self, data: Data, *, repair: bool = False) -> list[Message]:
        """Return the messages of a call; the last one holds `data`, quoted.

        With `repair`, the instructions add that the previous reply had the wrong format.
        """
        system = f"{self.system}\n\n{_text('repair')}" if repair else self.system
        return [Message("system", system), *self.example_turns, Message("user", render(data))]


@cache
def load_prompt(name: str) -> RolePrompt:
    """Return the prompt in `prompts/<name>.md`; ValueError if the file is malformed."""
    match = _FILE.match(_text(name))
    if match is None:
        raise ValueError(f"prompts/{name}.md has no version or no instructions")
    rest = match["examples"]
    examples = [Example(m["shows"], json.loads(m["data"]), m["reply"]) for m in _EXAMPLE.finditer(rest)]
    if _EXAMPLE.sub("", rest).strip():
        raise ValueError(f"prompts/{name}.md has an example that is not data and a reply")
    turns = ((Message("user", render(e.data)), Message("assistant", e.reply)) for e in examples)
    example_turns = tuple(turn for pair in turns for turn in pair)
    return RolePrompt(name, int(match["version"]), match["system"].strip(), tuple(examples), example_turns)


def _text(name: str) -> str:
    return files("agents.prompts").joinpath(f"{name}.md").read_text(encoding="utf-8").rstrip()
