"""The numbers of `/metrics`, as far as a probe wants them."""

from __future__ import annotations

from doctor.base.late import late_pattern

MOST_LINES = 100_000
_LINE = late_pattern(
    r"(?P<name>[A-Za-z_:][\w:]{0,200})(?:\{(?P<labels>[^\n]{0,4000})\})?[ \t]+(?P<value>[-+.\w]{1,40})"
)
_COUNTS = late_pattern(
    r"(?i)(?:(?:generation|output|completion|predicted)_tokens|tokens_predicted|request_success|num_requests|"
    r"requests?(?:_metric)?)(?:_total)?$|total_requests(?:_metric)?(?:_total)?$"
)
_GAUGES = late_pattern(r"(?i)(?:running|waiting|swapped|queue)")
_USAGE = late_pattern(r"(?i)(?:cache_usage(?:_perc|_ratio)?|token_usage)$")
_BLOCKS = late_pattern(r'num_gpu_blocks="(\d{1,12})"')


def parsed(text: str) -> dict[str, float] | None:
    """Every number, summed over labels, by its name; None for text that is not in the form of Prometheus.

    `num_gpu_blocks`, a label of vLLM, is given as a number too.
    """
    out: dict[str, float] = {}
    wrong = 0
    for line in text.splitlines()[:MOST_LINES]:
        if not line.strip() or line.startswith("#"):
            continue
        found = _LINE.match(line)
        value = _number(found["value"]) if found else None
        if found is None or value is None:
            wrong += 1
            continue
        out[found["name"]] = out.get(found["name"], 0.0) + value
        if blocks := _BLOCKS.search(found["labels"] or ""):
            out["num_gpu_blocks"] = float(blocks[1])
    return out if out and wrong <= len(out) else None


def counting(numbers: dict[str, float]) -> dict[str, float]:
    """Those that every answered request has to raise."""
    return {n: v for n, v in numbers.items() if _COUNTS.search(n) and not _GAUGES.search(n)}


def cache_usage(numbers: dict[str, float]) -> float | None:
    """The share of the KV cache that is in use, 0 to 1."""
    found = next((v for n, v in numbers.items() if _USAGE.search(n)), None)
    return found if found is not None and 0 <= found <= 1 else None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value == value and abs(value) != float("inf") else 0.0
