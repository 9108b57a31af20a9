"""A user's compose service without the values of secrets: each stands there by the name of a variable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from doctor.base.late import late_pattern
from doctor.base.secrets.argv import Argument, arguments
from doctor.base.secrets.names import is_secret_name
from doctor.report.plan.variables import Reference, Variables, without_secrets

_REFERENCES = ("secrets", "configs")  # lists of names, which say nothing
_WORDS = late_pattern(r"(?:\$\{[^}]*\}|\S)+")
COMMANDS = ("command", "entrypoint", "test")
_NAME = late_pattern(r"[\w.\-]{1,120}")
_VARIABLE = late_pattern(r"[A-Za-z_]\w{0,80}")


class Masking:
    """Replaces values; `names` are the variables that then have to be set. Shared parts are done once."""

    def __init__(self) -> None:
        self.variables = Variables()
        self._done: dict[int, tuple[Any, Any]] = {}  # what was read is held, so that its identity stays its own

    @property
    def names(self) -> tuple[str, ...]:
        """The variables that have to be set."""
        return tuple(self.variables.values)

    def __call__(self, value: Any, key: str = "") -> Any:
        """The value without secrets; `key` is the name that it stands under."""
        if isinstance(value, str):
            return self._text(value, key)
        if key in _REFERENCES and isinstance(value, list):
            return value
        if not isinstance(value, (dict, list)):
            return value
        if id(value) in self._done:
            return self._done[id(value)][1]
        if isinstance(value, dict):
            out: dict[Any, Any] = {}
            self._done[id(value)] = value, out
            out.update({k: self(v, str(k)) for k, v in value.items()})
            return out
        found: list[Any] = []
        self._done[id(value)] = value, found
        found.extend(self._listed(value, key))
        return found

    def _listed(self, value: list[Any], key: str) -> list[Any]:
        if key not in COMMANDS:
            return [self(v, key) for v in value]
        texts = [v if isinstance(v, str) else "" for v in value]
        names = [self._word(a, texts[:n]) for n, a in enumerate(arguments(texts))]
        return [new if isinstance(v, str) else self(v, key) for v, new in zip(value, names, strict=True)]

    def _word(self, one: Argument, before: list[str]) -> str:
        """One word of a command; a secret one is called after the option or the variable in front of it."""
        if one.secret is None or _refers(one.secret):
            return self._text(one.word, "")
        return f"{one.shown}{self._reference(option_of(one, before), one.secret)}"

    def _text(self, text: str, key: str) -> str:
        if key in COMMANDS:
            return masked_words(text, self._reference)
        name, equals, value = text.partition("=")
        if equals and _NAME.fullmatch(name) and is_secret_name(name) and value and not _refers(value):
            return f"{name}={self._reference(name, value)}"
        if _refers(text) or not text:
            return text
        if key and is_secret_name(key):
            return self._reference(key, text)
        return without_secrets(text, name if equals and _VARIABLE.fullmatch(name) else key, self._reference)

    def _reference(self, called: str, value: str) -> str:
        return required(self.variables(called, value))


def masked_words(text: str, reference: Reference) -> str:
    """A command as one text whose secret words stand there as `reference(option, value)`; a variable is one word."""
    found = list(_WORDS.finditer(text))
    words = [m[0] for m in found]
    edits: list[tuple[int, int, str]] = []
    for at, one in enumerate(arguments(words)):
        if one.secret and not _refers(one.secret):
            end = found[at].end()
            begin, inner = end - len(one.secret), one.secret.strip("\"'")
            stands = one.secret.replace(inner, reference(option_of(one, words[:at]), inner), 1)
            edits.append((begin, end, stands))
    for begin, end, stands in reversed(edits):
        text = text[:begin] + stands + text[end:]
    return without_secrets(text, "", reference)


def option_of(one: Argument, before: Sequence[str]) -> str:
    """The option or variable that a secret word stands behind, in the word itself or `before` it; empty for none."""
    return (one.shown or next((w for w in reversed(before) if w.startswith("-")), "")).partition("=")[0]


def _refers(text: str) -> bool:
    """Whether it holds a variable; `$$` is a dollar sign."""
    return "$" in text.replace("$$", "")


def required(name: str) -> str:
    """A variable without which Compose does not start."""
    return f"${{{name}:?set it in .env}}"
