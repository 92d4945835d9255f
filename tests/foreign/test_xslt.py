"""The stylesheet is plain XSLT 1.0: another processor makes the same domain of the same inputs."""

from quietcore.render.stylesheet import apply_stylesheet, canonical, parse_xml


def test_xsltproc_and_lxml_give_the_same_effective_domain(node, tool):
    theirs = tool("xsltproc", node / "domain.xslt", node / "base.xml")
    ours = apply_stylesheet(parse_xml((node / "base.xml").read_bytes()), (node / "domain.xslt").read_text())
    assert canonical(parse_xml(theirs)) == canonical(ours)


def test_a_seed_image_on_ide_goes_to_sata_where_the_machine_has_no_ide(node, tool, tmp_path):
    """The official plugin puts it there."""
    official = tmp_path / "base.xml"
    text = (node / "base.xml").read_text()
    official.write_text(text.replace('dev="sda" bus="sata"', 'dev="hdd" bus="ide"'))
    assert '<target dev="sdd" bus="sata"/>' in tool("xsltproc", node / "domain.xslt", official)
