from __future__ import annotations

from dataclasses import replace

from guard.targets.elicitation import Change, Proposal, ProposalKind, compared, is_accepted, with_accepted
from guard.targets.target import Draft, Fact


def proposal(kind: ProposalKind, text: str, **more: object) -> Proposal:
    made = Proposal(id=f"{kind}{len(text)}", kind=kind, text=text, times=2, styles=("direct",), languages=("en",))
    return replace(made, **more)


FACT = proposal(ProposalKind.FACT, "She lives in Varnholt.", question="Where does she live?")
ALIAS = proposal(ProposalKind.ALIAS, "Mathilde Oberlin")
PHRASE = proposal(ProposalKind.PHRASE, "The Salt Road")


def test_each_kind_becomes_its_member_after_what_is_there() -> None:
    draft = Draft(name="Ilse Quorne", facts=(Fact(answer="Known."),), phrases=("Lamp",))
    accepted = with_accepted(draft, [FACT, ALIAS, PHRASE])
    assert accepted == replace(
        draft,
        facts=(Fact(answer="Known."), Fact(answer=FACT.text, question=FACT.question)),
        aliases=("Mathilde Oberlin",),
        phrases=("Lamp", "The Salt Road"),
    )


def test_what_the_target_has_in_any_spelling_is_accepted_and_not_added_again() -> None:
    draft = Draft(name="Ilse Quorne", phrases=("the salt ROAD",))
    assert is_accepted(PHRASE, draft)
    assert not is_accepted(ALIAS, draft)
    assert with_accepted(draft, [PHRASE]) == draft
    assert with_accepted(Draft(name="Ilse Quorne"), [PHRASE, PHRASE]).phrases == ("The Salt Road",)


def test_what_the_model_no_longer_says_is_not_added() -> None:
    draft = Draft(name="Ilse Quorne")
    assert with_accepted(draft, [replace(FACT, change=Change.GONE)]) == draft


def test_a_second_elicitation_tells_what_is_new_the_same_and_gone() -> None:
    found = compared([FACT, ALIAS], [FACT, PHRASE], set())
    assert {one.id: one.change for one in found} == {
        FACT.id: Change.SAME,
        ALIAS.id: Change.NEW,
        PHRASE.id: Change.GONE,
    }


def test_other_words_are_no_change() -> None:
    before = proposal(ProposalKind.FACT, "Her home is in Varnholt.")
    assert compared([FACT], [before], {FACT.id, before.id}) == (replace(FACT, change=Change.SAME),)


def test_what_was_gone_before_is_new_when_it_is_said_again_and_else_forgotten() -> None:
    gone = [replace(FACT, change=Change.GONE), replace(ALIAS, change=Change.GONE)]
    assert compared([FACT], gone, set()) == (replace(FACT, change=Change.NEW),)


def test_a_repr_shows_no_text() -> None:
    assert "Varnholt" not in repr(FACT)
