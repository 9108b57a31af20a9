"""Files that are made to hurt: read within bounds, with one sentence or an answer, and soon."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from doctor.collect.python.target import TargetError
from doctor.deployment.read import read_deployment
from tests.deployment.conftest import written

SECONDS = 20  # of this process
ALIASES = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{n}: &{n} [{','.join(['*' + p] * 9)}]\n" for p, n in zip("abcdefgh", "bcdefghi", strict=True))
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n"
FILES = {
    "aliases.yaml": f"{POD}{ALIASES}spec: {{containers: [{{name: c, image: i, args: *i}}]}}\n",
    "pods of aliases.yaml": f"{POD}{ALIASES}spec: {{containers: *i}}\n",
    "cycle.yaml": f"{POD}spec: &s\n  containers: [{{name: c, image: i}}]\n  again: *s\n",
    "documents.yaml": f"---\n{POD}" * 10_000,
    "deep.yaml": "kind: Pod\nspec: " + "[" * 1500,
    "large.service": "[Service]\nExecStart=/usr/bin/vllm serve " + "a" * 5_000_000,
    "words.service": "[Service]\nEnvironment='A=" + "b " * 1000 + "'\nExecStart=/usr/bin/vllm serve " + "$A " * 50_000,
    "doubling.mk": "A0=x\n" + "".join(f"A{i + 1}=$(A{i})$(A{i})\n" for i in range(60)) + "serve:\n\tvllm serve $(A60)\n",
    "Makefile": "A=$(B)$(B)\nB=$(A)$(A)\nserve:\n\tvllm serve $(A)\n",
    "doubling.yaml": f"{POD}spec:\n  containers:\n  - name: c\n    image: i\n    env:\n    - {{name: A0, value: aaaa}}\n"
    + "".join(f"    - {{name: A{i + 1}, value: '{f'$(A{i})' * 10}'}}\n" for i in range(60)) + "    args: [$(A60)]\n",
    "lists.ps1": "vllm serve " + "@(" * 30_000,
    "parameters.ps1": "param(" * 10_000,
    "comments.ps1": "<#" * 30_000,
    "at.bat": "@@@" * 80_000,
    "program.conf": "[program:x]\ncommand=" + "%(a)s" * 40_000 + "\nenvironment=" + 'A="b",' * 40_000,
    "justfile": "x := " + "env('" * 40_000 + "\nr:\n    {{" + "{" * 100_000,
    "job.sbatch": "#!/bin/bash\n#SBATCH " + " " * 200_000 + "\nvllm serve a/b\n",
    "values.yaml": "{{ " * 20_000,
    "unit.container": "[Container]\nImage=x\n" + "PodmanArgs=--x\n" * 4900 + "Exec=" + "a" * 250_000,
    "types.yaml": "kind: [a]\nmetadata: 5\nspec: {template: {spec: {containers: [{name: 5, image: [x], args: {a: b}, env: 5, "
    "resources: 7, volumeMounts: x, livenessProbe: [1]}], volumes: {}}}}\n",
    "application.yaml": "kind: RayService\nmetadata: {name: x}\nspec:\n  serveConfigV2: '" + "[" * 1200 + "'\n",
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_ends_soon(name: str, tmp_path: Path) -> None:
    path, begun = written(tmp_path, FILES[name], name), time.process_time()
    try:
        services = read_deployment((str(path),), {}, str(tmp_path))
    except TargetError as error:
        assert str(error).count("\n") == 0 and len(str(error)) < 400
    else:
        words = [w for s in services for w in (*(s.entrypoint or ()), *(s.command or ()))]
        assert len(services) <= 1000 and sum(map(len, words)) < 2_000_000
    assert time.process_time() - begun < SECONDS


def test_a_file_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "zero.service").write_bytes(b"[Service]\nExecStart=\0")
    for name in ("zero.service", "missing.yaml", "."):
        with pytest.raises(TargetError):
            read_deployment((name,), {}, str(tmp_path))
