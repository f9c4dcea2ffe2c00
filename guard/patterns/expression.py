"""Regular expressions matched in linear time, by a DFA that is built as far as texts need it."""

from __future__ import annotations

from functools import cached_property

from guard.patterns.syntax import MAX_MATCH_CHARS, MAX_VALUES, Parser

MAX_CACHED_STATES = 4_096


class State:
    """A place in an expression: what may come next, and whether a match ends here. Equal ones are one object."""

    __slots__ = ("accepts", "following", "steps")

    def __init__(self, following: frozenset[int], accepts: bool) -> None:
        self.following = following
        self.accepts = accepts
        self.steps: dict[str, State | None] = {}


class Expression:
    """A regular expression, whatever the case of its letters.

    start     the state before a match
    shortest  the characters of the shortest match
    """

    def __init__(self, pattern: str) -> None:
        """Raise InvalidTarget, with the field `value`, for what is no such expression or too large."""
        parser = Parser(pattern)
        node = parser.parse()
        self.shortest = 0 if node.nullable else node.shortest
        self._sets = parser.sets
        self._follow = [frozenset(following) for following in parser.follow]
        self._last = node.last
        self._known: dict[tuple[frozenset[int], bool], State] = {}
        self.start = State(node.first, node.nullable)

    def step(self, state: State, char: str) -> State | None:
        """Return the state after one more character, read as `canonical` does; None if no match goes on."""
        try:
            return state.steps[char]
        except KeyError:
            known = state.steps[char] = self._step(state, char)
            return known

    @cached_property
    def values(self) -> tuple[str, ...] | None:
        """All texts that match, up to case; None if there are more than MAX_VALUES."""
        found: dict[str, None] = {}
        work = [("", self.start)]
        while work:
            text, state = work.pop()
            if state.accepts:
                found[text] = None
            sets = [self._sets[at] for at in state.following]
            if any(each.count > MAX_VALUES for each in sets) or len(text) > MAX_MATCH_CHARS:
                return None
            chars = sorted({char for each in sets for char in each.chars()})
            work += [(text + char, after) for char in chars if (after := self.step(state, char)) is not None]
            if len(found) + len(work) > MAX_VALUES:
                return None
        return tuple(found)

    def _step(self, state: State, char: str) -> State | None:
        reached = [at for at in state.following if char in self._sets[at]]
        if not reached:
            return None
        following: frozenset[int] = frozenset().union(*(self._follow[at] for at in reached))
        key = following, not self._last.isdisjoint(reached)
        if key not in self._known:
            if len(self._known) >= MAX_CACHED_STATES:
                self._forget()
            self._known[key] = State(*key)
        return self._known[key]

    def _forget(self) -> None:
        """Drop the states built so far; a match in progress keeps the one that it is in."""
        for state in (self.start, *self._known.values()):
            state.steps.clear()
        self._known.clear()
