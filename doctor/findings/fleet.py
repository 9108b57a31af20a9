"""The answer about several machines: what is wrong with each kind, and what is wrong between them."""

from __future__ import annotations

from dataclasses import field

from doctor.base.record import dataclass
from doctor.findings import SEVERITIES, Answered, Finding, RuleResult


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A node in the answer. `kind` numbers its group from 1; None where it did not answer, and `reason` says why.

    `odd` are the sections in which it is unlike most nodes. `launch` is what to start there, ready to paste, `environ`
    the variables that go before it. `foretold` says whether its rank would come up: True, False, or None for unknown.
    `ran` is the interpreter that ran doctor there, with none of its packages.
    """

    name: str
    rank: int
    kind: int | None = None
    reason: str | None = None
    odd: tuple[str, ...] = ()
    host: str | None = None
    address: str | None = None
    launch: str | None = None
    foretold: bool | None = None
    ran: str | None = None


@dataclass(frozen=True, slots=True)
class KindRow:
    """Nodes that are alike: their names, the findings of one machine that stands for all, what differs from most."""

    number: int
    nodes: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    open: int = 0
    differs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EndRow:
    """How one rank of `fleet run` ended: `status` of its server (None: the connection ended, or it never started).

    `seconds` after the start; `sentence`, `found` (the cause that its log shows) and `tail` are from the report of its
    run, which lies in `folder` on the node. `stopped`: by us, because another one had failed; `echo`: its last words
    are that another rank is gone. `order` counts from 1 in the order in which the ranks ended.
    """

    name: str
    rank: int
    status: int | None = None
    seconds: float = 0.0
    sentence: str = ""
    found: str | None = None
    tail: tuple[str, ...] = ()
    folder: str = ""
    stopped: bool = False
    echo: bool = False
    order: int = 0


@dataclass(frozen=True, slots=True)
class FleetRun:
    """How the ranks of a launch ended. `first` is the one whose failure the others repeat, None where none failed."""

    ends: tuple[EndRow, ...]
    first: EndRow | None
    versions: dict[str, str]
    why: str = ""

    @property
    def status(self) -> int:
        """That of the first failure, as `run` gives it; 1 where it has none; 0 where all ended well."""
        if self.first is None:
            return 0
        return self.first.status if self.first.status and 0 < self.first.status < 256 else 1


@dataclass(frozen=True, slots=True)
class FleetReport(Answered):
    """`results` are those of the rules between nodes; each kind has its own findings."""

    nodes: tuple[NodeRow, ...]
    kinds: tuple[KindRow, ...]
    results: tuple[RuleResult, ...]
    versions: dict[str, str]
    seconds: float = 0.0
    slowest: float = 0.0
    unread: int = 0

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Those between nodes first, then those of each kind; the gravest first."""
        between = [f for r in self.results for f in r.findings]
        every = [*between, *(f for k in self.kinds for f in k.findings)]
        return tuple(sorted(every, key=lambda f: SEVERITIES.index(f.severity)))

    @property
    def silent(self) -> tuple[NodeRow, ...]:
        """The nodes that did not answer."""
        return tuple(n for n in self.nodes if n.kind is None)
