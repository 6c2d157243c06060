"""What a terminal does not show is taken out, and what is no UTF-8 is told."""

from __future__ import annotations

import pytest

from analyzer.records.printable import decode, strip_terminal


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("words", "words"),
        ("one\ttwo\nthree", "one\ttwo\nthree"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07words", "words"),
        ("\x1b]0;title\x1b\\words", "words"),
        ("a\x00b\x0bc\x1fd\x7fe\x9ff", "abcdef"),
        ("left\u202eright\u2066\ufeff", "leftright"),
        ("no\xa0break\u202fthin\u3000wide", "no break thin wide"),
        ("soft\xadhyphen", "soft\xadhyphen"),
        ("zero\u200bwidth", "zerowidth"),
        ("no\u2011break", "no-break"),
        ("^[[01;31m^[[Kerror^[[m^[[K", "error"),
        ("[31mlevel=error[0m", "level=error"),
        ("a[0] and b[m]", "a[0] and b[m]"),
        ("Starting [01;31m[Kk3s[m[K v1", "Starting k3s v1"),
        ("msg=“its ‘words’”", "msg=\"its 'words'\""),
        ("a “quoted” word", "a “quoted” word"),
    ],
)
def test_what_a_terminal_does_not_show(text: str, left: str) -> None:
    assert strip_terminal(text) == left


@pytest.mark.parametrize(
    ("data", "text", "lossy"), [("grün".encode(), "grün", False), (b"gr\xfcn", "gr\ufffdn", True), (b"", "", False)]
)
def test_what_is_no_utf8(data: bytes, text: str, lossy: bool) -> None:
    assert decode(data) == (text, lossy)
