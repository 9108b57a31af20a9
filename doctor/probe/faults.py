"""What is wrong with an answer before anybody looks at what it says: no answer, a refusal, something else's answer."""

from __future__ import annotations

import dataclasses
import io
import re
from typing import Any
from urllib.parse import urlsplit

from doctor.base.late import late_pattern
from doctor.base.text import one_line
from doctor.findings import Finding
from doctor.matrix.answers import known_as
from doctor.probe.saying import evidence_of, finding, location_of
from doctor.probe.talk import Reply, Talk
from doctor.remote.proxies import proxy_of
from doctor.remote.redirects import same_owner

_TLS_HERE = "SRV105"
_HTML = late_pattern(r"\s*(?:<!--.{0,2000}?-->\s*)?<(?:!doctype html|html|head|body)\b", re.I | re.S)
_TITLE = late_pattern(r"<title[^>]{0,100}>([^<]{1,120})", re.I)
_BY_STATUS = {413: "SRV143", 429: "SRV142", 502: "SRV141", 503: "SRV140", 504: "SRV141", 404: "SRV134", 405: "SRV134"}
_OF_GATEWAYS = {502: "SRV141", 503: "SRV141", 504: "SRV141", 413: "SRV143", 429: "SRV142"}
_LOG_LINES = 40_000  # characters of an error's text that are compared with the known crashes
_MESSAGE = 400
_ENOUGH = ("high", "medium")


def fault(talk: Talk, reply: Reply, check: str, *, json: bool = True) -> Finding | None:
    """The finding for an answer that is none to the question of `check`; None for one with status 200 and, with
    `json`, a JSON object in it."""
    if reply.trouble is not None:
        return _no_answer(talk, reply)
    if reply.status < 400 and not json:
        return None
    if is_html(reply):
        return _page(talk, reply)
    said = error_text(reply)
    if reply.status >= 400 or (reply.status < 300 and said is not None):
        return _refused(talk, reply, check, said or reply.text)
    if reply.status != 200:
        return finding("SRV109", talk, reply, trouble=f"the server answered with a redirect ({reply.status})")
    return None if isinstance(reply.json(), dict) else finding("SRV131", talk, reply)


def oddities(talk: Talk, reply: Reply) -> list[Finding]:
    """What is odd of a JSON answer: it says that it is something else, or it came from another address."""
    out = [] if "json" in reply.type else [finding("SRV132", talk, reply)]
    if talk.led is None and reply.at and not same_owner(reply.url, reply.at):
        parts = urlsplit(reply.at)
        talk.led = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        out.append(finding("SRV112", talk, reply, target=one_line(talk.led, 200)))
    return out


def is_html(reply: Reply) -> bool:
    """Whether a web page came."""
    if reply.type in ("text/html", "application/xhtml+xml"):
        return not isinstance(reply.json(), dict)
    return _HTML.match(reply.text[:4000]) is not None


def error_text(reply: Reply) -> str | None:
    """The words of an error in any of the forms that servers give it; None for an answer that is not an error."""
    data = reply.json()
    if not isinstance(data, dict) or data.get("choices"):
        return None
    if data.get("object") == "error":
        return _message(data.get("message"))
    if (error := data.get("error")) not in (None, "", False):
        inner = error.get("message") or error.get("detail") or error if isinstance(error, dict) else error
        kind = f" ({error['code']})" if isinstance(error, dict) and isinstance(error.get("code"), str) else ""
        return _message(inner) + kind
    if "detail" in data:
        return _message(data["detail"])
    return _message(data["message"]) if reply.status >= 400 and "message" in data else None


def _message(value: Any) -> str:
    """A message, or those of a list as validation has them: `body.messages: Input should be ...`."""
    if isinstance(value, list):
        return "; ".join(_message(v) for v in value[:8])
    if isinstance(value, dict) and isinstance(value.get("msg"), str):
        at = value.get("loc")
        place = ".".join(str(p) for p in at[:8]) if isinstance(at, list) else ""
        return f"{place}: {value['msg']}" if place else str(value["msg"])
    return value if isinstance(value, str) else str(value)[:2000]


