"""Requirements one by one, and what has been read so far: pins, builds of torch, problems. No URL is opened."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.base.secrets.hide import redact_text
from doctor.base.text import one_line
from doctor.collect.declared.text import LONGEST_LINE
from doctor.facts import Pin, Problem, normalize

MOST_PINS = 5000
_OPTION = late_pattern(r"\s+--?(?:hash|config-settings?|global-option|install-option)\b.*$", re.DOTALL)
_EGG = late_pattern(r"(?:^|&)egg=([A-Za-z0-9][A-Za-z0-9._-]{0,100})")
_PATH = late_pattern(
    r"(?:[A-Za-z][A-Za-z0-9+.-]{0,20}://|\.{0,2}[\\/]|[A-Za-z]:[\\/]|\.$|file:)|.*\.(?:whl|tar\.gz|zip)(?:#.*)?$"
)
# an index of PyTorch's own has one build, and so has a backend of uv: `.../whl/cu128`, `--torch-backend=cpu`
_BUILD = late_pattern(
    r"(?:/whl/|/pytorch[\w-]{0,20}/|--torch-backend[= ] ?)(?:nightly/|test/)?"
    r"(cu\d{2,3}|cpu|xpu|rocm[\d.]{1,8})(?![\w.])"
)
# an exact version, as `==` and `===` write it; `==4.46.*` leaves the release open
_EXACT = late_pattern(r"[^*,\s]{1,100}$")


_INDEX = late_pattern(r"(?:-i|-f|--(?:extra-)?index-url|--find-links|--index|--default-index)(?:\s+|=)\s*(\S+)")
_PUBLIC = late_pattern(r"https?://(?:pypi\.org|download\.pytorch\.org|wheels\.vllm\.ai|flashinfer\.ai)(?:[/:]|$)")


@dataclass
class Reading:
    """What has been read so far; `seen` are the files on the way, so that files that include each other end.

    `builds` are the builds of torch that install steps choose by their index: step -> `cu128`. `python` is the release
    of Python that a file fixes, `why` what was chosen of it, `locked` are the steps that a lock file writes out,
    `elsewhere` the distributions that come from a repository or a folder instead of an index.
    """

    environ: Mapping[str, str]
    step: int = 0
    pins: list[Pin] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    builds: dict[int, str] = field(default_factory=dict)
    seen: set[tuple[str, bool]] = field(default_factory=set)
    python: str | None = None
    why: list[str] = field(default_factory=list)
    locked: set[int] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)
    indexes: set[str] = field(default_factory=set)


def note_build(text: str, reading: Reading) -> None:
    """Keeps which build of torch (`cu128`, `cpu`) an index or an option of this install step chooses."""
    if found := _BUILD.search(text):
        reading.builds[reading.step] = found[1]


def note_index(text: str, reading: Reading) -> None:
    """Keeps an index or a folder of packages other than the public ones: what these hold is not known."""
    if (found := _INDEX.match(text)) and not _PUBLIC.match(found[1].strip("\"'")):
        reading.indexes.add(shown(found[1]))


def exact(requirement: Requirement) -> str | None:
    """The one release that a requirement admits, or None."""
    for one in requirement.specifier:
        if one.operator in ("==", "===") and _EXACT.match(one.version):
            return one.version
    return wheel_version(requirement.url) if requirement.url else None


def wheel_version(url: str) -> str | None:
    """The version in a wheel's file name at the end of a URL or path, or None."""
    found = _wheel(url)
    return found[1] if found else None


def requirement_pins(line: str, source: str, reading: Reading, constraint: bool) -> Iterator[Pin]:
    """The pin that one requirement makes; what is none becomes a problem."""
    text = _OPTION.sub("", line).strip()
    if len(text) > LONGEST_LINE:
        reading.problems.append(Problem(source, f"`{source}` is too long for a requirement"))
        return
    try:
        requirement = Requirement(text)
    except (InvalidRequirement, RecursionError):  # brackets without end
        if _PATH.match(text):
            yield from located(text, source, reading, constraint)
        else:
            reading.problems.append(Problem(source, f"`{source}` is not a requirement"))
        return
    if requirement.url and not wheel_version(requirement.url):
        reading.elsewhere.add(normalize(requirement.name))
    yield Pin(normalize(requirement.name), _plain(requirement), source, reading.step, constraint)


def located(text: str, source: str, reading: Reading, constraint: bool) -> Iterator[Pin]:
    """A path or a URL without a name before it: a wheel's name tells both, `#egg=` the name, anything else nothing."""
    location, _, marker = text.partition(" ;")
    wheel, egg = _wheel(location), _EGG.search(_fragment(location))
    if wheel:
        suffix = f" ;{marker}" if marker else ""
        yield Pin(normalize(wheel[0]), f"{wheel[0]}=={wheel[1]}{suffix}", source, reading.step, constraint)
    elif egg:
        reading.elsewhere.add(normalize(egg[1]))
        yield Pin(normalize(egg[1]), egg[1], source, reading.step, constraint)
    else:
        message = f"`{source}` installs {shown(text)}, whose name and version are unknown"
        reading.problems.append(Problem(source, message))


def _fragment(text: str) -> str:
    try:
        return urlsplit(text).fragment
    except ValueError:
        return ""


def _wheel(url: str) -> tuple[str, str] | None:
    try:
        name, version, _, _ = parse_wheel_filename(unquote(re.split(r"[\\/]", url.partition("#")[0])[-1]))
    except (InvalidWheelFilename, ValueError):
        return None
    return str(name), str(version)


def _plain(requirement: Requirement) -> str:
    """As text without a login in its URL; a wheel's URL as the version that its name tells."""
    version = wheel_version(requirement.url) if requirement.url else None
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    rule = f"=={version}" if version else "" if requirement.url else str(requirement.specifier)
    return f"{requirement.name}{extras}{rule}" + (f"; {requirement.marker}" if requirement.marker else "")


def shown(text: str) -> str:
    """The words of a line for a message, without secrets."""
    return f"`{one_line(redact_text(text), 120)}`"
