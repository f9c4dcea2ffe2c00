"""Two client keys with a policy set each: the answers of each change for its own target alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from guard.detection.detector import Detector
from guard.policy.compiler import Compiler
from guard.policy.current import CurrentPolicy
from guard.policy.watch import WatchAction
from guard.registry.keys.key import Audience, KeyDraft
from guard.registry.keys.keyring import Keyring
from guard.registry.registry import Registry
from guard.targets.policy_set import set_id
from guard.targets.target import Draft, Fact, Kind, Method, Scope
from serving.data_plane import DataPlane, Limits
from serving.planner import Planner
from serving.protocol.refused_fields import CHAT, COMPLETIONS
from tests.serving.watch.conftest import CountingEngine, FakeSupervisor, FlatEmbedder

pytestmark = pytest.mark.anyio
DECLINE = "I do not know."
NAMES = {"eu": "Orla Quarnwick", "staff": "Brisa Tannerfold"}
EVERYBODY = "Corvin Ashgrove"
CODES = {"eu": "zx4471q", "staff": "kk9982w"}
MAX_SALT = 128
"""Characters of a `cache_salt` that vLLM 0.32 takes."""


class Site:
    """A data plane with a key for each policy set, and one without any."""

    def __init__(self, folder: Path, engine: CountingEngine, action: WatchAction = WatchAction.ANSWER) -> None:
        (folder / "policy").mkdir()
        self.registry = Registry(folder / "lethe.db")
        tags = {"eu": ("eu",), "staff": ("staff",), "all": ()}
        self.secrets = {
            name: self.registry.keys.create(KeyDraft(name=name, audience=Audience.CLIENT, tags=own)).secret
            for name, own in tags.items()
        }
        ring = Keyring(self.registry.keys)
        embedder, current = FlatEmbedder(), CurrentPolicy()
        self.compiler = Compiler(
            self.registry,
            embedder,
            folder / "policy",
            watch_action=action,
            policy_sets=lambda: ring.policy_sets,
        )
        self.current = current
        planner = Planner(current, Detector(embedder), sets=self.compiler.policy_sets)
        self.engine, self.ring = engine, ring
        self.plane = DataPlane(
            FakeSupervisor(engine),  # type: ignore[arg-type]
            planner,
            Limits((), 10_000, DECLINE, "1", overlap_detection=False),
            keyring=ring,
        )

    def enforce(self, *drafts: Draft) -> None:
        self.registry.add_many(drafts)
        self.current.policy = self.compiler.refresh(self.current.policy, datetime.now(UTC))

    async def ask(self, name: str, question: str = "Who?", route: str = CHAT, **members: Any) -> httpx.Response:
        said = {"messages": [{"role": "user", "content": question}]} if route == CHAT else {"prompt": question}
        headers = {"authorization": f"Bearer {self.secrets[name]}"}
        transport = httpx.ASGITransport(self.plane)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://lethe", headers=headers) as http:
            return await http.post(route, json={"model": "m", **said, **members})


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    engine = CountingEngine(f"It is {NAMES['eu']}, {NAMES['staff']} or {EVERYBODY}.")
    site = Site(tmp_path, engine)
    with closing(site.registry):
        yield site


def text_of(response: httpx.Response) -> str:
    if "event-stream" not in response.headers["content-type"]:
        (choice,) = response.json()["choices"]
        return str(choice["text"] if "text" in choice else choice["message"]["content"])
    parts = [line.removeprefix("data: ") for line in response.text.split("\n") if line.startswith("data: {")]
    choices = [choice for part in parts for choice in httpx.Response(200, text=part).json()["choices"]]
    return "".join(one.get("text") or (one.get("delta") or {}).get("content") or "" for one in choices)


def names_in(text: str) -> set[str]:
    return {name for name in (*NAMES.values(), EVERYBODY) if name in text}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("route", [CHAT, COMPLETIONS])
async def test_what_is_forbidden_in_every_answer_leaves_those_of_its_keys_alone(
    site: Site, route: str, stream: bool
) -> None:
    for tag, code in CODES.items():
        site.enforce(Draft(name=f"{tag} code", kind=Kind.SECRET, phrases=(code,), scope=Scope.ALWAYS, tags=(tag,)))
    for tag, code in CODES.items():
        other = CODES["staff" if tag == "eu" else "eu"]
        site.engine.scripts = [f"The code is {code}."]
        assert code not in text_of(await site.ask(tag, route=route, stream=stream))
        assert code not in text_of(await site.ask("all", route=route, stream=stream))
        site.engine.scripts = [f"The code is {other}."]
        assert text_of(await site.ask(tag, route=route, stream=stream)) == f"The code is {other}."


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("route", [CHAT, COMPLETIONS])
async def test_a_question_is_declined_for_the_keys_of_its_target(site: Site, route: str, stream: bool) -> None:
    for tag, name in NAMES.items():
        site.enforce(Draft(name=name, methods=(Method.DECLINE,), tags=(tag,)))
    for tag, name in NAMES.items():
        other = NAMES["staff" if tag == "eu" else "eu"]
        site.engine.scripts = ["Somebody from Ost."]
        declined = [await site.ask(who, f"Who is {name}?", route, stream=stream) for who in (tag, "all")]
        assert [text_of(response) for response in declined] == [DECLINE, DECLINE]
        assert text_of(await site.ask(tag, f"Who is {other}?", route, stream=stream)) == "Somebody from Ost."


@pytest.mark.parametrize("stream", [False, True])
async def test_the_watch_looks_for_the_names_of_the_policy_set(site: Site, stream: bool) -> None:
    fact = Fact(question="What does she do?", answer="She keeps bees.")
    for tag, name in NAMES.items():
        site.enforce(Draft(name=name, facts=(fact,), tags=(tag,)))
    site.enforce(Draft(name=EVERYBODY, facts=(fact,)))
    for tag, name in NAMES.items():
        other = NAMES["staff" if tag == "eu" else "eu"]
        site.engine.scripts = [f"It is {other}."]
        assert text_of(await site.ask(tag, stream=stream)) == f"It is {other}."
        for forbidden in (name, EVERYBODY):
            site.engine.scripts = [f"It is {forbidden}.", "It is somebody."]
            assert forbidden not in text_of(await site.ask(tag, stream=stream))
            site.engine.scripts = [f"It is {forbidden}.", "It is somebody."]
            assert forbidden not in text_of(await site.ask("all", stream=stream))


async def test_the_engine_is_told_the_policy_set_and_keeps_its_cache_apart(site: Site) -> None:
    site.enforce(Draft(name="eu code", kind=Kind.SECRET, phrases=("zx4471q",), scope=Scope.ALWAYS, tags=("eu",)))
    site.engine.scripts = ["It is fine."]
    bodies = {}
    for name in ("eu", "staff", "all"):
        await site.ask(name, cache_salt="mine")
        bodies[name] = site.engine.asked[-1][1]
    for name, id in (("eu", set_id(frozenset({"eu"}))), ("staff", set_id(frozenset({"staff"})))):
        assert bodies[name]["vllm_xargs"]["lethe_policy_set"] == id
        assert bodies[name]["cache_salt"] == f"{id}mine"
    assert "lethe_policy_set" not in bodies["all"]["vllm_xargs"]
    assert bodies["all"]["cache_salt"] == "mine"
    masks = [bool(bodies[name]["vllm_xargs"]["lethe_automata"]) for name in ("eu", "staff", "all")]
    assert masks == [True, False, True]


async def test_a_salt_of_a_clients_own_may_be_as_long_as_an_engine_takes(site: Site) -> None:
    site.enforce(Draft(name=EVERYBODY, tags=("eu",)))
    site.engine.scripts = ["It is fine."]
    salts = []
    for own in ("a" * MAX_SALT, "b" * MAX_SALT):
        await site.ask("eu", cache_salt=own)
        salts.append(site.engine.asked[-1][1]["cache_salt"])
    assert len(set(salts)) == 2
    assert all(salt.startswith(set_id(frozenset({"eu"}))) and len(salt) <= MAX_SALT for salt in salts)


async def test_masks_of_a_watch_that_masks_are_those_of_the_policy_set(tmp_path: Path) -> None:
    site = Site(tmp_path, CountingEngine("It is fine."), WatchAction.MASK)
    with closing(site.registry):
        site.enforce(Draft(name=NAMES["eu"], tags=("eu",)))
        await site.ask("eu")
        await site.ask("staff")
    masks = [bool(body["vllm_xargs"]["lethe_automata"]) for _, body in site.engine.asked]
    assert masks == [True, False]


async def test_a_key_asks_its_models_alone(site: Site) -> None:
    draft = KeyDraft(name="bound", audience=Audience.CLIENT, models=("other",))
    site.secrets["bound"] = site.registry.keys.create(draft).secret
    site.ring.refresh()
    site.enforce()
    refused = await site.ask("bound")
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "model_not_found")
    assert (await site.ask("bound", model="other")).status_code == 200
    assert (await site.ask("all")).status_code == 200


async def test_a_key_that_asks_too_often_is_told_when_to_come_back(site: Site) -> None:
    draft = KeyDraft(name="slow", audience=Audience.CLIENT, requests_per_minute=1)
    site.secrets["slow"] = site.registry.keys.create(draft).secret
    site.ring.refresh()
    site.enforce()
    assert (await site.ask("slow")).status_code == 200
    refused = await site.ask("slow")
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["type"]) == (429, "rate_limit_exceeded", "rate_limit_error")
    assert 50 <= int(refused.headers["retry-after"]) <= 60
