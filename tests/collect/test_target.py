"""Every way to name the environment, on real venvs; nothing of it is started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from env_factory import ask, interpreters, make_venv, python_of, request, site_of, unpack, wheel

from doctor.collect.python.target import TargetError, find_target

posix = pytest.mark.skipif(os.name == "nt", reason="symlinks and shebangs are POSIX's")
SYS_PATH = "import sys, json; print(json.dumps([sys.path, sys.prefix, sys.base_prefix, list(sys.version_info[:3])]))"


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_venv(tmp_path_factory.mktemp("target") / "env")


def script(path: Path, first: str, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(first + "\nraise SystemExit('must not run')\n")
    path.chmod(mode)
    return path


@pytest.mark.parametrize("way", ["prefix", "interpreter", "bin", "project"])
def test_python_option_takes_interpreter_and_folders(env: Path, tmp_path: Path, way: str) -> None:
    (tmp_path / ".venv").symlink_to(env)
    named = {"prefix": env, "interpreter": python_of(env), "bin": python_of(env).parent, "project": tmp_path}[way]
    target = find_target(request(python=str(named)))
    assert target.why == "--python" and target.kind == "installed"
    assert os.path.realpath(target.prefix or "") == os.path.realpath(env)
    assert [os.path.realpath(p) for p in target.paths] == [os.path.realpath(site_of(env))]
    assert target.python == ".".join(map(str, sys.version_info[:3]))
    assert target.base_prefix and os.path.realpath(target.base_prefix) == os.path.realpath(sys.base_prefix)


@pytest.mark.parametrize("minor", ["system", *(f"3.{n}" for n in range(8, 15))])
@pytest.mark.parametrize("kind", ["own", "venv", "venv with system packages"])
def test_agrees_with_the_real_interpreter(tmp_path: Path, minor: str, kind: str) -> None:
    exe = interpreters().get(minor)
    if exe is None:
        pytest.skip(f"no Python {minor} on this machine")
    if kind != "own":
        flags = ["--without-pip", *(["--system-site-packages"] if "system" in kind else [])]
        made = subprocess.run([str(exe), "-m", "venv", *flags, str(tmp_path / "v")], capture_output=True, text=True)
        if made.returncode:
            pytest.skip(f"this Python {minor} makes no venv: {made.stdout.strip()[:80]}")
        exe = python_of(tmp_path / "v")
    home = tmp_path / "home"
    user = home / ".local/lib" / ("python" + ask(exe, "import sys; print('%d.%d' % sys.version_info[:2])").strip())
    (user / "site-packages").mkdir(parents=True)
    environ = {"HOME": str(home), "PATH": os.environ["PATH"]}
    path, prefix, base, version = json.loads(ask(exe, SYS_PATH, environ, tmp_path))
    target = find_target(request(python=str(exe), environ=environ))
    library = {os.path.realpath(p) for p in target.stdlib}
    real = [os.path.realpath(p) for p in path if p and not p.endswith(".zip")]
    assert [os.path.realpath(p) for p in target.paths] == [p for p in real if p not in library]
    assert library <= set(real)
    assert os.path.realpath(target.prefix or "") == os.path.realpath(prefix)
    assert os.path.realpath(target.base_prefix or "") == os.path.realpath(base)
    assert (target.python or "").split(".")[:3] == [str(v) for v in version]
    assert target.platform == ask(exe, "import sysconfig; print(sysconfig.get_platform())").strip()


@posix
def test_link_outside_of_a_venv_is_the_base_as_python_itself_has_it(env: Path, tmp_path: Path) -> None:
    link = tmp_path / "mypython"
    link.symlink_to(python_of(env))
    truth = ask(link, "import sys; print(sys.prefix)").strip()
    assert os.path.realpath(find_target(request(python=str(link))).prefix or "") == os.path.realpath(truth)


@posix
@pytest.mark.parametrize(
    "first",
    [
        "#!{exe}",
        "#!{exe} -s",
        "#!/usr/bin/env python",
        "#!/usr/bin/env -S python -u",
        "#!/bin/sh\n'''exec' \"{exe}\" \"$0\" \"$@\"\n' '''",
        "#!/bin/sh\n'''exec' {exe} \"$0\" \"$@\"\n' '''",
        "#!/bin/sh\n'''exec' \"$(dirname -- \"$(realpath -- \"$0\")\")\"/'python' \"$0\" \"$@\"\n' '''",
        "#!/bin/bash\necho a wrapper that tells nothing",
    ],
)
def test_shebang_of_the_launcher(env: Path, tmp_path: Path, first: str) -> None:
    launcher = script(python_of(env).parent / "lmdeploy", first.format(exe=python_of(env)))
    other = make_venv(tmp_path / "other")
    environ = {"PATH": str(launcher.parent), "VIRTUAL_ENV": str(other)}
    target = find_target(request(launcher=("lmdeploy", "serve", "api_server", "m"), environ=environ))
    assert target.prefix == str(env)
    assert target.why == ("folder of lmdeploy" if "wrapper" in first else "shebang of lmdeploy")
    assert target.front is None


@posix
def test_launcher_behind_a_link_as_uv_tool_and_pipx_make_it(env: Path, tmp_path: Path) -> None:
    script(python_of(env).parent / "vllm", f"#!{python_of(env)}")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/vllm").symlink_to(python_of(env).parent / "vllm")
    target = find_target(request(launcher=("vllm", "serve", "m"), environ={"PATH": str(tmp_path / "bin")}))
    assert (target.prefix, target.why) == (str(env), "shebang of vllm")


@posix
@pytest.mark.parametrize(
    "words",
    [
        ("python", "-m", "x"),
        ("CUDA_VISIBLE_DEVICES=0", "nohup", "python", "-u", "-m", "x"),
        ("env", "-u", "C", "A=b", "python", "-m", "x"),
        ("timeout", "-s", "KILL", "10", "python", "-m", "x"),
        ("sudo", "-u", "me", "stdbuf", "-oL", "python", "-Xdev", "-mx"),
    ],
)
def test_python_as_the_launcher(env: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    environ = {"PATH": str(python_of(env).parent)}
    target = find_target(request(launcher=words, environ=environ, cwd=str(tmp_path)))
    assert (target.prefix, target.why, target.front) == (str(env), "python of the launch command", str(tmp_path))


@posix
def test_flags_and_variables_change_the_path(env: Path, tmp_path: Path) -> None:
    (tmp_path / "extra").mkdir()
    environ = {"PATH": str(python_of(env).parent), "PYTHONPATH": f"{tmp_path / 'extra'}{os.pathsep}{tmp_path / 'none'}"}

    def found(*words: str) -> list[str]:
        target = find_target(request(launcher=("python", *words), environ=environ, cwd=str(tmp_path)))
        return [*target.paths, target.front or ""]

    site = str(site_of(env))
    assert found("-m", "x") == [str(tmp_path / "extra"), site, str(tmp_path)]
    assert found("-I", "-m", "x") == [site, ""]
    assert found("-E", "sub/run.py") == [site, str(tmp_path / "sub")]
    assert found("-S", "-P", "-m", "x") == [str(tmp_path / "extra"), ""]


@posix
def test_pyenv_shim(env: Path, tmp_path: Path) -> None:
    root = tmp_path / "pyenv"
    shim = script(root / "shims/python3", '#!/usr/bin/env bash\nexec "/x/libexec/pyenv" exec "$program" "$@"')
    script(root / "shims/lmdeploy", '#!/usr/bin/env bash\nexec "/x/libexec/pyenv" exec "$program" "$@"')
    (root / "versions").mkdir()
    (root / "versions/mine").symlink_to(env)
    script(env / "bin/lmdeploy", f"#!{root}/versions/mine/bin/python")
    environ = {"PATH": str(shim.parent)}
    with pytest.raises(TargetError, match="no active version"):
        find_target(request(python=str(shim), environ=environ))
    (root / "version").write_text("mine\n")
    for given in ({"python": str(shim)}, {"launcher": ("python3", "-m", "x")}, {"launcher": ("lmdeploy",)}, {}):
        target = find_target(request(environ=environ, **given))
        assert target.prefix == f"{root}/versions/mine", given


@posix
def test_uv_run_and_conda_run(env: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "deep").mkdir(parents=True)
    (project / "pyproject.toml").touch()
    (project / ".venv").symlink_to(env)
    words = ("uv", "run", "--with", "x", "python", "-m", "y")
    target = find_target(request(launcher=words, cwd=str(project / "deep")))
    assert (target.prefix, target.why) == (str(project / ".venv"), "environment of `uv run`")
    assert target.front == str(project / "deep")
    (tmp_path / "conda/envs").mkdir(parents=True)
    (tmp_path / "conda/envs/serve").symlink_to(env)
    environ = {"CONDA_EXE": str(tmp_path / "conda/bin/conda")}
    target = find_target(request(launcher=("conda", "run", "-n", "serve", "lmdeploy"), environ=environ))
    assert (target.prefix, target.why) == (str(tmp_path / "conda/envs/serve"), "environment of `conda run`")


def test_order_of_the_ways(env: Path, tmp_path: Path) -> None:
    names = ("active", "conda", ".venv", "onpath")
    made = {name: make_venv(tmp_path / name) for name in names}
    environ = {
        "PATH": str(python_of(made["onpath"]).parent),
        "VIRTUAL_ENV": str(made["active"]),
        "CONDA_PREFIX": str(made["conda"]),
    }
    for name, why in zip(names, ("VIRTUAL_ENV", "CONDA_PREFIX", "./.venv", "python3 on PATH"), strict=True):
        target = find_target(request(environ=environ, cwd=str(tmp_path)))
        assert (target.prefix, target.why) == (str(made[name]), why)
        environ.pop(why, None)
        if why == "./.venv":
            (tmp_path / ".venv").rename(tmp_path / "moved")


def test_own_environment_only_if_named(env: Path, tmp_path: Path) -> None:
    environ = {"PATH": str(python_of(env).parent)}
    with pytest.raises(TargetError, match=r"runs qvl-doctor.*--python"):
        find_target(request(environ=environ, own_prefix=str(env), cwd=str(tmp_path)))
    assert find_target(request(python=str(env), own_prefix=str(env))).prefix == str(env)
    tool = make_venv(tmp_path / "tool")
    (tool / "uv-receipt.toml").touch()
    both = {"PATH": os.pathsep.join([str(python_of(tool).parent), str(python_of(env).parent)])}
    assert find_target(request(environ=both, own_prefix=str(tool), cwd=str(tmp_path))).prefix == str(env)


@pytest.mark.parametrize("how", ["VIRTUAL_ENV", "CONDA_PREFIX", "./.venv"])
def test_own_environment_that_is_active_is_passed_over(env: Path, tmp_path: Path, how: str) -> None:
    own = make_venv(tmp_path / ".venv")
    environ = {"PATH": os.pathsep.join([str(python_of(own).parent), str(python_of(env).parent)])}
    if how != "./.venv":
        environ[how] = str(own)
    asked = request(environ=environ, own_prefix=str(own), cwd=str(tmp_path))
    assert find_target(asked).prefix == str(env)
    (site_of(own) / "torch").mkdir()  # installed next to a server: that is the environment which is meant
    assert find_target(asked).prefix == str(own) and find_target(asked).why == how


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"python": "/no/such/place"}, "does not exist"),
        ({"python": "no-such-command"}, "does not exist"),
        ({"python": "{tmp}"}, "is not a Python environment"),
        ({"python": "{tmp}/file"}, "is not the interpreter of a Python environment"),
        ({"python": "{tmp}/loop"}, "is not the interpreter|does not exist"),
        ({"paths": ("{tmp}/nothing",)}, "does not exist"),
        ({"root": "{tmp}/nothing"}, "is not a folder"),
        ({"python_version": "three"}, "is not a Python version"),
        ({}, "no Python environment found"),
    ],
)
def test_mistakes_are_one_clear_sentence(tmp_path: Path, given: dict[str, object], sentence: str) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")

    def fill(value: object) -> object:
        return tuple(map(fill, value)) if isinstance(value, tuple) else str(value).replace("{tmp}", str(tmp_path))

    with pytest.raises(TargetError, match=sentence) as caught:
        find_target(request(cwd=str(tmp_path), **{k: fill(v) for k, v in given.items()}))
    assert "\n" not in str(caught.value)


def test_stale_variable_is_said_and_passed_over(env: Path, tmp_path: Path) -> None:
    environ = {"VIRTUAL_ENV": str(tmp_path / "gone"), "CONDA_PREFIX": str(env)}
    target = find_target(request(environ=environ, cwd=str(tmp_path)))
    assert target.why == "CONDA_PREFIX" and "gone" in target.problems[0].message


def test_venv_whose_python_is_gone(tmp_path: Path) -> None:
    prefix = make_venv(tmp_path / "v")
    config = (prefix / "pyvenv.cfg").read_text().splitlines()
    (prefix / "pyvenv.cfg").write_text("\n".join("home = /gone/bin" if x.startswith("home") else x for x in config))
    for link in prefix.glob("bin/python*"):
        link.unlink()
        link.symlink_to("/gone/bin/python3")
    target = find_target(request(python=str(prefix)))
    assert target.base_prefix is None and target.stdlib == ()
    assert [os.path.realpath(p) for p in target.paths] == [os.path.realpath(site_of(prefix))]
    assert any("/gone/bin" in p.message for p in target.problems)


def test_paths_are_taken_as_they_are(env: Path, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x.pth").write_text(f"{tmp_path}\nimport os\n")
    given = (str(tmp_path / "a"), str(site_of(env)))
    target = find_target(request(paths=given, python_version="3.9", platform="linux-aarch64"))
    assert (target.kind, target.why, target.paths) == ("paths", "--path", given)
    assert (target.python, target.platform, target.code_lines) == ("3.9", "linux-aarch64", ())


@posix
def test_conda_prefix(tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta/python-3.10.12-hd12c33a_0_cpython.json").write_text("{}")
    (tmp_path / "lib/python3.10/site-packages").mkdir(parents=True)
    (tmp_path / "lib/python3.10/os.py").touch()
    (tmp_path / "lib/python3.10/_sysconfigdata__linux_aarch64-linux-gnu.py").touch()
    target = find_target(request(python=str(tmp_path)))
    assert (target.python, target.platform) == ("3.10.12", "linux-aarch64")
    assert target.paths == (str(tmp_path / "lib/python3.10/site-packages"),)


@posix
def test_root_is_never_left(tmp_path: Path) -> None:
    """Absolute paths and links of a container's file system are meant inside of it."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    base = root / "opt/py"
    (base / "bin").mkdir(parents=True)
    (base / "bin/python3.10").write_bytes(b"\x7fELF")
    (base / "lib/python3.10").mkdir(parents=True)
    (base / "lib/python3.10/os.py").touch()
    site = root / "venv/lib/python3.10/site-packages"
    site.mkdir(parents=True)
    (root / "venv/bin").mkdir()
    (root / "venv/bin/python").symlink_to("/opt/py/bin/python3.10")
    (root / "venv/pyvenv.cfg").write_text("home = /opt/py/bin\nversion = 3.10.4\n")
    (root / "src/pkg").mkdir(parents=True)
    outside.mkdir()
    (site / "a.pth").write_text(f"/src\n../../../../src/pkg\n{outside}\n../../../../../../../../outside\n/out\n")
    (root / "out").symlink_to(outside)
    (site / "evil").symlink_to("/../../outside")
    target = find_target(request(root=str(root), python="/venv/bin/python"))
    assert target.paths == (str(site), str(root / "src"), str(root / "src/pkg"))
    assert (target.base_prefix, target.python) == (str(base), "3.10.4")
    assert target.stdlib == (str(base / "lib/python3.10"),)
    assert find_target(request(root=str(root), python="/venv")).prefix == str(root / "venv")
    environ = {"VIRTUAL_ENV": "/venv"}
    assert find_target(request(root=str(root), environ=environ)).prefix == str(root / "venv")


