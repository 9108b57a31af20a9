"""Compose's rules, case by case: what several files, variables, `include` and `extends` make of a service.

The expected values are those of the compose specification; `docker compose config` 2.40 gives the same ones.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from doctor.collect.declared.compose.project import Project
from doctor.collect.declared.compose.service import Service, project_of, read_compose, service_of, started
from doctor.collect.declared.request import Composing, DeclaredRequest
from doctor.collect.python.target import TargetError
from doctor.launch.dotenv import dotenv

ONE = "services:\n  s:\n    image: x:1\n"
Files = dict[str, str]


def put(folder: Path, files: Files) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def project(folder: Path, files: Files, *more: str, environ: dict[str, str] | None = None, **told: Any) -> Project:
    put(folder, files)
    request = DeclaredRequest(compose=next(iter(files)), composing=Composing(more, **told))
    return project_of(request, environ or {}, str(folder))


def service(folder: Path, files: Files, *more: str, name: str = "s", **told: Any) -> Service:
    return started(project(folder, files, *more, **told), name, "compose.yml")


MERGED = [
    ("command", "command: [a, b]", "command: c d", "c d"),
    ("command", "command: [a, b]", "command: null", None),
    ("entrypoint", "entrypoint: [a]", "entrypoint: null", None),
    ("working_dir", "working_dir: /a", "working_dir: null", "/a"),
    ("environment", "environment: {A: 1, B: 2}", "environment: null", {"A": 1, "B": 2}),
    ("environment", "environment: {A: 1}", "environment: {A: null}", {"A": None}),
    ("labels", "labels: {a: 1}", "labels: {a: null}", {"a": None}),
    ("entrypoint", "entrypoint: [a]", "entrypoint: [b, c]", ["b", "c"]),
    ("environment", "environment: {A: 1, B: 2}", "environment: ['B=3', 'C=4']", {"A": 1, "B": "3", "C": "4"}),
    ("labels", "labels: [a=1, b=2]", "labels: {b: 3}", {"a": "1", "b": 3}),
    ("image", "restart: always", "image: y:2", "y:2"),
    ("ports", "ports: ['8000:8000', '1:1']", "ports: ['8000:8000', '8001:8000']", ["8000:8000", "1:1", "8001:8000"]),
    ("expose", "expose: [80]", "expose: ['80', 81]", ["80", 81]),
    ("volumes", "volumes: ['hf:/root', 'a1:/d']", "volumes: ['other:/d:ro']", ["hf:/root", "other:/d:ro"]),
    ("cap_add", "cap_add: [A, B]", "cap_add: [B, C]", ["A", "B", "C"]),
    ("dns", "dns: 1.1.1.1", "dns: [8.8.8.8]", ["1.1.1.1", "8.8.8.8"]),
    ("gpus", "gpus: all", "gpus: [{count: 2}]", [{"count": "all"}, {"count": 2}]),
    ("shm_size", "shm_size: 16gb", "shm_size: 8gb", "8gb"),
    ("healthcheck", "healthcheck: {test: [CMD, a], interval: 5s}", "healthcheck: {test: b}", {"test": "b", "interval": "5s"}),
    ("depends_on", "depends_on: [a]", "depends_on: {b: {condition: service_healthy}}", {"a": None, "b": {"condition": "service_healthy"}}),
    ("ports", "ports: ['1:1']", "ports: !override ['2:2']", ["2:2"]),
    ("ports", "ports: ['1:1']", "ports: !reset []", None),
    ("environment", "environment: {A: 1, B: 2}", "environment: {A: !reset null}", {"B": 2}),
    ("environment", "environment: {A: 1}", "environment: !override {C: 3}", {"C": 3}),
    ("deploy", "deploy: {resources: {limits: {memory: 1g}}}", "deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}",
     {"resources": {"limits": {"memory": "1g"}, "reservations": {"devices": [{"capabilities": ["gpu"]}]}}}),
    ("devices_of", "deploy: {resources: {reservations: {devices: [{count: 1}]}}}", "deploy: {resources: {reservations: {devices: [{count: 2}]}}}", 2),
    ("logging", "logging: {driver: a, options: {x: 1}}", "logging: {driver: b, options: {y: 2}}", {"driver": "b", "options": {"y": 2}}),
]  # fmt: skip


@pytest.mark.parametrize(("key", "below", "above", "wanted"), MERGED, ids=range(len(MERGED)))
def test_one_file_over_another(tmp_path: Path, key: str, below: str, above: str, wanted: Any) -> None:
    files = {"a.yml": f"{ONE}    {below}\n", "b.yml": f"services:\n  s:\n    {above}\n"}
    found = project(tmp_path, files, "b.yml").services["s"]
    if key == "devices_of":
        assert len(found["deploy"]["resources"]["reservations"]["devices"]) == wanted
    else:
        assert found.get(key) == wanted


SCALARS = [
    ("1.0", "1"), ("1e3", "1000"), ("1.50", "1.5"), ("1e21", "1e+21"), ("08", "8"), ("0755", "493"), ("0x1F", "31"), ("0o17", "15"),
    ("1_000", "1000"), ("-0", "0"), (".inf", "+Inf"), ("True", "true"), ("yes", "yes"), ("on", "on"), ("No", "No"), ("22:22", "22:22"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "meant"), SCALARS)
def test_plain_scalars_are_those_of_compose(tmp_path: Path, written: str, meant: str) -> None:
    found = service(tmp_path, {"compose.yml": f"{ONE}    environment: {{A: {written}}}\n"}).variables
    assert found == {"A": meant}


def test_ranges_of_ports_are_written_out(tmp_path: Path) -> None:
    text = f"{ONE}    ports: ['8000-8002:9000-9002', 8001:9001, 22:22, 3000-3001, '9-12:80', {{target: 7, published: 8, host_ip: 127.0.0.1}}]\n"
    box = service(tmp_path, {"compose.yml": text}).container
    assert box is not None
    assert box.ports == ("8000:9000", "8001:9001", "8002:9002", "22:22", "3000", "3001", "9-12:80", "127.0.0.1:8:7")


def test_of_several_devices_the_one_that_asks_most(tmp_path: Path) -> None:
    devices = "{count: 1, capabilities: [gpu]}, {device_ids: ['0', '3', '5'], capabilities: [gpu]}, {count: 2, capabilities: [gpu]}"
    text = f"{ONE}    deploy: {{resources: {{reservations: {{devices: [{devices}]}}}}}}\n"
    box = service(tmp_path, {"compose.yml": text}).container
    assert box is not None and box.gpus == "device=0,3,5"


REFUSED = [
    ("comand: [x]", "`comand` is not a key that Compose knows; did you mean `command`?"),
    ("build: {contxt: .}", "`build.contxt` is not a key"), ("healthcheck: {test: a, retry: 3}", "`healthcheck.retry` is not a key"),
    ("deploy: {resource: {}}", "`deploy.resource` is not a key that Compose knows; did you mean `deploy.resources`?"),
    ("deploy: {resources: {limit: {}}}", "did you mean `deploy.resources.limits`?"),
    ("command: [sleep, 10]", "`10` in `command` is not a text"), ("command: [[a]]", "in `command` is not a text"),
    ("command: {a: 1}", "`command` is a mapping, not a list or a text"), ("command: \"serve 'a\"", "a quote in `command` is not closed"),
    ("gpus: 2", "`gpus` is a number, not a list or a text"), ("ports: '1:1'", "`ports` is a text, not a list"),
    ("environment: [{A: 1}]", "an entry of the list `environment` is not a text"), ("environment: A=1", "`environment` is a text"), ("environment: {A: [1]}", "`A` is a list or a mapping"),
    ("environment: {A: 2024-01-01}", "`A` is a date"), ("environment: ['A = 1']", "a space in front of its `=`"),
    ("ports: ['80000:80']", "`ports: 80000:80` is not a port"), ("ports: ['1-3:1-2']", "ranges of different lengths"),
    ("shm_size: 16 gigs", "`shm_size: 16 gigs` is not a size"), ("healthcheck: {test: a, interval: 30}", "`healthcheck.interval` is a number"),
    ("healthcheck: {test: a, interval: 30 s}", "`healthcheck.interval: 30 s` is not a duration"),
    ("healthcheck: {test: [curl, x]}", "does not begin with `CMD`"), ("healthcheck: {test: null}", "`healthcheck.test` is empty"),
    ("deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 1}]}}}", "has no `capabilities`"),
    ("deploy: {resources: {reservations: {devices: [{count: 1, device_ids: ['0'], capabilities: [gpu]}]}}}", "both `count` and `device_ids`"),
    ("deploy: {resources: {reservations: {devices: [{count: many, capabilities: [gpu]}]}}}", "neither a number nor `all`"),
    ("deploy: {resources: {reservations: {devices: [{count: 1, capabilities: [[gpu]]}]}}}", "`capabilities` is not a text"),
    ("networks: [n1]", "the network `n1`, which the top-level `networks` does not define"), ("volumes: ['hf:/root']", "the volume `hf`"),
    ("networks: [n1]\n    network_mode: host", "exclude each other"), ("depends_on: [t]", "depends on the service `t`, which does not exist"),
    ("depends_on: [off]", "`off`, whose profile is not enabled"), ("depends_on: [s]", "depend on each other in a circle"),
    ("scale: 2\n    deploy: {replicas: 3}", "differ"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), REFUSED, ids=range(len(REFUSED)))
def test_what_compose_does_not_accept(tmp_path: Path, text: str, said: str) -> None:
    files = {"compose.yml": f"{ONE}    {text}\n  off: {{image: y, profiles: [p]}}\n"}
    box = service(tmp_path, files).container
    assert box is not None and any(said in one for one in box.refused), box


def test_what_compose_accepts_is_not_refused(tmp_path: Path) -> None:
    text = """
