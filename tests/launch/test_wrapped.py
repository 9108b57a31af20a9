"""Every program that stands around a server is taken off as its manual says; what only mentions a server starts none."""

from __future__ import annotations

import json
import os
import re
import shlex
import time
from pathlib import Path

import jsonschema
import pytest
import yaml

from doctor.base.files import Files
from doctor.launch.layer import matching
from doctor.launch.program import name_of, program_of
from doctor.launch.shell import Shell
from doctor.launch.starting import serves
from doctor.launch.wrappers import Place, Unfolded, alternatives, unfolded
from doctor.matrix.files.data import data_dir
from doctor.matrix.programs import programs, wrappers, wrapping_modules
from tests.launch.wrapped import MODULES, SERVER, STARTS, STARTS_NOTHING

HOME = {"PATH": "/usr/bin:/bin", "HOME": "/home/me", "LANG": "C", "VLLM_X": "1", "HF_HOME": "/hf"}
TEXT = " ".join(SERVER)


def line(text: str) -> tuple[str, ...]:
    text = re.sub(r"(?<![\w./-])T(?!\w)", f'"{TEXT}"', text)
    return tuple(shlex.split(re.sub(r"(?<![\w./-])S(?!\w)", TEXT, text)))


def inner(text: str, environ: dict[str, str] | None = None) -> Unfolded:
    return unfolded(Shell(Files(None), HOME if environ is None else environ, "/w"), line(text))


@pytest.mark.parametrize("text", STARTS.strip().splitlines())
def test_the_words_behind_a_program(text: str) -> None:
    found = inner(text)
    assert (name_of(found.words[0]), *found.words[1:]) == SERVER
    assert not found.guessed and not found.mention and found.layers


@pytest.mark.parametrize("text", MODULES.strip().splitlines())
def test_a_module_or_script_behind_a_program(text: str) -> None:
    given, wanted = text.split(" => ")
    found = inner(given)
    assert found.words == line(wanted) and not found.guessed


@pytest.mark.parametrize("text", STARTS_NOTHING.strip().splitlines())
def test_what_starts_no_server(text: str) -> None:
    found = inner(text)
    assert found.mention or not found.words


@pytest.mark.parametrize(
    "text",
    ["make serve", "docker start vllm", "supervisord -n", "kubectl apply -f x.yaml", "systemctl start vllm", "npm run x",
     "helm install x", "snakemake", "./run", "python train.py", "ollama serve", "uvicorn app:app", "docker compose start"],
)  # fmt: skip
def test_what_starts_something_that_cannot_be_read_is_no_mention(text: str) -> None:
    assert not inner(text).mention and inner(text).words


def _rows_of(text: str) -> list[object]:
    """Every row that takes a line's words apart, the outermost first."""
    out: list[object] = []
    words = line(text)
    for at, word in enumerate(words):
        rows, behind = wrappers(name_of(word)), words[at + 1 :]
        if not rows and (run := program_of(words[at:])).module:
            rows, behind = wrapping_modules(run.module), run.rest
        if found := matching(rows, behind):
            out.append(found[0])
    return out


def test_every_row_has_a_line() -> None:
    lines = [*STARTS.strip().splitlines(), *(t.split(" => ")[0] for t in MODULES.strip().splitlines())]
    tried = [row for text in lines for row in _rows_of(text)]
    silent = {"builtin", "coproc", "supervise", "at"}  # like others, start a folder's program, or stand behind a pipe
    missing = [r.names or r.modules for r in programs().wrappers if r not in tried and not silent & set(r.names)]
    assert missing == []


def test_the_file_holds_what_the_schema_says() -> None:
    schema = json.loads((data_dir() / "schema" / "programs.schema.json").read_text(encoding="utf-8"))
    data = yaml.safe_load((data_dir() / "programs.yaml").read_text(encoding="utf-8"))
    data["verified"] = str(data["verified"])
    jsonschema.validate(data, schema)


