"""How a command ends that could not do its work."""

from __future__ import annotations

import click


class Failed(click.ClickException):
    """Doctor could not do its work: exit status 3."""

    exit_code = 3
