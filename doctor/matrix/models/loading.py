"""What an engine imports of other packages when it loads the module of an architecture, in each of its releases."""

from __future__ import annotations

from doctor.base.record import dataclass
from doctor.matrix import rows
from doctor.matrix.compat import DISTRIBUTIONS
from doctor.matrix.providers import releases_with
from doctor.matrix.releases import ReleaseSet

KIND = "imports.models"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A name (or module, where `name` is empty) that `file` of the engine takes, in its releases of these `bits`.

    `having` are the releases of `library` that have it.
    """

    module: str
    name: str
    library: str
    having: ReleaseSet
    file: str
    bits: int

    @property
    def key(self) -> str:
        """`MODULE:NAME`, or the module alone."""
        return f"{self.module}:{self.name}" if self.name else self.module


@rows.kept(32)
def loaded_for(engine: str, architecture: str) -> tuple[Loaded, ...]:
    """Only what some release of its library lacks and another one has: of the rest nothing follows."""
    from doctor.facts import normalize

    out = []
    for (imported, inside), when in _imports(engine, architecture).items():
        module, _, name = imported.partition(":")
        top = module.partition(".")[0]
        library = normalize(DISTRIBUTIONS.get(top, top))
        having, home = releases_with(library, module, name or None), releases_with(library, module)
        exists = home is not None and home.newest is not None  # of a module that none has, the index says nothing
        if having is not None and exists and having.bits != having.releases.everything().bits:
            out.append(Loaded(module, name, library, having, inside.replace(".", "/") + ".py", when))
    return tuple(out)


def _imports(engine: str, architecture: str) -> dict[tuple[str, str], int]:
    """`(imported, module of the engine)` -> the releases; through the engine's modules, release by release."""
    todo = [(place.rpartition(".")[0], found.bits) for found, place in
            rows.history(engine, "architectures.default", architecture) if isinstance(place, str)]  # fmt: skip
    seen, out = dict[str, int](), dict[tuple[str, str], int]()
    while todo:
        module, when = todo.pop()
        when &= ~seen.get(module, 0)
        if not when:
            continue
        seen[module] = seen.get(module, 0) | when
        for pair, then in rows.having(engine, KIND, f"{module} ").items():
            imported = pair.partition(" ")[2]
            if imported.partition(".")[0] == module.partition(".")[0]:
                todo.append((imported, when & then))
            elif when & then:
                out[imported, module] = out.get((imported, module), 0) | when & then
    return out