def test_the_rows_agree() -> None:
    for row in programs().wrappers:
        given = [name for names in row.options.values() for name in names.split()]
        assert len(given) == len(set(given)), row.names
        roles = {w.partition("~")[0] for w in row.words} | set(row.options)
        for text in (row.machine, row.environment, row.adds):
            assert set(re.findall(r"\{(\w+)\}", text or "")) <= roles, row.names
    always = {n for m in programs().mentions if not m.verbs for n in m.program.split()}
    assert not always & {n for row in programs().wrappers for n in row.names}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("nohup S", Place()),
        ("ssh -p 22 me@gpu1 T", Place(machine="the host `gpu1`", user="me")),
        ("ssh -l me gpu1 T", Place(machine="the host `gpu1`", user="me")),
        ("srun -w n1 S", Place(machine="a node chosen by `srun`")),
        ("srun --container-image=vllm/vllm-openai:v0.11.0 S", Place("a node chosen by `srun`", "the image `vllm/vllm-openai:v0.11.0`", "vllm/vllm-openai:v0.11.0")),
        ("sbatch --wrap T", Place(machine="a node chosen by `sbatch`")),
        ("mpirun -np 1 S", Place()),
        ("mpirun --host gpu1:8 S", Place(machine="the hosts `gpu1:8`")),
        ("kubectl exec pod-0 -c main -- S", Place("the node of the pod `pod-0`", "the pod `pod-0`")),
        ("apptainer exec --nv img.sif S", Place(environment="the image `img.sif`")),
        ("apptainer exec docker://vllm/vllm-openai:v0.11.0 S", Place(environment="the image `docker://vllm/vllm-openai:v0.11.0`", image="vllm/vllm-openai:v0.11.0")),
        ("docker exec -u root c S", Place(environment="the container `c`", user="root")),
        ("chroot /srv/x S", Place(environment="the root `/srv/x`")),
        ("sudo -u llm S", Place(user="llm")),
        ("su - llm -c T", Place(user="llm")),
        ("gosu llm S", Place(user="llm")),
        ("sudo chroot /x nohup S", Place(environment="the root `/x`")),
        ("ssh gpu1 docker exec c S", Place("the host `gpu1`", "the container `c`")),
        ("wsl -d Ubuntu S", Place(environment="the WSL distribution `Ubuntu`")),
        ("wsl S", Place(environment="the default WSL distribution")),
        ("systemd-run -M box S", Place(environment="the container `box`")),
        ("uvx vllm serve M --port 9", Place(environment="an environment made by `uvx`")),
    ],
)  # fmt: skip
def test_where_it_runs(text: str, place: Place) -> None:
    assert inner(text).place == place


@pytest.mark.parametrize(
    ("text", "environ", "added", "dropped"),
    [
        ("A=b nohup S", {**HOME, "A": "b"}, {"A": "b"}, set()),
        ("env -u VLLM_X A=b S", {k: v for k, v in HOME.items() if k != "VLLM_X"} | {"A": "b"}, {"A": "b"}, {"VLLM_X"}),
        ("env -i PATH=/x S", {"PATH": "/x"}, {"PATH": "/x"}, {"*"}),
        ("env - A=1 S", {"A": "1"}, {"A": "1"}, {"*"}),
        ("A=0 env -i S", {}, {}, {"*"}),
        ("sudo S", {"PATH": HOME["PATH"], "LANG": "C"}, {}, {"*"}),
        ("sudo -E S", HOME, {}, set()),
        ("sudo --preserve-env=HF_HOME A=b S", {"PATH": HOME["PATH"], "LANG": "C", "HF_HOME": "/hf", "A": "b"}, {"A": "b"}, {"*"}),
        ("su llm -c T", HOME, {}, set()),
        ("su - llm -c T", {}, {}, {"*"}),
        ("su -l -w HF_HOME llm -c T", {"HF_HOME": "/hf"}, {}, {"*"}),
        ("systemd-run -E A=b -E HF_HOME S", {"PATH": HOME["PATH"], "LANG": "C", "A": "b", "HF_HOME": "/hf"}, {"A": "b", "HF_HOME": "/hf"}, {"*"}),
        ("systemd-run --scope S", HOME, {}, set()),
        ("srun --export=NONE S", {}, {}, {"*"}),
        ("srun --export=ALL,A=b S", {**HOME, "A": "b"}, {"A": "b"}, set()),
        ("srun --export=HF_HOME,A=b S", {"HF_HOME": "/hf", "A": "b"}, {"A": "b"}, {"*"}),
        ("apptainer exec --env A=b,C=d x.sif S", {**HOME, "A": "b", "C": "d"}, {"A": "b", "C": "d"}, set()),
        ("apptainer exec --env A=b,c x.sif S", {**HOME, "A": "b,c"}, {"A": "b,c"}, set()),
        ("docker exec -e A=b,C=d c S", {"A": "b,C=d"}, {"A": "b,C=d"}, {"*"}),
        ("docker exec -e A=b c S", {"A": "b"}, {"A": "b"}, {"*"}),
        ("mpirun -x A=b -x HF_HOME S", {**HOME, "A": "b"}, {"A": "b", "HF_HOME": "/hf"}, set()),
        ("env VLLM_X=2 env -u VLLM_X S", {k: v for k, v in HOME.items() if k != "VLLM_X"}, {}, {"VLLM_X"}),
        ("env -u VLLM_X VLLM_X=3 S", {**HOME, "VLLM_X": "3"}, {"VLLM_X": "3"}, set()),
        ("bash -c 'export A=b; unset VLLM_X; vllm serve M --port 9'", {k: v for k, v in HOME.items() if k != "VLLM_X"} | {"A": "b"}, {"A": "b"}, {"VLLM_X"}),
    ],
)  # fmt: skip
def test_what_it_runs_with(text: str, environ: dict[str, str], added: dict[str, str], dropped: set[str]) -> None:
    found = inner(text)
    assert (dict(found.shell.environ), found.set, set(found.dropped)) == (environ, added, dropped)


