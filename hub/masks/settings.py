"""Masks as they are declared, checked when the hub starts."""

from __future__ import annotations

import jsonpath_rfc9535
from lxml import etree

from hub.declarations import Catalogue, FlowDeclaration, MaskPaths
from hub.errors import SettingsError
from hub.masks.flow import carried_keys, masked_keys, needed_keys
from hub.masks.paths import json_pattern, xml_pattern


def check_masks(catalogue: Catalogue, name: str = "settings") -> None:
    """Refuse masks that cannot be kept.

    Args:
        catalogue: whose flows are checked, all references in it good.
        name: of the file, for the message.

    Raises:
        SettingsError: with every path that cannot be read, and every one that leads to a value which travels in keys,
            lanes and headers, each with its place.
    """
    problems: list[str] = []
    for flow_name, flow in catalogue.flow.items():
        place = f"{name}: flow.{flow_name}.masked"
        needed = needed_keys(catalogue, flow_name)
        bad = [
            *(f"{place}.json: {problem}" for path in flow.masked.json if (problem := _json_problem(path))),
            *(f"{place}.xml: {problem}" for path in flow.masked.xml if (problem := _xml_problem(path))),
        ]
        problems += bad or _carried(place, flow, needed)
    if problems:
        raise SettingsError("\n".join(problems))


def _carried(place: str, flow: FlowDeclaration, needed: list[str]) -> list[str]:
    uses = carried_keys(flow, needed)
    found = []
    for form, paths in (("json", flow.masked.json), ("xml", flow.masked.xml)):
        for path in paths:
            alone = MaskPaths(json=[path]) if form == "json" else MaskPaths(xml=[path])
            found += [
                f"{place}.{form}: {path!r} leads, or may lead, to the business key {key!r}, which makes {uses[key]}. "
                "That value travels in keys, lanes and headers, where nothing can mask it. Mask a narrower path, or "
                "let the flow use another key."
                for key in masked_keys(alone, flow.keys)
                if key in uses
            ]
    return found


def _json_problem(path: str) -> str | None:
    try:
        json_pattern(path)
    except jsonpath_rfc9535.JSONPathError as error:
        return f"{path!r} is not a JSONPath (RFC 9535): {error}"
    return None


def _xml_problem(path: str) -> str | None:
    try:
        etree.XPath(path)(etree.Element("document"))
    except etree.XPathError as error:
        return f"{path!r} is not an XPath 1.0 without prefixes: {error}"
    if xml_pattern(path) is None:
        return (
            f"{path!r} does not lead to elements or an attribute by their names. Write steps like //Customer/Name or "
            "//Item/@price, with predicates where they are needed; neither functions nor text()"
        )
    return None
