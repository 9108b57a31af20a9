"""JSON as we write and read it: an object of plain values, whose keys its schema or the function beside it names."""

from __future__ import annotations

from typing import Any

JsonObject = dict[str, Any]
