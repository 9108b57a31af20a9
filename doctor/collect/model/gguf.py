"""The beginning of a GGUF file: whether it is one, and the architecture that it names."""

from __future__ import annotations

MAGIC = b"GGUF"
READ = 4096
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # of its plain value types
_STRING = 8
_MOST = 16


def architecture(data: bytes) -> str | None:
    """`general.architecture` (`qwen2vl`) among the first values of the file, None where it is not there."""
    if data[:4] != MAGIC or len(data) < 24:
        return None
    at = 24  # magic, version, number of tensors, number of values
    for _ in range(_MOST):
        name, at = _string(data, at)
        if name is None or at + 4 > len(data):
            return None
        kind, at = int.from_bytes(data[at : at + 4], "little"), at + 4
        if kind != _STRING:
            if kind not in _SIZES:
                return None
            at += _SIZES[kind]
            continue
        value, at = _string(data, at)
        if name == "general.architecture":
            return value
    return None


def _string(data: bytes, at: int) -> tuple[str | None, int]:
    length = int.from_bytes(data[at : at + 8], "little")
    if at + 8 > len(data) or not 0 < length <= READ or at + 8 + length > len(data):
        return None, at
    return data[at + 8 : at + 8 + length].decode("utf-8", "replace"), at + 8 + length
