"""An XML element as JSON that says the same and interprets nothing: the provider-shaped form of a record.

An element with text only is its text; with attributes too it is ``{"@Ccy": "EUR", "#": "10.00"}``; an element with
children is an object of them, where a name that comes again makes a list. Namespaces and their prefixes are left out:
banks write the same message with several, a wrong one, or none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lxml import etree

from connectors.contract import JSON
from connectors.iso20022.refusals import RefusedError

MAX_FIELD_CHARACTERS: Final = 32_768
"""ISO 20022 texts end at 2,048 characters and most at 35 or 140; beyond this a file is broken or hostile."""
#: The first versions named the message element after themselves; some banks have never moved on.
OLD_NAMES: Final[Mapping[str, str]] = {
    "pain.001.001.01": "CstmrCdtTrfInitn",
    "pain.001.001.02": "CstmrCdtTrfInitn",
    "pain.002.001.01": "CstmrPmtStsRpt",
    "pain.002.001.02": "CstmrPmtStsRpt",
    "BkToCstmrAcctRptV01": "BkToCstmrAcctRpt",
    "BkToCstmrStmtV01": "BkToCstmrStmt",
    "BkToCstmrDbtCdtNtfctnV01": "BkToCstmrDbtCdtNtfctn",
}
_TAGS_KEPT: Final = 4_096
_local_names: Final[dict[object, str]] = {}
"""Local names by tag: a message has few hundred of them, and each is asked for once an element."""


def _local_name(tag: str) -> str:
    """``{namespace}Name`` without its namespace, a message element by its present name."""
    name = tag.rpartition("}")[2]
    return OLD_NAMES.get(name, name)


def name_of(element: etree._Element) -> str:
    """The element's local name. Raises RefusedError for an entity reference, which lxml shows as an element too."""
    tag = element.tag
    name = _local_names.get(tag)
    if name is not None:
        return name
    if not isinstance(tag, str):
        raise RefusedError("malformed_xml", f"line {element.sourceline}", "text", "an entity reference")
    if len(_local_names) >= _TAGS_KEPT:
        _local_names.clear()
    name = _local_names[tag] = _local_name(tag)
    return name


def content(element: etree._Element) -> JSON:
    """What the element says. Raises RefusedError for an over-long field and for an entity reference."""
    return fields(element) if len(element) else _text(element)


def fields(element: etree._Element) -> dict[str, JSON]:
    """What the element's children say, by name. Called once an element of a file: nothing here is for free."""
    found: dict[str, JSON] = {}
    for child in element:
        name = _local_names.get(child.tag) or name_of(child)
        value: JSON
        if len(child):
            value = fields(child)
        elif (text := child.text) is None or len(text) > MAX_FIELD_CHARACTERS or child.items():
            value = _text(child)
        else:
            value = text
        if name in found:
            keep(found, name, value)
        else:
            found[name] = value
    return found


def fields_before(element: etree._Element, last: etree._Element) -> dict[str, JSON]:
    """What its children before ``last`` say."""
    found: dict[str, JSON] = {}
    for child in element:
        if child is last:
            break
        keep(found, name_of(child), content(child))
    return found


def objects(value: JSON) -> list[dict[str, JSON]]:
    """What stands once or several times, each as the object of its children: a text or attributes alone are none."""
    found = value if isinstance(value, list) else [value]
    return [each if isinstance(each, dict) and "#" not in each else {} for each in found]


def keep(found: dict[str, JSON], name: str, value: JSON) -> None:
    """Note what ``name`` says; said again, it is a list."""
    if name not in found:
        found[name] = value
        return
    before = found[name]
    if isinstance(before, list):
        before.append(value)
    else:
        found[name] = [before, value]


def _text(element: etree._Element) -> JSON:
    text = element.text or ""
    if len(text) > MAX_FIELD_CHARACTERS:
        where, limit = f"line {element.sourceline}, {name_of(element)}", f"at most {MAX_FIELD_CHARACTERS} characters"
        raise RefusedError("field_too_long", where, limit, f"{len(text)} characters")
    attributes = element.items()
    if not attributes:
        return text
    named: dict[str, JSON] = {"@" + str(name): str(value) for name, value in attributes if str(name)[0] != "{"}
    return {**named, "#": text} if named else text
