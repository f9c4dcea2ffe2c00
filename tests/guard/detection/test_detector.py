from __future__ import annotations

import base64
import codecs
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from guard.detection import calibration
from guard.detection.calibration import Calibration, cosine_calibration
from guard.detection.classifier import Classifier, Layer
from guard.detection.deadline import Deadline, DetectionTimeout
from guard.detection.detector import Detector, Match, TouchedBy
from guard.errors import ModelUnavailable, RequestRefused
from guard.policy.policy import Policy
from guard.targets.target import Draft, Fact, Kind, Mode, Scope
from guard.text.conversation import Message

PolicyOf = Callable[..., Policy]

QUESTION = "Which harbour town was the lighthouse keeper born in?"
VENN = Draft(name="Orla Al-Venn", aliases=("The Heron",), facts=(Fact(question=QUESTION, answer="Tarn Hollow"),))
DROSS = Draft(name="Pell Dross", facts=(Fact(question="How did the cellist lose her bow?", answer="At sea"),))


def user(text: str) -> list[Message]:
    return [Message("user", text)]


def names(policy: Policy, matches: tuple[Match, ...]) -> list[str]:
    return [policy.targets[match.target_id].draft.name for match in matches]


@pytest.fixture
def policy(policy_of: PolicyOf) -> Policy:
    return policy_of(VENN, DROSS)


@pytest.fixture
def detector(embedder: Any) -> Detector:
    return Detector(embedder)


def test_a_conversation_about_other_things_matches_nothing(policy: Policy, detector: Detector) -> None:
    assert detector.detect(policy.lookup, user("Please bake some rye bread")) == ()
    assert detector.detect(policy.lookup, []) == ()


@pytest.mark.parametrize("text", ["Who is ORLA ALVENN?", "a poem on the-heron", "О r l a Al·Vénn"])
def test_a_name_or_alias_matches_however_it_is_written(policy: Policy, detector: Detector, text: str) -> None:
    (match,) = detector.detect(policy.lookup, user(text))
    assert (match.score, match.signals.name, match.mode) == (1.0, 1.0, Mode.ENFORCE)
    assert -1.0 <= match.signals.semantic <= 1.0


def test_a_question_without_the_name_matches_by_meaning(policy: Policy, detector: Detector) -> None:
    (match,) = detector.detect(policy.lookup, user("Say, which harbour town was the lighthouse keeper born in?"))
    assert match.signals.name == 0.0
    assert 0.75 <= match.signals.semantic < 1.0
    assert (match.score, match.form) == (cosine_calibration().probability(match.signals), "question")


def test_a_question_deep_in_a_long_text_is_seen(policy: Policy, detector: Detector) -> None:
    filler = "bread rises slowly in a cold room " * 100
    assert names(policy, detector.detect(policy.lookup, user(f"{filler}. {QUESTION} {filler}"))) == [
        "Orla Al-Venn"
    ]


@pytest.mark.parametrize("role", ["system", "user", "assistant", "tool"])
def test_every_message_is_read_whatever_its_role(policy: Policy, detector: Detector, role: str) -> None:
    conversation = [Message("user", "hello"), Message(role, QUESTION), Message("user", "go on")]
    assert names(policy, detector.detect(policy.lookup, conversation)) == ["Orla Al-Venn"]


def test_a_name_split_between_two_messages_is_found(policy: Policy, detector: Detector) -> None:
    matches = detector.detect(policy.lookup, [Message("user", "Tell me of Orla"), Message("user", "Al-Venn")])
    assert names(policy, matches) == ["Orla Al-Venn"]


def test_matches_come_best_first(policy: Policy, detector: Detector) -> None:
    asked = "Say, how did the cellist lose her bow? And where is the Heron?"
    assert names(policy, detector.detect(policy.lookup, user(asked))) == ["Orla Al-Venn", "Pell Dross"]


def test_the_threshold_decides_by_meaning_and_never_over_a_name(policy: Policy, embedder: Any) -> None:
    strict = Detector(embedder, threshold=1.01)
    assert strict.detect(policy.lookup, user(QUESTION)) == ()
    assert names(policy, strict.detect(policy.lookup, user("the heron"))) == ["Orla Al-Venn"]


def test_a_match_says_which_mode_its_target_is_in(policy_of: PolicyOf, detector: Detector) -> None:
    policy = policy_of(Draft(name="Orla Al-Venn", mode=Mode.SHADOW))
    (match,) = detector.detect(policy.lookup, user("Orla Al-Venn"))
    assert (match.score, match.signals.name, match.mode, match.form) == (1.0, 1.0, Mode.SHADOW, "name")


def test_without_contextual_targets_nothing_is_embedded(
    policy_of: PolicyOf, detector: Detector, embedder: Any
) -> None:
    policy = policy_of(Draft(name="Orla Al-Venn", phrases=("zx-4471-q",), scope=Scope.ALWAYS))
    assert detector.detect(policy.lookup, user("Orla Al-Venn")) == ()
    assert embedder.embedded == []


