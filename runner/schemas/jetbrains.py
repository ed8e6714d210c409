"""The mapping of JetBrains IDEs that gives manifests their schema, merged into what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from runner.schemas.vscode import UnmergeableError

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMPONENT = "JsonSchemaMappingsProjectConfiguration"
_HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n'


def with_mapping(text: str | None, name: str, schema: str, patterns: Sequence[str]) -> str:
    """The text of `.idea/jsonSchemas.xml` with `schema` for files of these patterns; `text` is what stands there.

    A mapping of this schema that is there already is the user's and stays as it is. Raises UnmergeableError.
    """
    project = _parsed(text)
    if text is not None and any(
        option.get("value") == schema for option in project.iterfind(".//option[@name='relativePathToSchema']")
    ):
        return text
    component = project.find(f"component[@name='{_COMPONENT}']")
    if component is None:
        component = ET.SubElement(project, "component", name=_COMPONENT)
    state = _child(component, "state")
    _child(state, "map").append(_entry(name, schema, patterns))
    ET.indent(project)
    return _HEADER + ET.tostring(project, encoding="unicode") + "\n"


def _entry(name: str, schema: str, patterns: Sequence[str]) -> ET.Element:
    entry = ET.Element("entry", key=name)
    info = ET.SubElement(ET.SubElement(entry, "value"), "SchemaInfo")
    options = {"name": name, "relativePathToSchema": schema, "schemaVersion": "JSON Schema version 7"}
    for option, value in options.items():
        ET.SubElement(info, "option", name=option, value=value)
    items = ET.SubElement(ET.SubElement(info, "option", name="patterns"), "list")
    for pattern in patterns:
        item = ET.SubElement(items, "Item")
        for option, value in {"pattern": "true", "path": pattern, "mappingKind": "Pattern"}.items():
            ET.SubElement(item, "option", name=option, value=value)
    return entry


def _parsed(text: str | None) -> ET.Element:
    if text is None or not text.strip():
        return ET.Element("project", version="4")
    builder = ET.TreeBuilder(insert_comments=True, insert_pis=True)
    try:
        project = ET.fromstring(text, ET.XMLParser(target=builder))  # noqa: S314  # the user's own settings
    except ET.ParseError as error:
        raise UnmergeableError(f"it is not XML: {error}") from error
    if project.tag != "project":
        raise UnmergeableError(f"it is a <{project.tag}>, not a <project>")
    return project


def _child(parent: ET.Element, tag: str) -> ET.Element:
    found = parent.find(tag)
    return ET.SubElement(parent, tag) if found is None else found
