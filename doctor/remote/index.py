"""What a package index lists of a project: its releases and files, as JSON (PEP 691) or HTML (PEP 503, 592 and 658)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin

from packaging.version import Version

from doctor.base.late import late_pattern
from doctor.facts import normalize
from doctor.remote.client import Client
from doctor.remote.errors import IndexUnavailable, WheelError
from doctor.remote.http import get
from doctor.remote.index_json import ACCEPT, IndexedWheel, is_json, parse_json
from doctor.remote.source import wheel_name

LARGEST_PAGE = 32 << 20
LONGEST_TAG = 8192
MOST_LINKS = 50_000
_SHA256 = late_pattern(r"sha256=([0-9a-fA-F]{64})\Z")
_WHOLE = late_pattern(r"""<(?:[^<>"']|"[^"]*"|'[^']*')*>""")
_TAG = late_pattern(r"<(?:a|base)\s", re.IGNORECASE)


def wheels(http: Client, index_url: str, project: str) -> list[IndexedWheel]:
    """The wheels of `project`, oldest release first; unreadable file names are left out. Raises IndexUnavailable."""
    page = f"{index_url.rstrip('/')}/{normalize(project)}/"
    answer = get(http, page, LARGEST_PAGE, {"Accept": ACCEPT})
    if answer.status != 200:
        raise IndexUnavailable(f"the index returned {answer.status} for {normalize(project)}")
    text = answer.body.decode("utf-8", "replace")
    if is_json(answer.headers.get("content-type", "")):
        return _ordered(parse_json(text, answer.url, normalize(project)))
    return parse_page(text, answer.url, normalize(project))


def parse_page(html: str, base: str, project: str) -> list[IndexedWheel]:
    """The wheels that a simple page lists; links are resolved against `base`, or the page's own `<base>`.

    Raises IndexUnavailable for a page with no end of links.
    """
    parser = _Links(base)
    for tag in _tags(html):
        parser.feed(tag)
        parser.reset()
    found = [w for link in parser.links if (w := _wheel(link, parser.base, project))]
    return _ordered(found)


def _ordered(found: list[IndexedWheel]) -> list[IndexedWheel]:
    return sorted(found, key=lambda w: (Version(w.version), w.filename))


# The Python whose wheel stands for a release that has one for each: the one that most engines' releases have.
REFERENCE_PYTHON = "cp311"


def best_wheel(offered: list[IndexedWheel]) -> IndexedWheel:
    """Of one release's wheels the one that stands for it: pure Python, else for Linux on x86-64, reference Python."""

    def rank(wheel: IndexedWheel) -> tuple[bool, bool, bool, str]:
        joined = " ".join(wheel.tags)
        linux = "manylinux" in joined and "x86_64" in joined
        return "none-any" in joined, linux, REFERENCE_PYTHON in joined or "abi3" in joined, wheel.filename

    return max(offered, key=rank)


def _tags(html: str) -> Iterator[str]:
    """The links to wheels, each alone and of bounded length: the time to read a page grows with its length only."""
    at = count = 0
    while (found := _TAG.search(html, at)):
        whole = _WHOLE.match(html, found.start(), found.start() + LONGEST_TAG)
        at = whole.end() if whole else found.start() + LONGEST_TAG
        if whole and (".whl" in whole[0] or whole[0][1] in "bB"):
            count += 1
            if count > MOST_LINKS:
                raise IndexUnavailable(f"the index lists more than {MOST_LINKS} files of one project")
            yield whole[0]


class _Links(HTMLParser):
    def __init__(self, base: str) -> None:
        super().__init__()
        self.base, self.links = base, list[dict[str, str]]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {k: v or "" for k, v in attrs}
        if tag == "base" and values.get("href"):
            self.base = _resolved(self.base, values["href"]) or self.base
        elif tag == "a" and values.get("href"):
            self.links.append(values)


def _resolved(base: str, href: str) -> str:
    """A link's address; empty for one that is none (`http://[x`)."""
    try:
        return urljoin(base, href)
    except ValueError:
        return ""


def _wheel(link: dict[str, str], base: str, project: str) -> IndexedWheel | None:
    url, fragment = urldefrag(_resolved(base, link["href"]))
    filename = unquote(url.rpartition("/")[2])
    try:
        name, version, tags = wheel_name(filename)
    except WheelError:
        return None
    if name != project:
        return None
    python = link.get("data-requires-python") or None
    metadata = link.get("data-core-metadata") or link.get("data-dist-info-metadata") or ""
    return IndexedWheel(
        project, version, filename, url, _digest(fragment), tags, python, link.get("data-yanked"), _digest(metadata)
    )


def _digest(text: str) -> str | None:
    """The digest in `sha256=0f3a...`; None for anything else."""
    found = _SHA256.match(text)
    return found[1].lower() if found else None
