"""The tensors of a model, without the model: one `Piece` for each kind of matrix, with how often it occurs."""

from __future__ import annotations

from typing import Literal

from doctor.base.record import dataclass

Part = Literal["embedding", "layers", "head", "vision"]
Share = Literal["split", "kv", "whole"]


@dataclass(frozen=True, slots=True)
class Piece:
    """`times` matrices of `count` numbers each, plus `bias` numbers that are never quantised.

    `name` is as in checkpoints, from the part's own beginning on, with `{}` for the layer. `n_in` is the number of
    inputs of a linear layer (its weights are what a quantiser packs), 0 for everything else. `copies` are those of one
    layer (experts). `share` tells what tensor parallelism does: split it, split it by key-value heads, or
    keep it whole on each GPU.
    """

    name: str
    part: Part
    count: int
    n_in: int = 0
    bias: int = 0
    times: int = 1
    copies: int = 1
    share: Share = "split"

    @property
    def numbers(self) -> int:
        """All numbers of all its copies."""
        return (self.count + self.bias) * self.times * self.copies

    @property
    def n_out(self) -> int:
        """Outputs of a linear layer."""
        return self.count // self.n_in if self.n_in else 0


def linear(
    name: str, n_in: int, n_out: int, times: int = 1, *, bias: bool = False, share: Share = "split"
) -> Piece:  # fmt: skip
    """A linear layer of the language model's layers."""
    return Piece(name, "layers", n_in * n_out, n_in, n_out if bias else 0, times, share=share)


def other(name: str, count: int, times: int = 1, *, part: Part = "layers") -> Piece:
    """Norms, positions, convolutions: kept whole and never quantised."""
    return Piece(name, part, count, times=times, share="whole")


def numbers(pieces: tuple[Piece, ...], part: Part | None = None) -> int:
    """How many numbers there are, in all or in one part."""
    return sum(p.numbers for p in pieces if part is None or p.part == part)
