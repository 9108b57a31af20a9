"""Audio encoders of models that see and hear. Written after transformers 5.24.0 (Whisper's encoder and its kin)."""

from __future__ import annotations

from collections.abc import Iterator

from doctor.memory.blocks import VISION, Layers, blocks, projection
from doctor.memory.layout import Layout, Section
from doctor.memory.pieces import Piece, other

# parameters of classes whose encoder is another library's, or built in steps: counted on models without weights
WHOLE = {"gemma3n_audio": 684_690_000}


def ears(found: Layout, hidden: int) -> Iterator[Piece]:
    """The audio encoder that lies beside the tower; nothing where the configuration has none."""
    inner = found.outer.given.get("thinker_config")
    given = (inner if isinstance(inner, dict) else found.outer.given).get("audio_config")
    if not isinstance(given, dict):
        return
    kind = given.get("model_type")
    if (whole := WHOLE.get(kind) if isinstance(kind, str) else None) is not None:
        yield other("audio_tower", whole, part=VISION)
        return
    audio = Section(kind if isinstance(kind, str) else "", given)
    if audio.whole("d_model") and audio.whole("encoder_layers"):
        yield from _whisper(audio, hidden)


def _whisper(audio: Section, hidden: int) -> Iterator[Piece]:
    width, layers = audio.whole("d_model"), audio.whole("encoder_layers")
    yield from blocks("audio_tower.layers.{}", Layers(width, audio.whole("encoder_ffn_dim"), layers))
    mels = audio.whole("num_mel_bins", default=80)
    yield other("audio_tower.convolutions", (mels + width) * width * 3 + 2 * width, part=VISION)
    yield projection("audio_tower.proj", width, audio.whole("output_dim") or hidden, bias=True)
    if not audio.whole("output_dim"):  # MiniCPM-o: two matrices, and Whisper's own table of positions
        yield projection("audio_projection.linear2", hidden, hidden, bias=True)
        yield other("audio_tower.positions", 1500 * width, part=VISION)
