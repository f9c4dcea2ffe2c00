"""Whether a sentence states something, and whether a turn asks if what it states is true."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import dropwhile, pairwise

from guard.supplied.words import (
    DOCUMENTS,
    FIELDS,
    FIRST,
    LABELS,
    LANGUAGES,
    LETTERS,
    MANNER,
    OPENERS,
    POLITE,
    TO,
    WORK,
    Grammar,
    grammar,
)
from guard.text.language import language_of

STATEMENT_WORDS = 4
# Shorter exclamations insist, or greet.
EXCLAIMED_WORDS = 8
# Longer questions are about what comes last in them: "Is that right?"
MAX_CONFIRM_WORDS = 6
# Longer questions ask for something else: "Do you know?"
MAX_ASKED_WORDS = 4
# Words before the verb of a task, as in "Could you please translate".
MAX_POLITE_WORDS = 5
# Words from a letter to whom it is written to.
MAX_LETTER_WORDS = 6
# Longer sentences that end in a verb of a task are about something else.
MAX_TASK_WORDS = 8
# Longer clauses before a comma stand for themselves, whatever they begin with.
MAX_OPENER_WORDS = 5
# Words within which a clause begins to wish: "Well, I would really love".
MAX_WISH_WORDS = 4
# Words of a call before an order.
MAX_CALL_WORDS = 2
MAX_SHORTENED_CHARS = 8

# "[place]", but no link "[here](...)"; "<place>", where no tags are.
_BLANK = re.compile(
    r"_{2,}|\.{3}|…|\[(?:[A-Z]+|[a-z][a-z _-]{3,30})\](?!\()|\{[^{}]{0,30}\}|X{4,}|[*#]{4,}|\s/\s|\b[TVRW]/F\b"
)
_PLACEHOLDER = re.compile(r"<[a-z][a-z ]{2,30}>")
_STOP = re.compile("[.!?。！？]")
_SENTENCE = re.compile(r"(?:[^.!?。！？]|[.](?=\S))+[.!?。！？]*")
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
# A full stop after one of these, or after a single letter, ends no sentence.
_SHORTENED = re.compile(r"\b(?:[A-Z]|Dr|Mr|Mrs|Ms|Prof|St|Sr|Jr|No|Nr|Sra|Mme|Mlle)\.$")
# "j'aimerais", "d'où", "dell'autrice", but "s'il".
_ELIDED = re.compile(r"^(?:[cdjlmnt]|s(?!'il)|qu|dell?|all|nell|sull|quell|un)'(?=\w{2})")
# Verbs with "me" behind: "dis-moi", "fale-me", "háblame", "descrivimi"; "Jérôme" is none.
_TO_ME = re.compile(r".+-(?:moi|nous|me|mij|mi)|.*[áéí][b-df-hj-np-tv-zñ]+[ae](?:me|nos)|.{3,}[aei]mi")
_COLON = re.compile(r"[:：;–—]\s|\s-\s")
_COMMA = re.compile(r",\s")

# "Correct me", "Correct answer", "Correct or not".
_NO_TEXTS = frozenset({"me", "answer", "option", "choice", "or"})
# Alone or with a colon, these are labels or headings: "Format: one word".
_NOUNS = frozenset({"format", "sort", "correct", "classe"})
_MARKER = re.compile(r"\s*(?:[-*•–]|[(\[]?(?:\d{1,2}|[A-Za-z])[.):\]])\s+")


def words(text: str) -> list[str]:
    """Return the words of `text` in small letters, without what French and Italian leave before an apostrophe."""
    found: list[str] = _WORD.findall(text.lower())
    if "'" not in text and "’" not in text:
        return found
    return [_ELIDED.sub("", word.replace("’", "'")) for word in found]


def sentences(line: str) -> Iterator[str]:
    """Yield the sentences of a line, with their stops."""
    if not _STOP.search(line):
        if text := line.strip():
            yield text
        return
    start = 0
    for match in _SENTENCE.finditer(line):
        if not _SHORTENED.search(match[0][-MAX_SHORTENED_CHARS:]):
            yield line[start : match.end()].strip()
            start = match.end()
    if line[start:].strip():
        yield line[start:].strip()


def is_task(sentence: str) -> bool:
    """Whether a sentence hands over a text to work on: after polite words, it says what to do."""
    said = words(sentence)
    if WORK.isdisjoint(said):
        return False
    opener, comma, clause = sentence.partition(", ")
    if comma and not OPENERS.isdisjoint(said[:1]) and len(words(opener)) <= MAX_OPENER_WORDS:
        said = words(clause)
    # "Correct?"
    if len(said) == 1 and sentence.endswith(("?", "？")):
        return False
    head = words(sentence.partition(":")[0])
    if len(head) == 1 and head[0] in _NOUNS:
        return False
    for place, word in enumerate(said[: MAX_POLITE_WORDS + 1]):
        if word in WORK:
            return said[place - 1 : place] != ["is"] and _NO_TEXTS.isdisjoint(said[place + 1 : place + 2])
        if word not in POLITE and word not in FIRST:
            break
    # "Bitte als Brief ausformulieren."
    return bool(said) and len(said) <= MAX_TASK_WORDS and said[0] in POLITE and said[-1] in WORK


def is_letter(said: Sequence[str]) -> bool:
    """Whether a sentence of these words asks for something to be written to somebody."""
    return any(
        word in LETTERS and not TO.isdisjoint(said[place + 1 : place + 1 + MAX_LETTER_WORDS])
        for place, word in enumerate(said)
    )


def grammar_of(lines: Sequence[str]) -> Grammar | None:
    """Return the words of the languages that a turn is written in; None if they are others than LANGUAGES."""
    texts = ("\n".join(lines), *lines[:1], *lines[-1:])
    languages = LANGUAGES.intersection(map(language_of, texts))
    return grammar(languages) if languages else None


def is_statement(sentence: str, by: Grammar) -> bool:
    """Whether a sentence ends in a full stop and neither asks, orders, wishes, doubts, speaks to the model nor
    offers a choice or a blank."""
    said = words(sentence)
    least = EXCLAIMED_WORDS if sentence.endswith(("!", "！")) else STATEMENT_WORDS
    if (
        not sentence.endswith((".", "!", "。", "！"))
        or len(said) < least
        or has_blank(sentence)
        or said[-1] in by.confirm
        or (":" in sentence and said[0] in LABELS | FIELDS)
    ):
        return False
    if not by.doubt.isdisjoint(_with_pairs(said)) or _asks_within(said, by):
        return False
    # "Write something about my boss Ann Lee, who loves cats."
    return not asks(sentence, by) or any(
        word in by.own and after not in by.studies for word, after in pairwise(said)
    )


def has_blank(text: str) -> bool:
    """Whether a text leaves something out to be filled in, or offers a choice by a stroke."""
    return bool(_BLANK.search(text)) or ("</" not in text and bool(_PLACEHOLDER.search(text)))


def finishes(line: str, by: Grammar) -> bool:
    """Whether a line orders to finish something."""
    return not by.finish.isdisjoint(words(line))


def points(line: str, by: Grammar) -> bool:
    """Whether a line asks or orders to do something with the other lines: "What is the tone of this letter?"

    None does that asks to finish or to choose something, or says how to answer; and none that asks to tell
    something or to answer, but from a text.
    """
    head, colon, _ = line.partition(":")
    said = words(head)
    return (
        not by.pointing.isdisjoint(_with_pairs(said))
        and (bool(colon) or any(asks(sentence, by) for sentence in sentences(line)))
        and (MANNER | by.finish | by.choice).isdisjoint(said)
        and (not DOCUMENTS.isdisjoint(said) or (LABELS | by.telling).isdisjoint(said))
    )


def confirms(sentence: str, by: Grammar) -> bool:
    """Whether a sentence asks or orders to say if something is true, or what is known of it."""
    said = words(sentence)
    if not said:
        return False
    head = words(sentence.partition(":")[0])
    last = {*head[-MAX_CONFIRM_WORDS:], *said[-MAX_CONFIRM_WORDS:]}
    # "Yes or no", "true or false".
    if len(by.either.intersection(said)) > 1 or len(by.confirm.intersection(said)) > 1:
        return True
    if sentence.endswith(("?", "？")):
        is_short = len(said) <= MAX_ASKED_WORDS
        return not by.confirm.isdisjoint(last) or (is_short and not by.asked.isdisjoint(_with_pairs(said)))
    # "One of these is true."
    if len(said) <= MAX_CONFIRM_WORDS and not (by.pointing.isdisjoint(said) or by.confirm.isdisjoint(said)):
        return not is_task(sentence)
    first = _first(_main_clause(sentence, by), by)
    return first in by.verify or (first in by.orders and not last.isdisjoint(by.confirm | by.either))


def asks(sentence: str, by: Grammar) -> bool:
    """Whether the main clause of a part of a sentence, or one after "so" and the like, asks, orders or wishes."""
    if sentence.endswith(("?", "？")):
        return True
    return any(_part_asks(part, by) for part in _COLON.split(sentence))


def asks_at_all(line: str, by: Grammar | None) -> bool:
    """Whether a line has a sentence that asks, orders, wishes or hands over a text."""
    return any(
        one.endswith(("?", "？")) or is_task(one) or (by is not None and asks(one, by)) for one in sentences(line)
    )


def _part_asks(part: str, by: Grammar) -> bool:
    main = _main_clause(part, by)
    first = _first(main, by)
    if first in by.interrogatives or not by.auxiliaries.isdisjoint(main[:1]):
        return True
    # "In which year".
    if not (by.openers.isdisjoint(main[:1]) or by.interrogatives.isdisjoint(main[1:2])):
        return True
    if (
        _orders(first, by)
        or _wishes(main, by)
        or _first([w for w in main if w not in by.fillers and not w[0].isdigit()], by) in by.pieces
    ):
        return True
    clauses = [words(clause) for clause in _COMMA.split(part)]
    # "Oracle, tell us"
    is_call = len(clauses[0]) <= MAX_CALL_WORDS
    if is_call and _orders(_first(clauses[1], by) if clauses[1:] else "", by):
        return True
    later = (clause for clause in clauses[2 if is_call else 1 :] if clause and clause[0] in by.polite)
    return any(_orders(_first(clause, by), by) for clause in later)


def asks_item(item: str, by: Grammar) -> bool:
    """Whether an item of a list asks or orders."""
    first = _first(words(_MARKER.sub("", item, count=1)), by)
    return item.endswith(("?", "？")) or first in by.interrogatives or _orders(first, by)


def _with_pairs(said: Sequence[str]) -> Iterator[str]:
    """Yield words, and each two in a row as `words.txt` has them: "here_is"."""
    yield from said
    yield from map("_".join, pairwise(said))


def _asks_within(said: Sequence[str], by: Grammar) -> bool:
    """Whether a sentence has an indirect question: "I know in which year"."""
    known = (said[place + 1 : place + 3] for place, word in enumerate(said) if word in by.knowing)
    return any(not by.interrogatives.isdisjoint(after) for after in known)


def _orders(verb: str, by: Grammar) -> bool:
    return verb in by.orders or bool(_TO_ME.fullmatch(verb))


def _wishes(clause: Sequence[str], by: Grammar) -> bool:
    """Whether a clause begins like "I would love": with a wish next to a first person, or one that has its own."""
    begun = clause[:MAX_WISH_WORDS]
    own = not by.wishes.isdisjoint(begun) and not by.first.isdisjoint(begun)
    return own or not by.seeking.isdisjoint(begun[:1])


def _main_clause(part: str, by: Grammar) -> list[str]:
    """Return the words of the first clause that is not one like "In two sentences,"."""
    clauses = [words(clause) for clause in _COMMA.split(part)]
    main = (clause for clause in clauses if _first(clause, by) and not _opens(clause, by))
    return next(main, clauses[-1])


def _opens(clause: Sequence[str], by: Grammar) -> bool:
    """Whether a clause is one like "In two sentences"."""
    return clause[0] in by.openers and len(clause) <= MAX_OPENER_WORDS


def _first(clause: Sequence[str], by: Grammar) -> str:
    """Return the first word that is not merely polite and no "always" before an order; "" if there is none."""
    said = [word for word in clause if word not in by.polite or word in by.orders]
    ordered = next(dropwhile(by.duties.__contains__, said), "")
    return ordered if _orders(ordered, by) else next(iter(said), "")
