"""Guards one choice of an answer, streamed or whole."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from guard.matching.automaton import Automaton
from guard.matching.near import TextScanner
from serving.answers.guard_options import GuardOptions
from serving.answers.logprobs import certain, describe_start, last_token
from serving.protocol.surfaces import (
    MAIN,
    append_text,
    clear_texts,
    has_content,
    has_text,
    part_of,
    surfaces,
    text_holder,
    withhold_unknown,
)

_WORD = re.compile(r"\s*\S+|\s+")


class _Waiting(NamedTuple):
    """A streamed choice with log-probabilities, which leaves when all of its texts may."""

    choice: dict[str, Any]
    texts: Mapping[str, str]


class ChoiceGuard:
    """Releases the texts of one choice up to where a phrase may have begun.

    A withheld choice ends as any other: in chunks, members and log-probabilities it looks alike. It ends with the
    decline text if nothing was released. `current_part` is the part of the message that the last piece of text
    belonged to, such as `content` or `tool0`; `withheld` is known when the choice has `finished`; `max_held` is
    the most characters that were held back at once.
    """

    def __init__(self, automata: Sequence[Automaton], seed: str, options: GuardOptions) -> None:
        self._automata = automata
        self._seed = seed
        self._options = options
        self._declined = options.declined
        self._alternatives = options.alternatives
        self._listed = options.listed(automata, seed)
        self._scanners: dict[str, TextScanner] = {}
        self._waiting: list[_Waiting] = []
        # By surface: characters of the choices in `_waiting` that may leave.
        self._free: dict[str, int] = defaultdict(int)
        self.released_any = options.begun
        self._stopped = options.declined  # nothing more of the model's leaves: given up, or stopped at a phrase
        self._is_cut = False  # the decline text, at the client's limit of tokens
        # Characters received less characters released: held back or withheld.
        self.unreleased = 0
        # All that was received, by surface.
        self.said: dict[str, list[str]] = defaultdict(list)
        self.current_part = ""
        self.finished = self.withheld = False
        self.max_held = 0

    def feed(self, key: str, text: str) -> str:
        """Take the next piece of the surface `key` of a stream and return what may be released of it now."""
        released = self._scan(key, text)
        self.released_any = self.released_any or bool(released)
        return released

    def chunk(self, choice: dict[str, Any]) -> list[dict[str, Any]] | None:
        """Return what may be sent now of a streamed choice, each choice in a chunk of its own.

        None if this one may pass as it is. May change `choice`.
        """
        altered = self._strip(choice)
        texts = {surface.key: surface.holder[surface.member] for surface in surfaces(choice)}
        released = {key: self._scan(key, text) for key, text in texts.items()}
        if self._listed is not None:
            altered = self._listed.filter(choice, texts) or altered
        if choice.get("logprobs") or self._waiting:
            return self._chunk_with_logprobs(choice, texts, released)
        pieces = self._before(choice, [key for key, text in texts.items() if text])
        if choice.get("finish_reason") is not None:
            pieces += self._pieces_before_last(choice, texts, released)
        self._set_texts(choice, released)
        if self._alternatives is not None and (said := "".join(released.values())):
            # Composed elsewhere: no model sampled it.
            choice["logprobs"] = self._certain(choice, said)
            altered = True
        self.released_any = self.released_any or bool(pieces)
        if choice.get("finish_reason") is not None:
            pieces += self._end(choice)
            return [*pieces, choice] if self.withheld or pieces or altered or released != texts else None
        if released == texts and not altered:
            return [*pieces, choice] if pieces else None
        return [*pieces, choice] if has_content(choice) else pieces

    def whole(self, choice: dict[str, Any]) -> bool:
        """Reduce a whole choice in place to what may be released; return whether anything was changed."""
        altered = self._strip(choice)
        texts = {surface.key: surface.holder[surface.member] for surface in surfaces(choice)}
        released = {key: self._scan(key, text) for key, text in texts.items()}
        for key, text in self._flush(choice).items():
            released[key] += text
        if self._listed is not None:
            altered = self._listed.filter(choice, texts) or altered
        logprobs, main = choice.get("logprobs"), next((key for key in MAIN if key in texts), None)
        if logprobs and self.matched:
            described = describe_start(logprobs, texts[main], len(released[main])) if main else None
            choice["logprobs"] = described.logprobs if described else None
            if main and described:
                released[main] = texts[main][: described.length]
        self._set_texts(choice, released)
        for words in self._last_words():
            append_text(choice, "text" if text_holder(choice) is choice else "content", words)
            choice["logprobs"] = None
        self._finish(choice)
        said = choice.get("text") or text_holder(choice).get("content") or ""
        if self._alternatives is not None and choice.get("logprobs") is None:
            choice["logprobs"] = self._certain(choice, said)
            altered = True
        return altered or self.withheld or released != texts

    def give_up(self, choice: dict[str, Any]) -> list[dict[str, Any]]:
        """End a streamed choice, which the engine aborted as its grammar allowed only what the policy forbids.

        What is held back began that phrase, so it is withheld, however little it is.
        """
        for scanner in self._scanners.values():
            scanner.drop()
        self._waiting, self._stopped = [], True
        return [*self._end(choice), choice]

    def _scan(self, key: str, text: str) -> str:
        self.said[key].append(text)
        if self._declined:
            released = ""
        else:
            scanner = self._scanner(key)
            released = scanner.feed(text)
            # Engines send a function's name whole and before its arguments, so none of it is held back.
            released += scanner.finish() if key.endswith(".name") else ""
        if len(released) != len(text):
            self.unreleased += len(text) - len(released)
            if not self._declined and not self._scanners[key].matched:
                self.max_held = max(self.max_held, self.unreleased)
        return released

    def _scanner(self, key: str) -> TextScanner:
        if key not in self._scanners:
            self._scanners[key] = self._options.scanner(self._automata, self._seed if key in MAIN else "")
        return self._scanners[key]

    def _strip(self, choice: dict[str, Any]) -> bool:
        """Remove what no text of the model may be in; return whether there was anything."""
        altered = withhold_unknown(choice)
        removed = ("tool_calls", "function_call") if self._declined else ()
        calls = [text_holder(choice).pop(name, None) for name in removed]
        return altered or any(calls)

    @property
    def matched(self) -> bool:
        """Whether nothing more leaves of a surface: it said a phrase, or the answer is declined."""
        return self._declined or any(scanner.matched for scanner in self._scanners.values())

    def _set_texts(self, choice: dict[str, Any], texts: Mapping[str, str]) -> None:
        for surface in list(surfaces(choice)):
            surface.holder[surface.member] = texts[surface.key]
        self.released_any = self.released_any or has_text(choice)

    def _before(self, choice: dict[str, Any], keys: Sequence[str]) -> list[dict[str, Any]]:
        """Return what was held back of earlier parts: engines end one part before they start the next."""
        if not keys or choice.get("finish_reason") is not None:
            return []
        previous, self.current_part = self.current_part, part_of(keys[-1])
        if previous in ("", self.current_part):
            return []
        return self._held_pieces(choice, keep=self.current_part)

    def _pieces_before_last(
        self, choice: dict[str, Any], texts: Mapping[str, str], released: dict[str, str]
    ) -> list[dict[str, Any]]:
        """Return all that leaves before the last chunk, which keeps as many characters as it came with.

        `released` is what was released with the last chunk; it becomes what that keeps.
        """
        pieces: list[dict[str, Any]] = []
        held = self._flush(choice)
        for key in (*texts, *(key for key in held if key not in texts)):
            said = released.get(key, "") + held.get(key, "")
            earlier = said[: max(0, len(said) - len(texts.get(key, "")))]
            pieces += [self._piece(choice, key, word) for word in _WORD.findall(earlier)]
            if key in texts:
                released[key] = said[len(earlier) :]
        return pieces

    def _held_pieces(self, choice: dict[str, Any], keep: str = "") -> list[dict[str, Any]]:
        held = self._flush(choice, keep)
        self.released_any = self.released_any or bool(held)
        return [self._piece(choice, key, word) for key, text in held.items() for word in _WORD.findall(text)]

    def _flush(self, choice: dict[str, Any], keep: str = "") -> dict[str, str]:
        """Return by surface what may leave of the text held back, but for the part `keep`."""
        free = self._options.left_free(choice)
        held = {key: s.finish(free) for key, s in self._scanners.items() if not keep or part_of(key) != keep}
        self.unreleased -= sum(map(len, held.values()))
        return {key: text for key, text in held.items() if text}

    def _end(self, choice: dict[str, Any]) -> list[dict[str, Any]]:
        """Finish a streamed choice; return the choices with the text that comes before its last chunk."""
        key = "text" if text_holder(choice) is choice else "content"
        pieces = self._held_pieces(choice)
        pieces += [self._piece(choice, key, word) for word in self._last_words()]
        self._finish(choice)
        pieces = self._options.before_last(pieces, choice)
        if self._alternatives is not None and not choice.get("logprobs"):
            choice["logprobs"] = self._certain(choice, "")
        return pieces

    def _finish(self, choice: dict[str, Any]) -> None:
        self.finished = True
        self.withheld = self.withheld or self.matched
        if self.withheld:
            choice["finish_reason"] = "length" if self._is_cut else "stop"
            if "stop_reason" in choice:
                # It would reveal what followed the withheld text.
                choice["stop_reason"] = None

    def _last_words(self) -> list[str]:
        """Return the decline text in words, as a model would say it, if nothing else was said."""
        says_nothing = not self._stopped and not any(map(any, self.said.values()))
        if self.released_any or (self._options.may_be_empty and says_nothing):
            return []
        self.withheld = True
        words, limit = _WORD.findall(self._options.decline), self._options.max_tokens
        self._is_cut = limit is not None and limit <= len(words)
        return words[:limit]

    def _piece(self, choice: dict[str, Any], key: str, text: str) -> dict[str, Any]:
        """Return a choice with this text alone, of the members that a chunk in the middle of this stream has."""
        completion = text_holder(choice) is choice
        piece: dict[str, Any] = {name: None for name in choice if completion or name != "stop_reason"}
        content: dict[str, Any] = {"text": ""} if completion else {"delta": {}}
        piece |= {"index": choice.get("index", 0)} | content
        append_text(piece, key, text)
        if self._alternatives is not None:
            piece["logprobs"] = self._certain(piece, text)
        return piece

    def _certain(self, choice: dict[str, Any], text: str) -> dict[str, Any]:
        return certain(text, self._alternatives or 0, chat=text_holder(choice) is not choice)

    def _chunk_with_logprobs(
        self, choice: dict[str, Any], texts: Mapping[str, str], released: Mapping[str, str]
    ) -> list[dict[str, Any]]:
        """Hold the choice until all of its texts are free, so that they leave with their log-probabilities."""
        finished = choice.get("finish_reason") is not None
        if self._stopped and not finished:
            return []
        for key, text in (*released.items(), *(self._flush(choice).items() if finished else ())):
            self._free[key] += len(text)
        self._waiting.append(_Waiting(choice, texts))
        leaving = []
        while self._waiting and all(self._free[key] >= len(text) for key, text in self._waiting[0].texts.items()):
            first = self._waiting.pop(0)
            leaving.append(first.choice)
            for key, text in first.texts.items():
                self._free[key] -= len(text)
        if self.matched:
            leaving += self._beginning_of_withheld()
            self._waiting.clear()
            self._stopped = True
        self.released_any = self.released_any or any(map(has_text, leaving))
        return self._last_with_logprobs(choice, leaving) if finished else leaving

    def _beginning_of_withheld(self) -> list[dict[str, Any]]:
        """Return what may leave of the choice in which a phrase begins: its tokens before the phrase."""
        for choice, texts in self._waiting[:1]:
            for key, text in texts.items():
                described = describe_start(choice["logprobs"] or {}, text, self._free[key])
                if described is not None and described.length:
                    piece = self._piece(choice, key, text[: described.length])
                    return [piece | {"logprobs": described.logprobs}]
        return []

    def _last_with_logprobs(self, choice: dict[str, Any], leaving: list[dict[str, Any]]) -> list[dict[str, Any]]:
        self._waiting.clear()
        leaving = [each for each in leaving if each is not choice]
        if self._stopped:
            # The end of an answer may be told, and nothing that the model said before it.
            token = "" if has_text(choice) else last_token(choice["logprobs"] or {})
            clear_texts(choice)
            choice["logprobs"] = self._certain(choice, token)
        return [*leaving, *self._end(choice), choice]
