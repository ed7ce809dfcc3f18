"""docs/api.md says what is so: its examples run, its table is the client's."""

import ast
import asyncio
import inspect
import re
from pathlib import Path

import pytest
from cloud_peers import MERCHANT_TOKEN, SERVER, USER

from drova_gate.cloud.client import DrovaClient

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
ROWS = re.findall(r"^\| (`.*?) \| (GET|POST|PUT) (\S+) \| (yes|no|in the body) \|", PAGE, re.MULTILINE)
NO_CALLS = {"close"}


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
async def test_the_examples_run(cloud, tmp_path, capsys, monkeypatch, example):
    """As they are written, but for the address: the simulated cloud finds no fault with them."""
    monkeypatch.setenv("DROVA_TOKEN", MERCHANT_TOKEN)
    cloud.finish(cloud.start_session(str(SERVER)))
    code = example.replace("DrovaClient(token", f"DrovaClient(token, base_url={cloud.url!r}")
    assert code != example
    names = {"DrovaClient": DrovaClient, "token": MERCHANT_TOKEN, "state_dir": tmp_path}
    async with DrovaClient(MERCHANT_TOKEN, base_url=cloud.url) as client:
        names |= {"account": await client.account(), "station": await client.server(SERVER, USER)}
    compiled = compile(code, "docs/api.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if "asyncio.run(" in code:
        await asyncio.to_thread(exec, compiled, names)
    elif (rest := eval(compiled, names)) is not None:  # noqa: S307 - our own page; a block with ``await`` gives a coroutine
        await rest
    said = capsys.readouterr().out
    assert "done:" not in said
    assert said or "describe" in code


def test_every_call_is_in_the_table_and_none_else():
    """A method that is not documented, or one that is gone, is noticed."""
    named = {name for methods, *_ in ROWS for name in re.findall(r"`(\w+)\(", methods)}
    calls = {
        name
        for name, member in inspect.getmembers(DrovaClient, inspect.iscoroutinefunction)
        if not name.startswith("_") and name not in NO_CALLS
    }
    assert named == calls


def test_the_paths_in_the_table_are_those_that_are_called():
    """Every path that stands in the client's code is in the table."""
    folder = Path(inspect.getfile(DrovaClient)).parent
    source = "".join(file.read_text(encoding="utf-8") for file in folder.glob("*.py"))
    for _, _, path, _ in ROWS:
        for word in re.split(r"/|\{\w+\}", path):
            assert word in source, path


def test_the_parameters_in_the_table_are_the_methods_own():
    """By name; the ones with = are given by keyword."""
    for methods, *_ in ROWS:
        for name, given in re.findall(r"`(\w+)\((.*?)\)`", methods):
            if "..." in given:
                continue
            own = inspect.signature(getattr(DrovaClient, name)).parameters
            asked = [one for one in re.split(r", ?", given) if one]
            assert [one.rstrip("=") for one in asked] == [one for one in own if one != "self"], name
            assert all(own[one.rstrip("=")].kind.name == "KEYWORD_ONLY" for one in asked if one.endswith("=")), name
