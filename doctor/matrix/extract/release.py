"""One release read whole: its row of facts and the table of names that it provides."""

from __future__ import annotations

from dataclasses import field

from doctor.base.record import dataclass
from doctor.matrix.engines import engine
from doctor.matrix.extract.files import Files
from doctor.matrix.extract.imports import half_facts, import_facts, model_facts
from doctor.matrix.extract.metadata import metadata_facts
from doctor.matrix.extract.package_names import Parsed, file_imports, importable, sources_of
from doctor.matrix.extract.projects.registry import Project
from doctor.matrix.files.row import Row
from doctor.remote.errors import WheelError
from doctor.remote.source import WheelSource

Table = dict[str, frozenset[str]]


@dataclass
class Reader:
    """Reads the releases of one project; keeps what they share. `read` raises LayoutError, WheelError."""

    project: Project
    parsed: Parsed = field(init=False)

    def __post_init__(self) -> None:
        self.parsed = Parsed(imports=self.project.imports)

    def read(self, source: WheelSource, version: str) -> tuple[Row, Table | None]:
        """The release's row and names (None where the project's are not indexed)."""
        try:
            return self._read(source, version)
        except RecursionError as error:
            raise WheelError(f"{self.project.name} {version}: its source is nested too deeply to be read") from error

    def _read(self, source: WheelSource, version: str) -> tuple[Row, Table | None]:
        release = f"{self.project.name} {version}"
        if self.project.names or self.project.imports:
            source.prefetch(sources_of(source, self.project.packages))
        row = metadata_facts(source, release)
        if extract := self.project.extract():
            row.update(extract(Files(self.project.name, version, source)))
        if self.project.imports:
            found = engine(self.project.name)
            entries = [e.module for e in found.entries] if found else list(self.project.packages)
            files = file_imports(source, self.project.packages, self.parsed)
            row["imports"] = import_facts(files, entries)
            row["imports.models"] = model_facts(files, entries, _model_modules(row))
            if found and found.backends:
                common = [e.module for e in found.entries if e.backend is None]
                halves = {b: [e.module for e in found.entries if e.backend == b] for b in found.backends}
                row["imports.half"] = half_facts(files, common, halves)
        names = importable(source, self.project.packages, self.parsed) if self.project.names else None
        return row, names


def _model_modules(row: Row) -> set[str]:
    """The modules of the classes that the release serves architectures with."""
    named = (v for section, found in row.items() if section.startswith("architectures.") for v in found.values())
    return {place.rpartition(".")[0] for place in named if isinstance(place, str)}
