"""The dynamic loader's second half: symbol versions and symbols, checked in its own order.

Follows `_dl_check_map_versions`, `_dl_sort_maps` (2.35 and later) and `_dl_relocate_object` of glibc with RTLD_NOW,
which is what Python's `import` and `ctypes.CDLL` use.
"""

from __future__ import annotations

from collections.abc import Sequence

from doctor.facts.natives import NativeVerdict, Reference
from doctor.link.loader.explanations import explain_symbol, explain_version
from doctor.link.loader.ldso import Loaded, Refused, Space
from doctor.link.loader.types import Image

# What glibc keeps free by default for libraries loaded later: at most some 1800 bytes (dl_tls_static_surplus in
# elf/dl-tls_static_surplus_init.c, TLS_STATIC_SURPLUS before 2.32). What is shared out among several is not counted.
_TLS_SURPLUS = 2048


class Symbols:
    """Looks symbols up in libraries. `python_inside` takes Python's own API for given."""

    def __init__(self, python_inside: bool = False) -> None:
        self.python_inside = python_inside
        self._providers: dict[int, frozenset[int]] = {}

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
        for entry in relocation_order(order):
            if entry in fresh:
                _check_tls(entry)
                missing = self._unresolved(entry, scope, space)
                first = self._first_bound(entry.image, missing)
                if first is not None:
                    raise Refused(self._verdict(first, entry, scope))

    def _unresolved(self, entry: Loaded, scope: Sequence[Image], space: Space) -> list[Reference]:
        """Strong references that nothing in scope defines. More libraries in scope never make one fail that did not."""
        image = entry.image
        known = self._providers.get(id(image))
        if known is not None and known <= {id(i) for i in scope}:
            return []
        left = [r for r in image.references if not r.weak]
        if self.python_inside:
            left = [r for r in left if not r.name.startswith((b"Py", b"_Py"))]
        providers: set[int] = set()
        left = self._not_where_expected(left, scope, space, providers)
        for candidate in dict.fromkeys((*(d.image for d in entry.deps), image, *scope)):
            if not left:
                break
            before, left = len(left), candidate.lacking(left)
            if len(left) < before:
                providers.add(id(candidate))
        if not left:
            self._providers[id(image)] = frozenset(providers)
        return left

    @staticmethod
    def _not_where_expected(
        references: Sequence[Reference], scope: Sequence[Image], space: Space, providers: set[int]
    ) -> list[Reference]:
        """Those that are not in the library that their version requirement names: where most of them are."""
        within = {id(i) for i in scope}
        groups: dict[bytes | None, list[Reference]] = {}
        for ref in references:
            groups.setdefault(ref.file, []).append(ref)
        left = groups.pop(None, [])
        for file, group in groups.items():
            expected = space.names.get((file or b"").decode("utf-8", "surrogateescape"))
            if expected is None or id(expected.image) not in within:
                left.extend(group)
                continue
            rest = expected.image.lacking(group)
            left.extend(rest)
            if len(rest) < len(group):
                providers.add(id(expected.image))
        return left

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


def _check_tls(entry: Loaded) -> None:
    """A library that wants its thread-local data in the block made at start gets what little was left over there."""
    if entry.image.static_tls > _TLS_SURPLUS:
        text = f"{entry.path}: cannot allocate memory in static TLS block"
        meaning = "it must be loaded when the process starts (LD_PRELOAD), not later"
        raise Refused(NativeVerdict("fail", "damaged-library", entry.path, entry.path, None, text, meaning))


def relocation_order(order: Sequence[Loaded]) -> list[Loaded]:
    """Dependencies before those that need them, as glibc's depth-first sort leaves it; the root last."""
    root = order[0]
    done: list[Loaded] = []
    seen = {root}  # glibc sorts before the root has its list of dependencies, so a cycle ends at the root
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
    return [*done, root]
