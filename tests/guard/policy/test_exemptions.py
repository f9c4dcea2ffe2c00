from __future__ import annotations

from collections.abc import Callable

import pytest

from guard.matching.scanner import Scanner
from guard.policy.plan import plan_for
from guard.policy.policy import Policy
from guard.targets.target import Draft, Fact, Kind, Scope

PolicyOf = Callable[..., Policy]
NINGS = Draft(name="Eve Ning", exceptions=("Evening Standard", "Eve Ning Prize"), scope=Scope.ALWAYS)


def says(policy: Policy, text: str) -> bool:
    automata = [policy.automata[digest] for digest in plan_for(policy, []).automata]
    scanner = Scanner(automata)
    released = scanner.feed(text) + scanner.finish()
    assert (released == text) != scanner.matched
    return released == text


@pytest.mark.parametrize(
    "text",
    [
        "never",
        "every evening",
        "I believe Steve",
        "the Evening Standard",
        "Eve Ning Prize",
        "Eve went; nine",
        "Evenings",
    ],
)
def test_text_in_which_a_short_name_is_no_name_may_be_said(policy_of: PolicyOf, text: str) -> None:
    assert says(policy_of(NINGS), text)


@pytest.mark.parametrize(
    "text", ["Eve Ning", "by EVE NING.", "Eve\u200b Ning, twice", "Eve Ning Priz", "E v e N i n g"]
)
def test_the_name_itself_may_not(policy_of: PolicyOf, text: str) -> None:
    assert not says(policy_of(NINGS), text)


def test_an_exception_holds_for_its_own_target(policy_of: PolicyOf) -> None:
    inn = Draft(
        name="inns", kind=Kind.TOPIC, phrases=("Salt Road",), exceptions=("The Salt Road Inn",), scope=Scope.ALWAYS
    )
    roads = Draft(name="roads", kind=Kind.TOPIC, phrases=("Salt Road",), scope=Scope.ALWAYS)
    assert says(policy_of(inn), "at the salt road inn")
    assert not says(policy_of(roads), "at the salt road inn")


def test_contextual_targets_have_their_exceptions_in_their_automata(policy_of: PolicyOf) -> None:
    policy = policy_of(Draft(name="Eve", exceptions=("Eve Online",)))
    (digest,) = policy.contextual.values()
    automaton = policy.automata[digest]
    assert not automaton.matches("Never play Eve Online on Christmas Eve Online")
    assert automaton.matches("I play with Eve online or offline; Eve plays")
    assert automaton.bordered is not None


@pytest.mark.parametrize(
    ("name", "exception", "allowed", "forbidden"),
    [
        ("Eve", "never", "It was never seven.", "Eve came."),
        ("Rose", "rose garden", "The rose garden is open.", "Rose came."),
        ("Salt Road", "The Salt Road Inn", "The Salt Road Inn is open.", "The salt road is long."),
        ("Orla Venn", "Orla Venn Bridge", "The Orla Venn Bridge was built.", "Orla Venn was here."),
        ("Quorne", "Quorne Valley", "In Quorne Valley it rains.", "Quorne left."),
        ("Art", "Art Nouveau", "It is Art Nouveau.", "Art sings."),
        ("Will Stone", "will stone walls", "They will stone walls.", "Will Stone came."),
        ("Hope", "I hope", "I hope so.", "Hope is here."),
        ("柳若荻", "柳若荻路", "他住在柳若荻路。", "柳若荻来了。"),
        ("편도겸", "편도겸비", "편도겸비가 있다.", "편도겸은 간다."),
    ],
)
def test_an_exception_heals_what_it_names_and_nothing_else(
    policy_of: PolicyOf, name: str, exception: str, allowed: str, forbidden: str
) -> None:
    policy = policy_of(Draft(name=name, exceptions=(exception,), scope=Scope.ALWAYS))
    assert says(policy, allowed)
    assert not says(policy, forbidden)


@pytest.mark.parametrize(
    ("name", "inside", "own"),
    [
        ("มา", "คนเมา", "มา"),
        ("ดาว", "แดาว", "เขา ดาว"),
        ("ລາ", "ເລາ", "ລາ"),
        ("រស", "ក្រស", "លោក រស"),
        ("မာ", "တမ္မာ", "မာ"),
    ],
)
def test_a_short_name_of_a_script_without_spaces_begins_where_a_syllable_does(
    policy_of: PolicyOf, name: str, inside: str, own: str
) -> None:
    policy = policy_of(Draft(name=name, scope=Scope.ALWAYS), Draft(name="Orla Venn", scope=Scope.ALWAYS))
    assert says(policy, inside)
    assert not says(policy, own)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("on 21 May 1961", True),
        ("on 11 May 1961 it rained", True),
        ("the 21st of May, 1961", True),
        ("on the 31st May 1961.", True),
        ("am 11. Mai 1961", True),
        ("on 1 May 1961", False),
        ("on 01 May 1961", False),
        ("the 1st of May, 1961", False),
        ("on 2 1 Mai 19 61", True),
        ("May 1, 1961", False),
        ("on 21 May 1961 or 1 May 1961", False),
    ],
)
@pytest.mark.parametrize("scope", [Scope.ALWAYS, Scope.CONTEXTUAL])
def test_a_day_of_one_digit_is_not_the_end_of_another_day(
    policy_of: PolicyOf, scope: Scope, text: str, said: bool
) -> None:
    policy = policy_of(
        Draft(name="Ilsabet Quorne", facts=(Fact(answer="She was born on 1 May 1961."),), scope=scope)
    )
    digests = policy.always.digests or tuple(policy.contextual.values())
    automata = [policy.automata[digest] for digest in digests]
    scanner = Scanner(automata)
    assert (scanner.feed(text) + scanner.finish() == text) is said
    assert bool(automata[0].matches(text)) is not said


def test_another_target_may_forbid_the_day_that_ends_so(policy_of: PolicyOf) -> None:
    born = ("Ilsabet Quorne was born on 1 May 1961.", "Orla Tinderby was born on 21 May 1961.")
    drafts = [Draft(name=text[:12], facts=(Fact(answer=text),), scope=Scope.ALWAYS) for text in born]
    policy = policy_of(*drafts)
    assert not says(policy, "on 21 May 1961")
    assert not says(policy, "on 1 May 1961")
    assert says(policy, "on 11 May 1961")


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        ("มา", "เขาทำงานมากเกินไป", "คุณมาบอก"),
        ("ฟ้า", "ไฟฟ้าดับ", "น้องฟ้าอยู่บ้าน"),
        ("马可", "马可波罗来过中国", "我和马可吃饭"),
        ("ルミ", "アルミホイルを買う", "ルミは犬だ"),
        ("東海", "東海道新幹線に乗る", "東海さんに会った"),
    ],
)
def test_a_short_name_is_not_said_in_a_longer_word(
    policy_of: PolicyOf, name: str, allowed: str, refused: str
) -> None:
    policy = policy_of(Draft(name=name, scope=Scope.ALWAYS))
    assert says(policy, allowed)
    assert not says(policy, refused)


def test_a_name_of_two_words_is_found_inside_a_word_that_joins_them(policy_of: PolicyOf) -> None:
    policy = policy_of(Draft(name="Ines Tate", scope=Scope.ALWAYS))
    assert says(policy, "wines taste; the machines tate")
    assert not says(policy, "see @theinestate99")
