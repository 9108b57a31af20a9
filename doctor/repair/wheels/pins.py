"""`--to FILE`: exact versions, one `name==version` a line, with hashes or without; nothing else is taken."""

from __future__ import annotations

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from doctor.base.late import late_pattern
from doctor.base.opening import first_bytes, is_handed_on
from doctor.base.record import dataclass
from doctor.base.text import one_line
from doctor.repair.errors import RepairError

LARGEST = 1 << 20
_HASH = late_pattern(r"--hash[= ]sha256:([0-9a-fA-F]{64})(?=\s|$)")
_COMMENT = late_pattern(r"(?:^|\s)#.*$")


class PinsError(RepairError):
    """The file holds something else than exact versions; one sentence with its line."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """One distribution at one version; `hashes` are sha256 in hexadecimal, any of which will do."""

    name: str
    version: str
    hashes: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """As a requirements file says it."""
        return " ".join([f"{self.name}=={self.version}", *(f"--hash=sha256:{h}" for h in self.hashes)])


def read_pins(path: str) -> tuple[Pinned, ...]:
    """Raises PinsError."""
    shown = one_line(path, 200)
    try:
        data = _bytes(path)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a path"
        raise PinsError(f"`{shown}` cannot be read: {why}") from None
    if len(data) > LARGEST:
        raise PinsError(f"`{shown}` is larger than {LARGEST >> 20} MiB, so it is not a file of pins")
    text = data.decode("utf-8-sig", "replace").replace("\\\r\n", " ").replace("\\\n", " ")
    pins: dict[str, Pinned] = {}
    for number, line in enumerate(text.splitlines(), 1):
        stripped = _COMMENT.sub("", line).strip()
        if not stripped:
            continue
        pin = _pin(stripped, f"`{shown}`, line {number}")
        if pin.name in pins and pins[pin.name] != pin:
            raise PinsError(f"`{shown}`, line {number}: `{pin.name}` is pinned twice, to different versions")
        pins[pin.name] = pin
    if not pins:
        raise PinsError(f"`{shown}` contains no pins")
    return tuple(pins.values())


def _bytes(path: str) -> bytes:
    """What the file holds, one byte more than is allowed at most; of a pipe, only one that a shell handed on."""
    if not is_handed_on(path):
        return first_bytes(path, LARGEST + 1)
    with open(path, "rb") as pipe:
        return pipe.read(LARGEST + 1)


def pins_of(versions: dict[str, str]) -> tuple[Pinned, ...]:
    """The pins of a plan: distribution -> version."""
    return tuple(Pinned(canonicalize_name(name), version) for name, version in sorted(versions.items()))


def _pin(text: str, where: str) -> Pinned:
    hashes = tuple(h.lower() for h in _HASH.findall(text))
    plain = _HASH.sub("", text).strip()
    if plain.startswith("-"):
        raise PinsError(f"{where} is an option; only `name==version` is accepted")
    try:
        requirement = Requirement(plain)
        clauses = list(requirement.specifier)
        exact = len(clauses) == 1 and clauses[0].operator in ("==", "===") and not clauses[0].version.endswith(".*")
        if requirement.url or requirement.marker or not exact:
            raise PinsError(f"{where} is not an exact version such as `name==1.2`")
        version = str(Version(clauses[0].version))
    except (InvalidRequirement, InvalidVersion):
        raise PinsError(f"{where} is not an exact version such as `name==1.2`") from None
    return Pinned(canonicalize_name(requirement.name), version, hashes)