def test_pth_lines_as_site_reads_them(tmp_path: Path) -> None:
    prefix = make_venv(tmp_path / "v")
    site = site_of(prefix)
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
    (site / "b.pth").write_text(f"# a comment\n\n{tmp_path / 'two'}\n{tmp_path / 'missing'}\n{tmp_path / 'one'}   \n")
    (site / "a.pth").write_text(f"{tmp_path / 'one'}\nimport this_is_code; x = 'hf_{'a' * 30}'\n{tmp_path / 'one'}\n")
    (site / ".hidden.pth").write_text(f"{tmp_path / 'three'}\n")
    (site / "a.pth.bak").write_text(f"{tmp_path / 'three'}\n")
    target = find_target(request(python=str(prefix)))
    assert list(target.paths) == [str(site), str(tmp_path / "one"), str(tmp_path / "two")]
    assert len(target.code_lines) == 1
    assert "this_is_code" in target.code_lines[0].message and "hf_a" not in target.code_lines[0].message


def test_setuptools_editable_finder_is_read(tmp_path: Path) -> None:
    prefix = make_venv(tmp_path / "v")
    site = site_of(prefix)
    (tmp_path / "src/pkg").mkdir(parents=True)
    (tmp_path / "src/single.py").touch()
    mapping = {"pkg": str(tmp_path / "src/pkg"), "single": str(tmp_path / "src/single"), "gone": "/gone"}
    (site / "__editable___pkg_1_0_finder.py").write_text(
        f"import sys\nMAPPING: dict[str, str] = {mapping!r}\nNAMESPACES: dict[str, list[str]] = {{}}\n"
        "PATH_PLACEHOLDER = '__editable__.pkg-1.0.finder'\nopen('ran', 'w')\n"
    )
    (site / "__editable__.pkg-1.0.pth").write_text(
        "import __editable___pkg_1_0_finder; __editable___pkg_1_0_finder.install()"
    )
    target = find_target(request(python=str(prefix)))
    assert target.editable == (("pkg", str(tmp_path / "src/pkg")), ("single", str(tmp_path / "src/single.py")))
    assert target.code_lines == ()


