"""What recognizes secrets later without holding them: salted fingerprints, kept in the private run folder only."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterable

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.base.secrets.known import SHORTEST

_RUN = late_pattern(r"\S{6,}")


@dataclass(frozen=True, slots=True)
class Print:
    """One secret: its length in characters, a 16-bit checksum of its first six, and a keyed digest of the whole."""

    length: int
    start: int
    digest: str


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """The salt of a run (hexadecimal) and the prints of its secrets."""

    salt: str
    prints: tuple[Print, ...] = ()

    @classmethod
    def of(cls, values: Iterable[str], salt: bytes) -> Fingerprints:
        """Those of these values."""
        return cls(salt.hex(), tuple(Print(len(v), _start(v, salt), digest(v, salt)) for v in values))


def salt_of(prints: Fingerprints | None) -> bytes:
    """The salt of a run, or a new one of 16 bytes where there is none, or none that can be read."""
    try:
        found = bytes.fromhex(prints.salt) if prints else b""
    except ValueError:
        found = b""
    return found[:64] or os.urandom(16)


def replace(text: str, prints: Fingerprints, word: Callable[[str, str], str]) -> str:
    """`text` with every stretch that has one of these prints replaced by `word("secret", value)`."""
    if not prints.prints:
        return text
    search = _Search(prints)
    return _RUN.sub(lambda m: search.replace(m[0], word), text)


class _Search:
    """Slides over a text: the cheap checksum decides where the digests are worth their time."""

    def __init__(self, prints: Fingerprints) -> None:
        self.salt = salt_of(prints)
        self._seed = zlib.crc32(self.salt)
        self._starts = {p.start for p in prints.prints}
        self._lengths = sorted({p.length for p in prints.prints}, reverse=True)
        self._digests = {p.digest for p in prints.prints}

    def replace(self, run: str, word: Callable[[str, str], str]) -> str:
        """One stretch without white space."""
        out: list[str] = []
        raw, at, done = run.encode("latin-1", "replace"), 0, 0
        while at <= len(run) - SHORTEST:
            length = self._hit(run, raw, at)
            if length:
                out += [run[done:at], word("secret", run[at : at + length])]
                at = done = at + length
            else:
                at += 1
        return "".join([*out, run[done:]]) if out else run

    def _hit(self, run: str, raw: bytes, at: int) -> int:
        """The length of the secret that begins at `at`, 0 where none does."""
        if zlib.crc32(raw[at : at + SHORTEST], self._seed) & 0xFFFF not in self._starts:
            return 0
        fits = (n for n in self._lengths if at + n <= len(run))
        return next((n for n in fits if digest(run[at : at + n], self.salt) in self._digests), 0)


def _start(value: str, salt: bytes) -> int:
    return zlib.crc32(value[:SHORTEST].encode("latin-1", "replace"), zlib.crc32(salt)) & 0xFFFF


def digest(value: str, salt: bytes) -> str:
    """A keyed digest of a secret, 32 hexadecimal digits."""
    return hashlib.blake2b(value.encode("utf-8", "replace"), key=salt, digest_size=16).hexdigest()
