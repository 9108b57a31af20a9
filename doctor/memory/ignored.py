"""Which modules a quantiser left alone, as its list names them: names, beginnings, words, `re:` patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from doctor.base.late import late_pattern
from doctor.memory.pieces import Piece

MOST, MOST_WORDS, MOST_PATTERNS, MOST_LAYERS = 4000, 200, 24, 1000  # the list comes with the model
STEMS = ("", "model.", "model.language_model.", "language_model.model.", "language_model.", "transformer.")
_PLACE = late_pattern(r"(?:^|\.)(layers?|blocks|resblocks|h)\.(\d+)\.(.+)$")
_VISION = late_pattern(r"(?:^|\.)(?:visual|vision|vpm|vit|resampler|multi_modal_projector|mlp1|merger|connector|image)")
_TWINS = {
    "attn.qkv": ("q_proj", "k_proj", "v_proj", "qkv"), "attn.proj": ("out_proj", "o_proj", "proj"),
    "mlp.fc1": ("gate_proj", "up_proj", "linear_fc1", "fc1"), "mlp.fc2": ("down_proj", "linear_fc2", "fc2"),
}  # fmt: skip
_NO_PATTERN = "(?!)"


class Ignored:
    """The list, read once: how many of a piece's layers it names."""

    def __init__(self, names: Iterable[str]) -> None:
        self._patterns: list[re.Pattern[str]] = []
        self._words: list[str] = []
        self._places: dict[tuple[bool, str], set[int]] = {}
        for name in list(names)[:MOST]:
            if name.startswith("re:"):
                self._patterns += [_compiled(name[3:])] if len(self._patterns) < MOST_PATTERNS else []
            elif "*" in name:
                self._patterns += [_glob(name)] if len(self._patterns) < MOST_PATTERNS else []
            elif place := _PLACE.search(name):
                key = (bool(_VISION.search(name)), place[3])
                self._places.setdefault(key, set()).add(int(place[2]))
            elif name and len(self._words) < MOST_WORDS:
                self._words.append(name)

    def __bool__(self) -> bool:
        return bool(self._patterns or self._words or self._places)

    def of(self, piece: Piece) -> int:
        """How many of `piece.times` are left alone."""
        if any(_covers(word, piece) for word in self._words):
            return piece.times
        if piece.times > MOST_LAYERS:
            return 0
        vision = piece.part == "vision"
        tail = piece.name.rpartition("{}.")[2]
        tails = [tail, *(f"{tail.rpartition('.')[0]}.{t}" for t in _TWINS.get(tail, ()))] if vision else [tail]
        named = max((self._named(vision, t) for t in tails), key=len, default=set())
        for pattern in self._patterns:
            named = named | self._matched(pattern, piece)
        return min(len(named), piece.times)

    def _named(self, vision: bool, tail: str) -> set[int]:
        """The layers whose module has this name, or lies below one that has (`layers.3.mlp`)."""
        found: set[int] = set()
        for (is_vision, name), layers in self._places.items():
            if is_vision == vision and (name == tail or tail.startswith(f"{name}.")):
                found |= layers
        return found

    def _matched(self, pattern: re.Pattern[str], piece: Piece) -> set[int]:
        """The layers that a pattern names: one without digits does not tell them apart."""
        every = range(piece.times)
        if not re.search(r"\d|\[\^", pattern.pattern):
            return set(every) if _matches(pattern, piece.name.replace("{}", "0")) else set()
        return {i for i in every if _matches(pattern, piece.name.replace("{}", str(i)))}


def _matches(pattern: re.Pattern[str], name: str) -> bool:
    return any(pattern.match(stem + name) for stem in STEMS)


def _covers(word: str, piece: Piece) -> bool:
    """A word names modules whole: `gate` is the router, and no `gate_proj`; `model.vision` is where a name begins."""
    begins = any(f"{stem}{piece.name}".startswith(word) for stem in STEMS if stem)
    if begins or f".{word.strip('.')}." in f".{piece.name}.":
        return True
    return piece.part == "vision" and bool(_VISION.search(word)) and not re.search(r"merger|proj|mlp1", word)


def _glob(name: str) -> re.Pattern[str]:
    """`model.layers.*.self_attn`: a star stands for anything, and what lies below the name is named too."""
    parts = [re.escape(part) for part in name[:400].split("*")[:8]]
    return re.compile(r"[^\s]{0,200}?".join(parts) + r"(?:\.|$)")


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Patterns come with the model: one that could run for long matches nothing."""
    from doctor.link.python.safe_regex import compile_bounded

    return compile_bounded(pattern) or re.compile(_NO_PATTERN)
