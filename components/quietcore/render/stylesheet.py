"""Apply a user's XSLT 1.0 to XML of ours, with no way out: no files, no network, no entities.

The SDK's `xml.xslt` is the one door through which a program says what the SDK's own inputs cannot. The same text must
give the same XML here, in the policies and in any other XSLT 1.0 processor; so nothing but the document and the
stylesheet takes part.
"""

from __future__ import annotations

from functools import lru_cache

from lxml import etree

from quietcore.errors import QuietcoreError


class StylesheetError(QuietcoreError):
    """The stylesheet does not parse, reaches outside, or gives no document."""


def parse_xml(text: str | bytes) -> etree._Element:
    """Parse without entities, DTD or network; whitespace between elements is dropped.

    Raises:
        lxml.etree.XMLSyntaxError: the text is not well-formed.
    """
    data = text.encode() if isinstance(text, str) else text
    return etree.fromstring(data, _parser())


def apply_stylesheet(document: etree._Element, xslt: str) -> etree._Element:
    """Give the document that `xslt` makes of `document`, which stays as it is.

    Raises:
        StylesheetError: with the line of the stylesheet where the processor names one.
    """
    transform = _compiled(xslt)
    try:
        result = transform(etree.ElementTree(document))
    except etree.XSLTApplyError as error:
        raise _refusal(str(error), "XSLT 1.0 over the domain alone") from None
    root = result.getroot()
    if root is None:
        raise _refusal("it gives no document", "a stylesheet whose result is one XML element")
    # Through text once: what the processor leaves (detached namespaces, blank text) would make equal documents differ.
    return parse_xml(etree.tostring(root))


def canonical(root: etree._Element) -> str:
    """Canonical text (C14N without comments, blank text dropped): equal documents give equal text."""
    copy = parse_xml(etree.tostring(root))
    return etree.tostring(copy, method="c14n", with_comments=False).decode()


@lru_cache(maxsize=256)
def _compiled(xslt: str) -> etree.XSLT:
    try:
        sheet = etree.fromstring(xslt.encode(), _parser(blanks=True))
    except etree.XMLSyntaxError as error:
        raise _refusal(str(error), "well-formed XML") from None
    for outward in sheet.iter(_xsl("import"), _xsl("include")):
        raise _refusal(f"{outward.tag.rpartition('}')[2]} of {outward.get('href')!r}", "a stylesheet that stands alone")
    try:
        return etree.XSLT(sheet, access_control=etree.XSLTAccessControl.DENY_ALL)  # type: ignore[attr-defined]  # the stubs lack it
    except etree.XSLTParseError as error:
        raise _refusal(str(error), "XSLT 1.0") from None


def _parser(*, blanks: bool = False) -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_blank_text=not blanks,
        remove_comments=not blanks,
    )


def _xsl(name: str) -> str:
    return f"{{http://www.w3.org/1999/XSL/Transform}}{name}"


def _refusal(given: str, allowed: str) -> StylesheetError:
    return StylesheetError("stylesheet cannot be applied", where="xml.xslt", given=given, allowed=allowed)
