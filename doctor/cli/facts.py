"""`qvl-doctor facts`: saves what check saw."""

from __future__ import annotations

from typing import Any

import click

from doctor.cli.help import Helped
from doctor.cli.request.options import (
    configuration_options,
    declared_request,
    launch_argument,
    question_options,
    target_options,
    target_request,
)


@click.command(cls=Helped)
@target_options
@question_options
@configuration_options
@click.option("--offline", is_flag=True, help="do not use the network; a model that is not on this disk stays unknown")
@click.option("--output", metavar="FILE", help="write to FILE instead of stdout")
@launch_argument
@click.pass_context
def facts(ctx: click.Context, /, output: str | None, **given: Any) -> None:
    """Saves what `check` sees, with secrets hidden, so that `check --facts FILE` can check it on another machine.

    Example:  qvl-doctor facts --output facts.json -- vllm serve Qwen/Qwen2.5-VL-7B-Instruct
    """
    import json

    from doctor import api
    from doctor.cli.answer.output import write
    from doctor.cli.config.applied import asked_once
    from doctor.cli.request.load import guarded
    from doctor.facts.codec import to_json

    options = asked_once(ctx, given).options
    declared = declared_request(options)
    asked = {name: options.pop(name) for name in ("model", "gpu", "driver")}
    online = not options["offline"]
    request = api.Request(target_request(options), tuple(options["launch"]), **asked, declared=declared, online=online)
    seen = guarded(request, api.collect)
    write(json.dumps(to_json(seen), indent=1, ensure_ascii=True) + "\n", output)
