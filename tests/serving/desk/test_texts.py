"""Every text is in the catalogue, and every text of the catalogue is used."""

from __future__ import annotations

import re

import pytest

from guard.policy.plan import PlanKind
from guard.registry.drafts import Standing
from guard.registry.keys.key_log import KeyAction
from guard.registry.outside.cases import CaseState
from guard.targets.audit_log import Action
from guard.targets.policy_changes import Change
from guard.targets.target import Decoder, Kind, Method, Mode, Scope, State, Supplied
from guard.uld.assistant import Status
from guard.variants.variant import Variants
from serving.admin.check_response import SignalsOut
from serving.assistants.queue import JobState as TrainingState
from serving.certificates.issuing import IssueState
from serving.certificates.reading import FACTS, FORMS, PARTICULARS
from serving.desk.rendering import FOLDER, text, texts
from serving.elicitation.service import JobState

TEMPLATES = {path.name: path.read_text(encoding="utf-8") for path in (FOLDER / "templates").glob("*.html")}
CODE = "".join(path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.py"))
STATIC = re.compile(r'\b(?:t|text)\("([\w.]+)"[,)]|"([\w.]+)" if [^{}]*? else "([\w.]+)"')
PREFIX = re.compile(r'\bt\("([\w.]+\.)(?:in_force_)?" ~')
OF_PAGES = {f"{name.removesuffix('.html')}.title" for name in TEMPLATES} | {
    "nav.",
    "target.",
    "hint.",
    "certificate.",
}


def test_every_text_that_a_page_names_is_in_the_catalogue() -> None:
    named = {
        key
        for body in (*TEMPLATES.values(), CODE)
        for found in STATIC.findall(body)
        for key in found
        if "." in key
    }
    assert named - texts().keys() == set()


def test_every_text_of_the_catalogue_is_used() -> None:
    whole = "\n".join(TEMPLATES.values()) + CODE
    prefixes = (*{prefix for body in TEMPLATES.values() for prefix in PREFIX.findall(body)}, *OF_PAGES)
    # A select shows the members of a field, whose name is the first part of the key.
    selects = tuple(f"{name}." for name in re.findall(r'one_of\("(\w+)"\)', whole))
    # The text for one of a kind is taken where the other one would be.
    named = {key: key.removesuffix("_one") for key in texts()}
    unused = [
        key
        for key, used in named.items()
        if f'"{used}"' not in whole and not key.startswith((*prefixes, *selects))
    ]
    assert unused == []


@pytest.mark.parametrize(
    ("prefix", "members"),
    [
        ("kind", Kind),
        ("mode", Mode),
        ("state", State),
        ("scope", Scope),
        ("method", Method),
        ("decoder", Decoder),
        ("variants", Variants),
        ("supplied", ["default", *Supplied]),
        ("plan", PlanKind),
        ("action", Action),
        ("key_action", KeyAction),
        ("change_of_target", Change),
        ("found_of_row", Standing),
        ("standing", Status),
        ("training", TrainingState),
        ("elicitation", JobState),
        ("signal", SignalsOut.model_fields),
        ("issue_state", IssueState),
        ("case_state", [*CaseState, "all"]),
        ("form_of_probe", [*FORMS, "all"]),
        ("certificate", [*FACTS, *PARTICULARS]),
    ],
)
def test_every_member_has_a_word(prefix: str, members: list[str]) -> None:
    assert [member for member in members if f"{prefix}.{member}" not in texts()] == []


def test_a_text_takes_values_and_one_that_is_missing_is_an_error() -> None:
    assert text("review.more", count=3) == "and 3 more"
    assert text("review.more", count=1) == "and one more"
    with pytest.raises(KeyError):
        text("nothing.such")


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_no_template_holds_text_of_its_own(name: str) -> None:
    # A macro that makes attributes stands outside of any tag.
    body = re.sub(r"{% macro about.*?endmacro %}", "", TEMPLATES[name], flags=re.S)
    body = re.sub(r"{[{%#].*?[#%}]}", " ", body, flags=re.S)
    body = re.sub(r"<[^>]*>|&amp;", " ", body)
    assert re.findall(r"[A-Za-z]{2,}", body) == []


def test_the_tutorial_names_links_and_buttons_as_the_desk_does() -> None:
    page = (FOLDER.parents[1] / "docs/tutorial.md").read_text(encoding="utf-8")
    section = page.split("## The same in the browser")[1].split("\n## ")[0]
    named = re.findall(r"\*([^*]+)\*", section)
    assert len(named) > 10
    assert [name for name in named if not any(shown.startswith(name) for shown in texts().values())] == []
