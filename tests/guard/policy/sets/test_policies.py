"""The policy of a policy set is the one that its targets alone would have made."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guard.detection.detector import Detector
from guard.matching.live_automata import Live, LiveAutomata
from guard.patterns.pattern import Pattern, PatternKind
from guard.policy import layers
from guard.policy.compiler import Compiler
from guard.policy.conversation_plan import plan_conversation, targets_said
from guard.policy.policy import Policy
from guard.registry.drafts import new_target
from guard.registry.registry import Registry
from guard.targets.policy_set import ALL, PolicySet, holds_for, set_id
from guard.targets.target import Draft, Kind, Mode, Scope
from guard.text.conversation import Message
from tests.guard.conftest import WordEmbedder

EU, STAFF = frozenset({"eu"}), frozenset({"staff"})
BOTH = EU | STAFF
NOW = datetime(2026, 1, 1, tzinfo=UTC)
VENN = Draft(name="Orla Venn", phrases=("Tarn Hollow",), tags=("eu",))
DROSS = Draft(name="Pell Dross", phrases=("Mirrow Gate",), tags=("staff",))
QUILL = Draft(name="Ada Quill", phrases=("Glass Orchard",))
CODES = {
    tag: Draft(name=f"{tag} code", kind=Kind.SECRET, phrases=(f"zx-44{n}1-q",), scope=Scope.ALWAYS, tags=(tag,))
    for n, tag in enumerate(("eu", "staff"))
}


@pytest.fixture
def wanted() -> set[PolicySet]:
    return {EU, STAFF}


@pytest.fixture
def of_sets(registry: Registry, embedder: WordEmbedder, tmp_path: Path, wanted: set[PolicySet]) -> Compiler:
    (tmp_path / "sets").mkdir()
    return Compiler(registry, embedder, tmp_path / "sets", policy_sets=lambda: frozenset(wanted))


def always(policy: Policy, text: str) -> bool:
    return any(policy.automata[digest].matches(text) for digest in policy.always.digests)


def touched(policy: Policy, embedder: WordEmbedder, text: str) -> set[str]:
    plan = plan_conversation(policy, Detector(embedder), [Message("user", text)])
    return {policy.targets[match.target_id].draft.name for match in plan.matches}


@pytest.mark.parametrize(
    ("own", "tags", "holds"),
    [
        ((), ALL, True),
        ((), EU, True),
        (("eu",), ALL, True),
        (("eu",), EU, True),
        (("eu", "us"), EU, True),
        (("us",), EU, False),
        (("us",), BOTH, False),
        (("staff",), BOTH, True),
        (("EU",), EU, False),
    ],
)
def test_a_target_holds_for_who_has_one_of_its_tags_or_no_policy_set(
    own: tuple[str, ...], tags: PolicySet, holds: bool
) -> None:
    assert holds_for(new_target(Draft(name="Ada Quill", tags=own)), tags) is holds


def test_the_name_of_a_policy_set_depends_on_its_tags_alone() -> None:
    assert set_id(ALL) == ""
    assert set_id(frozenset({"a", "b"})) == set_id(frozenset({"b", "a"})) != set_id(frozenset({"ab"}))
    assert len(set_id(EU)) == 16


def test_each_policy_set_detects_and_watches_its_own_targets(
    registry: Registry, of_sets: Compiler, embedder: WordEmbedder
) -> None:
    registry.add_many([VENN, DROSS, QUILL])
    whole = of_sets.compile()
    names = {"Orla Venn": EU, "Pell Dross": STAFF}
    for tags in (EU, STAFF):
        policy = of_sets.policy_sets.of(whole, tags)
        assert {target.draft.name for target in policy.targets.values()} == {
            "Ada Quill",
            *(name for name, own in names.items() if own == tags),
        }
        for name, own in names.items():
            assert touched(policy, embedder, f"Who is {name}?") == ({name} if own == tags else set())
            said = targets_said(policy, Mode.ENFORCE, [name], ())
            assert bool(said) is (own == tags)
        assert touched(policy, embedder, "Who is Ada Quill?") == {"Ada Quill"}
    assert touched(whole, embedder, "Who are Orla Venn and Pell Dross?") == set(names)


@pytest.mark.parametrize("scope", Scope)
def test_what_is_forbidden_in_every_answer_is_so_for_its_own_policy_set(
    registry: Registry, of_sets: Compiler, scope: Scope
) -> None:
    registry.add_many([replace(draft, scope=scope) for draft in CODES.values()])
    whole = of_sets.compile()
    for tags in (EU, STAFF):
        policy = of_sets.policy_sets.of(whole, tags)
        forbidden = [always(policy, f"It is zx44{n}1q.") for n in (0, 1)]
        assert forbidden == ([tags == EU, tags == STAFF] if scope is Scope.ALWAYS else [False, False])


def test_classes_of_values_are_those_of_the_policy_set(registry: Registry, of_sets: Compiler) -> None:
    iban = Pattern(kind=PatternKind.IBAN, value="*")
    registry.add(Draft(name="accounts", scope=Scope.ALWAYS, patterns=(iban,), tags=("eu",)))
    whole = of_sets.compile()
    assert of_sets.policy_sets.of(whole, EU).classes(()) == whole.classes(()) != ()
    assert of_sets.policy_sets.of(whole, STAFF).classes(()) == ()


def test_running_answers_get_the_live_list_of_their_policy_set(
    registry: Registry, of_sets: Compiler, tmp_path: Path
) -> None:
    live = LiveAutomata(tmp_path / "sets")
    before = of_sets.refresh(None, NOW)
    registry.add(CODES["eu"])
    whole = of_sets.refresh(before, NOW)
    found = live.poll()
    assert found == Live(whole.always.digests, {set_id(EU): whole.always.digests, set_id(STAFF): ()})


def test_a_policy_set_that_is_wanted_later_is_published_at_the_next_look(
    registry: Registry, of_sets: Compiler, tmp_path: Path, wanted: set[PolicySet]
) -> None:
    wanted.clear()
    registry.add(CODES["eu"])
    whole = of_sets.refresh(None, NOW)
    live = LiveAutomata(tmp_path / "sets")
    assert live.poll() == Live(whole.always.digests)
    wanted.add(STAFF)
    assert of_sets.refresh(whole, NOW) is whole
    assert live.poll() == Live(whole.always.digests, {set_id(STAFF): ()})
    wanted.clear()
    of_sets.refresh(whole, NOW)
    assert live.poll() == Live(whole.always.digests)


def test_a_change_of_other_targets_compiles_nothing_though_most_of_the_whole_is_hidden(
    registry: Registry, of_sets: Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "MAX_RECENT_PHRASES", 1)
    registry.add_many([DROSS, QUILL, VENN, *CODES.values()])
    whole = of_sets.compile()
    before = of_sets.policy_sets.of(whole, EU)
    assert before.watch.is_worn
    registry.add(Draft(name="Tova Brindle", phrases=("Salt Stair",), tags=("staff",)))
    after = of_sets.policy_sets.of(of_sets.refresh(whole, NOW), EU)
    assert (after.watch, after.always) == (before.watch, before.always)
    assert after.watch is before.watch
    assert after.always is before.always


def test_one_that_nobody_wants_is_made_when_it_is_asked_for_and_kept(
    registry: Registry, of_sets: Compiler, wanted: set[PolicySet]
) -> None:
    wanted.clear()
    registry.add_many([VENN, DROSS])
    whole = of_sets.compile()
    policy = of_sets.policy_sets.of(whole, EU)
    assert [target.draft.name for target in policy.targets.values()] == ["Orla Venn"]
    assert of_sets.policy_sets.of(whole, EU) is policy


def test_a_request_under_an_earlier_policy_takes_nothing_from_those_after_it(
    registry: Registry, of_sets: Compiler
) -> None:
    registry.add(VENN)
    before = of_sets.compile()
    registry.add(replace(QUILL, tags=("eu",)))
    after = of_sets.compile(before)
    kept = of_sets.policy_sets.of(after, EU)
    assert len(of_sets.policy_sets.of(before, EU).targets) == 1
    assert of_sets.policy_sets.of(after, EU) is kept


def test_files_of_policy_sets_are_not_swept(
    registry: Registry, of_sets: Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.add_many(list(CODES.values()))
    whole = of_sets.compile()
    of_sets._sweep._remove(of_sets._needed(whole), float("inf"))
    for tags in (EU, STAFF):
        policy = of_sets.policy_sets.of(whole, tags)
        of_sets.policy_sets._store.unmap(policy.always.digests)
        assert always(policy, "zx-4401-q") is (tags == EU)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "change", "revoke", "embed"]),
        st.integers(0, 5),
        st.sampled_from([(), ("eu",), ("staff",), ("eu", "staff"), ("us",)]),
        st.sampled_from([*Scope]),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_changes_a_policy_set_has_what_its_targets_alone_would_make(
    steps: list[tuple[str, int, tuple[str, ...], Scope]],
    tmp_path_factory: pytest.TempPathFactory,
    embedder: WordEmbedder,
) -> None:
    folder = tmp_path_factory.mktemp("sets")
    with closing(Registry(folder / "all.db")) as registry:
        compiler = Compiler(registry, embedder, _made(folder / "all"), policy_sets=lambda: [EU, STAFF, BOTH])
        whole = compiler.refresh(None, NOW)
        for action, number, tags, scope in steps:
            _apply(registry, action, f"Orla Venn{number}", tags, scope)
            whole = compiler.refresh(whole, NOW)
        for name, tags in (("eu", EU), ("staff", STAFF), ("both", BOTH)):
            policy = compiler.policy_sets.of(whole, tags)
            alone = _alone(registry, tags, folder / name, embedder)
            texts = [text for n in range(6) for text in (f"zx-44{n}1-q", f"Orla Venn{n}")]
            for text in texts:
                assert always(policy, text) is always(alone, text)
                assert len(targets_said(policy, Mode.ENFORCE, [text], ())) == len(
                    targets_said(alone, Mode.ENFORCE, [text], ())
                )
            assert len(policy.targets) == len(alone.targets)
            assert len(policy.near.phrases) == len(alone.near.phrases)


def _apply(registry: Registry, action: str, name: str, tags: tuple[str, ...], scope: Scope) -> None:
    draft = Draft(name=name, phrases=(f"zx-44{name[-1]}1-q",), scope=scope, tags=tags)
    known = next((target for target in registry.active() if target.draft.name == name), None)
    if action == "revoke" and known:
        registry.revoke(known.id)
    elif action == "change" and known:
        registry.change(known.id, draft, known.revision)
    elif action == "add" and not known:
        registry.add(draft)


def _alone(registry: Registry, tags: PolicySet, folder: Path, embedder: WordEmbedder) -> Policy:
    with closing(Registry(_made(folder) / "alone.db")) as other:
        other.add_many([target.draft for target in registry.active() if holds_for(target, tags)])
        return Compiler(other, embedder, folder).compile()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
