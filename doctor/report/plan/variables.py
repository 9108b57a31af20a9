"""Variables for secret values: a server's key is one variable, wherever it stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from doctor.base.late import late_pattern
from doctor.base.secrets import forms
from doctor.base.secrets.hide import HIDDEN, redact_text
from doctor.base.secrets.tokens import logins

Reference = Callable[[str, str], str]  # (what the value is called where it stands, the value) -> what stands there then
_BAD = late_pattern(r"[^A-Za-z0-9]+")
_HOLE = late_pattern(re.escape(HIDDEN))


class Variables:
    """Gives names; `values` are those given so far, each with the value that it stands for.

    Other equal values keep names of their own: that they are equal may be chance, and each is looked for by its name.
    """

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self._expected: dict[str, list[str]] = {}
        self._keys: dict[str, str] = {}  # the variables of the servers' own keys, by value

    def expect(self, pairs: Iterable[tuple[str, str]]) -> None:
        """From here on: the names for the values behind options, as (option, name)."""
        self._expected = {}
        for option, name in pairs:
            self._expected.setdefault(_plain(option), []).append(name)

    def __call__(self, called: str, value: str) -> str:
        """The variable for a value that is `called` so where it stands (an option, a variable, a key)."""
        plain = _plain(called)
        if names := self._expected.get(plain):
            self.values[names[0]] = value
            self._keys[value] = names[0]
            return names.pop(0)
        return self._keys.get(value) or self._new(plain, value)

    def _new(self, plain: str, value: str) -> str:
        name, count = plain, 1
        while self.values.get(name, value) != value:
            count += 1
            name = f"{plain}_{count}"
        self.values[name] = value
        return name


def without_secrets(text: str, called: str, reference: Reference) -> str:
    """The text with a reference in place of whatever looks like a secret: a login's two parts are two values."""
    text = logins().sub(lambda m: _login(m, called, reference), text) if "@" in text else text
    shown = redact_text(text)
    if shown == text:
        return text
    found: list[str] = []
    forms.replace(text, lambda _, value: _noted(value, found))
    values = iter(found if len(found) == shown.count(HIDDEN) else [])
    return _HOLE.sub(lambda _: reference(called or "SECRET", next(values, "")), shown)


def _noted(value: str, found: list[str]) -> str:
    if HIDDEN not in value:  # else it is part of one that was found before
        found.append(value)
    return HIDDEN


def _login(found: re.Match[str], called: str, reference: Reference) -> str:
    if redact_text(found[0]) == found[0]:
        return found[0]
    user, password = found.group("user", "password")
    name = called or "URL"
    if password is None:
        return f"{found['scheme']}{reference(f'{name}_TOKEN', user)}@"
    front = reference(f"{name}_USER", user) if user else ""
    return f"{found['scheme']}{front}:{reference(f'{name}_PASSWORD', password)}@"


def _plain(called: str) -> str:
    name = _BAD.sub("_", called).strip("_").upper() or "SECRET"
    return name if name[0].isalpha() else f"S_{name}"