def test_pth_file_of_a_hundred_megabytes_is_named_not_read(tmp_path: Path) -> None:
    prefix = make_venv(tmp_path / "v")
    with (site_of(prefix) / "big.pth").open("wb") as handle:
        handle.truncate(100 << 20)
    target = find_target(request(python=str(prefix)))
    assert any("big.pth" in p.message for p in target.problems)


@posix
def test_fifo_instead_of_a_file_does_not_hang(tmp_path: Path) -> None:
    prefix = make_venv(tmp_path / "v")
    os.mkfifo(site_of(prefix) / "x.pth")
    (prefix / "bin/lmdeploy").unlink(missing_ok=True)
    target = find_target(request(python=str(prefix)))
    assert any("not a regular file" in p.message for p in target.problems)


def test_installed_wheel_is_seen_where_python_sees_it(env: Path, tmp_path: Path) -> None:
    unpack(wheel(tmp_path, "seen-here"), site_of(env))
    target = find_target(request(python=str(env)))
    real = ask(python_of(env), "import seen_here; print(seen_here.__file__)").strip()
    assert any(real.startswith(p) for p in target.paths)


@posix
@pytest.mark.parametrize("name", ["python3.14", "python3.14t", "python3.9"])
def test_installation_laid_out_as_make_install_does(tmp_path: Path, name: str) -> None:
    minor = name.removeprefix("python").rstrip("t")
    base = tmp_path / "base"
    (base / "bin").mkdir(parents=True)
    (base / "bin" / name).write_bytes(b"\x7fELF\x02\x01" + b"\0" * 12 + b"\xb7\0")
    (base / "bin/python3").symlink_to(name)
    (base / f"lib/{name}/site-packages").mkdir(parents=True)
    (base / f"lib/{name}/os.py").touch()
    (base / f"include/{name}").mkdir(parents=True)
    (base / f"include/{name}/patchlevel.h").write_text(f'#define PY_VERSION      "{minor}.7rc1"\n')
    for given in (base, base / "bin/python3"):
        target = find_target(request(python=str(given)))
        assert (target.python, target.platform) == (f"{minor}.7", "linux-aarch64")
        assert target.paths == (str(base / f"lib/{name}/site-packages"),)
        assert target.stdlib == (str(base / f"lib/{name}"),)


