"""nginx: where `proxy_pass` and `upstream` send requests, as far as the text says it."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.base.late import late_pattern
from doctor.base.text import one_line
from doctor.facts.gateway import Route

_PASS = late_pattern(r"\bproxy_pass\s+(https?)://([\w.-]{1,200})(?::(\d{1,5}))?([^\s;]{0,300})\s*;")
_UPSTREAM = late_pattern(r"\bupstream\s+([\w.-]{1,100})\s*\{([^}]{0,20000})\}")
_SERVER = late_pattern(r"\bserver\s+([\w.-]{1,200})(?::(\d{1,5}))?")
_COMMENT = late_pattern(r"#[^\n]*")


def is_nginx(text: str) -> bool:
    """Whether a text is a configuration of nginx that sends requests on."""
    return bool(_PASS.search(text) or (_UPSTREAM.search(text) and "proxy_pass" in text))


def nginx_routes(text: str) -> Iterator[Route]:
    """The addresses of upstreams and of `proxy_pass`; one that names an upstream is that upstream's."""
    bare = _COMMENT.sub(lambda m: " " * len(m[0]), text)
    names = set()
    for block in _UPSTREAM.finditer(bare):
        names.add(block[1])
        for server in _SERVER.finditer(block[2]):
            line = bare.count("\n", 0, block.start(2) + server.start()) + 1
            yield Route(f"upstream {block[1]}", f"http://{server[1]}:{server[2] or 80}", line)
    for found in _PASS.finditer(bare):
        if found[2] not in names:
            port = found[3] or ("443" if found[1] == "https" else "80")
            line = bare.count("\n", 0, found.start()) + 1
            yield Route("proxy_pass", one_line(f"{found[1]}://{found[2]}:{port}", 300), line)
