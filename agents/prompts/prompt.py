"""What a role is told: its instructions and worked examples, from a file of their own."""

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
    """A worked example: what it shows, the data given, and the reply wanted."""

    shows: str
    data: Data
    reply: str


@dataclass(frozen=True, slots=True)
class Brief:
    """A role's instructions, at a version; no text of a user, a target or a model is ever part of them.

    `shown` are the examples as the turns they are given in.
    """

    name: str
    version: int
    system: str
    examples: tuple[Example, ...]
    shown: tuple[Message, ...]

    def messages(self, data: Data, *, repair: bool = False) -> list[Message]:
        """Return the messages of a call about `data`, which stands quoted in the last one.

        With `repair`, the instructions add that the last reply did not have the form asked for.
        """
        system = f"{self.system}\n\n{_text('repair')}" if repair else self.system
        return [Message("system", system), *self.shown, Message("user", render(data))]


@cache
def brief(name: str) -> Brief:
    """Return the brief in `prompts/<name>.md`; ValueError when the file is not written as one."""
    match = _FILE.match(_text(name))
    if match is None:
        raise ValueError(f"prompts/{name}.md has no version or no instructions")
    rest = match["examples"]
    examples = [Example(m["shows"], json.loads(m["data"]), m["reply"]) for m in _EXAMPLE.finditer(rest)]
    if _EXAMPLE.sub("", rest).strip():
        raise ValueError(f"prompts/{name}.md has an example that is not data and a reply")
    turns = ((Message("user", render(e.data)), Message("assistant", e.reply)) for e in examples)
    shown = tuple(turn for pair in turns for turn in pair)
    return Brief(name, int(match["version"]), match["system"].strip(), tuple(examples), shown)


def _text(name: str) -> str:
    return files("agents.prompts").joinpath(f"{name}.md").read_text(encoding="utf-8").rstrip()