@posix
def test_uv_venv_of_another_python(tmp_path: Path) -> None:
    """uv writes `version_info` and no pip; the link leads through a folder that uv names after the build."""
    build = tmp_path / "uv/cpython-3.14.2-linux-x86_64-gnu"
    (build / "bin").mkdir(parents=True)
    (build / "bin/python3.14").write_bytes(b"\x7fELF")
    (build / "lib/python3.14").mkdir(parents=True)
    (build / "lib/python3.14/os.py").touch()
    (tmp_path / "uv/cpython-3.14-linux-x86_64-gnu").symlink_to(build)
    prefix = tmp_path / ".venv"
    (prefix / "lib/python3.14/site-packages").mkdir(parents=True)
    (prefix / "bin").mkdir()
    (prefix / "bin/python").symlink_to(tmp_path / "uv/cpython-3.14-linux-x86_64-gnu/bin/python3.14")
    home = tmp_path / "uv/cpython-3.14-linux-x86_64-gnu/bin"
    (prefix / "pyvenv.cfg").write_text(f"home = {home}\nimplementation = CPython\nuv = 0.9.0\nversion_info = 3.14.2\n")
    target = find_target(request(cwd=str(tmp_path)))
    assert (target.why, target.python, target.base_prefix) == ("./.venv", "3.14.2", str(build))
    assert target.paths == (str(prefix / "lib/python3.14/site-packages"),) and target.problems == ()
