"""What the reader says that a script starts is what bash starts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from doctor.launch.shell_text import Setting, Start, ways
from tests.launch.shell_text.bash import PROGRAMS, WATCHED, fakes, recorded
from tests.launch.shell_text.cases import SCRIPTS, Script

pytestmark = [pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash"), pytest.mark.alone]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fakes(tmp_path_factory.mktemp("bash"))


def innermost(start: Start) -> tuple[str, ...]:
    """A fake stands for `nohup` too, but `env A=b` and paths are as bash makes them."""
    words = start.words
    while words[:1] == ("env",):
        words = words[1:]
        while words and "=" in words[0]:
            words = words[1:]
    return words


def seen(starts: tuple[Start, ...]) -> list[dict[str, object]]:
    out = []
    for start in starts:
        words = innermost(start)
        if words and words[0].rpartition("/")[2] in PROGRAMS:
            environ = {k: v for k, v in start.environ.items() if k in WATCHED}
            before = dict(w.split("=", 1) for w in start.words[1:] if start.words[0] == "env" and "=" in w)
            environ.update({k: v for k, v in before.items() if k in WATCHED})
            out.append({"words": list(words), "cwd": start.cwd, "environ": environ})
    return out


def listed(commands: list[dict[str, object]]) -> list[str]:
    return sorted(repr((c["words"], c["cwd"], sorted(c["environ"].items()))) for c in commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda s: s.name)
def test_the_first_way_is_what_bash_does(script: Script, programs: Path) -> None:
    folder = programs.parent
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    for name, text in script.files.items():
        (work / name).parent.mkdir(exist_ok=True)
        (work / name).write_text(text)

    def read(path: str) -> str | None:
        return Path(path).read_text() if Path(path).is_file() else None

    environ = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(folder), **script.environ}
    setting = Setting(
        environ, str(work), script.arguments, str(work), "start.sh", read=read,
        exists=lambda path: Path(path).exists() or path.endswith("start.sh"),
    )  # fmt: skip
    first, *_ = ways(script.text, setting)
    done = listed(recorded(folder, programs, script.text, script.arguments, script.environ))
    if "while true" in script.text or "until" in script.text:
        done = sorted(set(done))  # a server that ends at once is started again and again
    assert listed(seen(first.starts)) == done, first
