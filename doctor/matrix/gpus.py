"""GPUs by their names: what a card of this name has, or whose accelerator it is. Typed access to `gpus.yaml`."""

from __future__ import annotations

import difflib
import re
from functools import cache

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.matrix.files.data import data_dir
from doctor.matrix.files.tables import table

MIB = 1024**2
LONGEST = 120
USABLE = 0.985  # of the memory, where nobody has reported it: 0.98 to 0.99 on the cards of which it is known
BOX = 1.1  # a size on the box is at most so much larger than what CUDA reports
# words that do not tell cards of one name apart
_IDLE = late_pattern(
    r"\b(?:nvidia|geforce|tesla|gpus?|graphics|card|sxm\d?|pcie?|hbm\d?e?|gddr\dx?|cec|oem|edition|founders)\b"
)
_MEMORY = late_pattern(r"\b(\d{1,4}) ?(?:gi?b?)\b")


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU of NVIDIA: its compute capability, and its memory in MiB as the driver reports it.

    `also` are other names, `unified` marks memory that is the system's own. `usable` are the MiB that CUDA reports,
    without what the driver keeps; 0 where no report is known.
    """

    name: str
    capability: str
    memory: int
    also: tuple[str, ...] = ()
    unified: bool = False
    usable: int = 0

    @property
    def bytes(self) -> int:
        """The memory in bytes."""
        return self.memory * MIB

    @property
    def usable_bytes(self) -> int:
        """What CUDA reports, or about that."""
        return (self.usable or (self.memory if self.unified else int(self.memory * USABLE))) * MIB

    @property
    def version(self) -> tuple[int, int]:
        """The compute capability as numbers."""
        major, _, minor = self.capability.partition(".")
        return int(major), int(minor)


@dataclass(frozen=True, slots=True)
class OtherVendor:
    """Accelerators that do not run CUDA: whose they are, what `runs` on them, what to use instead (`fix`).

    `shared` are words in the names of those whose memory is the system's own.
    """

    vendor: str
    runs: str
    patterns: tuple[str, ...]
    fix: str
    shared: tuple[str, ...] = ()

    def shares(self, name: str) -> bool:
        """Whether the memory of this device is the system's own."""
        plain = " ".join(_lower(name).split())
        return any(re.search(p, plain) for p in self.shared)


@dataclass(frozen=True, slots=True)
class Gpus:
    """The table of `gpus.yaml`."""

    source: str
    verified: str
    cards: tuple[Card, ...]
    others: tuple[OtherVendor, ...]


@cache
def gpus() -> Gpus:
    """The GPUs that are known by name. Raises DataError for damaged data."""
    return table(Gpus, data_dir() / "hardware" / "gpus.yaml")


def card(name: str, memory: int | None = None) -> Card | None:
    """The card of this name, however it is written; `memory` in bytes, or a size in the name, chooses among several."""
    plain = _lower(name)
    told = _MEMORY.search(plain)
    size = memory or (int(told[1]) * 1024 * MIB if told else None)
    for key in (_key(plain), _key(_MEMORY.sub(" ", plain))):
        found = _by_key().get(key, ())
        if found:
            return min(found, key=lambda c: abs(c.bytes - size)) if size else found[0]
    return None


def usable(found: Card | None, memory: int) -> int:
    """Bytes that CUDA has of a card that was named with this size: on the box, or as CUDA or the driver reports it.

    A size stays as it is where nobody has reported what CUDA has of such a card.
    """
    known = found is not None and (found.unified or found.usable)
    if found is None or not known or not found.usable_bytes < memory <= found.usable_bytes * BOX:
        return memory
    return found.usable_bytes


def called(name: str, found: Card) -> str:
    """The name to show: as it was given, with the model's words or the size of the card that was taken for it."""
    words = found.name if name.strip().isdigit() else name
    sizes = {c.memory for c in gpus().cards if c.name == found.name}
    return f"{words} {round(found.memory / 1024)}GB" if len(sizes) > 1 and not _MEMORY.search(_lower(name)) else words


def other(name: str) -> OtherVendor | None:
    """Whose accelerator this is, if it is one that does not run CUDA."""
    plain = " ".join(_lower(name).split())
    if _key(plain) in _by_key():
        return None
    return next((o for o in gpus().others if any(re.fullmatch(p, plain) for p in o.patterns)), None)


def near(name: str, count: int = 3) -> list[str]:
    """Names of cards that may have been meant."""
    names = {_key(_lower(n)): n for c in gpus().cards for n in (c.name, *c.also)}
    wanted = _key(_MEMORY.sub(" ", _lower(name)))
    return [names[k] for k in difflib.get_close_matches(wanted, names, n=count, cutoff=0.6)]


def _lower(name: str) -> str:
    return re.sub(r"[-_/,()]+", " ", name[:LONGEST].lower()).strip()


def _key(plain: str) -> str:
    """`NVIDIA GeForce RTX 4090` and `rtx4090` alike; `4090` too, since no other card has the number."""
    return "".join(_IDLE.sub(" ", plain).replace("generation", " ").split())


@cache
def _by_key() -> dict[str, tuple[Card, ...]]:
    out: dict[str, list[Card]] = {}
    short: dict[str, list[Card]] = {}
    for one in gpus().cards:
        for name in (one.name, *one.also):
            key = _key(_lower(name))
            out.setdefault(key, []).append(one)
            if re.match(r"[rg]tx\d{4}", key):
                short.setdefault(key[3:], []).append(one)
    return {k: tuple(v) for k, v in {**short, **out}.items()}


_DESKTOP = ("geforce", "rtx", "gtx", "titan", "quadro", "jetson", "gb10", "dgx spark", "orin", "thor")


def is_data_center(name: str) -> bool:
    """Whether a card of this name is made for data centers, so that NVIDIA's tools for them support it."""
    return not any(word in name.lower() for word in _DESKTOP)
