"""A command with its secrets behind asterisks: what an option holds is told by its table, not by its name alone."""

from __future__ import annotations

import difflib
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, lru_cache
from itertools import takewhile

from doctor.base.late import late_pattern
from doctor.base.secrets.hide import HIDDEN, redact_text
from doctor.base.secrets.names import is_secret_key, is_secret_name
from doctor.facts import Launch
from doctor.launch.argv import dashed
from doctor.launch.asked import newest
from doctor.launch.program import name_of
from doctor.launch.table import Option, Table, table
from doctor.launch.variables import shown_variables
from doctor.matrix import rows

_UNKNOWN = late_pattern(r"\$(?:\{[^}]*\}|\w+)|\$\(.*\)")  # a variable that is not set here tells nothing
_TEXTS = frozenset(("str", "any", "json", "text or json", "json object", "policy"))
_SECRET_END = late_pattern(r"(?:key|keys|token|secret|password|credentials?)$")
ALL, SHORTEST = 1 << 20, 4
# options by which programs around a server are given a login or a password
_LOGINS = {
    "curl": ("-u", "--user", "--proxy-user", "-H", "--header", "-b", "--cookie"), "wget": ("--password", "--header"),
    "sshpass": ("-p",), "mysql": ("-p",), "redis-cli": ("-a",), "http": ("-a",), "psql": ("--password",),
}  # fmt: skip


def hidden(words: tuple[str, ...], engine: str | None = None) -> tuple[str, ...]:
    """The words of a command, secret values hidden: `--api-key x`, `--api-key=x`, `A_TOKEN=x`, `"--api-key x"`, JSON.

    An option that `engine` has is secret where its value is a text and its name says so: a number, a choice or a
    switch never is (`--long-prefill-token-threshold 2048`).
    """
    return tuple(_hidden(words, engine))


def hidden_launch(launch: Launch) -> Launch:
    """A launch that may be shown and kept: no secret in its words, and only variables that concern a server."""
    known = _values(launch.argv, launch.engine)
    e = launch.engine

    def shown(words: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_without(word, known) for word in hidden(words, e))

    return replace(
        launch, argv=shown(launch.argv), subcommand=shown(launch.subcommand), unsplit=shown(launch.unsplit),
        literal=shown(launch.literal), cut=shown(launch.cut), arguments=shown(launch.arguments),
        given=shown(launch.given), lead=None if launch.lead is None else shown(launch.lead),
        environ=shown_variables(launch.environ), alternatives=tuple(hidden_launch(a) for a in launch.alternatives),
        why=_without(launch.why, known), unread=tuple(_without(text, known) for text in launch.unread),
    )  # fmt: skip


def _values(words: tuple[str, ...], engine: str | None) -> tuple[str, ...]:
    """The secrets of a command by their values, so that they are hidden in a script's text, too."""
    out = []
    for word, shown in zip(words, hidden(words, engine), strict=True):
        front, found, back = shown.partition(HIDDEN)
        if found and len(word) - len(front) - len(back) >= SHORTEST:
            out.append(word[len(front) : len(word) - len(back)])
    return tuple(out)


