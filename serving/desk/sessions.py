"""Sessions of the desk: who has signed in with which key, for how long, and how often they may try.

Sessions are kept in memory under random names. Signed cookies would need no memory, but could not be ended before
their time; here signing out, a restart and the idle time-out end a session for good, and there is no key to guard.
"""

from __future__ import annotations

import ipaddress
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cachetools import TTLCache

from serving.access.rights import Caller
from serving.desk.uploads import Upload

MAX_SESSIONS = 256
"""The most sessions at a time; a further one ends the one that was used longest ago."""
MAX_SESSION_S = 12 * 3600.0
"""The age at which a session ends, however much it is used."""
MAX_FAILURES = 10
"""Wrong keys from one address, after which it has to wait for `FAILURES_S`."""
FAILURES_S = 900.0
MAX_ADDRESSES = 10_000
_BITS_OF_A_SITE = 64

Clock = Callable[[], float]


@dataclass(slots=True)
class Session:
    """One signed-in browser.

    caller      whose key it is, with the rights of now
    csrf        the token that every form of this session carries
    revealed    ids of the targets whose texts its pages show
    upload      the file that is looked through before it is imported
    said        what the list of targets says once: what became of those that were chosen
    sign_out_url  where to sign out at the identity provider; "" for nowhere
    """

    caller: Caller
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    began: float = 0.0
    used: float = 0.0
    revealed: set[str] = field(default_factory=set)
    upload: Upload | None = field(default=None, repr=False)
    said: str = ""
    sign_out_url: str = ""


class Sessions:
    """The sessions that have not ended. They belong to the event loop."""

    def __init__(self, idle_s: float, clock: Clock = time.monotonic) -> None:
        self._idle_s = idle_s
        self._clock = clock
        self._sessions: dict[str, Session] = {}

    def begin(self, caller: Caller, sign_out_url: str = "") -> str:
        """Begin a session of `caller` and return its name, which nobody knew before."""
        now = self._clock()
        for name in [name for name, session in self._sessions.items() if self._has_ended(session, now)]:
            del self._sessions[name]
        if len(self._sessions) >= MAX_SESSIONS:
            del self._sessions[min(self._sessions, key=lambda name: self._sessions[name].used)]
        name = secrets.token_urlsafe(32)
        self._sessions[name] = Session(caller, began=now, used=now, sign_out_url=sign_out_url)
        return name

    def find(self, name: str, *, use: bool = True) -> Session | None:
        """Return the session of this name unless it has ended; `use` starts its idle time again."""
        session, now = self._sessions.get(name), self._clock()
        if session is None or self._has_ended(session, now):
            self.end(name)
            return None
        if use:
            session.used = now
        return session

    def end(self, name: str) -> None:
        """End a session."""
        self._sessions.pop(name, None)

    def _has_ended(self, session: Session, now: float) -> bool:
        return now - session.used >= self._idle_s or now - session.began >= MAX_SESSION_S


class SignInLimit:
    """How often an address may give a wrong key. A network of IPv6 that one site gets counts as one address."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._failures: TTLCache[str, int] = TTLCache(MAX_ADDRESSES, FAILURES_S, timer=clock)

    def refuses(self, address: str) -> bool:
        """Return whether this address must wait, whatever key it gives."""
        return bool(self._failures.get(_site(address), 0) >= MAX_FAILURES)

    def count_failure(self, address: str) -> None:
        """Count a wrong key."""
        site = _site(address)
        self._failures[site] = self._failures.get(site, 0) + 1


def _site(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if ip.version == 4:
        return address
    return str(ipaddress.ip_network((ip, _BITS_OF_A_SITE), strict=False))
