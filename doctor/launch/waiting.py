"""The addresses that commands ask: `curl http://...`, `nc -z HOST PORT`, `wait-for-it HOST:PORT`, Python in a word."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from urllib.parse import urlsplit

from doctor.base.address import LOCAL
from doctor.base.late import late_pattern
from doctor.base.text import one_line
from doctor.launch.program import name_of

_HTTP = late_pattern(r"https?://[^\s;,\"'|<>()]{1,300}")
_LOGIN = late_pattern(r"(?<=://)[^/@]{1,200}@")
_SOCKET = late_pattern(r"/dev/tcp/([\w.-]{1,200})/(\d{1,5})\b")
_DIALS = late_pattern(r"(?:nc|ncat|netcat)$")
_WAITS = late_pattern(r"(?:wait-for(?:-it)?(?:\.sh)?|dockerize|wait4ports|wait-on)$")
_PAIR = late_pattern(r"(?:tcp:(?://)?)?([\w.-]{1,200}):(\d{1,5})$")
_SENDS = late_pattern(
    r"(?:\s|^)(?:-X\s*(?!GET)\w+|--request[= ](?!GET)\w+|-d|--data\S*|--json|--post-\S+|-F|-I|--head)(?:[\s=]|$)"
)
_FAILS = late_pattern(r"\bcurl\b.*\s(?:-[a-zA-Z]*f[a-zA-Z]*|--fail(?:-with-body)?)(?:\s|$)")
_HEADER = late_pattern(r"(?:\s|^)(?:-H|--header)|headers\s*=|Authorization", re.IGNORECASE)
_TEXT = late_pattern(r"(?:ba|da|z|k|a)?sh$")
MOST = 40
LONGEST = 8000


def asked(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each address that a command asks, behind the option that holds it or the program's name; logins left out."""
    for at, word in enumerate(words[:100]):
        option = word if word.startswith("--") else words[at - 1] if at else ""
        named = option.partition("=")[0] if option.startswith("--") else name_of(words[0])
        for url in [*_HTTP.findall(word[:LONGEST])[:3], *_sockets(word)]:
            yield one_line(named, 80), _LOGIN.sub("", url)
    yield from ((name_of(words[0]), url) for url in _dialed(words))


def _sockets(word: str) -> list[str]:
    return [f"http://{host}:{port}" for host, port in _SOCKET.findall(word[:LONGEST])[:3]]


def _dialed(words: Sequence[str]) -> Iterator[str]:
    """The addresses of programs that open a connection and say nothing."""
    program = name_of(words[0]) if words else ""
    if _DIALS.match(program):
        plain = [w for w in words[1:20] if not w.startswith("-")]
        yield from (f"http://{a}:{b}" for a, b in pairwise(plain) if b.isdigit() and len(b) < 6)
    elif _WAITS.match(program):
        yield from (f"http://{found[1]}:{found[2]}" for w in words[1:20] if (found := _PAIR.match(w)))


def local_ports(words: Sequence[str]) -> list[int]:
    """The ports of its own machine that a command, or a text of one, asks."""
    out: dict[int, None] = {}
    for text in words[:100]:
        out |= dict.fromkeys(at[0] for _, url in asked(text.split()) if (at := _local(url)) is not None)
    return list(out)


def _local(url: str) -> tuple[int, str] | None:
    """Port and path of an address of the command's own machine; None for another one, and for what is no address."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return None
    return (port, parts.path or "/") if parts.hostname in (*LOCAL, "0.0.0.0") else None


def checks(name: str, words: Sequence[str]) -> tuple[str, ...]:
    """What a health check asks on its own machine: `healthcheck 8000 /health`, the path where an error status fails it.

    `key` stands behind a path that is asked with a header of its own.
    """
    text = " ".join(words[:100])
    paths = _paths(text) if _notices(text) else {}
    more = " key" if _HEADER.search(text) else ""
    return tuple(f"{name} {p} {paths[p]}{more}" if p in paths else f"{name} {p}" for p in local_ports([text]))


def _notices(text: str) -> bool:
    """Whether the command fails where the answer is an error: `curl -f`, wget, Python's `urlopen`, and by GET alone."""
    if _SENDS.search(text):
        return False
    return bool(_FAILS.search(text) if "curl" in text else re.search(r"\bwget\b|\burlopen\b|raise_for_status", text))


def _paths(text: str) -> dict[int, str]:
    """The only path that is asked at each local port; a port that is asked for several is left out."""
    out: dict[int, set[str]] = {}
    for port, path in filter(None, map(_local, _HTTP.findall(text[:LONGEST]))):
        if not re.search(r"[$`{}\\]", path):
            out.setdefault(port, set()).add(one_line(path, 100))
    return {port: next(iter(found)) for port, found in out.items() if len(found) == 1}


def asked_inside(
    words: Sequence[str], environ: Mapping[str, str], folder: str, read: Callable[[str], str | None]
) -> tuple[tuple[str, str], ...]:
    """What the words of a container's start ask, and those of the shell texts and scripts that they run.

    `read` gives the text of a file there by its path.
    """
    from doctor.launch.shell_text import Setting, ways

    texts = list(_texts(words, folder, read))
    plain = [w for w in words if w not in texts]  # a text is read as the commands that it holds
    out = list(asked(plain)) if plain else []
    for text in texts:
        for way in ways(text, Setting(environ, folder, read=read, open_environment=True))[:4]:
            out += [pair for start in way.starts[:MOST] if start.words for pair in asked(start.words)]
    return tuple(dict.fromkeys(out))[:MOST]


def _texts(words: Sequence[str], folder: str, read: Callable[[str], str | None]) -> Iterator[str]:
    """The shell texts among the words: behind `-c` of a shell, and scripts."""
    for at, word in enumerate(words[:20]):
        if at > 1 and words[at - 1] in ("-c", "-lc", "-ec") and _TEXT.match(name_of(words[at - 2])):
            yield word
        elif len(word) < 400 and "\n" not in word and word.endswith((".sh", ".bash", "entrypoint", "start")):
            text = read(word if word.startswith("/") else f"{folder.rstrip('/')}/{word}")
            if text and "\0" not in text:
                yield text