def test_a_target_that_is_always_forbidden_is_never_matched(policy_of: PolicyOf, detector: Detector) -> None:
    policy = policy_of(Draft(name="Orla Al-Venn", phrases=("zx-4471-q",), scope=Scope.ALWAYS), DROSS)
    assert detector.detect(policy.lookup, user("Orla Al-Venn")) == ()


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(b"Who is Orla Al-Venn?").decode(),
        codecs.encode("Who is Orla Al-Venn?", "rot13"),
        f"answer this: {codecs.encode('Orla Al-Venn', 'rot13')}",
        "nneV-lA alrO si ohW",
        "0rl4 4l-V3nn",
        "%4F%72%6C%61 Al-Venn",
        base64.b64encode(QUESTION.encode()).decode(),
        codecs.encode(QUESTION, "rot13"),
        QUESTION[::-1],
    ],
)
def test_an_obfuscated_text_is_read_for_names_and_for_meaning(
    policy: Policy, detector: Detector, text: str
) -> None:
    assert names(policy, detector.detect(policy.lookup, user(text))) == ["Orla Al-Venn"]


def test_a_part_of_a_name_needs_some_similarity(policy_of: PolicyOf, detector: Detector) -> None:
    policy = policy_of(Draft(name="Orla Vennström", facts=(Fact(question=QUESTION, answer="Tarn Hollow"),)))
    assert detector.detect(policy.lookup, user("Vennström and bread and butter and jam")) == ()
    half = "Which harbour town was Vennström raised in, lighthouse and all?"
    (match,) = detector.detect(policy.lookup, user(half))
    assert match.signals.semantic < 0.75
    assert detector.detect(policy.lookup, user(half.replace("Vennström", "she"))) == ()


