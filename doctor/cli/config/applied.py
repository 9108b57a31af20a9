"""The options of `check`, completed by the configuration file: the command line comes before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click
from click.core import ParameterSource

from doctor.base.record import dataclass
from doctor.base.text import one_line
from doctor.cli.config.keys import OF_A_FILE
from doctor.cli.config.reading import Config, Section, configuration
from doctor.findings.settings import Ignored, Settings

MACHINE = ("gpu", "driver", "model", "gateway", "python-version", "platform")  # saved facts state these themselves


@dataclass(frozen=True)
class Asked:
    """One check: its options in click's words, and what the report says of the configuration behind them."""

    options: dict[str, Any]
    settings: Settings | None


def asked(ctx: click.Context, options: Mapping[str, Any]) -> list[Asked]:
    """One check, or one for each launch that the file names. Raises click.UsageError."""
    plain = {k: v for k, v in options.items() if k not in ("config", "no_config", "named")}
    if options["config"] and options["no_config"]:
        raise click.UsageError("`--config` and `--no-config` exclude each other")
    config = None if options["no_config"] else configuration(options["config"])
    given = {name for name in options if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    if config is None:
        if options["named"]:
            raise click.UsageError("`--launch` names a launch of a configuration file, and there is no such file here")
        return [Asked(plain, Settings(baseline=options["baseline"]) if options["baseline"] else None)]
    return [_completed(config, name, plain, given) for name in _launches(config, options, given)]


def _launches(config: Config, options: Mapping[str, Any], given: set[str]) -> Iterable[str]:
    """The names of the launches to check; one empty name where it is the question of the command line alone."""
    named = tuple(dict.fromkeys(options["named"]))
    if named and (options["launch"] or options["facts_file"]):
        other = "a launch command" if options["launch"] else "`--facts`"
        raise click.UsageError(f"`--launch` and {other} exclude each other")
    for name in named:
        if name not in config.launches:
            known = ", ".join(map(one_line, config.launches)) or "none"
            raise click.UsageError(f"{config.file} has no launch `{one_line(name, 60)}`; it has: {known}")
    asks = options["launch"] or options["facts_file"] or _states_environment(given)
    return named or (() if asks else tuple(config.launches)) or ("",)


def _states_environment(given: Iterable[str]) -> bool:
    return any(key.environment and key.option in given for key in OF_A_FILE.values())


def _completed(config: Config, name: str, options: dict[str, Any], given: set[str]) -> Asked:
    launch = config.launches.get(name, Section())
    values = dict(_effective(config.whole.values, launch.values, options, given))
    out = {**options, **{OF_A_FILE[key].option: value for key, value in values.items()}}
    out["launch"] = options["launch"] or launch.command
    out["select"] = options["select"] or config.select
    ignored = _still_ignored((*config.whole.ignored, *launch.ignored), options["select"])
    out["ignore"] = (*options["ignore"], *(one.code for one in ignored))
    used = (*(k for k in values if k != "baseline"), *(["select"] if config.select and not options["select"] else ()))
    baseline = out["baseline"] or ""
    selected = () if options["select"] else config.select
    return Asked(out, Settings(config.file, name, used, selected, ignored, baseline))


def _effective(
    whole: Mapping[str, Any], launch: Mapping[str, Any], options: Mapping[str, Any], given: set[str]
) -> Iterator[tuple[str, Any]]:
    """What counts of the file. An environment named closer to the user replaces the farther one as a whole."""
    typed = _states_environment(given) or bool(options["facts_file"])
    nearer = any(OF_A_FILE[key].environment for key in launch)
    for name, value in {**whole, **launch}.items():
        key = OF_A_FILE[name]
        of_environment = key.environment or key.refines
        replaced = of_environment and (typed or (nearer and name not in launch))
        stated = name in MACHINE and options["facts_file"]
        own = name == "model" and options["launch"]  # a command of the user's names its model
        if not (key.option in given or replaced or stated or own):
            yield name, value


def _still_ignored(ignored: Iterable[Ignored], select: Iterable[str]) -> tuple[Ignored, ...]:
    """Without what the command line selects by name."""
    chosen = [part.strip().upper() for text in select for part in text.split(",") if part.strip()]
    return tuple(one for one in ignored if not any(code.startswith(one.code) for code in chosen))
