"""The memory of one GPU as a picture and a small table, and the same as JSON.

Readable at 80 columns and without colour: each part has a sign of its own. Nothing is shown where no model or no GPU is
known; the rules say then what would be needed.
"""

from __future__ import annotations

from doctor.base.json_object import JsonObject
from doctor.base.text import one_line, plural
from doctor.derived.case import Case
from doctor.derived.memory.findings import between, requests, smallest, tokens
from doctor.derived.memory.pictures import SHOWN, EncoderCache, encoder_cache, pictures
from doctor.derived.memory.verdict import MemoryVerdict, memory_verdict
from doctor.derived.units import size, sizes
from doctor.facts import Observed
from doctor.memory.fit import Fit, ease
from doctor.memory.learned import AN_OLD_RUN

WIDTH = 50
LANGUAGE, VISION, OTHER, CACHE, FREE, OVER, TAKEN = "█", "▓", "▒", "░", "·", "!", "x"
NOTICED = 1 << 29  # bytes of other processes: the driver itself holds less
WORDS = {
    "never": "does not fit", "refused": "does not start with these settings", "short": "starts, with less context",
    "tight": "fits, with little room", "fits": "fits",
}  # fmt: skip


def memory_lines(case: Case, width: int = WIDTH) -> list[str]:
    """The picture and the table, line by line; empty where the model or the GPUs are not known."""
    here = memory_verdict(case)
    if not isinstance(here, MemoryVerdict) or here.fit is None:
        return []
    result = here.fit
    said = [_title(here, result), bar(result, width), *_table(result), *_verdict(result)]
    return [*said, *_learned(here), *_pictures(case, here)]


def memory_to_json(case: Case) -> JsonObject | None:
    """The numbers, in bytes; None where nothing is known of the model's size. Without GPUs, `needs` alone answers."""
    here = memory_verdict(case)
    if not isinstance(here, MemoryVerdict):
        return None
    found, result = here.footprint, here.fit
    data: JsonObject = {
        "model": here.listed.id if here.listed else found.name, "weights": found.total, "vision": int(found.vision),
        "tower": "unknown" if found.unseen else "known" if found.vision else "none",
        "exact": found.exact, "source": here.listed.source if here.listed else found.source,
        "engine": here.settings.engine or None, "gpus": here.settings.gpus,
        "needs": [{"count": count, "gib": gib} for count, gib in smallest(here)], "per_gpu": None,
        "pictures": [
            {"width": p.width, "height": p.height, "tokens": p.tokens, "per_request": p.each,
             "at_once": p.at_once and list(p.at_once)}
            for p in pictures(case.facts, here)
        ],
        "encoder_cache": _kept_pictures(encoder_cache(case.facts, here)),
    }  # fmt: skip
    if result is not None:
        data["per_gpu"] = _one_gpu(here, result)
    if here.learned is not None and here.predicted is not None:
        data["learned"] = _learned_to_json(here.learned, here.predicted)
    return data


def _learned_to_json(seen: Observed, before: Fit) -> JsonObject:
    """What an earlier run of this launch logged, and what would be predicted without it."""
    return {
        "run": seen.run, "at": seen.at, "weights": seen.weights, "cache": seen.cache, "tokens": seen.tokens,
        "length": seen.length, "concurrency": seen.concurrency,
        "predicted": {
            "weights": before.weights, "cache": list(before.cache), "tokens": list(before.tokens),
            "concurrent": [round(c, 2) for c in before.concurrent], "verdict": before.verdict,
        },
    }  # fmt: skip


def _kept_pictures(found: EncoderCache | None) -> JsonObject | None:
    return None if found is None else {"tokens": found.tokens, "bytes": found.bytes, "source": found.source}


def _one_gpu(here: MemoryVerdict, result: Fit) -> JsonObject:
    card = here.device.name if here.device else None
    return {
        "name": card, "card": result.card, "pool": max(result.pool, 0), "language": result.language,
        "vision": result.vision, "overhead": [result.overhead.least, result.overhead.most],
        "overhead_reasons": [what for what, _, _ in result.overhead.reasons], "cache": list(result.cache),
        "bytes_per_token": result.per_token, "tokens": list(result.tokens), "context": result.context,
        "taken": result.rule.taken, "context_bytes": result.needed,
        "concurrent": [round(c, 2) for c in result.concurrent],
        "verdict": result.verdict, "rule": result.rule.rule, "rule_source": result.rule.source,
    }  # fmt: skip


def parts(result: Fit) -> list[tuple[str, int]]:
    """What the card holds, in bytes by sign, up to its end; then what is free, or what is too much."""
    out, left = [], result.card
    for sign, amount in _used(result):
        out.append((sign, min(amount, max(left, 0))))
        left -= amount
    return [*out, (FREE, left) if left >= 0 else (OVER, -left)]


def _used(result: Fit) -> list[tuple[str, int]]:
    return [(TAKEN, _taken(result)), (LANGUAGE, result.language), (VISION, result.vision), (OTHER, _other(result)),
            (CACHE, _cache(result))]  # fmt: skip