x-mine: {a: 1}
services:
  s:
    image: x
    x-own: 1
    command: ["serve", "--j", '{"a": 1}']
    restart: no
    tty: yes
    shm_size: 1.5g
    ports: [8000, "${PORT}:8000", "127.0.0.1::9000", "[::1]:1:1/udp"]
    environment: {A: , B: true, C: 1.5}
    healthcheck: {test: [CMD, a], start_period: 1h30m, interval: 500ms}
    deploy: {replicas: '2', resources: {reservations: {devices: [{driver: nvidia, count: all, capabilities: [gpu]}]}}}
    networks: [default, n]
    volumes: ["hf:/hf", "./a:/a", "~/b:/b", ".c:/c", "/anonymous", {type: tmpfs, target: /t}]
    depends_on: {t: {condition: service_healthy, required: false}, u: {condition: service_started}}
  u: {build: .}
networks: {n: {}}
volumes: {hf: }
"""
    box = service(tmp_path, {"compose.yml": text}).container
    assert box is not None and box.refused == ()
    alone = service(tmp_path, {"gpu.yml": "services: {s: {image: x, networks: [n1], volumes: ['hf:/a'], depends_on: [z]}}\n"}).container
    assert alone is not None and alone.refused == (), "the file below it may define them"


def test_kinds_that_exclude_each_other(tmp_path: Path) -> None:
    files = {"a.yml": f"{ONE}    volumes: [a1:/b]\n", "b.yml": "services: {s: {volumes: {a: b}}}\n"}
    with pytest.raises(TargetError, match="`volumes` is of another kind"):
        project(tmp_path, files, "b.yml")


def test_a_build_in_both_forms(tmp_path: Path) -> None:
    files = {"a.yml": "services: {s: {build: ./a}}\n", "b.yml": "services: {s: {build: {args: [K=1, SHELL_ONE], target: t}}}\n"}
    found = service(tmp_path, files, "b.yml", environ={"SHELL_ONE": "q"})
    assert (found.context, found.stage) == (str(tmp_path / "a"), "t")
    assert found.arguments == {"K": "1", "SHELL_ONE": "q"}


def test_the_override_file_next_to_the_usual_name(tmp_path: Path) -> None:
    files = {"compose.yml": ONE, "compose.override.yml": "services: {s: {command: [z]}}\n"}
    assert service(tmp_path, files).command == ("z",)
    assert service(tmp_path, files, beside=False).command is None
    assert service(tmp_path, {"a.yml": ONE, "a.override.yml": "services: {s: {command: [z]}}\n"}).command is None
    (tmp_path / "d").mkdir()
    assert service(tmp_path / "d", {"docker-compose.yml": ONE, "compose.override.yml": "services: {s: {command: [z]}}\n"}).command == ("z",)


def test_a_key_stands_once_and_documents_are_merged(tmp_path: Path) -> None:
    for text in (f"{ONE}    command: [a]\n    command: [b]\n", f"{ONE}    <<: {{ipc: host}}\n    <<: {{restart: no}}\n"):
        with pytest.raises(TargetError, match=r"line 5 repeats the key `(command|<<)` of line 4"):
            project(tmp_path, {"compose.yml": text})
    found = service(tmp_path, {"compose.yml": f"{ONE}    environment: {{A: 1}}\n---\nservices: {{s: {{command: [z], environment: [B=2]}}}}\n"})
    assert (found.image, found.command, found.variables) == ("x:1", ("z",), {"A": "1", "B": "2"})


@pytest.mark.parametrize(
    ("text", "dot", "environ", "wanted"),
    [("${A}", "A=dot\n", {}, "dot"), ("${A}", "A=dot\n", {"A": "shell"}, "shell"), ("${A:-${B:-${C-z}}}", "", {}, "z"),
     ("${A-d}", "A=\n", {}, ""), ("${A:-d}", "A=\n", {}, "d"), ("${A:+yes}-${B+b}", "A=1\n", {}, "yes-"),
     ("$$A $1 $(id)", "A=1\n", {}, "$A $1 $(id)"), ("${A:-${A}}", "", {}, "")],
)  # fmt: skip
def test_variables(tmp_path: Path, text: str, dot: str, environ: dict[str, str], wanted: str) -> None:
    files = {"compose.yml": f"{ONE}    working_dir: '{text}'\n", ".env": dot}
    assert (service(tmp_path, files, environ=environ).folder or "") == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [("${A:?set it}", "requires the variable `A`, which is not set here: set it"), ("${A[@]}", "does not accept"),
     ("${A", "does not accept"), ("${A:-${B}", "does not accept"), ("${}", "does not accept"),
     ("${HOME:-${B:?no b}}", "requires the variable `B`, which is not set here: no b")],
)  # fmt: skip
def test_what_compose_stops_at(tmp_path: Path, text: str, said: str) -> None:
    put(tmp_path, {"compose.yml": f"{ONE}    command: ['{text}']\n"})
    with pytest.raises(TargetError, match=said):
        read_compose(DeclaredRequest(compose="compose.yml"), {}, str(tmp_path))


def test_files_of_variables_on_the_command_line(tmp_path: Path) -> None:
    files = {"compose.yml": ONE.replace("x:1", "x:${T}${U}"), "a.env": "T=a\nU=1\n", "b.env": "T=b$U\n", ".env": "T=dot\n"}
    assert service(tmp_path, files, env_files=("a.env", "b.env")).image == "x:b11"


def test_a_dotenv_in_every_form() -> None:
    text = "# c\nA=plain # comment\nB=\"dq \\n ${A}\"\nC='sq ${A} # no'\nexport D = spaced\nE=a#b\nF=\nG: colon\nH=\"two\nlines\"\n"
    wanted = {"A": "plain", "B": "dq \n plain", "C": "sq ${A} # no", "D": "spaced", "E": "a#b", "F": "", "G": "colon"}
    assert dotenv(text, {}) == {**wanted, "H": "two\nlines"}


def test_files_of_variables_of_a_service(tmp_path: Path) -> None:
    text = f"{ONE}    env_file: [a.env, {{path: no.env, required: false}}, {{path: r.env, format: raw}}]\n    environment: {{A: over}}\n"
    found = service(tmp_path, {"compose.yml": text, "a.env": "A=1\nB=${A}x\nC=\"q\"\n", "r.env": 'R="q $A"\n'})
    shell = service(tmp_path, {"compose.yml": f"{ONE}    env_file: s.env\n", "s.env": "OF_SHELL\nGONE\nX=\n"}, environ={"OF_SHELL": "1"})
    assert shell.variables == {"OF_SHELL": "1", "X": ""}, "a name alone has the shell's value"
    assert found.variables == {"A": "over", "B": "overx", "C": "q", "R": '"q $A"'} and not found.notes
    lacking = service(tmp_path, {"compose.yml": f"{ONE}    env_file: gone.env\n"})
    assert "gone.env" in lacking.notes[0]


def test_extends_in_the_same_and_in_another_file(tmp_path: Path) -> None:
    files = {
        "compose.yml": "services:\n  s: {extends: {file: sub/base.yml, service: b}, environment: {B: 2}}\n  t: {extends: s, image: q}\n",
        "sub/base.yml": "services:\n  b: {extends: {service: c}, env_file: e.env, environment: [A=1]}\n  c: {image: cc, volumes: ['./m:/m']}\n",
        "sub/e.env": "X=1\n",
    }
    found = service(tmp_path, files, name="t")
    assert found.image == "q" and found.variables == {"X": "1", "A": "1", "B": "2"}
    assert found.places == [("/m", str(tmp_path / "sub/m"))]


def test_include_with_a_folder_and_variables_of_its_own(tmp_path: Path) -> None:
    files = {
        "compose.yml": "include:\n- o/c.yml\n- {path: [p/d.yml, p/e.yml], env_file: my.env, project_directory: q}\nservices: {s: {image: y}}\n",
        "o/c.yml": "services: {t: {image: 't:${V:-none}', volumes: ['./d:/d']}}\n", "o/.env": "V=o\n",
        "p/d.yml": "services: {u: {image: 'u:${V:-none}', build: ./b}}\n", "p/e.yml": "services: {u: {command: [z]}}\n", "my.env": "V=mine\n",
    }  # fmt: skip
    found = project(tmp_path, files)
    other, last = service_of(found, "t"), service_of(found, "u")
    assert (other.image, other.places) == ("t:o", [("/d", str(tmp_path / "o/d"))])
    assert (last.image, last.command) == ("u:mine", ("z",))
    assert last.context == str(tmp_path / "q/b")
    (tmp_path / ".env").write_text("V=main\n")
    assert service_of(project(tmp_path, files), "t").image == "t:main", "the project's variables come first"


@pytest.mark.parametrize(
    ("files", "said"),
    [({"compose.yml": "include: [b.yml]\n", "b.yml": "include: [compose.yml]\n"}, "includes itself"),
     ({"compose.yml": "include: [b.yml]\nservices: {s: {image: a}}\n", "b.yml": ONE}, "in an included file, too"),
     ({"compose.yml": "services:\n  a: {image: x, extends: b}\n  b: {extends: a}\n"}, "extends itself"),
     ({"compose.yml": "services:\n  a: {image: x, extends: gone}\n"}, "no service `gone`"),
     ({"compose.yml": "services:\n  a: {image: x, extends: {file: gone.yml, service: b}}\n"}, "cannot be read")],
)  # fmt: skip
def test_projects_that_docker_refuses(tmp_path: Path, files: Files, said: str) -> None:
    with pytest.raises(TargetError, match=said) as error:
        project(tmp_path, files)
    assert "\n" not in str(error.value)


def test_profiles_and_the_services_named(tmp_path: Path) -> None:
    vllm = "image: vllm/vllm-openai:v0.11.0"
    put(tmp_path, {"compose.yml": f"services:\n  a: {{{vllm}, profiles: [gpu]}}\n  b: {{{vllm}}}\n  c: {{image: nginx}}\n"})

    def chosen(**told: Any) -> str:
        return read_compose(DeclaredRequest(compose="compose.yml", composing=Composing(**told)), {}, str(tmp_path)).name

    assert chosen() == "b" and chosen(among=("a", "c")) == "a"
    with pytest.raises(TargetError, match="choose one"):
        chosen(profiles=("gpu",))


def test_a_dockerfile_inside_the_compose_file(tmp_path: Path) -> None:
    text = "services:\n  s:\n    build:\n      context: app\n      dockerfile_inline: |\n        FROM vllm/vllm-openai:v0.11.0\n        COPY go.sh /go.sh\n        ENTRYPOINT [\"/go.sh\"]\n"
    put(tmp_path, {"compose.yml": text, "app/go.sh": "#!/bin/sh\nexec vllm serve Q --tpp 2\n"})
    from tests.declared.conftest import facts_of

    launch = facts_of(compose=str(tmp_path / "compose.yml")).launch
    assert launch.engine == "vllm" and "--tpp" in launch.argv  # type: ignore[union-attr]


def test_hostile_projects_end_soon(tmp_path: Path) -> None:
    bomb = "a0: &a0 {k: v}\n" + "".join(f"a{n}: &a{n} {{{', '.join(f'k{i}: *a{n - 1}' for i in range(9))}}}\n" for n in range(1, 12))
    many = "include: [" + ", ".join(f"f{n}.yml" for n in range(200)) + "]\n"
    cases: list[tuple[Files, tuple[str, ...]]] = [
        ({"a.yml": f"{bomb}services: {{s: {{image: x, deploy: *a11}}}}\n", "b.yml": f"{bomb}services: {{s: {{deploy: *a11}}}}\n"}, ("b.yml",)),
        ({"c.yml": many, **{f"f{n}.yml": f"services: {{s{n}: {{image: x}}}}\n" for n in range(200)}}, ()),
        ({"d.yml": f"{ONE}    command: '" + "${A:-" * 20_000 + "'\n"}, ()),
        ({"e.yml": f"{ONE}    command: '" + "x" * 5_000_000 + "'\n"}, ()),
    ]
    for files, more in cases:
        began = time.monotonic()
        try:
            project(tmp_path, files, *more)
        except TargetError as error:
            assert "\n" not in str(error) and len(str(error)) < 400
        assert time.monotonic() - began < 5


def test_scripts_that_configs_mount(tmp_path: Path) -> None:
    text = """
services:
  s:
    image: vllm/vllm-openai:v0.11.0
    entrypoint: [/bin/sh, /go.sh]
    configs: [{source: go, target: /go.sh}]
configs:
  go: {content: "exec vllm serve ${MODEL:-Q} --tpp 2"}
"""
    put(tmp_path, {"compose.yml": text})
    from tests.declared.conftest import facts_of

    launch = facts_of(compose=str(tmp_path / "compose.yml")).launch
    assert launch.argv == ("vllm", "serve", "Q", "--tpp", "2")  # type: ignore[union-attr]


def test_every_case_is_read_as_docker_compose_reads_it(tmp_path: Path) -> None:
    """Against Compose itself, where it is installed; the figure of all cases: `benchmarks/compose_rules.py`."""
    tool = shutil.which("docker-compose")
    if tool is None:
        pytest.skip("docker-compose is not installed")
    from benchmarks.compose_cases import CASES
    from benchmarks.compose_rules import compared

    wrong = {case.name: compared(case, tmp_path / case.name, tool, False) for case in CASES}
    assert not {name: found for name, found in wrong.items() if found}
