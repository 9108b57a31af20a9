"""Secrets taken out of text that may be shown to others: known values first, then what its form gives away.

The same secret gets the same word everywhere (`<secret-1f6e2a>`), so that a reader still sees where it went. A run
folder keeps fingerprints of the values, not the values, so that a report made later from another shell hides them too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import unquote

from doctor.base.secrets import fingerprints, forms
from doctor.base.secrets.fingerprints import Fingerprints
from doctor.base.secrets.known import SHORTEST, unique, values_of
from doctor.base.secrets.names import is_secret_name
from doctor.base.text import clean, without_colors

_BREAK = r"(?:\r?\n[ \t│]{0,40})?"


class Redactor:
    """Hides `values`, what `prints` recognize, and what looks like a secret. One object for all files of a bundle.

    `private` also hides user names in paths, addresses and host names.
    """

    def __init__(self, values: Iterable[str] = (), prints: Fingerprints | None = None, private: bool = False) -> None:
        self.private = private
        self._values = unique(values)
        self._words: dict[str, str] = {}
        self._commands: dict[tuple[str, ...], list[str]] = {}
        self._patterns = [re.compile(_BREAK.join(map(re.escape, v))) for v in self._values if len(v) <= 256]
        self._prints = prints
        self.salt = fingerprints.salt_of(prints)
        self._hosts: list[str] = []
        if private:
            from doctor.base.secrets.private import own_names

            self._hosts = own_names()

    def text(self, text: str) -> str:
        """`text` without colors and secrets, controls written out. Give whole texts: half a secret is missed."""
        text = without_colors(text).replace("\0", "").replace("\r\n", "\n")  # UTF-16 is read as what it says
        for value in self._values:
            if value in text:
                text = text.replace(value, self.word("secret", value))
        for value, pattern in zip((v for v in self._values if len(v) <= 256), self._patterns, strict=True):
            if len(value) >= 16 and value[:6] in text:
                text = pattern.sub(self.word("secret", value), text)
        if self._prints:
            text = fingerprints.replace(text, self._prints, self.word)
        text = forms.replace(text, self.word)
        return clean(self._without_names(text))

    def _without_names(self, text: str) -> str:
        if not self.private:
            return text
        from doctor.base.secrets.private import replace_private

        return replace_private(text, self.word, self._hosts)

    def line(self, text: str, limit: int = 2000) -> str:
        """One line: redacted first, then cut."""
        return clean(" ".join(self.text(text).split()), limit)

    def argv(self, words: Sequence[str], limit: int = 200) -> list[str]:
        """A command line, redacted word by word with its options in view."""
        key = (*words[:limit],)
        if key not in self._commands:  # workers share their command, and compilers come by the hundred
            hidden = set(values_of(words))
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
            self._words[value] = f"<{kind}-{fingerprints.digest(value, self.salt)[:6]}>"
        return self._words[value]

    def fingerprints(self) -> Fingerprints:
        """What recognizes the values later without holding them; for the private run folder only."""
        return Fingerprints.of(self._values, self.salt)
