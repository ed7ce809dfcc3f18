"""The editors of launcher files: what is named goes, every other byte stays."""

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.steps.edit import LARGEST, drop_ini_sections, drop_vdf_blocks

EPIC = (
    b"\xef\xbb\xbf; settings\r\n[RememberMe]\r\nEnable=True\r\nData=abc\r\n\r\n[/Script/Launcher]\r\nPaths=C:/\r\nPaths=D:/\r\n"
    b"\r\n [offline] \r\nData=x\r\n[Last]\nkey = \xcf\xf0\xe8\xe2\xe5\xf2"
)
KEPT = b"\xef\xbb\xbf; settings\r\n[/Script/Launcher]\r\nPaths=C:/\r\nPaths=D:/\r\n\r\n[Last]\nkey = \xcf\xf0\xe8\xe2\xe5\xf2"

ENDS = st.sampled_from(["\r\n", "\n", "\r"])
NAMES = st.sampled_from(["RememberMe", "REMEMBERME", "Offline", "Other", "/Script/X", "Имя"])
LINE = st.text(st.characters(codec="utf-16", exclude_characters="\r\n\0"), max_size=12).filter(
    lambda line: not line.lstrip().startswith("[")
)
SECTION = st.tuples(NAMES, ENDS, st.lists(st.tuples(LINE, ENDS), max_size=4))


def written(sections: list) -> str:
    return "".join(f"[{name}]{end}" + "".join(line + tail for line, tail in lines) for name, end, lines in sections)


def test_epic_sections_go_duplicate_keys_and_code_page_stay():
    """Two sections go; duplicate keys, mixed line ends, the byte order mark and cp1251 bytes stay as they were."""
    assert drop_ini_sections(EPIC, ("RememberMe", "Offline")) == KEPT


@pytest.mark.parametrize(("mark", "encoding"), [(codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")])
@settings(max_examples=60, deadline=None)
@given(sections=st.lists(SECTION, max_size=6), head=st.lists(st.tuples(LINE, ENDS), max_size=2))
def test_ini_in_utf16_keeps_the_rest(mark: bytes, encoding: str, sections: list, head: list):
    """Whatever stands outside the named sections comes out byte for byte, and a second pass changes nothing."""
    before = "".join(line + end for line, end in head)
    data = mark + (before + written(sections)).encode(encoding, "surrogatepass")
    kept = written([each for each in sections if each[0].casefold() != "rememberme"])
    dropped = drop_ini_sections(data, ["RememberMe"])
    assert dropped == mark + (before + kept).encode(encoding, "surrogatepass")
    assert drop_ini_sections(dropped, ["RememberMe"]) == dropped


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=200).map(lambda data: data.replace(b"\0", b"")))
def test_bytes_without_the_section_are_untouched(data: bytes):
    """Eight-bit text of any code page without the section comes out as it went in."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = b";" + data
    assert drop_ini_sections(data, ["no such section in here"]) == data


@pytest.mark.parametrize("data", [b"[a]\0\0binary", codecs.BOM_UTF16_LE + b"odd", b"x" * (LARGEST + 1)])
def test_what_is_no_text_is_not_edited(data: bytes):
    """Binary, half a character, a file of many megabytes: the editor says so instead of guessing."""
    assert drop_ini_sections(data, ["a"]) is None
    assert drop_vdf_blocks(data, ["a"]) is None


CONFIG = b"""// client settings
"InstallConfigStore"
{
\t"Software"
\t{
\t\t"AutoUpdateWindowEnabled"\t\t"0"
\t\t"Accounts"
\t\t{
\t\t\t"owner" { "SteamID" "7656" "odd" "a \\" } b" }
\t\t}
\t\t"Accounts"\t\t"a value of that name"
\t\t"connectcache" { "1f" "ab" } // comment
\t}
}
"""


def test_vdf_blocks_go_whole():
    """Named blocks go with their lines, braces and quotes inside strings do not matter, a plain value of that name stays."""
    assert drop_vdf_blocks(CONFIG, ["Accounts", "ConnectCache"]) == (
        b"// client settings\n"
        b'"InstallConfigStore"\n{\n\t"Software"\n\t{\n\t\t"AutoUpdateWindowEnabled"\t\t"0"\n'
        b'\t\t"Accounts"\t\t"a value of that name"\n\t\t // comment\n\t}\n}\n'
    )


@pytest.mark.parametrize("text", ['"a" {', '"a" }', '"a" "b', "{ }", '"a" { "b" }', '"lonely"'])
def test_garbled_vdf_is_not_edited(text: str):
    """Braces, quotes or pairs that do not close: not edited."""
    assert drop_vdf_blocks(text.encode(), ["a"]) is None


VDF_TEXT = st.text(st.sampled_from("ab {}[]/\té"), max_size=5).map(lambda text: f'"{text}"')
VDF = st.recursive(
    st.lists(st.tuples(VDF_TEXT, VDF_TEXT), max_size=3),
    lambda inner: st.lists(
        st.one_of(st.tuples(VDF_TEXT, VDF_TEXT), st.tuples(st.just('"Gone"'), inner), st.tuples(VDF_TEXT, inner)),
        max_size=3,
    ),
    max_leaves=8,
)


def vdf(pairs: list, depth: int = 0, *, without: str = "") -> str:
    lines = ""
    for key, value in pairs:
        if isinstance(value, str):
            lines += "\t" * depth + f"{key}\t{value}\r\n"
        elif key != without:
            lines += (
                "\t" * depth
                + f"{key}\r\n"
                + "\t" * depth
                + "{\r\n"
                + vdf(value, depth + 1, without=without)
                + "\t" * depth
                + "}\r\n"
            )
    return lines


@settings(max_examples=100, deadline=None)
@given(pairs=VDF)
def test_vdf_keeps_the_rest(pairs: list):
    """Whatever stands outside the named blocks comes out byte for byte, and a second pass changes nothing."""
    dropped = drop_vdf_blocks(vdf(pairs).encode(), ["gone"])
    assert dropped == vdf(pairs, without='"Gone"').encode()
    assert drop_vdf_blocks(dropped, ["gone"]) == dropped
