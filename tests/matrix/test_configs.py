"""Defaults of configuration classes: both forms of class, and the shipped data against the wheels it was read from."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from doctor.matrix.extract.errors import LayoutError
from doctor.matrix.extract.files import Files
from doctor.matrix.extract.open import open_source
from doctor.matrix.extract.projects.configs import FOLDER, config_defaults
from doctor.matrix.files.data import data_dir
from doctor.matrix.models.configs import config_class
from doctor.remote.errors import IndexUnavailable, WheelError

OLD = '''
class EyeConfig(PretrainedConfig):
    model_type = "eye"
    def __init__(self, depth=4, hidden_size=8, hidden_act="gelu", image_token_id=5, attention_dropout=0.0, **kwargs):
        pass
class SeeConfig(PretrainedConfig):
    model_type = "see"
    sub_configs = {"vision_config": EyeConfig, "text_config": AutoConfig}
    def __init__(self, text_config=None, *, vocab_size=10, tie_word_embeddings=False, unknown_size=size()):
        pass
'''
NEW = '''
WIDE = 1 << 6
class TallConfig(PreTrainedConfig):
    model_type: str = "tall"
    hidden_size: int = WIDE
    deepstack_visual_indexes: list | tuple = (8, 16)
    num_key_value_heads: int | None = None
class GrownConfig(TallConfig):
    model_type = "grown"
    hidden_size: int = 128
    sub_configs_defaults = {
        "text_config": SubConfigSpec(config_class=AutoConfig, model_type="llama", init_kwargs={"rms_norm_eps": 1e-5, "num_hidden_layers": 7}),
        "vision_config": TallConfig,
    }
'''


class Folder:
    """A release with the given configuration files, and enough others that it is believed."""

    def __init__(self, **files: str) -> None:
        filler = {f"c{n}": f'class C{n}:\n    model_type = "c{n}"\n' for n in range(60)}
        self.files = {f"{FOLDER}/{k}/configuration_{k}.py": v for k, v in {**filler, **files}.items()}

    def names(self) -> tuple[str, ...]:
        return tuple(self.files)

    def read(self, member: str, limit: int) -> bytes:
        return self.files[member].encode()

    def prefetch(self, members: Iterable[str]) -> None: ...

    def close(self) -> None: ...


def test_both_forms_of_class() -> None:
    found = config_defaults(Files("transformers", "0", Folder(old=OLD, new=NEW)))  # type: ignore[arg-type]
    assert found["eye"] == {"defaults": {"depth": 4, "hidden_size": 8}, "subs": {}}
    assert found["see"]["defaults"] == {"vocab_size": 10, "tie_word_embeddings": False}
    assert found["see"]["subs"] == {"vision_config": {"type": "eye"}, "text_config": {"type": None}}
    assert found["tall"]["defaults"] == {"hidden_size": 64, "deepstack_visual_indexes": [8, 16]}
    assert found["grown"]["defaults"] == {"hidden_size": 128, "deepstack_visual_indexes": [8, 16]}
    assert found["grown"]["subs"] == {"text_config": {"type": "llama", "init": {"num_hidden_layers": 7}}, "vision_config": {"type": "tall"}}


def test_a_release_without_classes_is_an_error() -> None:
    empty = Folder()
    empty.files.clear()
    with pytest.raises(LayoutError):
        config_defaults(Files("transformers", "0", empty))  # type: ignore[arg-type]


def test_the_shipped_data_answers() -> None:
    eyes = config_class("qwen2_vl_vision")
    assert eyes is not None and eyes.defaults["depth"] == 32 and eyes.source.startswith("transformers ")
    llava = config_class("llava")
    assert llava is not None and llava.subs["vision_config"].free and llava.subs["vision_config"].init["hidden_size"] == 1024
    for name in ("", "no_such", 'qwen2_vl":{}}\n"x', "qwen2"[:3]):
        assert config_class(name) is None


@pytest.mark.registry
def test_the_shipped_data_is_what_the_wheel_says() -> None:
    data = json.loads((data_dir() / "configs" / "transformers.json").read_text(encoding="utf-8"))
    name, version = data["sources"][0].split()
    try:
        source = open_source(f"{name}=={version}")
        files = Files(name, version, source)
        source.prefetch([m for m in files.below(FOLDER) if "/configuration_" in m])
        found = json.loads(json.dumps(config_defaults(files)))
    except (IndexUnavailable, WheelError, OSError) as error:
        pytest.skip(f"{name} {version} cannot be read: {error}")
    shipped = {k: {"defaults": v["defaults"], "subs": v["subs"]} for k, v in data["types"].items() if v["from"] == 0}
    assert shipped == found
