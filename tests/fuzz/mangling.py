"""Files as an accident or an enemy leaves them, and a guard against work without end."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hypothesis import strategies as st

PIECES = (
    *(
        b"",
        b"\0",
        b"\xff\xfe",
        b"\xc3",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
        b"\r",
        b"\t",
        b"\x0b",
        "\u2028".encode(),
        "²".encode(),
    ),
    *(
        b"<",
        b">",
        b"/>",
        b"&",
        b"&a;",
        b"&#0;",
        b"&#x110000;",
        b"<![CDATA[",
        b"]]>",
        b"<!--",
        b"<?a?>",
        b"<!DOCTYPE d [<!ENTITY a 'b'>]>",
    ),
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b": ",
        b"- ",
        b"? ",
        b"*a",
        b"&a ",
        b"<<: *a",
        b"!!python/object:os.system x",
        b"!!binary x",
        b"|",
        b">",
        b"---\n",
        b"...\n",
        b"%YAML 9.9\n",
    ),
    *(
        b'"',
        b"'",
        b'"""',
        b"\\",
        b"\\u0000",
        b"\\ud800",
        b"#",
        b"=",
        b"[[a]]\n",
        b"[a]\n",
        b"a.b.c = 1\n",
        b"${a}",
        b"${f:exec:id}",
        b"%(a)s",
        b"$(id)",
        b"`id`",
    ),
    *(
        b"0",
        b"-1",
        b"1e999",
        b"NaN",
        b"Infinity",
        b"0x",
        b"9" * 25,
        b"9" * 5000,
        b"0-9999999",
        b"3-1",
        b"N",
        b"all",
        b"0-4095:1/2",
        b"1:0/0",
        b"^1",
        b",",
    ),
    *(b"null", b"true", b"[]", b"{}", b"items: []\n", b"kind: List\n", b"kind: Pod\n", b"1Gi", b"1.5E", b"10m"),
)


@st.composite
def mangled(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds after up to four accidents."""
    content = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 40)))
        cut = content[start:end]
        match draw(st.sampled_from(("cut", "put", "put", "flip", "again", "many", "end", "swap"))):
            case "cut":
                cut = b""
            case "put":
                cut = draw(st.sampled_from(PIECES))
            case "flip":
                cut = bytes(byte ^ 1 << draw(st.integers(0, 7)) for byte in cut[:3]) + cut[3:]
            case "again":
                cut += cut
            case "many":
                cut = draw(st.sampled_from(PIECES)) * draw(st.integers(2, 300)) + cut
            case "end":
                end = len(content)
                cut = b""
            case _:
                other = draw(st.sampled_from(seeds))
                cut = other[start : start + 60]
        content = content[:start] + cut + content[end:]
    return content


class Hang(Exception):
    """More work than any file is worth."""


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Raises Hang after that much of this process's own time, however busy the machine is."""

    def stop(*_: object) -> None:
        raise Hang(f"more than {seconds} seconds of CPU time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
