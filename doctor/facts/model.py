"""The model that the launch names: its configuration, how its weights are stored, what its own code does.

Sizes are in bytes. Nothing here is judged, and nothing of the model was executed to learn it.
"""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from doctor.base.json_object import JsonObject
from doctor.base.record import dataclass
from doctor.facts.target import Problem
from doctor.facts.unavailable import NOT_REQUESTED, Unavailable

Plain = bool | int | float | str


@dataclass(frozen=True, slots=True)
class QuantizationGroup:
    """One group of layers that are stored alike (compressed-tensors has several, the other methods one).

    `bits` of a weight; `kind` int or float; `group_size` weights share a scale (-1: a whole column); `strategy` as
    written there (group, channel, tensor, block); `block` is the shape of an FP8 block; `activations` tells whether
    the inputs are quantised too (W8A8), `format` the packing. None: not said.
    """

    bits: int | None = None
    kind: Literal["int", "float"] | None = None
    group_size: int | None = None
    symmetric: bool | None = None
    strategy: str | None = None
    format: str | None = None
    block: tuple[int, int] | None = None
    activations: bool = False
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quantization:
    """How the weights are stored: `method` as written there (`gptq`), `settings` the plain values beside it.

    `method` is empty where a block describes how the weights are stored and does not name its `quant_method`.

    `ignored` are modules left unquantised, as the file names them (names, prefixes or `re:` patterns). `act_order` is
    GPTQ's desc_act. `kv_bits` is the width of a KV cache scheme, where the checkpoint brings one.
    `source` is the file it was read from.
    """

    method: str
    settings: dict[str, Plain] = field(default_factory=dict)
    groups: tuple[QuantizationGroup, ...] = ()
    ignored: tuple[str, ...] = ()
    act_order: bool | None = None
    kv_bits: int | None = None
    source: str = "config.json"


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file of weights; `expected` is its size as its own header tells it, None where that was not read.

    `fault`: a git-lfs `pointer` instead of weights, `truncated`, `damaged` otherwise; `unread` where only we gave up
    (a link that leads out of the folder, no permission). None: nothing is wrong with it, as far as was looked.
    """

    name: str
    size: int
    expected: int | None = None
    fault: Literal["pointer", "truncated", "damaged", "unread"] | None = None


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights that lie there, or that the hub lists.

    `format` is safetensors, bin, pt, gguf or other; `architecture` is the one that a GGUF file names. `total` is the
    size of all tensors (of all files, where the format has no header), None unless every file is whole;
    `by_dtype` and `by_part` split it: dtypes as safetensors writes them (BF16, F8_E4M3, I32), parts by the beginning of
    the tensors' names (`visual`, `model.layers`, `lm_head`). `declared` is `total_size` of the index. `missing`
    are files that the index names and that are not there; `problems` what is wrong with files.
    """

    format: str
    files: tuple[WeightFile, ...] = ()
    total: int | None = None
    by_dtype: dict[str, int] = field(default_factory=dict)
    by_part: dict[str, int] = field(default_factory=dict)
    declared: int | None = None
    missing: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    architecture: str | None = None


Era = Literal["text", "text-flash", "tree-flash", "tree"]


@dataclass(frozen=True, slots=True)
class CodeImport:
    """One import in a file of remote code. `name` is None for `import MODULE`.

    Before it runs such a file, transformers demands every package that the file imports, wherever that stands.
    `guarded`: inside `try` or an `if is_..._available()`, which that check skips today. How it looks has changed with
    its releases; `checked` are the ways by which this import is demanded: `text` until 4.44, `text-flash` 4.45 to 4.50
    (both by regular expressions), `tree-flash` 4.51, `tree` since 4.52.
    """

    file: str
    line: int
    module: str
    name: str | None = None
    guarded: bool = False
    checked: tuple[Era, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeAct:
    """Something that remote code could do if it were run: `what` is network, subprocess, files, native, eval."""

    file: str
    line: int
    what: str
    text: str


@dataclass(frozen=True, slots=True)
class RemoteCode:
    """The Python files that come with the model and that `auto_map` leads to.

    `classes` is auto_map itself, class of transformers -> `module.Class` (`owner/name--module.Class` for code in
    another repository). `beside` tells which files each file imports from beside it; `missing` are files named there
    which are not here. `absent` are the top-level packages it imports that the target does not have: None where that
    was not looked at.
    """

    classes: dict[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    beside: dict[str, tuple[str, ...]] = field(default_factory=dict)
    imports: tuple[CodeImport, ...] = ()
    absent: tuple[str, ...] | None = None
    acts: tuple[CodeAct, ...] = ()
    missing: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """What decides which engine can serve it, and in how much memory.

    `path` is its folder, or the hub's address where it was read from there. `named` is how the user names it,
    `source` where it was found: `known` is a checkpoint that is not here and of which the data knows what decides most
    (`origin` says where that was published); its `config` has only some keys. `config` is config.json itself as plain
    JSON, bounded in size and depth.
    `remote_code` are the keys of `auto_map`: with `AutoConfig` among them, transformers need not know `model_type`.
    `code` is that code as it was read. `tokenizer`, `chat_template` and `processor` tell whether the files are there:
    None where that is not known. `preprocessor` is what preprocessor_config.json says of the
    class and of the sizes of pictures. `problems` are faults of single files; `revision` is the hub's commit,
    `folder` where the Python files of a model on the hub lie on this disk. `unverified` are files of the hub whose
    bytes no digest vouches for: the hub lists none, or only a file's beginning was read. `draft` is the smaller model
    that the command names beside it to guess tokens ahead, where that is on this disk.
    """

    path: str
    architectures: tuple[str, ...] = ()
    model_type: str | None = None
    quantization: Quantization | None = None
    remote_code: tuple[str, ...] = ()
    named: str | None = None
    source: Literal["folder", "cache", "hub", "known"] = "folder"
    revision: str | None = None
    folder: str | None = None
    config: JsonObject = field(default_factory=dict)
    weights: Weights | Unavailable = NOT_REQUESTED
    code: RemoteCode | None = None
    tokenizer: bool | None = None
    chat_template: bool | None = None
    processor: bool | None = None
    problems: tuple[Problem, ...] = ()
    origin: str | None = None
    preprocessor: JsonObject = field(default_factory=dict)
    unverified: tuple[str, ...] = ()
    draft: Model | None = None
