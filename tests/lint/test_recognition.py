from __future__ import annotations

import pytest

from quietcore.lint.kind import Kind, Unrecognised, kind_of

GRUB = 'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX="isolcpus=2-3"\n'
ENTRY = "title Debian\nversion 6.1\nlinux /vmlinuz-6.1\noptions root=/dev/sda1 ro\n"
TUNED = "[main]\nsummary=ours\ninclude=realtime-virtual-host\n[sysctl]\nkernel.timer_migration=0\n"
OBJECT = (
    "apiVersion: tuned.openshift.io/v1\nkind: Tuned\nspec:\n  profile:\n  - data: |\n      [main]\n      include=x\n"
)
LSCPU = "Architecture:            x86_64\n  CPU op-mode(s):        32-bit, 64-bit\n"

KNOWN = [
    ("<domain type='kvm'><name>a</name></domain>", Kind.DOMAIN),
    ("<!-- from libvirt --><!-- twice -->\n<domain/>", Kind.DOMAIN),
    ("<?xml version='1.0'?>\n<capabilities/>", Kind.CAPABILITIES),
    ("<!DOCTYPE domain [<!ENTITY a 'b'>]><domain/>", Kind.DOMAIN),
    ('{"cpus": [{"cpu": 0}]}', Kind.CPU_TABLE),
    ('{\n   "lscpu": [{"field": "Architecture:", "data": "x86_64"}]}', Kind.CPU_SUMMARY),
    ('{"kind": "Pod", "apiVersion": "v1"}', Kind.YAML),
    ("BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro quiet\n", Kind.CMDLINE),
    ("isolcpus=1-3", Kind.CMDLINE),
    (GRUB, Kind.CMDLINE),
    (ENTRY, Kind.CMDLINE),
    (TUNED, Kind.TUNED),
    ("[bootloader]\ncmdline_a=+x\n", Kind.TUNED),
    ("# ours\nisolated_cores=2-7\n", Kind.TUNED_VARIABLES),
    ('[crio.runtime]\ninfra_ctr_cpuset = "0-1"\n', Kind.RUNTIME),
    ("version = 3\n[plugins]\n", Kind.RUNTIME),
    (OBJECT, Kind.YAML),
    ("schema_version: 1\ncells: []\n", Kind.YAML),
    ("#!/bin/bash\necho root=/dev/sda1\n", Kind.SCRIPT),
]


@pytest.mark.parametrize(("text", "kind"), KNOWN)
def test_a_file_is_known_by_what_it_holds(text: str, kind: Kind) -> None:
    assert kind_of(text, "anything.sh") is kind


UNKNOWN = [
    ("", "empty"),
    (" \n\n", "empty"),
    ("<network><name>n</name></network>", "<network>"),
    ("<!-- nothing else -->", "no element"),
    ("# a comment\n", "only comments"),
    ("[Unit]\nDescription=a\n", "[unit]"),
    ("Read me first.\nThen read root.\n", "no kind of file"),
    (LSCPU, "lscpu --json"),
    ("#!/bin/sh\nexec sshd\n", "a script"),
    ("if ready:\n    go()\nelse:\n    stop()\n", "no kind of file"),
    ('{"name": "package", "version": "1"}', "no object"),
    ("# Pods\n```yaml\nkind: Pod\n```\nand so on: more\n", "prose"),
    ('import os\nTEXT = """\nGRUB_CMDLINE_LINUX="a"\n"""\ndef read():\n    return TEXT\n', "no kind of file"),
]


BUS = '<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN">\n<busconfig/>\n'


def test_an_xml_with_a_document_type_is_told_by_its_element() -> None:
    with pytest.raises(Unrecognised) as told:
        kind_of(BUS, "com.example.tuned.conf")
    assert "XML with <busconfig>" in str(told.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("/usr/lib/tmpfiles.d/tuned.conf", "# the daemon's folder\nd /run/tuned 0755 root root -\n"),
        ("hv1/etc/modprobe.d/tuned.conf", "# written by the daemon\noptions kvm nx_huge_pages=never\n"),
    ],
)
def test_what_tuned_keeps_in_other_programs_folders_is_no_profile(name: str, text: str) -> None:
    with pytest.raises(Unrecognised):
        kind_of(text, name)
    assert kind_of(text, "etc/tuned/plant/tuned.conf") is Kind.TUNED


@pytest.mark.parametrize(("text", "reason"), UNKNOWN)
def test_what_is_not_known_is_told_with_what_was_seen(text: str, reason: str) -> None:
    with pytest.raises(Unrecognised) as told:
        kind_of(text, "file")
    assert reason in str(told.value)


def test_ten_thousand_open_comments_take_no_time() -> None:
    with pytest.raises(Unrecognised):
        kind_of("<!-- a -->" * 10_000 + "<!--", "file.xml")
