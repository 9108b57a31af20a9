"""The dynamic loader's second half: symbol versions and symbols, checked in its own order.

Follows `_dl_check_map_versions`, `_dl_sort_maps` (2.35 and later) and `_dl_relocate_object` of glibc with RTLD_NOW,
which is what Python's `import` and `ctypes.CDLL` use.
"""

from __future__ import annotations

from collections.abc import Sequence

from doctor.facts.natives import NativeVerdict, Reference
from doctor.link.ldso import Loaded, Refused, Space
from doctor.link.loader_types import Image
from doctor.link.plain_words import explain_symbol, explain_version

Key = tuple[bytes, bytes | None]


class Symbols:
    """Looks symbols up in libraries, remembering every answer. `python_inside` takes Python's own API for given."""

    def __init__(self, python_inside: bool = False) -> None:
        self.python_inside = python_inside
        self._answers: dict[int, dict[Key, bool]] = {}

    def check_versions(self, new: Sequence[Loaded], space: Space) -> None:
        """Raises Refused for the first symbol version that a new library requires and the loaded one lacks."""
        for entry in new:
            for need in entry.image.version_needs:
                provider = space.names.get(need.file.decode("utf-8", "surrogateescape"))
                if need.weak or provider is None:
                    continue
                versions = provider.image.versions
                if versions and need.name not in versions:
                    name = need.name.decode("utf-8", "replace")
                    text = f"{provider.path}: version `{name}' not found (required by {entry.path})"
                    meaning = explain_version(name, versions)
                    raise Refused(NativeVerdict(
                        "fail", "missing-version", name, entry.path, provider.path, text, meaning,
                    ))  # fmt: skip

    def check_symbols(self, order: Sequence[Loaded], new: Sequence[Loaded], space: Space) -> None:
        """Raises Refused for the first symbol that the loader would not find while it binds the new libraries."""
        fresh = set(new)
        scope = [e.image for e in dict.fromkeys((*space.everywhere, *order))]
        by_file = {name: e.image for name, e in space.names.items()}
        for entry in relocation_order(order):
            if entry in fresh:
                missing = self._unresolved(entry.image, scope, by_file)
                first = self._first_bound(entry.image, missing)
                if first is not None:
                    raise Refused(self._verdict(first, entry, scope))

    def _unresolved(self, image: Image, scope: Sequence[Image], by_file: dict[str, Image]) -> list[Reference]:
        left: list[Reference] = []
        for ref in image.references:
            if ref.weak or (self.python_inside and ref.name.startswith((b"Py", b"_Py"))):
                continue
            if ref.file is not None:
                likely = by_file.get(ref.file.decode("utf-8", "surrogateescape"))
                if likely is not None and self.defines(likely, ref):
                    continue
            left.append(ref)
        for candidate in scope:
            if not left:
                break
            left = [ref for ref in left if not self.defines(candidate, ref)]
        return left

    def defines(self, image: Image, ref: Reference) -> bool:
        """Whether the reference would bind to a symbol of this library."""
        answers = self._answers.setdefault(id(image), {})
        key = (ref.name, ref.version)
        known = answers.get(key)
        if known is None:
            known = answers[key] = image.exports(ref.name, ref.version)
        return known

    @staticmethod
    def _first_bound(image: Image, missing: Sequence[Reference]) -> Reference | None:
        if not missing:
            return None
        by_index = {ref.position: ref for ref in missing}
        return next((by_index[i] for i in image.bound if i in by_index), None)

    def _verdict(self, ref: Reference, entry: Loaded, scope: Sequence[Image]) -> NativeVerdict:
        name = ref.name.decode("utf-8", "replace")
        version = f", version {ref.version.decode('utf-8', 'replace')}" if ref.version else ""
        text = f"{entry.path}: undefined symbol: {name}{version}"
        meaning, provider = explain_symbol(ref.name, scope)
        return NativeVerdict("fail", "missing-symbol", name, entry.path, provider, text, meaning)


def relocation_order(order: Sequence[Loaded]) -> list[Loaded]:
    """Dependencies before those that need them, as glibc's depth-first sort leaves it; the root last."""
    done: list[Loaded] = []
    seen: set[Loaded] = set()
    for start in reversed(order):
        if start in seen:
            continue
        seen.add(start)
        stack = [(start, iter(start.deps))]
        while stack:
            entry, rest = stack[-1]
            following = next((d for d in rest if d not in seen), None)
            if following is None:
                done.append(entry)
                stack.pop()
            else:
                seen.add(following)
                stack.append((following, iter(following.deps)))
    root = order[0]
    return [*(e for e in done if e is not root), root]
