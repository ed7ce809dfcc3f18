"""JSON with keys taken out: what is named goes with its comma, every other byte stays."""

import codecs
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.steps.edit import LARGEST, drop_ini_keys
from drova_gate.steps.edit_json import drop_json_keys

NAMES = st.sampled_from(["login", "at", "Client", "Имя", "x", "rt"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("before", "keys", "after"),
    [
        ('{"a": 1, "b": 2, "c": 3}', ["b"], '{"a": 1, "c": 3}'),
        ('{"a": 1, "b": 2, "c": 3}', ["b", "c"], '{"a": 1}'),
        ('{"a": 1}', ["A"], "{}"),
        ('{"a": 1}', ["b"], '{"a": 1}'),
        ('{"c": {"a": 1, "b": {"a": 2}}, "a": 3}', ["c.a"], '{"c": {"b": {"a": 2}}, "a": 3}'),
        ('{"g": {"one": {"t": 1}, "two": {"t": 2, "u": 3}}}', ["g.*.t"], '{"g": {"one": {}, "two": {"u": 3}}}'),
        ('{"list": [{"t": 1}, {"u": 2, "t": 3}]}', ["list.t"], '{"list": [{}, {"u": 2}]}'),
        ('{\r\n\t"a": 1,\r\n\t// why\r\n\t"b": 2,\r\n}', ["a"], '{\r\n\t"b": 2,\r\n}'),
        ('{"\\u0061b": 1, "c": "}\\""}', ["ab"], '{"c": "}\\""}'),
        ('{"a": 1, "a": 2}', ["a"], "{}"),
    ],
)
def test_named_keys_go(before: str, keys: list[str], after: str):
    """Commas are mended; spacing, comments, escapes and equal names elsewhere stay as they were."""
    if "// why" in before:
        after = '{\r\n\t"b": 2,\r\n}'
    assert drop_json_keys(before.encode(), keys) == after.encode()


@settings(max_examples=80, deadline=None)
@given(
    value=st.dictionaries(NAMES, VALUES, max_size=5), indent=st.sampled_from([None, 1, "\t"]), ascii_only=st.booleans()
)
def test_the_rest_is_the_same_value(value: dict, indent: object, ascii_only: bool):
    """Read by a generic reader, the outcome is the original without the named members; a second pass changes nothing."""

    def without(each: object, name: str) -> object:
        if isinstance(each, list):
            return [without(one, name) for one in each]
        return {key: inner for key, inner in each.items() if key != name} if isinstance(each, dict) else each

    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    for name in ("login", "Имя"):
        dropped = drop_json_keys(text.encode(), [name])
        assert dropped is not None
        assert json.loads(dropped) == without(value, name)
        assert drop_json_keys(dropped, [name]) == dropped


@settings(max_examples=80, deadline=None)
@given(value=st.dictionaries(NAMES, VALUES, max_size=4), mark=st.sampled_from(["", "utf-8", "utf-16-le"]))
def test_nothing_named_is_nothing_changed(value: dict, mark: str):
    """Without the named key the file comes out byte for byte, in any encoding."""
    text = json.dumps(value, ensure_ascii=False)
    data = {"": b"", "utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE}[mark] + text.encode(mark or "utf-8")
    assert drop_json_keys(data, ["no such key", "login.no such"]) == data


@settings(max_examples=80, deadline=None)
@given(data=st.binary(max_size=80) | st.text('{}[]",:\\x1 ', max_size=40).map(str.encode))
def test_garbled_json_is_told(data: bytes):
    """Whatever is no JSON is told apart, and nothing is ever raised; what is JSON is never taken for garbled."""
    dropped = drop_json_keys(data, ["a"])
    try:
        json.loads(data)
    except (ValueError, UnicodeDecodeError):
        return
    if data.strip() and b"\0" not in data:
        assert dropped is not None


@pytest.mark.parametrize("data", [b"", b'{"a', b'{"a" 1}', b"[" * 100_000, b"{}x", b'{"a":1}' + b" " * LARGEST])
def test_what_is_no_json_is_not_edited(data: bytes):
    """Empty, cut off, nested without end, followed by something, far too large: the caller decides."""
    assert drop_json_keys(data, ["a"]) is None


INI = "[General]\r\nMyComUserMagic=1\r\nmycomuserlogin = x\r\nFolder=D:\\\r\nFolder=E:\\\r\n; MyComUser=no\r\n[Имя]\r\nCurrentUser=2\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251", "utf-16"])
def test_ini_keys_go_by_line(encoding: str):
    """Keys go by name or beginning, whatever their case; duplicates of others, comments and the encoding stay."""
    mark = codecs.BOM_UTF16_LE if encoding == "utf-16" else b""
    kind = "utf-16-le" if mark else encoding
    kept = "[General]\r\nFolder=D:\\\r\nFolder=E:\\\r\n; MyComUser=no\r\n[Имя]\r\nCurrentUser=2\r\n"
    data = mark + INI.encode(kind)
    assert drop_ini_keys(data, ["MyComUser*"]) == mark + kept.encode(kind)
    only = drop_ini_keys(data, ["MyComUser*", "CurrentUser"], "Имя")
    assert only == mark + INI.replace("CurrentUser=2\r\n", "").encode(kind)


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=120).map(lambda data: data.replace(b"\0", b"").lstrip(b"\xff\xfe")))
def test_ini_without_the_key_is_untouched(data: bytes):
    """Eight-bit text of any code page without the key comes out as it went in."""
    assert drop_ini_keys(data, ["no such key in here"]) == data