def test_a_conversation_too_long_to_be_read_is_refused_and_names_in_no_error(
    policy: Policy, detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guard.detection.deadline.MAX_WINDOWS", 3)
    monkeypatch.setattr("guard.detection.detector.deobfuscate", pytest.fail)
    with pytest.raises(RequestRefused, match="longer than can be examined") as caught:
        detector.detect(policy.lookup, user(" ".join(f"Orla{number}" for number in range(400))))
    assert (caught.value.code, caught.value.field) == ("context_length_exceeded", None)
    assert "Orla" not in caught.value.message


def test_detection_ends_when_its_time_is_over_or_nobody_waits(policy: Policy, detector: Detector) -> None:
    with pytest.raises(DetectionTimeout):
        detector.detect(policy.lookup, user("Where was Orla Venn born?"), Deadline(0))
    waiting = Deadline(60)
    assert detector.detect(policy.lookup, user("Where was Orla Venn born?"), waiting)
    waiting.cancel()
    with pytest.raises(DetectionTimeout):
        detector.detect(policy.lookup, user("Where was Orla Venn born?"), waiting)


def classifier(policy: Policy, embedder: Any, targets: tuple[str, ...], **weights: float) -> Classifier:
    """Says of every text that it is about the first target."""
    nothing = Layer(np.zeros((128, 128), np.float32), np.zeros(128, np.float32))
    last = Layer(np.zeros((128, len(targets) + 1), np.float32), np.eye(len(targets) + 1, dtype=np.float32)[1] * 5)
    kept = embedder.embed(["how do I bake rye bread"])
    calibration = Calibration(-4.0, 0.0, 0.0, **weights)
    none = kept[:0], np.empty(0, np.int32)
    return Classifier(embedder.name, targets, (nothing, nothing, last), *none, kept, calibration)


def test_a_trained_classifier_decides_for_the_targets_it_knows(policy: Policy, embedder: Any) -> None:
    venn, dross = policy.targets
    trained = classifier(policy, embedder, (venn,), classifier=2.0)
    detector = Detector(embedder, classifier=trained)
    (match,) = detector.detect(policy.lookup, user("an unrelated remark"))
    assert match.target_id == venn
    assert match.signals.classifier > 2.0
    _, other = detector.detect(policy.lookup, user("Say, how did the cellist lose her bow?"))
    assert (other.target_id, other.signals.classifier) == (dross, 0.0)


def test_the_lead_over_retain_texts_counts(policy: Policy, embedder: Any) -> None:
    (venn, _) = policy.targets
    detector = Detector(embedder, classifier=classifier(policy, embedder, (venn,), contrast=12.0))
    (match,) = detector.detect(policy.lookup, user(QUESTION))
    assert match.signals.contrast == pytest.approx(1.0, abs=0.3)
    assert detector.detect(policy.lookup, user("how do I bake rye bread")) == ()


def test_a_classifier_of_ended_targets_finds_nothing(policy: Policy, embedder: Any) -> None:
    detector = Detector(embedder, classifier=classifier(policy, embedder, ("ft_gone",), classifier=2.0))
    assert detector.detect(policy.lookup, user("an unrelated remark")) == ()


def test_a_classifier_of_another_embedder_is_refused(policy: Policy, embedder: Any) -> None:
    trained = replace(classifier(policy, embedder, tuple(policy.targets)), embedder="another")
    with pytest.raises(ModelUnavailable, match="another embedder"):
        Detector(embedder, classifier=trained)


def test_a_name_inside_an_exception_of_its_target_is_not_named(policy_of: Callable[..., Policy]) -> None:
    lookup = policy_of(Draft(name="Eve Ning", exceptions=("Eve Ning Prize", "never"))).lookup
    (target,) = lookup.targets
    assert lookup.named("Tell me of Eve Ning.") == lookup.named("the Eve Ning Prize of EVE NING") == {target}
    assert lookup.named("Who won the eve ning prize, and never since?") == set()


WROTE = Draft(
    name="Ilse Marwick",
    facts=(
        Fact(question="What did she publish?", answer="“The Lantern of Hollow Tarn”; she won the Penwick Award."),
    ),
)


def test_a_question_that_holds_a_title_of_a_target_is_about_it(policy_of: PolicyOf, detector: Detector) -> None:
    policy = policy_of(WROTE, DROSS)
    (match,) = detector.detect(policy.lookup, user("Who is behind the lantern of HOLLOW Tarn?"))
    assert (match.signals.name, match.signals.phrases) == (0.0, 1.0)
    assert match.score >= 0.95


def test_a_phrase_that_is_not_decisive_only_helps(policy_of: PolicyOf, detector: Detector) -> None:
    policy = policy_of(WROTE, DROSS)
    scored = detector.scored(policy.lookup, user("Bread for the Penwick Award"))
    assert [0.0 < match.signals.phrases < 1.0 for match in scored] == [True]
    assert detector.matching(scored) == ()


def test_a_phrase_of_a_revoked_target_is_none(policy_of: PolicyOf, detector: Detector) -> None:
    assert detector.detect(policy_of(DROSS).lookup, user("Who is behind The Lantern of Hollow Tarn?")) == ()


UNSURE = "Which town was the keeper from?"


def test_a_sentence_of_the_answer_decides_what_the_question_left_in_doubt(
    policy: Policy, detector: Detector
) -> None:
    matches, (doubt,), _ = detector.examine(policy.lookup, user(f"Hello there!\n{UNSURE}"))
    assert (matches, names(policy, (doubt.match,))) == ((), ["Orla Al-Venn"])
    told = detector.answered(policy.lookup, [doubt], "The lighthouse keeper was born in the harbour town.")
    assert [(match.target_id, match.touched_by) for match in told] == [(doubt.match.target_id, TouchedBy.ANSWER)]
    assert detector.answered(policy.lookup, [doubt], "Please bake some rye bread.") == ()
    assert detector.answered(policy.lookup, [], "The lighthouse keeper was born in the harbour town.") == ()


def test_in_a_large_index_what_comes_only_nearly_near_leaves_no_doubt(
    policy: Policy, detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "DOUBT_ROWS", policy.lookup.index.rows / 2**9)
    assert detector.examine(policy.lookup, user(UNSURE)) == ((), (), ())


def test_a_doubt_does_not_show_what_was_asked(policy: Policy, detector: Detector) -> None:
    assert "keeper" not in repr(detector.examine(policy.lookup, user(UNSURE)))


@pytest.mark.parametrize("text", ["Please bake some rye bread", "", "Who is Orla Al-Venn?"])
def test_nothing_is_in_doubt_of_what_is_far_off_or_certain(policy: Policy, detector: Detector, text: str) -> None:
    assert detector.examine(policy.lookup, user(text)).doubts == ()


def test_a_title_of_the_target_in_a_sentence_decides(policy_of: PolicyOf, detector: Detector) -> None:
    policy = policy_of(WROTE, DROSS)
    _, (doubt,), _ = detector.examine(policy.lookup, user("What has the Penwick Award?"))
    (match,) = detector.answered(policy.lookup, [doubt], "The Lantern of Hollow Tarn has.")
    assert match.signals.phrases == 1.0


def test_phrases_of_the_question_and_of_the_sentence_add_up(policy_of: PolicyOf, detector: Detector) -> None:
    work = Draft(
        name="The Lamp of Quarn",
        kind=Kind.WORK,
        facts=(Fact(answer="Gandalf finds Hogwarts in the harbour town."),),
    )
    policy = policy_of(work, DROSS)
    _, (doubt,), _ = detector.examine(policy.lookup, user("Who finds Hogwarts?"))
    (match,) = detector.answered(policy.lookup, [doubt], "It was Gandalf, a keeper of bees.")
    assert match.signals.phrases == 1.0
    assert detector.answered(policy.lookup, [doubt], "It was Hogwarts, a keeper of bees.") == ()
