from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("vllm", reason="the engine is not installed")

from vllm import SamplingParams
from vllm.v1.sample.logits_processor import BatchUpdate, MoveDirectionality

from guard.decoding.restriction import Restriction
from guard.decoding.vocabulary import Vocabulary
from guard.errors import PolicyUnavailable
from guard.matching.automaton import Automaton
from guard.matching.live_automata import FILE_NAME, publish
from guard.vllm_v1 import RestrictionProcessor, base
from tests.guard.toy_tokenizers import TURN, byte_level

TOKENIZER = byte_level()
VOCABULARY = Vocabulary.from_tokenizer(TOKENIZER)
WIDTH = len(VOCABULARY) + 3
(EOS,) = VOCABULARY.eos
BASIL = Automaton.compile(["Basil Romerto", "sil"])
ROMERTO = Automaton.compile(["Romerto", "er", "日本"])
AUTOMATA = {automaton.digest: Restriction(automaton, VOCABULARY) for automaton in (BASIL, ROMERTO)}
NEVER = float("-inf")


@pytest.fixture(scope="module")
def processors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[type[RestrictionProcessor]]:
    """Makes processors over the toy tokenizer and a folder with both automata."""
    folder = tmp_path_factory.mktemp("policy")
    for restriction in AUTOMATA.values():
        restriction.automaton.save(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LETHE_POLICY_DIR", str(folder))
        patch.setattr(base, "cached_tokenizer_from_config", lambda config: TOKENIZER)
        yield RestrictionProcessor


@pytest.fixture
def processor(processors: type[RestrictionProcessor]) -> RestrictionProcessor:
    return made(processors)


@pytest.fixture
def folder(processors: type[RestrictionProcessor]) -> Iterator[Path]:
    folder = Path(os.environ["LETHE_POLICY_DIR"])
    yield folder
    (folder / FILE_NAME).unlink()


def made(processors: type[RestrictionProcessor]) -> RestrictionProcessor:
    return processors(SimpleNamespace(model_config=None), torch.device("cpu"), False)


def asking(automata: object = "", policy: object = "7") -> SamplingParams:
    return SamplingParams(extra_args={"lethe_policy": policy, "lethe_automata": automata})


def update(batch_size: int = 8, removed=(), added=(), moved=()) -> BatchUpdate:
    return BatchUpdate(batch_size, list(removed), list(added), list(moved))


def masked(processor: RestrictionProcessor, rows: int) -> list[set[int]]:
    logits = torch.ones(rows, WIDTH)
    assert processor.apply(logits) is logits
    return [set(row.isneginf().nonzero().flatten().tolist()) for row in logits]


CLOSED = set(range(WIDTH)) - {EOS}


def forbidden(digests: list[str], prompt: list[int], output: list[int]) -> set[int]:
    """What a request alone in the world may not say next."""
    forbidden = [AUTOMATA[d].forbidden(AUTOMATA[d].advance(AUTOMATA[d].seed(prompt), output)) for d in digests]
    past = {len(VOCABULARY), len(VOCABULARY) + 1, len(VOCABULARY) + 2} if digests else set()
    return past.union(*(tokens.tolist() for tokens in forbidden))


ARGUMENTS = {
    "free": ({"lethe_policy": "7", "lethe_automata": ""}, []),
    "basil": ({"lethe_policy": "7", "lethe_automata": BASIL.digest}, [BASIL.digest]),
    "both": (
        {"lethe_policy": "7", "lethe_automata": f"{BASIL.digest},{ROMERTO.digest}"},
        [BASIL.digest, ROMERTO.digest],
    ),
    "closed": ({"lethe_policy": "7", "lethe_automata": "closed"}, None),
    "unknown": ({"lethe_policy": "7", "lethe_automata": "0" * 64}, None),
    "no arguments": (None, None),
}


@dataclass(eq=False)
class Request:
    kind: str
    prompt: list[int]
    output: list[int] = field(default_factory=list)
    lost: bool = False

    def added(self, index: int) -> tuple[int, SamplingParams, list[int], list[int]]:
        return index, SamplingParams(extra_args=ARGUMENTS[self.kind][0]), self.prompt, self.output

    def expected(self) -> set[int]:
        digests = ARGUMENTS[self.kind][1]
        self.lost |= bool(digests) and -1 in self.output
        return CLOSED if digests is None or self.lost else forbidden(digests, self.prompt, self.output)


pieces = st.sampled_from(["ba", "Ba", "si", "s", "il", " Ro", "mer", "t", "e", "日", " ", "x"]).map(
    lambda text: TOKENIZER.encode(text, add_special_tokens=False)
)
texts = st.lists(st.one_of(pieces, pieces, st.just([EOS])), max_size=5).map(lambda parts: list(chain(*parts)))
requests = st.builds(Request, st.sampled_from(list(ARGUMENTS)), texts)


def condense(rows: list[Request | None], removed: list[int]) -> list[tuple[int, int, MoveDirectionality]]:
    """Fill holes from the end, as the engine does; a filled hole no longer counts as removed."""
    moved = []
    while None in rows:
        hole = rows.index(None)
        last = rows.pop()
        if last is not None and hole < len(rows):
            rows[hole] = last
            removed.remove(hole)
            moved.append((len(rows), hole, MoveDirectionality.UNIDIRECTIONAL))
    return moved


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_in_any_batch_a_row_is_masked_as_if_alone(
    processors: type[RestrictionProcessor], data: st.DataObject
) -> None:
    processor, rows = made(processors), list[Request | None]()
    for _ in range(data.draw(st.integers(1, 6), "steps")):
        finished = sorted(data.draw(st.sets(st.integers(0, len(rows) - 1)), "finished")) if rows else []
        # Some of the finished are preempted instead, and come back with what they have said.
        waiting = [rows[i] for i in finished if data.draw(st.booleans(), "preempted")]
        arriving = waiting + data.draw(st.lists(requests, max_size=3), "arriving")
        removed, added = list(finished), []
        for i in finished:
            rows[i] = None
        for request in arriving:
            index = removed.pop(0) if removed else len(rows)
            rows[index : index + 1] = [request]
            # Whatever the engine lost sight of in the meantime it has again when it comes back.
            request.lost = False
            added.append(request.added(index))
        moved = condense(rows, removed)
        for a, b in data.draw(st.lists(st.tuples(*[st.integers(0, 7)] * 2), max_size=2), "swapped"):
            if a != b and max(a, b) < len(rows):
                rows[a], rows[b] = rows[b], rows[a]
                moved.append((a, b, MoveDirectionality.SWAP))
        changed = removed or added or moved
        processor.update_state(update(len(rows), removed, added, moved) if changed else None)
        for request in rows:
            request.output += data.draw(st.one_of(st.just([]), pieces, pieces, pieces, st.just([-1])), "said")
        assert masked(processor, len(rows)) == [request.expected() for request in rows]


def test_a_batch_without_restrictions_is_left_alone(processor: RestrictionProcessor) -> None:
    processor.update_state(update(added=[(0, asking(), [1], [])]))
    logits = torch.full((1, WIDTH), NEVER)
    assert processor.apply(logits).isneginf().all()


def test_a_row_is_read_when_it_is_masked_not_when_the_batch_is_updated(processor: RestrictionProcessor) -> None:
    output = [-1]
    processor.update_state(update(added=[(0, asking(BASIL.digest), [], output)]))
    output[:] = TOKENIZER.encode("ba s", add_special_tokens=False)
    assert masked(processor, 1) == [forbidden([BASIL.digest], [], output)]


def test_a_request_without_arguments_does_not_inherit_its_row(processor: RestrictionProcessor) -> None:
    processor.update_state(update(added=[(0, asking(BASIL.digest), [], [])]))
    processor.update_state(update(added=[(0, asking(), [], [])]))
    assert masked(processor, 1) == [set()]
    processor.update_state(update(added=[(0, SamplingParams(), [], [])]))
    assert masked(processor, 1) == [CLOSED]


def test_a_prompt_of_embeddings_closes_a_restricted_row(processor: RestrictionProcessor) -> None:
    added = [(0, asking(BASIL.digest), None, []), (1, asking(), None, [])]
    processor.update_state(update(added=added))
    assert masked(processor, 2) == [CLOSED, set()]


def test_when_a_grammar_leaves_only_what_is_forbidden_the_row_ends(processor: RestrictionProcessor) -> None:
    begun = TOKENIZER.encode("ba si", add_special_tokens=False)
    processor.update_state(update(added=[(0, asking(BASIL.digest), begun, [])]))
    logits = torch.full((1, WIDTH), NEVER)
    logits[0, TOKENIZER.convert_tokens_to_ids("l")] = 1.0
    assert processor.apply(logits)[0].isfinite().nonzero().flatten().tolist() == [EOS]


def test_an_update_that_cannot_be_followed_closes_every_row(
    processor: RestrictionProcessor, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "guard"):
        processor.update_state(update(added=[(0, asking(), [], []), "no request"]))
        assert masked(processor, 2) == [CLOSED, CLOSED]
        processor.update_state(update(added=[(0, asking(), [], [])]))
        assert masked(processor, 2) == [CLOSED, CLOSED]
    assert caplog.messages == ["closed all rows: ValueError"]


def test_logits_that_cannot_be_masked_are_closed(processor: RestrictionProcessor) -> None:
    processor.update_state(update(added=[(5, asking(BASIL.digest), [], [])]))
    assert masked(processor, 2) == [CLOSED, CLOSED]


def test_greedy_sampling_is_not_exempt(processor: RestrictionProcessor) -> None:
    assert not processor.is_argmax_invariant()


@pytest.mark.parametrize("params", [asking(), asking("closed"), asking(BASIL.digest)])
def test_well_formed_arguments_are_accepted(params: SamplingParams) -> None:
    RestrictionProcessor.validate_params(params)


@pytest.mark.parametrize("params", [SamplingParams(), asking(policy=7), asking(None), asking("sil")])
def test_a_request_without_well_formed_arguments_is_refused(params: SamplingParams) -> None:
    with pytest.raises(ValueError, match="must be"):
        RestrictionProcessor.validate_params(params)


def test_without_a_folder_of_automata_the_engine_does_not_start(
    processors: type[RestrictionProcessor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LETHE_POLICY_DIR")
    with pytest.raises(PolicyUnavailable):
        made(processors)


def test_a_phrase_added_later_is_forbidden_in_answers_that_are_already_running(
    processor: RestrictionProcessor, folder: Path
) -> None:
    begun = TOKENIZER.encode("ba si", add_special_tokens=False)
    processor.update_state(update(added=[(0, asking(), [], begun)]))
    assert masked(processor, 1) == [set()]
    publish(folder, [BASIL.digest])
    assert masked(processor, 1) == [forbidden([BASIL.digest], [], begun)]
    publish(folder, [])
    assert masked(processor, 1) == [set()]


def test_an_automaton_that_is_no_longer_published_holds_for_a_running_row_that_named_it(
    processor: RestrictionProcessor, folder: Path
) -> None:
    begun = TOKENIZER.encode("ba si", add_special_tokens=False)
    publish(folder, [BASIL.digest])
    processor.update_state(update(added=[(0, asking(BASIL.digest), [], begun), (1, asking(), [], begun)]))
    expected = forbidden([BASIL.digest], [], begun)
    assert masked(processor, 2) == [expected, expected]
    publish(folder, [ROMERTO.digest])
    assert masked(processor, 2)[0] >= expected
    assert masked(processor, 2)[1] == forbidden([ROMERTO.digest], [], begun)
    publish(folder, [BASIL.digest])
    assert masked(processor, 2) == [expected, expected]


def test_a_phrase_added_later_reaches_the_running_answers_of_its_policy_set(
    processor: RestrictionProcessor, folder: Path
) -> None:
    begun = TOKENIZER.encode("ba si", add_special_tokens=False)
    of_set = {"lethe_policy": "7", "lethe_automata": "", "lethe_policy_set": "a" * 16}
    rows = [(0, SamplingParams(extra_args=of_set), [], begun), (1, asking(), [], begun)]
    processor.update_state(update(added=rows))
    expected = forbidden([BASIL.digest], [], begun)
    publish(folder, [BASIL.digest], {"a" * 16: []})
    assert masked(processor, 2) == [set(), expected]
    publish(folder, [BASIL.digest], {"a" * 16: [BASIL.digest]})
    assert masked(processor, 2) == [expected, expected]


def test_while_the_live_list_cannot_be_attached_every_row_is_closed(
    processor: RestrictionProcessor, folder: Path
) -> None:
    processor.update_state(update(added=[(0, asking(), [], [])]))
    publish(folder, ["0" * 64])
    assert masked(processor, 1) == [CLOSED]
    assert masked(processor, 1) == [CLOSED]
    publish(folder, [BASIL.digest])
    assert masked(processor, 1) == [forbidden([BASIL.digest], [], [])]


def test_a_row_aborts_where_it_would_complete_a_phrase(processor: RestrictionProcessor) -> None:
    terms = {"lethe_policy": "7", "lethe_automata": ROMERTO.digest, "lethe_rewind": 1, "lethe_avoided": "4"}
    output: list[int] = []
    processor.update_state(update(added=[(0, SamplingParams(extra_args=terms), [], output)]))
    assert {1, 4} <= masked(processor, 1)[0]
    output += TOKENIZER.encode(" Romert", add_special_tokens=False)
    (o,) = TOKENIZER.encode("o", add_special_tokens=False)
    logits = torch.zeros(1, WIDTH)
    logits[0, 4] = 1.0
    assert not processor.apply(logits.clone())[0, 4].isneginf()
    logits[0, o] = 20.0
    assert processor.apply(logits).isneginf().nonzero().tolist() == [[0, id] for id in range(WIDTH) if id != 1]


def test_where_special_tokens_are_printed_their_text_counts(processor: RestrictionProcessor) -> None:
    automaton = Automaton.compile(["user basil"])
    automaton.save(Path(os.environ["LETHE_POLICY_DIR"]))
    terms = {"lethe_policy": "7", "lethe_automata": automaton.digest}
    turn = TOKENIZER.convert_tokens_to_ids(TURN)
    added = [
        (row, SamplingParams(extra_args=terms, skip_special_tokens=skip), [], [turn])
        for row, skip in enumerate((True, False))
    ]
    processor.update_state(update(added=added))
    (basil,) = TOKENIZER.encode(" basil", add_special_tokens=False)
    hidden, printed = masked(processor, 2)
    assert basil in printed
    assert basil not in hidden


def test_an_unrestricted_request_is_reached_by_nothing_not_even_what_is_published_later(
    processor: RestrictionProcessor, folder: Path
) -> None:
    publish(folder, [BASIL.digest])
    prompt = TOKENIZER.encode("Basil ")
    rows = [(0, asking("unrestricted"), prompt, []), (1, asking(""), prompt, [])]
    processor.update_state(update(added=rows))
    free, restricted = masked(processor, 2)
    assert free == set()
    assert restricted
    publish(folder, [BASIL.digest, ROMERTO.digest])
    assert masked(processor, 2)[0] == set()


def test_a_request_does_not_inherit_that_its_row_was_unrestricted(
    processor: RestrictionProcessor, folder: Path
) -> None:
    publish(folder, [BASIL.digest])
    for automata in ("unrestricted", ""):
        processor.update_state(update(added=[(0, asking(automata), TOKENIZER.encode("Basil "), [])]))
        assert bool(masked(processor, 1)[0]) is (automata == "")
