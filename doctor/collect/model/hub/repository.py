"""One repository of the hub as a place with files: small ones whole, weights by their beginnings, each of them checked.

What the hub lists a digest for must give it; what it does not, or of which only a part was read, is `unverified`.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import field

from doctor.base.files import Files, Unreadable
from doctor.base.record import dataclass
from doctor.collect.model.hub import kept
from doctor.collect.model.hub.asking import Hub
from doctor.collect.model.hub.cache import REPOSITORY
from doctor.collect.model.hub.listing import Listed, Refused
from doctor.collect.model.place import Place, Source
from doctor.collect.model.plain import LARGEST
from doctor.collect.model.quantization import FILES as QUANTIZATION
from doctor.collect.model.weights import INDEX_LIMIT, INDEXES

CHUNK = 64 << 10  # most headers are shorter
WORKERS = 8
MOST_HEADERS = 256
MOST_OTHERS = 3
CODE_LIMIT = 512 << 10
_SMALL = ("config.json", "tokenizer_config.json", "preprocessor_config.json", "processor_config.json",
          "video_preprocessor_config.json", *QUANTIZATION)  # fmt: skip


@dataclass
class HubPlace:
    """The files of one commit, by name."""

    path: str
    repository: str
    revision: str
    listed: dict[str, Listed]
    files: Files
    hub: Hub
    source: Source = "hub"
    whole: dict[str, bytes] = field(default_factory=dict)
    heads: dict[str, bytes] = field(default_factory=dict)
    unverified: set[str] = field(default_factory=set)
    others: dict[str, HubPlace | None] = field(default_factory=dict)

    @classmethod
    def open(cls, repository: str, files: Files, hub: Hub) -> HubPlace:
        """Asks what is there. Raises Refused."""
        found = hub.listing(repository)
        return cls(f"{hub.endpoint}/{repository}", repository, found.revision, found.files, files, hub)

    @property
    def names(self) -> tuple[str, ...]:
        """The files at the repository's top."""
        return tuple(sorted(name for name in self.listed if "/" not in name))

    def size(self, name: str) -> int | None:
        """The size that the hub tells."""
        return self.listed[name].size if name in self.listed else None

    def read(self, name: str, limit: int) -> bytes:
        """A small file. Raises Unreadable for one that is not small; Refused for another one than the hub lists."""
        if name not in self.listed:
            raise Unreadable("is missing")
        size = self.listed[name].size
        if size is None:
            raise Unreadable("is not fetched: the hub does not say its size")
        if size > limit:
            raise Unreadable(f"is {size} bytes long, more than the {limit} that are read")
        if name not in self.whole:
            self.whole[name] = self._at_hand(name, size) or self._fetched(name, size)
        return self.whole[name]

    def _at_hand(self, name: str, size: int) -> bytes | None:
        """The content from our cache or that of the hub's client, where the digest vouches for it."""
        from huggingface_hub import try_to_load_from_cache

        digest = self.listed[name].digest
        if digest is None:
            return None
        known = kept.blob(digest, size)
        if known is not None:
            return known
        path = try_to_load_from_cache(self.repository, name, revision=self.revision)
        data = self.files.maybe(os.path.realpath(path), size) if isinstance(path, str) else None
        return data if data is not None and digest.fits(data) else None

    def _fetched(self, name: str, size: int) -> bytes:
        data, digest = self.hub.file(self.repository, name, self.revision, size), self.listed[name].digest
        if len(data) != size:
            raise Refused(f"is not available: the hub sent {len(data)} bytes of a file that it lists as {size} bytes")
        if digest is None:
            self.unverified.add(name)
        elif not digest.fits(data):
            raise Refused("is not available: the hub sent a file whose content differs from its listing")
        else:
            kept.keep(digest, data)
        return data

    def barred(self, name: str) -> bool:
        """Never: what the hub refuses is an error of its own."""
        return False

    def head(self, name: str, limit: int) -> bytes:
        """The first bytes of a file, by range. Raises Unreadable where the server gives none."""
        known, size = self.heads.get(name, b""), self.size(name)
        if len(known) >= limit or (size is not None and len(known) == size):
            return known[:limit]
        length = max(limit, min(CHUNK, (size or 0) // 4))
        found = self.hub.beginning(self.repository, name, self.revision, length, size)
        digest = self.listed[name].digest if name in self.listed else None
        if digest is None or len(found) != size:
            self.unverified.add(name)  # a digest of the whole file says nothing of its beginning
        elif not digest.fits(found):
            raise Refused("is not available: the hub sent a file whose content differs from its listing")
        self.heads[name] = found
        return found[:limit]

    def other(self, repository: str) -> Place | None:
        """Another repository that this one's code refers to; None where the hub does not give it."""
        if repository not in self.others:
            asked = REPOSITORY.match(repository) and len(self.others) < MOST_OTHERS
            self.others[repository] = self._opened(repository) if asked else None
        return self.others[repository]

    def _opened(self, repository: str) -> HubPlace | None:
        try:
            return HubPlace.open(repository, self.files, self.hub)
        except Refused as error:
            if error.late:
                raise
            return None

    def prefetch(self) -> None:
        """Fetches at once what will be read: small files, Python files, and the beginnings of the weights."""
        small = [n for n in (*_SMALL, *self._code()) if self._small(n, LARGEST)]
        small += [n for n in INDEXES if self._small(n, INDEX_LIMIT)]
        weights = [n for n in self.names if n.endswith(".safetensors")][:MOST_HEADERS]
        jobs: list[Callable[[], object]] = [lambda n=n: self.read(n, INDEX_LIMIT) for n in small]  # type: ignore[misc]
        jobs += [lambda n=n: self.head(n, 64) for n in weights]  # type: ignore[misc]
        _at_once(jobs)

    def lay_out(self) -> str | None:
        """A folder of this disk with the Python files that were read, for the linker; None where there is none."""
        code = {name: data for name, data in self.whole.items() if name.endswith(".py")}
        folder = kept.lay_out(code) if code else None
        kept.prune()
        return folder

    def _code(self) -> list[str]:
        return [n for n in self.names if n.endswith(".py") and self._small(n, CODE_LIMIT)][:64]

    def _small(self, name: str, limit: int) -> bool:
        size = self.size(name)
        return size is not None and size <= limit


def _at_once(jobs: Iterable[Callable[[], object]]) -> None:
    """Does all jobs, a few at a time, in threads that end with us; the first error is raised."""
    left: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
    errors: list[BaseException] = []
    for job in jobs:
        left.put(job)

    def work() -> None:
        while not errors:
            try:
                left.get_nowait()()
            except queue.Empty:
                return
            except Unreadable:
                continue  # whoever reads it meets that again
            except BaseException as error:
                errors.append(error)

    threads = [threading.Thread(target=work, name="hub-file", daemon=True) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