def _without(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


def _hidden(words: tuple[str, ...], engine: str | None) -> Iterator[str]:
    hiding, program = 0, ""
    for word in words:
        program = name if (name := name_of(word)) in _LOGINS else program
        option = word.startswith("-") and len(word) > 1
        if option and (cut := _login(program, word)) is not None:
            hiding, shown = (1, word) if cut == len(word) else (0, f"{word[:cut]}{HIDDEN}")
            yield shown
        elif option or not hiding:
            hiding, shown = _one(word, re.split(r"[=\s]", word, maxsplit=1)[0], engine)
            yield shown
        else:
            hiding -= 1
            yield _value(word)


def _login(program: str, word: str) -> int | None:
    """Where the secret begins behind an option by which a program is given a login; its end for the next word."""
    for option in _LOGINS.get(program, ()):
        if word == option:
            return len(word)
        if word.startswith(f"{option}="):
            return len(option) + 1
        if len(option) == 2 and word.startswith(option):
            return len(option)
    return None


def _one(word: str, name: str, engine: str | None) -> tuple[int, str]:
    """How many words behind this one are secret, and the word as it is shown."""
    rest = word[len(name) :]
    if not word.startswith("-"):
        secret = rest.startswith("=") and is_secret_key(name)
        return 0, f"{name}={_value(rest[1:])}" if secret else inside(word)
    many = _secrets(name, engine)
    if many and rest:
        return 0, f"{name}{rest[0]}{_value(rest[1:].lstrip())}"
    return many, word if not rest else f"{name}{rest[0]}{inside(rest[1:])}"


def inside(word: str) -> str:
    """A word without what looks like a secret in it: logins of URLs, tokens, the values of secret keys in JSON."""
    if not any(c in word for c in " ={:@") and len(word) < 12:
        return word
    if word[:1] in "{[" or " " in word or "=" in word:
        from doctor.base.secrets import forms

        if " " in word and word[:1] not in "{[":
            parts = re.split(r"(\s+)", word)
            parts[::2] = _hidden(tuple(parts[::2]), None)
            word = "".join(parts)
        return forms.replace(word, lambda _, value: value if _UNKNOWN.fullmatch(value) else HIDDEN)
    return redact_text(word)


def _value(value: str) -> str:
    return value if not value or _UNKNOWN.fullmatch(value) else HIDDEN


@lru_cache(maxsize=4096)
def _secrets(name: str, engine: str | None) -> int:
    """How many words the option takes that are secret; of one that no table has, all up to the next option."""
    spelled = dashed(name)
    if not is_secret_name(name.lstrip("-")) and not _like_a_secret(spelled, engine):
        return 0
    option = _option(name, engine)
    if option is None:
        return ALL if is_secret_name(name.lstrip("-")) else 1  # it may be cut short in several ways, or misspelt
    text = option.nargs != 0 and option.choices is None and option.type in _TEXTS
    if not text or not is_secret_name(option.name.lstrip("-")):
        return 0
    return ALL if option.nargs in ("*", "+") else option.nargs if isinstance(option.nargs, int) else 1


def _option(name: str, engine: str | None) -> Option | None:
    known = _newest(engine)
    if known is None:
        return None
    spelled = dashed(name)
    if (found := known.option(spelled)) is not None:
        return found
    names = _spellings(engine)
    first = bisect_left(names, spelled)
    begun = takewhile(lambda s: s.startswith(spelled), names[first:]) if spelled.startswith("--") else ()
    near = {known.known[s].name: known.known[s] for s in begun}
    return next(iter(near.values())) if len(near) == 1 else None


def _like_a_secret(spelled: str, engine: str | None) -> bool:
    """Whether an option may be a secret one, cut short or misspelt."""
    if any(s.startswith(spelled) for s in _named_so(engine)):
        return True
    if not spelled.startswith("--") or _option(spelled, engine) is not None:
        return False
    return bool(difflib.get_close_matches(spelled, _named_so(engine), n=1, cutoff=0.8))


@cache
def _named_so(engine: str | None) -> tuple[str, ...]:
    """Options of any release whose name announces a secret: what may be meant by an abbreviation."""
    names = (n for kind in ("flags", "flags.serve") for n in (rows.keys(engine, kind) if engine else ()))
    return tuple(n for n in names if is_secret_name(n.lstrip("-")) and _SECRET_END.search(n))


@cache
def _newest(engine: str | None) -> Table | None:
    release = newest(engine) if engine else None
    return table(engine, release, serve=True) if engine and release else None


@cache
def _spellings(engine: str | None) -> tuple[str, ...]:
    known = _newest(engine)
    return tuple(sorted(known.known)) if known else ()
