"""What is to be asked, and of whom."""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.probe.address import Address

TIMEOUT, WAIT = 90.0, 20.0


@dataclass(frozen=True, slots=True)
class Options:
    """`model` None asks the first one that is listed. `key` is the API key's value, `variable` where it stood.

    `timeout` are seconds for everything together, `wait` those for a server that says it is not ready. `skip` names
    checks to leave out. `picture` is a color and a shape, None for any.
    """

    address: Address
    model: str | None = None
    key: str | None = None
    variable: str = ""
    timeout: float = TIMEOUT
    wait: float = WAIT
    skip: tuple[str, ...] = ()
    picture: tuple[str, str] | None = None