@pytest.mark.parametrize(
    ("text", "cwd"),
    [("env -C /srv S", "/srv"), ("sudo -D /srv S", "/srv"), ("env --chdir=x nohup S", "/w/x"), ("bash -c 'cd /srv && vllm serve M --port 9'", "/srv"),
     ("docker exec -w /app c S", "/app"), ("daemonize -c /srv vllm serve M --port 9", "/srv"), ("tmux new -c /srv -d S", "/srv")],
)  # fmt: skip
def test_the_folder(text: str, cwd: str) -> None:
    assert inner(text).shell.cwd == cwd


@pytest.mark.parametrize(
    ("text", "words", "shown"),
    [
        ("mywrap --gpus 2 S", SERVER, "mywrap"),
        ("/opt/x/launch.bin -n 1 /opt/venv/bin/vllm serve M", ("/opt/venv/bin/vllm", "serve", "M"), "launch.bin"),
        ("mywrap python3 -u -m sglang.launch_server --model-path M", ("python3", "-u", "-m", "sglang.launch_server", "--model-path", "M"), "mywrap"),
        ("mywrap -m sglang.launch_server --model-path M", ("python", "-m", "sglang.launch_server", "--model-path", "M"), "mywrap"),
        ("mywrap --cmd T", SERVER, "mywrap"),
        ("mywrap --cmd=T", SERVER, "mywrap"),
        ("mywrap 'cd /x; lmdeploy serve api_server M'", ("lmdeploy", "serve", "api_server", "M"), "mywrap"),
        ("python launch.py -- S", SERVER, "python launch.py"),
        ("nohup mywrap S", SERVER, "mywrap"),
    ],
)  # fmt: skip
def test_behind_a_program_that_is_not_known_it_is_a_guess(text: str, words: tuple[str, ...], shown: str) -> None:
    found = inner(text)
    assert found.words == words and found.guessed
    assert f"`{shown}` is not a known program; the words behind it look like a server's command" in found.open


@pytest.mark.parametrize(
    "text", ["mywrap --note 'we serve vllm'", "vllm bench serve --model M", "mywrap vllm", "lmdeploy lite x"]
)
def test_no_guess_without_a_start_form(text: str) -> None:
    assert not inner(text).guessed and not serves(inner(text).words)


def test_all_servers_of_a_text_are_alternatives() -> None:
    found = alternatives(Shell(Files(None), HOME, "/w"), ("bash", "-c", "vllm serve A & vllm serve B"))
    assert [f.words[2] for f in found] == ["A", "B"]
    assert any("2 servers" in text for text in found[0].open)


