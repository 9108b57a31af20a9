"""The YAML of compose files: `!reset` and `!override` are kept until files are merged; any other tag is left aside."""

from __future__ import annotations

from typing import Any

import yaml

from doctor.base.record import dataclass


@dataclass(frozen=True)
class Tagged:
    """A value with a tag: `reset` takes away what stands there, `override` replaces it instead of merging."""

    tag: str
    value: Any


class ComposeLoader(yaml.SafeLoader):
    """Safe YAML with the tags of compose files."""


def _tagged(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if not isinstance(node, (yaml.MappingNode, yaml.SequenceNode, yaml.ScalarNode)):
        return None
    value = _value(loader, node)
    return Tagged(suffix, value) if suffix in ("reset", "override") else value


def _value(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else str(node.value)


ComposeLoader.add_multi_constructor("!", _tagged)
