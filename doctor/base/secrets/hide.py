"""Secrets behind asterisks: what is read of a launch, a file or an error, and is shown or kept as a fact."""

from __future__ import annotations

from doctor.base.secrets.argv import arguments
from doctor.base.secrets.names import is_secret_key
from doctor.base.secrets.tokens import logins, queries, tokens

HIDDEN = "***"


def redact_text(text: str) -> str:
    """`text` without logins and secret parameters in URLs, and without tokens known by prefix (`hf_`, JWT)."""
    if "://" in text:
        text = logins().sub(rf"\g<scheme>{HIDDEN}@", text)
        text = queries().sub(lambda m: f"{m['name']}={HIDDEN}" if is_secret_key(m["name"]) else m[0], text)
    return tokens().sub(HIDDEN, text)


def redact_argv(argv: tuple[str, ...]) -> tuple[str, ...]:
    """A command line whose secret values are hidden: `--api-keys a b`, `--hf-token=x`, `KEY=value`, logins in URLs."""
    return tuple(redact_text(a.word) if a.secret is None else f"{a.shown}{HIDDEN}" for a in arguments(argv))
