"""An adapter in front of a server: what a script runs after it started the server with `&`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from doctor.base.late import late_pattern
from doctor.base.text import one_line
from doctor.launch.innermost import Front
from doctor.launch.program import name_of
from doctor.launch.waiting import asked

if TYPE_CHECKING:
    from doctor.launch.shell_text.result import Start

# programs that run until they are ended; what stands in front of a server is one of these
_LASTING = late_pattern(
    r"(?:python[\d.]*|uvicorn|gunicorn|hypercorn|granian|fastapi|flask|streamlit|gradio|litellm|node|npm|npx|bun|deno|"
    r"nginx|caddy|haproxy|envoy|traefik|java|tail|supervisord|celery|ray|open-webui)$"
)
_ADDRESS = late_pattern(r"(?:.*_)?(?:URLS?|API_BASE|BASE|ENDPOINTS?|HOST|SERVER|ADDRESS|UPSTREAM|BACKEND)$")
_HTTP = late_pattern(r"https?://[^\s;,\"'|<>()]{1,300}")
_LOGIN = late_pattern(r"(?<=://)[^/@]{1,200}@")
MOST = 40


def front_of(starts: tuple[Start, ...], place: int) -> Front | None:
    """What runs in front of the command at `place`, where that runs in the background, and nothing else does."""
    behind = starts[place + 1 :]
    if not starts[place].background or not behind or behind[-1].background:
        return None
    last = behind[-1]
    if not last.words or not _LASTING.match(name_of(last.words[0])):
        return None
    others = [s for s in starts if s.background and s is not starts[place] and s.words]
    alone = not any(_LASTING.match(name_of(s.words[0])) for s in others)
    routes = (*_asked(behind), *addresses(last.environ)) if alone else ()
    return Front(last.words, tuple(dict.fromkeys(routes))[:MOST])


def addresses(variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The HTTP addresses in variables that are named as such; a login in one is left out."""
    for name, value in list(variables.items())[:500]:
        if _ADDRESS.match(name.upper()):
            for url in _HTTP.findall(value[:4000])[:10]:
                yield one_line(name, 80), _LOGIN.sub("", url)


def _asked(starts: tuple[Start, ...]) -> Iterator[tuple[str, str]]:
    """The addresses in the words of commands, such as a loop that waits until the server is ready."""
    for start in starts[:MOST]:
        yield from asked(start.words)
