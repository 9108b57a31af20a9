"""Secrets behind asterisks: what is read of a launch, a file, a log or an error, and is shown or kept as a fact."""

from __future__ import annotations

from string import ascii_letters, digits

from doctor.base.secrets.argv import arguments
from doctor.base.secrets.tokens import tokens
from doctor.base.text import without_colors

HIDDEN = "***"
_PLAINEST = 6  # a text so short holds no label with its secret
_WORD = frozenset(ascii_letters + digits + "_-./+")  # of these alone, only a token can be a secret


def redact_text(text: str) -> str:
    """`text` without anything that looks like a secret: labels and their values, tokens, logins and keys in URLs.

    The one function for what is printed or kept as a fact; `redactor` does the same with words that tell secrets apart.
    """
    if len(text) <= _PLAINEST or text.isalpha():
        return text
    found = _hidden(text)
    if "\x1b" not in text:
        return found
    plain = without_colors(text)  # a secret may have a color in the middle; a text without one stays as it came
    shown = _hidden(plain)
    return found if shown == plain else shown


def _hidden(text: str) -> str:
    if _WORD.issuperset(text):
        return tokens().sub(HIDDEN, text)
    from doctor.base.secrets import forms

    return forms.replace(text, lambda _kind, _value: HIDDEN).replace(f"{HIDDEN}:{HIDDEN}@", f"{HIDDEN}@")


def redact_argv(argv: tuple[str, ...]) -> tuple[str, ...]:
    """A command line whose secret values are hidden: `--api-keys a b`, `--hf-token=x`, `KEY=value`, logins in URLs."""
    return tuple(redact_text(a.word) if a.secret is None else f"{a.shown}{HIDDEN}" for a in arguments(argv))
