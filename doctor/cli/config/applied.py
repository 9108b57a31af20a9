"""The options of a command, completed by the configuration file: the command line comes before it."""

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

OWN = ("config", "no_config", "named")  # options that are about the file itself
MACHINE = ("gpu", "driver", "model", "gateway", "python-version", "platform")  # saved facts state these themselves


@dataclass(frozen=True)
class Asked:
    """One question: its options in click's words, and what the report says of the configuration behind them."""

    options: dict[str, Any]
    settings: Settings | None


def asked(ctx: click.Context, options: Mapping[str, Any]) -> list[Asked]:
    """One check, or one for each launch that the file names. Raises click.UsageError."""
    plain = {k: v for k, v in options.items() if k not in OWN}
    if options["config"] and options["no_config"]:
        raise click.UsageError("`--config` and `--no-config` exclude each other")
    config = None if options["no_config"] else configuration(options["config"])
    given = {name for name in options if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    if config is None:
        if options["named"]:
            raise click.UsageError("`--launch` names a launch of a configuration file, and there is no such file here")
        return [Asked(plain, Settings(baseline=options["baseline"]) if options.get("baseline") else None)]
    return [_completed(config, name, plain, given) for name in _launches(config, options, given)]


def asked_once(ctx: click.Context, options: Mapping[str, Any]) -> Asked:
    """The same for a command that answers one question. Raises click.UsageError where the file asks several."""
    found = asked(ctx, options)
    if len(found) > 1:
        settings = [one.settings for one in found if one.settings]
        names = ", ".join(one_line(one.launch) for one in settings)
        raise click.UsageError(f"{settings[0].file} has {len(found)} launches; name one with `--launch`: {names}")
    return found[0]


def _launches(config: Config, options: Mapping[str, Any], given: set[str]) -> Iterable[str]:
    """The names of the launches to check; one empty name where it is the question of the command line alone."""
    named = tuple(dict.fromkeys(options["named"]))
    if named and (options.get("launch") or options.get("facts_file")):
        other = "a launch command" if options.get("launch") else "`--facts`"
        raise click.UsageError(f"`--launch` and {other} exclude each other")
    for name in named:
        if name not in config.launches:
            known = ", ".join(map(one_line, config.launches)) or "none"
            raise click.UsageError(f"{config.file} has no launch `{one_line(name, 60)}`; it has: {known}")
    of_environment = "launch" not in options  # a command that asks about an environment, whatever starts in it
    asks = of_environment or options["launch"] or options.get("facts_file") or _states_environment(given)
    return named or (() if asks else tuple(config.launches)) or ("",)


def _states_environment(given: Iterable[str]) -> bool:
    return any(key.environment and key.option in given for key in OF_A_FILE.values())


def _completed(config: Config, name: str, options: dict[str, Any], given: set[str]) -> Asked:
    launch = config.launches.get(name, Section())
    values = dict(_effective(config.whole.values, launch.values, options, given))
    out = {**options, **{OF_A_FILE[key].option: value for key, value in values.items()}}
    out["launch"] = options.get("launch") or launch.command
    chosen = options.get("select") or ()
    selected = () if chosen else config.select
    ignored = _still_ignored((*config.whole.ignored, *launch.ignored), chosen)
    out |= {"select": chosen or selected, "ignore": (*(options.get("ignore") or ()), *(one.code for one in ignored))}
    used = (*(k for k in values if k != "baseline"), *(["select"] if selected else ()))
    return Asked(out, Settings(config.file, name, used, selected, ignored, out.get("baseline") or ""))


def _effective(
    whole: Mapping[str, Any], launch: Mapping[str, Any], options: Mapping[str, Any], given: set[str]
) -> Iterator[tuple[str, Any]]:
    """What counts of the file. An environment named closer to the user replaces the farther one as a whole."""
    facts = bool(options.get("facts_file"))
    typed = _states_environment(given) or facts
    nearer = any(OF_A_FILE[key].environment for key in launch)
    for name, value in {**whole, **launch}.items():
        key = OF_A_FILE[name]
        of_environment = key.environment or key.refines
        replaced = of_environment and (typed or (nearer and name not in launch))
        stated = (name in MACHINE and facts) or key.option not in options
        own = name == "model" and options.get("launch")  # a command of the user's names its model
        if not (key.option in given or replaced or stated or own):
            yield name, value


def _still_ignored(ignored: Iterable[Ignored], select: Iterable[str]) -> tuple[Ignored, ...]:
    """Without what the command line selects by name."""
    chosen = [part.strip().upper() for text in select for part in text.split(",") if part.strip()]
    return tuple(one for one in ignored if not any(code.startswith(one.code) for code in chosen))
