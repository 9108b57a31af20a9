"""Which package index to ask, and how: the user's own settings for pip or uv, else pip's built-in default."""

from __future__ import annotations

import ast
import configparser
import importlib
import importlib.util
import os
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from doctor.base.opening import first_bytes
from doctor.base.record import dataclass
from doctor.base.syntax import parse
from doctor.remote.errors import IndexUnavailable

LARGEST_SETTINGS = 1 << 20
_URL_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
_CERT_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """The index's simple page root `url`, the certificate bundle to trust (None: the default), and where it is set."""

    url: str
    certificates: str | None
    source: str


def index_settings(environ: Mapping[str, str] | None = None) -> IndexSettings:
    """The index that pip or uv would use here. Raises IndexUnavailable where none is set and pip is not installed.

    Extra indexes are left out: facts about published releases come from one place.
    """
    environ = os.environ if environ is None else environ
    found = next(_configured(environ), None)
    url, source = found if found else (default_index(), "the default of pip")
    certificates = next((environ[k] for k in _CERT_VARIABLES if environ.get(k)), None)
    certificates = certificates or next((c["cert"] for c in _pip_files(environ) if c.get("cert")), None)
    return IndexSettings(url.rstrip("/"), certificates, source)


def default_index() -> str:
    """The index URL that pip is built with, read from its source. Raises IndexUnavailable."""
    for text in _pip_sources():
        for node in ast.walk(parse(text)):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and node.value.args:
                target, first = node.targets[0], node.value.args[0]
                if isinstance(target, ast.Name) and target.id == "PyPI" and isinstance(first, ast.Constant):
                    return f"{str(first.value).rstrip('/')}/simple"
    raise IndexUnavailable("no package index is set (PIP_INDEX_URL, UV_DEFAULT_INDEX, pip.conf), and pip is missing")


def _configured(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in _URL_VARIABLES:
        if environ.get(name):
            yield _unnamed(environ[name]) if name == "UV_DEFAULT_INDEX" else environ[name], name
    for section in _pip_files(environ):
        if section.get("index-url"):
            yield section["index-url"], section["file"]
    yield from _uv_files(environ)


def _unnamed(text: str) -> str:
    """uv lets an index be named: `corporate=https://...`."""
    name, equals, url = text.partition("=")
    return url if equals and name.replace("-", "").replace("_", "").isalnum() else text


def _pip_files(environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The `[global]` settings of pip's files, the strongest first."""
    home, site = Path(environ.get("HOME") or Path.home()), Path(environ.get("VIRTUAL_ENV") or sys.prefix)
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [site / "pip.conf", site / "pip.ini", config / "pip/pip.conf", home / ".pip/pip.conf"]
    files += [home / "Library/Application Support/pip/pip.conf", Path(environ.get("APPDATA") or home) / "pip/pip.ini"]
    files += [Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf")]
    if environ.get("PIP_CONFIG_FILE"):
        files = [] if environ["PIP_CONFIG_FILE"] == os.devnull else [Path(environ["PIP_CONFIG_FILE"]), *files]
    for file in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(_small(file))
        except (OSError, configparser.Error, UnicodeDecodeError):
            continue
        if parser.has_section("global"):
            yield {"file": str(file), **{k.replace("_", "-"): v for k, v in parser.items("global")}}


def _uv_files(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    try:
        tomllib = importlib.import_module("tomllib")
    except ModuleNotFoundError:  # Python 3.10
        return
    home = Path(environ.get("HOME") or Path.home())
    for file in (Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "uv/uv.toml", Path("/etc/uv/uv.toml")):
        try:
            data = tomllib.loads(_small(file))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
            continue
        tables = [t for t in data.get("index", []) if isinstance(t, dict) and t.get("default")]
        url = next((t.get("url") for t in tables), data.get("index-url"))
        if isinstance(url, str):
            yield url, str(file)


def _small(file: Path) -> str:
    return first_bytes(file, LARGEST_SETTINGS).decode("utf-8-sig")


def _pip_sources() -> Iterator[str]:
    """The source of pip's `models/index.py`: as installed, else in the wheel that Python carries for `ensurepip`."""
    inside = "_internal/models/index.py"
    pip = importlib.util.find_spec("pip")
    if pip and pip.origin and (file := Path(pip.origin).parent / inside).is_file():
        yield file.read_text(encoding="utf-8")
    ensure = importlib.util.find_spec("ensurepip")
    if ensure and ensure.origin:
        for wheel in Path(ensure.origin).parent.glob("_bundled/pip-*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                yield archive.read(f"pip/{inside}").decode("utf-8")
