"""What a server logged about its GPU memory, next to what was predicted, in plain words."""

from __future__ import annotations

from collections.abc import Iterable

from doctor.base.text import plural
from doctor.findings.memory import Figure
from doctor.report.run.units import size


def figure_lines(found: Iterable[Figure]) -> list[str]:
    """One line for each figure, below a title; empty where nothing was logged."""
    rows = [f"  {figure.name}: {_compared(figure)}" for figure in found]
    return ["GPU memory, as the server logged it:", *rows] if rows else []


def figures_sentence(found: Iterable[Figure]) -> str:
    """All figures in one line: `KV cache 58.1 GiB (predicted 57.0 GiB to 59.2 GiB)`."""
    return ", ".join(f"{figure.name} {_compared(figure)}" for figure in found)


def _compared(figure: Figure) -> str:
    told = _amount(figure.logged, figure.unit)
    if figure.predicted is None:
        return told
    least, most = (_amount(end, figure.unit) for end in figure.predicted)
    return f"{told} (predicted {least if least == most else f'{least} to {most}'})"


def _amount(value: float, unit: str) -> str:
    if unit == "bytes" and value < 0:
        return f"none ({size(-value)} short)"
    return size(value) if unit == "bytes" else plural(round(value), "token") if unit == "tokens" else f"{value:.1f}"
