"""Kernel command lines from the files that hold them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietcore.render.cmdline import MOST, CmdlineError, form_of, kernel_of, lift, render, render_grub
from quietcore.spec import KernelCmdline

DEBIAN = """\
# If you change this file, run 'update-grub' afterwards.
GRUB_DEFAULT=0
GRUB_TIMEOUT=5
GRUB_DISTRIBUTOR=`( . /etc/os-release; echo ${NAME:-Debian} ) 2>/dev/null || echo Debian`
GRUB_CMDLINE_LINUX_DEFAULT="quiet nohz_full=2-7"
GRUB_CMDLINE_LINUX="isolcpus=managed_irq,domain,2-7"
"""
CANONICAL = """\
GRUB_CMDLINE_LINUX_DEFAULT="quiet"
GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT isolcpus=8-15 ${GRUB_CMDLINE_LINUX}" # real-time
"""
ENTRY = """\
title Debian GNU/Linux 12
linux /vmlinuz-6.1.0-13-rt-amd64
initrd /initrd.img
options root=/dev/sda1 ro
options $kernelopts isolcpus=2-3
"""
PARAMETERS = st.from_regex(r"[a-z_.]{1,10}(=([!-~]{0,12}|\"[ !#-~]{0,12}\"))?", fullmatch=True).filter(
    lambda parameter: parameter.count('"') % 2 == 0
)
CMDLINES = st.lists(PARAMETERS, max_size=6).map(lambda words: KernelCmdline(parameters=tuple(words)))
SHELL = ["GRUB_CMDLINE_LINUX=", "GRUB_CMDLINE_LINUX_DEFAULT+=", "GRUB_X=", '"', "'", "\\", "$", "${", "}", "`", "$("]
REST = [
    "options ",
    "title x",
    "linux ",
    "\n",
    " ",
    "=",
    ",",
    "-",
    "N",
    "all",
    "isolcpus",
    "\x00",
    "\u2028",
    "\xa0",
    "#",
]
PIECES = st.sampled_from([*SHELL, *REST])


def words(text: str, name: str = "") -> tuple[str, ...]:
    return lift(text, name).parameters


@given(CMDLINES)
def test_a_command_line_is_lifted_from_its_rendering(cmdline: KernelCmdline) -> None:
    assert lift(render(cmdline)) == cmdline
    assert lift(render_grub(cmdline)) == cmdline


@given(st.lists(PIECES | st.text(max_size=8), max_size=20).map("".join), st.sampled_from(["", "grub", "debian.conf"]))
def test_any_text_gives_a_command_line_or_a_clear_error(text: str, name: str) -> None:
    with suppress(CmdlineError):
        assert all(lift(text, name).parameters)


@given(CMDLINES, st.sampled_from(["  ", "\t", "\n", " \n "]))
def test_white_space_between_parameters_means_nothing(cmdline: KernelCmdline, gap: str) -> None:
    assert lift(gap.join(["", *cmdline.parameters, ""])) == cmdline


def test_what_the_kernel_shows_is_read() -> None:
    assert words("BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro quiet\n") == (
        "BOOT_IMAGE=/vmlinuz",
        "root=/dev/sda1",
        "ro",
        "quiet",
    )
    assert words("") == ()


def test_grubs_settings_are_joined_as_grub_joins_them() -> None:
    assert form_of(DEBIAN) == "grub"
    assert words(DEBIAN) == ("isolcpus=managed_irq,domain,2-7", "quiet", "nohz_full=2-7")


def test_a_setting_may_build_on_itself_and_on_another() -> None:
    assert words(CANONICAL) == ("quiet", "isolcpus=8-15")


@pytest.mark.parametrize(
    ("line", "parameters"),
    [
        ("GRUB_CMDLINE_LINUX=quiet", ("quiet",)),
        ("export GRUB_CMDLINE_LINUX='a=\"b c\" d'", ('a="b c"', "d")),
        ('GRUB_CMDLINE_LINUX="a=\\"b c\\" \\$d"', ('a="b c"', "$d")),
        ('GRUB_CMDLINE_LINUX="a"\nGRUB_CMDLINE_LINUX+=" b"', ("a", "b")),
        ('GRUB_CMDLINE_LINUX="a"\nGRUB_CMDLINE_LINUX="b"', ("b",)),
        ('GRUB_CMDLINE_LINUX="a \\\nb"', ("a", "b")),
        ('GRUB_CMDLINE_LINUX="a\nb"', ("a", "b")),
        ("GRUB_CMDLINE_LINUX=a\\ b", ("a", "b")),
        ('GRUB_SERIAL="console=ttyS0"\nGRUB_CMDLINE_LINUX="$GRUB_SERIAL x"', ("console=ttyS0", "x")),
        ('GRUB_CMDLINE_LINUX="$SITE x"', ("$SITE", "x")),
        ('GRUB_CMDLINE_LINUX="a"; GRUB_TIMEOUT=5', ("a",)),
        ('#GRUB_CMDLINE_LINUX="a"\nGRUB_TIMEOUT=5', ()),
        ("GRUB_CMDLINE_LINUX=", ()),
    ],
)
def test_grubs_settings_are_read_as_a_shell_reads_them(line: str, parameters: tuple[str, ...]) -> None:
    assert words(line) == parameters


def test_an_entry_of_a_boot_loader_has_its_options_joined() -> None:
    assert form_of(ENTRY) == "entry"
    assert words(ENTRY) == ("root=/dev/sda1", "ro", "$kernelopts", "isolcpus=2-3")
    assert words("options quiet", "debian.conf") == ("quiet",)
    assert words("options quiet") == ("options", "quiet")


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ('quiet a="b c', "a quote is not closed", "grub, line 1, offset 8"),
        ('quiet\nGRUB_CMDLINE_LINUX="a b', "a quote is not closed", "grub, line 2, offset 25"),
        ("GRUB_CMDLINE_LINUX='a b", "a quote is not closed", "grub, line 1, offset 19"),
        ("quiet\x00ro", "a character that no command line has", "grub, line 1, offset 5"),
        ("quiet\nisolcpus=1\x1b[0m", "a character that no command line has", "grub, line 2, offset 16"),
        ("quiet\xa0ro", "a character that no command line has", "grub, line 1, offset 5"),
        ('GRUB_CMDLINE_LINUX="$(cat f)"', "a command that only a shell can run", "grub, line 1, offset 20"),
        ('GRUB_CMDLINE_LINUX="`cat f`"', "a command that only a shell can run", "grub, line 1, offset 20"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text: str, what: str, where: str) -> None:
    with pytest.raises(CmdlineError) as refused:
        lift(text, "grub")
    assert (refused.value.what, refused.value.where) == (what, where)
    assert refused.value.hint


def test_a_text_that_is_too_long_is_refused() -> None:
    assert len(words("a " * (MOST // 2))) == MOST // 2
    with pytest.raises(CmdlineError, match="too long"):
        lift("a" * (MOST + 1))


@pytest.mark.parametrize("setting", ["GRUB_X", "GRUB_CMDLINE_LINUX"])
def test_settings_that_double_each_other_are_refused_and_not_grown(setting: str) -> None:
    text = f'{setting}="laugh"\n' + f'{setting}="${setting}${setting}"\n' * 200 + 'GRUB_CMDLINE_LINUX="$GRUB_X"\n'
    with suppress(CmdlineError):
        assert len(str(lift(text))) <= MOST


@pytest.mark.parametrize(
    ("image", "kernel"),
    [
        ("/vmlinuz-6.1.0-13-rt-amd64", ("rt", "6.1")),
        ("/vmlinuz-6.8.1-1015-realtime", ("rt", "6.8")),
        ("(hd0,gpt3)/ostree/rhcos-1/vmlinuz-4.18.0-147.rt24.93.el8.x86_64", ("rt", "4.18")),
        ("/boot/vmlinuz-5.14.0-427.el9.x86_64+rt", ("rt", "5.14")),
        ("/vmlinuz-6.14.0-28-generic", ("generic", "6.14")),
        ("/vmlinuz-6.1.0-13-amd64", ("generic", "6.1")),
        ("/vmlinuz-5.14.0-427.el9.x86_64", ("generic", "5.14")),
        ("/vmlinuz-6.6.30-line4", (None, "6.6")),
        ("/vmlinuz", (None, None)),
    ],
)
def test_the_boot_loader_names_the_kernel(image: str, kernel: tuple[str | None, str | None]) -> None:
    assert kernel_of(lift(f"BOOT_IMAGE={image} quiet")) == kernel


def test_a_line_that_no_boot_loader_wrote_names_no_kernel() -> None:
    assert kernel_of(KernelCmdline()) == (None, None)
