"""Whatever encoding a log comes in, made UTF-8 bytes: PowerShell's UTF-16, and text that was decoded wrongly before."""

from __future__ import annotations

import codecs

from doctor.base.late import late_pattern

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
# What UTF-8 punctuation, block characters and Chinese look like after being read as Mac Roman or as cp1252.
_MAC = late_pattern("[‚ƒ‹Â√][ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆«»… ]")
_CP1252 = late_pattern("[ÂÃâåæçèéä][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")


def sniff(head: bytes) -> str | None:
    """The codec to decode a stream with that begins with `head`; None for UTF-8, ASCII and what is near it."""
    for bom, codec in _BOMS:
        if head.startswith(bom) and (codec == "utf-8-sig" or head[:4096].count(0) * 20 > len(head[:4096])):
            return None if codec == "utf-8-sig" else codec
    sample = head[:4096]
    if len(sample) >= 8 and sample.count(0) * 5 > len(sample) * 2:
        return "utf-16-le" if sample[1::2].count(0) >= sample[::2].count(0) else "utf-16-be"
    return None


def transcoder(head: bytes) -> codecs.IncrementalDecoder | None:
    """A decoder for a stream that is not UTF-8 already; bad units become U+FFFD."""
    codec = sniff(head)
    return codecs.getincrementaldecoder(codec)(errors="replace") if codec else None


def text_of(raw: bytes) -> str:
    """One line as text: bad bytes become U+FFFD, and UTF-8 that was read as Mac Roman or cp1252 is repaired."""
    text = raw.decode("utf-8", "replace")
    return text if text.isascii() else repaired(text)


def repaired(text: str) -> str:
    """`text` with one wrong decoding undone, where it bears the marks of one and undoing it works."""
    for marks, codec in ((_MAC, "mac_roman"), (_CP1252, "cp1252")):
        if marks.search(text):
            try:
                return text.encode(codec).decode("utf-8")
            except (UnicodeEncodeError, UnicodeDecodeError):
                continue
    return text
