"""The OpenAPI description states what the plane does, and lets no name through that would be refused."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from guard.text.normalise import fold
from serving.admin.patterns import LETTERS, TWO_LETTERS
from serving.admin.requests import TargetIn
from tests.serving.admin.conftest import TARGETS

pytestmark = pytest.mark.anyio


async def test_the_description_states_what_the_plane_does(client: httpx.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()
    operations = {
        (method, path): operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }
    for (_, path), operation in operations.items():
        assert operation["description"]
        if path not in ("/livez", "/readyz"):
            assert "401" in operation["responses"]
            assert operation.get("security", described["security"]) == [{"admin_key": []}]
        for status, response in operation["responses"].items():
            usual = ["text/plain", "application/openmetrics-text"] if path == "/metrics" else ["application/json"]
            kinds = ["application/problem+json"] if int(status) >= 400 else usual
            assert list(response.get("content", kinds)) == kinds
    assert described["components"]["schemas"]["TargetIn"]["additionalProperties"] is False
    assert "HTTPValidationError" not in described["components"]["schemas"]
    if_match = {p["name"]: p["required"] for p in operations["patch", TARGETS + "/{target_id}"]["parameters"]}
    assert if_match["if-match"] is True


async def test_bounds_of_numbers_are_said_in_the_words_of_json_schema(client: httpx.AsyncClient) -> None:
    """A validator before them makes pydantic write its own: `ge`, which means nothing to a client."""

    def members(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            yield from (name for name in node if "type" in node)
            node = list(node.values())
        for each in node if isinstance(node, list) else ():
            yield from members(each)

    described = (await client.get("/openapi.json")).json()
    assert {"ge", "gt", "le", "lt"}.isdisjoint(members(described["components"]["schemas"]))
    assert {"minimum", "exclusiveMaximum"} <= set(members(described["components"]["schemas"]))


def test_every_letter_the_schema_asks_for_is_one_that_matching_keeps() -> None:
    runs = re.findall(r"(.)-(.)", LETTERS[1:-1])
    letters = {chr(point) for first, last in runs for point in range(ord(first), ord(last) + 1)}
    assert all(map(fold, letters | set(LETTERS[1:-1].replace("-", ""))))
    # The longer its pattern, the longer takes whoever compiles it or draws examples of it.
    assert len(runs) < 140
    assert len(letters) > 80_000


@given(st.text(max_size=8))
def test_what_the_schema_lets_through_the_registry_does_not_refuse(text: str) -> None:
    if re.search(TWO_LETTERS, text):
        assert len(fold(text)) >= 2


# Invented or common given names, one or more of each script whose letters lie in short runs of code points.
NAMES = """ரஜினி মমতা শামসুর હેમંત ಶಿವಣ್ಣ ଜଗନ୍ନାଥ ਗੁਰਮੀਤ සිරිසේන علي ګل ایران ใจดี ไอ ຫຼ້າ ຄຳ အောင် សុខា ఉష ഉഷ राम
    דוד Ωρίων Օհան გია ሰላም ᎠᏓ ᓄᓇ 𠮷野 塚﨑 ＡＢ ﷲﷲ ꓐꓰ ꦱꦶꦠꦶ ᠪᠠ བསོད ޢަލީ ⵉⴷⵉⵔ 𞤀𞤣 유나 ハナ 张伟 ﾊﾅ ปู စု ម៉ៅ ਗੁਰੂ மா 𝐀𝐝𝐚 Ⅻ१२"""


@pytest.mark.parametrize("name", NAMES.split())
async def test_a_name_of_any_script_is_stored(client: httpx.AsyncClient, name: str) -> None:
    response = await client.post(TARGETS, json={"name": name, "aliases": [name], "phrases": [name]})
    assert response.status_code == 201, response.text


@given(st.text(st.characters(categories=["L", "Nd"]), min_size=2, max_size=2))
def test_two_letters_that_matching_keeps_are_let_through(text: str) -> None:
    if all(map(fold, text)):
        assert TargetIn(name=text).name == text


@pytest.mark.parametrize("name", ["吴", "김", "あ", "न", "A", "--", "a\u0301"])
def test_one_letter_is_no_name_as_it_would_forbid_a_part_of_ordinary_words(name: str) -> None:
    with pytest.raises(ValidationError):
        TargetIn(name=name)


@pytest.mark.parametrize(
    ("kind", "supplied", "status"),
    [("secret", "allow", 422), ("secret", "restrict", 201), ("secret", None, 201), ("person", "allow", 201)],
)
async def test_the_description_knows_that_a_secret_is_never_supplied(
    client: httpx.AsyncClient, kind: str, supplied: str | None, status: int
) -> None:
    body = {"name": "blue-heron-41-tarn", "kind": kind, "supplied": supplied}
    described = (await client.get("/openapi.json")).json()
    schema = described["components"]["schemas"]["TargetIn"] | {"components": described["components"]}
    assert Draft202012Validator(schema).is_valid(body) is (status == 201)
    assert (await client.post(TARGETS, json=body)).status_code == status
