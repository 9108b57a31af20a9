"""Untrusted text made safe to print, and secrets made safe to keep."""

from __future__ import annotations

import re
import unicodedata

_ESCAPED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)


def clean(text: str, limit: int | None = None) -> str:
    """`text` with control, bidirectional, zero-width and surrogate characters written out as `\\x1b`, `\\u202e`.

    Newline and tab stay. `limit` is the longest result in characters; what is cut is marked with an ellipsis.
    """
    out = _ESCAPED.sub(_escape, text)
    if limit is not None and len(out) > limit:
        return out[: max(0, limit - 1)] + "…"
    return out


def one_line(text: str, limit: int | None = None) -> str:
    """`clean`, with every run of white space as one blank."""
    return clean(" ".join(text.split()), limit)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def width(text: str) -> int:
    """Terminal columns that `text` takes: wide East Asian characters count two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


_SECRET_NAME = re.compile(
    r"(?i)(?:^|[_\-.])(?:tokens?|secrets?|passw(?:or)?ds?|passwd|access[_\-]?keys?|credentials?|authorization)"
    r"(?:$|[_\-.])|api[_\-]?key"
)
_NOT_SECRET = re.compile(
    r"(?i)tokenizer|max[\w\-]*tokens?|num[\w\-]*tokens?|tokens?[_\-](?:limit|count|per)|batched[_\-]tokens"
)
_URL_LOGIN = re.compile(r"(?P<scheme>[a-z][a-z0-9+.\-]{1,20}://)[^/\s@:]{0,256}(?::[^/\s@]{0,256})?@", re.I)
_PREFIXED = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_\-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"
    r"|glpat-[A-Za-z0-9_\-]{16,}|(?:AKIA|ASIA)[A-Z0-9]{16}|xox[baprs]-[A-Za-z0-9\-]{10,}|nvapi-[A-Za-z0-9_\-]{20,}"
    r"|eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{4,})"
)
HIDDEN = "***"


def is_secret_name(name: str) -> bool:
    """Whether an environment variable or option of this name holds a secret (`HF_TOKEN`, not `max_tokens`)."""
    return bool(_SECRET_NAME.search(name)) and not _NOT_SECRET.search(name)


def redact_text(text: str) -> str:
    """`text` without logins in URLs and without tokens that their prefix gives away (`hf_`, `sk-`, `ghp_`, JWT)."""
    return _PREFIXED.sub(HIDDEN, _URL_LOGIN.sub(rf"\g<scheme>{HIDDEN}@", text))


def redact_argv(argv: tuple[str, ...]) -> tuple[str, ...]:
    """A command line whose secret values are hidden: `--api-keys a b`, `--hf-token=x`, `KEY=value`, logins in URLs."""
    out: list[str] = []
    hiding = False
    for word in argv:
        name, equals, _ = word.partition("=")
        if word.startswith("-"):
            hiding = not equals and is_secret_name(name.lstrip("-"))
            out.append(f"{name}={HIDDEN}" if equals and is_secret_name(name.lstrip("-")) else redact_text(word))
        elif hiding:
            out.append(HIDDEN)
        elif equals and is_secret_name(name):
            out.append(f"{name}={HIDDEN}")
        else:
            out.append(redact_text(word))
    return tuple(out)
