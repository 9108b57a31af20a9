"""The variables of a container, and `$(NAME)` in its words, as the kubelet puts them together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from doctor.base.late import late_pattern
from doctor.base.record import dataclass
from doctor.deployment.kubernetes.objects import CONFIG, SECRET, SERVICE, Objects
from doctor.deployment.values import at, listed, mapping, number, text

_REFERENCE = late_pattern(r"\$\$|\$\(([A-Za-z_.][A-Za-z0-9_.-]{0,200})\)")
LONGEST = 1 << 16
ADDRESS = "10.96.0.1"  # stands for the address of a service, which the cluster chooses


@dataclass
class Variables:
    """`known` by name; `unknown` are set, but what to is not in the files; `given` are those that the cluster sets."""

    known: dict[str, str] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)

    def set(self, name: str, value: str | None, *, given: bool = False) -> None:
        """Sets one; None: to what is not known."""
        self.given.discard(name)
        self.given |= {name} if given else set()
        self.known.pop(name, None)
        self.unknown.discard(name)
        if value is None:
            self.unknown.add(name)
        else:
            self.known[name] = value

    def filled(self, word: str) -> str:
        """A word with its `$(NAME)` replaced; of a name that nothing sets it stays as it is, as in a pod.

        One that is set to an unknown value becomes `${NAME}`, which every reader takes for unknown.
        """

        def value(found: re.Match[str]) -> str:
            name = found[1]
            if name is None:
                return "$"
            return self.known.get(name, f"${{{name}}}" if name in self.unknown else found[0])

        return _REFERENCE.sub(value, word[:LONGEST])[:LONGEST]


def variables_of(pod: Mapping[str, Any], container: Mapping[str, Any], objects: Objects, namespace: str) -> Variables:
    """Links of services first, then `envFrom`, then `env`: the later goes before the earlier."""
    out = Variables()
    if at(pod, "enableServiceLinks") is not False:
        for name, value in _links(objects, namespace):
            out.set(name, value, given=True)
    for source in listed(container, "envFrom"):
        prefix = text(at(source, "prefix"))
        for kind, key in ((CONFIG, "configMapRef"), (SECRET, "secretRef")):
            held = objects.texts(kind, namespace, text(at(source, key, "name")))
            for name, value in (held or {}).items():
                out.set(f"{prefix}{name}", value)
    for entry in listed(container, "env"):
        if name := text(at(entry, "name")):
            out.set(name, _value(entry, out, objects, namespace))
    return out


def _value(entry: Any, before: Variables, objects: Objects, namespace: str) -> str | None:
    source = mapping(entry, "valueFrom")
    if not source:
        return before.filled(text(at(entry, "value")))
    for kind, key in ((CONFIG, "configMapKeyRef"), (SECRET, "secretKeyRef")):
        if key in source:
            held = objects.texts(kind, namespace, text(at(source, key, "name")))
            return None if held is None else held.get(text(at(source, key, "key")))
    return None


def _links(objects: Objects, namespace: str) -> Iterator[tuple[str, str]]:
    """`NAME_PORT=tcp://...` and its like, for every service with an address in the namespace."""
    for one in objects.of(SERVICE, namespace):
        ports = listed(one.body, "spec", "ports")
        address = text(at(one.body, "spec", "clusterIP"))
        if address == "None" or text(at(one.body, "spec", "type")) == "ExternalName" or not ports:
            continue
        address = address or ADDRESS
        prefix, port = one.name.upper().replace("-", "_"), number(at(ports[0], "port"), 0)
        protocol = (text(at(ports[0], "protocol")) or "TCP").lower()
        yield f"{prefix}_SERVICE_HOST", address
        yield f"{prefix}_SERVICE_PORT", str(port)
        yield f"{prefix}_PORT", f"{protocol}://{address}:{port}"
