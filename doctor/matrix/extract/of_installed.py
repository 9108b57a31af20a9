"""The row of one installed release: what the data has of published ones, but for what takes long to read."""

from __future__ import annotations

from doctor.matrix.extract.errors import LayoutError
from doctor.matrix.extract.files import Files
from doctor.matrix.extract.metadata import metadata_facts
from doctor.matrix.extract.projects.registry import project
from doctor.matrix.files.row import Row
from doctor.remote.errors import WheelError
from doctor.remote.source import WheelSource


def installed_row(name: str, version: str, source: WheelSource) -> Row:
    """Its requirements, options, architectures and methods; the kinds of its imports are left to the link check.

    Raises WheelError where its files cannot be read as those of any release that the extractor knows.
    """
    found = project(name)
    extract = found.extract() if found is not None else None
    if extract is None:
        raise WheelError(f"{name} is not read from its files")
    try:
        return {**metadata_facts(source, f"{name} {version}"), **extract(Files(name, version, source))}
    except (LayoutError, WheelError) as error:
        raise WheelError(str(error)) from error
    except Exception as error:  # files that are half there can be of any form; whatever is wrong, the row is not known
        raise WheelError(f"{name} {version}: its files are not those of a release ({type(error).__name__})") from error
