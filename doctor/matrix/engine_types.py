"""One engine as a value: what its file in `matrices/engines` holds, and the questions that it answers."""

from __future__ import annotations

from dataclasses import field

from doctor.base.record import dataclass

MODEL = "MODEL"  # stands for the model in `start`


@dataclass(frozen=True, slots=True)
class LaunchForm:
    """One way to start a server: the console command `program` with `subcommand`, or `python -m module` with it.

    `own_parser`: its options are read by another parser than that of the command line, and no table tells them.
    `unread`: positional words that the parser takes and nothing behind it uses.
    """

    program: str | None = None
    module: str | None = None
    subcommand: tuple[str, ...] = ()
    own_parser: bool = False
    unread: tuple[str, ...] = ()

    @property
    def serve(self) -> bool:
        """Whether it is the subcommand `serve` itself, which may have options that the module has not."""
        return self.subcommand == ("serve",)


@dataclass(frozen=True, slots=True)
class Entry:
    """A module that a launch imports: always, or only for a backend, a vision model, or one console command."""

    module: str
    why: str
    backend: str | None = None
    vision: bool = False
    program: str | None = None


@dataclass(frozen=True, slots=True)
class Sampler:
    """What the choice of the next word takes at its peak: `times` x requests x vocabulary x 4 bytes, by `releases`."""

    releases: str
    times: float


