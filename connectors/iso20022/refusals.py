"""Why an XML file is refused: our own checks raise RefusedError, what libxml2 says is put into the same words."""

from __future__ import annotations

from typing import Final

from lxml import etree

from connectors.refused import RefusedError

__all__ = ["RefusedError", "refused_xml"]

#: Nothing that looks like XML, or a reference to an entity that does not exist: not for want of more bytes.
_NOT_FOR_WANT_OF_MORE: Final = frozenset({etree.ErrorTypes.ERR_DOCUMENT_EMPTY, etree.ErrorTypes.ERR_INTERNAL_ERROR})
_ENCODING: Final = frozenset(
    {
        etree.ErrorTypes.ERR_INVALID_ENCODING,
        etree.ErrorTypes.ERR_UNSUPPORTED_ENCODING,
        etree.ErrorTypes.ERR_UNKNOWN_ENCODING,
        etree.ErrorTypes.I18N_CONV_FAILED,
        etree.ErrorTypes.I18N_NO_HANDLER,
    }
)
_RESOURCE_LIMIT: Final = 114  # XML_ERR_RESOURCE_LIMIT, which lxml does not name yet


def refused_xml(error: etree.XMLSyntaxError, at_end: bool) -> RefusedError:
    """What the parser found. ``at_end``: it has seen all bytes, so that something open is something cut off."""
    code, found = getattr(error, "code", 0), _words(error)
    line, column = error.position
    where = f"line {line}, column {column}"
    if code in _ENCODING:
        return RefusedError("wrong_encoding", where, "text in the encoding that the file declares (else UTF-8)", found)
    if code == _RESOURCE_LIMIT or "Excessive depth" in found:
        return _beyond_limit(where, found)
    if at_end and code not in _NOT_FOR_WANT_OF_MORE:
        return RefusedError("truncated", where, "the end of the document", found)
    return RefusedError("malformed_xml", where, "well-formed XML without entities of its own", found)


def _beyond_limit(where: str, found: str) -> RefusedError:
    if "depth" in found:
        return RefusedError("nesting_too_deep", where, "at most 256 elements within each other", found)
    return RefusedError("field_too_long", where, "fields of a few thousand characters at most", found)


def _words(error: etree.XMLSyntaxError) -> str:
    """libxml2's sentence without the position that lxml appends."""
    return (error.msg or "no XML").split(", line ")[0].strip()
