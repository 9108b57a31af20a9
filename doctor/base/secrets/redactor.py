"""Secrets taken out of text that may be shown to others: known values first, then what its form gives away.

The same secret gets the same word everywhere (`<secret-1f6e2a>`), so that a reader still sees where it went. A run
folder keeps fingerprints of the values, not the values, so that a report made later from another shell hides them too.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from doctor.base.secrets import forms
from doctor.base.text import clean, is_secret_name

SHORTEST = 6
LONGEST = 8192
_ANSI = re.compile(r"\x1b(?:\[[0-?]{0,32}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,512}(?:\x07|\x1b\\)|[@-Z\\-_])")
_HARMLESS = {"empty", "none", "null", "true", "false", "dummy", "token-abc123", "changeme"}
_LOGIN = re.compile(r"[a-z][a-z0-9+.\-]{1,20}://([^/\s@:]{0,256})(?::([^/\s@]{0,256}))?@", re.I)
_NAME = re.compile(r"[A-Za-z_][\w.\-]{0,100}")
_RUN = re.compile(r"\S{6,}")
_BREAK = r"(?:\r?\n[ \t│]{0,40})?"


def known_values(env: Mapping[str, str], argv: Sequence[str]) -> list[str]:
    """The secrets of a launch: values of variables and options with telling names, logins in URLs, the hub's token.

    Each also in the forms in which programs print it (percent-quoted, JSON-escaped).
    """
    found = [v for k, v in env.items() if is_secret_name(k)]
    found += [part for v in (*env.values(), *argv) for m in _LOGIN.finditer(v[:LONGEST]) for part in m.groups() if part]
    found += _of_argv(argv)
    home = env.get("HF_HOME") or os.path.join(env.get("HOME", ""), ".cache", "huggingface")
    for path in (env.get("HF_TOKEN_PATH"), os.path.join(home, "token")):
        found += _first_line(path)
    return unique(form for value in found for form in _forms(value))


def unique(values: Iterable[str]) -> list[str]:
    """Values worth searching for, the longest first, each once."""
    good = {v for v in values if SHORTEST <= len(v) <= LONGEST and v.lower() not in _HARMLESS and not v.isspace()}
    return sorted((v for v in good if not v.lstrip("-").isdigit() or len(v) > 9), key=lambda v: (-len(v), v))


def _of_argv(argv: Sequence[str]) -> list[str]:
    out: list[str] = []
    hiding = False
    for word in argv:
        name, equals, value = word.partition("=")
        if word.startswith("-"):
            secret = is_secret_name(name.lstrip("-"))
            hiding = secret and not equals
            out += [value] if secret and equals else []
        elif hiding:
            out.append(word)
        elif equals and _NAME.fullmatch(name) and is_secret_name(name):
            out.append(value)
        else:
            out += _inside(word)
    return out


def _inside(word: str) -> list[str]:
    """What looks like a secret inside a longer word: a shell script, a header, a JSON argument."""
    found: list[str] = []

    def collect(_kind: str, value: str) -> str:
        found.append(value)
        return ""

    forms.replace(word[: 1 << 16], collect)
    return found


def _forms(value: str) -> list[str]:
    value = value.strip()
    words = value.split()
    parts = [w for w in re.split(r"[\s,;]+", value) if len(w) >= 12]  # several keys in one variable
    bare = words[1:] if words and words[0].lower() in ("bearer", "basic", "token") else []
    return [value, quote(value, safe=""), unquote(value), json.dumps(value)[1:-1], *parts, *bare,
            base64.b64encode(value.encode("utf-8", "replace")).decode()]  # fmt: skip


def _first_line(path: str | None) -> list[str]:
    try:
        with open(path or "", "rb") as file:
            return [file.read(4096).decode("utf-8", "replace").strip()]
    except (OSError, ValueError):
        return []


class Redactor:
    """Hides `values`, what `prints` recognise, and what looks like a secret. One object for all files of a bundle.

    `private` also hides user names in paths, addresses and host names.
    """

    def __init__(
        self, values: Iterable[str] = (), prints: Mapping[str, Any] | None = None, private: bool = False
    ) -> None:
        self.private = private
        self._values = unique(values)
        self._words: dict[str, str] = {}
        self._commands: dict[tuple[str, ...], list[str]] = {}
        self._patterns = [re.compile(_BREAK.join(map(re.escape, v))) for v in self._values if len(v) <= 256]
        self._prints = prints or {}
        self.salt = bytes.fromhex(self._prints["salt"]) if self._prints.get("salt") else os.urandom(16)
        self._hosts = forms.own_names() if private else []

    def text(self, text: str) -> str:
        """`text` without colours and secrets, controls written out. Give whole texts: half a secret is missed."""
        text = _ANSI.sub("", text).replace("\r\n", "\n")
        for value in self._values:
            if value in text:
                text = text.replace(value, self.word("secret", value))
        for value, pattern in zip((v for v in self._values if len(v) <= 256), self._patterns, strict=True):
            if len(value) >= 16 and value[:6] in text:
                text = pattern.sub(self.word("secret", value), text)
        text = self._by_print(text)
        text = forms.replace(text, self.word)
        if self.private:
            text = forms.replace_private(text, self.word, self._hosts)
        return clean(text)

    def line(self, text: str, limit: int = 2000) -> str:
        """One line: redacted first, then cut."""
        return clean(" ".join(self.text(text).split()), limit)

    def argv(self, words: Sequence[str], limit: int = 200) -> list[str]:
        """A command line, redacted word by word with its options in view."""
        key = (*words[:limit],)
        if key not in self._commands:  # workers share their command, and compilers come by the hundred
            hidden = set(_of_argv(words))
            self._commands = self._commands if len(self._commands) < 512 else {}
            self._commands[key] = [self._argument(w, hidden) for w in words[:limit]]
        return self._commands[key]

    def _argument(self, word: str, hidden: set[str]) -> str:
        for value in sorted(hidden, key=len, reverse=True):
            if value and value in word and (len(value) >= SHORTEST or word.endswith(value)):
                word = word.replace(value, self.word("secret", value))
        return clean(self.text(word), 2000)

    def value(self, value: Any) -> Any:
        """The same for every string of a JSON value, keys included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(k)): self._keyed(str(k), v) for k, v in value.items()}
        return [self.value(v) for v in value] if isinstance(value, list | tuple) else value

    def _keyed(self, key: str, value: Any) -> Any:
        if isinstance(value, str) and value and is_secret_name(key) and not value.startswith("<"):
            return self.word("secret", value)
        return self.value(value)

    def word(self, kind: str, value: str) -> str:
        """The replacement of `value`: the same for the same value in everything that belongs to one run."""
        value = unquote(value)
        if value not in self._words:
            self._words[value] = f"<{kind}-{_digest(value, self.salt)[:6]}>"
        return self._words[value]

    def fingerprints(self) -> dict[str, Any]:
        """What recognises the values later without holding them; for the private run folder only."""
        salt = self.salt
        prints = [{"length": len(v), "start": _start(v, salt), "digest": _digest(v, salt)} for v in self._values]
        return {"salt": salt.hex(), "prints": prints}

    def _by_print(self, text: str) -> str:
        prints = self._prints.get("prints") or []
        if not prints:
            return text
        salt = self.salt
        starts = {p["start"] for p in prints}
        lengths = sorted({p["length"] for p in prints}, reverse=True)
        digests = {p["digest"] for p in prints}
        return _RUN.sub(lambda m: self._run(m[0], salt, starts, lengths, digests), text)

    def _run(self, run: str, salt: bytes, starts: set[int], lengths: list[int], digests: set[str]) -> str:
        out: list[str] = []
        raw, seed, at, done = run.encode("latin-1", "replace"), zlib.crc32(salt), 0, 0
        while at <= len(run) - SHORTEST:
            if zlib.crc32(raw[at : at + SHORTEST], seed) & 0xFFFF in starts:
                fits = (n for n in lengths if at + n <= len(run))
                hit = next((n for n in fits if _digest(run[at : at + n], salt) in digests), 0)
                if hit:
                    out += [run[done:at], self.word("secret", run[at : at + hit])]
                    at = done = at + hit
                    continue
            at += 1
        return "".join([*out, run[done:]]) if out else run


def _start(value: str, salt: bytes) -> int:
    return zlib.crc32(value[:SHORTEST].encode("latin-1", "replace"), zlib.crc32(salt)) & 0xFFFF


def _digest(value: str, salt: bytes) -> str:
    return hashlib.blake2b(value.encode("utf-8", "replace"), key=salt, digest_size=16).hexdigest()


def plain(text: str) -> str:
    """Text of a server for another terminal: colours dropped, progress bars as lines, controls written out."""
    return clean(_ANSI.sub("", text).replace("\r\n", "\n").replace("\r", "\n"))
