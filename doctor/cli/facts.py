"""`qvl-doctor facts`: saves what check saw."""

from __future__ import annotations

from typing import Any

import click

from doctor.cli.help import Helped
from doctor.cli.request.options import declared_request, question_options, target_options, target_request


@click.command(cls=Helped)
@target_options
@question_options
@click.option("--offline", is_flag=True, help="do not use the network; a model that is not on this disk stays unknown")
@click.option("--output", metavar="FILE", help="write to FILE instead of stdout")
@click.argument("launch", nargs=-1, type=click.UNPROCESSED, metavar="[-- LAUNCH COMMAND]")
def facts(output: str | None, offline: bool, launch: tuple[str, ...], **options: Any) -> None:
    """Saves what `check` sees, with secrets hidden, so that `check --facts FILE` can check it on another machine.

    Example:  qvl-doctor facts --output facts.json -- vllm serve Qwen/Qwen2.5-VL-7B-Instruct
    """
    import json

    from doctor import api
    from doctor.cli.answer.output import write
    from doctor.cli.request.load import guarded
    from doctor.facts.codec import to_json

    declared = declared_request(options)
    asked = {name: options.pop(name) for name in ("model", "gpu", "driver")}
    request = api.Request(target_request(options), launch, **asked, declared=declared, online=not offline)
    seen = guarded(request, api.collect)
    write(json.dumps(to_json(seen), indent=1, ensure_ascii=True) + "\n", output)
