"""An XML element as JSON that says the same and interprets nothing: the provider-shaped form of a record.

An element with text only is its text; with attributes too it is ``{"@Ccy": "EUR", "#": "10.00"}``; an element with
children is an object of them, where a name that comes again makes a list. Namespaces and their prefixes are left out:
banks write the same message with several, a wrong one, or none.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from lxml import etree

from connectors.contract import JSON
from connectors.iso20022.refusals import RefusedError

MAX_FIELD_CHARACTERS: Final = 32_768
"""ISO 20022 texts end at 2,048 characters and most at 35 or 140; beyond this a file is broken or hostile."""
_TAGS_KEPT: Final = 4_096


@lru_cache(_TAGS_KEPT)
def local_name(tag: str) -> str:
    """``{namespace}Name`` without its namespace."""
    return tag.rpartition("}")[2]


def name_of(element: etree._Element) -> str:
    """The element's local name. Raises RefusedError for an entity reference, which lxml shows as an element too."""
    tag = element.tag
    if isinstance(tag, str):
        return local_name(tag)
    raise RefusedError("malformed_xml", f"line {element.sourceline}", "text", "an entity reference")


def content(element: etree._Element) -> JSON:
    """What the element says. Raises RefusedError for an over-long field and for an entity reference."""
    return fields(element) if len(element) else _text(element)


def fields(element: etree._Element) -> dict[str, JSON]:
    """What the element's children say, by name."""
    found: dict[str, JSON] = {}
    for child in element:
        add(found, child)
    return found


def add(found: dict[str, JSON], child: etree._Element) -> None:
    """Note one more child."""
    name = name_of(child)
    keep(found, name, fields(child) if len(child) else _text(child))


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
        where = f"line {element.sourceline}, {local_name(element.tag)}"
        raise RefusedError(
            "field_too_long", where, f"at most {MAX_FIELD_CHARACTERS} characters", f"{len(text)} characters"
        )
    attributes = element.items()
    if not attributes:
        return text
    named: dict[str, JSON] = {"@" + str(name): str(value) for name, value in attributes if str(name)[0] != "{"}
    return {**named, "#": text} if named else text
