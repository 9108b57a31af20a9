"""From a wrong answer to a finding: its sentence is in `matrices/answers.yaml`, the facts of this case go into it."""

from __future__ import annotations

from urllib.parse import urlsplit

from doctor.findings import Action, Evidence, Finding, Location, Remediation
from doctor.matrix.answers import refusal
from doctor.probe.talk import Reply, Talk


class _Fields(dict[str, object]):
    """The fields of a sentence; one that is not known is left empty."""

    def __missing__(self, key: str) -> str:
        return ""


def finding(code: str, talk: Talk, reply: Reply | None = None, **fields: object) -> Finding:
    """The finding of this kind; `fields` are those of its sentence beside what the reply itself gives."""
    row = refusal(code)
    known = _Fields(_of_reply(talk, reply) | fields)
    message = row.message.format_map(known)
    fixes = tuple(fix.format_map(known) for fix in row.fixes)
    return Finding(
        row.code, row.name, row.severity, message[:1].upper() + message[1:], location_of(talk, reply),
        evidence_of(talk, reply), tuple(Remediation(f, (Action("manual", text=f),)) for f in fixes),
    )  # fmt: skip


def location_of(talk: Talk, reply: Reply | None) -> Location:
    """The server, and the route that was asked."""
    return Location("server", talk.address.shown, urlsplit(reply.url).path if reply else None)


def evidence_of(talk: Talk, reply: Reply | None) -> tuple[Evidence, ...]:
    """What was asked, and the beginning of what came."""
    if reply is None:
        return ()
    said = talk.said(reply.text) if reply.body and not _is_answer(reply) else ""
    what = str(reply.trouble) if reply.trouble else f"status {reply.status}{': ' if said else ''}{said}"
    source = f"{'POST' if reply.posted else 'GET'} {urlsplit(reply.url).path}"
    return (Evidence("answer", what, source=source),)


def _is_answer(reply: Reply) -> bool:
    """Whether the reply is what was asked for, so that the finding itself quotes what matters of it."""
    data = reply.json()
    return reply.type == "text/event-stream" or (isinstance(data, dict) and bool(data.get("choices")))


def _of_reply(talk: Talk, reply: Reply | None) -> dict[str, object]:
    base: dict[str, object] = {"url": talk.address.shown, "host": talk.address.host, "model": talk.model or "",
                               "other": talk.address.other_scheme, "variable": talk.options.variable}  # fmt: skip
    if reply is None:
        return base
    return base | {
        "request": reply.request, "status": reply.status, "path": urlsplit(reply.url).path,
        "said": talk.said(reply.text),
        "seconds": f"{reply.seconds:.0f}", "received": reply.received, "trouble": reply.trouble or "",
        "type": reply.type or "no content type",
    }  # fmt: skip