@dataclass(frozen=True, slots=True)
class OrdinaryCards:
    """Words in the names of large cards for which these releases take their defaults for smaller ones."""

    releases: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CardRequests:
    """How many requests run at once by default, by words in the card's name, in these releases."""

    releases: str
    cards: dict[str, int]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Architectures whose tower these releases do not load where a request may hold nothing for it; all if empty."""

    releases: str
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """How the engine deals with GPU memory.

    `budget` names the law in `doctor.memory.engines` by which it sizes its KV cache (None: none is known), `share` its
    default share where that is a constant, `largest_share` what advice goes up to. `requests` and `tokens` are its
    defaults for one step, on an ordinary card and on a large one, `vision_tokens` those of a model with pictures on an
    ordinary card. `block` is the tokens of a block of cache. `cache_default` and `cache_names` are the words for the
    cache's number format, `cache_numbers` the table in `doctor.memory.cache` that knows them, `narrow_caches` those
    that advice tries. `ordinary` are words in the names of large cards that count as ordinary ones, by releases.
    `sampler` is what the choice of the next word takes at most, in times of `requests x vocabulary x 4` bytes, by
    releases.
    `windowed_models` are the architectures of which what slid out of a window is freed, where the engine lists them.
    `card_requests` are `requests` of cards by name, where the engine has such a table.
    `towers_left_out` tells whose towers a launch without pictures does not load, `image_towers` are architectures whose
    tower looks at images alone, and `seen_on_request` those that take pictures only if the command says so.
    `adapters` are the LoRA adapters that it has room for by default (None: as many as are named), and `adapter_rank`
    the rank of each (None: that of the largest).
    """

    budget: str | None = None
    share: float | None = None
    largest_share: float = 0.0
    requests: tuple[int, int] = (256, 256)
    tokens: tuple[int, int] = (2048, 2048)
    vision_tokens: int | None = None
    block: int = 0
    cache_default: str = "auto"
    cache_names: dict[str, str] = field(default_factory=dict)
    cache_numbers: str = "names"
    narrow_caches: tuple[str, ...] = ()
    ordinary: tuple[OrdinaryCards, ...] = ()
    sampler: tuple[Sampler, ...] = ()
    windowed_models: tuple[str, ...] = ()
    card_requests: tuple[CardRequests, ...] = ()
    towers_left_out: tuple[LeftOut, ...] = ()
    image_towers: tuple[str, ...] = ()
    seen_on_request: tuple[str, ...] = ()
    adapters: int | None = None
    adapter_rank: int | None = None

    def requests_of(self, version: str | None, card: str) -> int | None:
        """`card_requests` of this release for a card of this name."""
        held = [row.cards for row in self.card_requests if _within(row.releases, version, True)]
        found = (many for word, many in (held[-1] if held else {}).items() if word in card.lower())
        return next(found, None)

    def leaves_out(self, version: str | None, architectures: tuple[str, ...]) -> bool:
        """Whether this release leaves out the tower of such a model where no request may hold a picture."""
        held = [row.models for row in self.towers_left_out if _within(row.releases, version, True)]
        return bool(held) and (not held[-1] or any(name in held[-1] for name in architectures))

    def is_ordinary(self, version: str | None, card: str) -> bool:
        """Whether this release takes its defaults for smaller cards, by the card's name."""
        held = (word for row in self.ordinary if _within(row.releases, version, True) for word in row.names)
        return any(word in card.lower() for word in held)

    def sampler_of(self, version: str | None) -> float | None:
        """`times` of this release, of the newest where it is not known; None for an engine without rows."""
        held = [s for s in self.sampler if _within(s.releases, version, True)]
        return held[-1].times if held else None


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine. `name` is what is installed, as distributions are compared; `package` is what is imported.

    `rank` orders the engines. A `library` is imported by the others and is no engine to choose. `backends` are
    exclusive halves, the default first. `start` is the plainest command, `MODEL` standing for the model; `other` what
    else the program does, no server. `host` and `port` are the defaults of the newest release. `options` are names by
    meaning, the oldest first; `words` are values with a meaning. Variables that begin as `environment` says are the
    engine's and named in its source, those of `native_environment` are read by compiled code; `variables` are single
    ones by meaning. Classes of `argument_classes` take its options. `config_module` holds configuration classes of its
    own. `other_methods` are names of quantizations that read a checkpoint of another, `extras` those of the
    distribution without which it does not serve. The distribution `kernels` is its compiled code, where that is
    another, and `rebuild` builds it against a torch that is there. `answers` are paths that the server answers to a GET
    request with success, each with the releases that do ("" for all); a path below one of `keyed` requires the API key
    where one is set. `traits` are habits, each with the releases that have it ("" for all). `group_port` is where
    several machines meet if the launch does not say.
    """

    name: str
    distribution: str
    package: str
    source: str
    verified: str
    launches: tuple[LaunchForm, ...]
    entries: tuple[Entry, ...] = ()
    backends: tuple[str, ...] = ()
    rank: int = 5
    library: bool = False
    start: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    host: str = "0.0.0.0"
    port: int | None = None
    group_port: int | None = None
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    environment: tuple[str, ...] = ()
    native_environment: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    argument_classes: tuple[str, ...] = ()
    config_module: str | None = None
    other_methods: dict[str, tuple[str, ...]] = field(default_factory=dict)
    extras: tuple[str, ...] = ()
    kernels: str | None = None
    rebuild: str | None = None
    answers: dict[str, str] = field(default_factory=dict)
    keyed: tuple[str, ...] = ()
    traits: dict[str, str] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)

    @property
    def halves(self) -> tuple[str, ...]:
        """The backends as the tables name them: `default` for an engine without any."""
        return self.backends or ("default",)

    def names(self, meaning: str) -> tuple[str, ...]:
        """Every name that the engine's releases have had for an option, the oldest first."""
        return self.options.get(meaning, ())

    def option(self, meaning: str) -> str | None:
        """The oldest name that is an option; None where the engine has no such option."""
        return next((n for n in self.names(meaning) if n.startswith("-")), None)

    def brief(self, meaning: str) -> str | None:
        """The shortest of the long names: what advice writes."""
        return min((n for n in self.names(meaning) if n.startswith("--")), key=len, default=None)

    def asks(self, meaning: str, value: str | None) -> bool:
        """Whether an option that stands in the command with this value (None: it does not) asks for its meaning."""
        return value is not None and (not self.words.get(meaning) or value in self.words[meaning])

    def has(self, trait: str, version: str | None = None, *, unknown: bool = True) -> bool:
        """Whether this release has the habit; `unknown` is the answer where the release is not known."""
        releases = self.traits.get(trait)
        return False if releases is None else True if not releases else _within(releases, version, unknown)

    def serves_path(self, path: str, version: str | None = None) -> bool:
        """Whether it answers a GET request for this path; any path, where no list of them is known."""
        releases = self.answers.get(path.partition("?")[0].rstrip("/") or "/")
        if releases is None:
            return not self.answers
        return not releases or _within(releases, version, True)

    def does_otherwise(self, subcommand: tuple[str, ...]) -> bool:
        """Whether its program does something else with these words, no server of the OpenAI form."""
        said = " ".join(subcommand)
        return any(said == o or said.startswith(f"{o} ") for o in self.other)


def _within(releases: str, version: str | None, unknown: bool) -> bool:
    from packaging.specifiers import SpecifierSet
    from packaging.version import InvalidVersion

    try:
        return SpecifierSet(releases).contains(version, prereleases=True) if version else unknown
    except InvalidVersion:
        return unknown


UNKNOWN = Engine("", "", "", "", "", ())
