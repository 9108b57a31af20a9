"""Which names announce a secret: one table for variables, options, pairs, parameters of URLs, YAML and JSON keys.

A name is read word by word: `GITLAB_PAT`, `--api-key`, `SecretAccessKey` and `ssl.keyfile.password` are cut where they
are cut in speech. What a model or an engine calls a token or a key is none (`eos_token`, `max-num-batched-tokens`).
"""

from __future__ import annotations

from functools import lru_cache

from doctor.base.late import late_pattern

LONGEST = 128
_PARTS = late_pattern(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ALWAYS = {
    "secret", "secrets", "password", "passwords", "passwd", "passwds", "passphrase", "passcode", "credential",
    "credentials", "creds", "authorization", "bearer", "apikey", "apikeys", "accesskey", "secretkey", "privatekey",
    "accountkey", "sharedaccesskey", "sessionid", "webhook", "webhooks", "dsn",
}  # fmt: skip
_AT_THE_END = {"pat", "pats", "pass", "pwd", "auth", "sas", "pin", "htpasswd", "netrc", "cookie", "cookies", "jwt",
               "passwort", "kennwort", "contrasena", "senha", "haslo", "wachtwoord",
               "pw", "sk", "otp", "totp", "clave"}  # fmt: skip
_ENDINGS = (
    "password",
    "passwd",
    "passphrase",
    "passwort",
    "apikey",
    "sshpass",
    "secret",
    "authtoken",
    "sessionid",
    "sessid",
)  # PGPASSWORD
# what a secret is called alone, but programs call other things so, too: believed where the value looks like one
_DOUBTFUL = {"pass", "pw", "otp", "clave", "auth", "cookie", "cookies", "dsn", "bearer", "session id",
             "authorization", "webhook", "webhooks", "credential", "credentials", "jwt"}  # fmt: skip
_PHRASES = (
    "connection string", "session id", "kubeconfig data", "kubeconfig content", "docker auth config", "key data",
    "service account json", "database url", "webhook url",
)  # fmt: skip
# what may stand behind `token` or `key` and leaves it one: HF_TOKEN_B, TOKEN_2, api-key-value
_TAILS = {"value", "secret", "old", "new", "prod", "dev", "test", "staging", "default", "primary", "secondary", "read",
          "write", "ro", "rw", "data", "text", "plain", "encoded", "b", "base", "hash", "str"}  # fmt: skip
_PLACES = {"file", "path", "dir", "directory", "url", "uri", "endpoint", "ref", "refs", "reference", "from", "store",
           "manager", "provider", "class", "engine", "backend", "policy", "mode", "method", "required", "enabled",
           "scheme", "realm", "header", "field", "column", "hint", "format", "kind", "source", "hasher", "validator",
           "regex", "pattern", "attempts", "protocol", "plugin", "module", "algorithm", "alg", "status", "error",
           "message", "host", "port", "user", "username", "domain", "socket", "sock"}  # fmt: skip
_OWNERS = {"api", "access", "auth", "hf", "hub", "refresh", "bot", "service", "admin", "bearer", "user", "session"}
_GLUED = _OWNERS | {"identity", "id", "registry", "security", "csrf", "xsrf", "personal", "private", "client", "login"}
_NAMES_OF_SECRETS = {"image pull secrets", "image pull secret", "existing secret", "pull secret", "external secrets"}
_KEYS = {
    "api", "access", "account", "admin", "app", "auth", "client", "consumer", "crypt", "decryption", "deploy",
    "encryption", "enc", "fernet", "hmac", "integration", "license", "licence", "master", "private", "secret",
    "service", "session", "shared", "sign", "signing", "ssh", "storage", "subscription", "user", "vault", "write",
}  # fmt: skip
_NO_KEYS = {"public", "pub", "foreign", "primary", "sort", "partition", "cache", "missing", "unexpected", "dict",
            "state", "num", "row", "index", "lookup", "event", "registry", "search", "group", "hash", "etag", "digest",
            "memo", "trace", "shape", "graph", "compile", "compilation", "kernel", "prefix", "block", "request",
            "batch", "dedup", "idempotency", "routing", "shard", "bucket", "object", "node", "feature", "model",
            "layer", "param", "weight", "tensor", "map", "config", "fingerprint", "gpg", "pgp", "autotune", "unique",
            "composite", "natural", "item", "entry", "image", "mm", "no", "host", "exit", "status", "error", "return",
            "response", "http", "postal", "country", "language", "lang"}  # fmt: skip
_NO_TOKENS = {
    "eos", "bos", "pad", "unk", "sep", "cls", "mask", "image", "video", "audio", "vision", "stop", "start", "end",
    "special", "next", "new", "first", "last", "prompt", "input", "output", "generated", "cached", "total",
    "chunked", "draft", "max", "min", "num", "n", "batched", "prefill", "decode", "per", "added", "extra", "tool",
    "think", "thinking", "reasoning", "stream", "sampled", "speculative", "ignore", "boi", "eoi", "of", "logprob",
    "completion",
}  # fmt: skip
_SETTINGS = {
    "limit", "count", "counts", "per", "threshold", "budget", "id", "ids", "length", "len", "type", "types", "size",
    "rate", "ratio", "window", "num", "bytes", "pool", "usage", "index", "indices", "dictionary", "level", "map",
    "parser", "step", "steps", "interval", "expired", "expires", "expiry", "ttl", "name", "throughput", "latency",
    "weight", "weights", "capacity", "drop", "dim", "start", "end", "position", "offset", "factor", "timeout",
}  # fmt: skip


def is_secret_name(name: str) -> bool:
    """Whether a variable, an option or a key of this name holds a secret (`HF_TOKEN`, not `max_tokens`)."""
    return _secret(name[:LONGEST])


is_secret_key = is_secret_name


def is_key_of_something(name: str) -> bool:
    """`wandb_key`: a secret where its value looks random; `cache_key` and `exit_code` never are."""
    return _may_be_key(name[:LONGEST])


@lru_cache(maxsize=1 << 14)
def _may_be_key(name: str) -> bool:
    parts = _parts(name)
    if parts in (["sig"], ["signature"]):
        return True
    last = parts[-1] if len(parts) > 1 else ""
    return last in ("key", "keys", "code", "sig", "signature") and _NO_KEYS.isdisjoint(parts[-2:-1])


def is_doubtful(name: str) -> bool:
    """Whether a label also means something else (`pass`, `auth`), so that its value has to look like a secret."""
    return " ".join(_parts(name[:LONGEST])) in _DOUBTFUL


def is_no_key(word: str) -> bool:
    """Whether a key or token that this word stands before is a program's own (`cache key`, `image token`)."""
    return word.lower() in _NO_KEYS or word.lower() in _NO_TOKENS


@lru_cache(maxsize=1 << 14)
def _secret(name: str) -> bool:
    parts = _parts(name)
    if not parts or (parts[-1] in _PLACES and " ".join(parts[-2:]) not in _PHRASES):
        return False
    spoken = f" {' '.join(parts)} "
    if not _SETTINGS.isdisjoint(parts[-1:]) and parts[-2:] != ["session", "id"]:
        return False
    if not _ALWAYS.isdisjoint(parts) or any(f" {phrase} " in spoken for phrase in _PHRASES):
        return " ".join(parts) not in _NAMES_OF_SECRETS
    if parts[-1] in _AT_THE_END or any(part.endswith(_ENDINGS) for part in parts):
        return len(parts) > 1 or parts[0] not in ("pwd", "oldpwd", "pin", "sk")
    return _token(parts, name.isupper()) or _key(parts, name.isupper())


def _token(parts: list[str], variable: bool) -> bool:
    """`token` with nothing behind it but a tail, and nothing of a model before it; `tokens` only of a service."""
    at = _last(parts, ("token", "tokens"))
    if at is None or not (_tail(parts[at + 1 :]) or (variable and _SETTINGS.isdisjoint(parts[at + 1 :]))):
        return False
    if parts[at] == "tokens" and not _OWNERS.intersection(parts[:at]):
        return False
    return _NO_TOKENS.isdisjoint(parts[max(0, at - 2) : at])


def _key(parts: list[str], variable: bool) -> bool:
    """`api_key` in any spelling; in capitals, as variables are named, any key that is not known to be public."""
    at = _last(parts, ("key", "keys"))
    if at is None or at == 0 or parts[at - 1] in _NO_KEYS:
        return False
    if variable:
        return _SETTINGS.isdisjoint(parts[at + 1 :])
    return _tail(parts[at + 1 :]) and parts[at - 1] in _KEYS


def _tail(parts: list[str]) -> bool:
    return all(len(part) <= 2 or part.isdigit() or part in _TAILS for part in parts)


def _last(parts: list[str], wanted: tuple[str, ...]) -> int | None:
    return max((n for n, part in enumerate(parts) if part in wanted), default=None)


def _parts(name: str) -> list[str]:
    return [piece for part in _PARTS.findall(name) for piece in _pieces(part.lower())]


def _pieces(part: str) -> tuple[str, ...]:
    """`identitytoken` as two words, `tokenizer` and `eostoken` as one."""
    for end in ("tokens", "token", "keys", "key"):
        owner = part.removesuffix(end)
        if owner != part:
            return (owner, end) if owner in (_GLUED if end.startswith("token") else _KEYS) else (part,)
    return (part,)
