"""The objects of manifests: what other objects name is found by kind, namespace and name."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import field
from typing import Any

from doctor.base.record import dataclass
from doctor.deployment.values import listed, mapping, text

MOST = 2000
CONFIG, SECRET, SERVICE = "ConfigMap", "Secret", "Service"


@dataclass(frozen=True)
class Object:
    """One object: `body` is the whole mapping, `file` where it stands."""

    kind: str
    name: str
    namespace: str
    body: dict[str, Any]
    file: str


@dataclass
class Objects:
    """All objects of one deployment, in the order in which they are written."""

    all: list[Object] = field(default_factory=list)

    def add(self, documents: list[Any], file: str) -> None:
        """Takes the documents of a file in, those of a `List` one by one."""
        for body in _single(documents):
            if len(self.all) >= MOST:
                return
            meta = mapping(body, "metadata")
            name = text(meta.get("name")) or text(meta.get("generateName")) or "unnamed"
            self.all.append(Object(text(body.get("kind")), name, text(meta.get("namespace")), body, file))

    def of(self, kind: str, namespace: str) -> Iterator[Object]:
        """The objects of a kind in a namespace."""
        return (one for one in self.all if one.kind == kind and one.namespace == namespace)

    def named(self, kind: str, namespace: str, name: str) -> Object | None:
        """The object with this name, None where the files do not hold it."""
        return next((one for one in self.of(kind, namespace) if one.name == name), None)

    def texts(self, kind: str, namespace: str, name: str) -> dict[str, str] | None:
        """What a ConfigMap or Secret holds, by key; None where the files do not hold it."""
        found = self.named(kind, namespace, name)
        if found is None:
            return None
        plain = {**mapping(found.body, "data"), **mapping(found.body, "stringData")}
        return {str(k): text(v) if kind == CONFIG or k in mapping(found.body, "stringData") else _decoded(text(v))
                for k, v in list(plain.items())[:MOST]}  # fmt: skip


def _single(documents: list[Any]) -> Iterator[dict[str, Any]]:
    for body in documents:
        if not isinstance(body, dict):
            continue
        if text(body.get("kind")) == "List":
            yield from (one for one in listed(body, "items") if isinstance(one, dict))
        else:
            yield body


def _decoded(value: str) -> str:
    """The text of a Secret's value, which is base64."""
    try:
        return base64.b64decode(value, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
