"""The page, the feed and the record of a night: static files that load nothing from anywhere when they are read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from doctor.report.grid.markup import code, t
from doctor.report.page.report import POLICY

if TYPE_CHECKING:
    from nightly import Break, Default, Night

RECORD, PAGE, FEED = "nightly.json", "index.html", "feed.xml"
KEPT = 60  # entries of the feed
SHOWN = 12  # models of one break
STYLE = (Path(__file__).resolve().parents[1] / "doctor/report/page/report.css").read_text(encoding="utf-8")


def previous(out: Path) -> dict[str, Any]:
    """The record of the night before; empty where there is none."""
    try:
        found = json.loads((out / RECORD).read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def write(out: Path, night: Night, before: dict[str, Any], engines: list[str]) -> None:
    """Writes all files, each whole or not at all."""
    known = set(before.get("known", []))
    new = [one for one in night.breaks if one.key not in known]
    entries = [*_entries(night, new), *before.get("entries", [])][:KEPT]
    record = {**asdict(night), "status": night.status, "known": sorted(known | {b.key for b in night.breaks}),
              "entries": entries}  # fmt: skip
    _put(out / PAGE, "".join(page(night, new, engines)))
    _put(out / FEED, feed(entries))
    _put(out / RECORD, json.dumps(record, indent=1) + "\n")


def _put(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.new")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def page(night: Night, new: list[Break], engines: list[str]) -> Iterator[str]:
    """What broke today, what is known to be broken, the default installations, and what was read."""
    broken = [b for b in new if b.admitted]
    title = f"{len(broken)} new breaks" if len(broken) != 1 else "1 new break"
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
    yield f'<link rel="alternate" type="application/rss+xml" href="{FEED}" title="What broke today">\n'
    yield f"<title>What broke today: {t(title)}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
    kind = "error" if broken or night.status == 1 else "pass"
    yield f'<h1 class="{kind}">What broke today: {t(title)}</h1>\n<dl class="head">\n'
    yield f"<dt>date</dt><dd>{t(night.day)}</dd>\n<dt>data</dt><dd>{t(night.data)}</dd>\n"
    yield f"<dt>new releases</dt><dd>{t(', '.join(night.added) or 'none')}</dd>\n"
    grids = ", ".join(f'<a href="{t(e)}.html">{t(e)}</a>' for e in engines)
    yield f"<dt>grids</dt><dd>{grids}</dd>\n</dl>\n"
    for heading, found in (("New today", new), ("Known", [b for b in night.breaks if b not in new])):
        if found:
            yield f"<h2>{heading}</h2>\n"
            yield from (part for one in found for part in _break(one))
    yield "<h2>Default installations</h2>\n"
    yield from (part for one in night.defaults for part in _default(one))
    if night.failed:
        yield "<h2>Not read</h2>\n<ul>\n"
        yield from (f"<li>{t(one)}</li>\n" for one in night.failed)
        yield "</ul>\n"
    yield "<footer>Made by qvl-doctor from the published wheels; nothing of them was run.</footer>\n"
    yield "</main>\n</body>\n</html>\n"


def sentence(one: Break) -> str:
    """A break in one sentence."""
    users = f"{one.engine} {one.version}"
    does = "admits" if one.admitted else "does not admit"
    if one.names:
        more = f" and {len(one.names) - 1} more names" if one.names[1:] else ""
        return f"{users} {does} {one.library} {one.release}, and fails at import: `{one.names[0]}`{more} does not exist"
    many = f"{len(one.models)} models fail" if len(one.models) != 1 else "1 model fails"
    return f"{users} {does} {one.library} {one.release}, with which {many} at import"


def _break(one: Break) -> Iterator[str]:
    severity = "error" if one.admitted else "note"
    yield f'<article class="{severity}">\n<p>{code(sentence(one))}.</p>\n<ul>\n'
    yield from (f"<li><code>{t(name)}</code></li>\n" for name in one.names[:SHOWN])
    for module, names in list(one.models.items())[:SHOWN]:
        yield f"<li><code>{t(module)}</code> imports <code>{t(', '.join(names[:3]))}</code></li>\n"
    left = len(one.models) - SHOWN
    yield (f"<li>and {left} more models</li>\n" if left > 0 else "") + "</ul>\n</article>\n"


def _default(one: Default) -> Iterator[str]:
    severity = "error" if one.alarms else "warning" if one.problem or one.errors else "note"
    said = one.problem or ("no error" if not one.errors else f"{len(one.errors)} errors")
    yield f'<article class="{severity}">\n<p><b>{t(one.engine)} {t(one.version)}</b>: {t(said)}</p>\n<ul>\n'
    for error in one.errors:
        borne = "not borne out by the wheels" if error in one.alarms else "the wheels say the same"
        yield f"<li>{code(error)} ({borne})</li>\n"
    yield "</ul>\n</article>\n"


def _entries(night: Night, new: list[Break]) -> list[dict[str, str]]:
    """The feed's new entries: one for each break, and one for each alarm."""
    at = format_datetime(datetime.now(timezone.utc))
    out = [{"title": sentence(b).replace("`", ""), "id": b.key, "date": at} for b in new if b.admitted]
    for one in night.defaults:
        out += [{"title": f"{one.engine} {one.version}, default installation: {error}", "date": at,
                 "id": f"{night.day} {one.engine}=={one.version} {error[:80]}"} for error in one.alarms]  # fmt: skip
    return out


def feed(entries: list[dict[str, str]]) -> str:
    """RSS 2.0."""
    items = "".join(
        f"<item><title>{_xml(e['title'])}</title><description>{_xml(e['title'])}</description>"
        f'<guid isPermaLink="false">{_xml(e["id"])}</guid><pubDate>{_xml(e["date"])}</pubDate></item>\n'
        for e in entries
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"><channel><title>What broke today</title>'
        f"<link>{PAGE}</link><description>Engine releases that new library releases break</description>\n"
        f"{items}</channel></rss>\n"
    )


def _xml(text: str) -> str:
    from doctor.base.text import one_line

    return escape(one_line(text, 1000))
