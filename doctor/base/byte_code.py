"""Byte code of our own modules, as Python keeps it beside them."""

from __future__ import annotations

import importlib.util
import marshal

UNCHECKED = b"\x01\x00\x00\x00"  # PEP 552: a hash that is not compared with the source


def byte_code(source: bytes, name: str) -> bytes | None:
    """What a `.pyc` file holds for a source, the same for each build; None where this Python cannot read it."""
    try:
        code = compile(source, name, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError):
        return None
    return importlib.util.MAGIC_NUMBER + UNCHECKED + importlib.util.source_hash(source) + marshal.dumps(code)