def _no_answer(talk: Talk, reply: Reply) -> Finding:
    assert reply.trouble is not None
    kind = reply.trouble.kind
    if kind == "timeout":
        return finding("SRV107" if reply.received else "SRV106", talk, reply)
    if kind == "connection" and reply.began:
        return finding("SRV110", talk, reply)
    if kind in ("connection", "certificate") and (proxy := proxy_of(reply.url)):
        return finding("SRV102", talk, reply, proxy=proxy)
    if kind in ("connection", "certificate") and (other := _other_protocol(talk)):
        return finding(other, talk, reply)
    if kind == "connection" and not reply.trouble.unreached:
        return finding("SRV113", talk, reply)
    code = {"certificate": "SRV103", "size": "SRV108", "redirect": "SRV109", "connection": "SRV101"}.get(kind, "SRV111")
    return finding(code, talk, reply)


def _other_protocol(talk: Talk) -> str | None:
    """Whether the port speaks HTTP where TLS was asked for, or the reverse; None where neither answers."""
    other = talk.address.other_scheme
    reply = talk.get("health request", f"{other}/health", patient=False, login=False)
    certificate = reply.trouble is not None and reply.trouble.kind == "certificate"
    if other.startswith("https"):
        spoke = reply.status or (certificate and "handshake" not in str(reply.trouble))
        return _TLS_HERE if spoke else None
    return "SRV104" if reply.status else None


def _page(talk: Talk, reply: Reply) -> Finding:
    """A web page: the error page of something in front, or a page that somebody meant to be seen."""
    title = _TITLE.search(reply.text[:20_000])
    for row, _ in known_as(reply.text[:20_000], ""):
        if row.code == _TLS_HERE:
            return finding(_TLS_HERE, talk, reply)
    if reply.status in (401, 403):
        return _who_may_ask(talk, reply)
    named = f", titled `{talk.said(title[1], 60)}`" if title else ""
    return finding(_OF_GATEWAYS.get(reply.status, "SRV130"), talk, reply, title=named)


def _refused(talk: Talk, reply: Reply, check: str, said: str) -> Finding:
    """The server says no: its words decide where they are known, else its status."""
    text = said[:_LOG_LINES]
    for row, match in known_as(text, check):
        limit = match.groupdict().get("limit")
        return finding(row.code, talk, reply, said=talk.said(text), served=_served(talk),
                       context=f" ({limit} tokens)" if limit else "")  # fmt: skip
    if reply.status in (401, 403):
        return _who_may_ask(talk, reply)
    if (crash := _crash(talk, reply, text)) is not None:
        return crash
    code = _BY_STATUS.get(reply.status, "SRV144" if reply.status >= 500 else "SRV145")
    seconds = f"{max(reply.waited, 0):.0f}"
    return finding(code, talk, reply, said=talk.said(text) or "no reason given", seconds=seconds)


def _served(talk: Talk) -> str:
    """Which names are listed, for a server that refuses one."""
    if talk.model in talk.served:
        return ", though it lists it: what answers the requests is another server than what lists the models"
    return f"; it serves {', '.join(f'`{m}`' for m in talk.served[:4])}" if talk.served else ""


def _who_may_ask(talk: Talk, reply: Reply) -> Finding:
    return finding("SRV121" if talk.options.key else "SRV120", talk, reply)


def _crash(talk: Talk, reply: Reply, text: str) -> Finding | None:
    """The known crash whose words the server sent, if they are sure."""
    from doctor.explain import explain_log

    found = explain_log(io.BytesIO(text.encode("utf-8", "replace") + b"\n"), finite=True)[0]
    if found.severity != "error" or found.confidence not in _ENOUGH:
        return None
    message = talk.said(found.message[:1].upper() + found.message[1:], _MESSAGE)
    return dataclasses.replace(
        found, message=message, primary=False, location=location_of(talk, reply), evidence=evidence_of(talk, reply)
    )