def bar(result: Fit, width: int = WIDTH) -> str:
    """`[███▓▒▒░░░░··]`; what the card cannot hold stands behind its end: `[████████]!!!`."""
    used = _used(result)
    whole = max(result.card, sum(amount for _, amount in used))
    inside = round(width * result.card / whole)
    drawn = "".join(sign * n for (sign, _), n in zip(used, _cells([a for _, a in used], whole, width), strict=True))
    if len(drawn) > inside and whole > result.card:
        return f"[{drawn[:inside]}]{OVER * (len(drawn) - inside)}"
    return f"[{drawn[:inside]:{FREE}<{inside}}]"


def _cells(amounts: list[int], whole: int, width: int) -> list[int]:
    """Cells of each amount: rounded by their running sum, and at least one for what is there."""
    out, total, drawn = [], 0, 0
    for amount in amounts:
        total += amount
        cells = max(round(width * total / whole) - drawn, 1 if amount > 0 else 0)
        out.append(cells)
        drawn += cells
    return out


def _other(result: Fit) -> int:
    """The usual overhead; of a server that starts no more than its cache leaves."""
    usual = ease(result.overhead)
    return min(usual, max(result.spare, 0)) if result.starts else usual


def _cache(result: Fit) -> int:
    """The cache beside the usual overhead: what lies between its bounds, as far as the card goes."""
    middle = result.cache[1] - (result.cache[1] - result.cache[0]) // 3
    return max(min(middle, result.card - _taken(result) - result.weights - _other(result)), 0)


def _taken(result: Fit) -> int:
    """What other processes hold of the card, where that is to be noticed."""
    return result.rule.taken if result.rule.taken >= NOTICED else 0


def _title(here: MemoryVerdict, result: Fit) -> str:
    name = here.listed.id if here.listed else here.footprint.name.rstrip("/").rpartition("/")[2] or here.footprint.name
    card = here.device.name if here.device else "GPU"
    count = f"each of {result.settings.gpus} x " if result.settings.gpus > 1 else ""
    if here.unequal:
        count = f"the smallest of {len(here.used)} GPUs, "
    return f"{one_line(name, 34)} on {count}{one_line(card, 16)} ({size(result.card)})"


def _table(result: Fit) -> list[str]:
    rows = [(LANGUAGE, "language model" if result.vision else "weights", size(result.language), "")]
    if result.vision:
        rows.append((VISION, "vision tower", size(result.vision), ""))
    elif _unseen(result):
        rows.append((VISION, "vision tower", "unknown", ""))
    extra = result.overhead
    known = "measured here before" if any(what == AN_OLD_RUN for what, _, _ in extra.reasons) else "estimated"
    rows.append((OTHER, "everything else", sizes(extra.least, extra.most), known))
    if result.cache[1] > 0:
        held = tokens(result) if result.per_token else ""
        rows.append((CACHE, "KV cache", sizes(*result.cache), held))
    over = _taken(result) + result.weights + extra.least - result.card
    if over > 0:
        rows.append((OVER, "too much", size(over), ""))
    if taken := _taken(result):
        rows.insert(0, (TAKEN, "other processes", size(taken), ""))
    return [f"{sign} {name:<16} {amount:<20} {note}".rstrip() for sign, name, amount, note in rows]


def _verdict(result: Fit) -> list[str]:
    said = f"= {WORDS[result.verdict]}"
    if _unseen(result) and result.starts:
        said = "= open: the size of the vision tower is not known"
    if result.verdict == "never" or not result.needed or not result.cache[1]:
        return [said]
    return [said, f"  {requests(result)} at once, {size(result.needed)} each"]


def _unseen(result: Fit) -> bool:
    """Whether a tower is loaded of which nothing is known."""
    return result.footprint.unseen and result.settings.vision


def _learned(here: MemoryVerdict) -> list[str]:
    """Which earlier run the numbers are corrected by, and what they were without it."""
    if here.learned is None or here.predicted is None:
        return []
    return [
        f"  corrected by what this launch logged here on {one_line(here.learned.at, 10) or 'another day'}",
        f"  without it (`--no-cache`): KV cache {sizes(*here.predicted.cache)}"
    ]


def _pictures(case: Case, here: MemoryVerdict) -> list[str]:
    """A picture of one usual size, where the server starts."""
    if here.fit is None or not here.fit.starts:
        return []
    lines: list[str] = []
    for shown in (p for p in pictures(case.facts, here) if (p.width, p.height) == SHOWN and p.at_once):
        each = f"; at most {shown.each:,} in one request" if shown.each is not None else ""
        lines.append(f"  a {shown.width} x {shown.height} image takes {plural(shown.tokens, 'token')}{each}")
        if shown.at_once and shown.at_once[1]:
            lines.append(f"  the KV cache holds {between(*shown.at_once)} of them at once")
    if lines and (kept := encoder_cache(case.facts, here)) is not None:
        lines.append(f"  the encoder cache keeps {plural(kept.tokens, 'token')} of images, {size(kept.bytes)}")
    return lines
