"""One repository of the hub as a place with files. Imports the hub's client, which takes half a second: only when used.

Whatever the client raises is let through: `hub` says what it means.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import field
from typing import Any

from doctor.base.files import Files, Unreadable
from doctor.base.record import dataclass
from doctor.collect.model.hub.cache import REPOSITORY
from doctor.collect.model.place import MOST_NAMES, Place, Source
from doctor.collect.model.plain import LARGEST
from doctor.collect.model.quantization import FILES as QUANTIZATION
from doctor.collect.model.weights import INDEX_LIMIT, INDEXES

TIMEOUT = 6.0  # seconds without a byte
CHUNK = 64 << 10  # most headers are shorter
WORKERS = 8
MOST_HEADERS = 256
MOST_OTHERS = 3
CODE_LIMIT = 512 << 10
_SMALL = ("config.json", "tokenizer_config.json", "preprocessor_config.json", "processor_config.json",
          "video_preprocessor_config.json", *QUANTIZATION)  # fmt: skip


class Refused(ValueError):
    """The hub's answer cannot be used; the message says of the repository what is wrong."""


@dataclass
class HubPlace:
    """The files of one commit. `sizes` are those that the hub lists, None for a file of which it does not tell."""

    path: str
    repository: str
    revision: str
    sizes: dict[str, int | None]
    files: Files
    source: Source = "hub"
    folder: str | None = None
    heads: dict[str, bytes] = field(default_factory=dict)
    others: dict[str, HubPlace | None] = field(default_factory=dict)

    @classmethod
    def open(cls, repository: str, files: Files) -> HubPlace:
        """Asks what is there. Raises what the client raises; Refused for an answer that is none."""
        from huggingface_hub import HfApi, constants
        from huggingface_hub.utils import disable_progress_bars, logging  # type: ignore[attr-defined]

        disable_progress_bars()
        logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        info: Any = HfApi().model_info(repository, files_metadata=True, timeout=TIMEOUT)
        sha, siblings = info.sha, info.siblings
        if not isinstance(sha, str) or not sha.isalnum() or not isinstance(siblings, list):
            raise Refused("is not available: the hub does not say which files it has")
        sizes: dict[str, int | None] = {}
        for one in siblings[:MOST_NAMES]:
            if isinstance(one.rfilename, str) and ".." not in one.rfilename.split("/"):
                sizes[one.rfilename] = one.size if type(one.size) is int and one.size >= 0 else None
        return cls(f"{constants.ENDPOINT}/{repository}", repository, sha, sizes, files)

    @property
    def names(self) -> tuple[str, ...]:
        """The files at the repository's top."""
        return tuple(sorted(name for name in self.sizes if "/" not in name))

    def size(self, name: str) -> int | None:
        """The size that the hub tells."""
        return self.sizes.get(name)

    def read(self, name: str, limit: int) -> bytes:
        """A small file, fetched into the client's cache. Raises Unreadable for one that is not small."""
        from huggingface_hub import hf_hub_download

        if name not in self.sizes:
            raise Unreadable("is missing")
        size = self.sizes[name]
        if size is None:
            raise Unreadable("is not fetched: the hub does not say its size")
        if size > limit:
            raise Unreadable(f"is {size} bytes long, more than the {limit} that are read")
        path = hf_hub_download(self.repository, name, revision=self.revision, etag_timeout=TIMEOUT)
        if self.folder is None:
            self.folder = os.path.normpath(path[: -len(name)])
        return self.files.read(os.path.realpath(path), limit)

    def head(self, name: str, limit: int) -> bytes:
        """The first bytes of a file, by range. Raises Unreadable where the server gives none."""
        known = self.heads.get(name, b"")
        size = self.sizes.get(name)
        if len(known) >= limit or (size is not None and len(known) == size):
            return known[:limit]
        found = self._range(name, max(limit, min(CHUNK, (size or 0) // 4)))
        self.heads[name] = found
        return found[:limit]

    def _range(self, name: str, length: int) -> bytes:
        import requests
        from huggingface_hub import hf_hub_url
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

        url = hf_hub_url(self.repository, name, revision=self.revision)
        headers = {**build_hf_headers(), "Range": f"bytes=0-{length - 1}", "Accept-Encoding": "identity"}
        with requests.get(url, headers=headers, timeout=TIMEOUT, stream=True) as response:
            if response.status_code not in (200, 206):
                raise Unreadable(f"was rejected by the hub (status {response.status_code})")
            out = bytearray()
            # a server that knows no ranges begins to send all of it: what was asked for is taken, no more
            for chunk in response.iter_content(16 << 10):
                out += chunk
                if len(out) >= length:
                    break
        return bytes(out[:length])

    def other(self, repository: str) -> Place | None:
        """Another repository that this one's code refers to; None where the hub does not give it."""
        if repository not in self.others:
            asked = REPOSITORY.match(repository) and len(self.others) < MOST_OTHERS
            self.others[repository] = HubPlace.open(repository, self.files) if asked else None
        return self.others[repository]

    def prefetch(self) -> None:
        """Fetches at once what will be read: small files, Python files, and the beginnings of the weights."""
        small = [n for n in _SMALL if n in self.sizes and (self.sizes[n] or LARGEST + 1) <= LARGEST]
        small += [n for n in INDEXES if n in self.sizes and (self.sizes[n] or INDEX_LIMIT + 1) <= INDEX_LIMIT]
        code = [n for n in self.names if n.endswith(".py") and (self.sizes[n] or CODE_LIMIT + 1) <= CODE_LIMIT]
        weights = [n for n in self.names if n.endswith(".safetensors")][:MOST_HEADERS]
        jobs: list[Callable[[], object]] = [lambda n=n: self.read(n, INDEX_LIMIT) for n in small + code[:64]]  # type: ignore[misc]
        jobs += [lambda n=n: self.head(n, 64) for n in weights]  # type: ignore[misc]
        _at_once(jobs)


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