@pytest.mark.parametrize(
    "words",
    [
        ("nohup",) * 10000 + SERVER, ("env", "A=b") * 5000, ("bash", "-c") * 5000, ("sudo", "-u") * 10000, ("x" * 5_000_000, "serve"),
        ("nohup", "x " * 2_000_000), ("bash", "-c", "nohup " * 9000 + TEXT), ("bash", "-c", f"{TEXT};" * 3000), ("mywrap", *["vllm " * 9000] * 50),
        ("parallel", ":::", *[f"bash -c '{TEXT}'"] * 5000), ("concurrently", *["x y"] * 9000), ("tmux", *["a", ";"] * 5000),
        ("uv", "run", *["--with", "x"] * 20000, *SERVER), ("-",), ("",), ("--", "--"), ("env",), ("python", "-m"), ("ssh", *["-o", "x"] * 9000),
        ("docker", "exec", "-" + "i" * 100000, "c"), ("env", "-S", "env -S " * 9000),
    ],
    ids=range(21),
)  # fmt: skip
def test_hostile_words_end_soon(words: tuple[str, ...]) -> None:
    began = time.monotonic()
    found = alternatives(Shell(Files(None), HOME, "/w"), words)
    assert 1 <= len(found) <= 8 and time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("uv run S", ".venv"), ("uv --project sub run S", "sub/.venv"), ("uv run --project=sub S", "sub/.venv"), ("uv --directory sub run nohup S", "sub/.venv"),
        ("poetry run S", ".venv"), ("poetry -C sub run S", "sub/.venv"), ("pdm run -p sub S", "sub/.venv"), ("pixi run -e gpu S", ".pixi/envs/gpu"),
        ("pixi run S", ".pixi/envs/default"), ("rye run S", ".venv"), ("conda run -p /opt/x S -p y", "/opt/x"), ("conda run -n a S -n b", "envs/a"),
        ("micromamba -r other run -n a S", "other/envs/a"), ("sudo uv run bash -c T", ".venv"), ("uv run poetry -C sub run S", "sub/.venv"),
    ],
)  # fmt: skip
def test_the_environment_that_a_runner_chooses(text: str, folder: str, tmp_path: Path) -> None:
    for name in (".venv", "sub/.venv", ".pixi/envs/gpu", ".pixi/envs/default", "envs/a", "other/envs/a"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("pyproject.toml", "sub/pyproject.toml"):
        (tmp_path / name).touch()
    environ = {**HOME, "MAMBA_ROOT_PREFIX": str(tmp_path)}
    found = unfolded(Shell(Files(None), environ, str(tmp_path)), line(text))
    assert found.runner is not None and os.path.join(tmp_path, found.runner.prefix or "") == str(tmp_path / folder)


@pytest.mark.parametrize(
    "text", ["hatch run S", "poetry run S", "uv run bash -c 'source x/bin/activate; vllm serve M'"]
)
def test_an_environment_that_is_not_known(text: str, tmp_path: Path) -> None:
    found = unfolded(Shell(Files(None), HOME, str(tmp_path)), line(text))
    assert found.runner is None and found.words[:2] == ("vllm", "serve")


def test_ssh_joins_its_words() -> None:
    found = inner("ssh gpu1 bash -lc T")
    assert found.words == ("vllm",), "the far shell splits the text again, and `bash -lc` takes its first word alone"
    assert "the command of `ssh` is joined from several words, so quotes within it are lost" in found.open


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("srun --brand-new 5 S", "srun --brand-new"),
        ("nsys profile --new-thing a,b S", "nsys --new-thing"),
        ("timeout -z x 10 S", None),
        ("ionice -z 3 S", "ionice -z"),
    ],
)
def test_an_option_that_is_not_known_is_a_switch_unless_a_server_stands_behind_the_next_word(
    text: str, option: str | None
) -> None:
    found = inner(text)
    assert (found.words, found.guessed) == (SERVER, True)
    assert option is None or any(sentence.startswith(f"`{option}` is not a known option") for sentence in found.open)
    assert inner("srun --brand-new S").words == SERVER and not inner("srun --brand-new S").guessed
