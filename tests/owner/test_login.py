"""Logging in and out: from where a token comes, what is checked, what is kept, what is forgotten."""

import asyncio
import os
import pty
import sys
from pathlib import Path

import pytest
from owner_shop import STATIONS, TOKEN, USER, Shop
from pydantic import SecretStr

from drova_gate.cloud.token import FileTokenKeeper, token_file
from drova_gate.owner.login import kept_login, login_file

NO_TOKEN = {"DROVA_TOKEN": ""}


def files(shop: Shop) -> list[str]:
    return sorted(one.name for one in shop.state.iterdir()) if shop.state.exists() else []


async def login(shop: Shop, token: str = TOKEN, **settings: str) -> tuple[int, str, str]:
    code, out, err = await shop.run("login", stdin=f"{token}\n", **(NO_TOKEN | settings))
    assert token.strip() == "" or token.strip() not in out + err
    return code, out, err


async def test_a_token_is_checked_kept_used_and_forgotten(shop: Shop):
    code, _, err = await shop.run("stations", **NO_TOKEN)
    assert code == 1
    assert "drova_gate login" in err

    code, out, err = await login(shop)
    assert (code, err) == (0, "")
    assert out.startswith(f"logged in: Station owner ({USER}), 3 stations; kept in {login_file(shop.state)}")
    assert login_file(shop.state).stat().st_mode & 0o777 == 0o600
    assert (await shop.run("stations", **NO_TOKEN))[0] == 0

    code, out, _ = await shop.run("logout", **NO_TOKEN)
    assert code == 0
    assert str(login_file(shop.state)) in out
    assert "login" not in files(shop)
    assert (await shop.run("stations", **NO_TOKEN))[0] == 1
    code, out, _ = await shop.run("logout", **NO_TOKEN)
    assert (code, out.startswith("nobody is logged in here")) == (0, True)


async def test_a_token_that_has_run_out_is_renewed_and_kept_and_forgotten_with_its_heir(shop: Shop):
    shop.cloud.expire_token(TOKEN)
    code, out, _ = await login(shop)
    assert code == 0
    assert "it was renewed" in out
    heir = token_file(shop.state, SecretStr(TOKEN))
    assert heir.exists()
    assert (await shop.run("stations", **NO_TOKEN))[0] == 0
    assert (await shop.run("logout", **NO_TOKEN))[0] == 0
    assert [name for name in files(shop) if name.startswith(("login", "token"))] == []


async def test_a_refused_token_is_not_kept(shop: Shop):
    code, out, err = await login(shop, "nobody-s-token")
    shop.cloud.refused.clear()
    assert (code, out) == (1, "")
    assert "QR code" in err
    assert files(shop) == []


async def test_a_stations_own_token_is_refused_with_the_reason(shop: Shop):
    uuid = STATIONS["pc1"]
    shop.cloud.add_server(uuid, "pc1", USER, token="stations-own")
    shop.cloud.finish(shop.cloud.start_session(uuid))
    code, out, err = await login(shop, "stations-own")
    assert (code, out) == (1, "")
    assert f"own token of station {uuid}" in err
    assert "cannot be renewed" in err
    assert files(shop) == []


async def test_a_merchant_token_that_is_told_other_stations_sessions_is_a_merchants_all_the_same(shop: Shop):
    shop.cloud.faults.add("foreign_sessions")
    code, out, _ = await login(shop)
    assert code == 0
    assert "3 stations" in out


@pytest.mark.parametrize("text", ["", "   ", "two words", "токен", "line\nline", "x" * 5000, "esc\x1b[2J"])
async def test_what_is_no_token_is_not_sent(shop: Shop, text: str):
    code, out, err = await login(shop, text)
    assert (code, out) == (1, "")
    assert "\x1b" not in err
    assert not shop.cloud.requests


async def test_another_login_replaces_the_first_and_what_descends_from_it(shop: Shop):
    shop.cloud.add_merchant_token("second", USER)
    shop.cloud.expire_token(TOKEN)
    await login(shop)
    await login(shop, "second")
    kept = kept_login(shop.state)
    assert kept is not None
    assert kept.get_secret_value() == "second"
    assert not token_file(shop.state, SecretStr(TOKEN)).exists()


async def test_the_settings_token_goes_before_a_login_and_its_heir_is_not_touched(shop: Shop):
    FileTokenKeeper(token_file(shop.state, SecretStr(TOKEN))).save(SecretStr(TOKEN), SecretStr("renewed"))
    shop.cloud.add_merchant_token("renewed", USER)
    code, out, _ = await login(shop, DROVA_TOKEN=TOKEN)
    assert code == 0
    assert "DROVA_TOKEN" in out
    code, out, _ = await shop.run("logout")
    assert code == 0
    assert "DROVA_TOKEN in the settings" in out
    assert token_file(shop.state, SecretStr(TOKEN)).exists()
    assert (await shop.run("stations"))[0] == 0


async def test_a_damaged_login_can_be_forgotten_and_replaced(shop: Shop):
    shop.state.mkdir()
    login_file(shop.state).write_bytes(b"{")
    code, out, _ = await shop.run("logout", **NO_TOKEN)
    assert code == 0
    assert "they stay" in out
    login_file(shop.state).write_bytes(b"{")
    assert (await login(shop))[0] == 0


async def test_an_api_that_is_down_keeps_nothing(shop: Shop):
    shop.cloud.faults.add("cloud_down")
    code, out, err = await login(shop)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert files(shop) == []


async def test_a_state_directory_that_cannot_be_written_is_said(shop: Shop, tmp_path: Path):
    (tmp_path / "state").write_text("a file", encoding="utf-8")
    code, _, err = await login(shop)
    assert code == 1
    assert "cannot be written" in err


async def test_on_a_terminal_it_is_asked_for_and_not_shown(shop: Shop):
    """A real terminal: what is typed must not come back."""
    ours, theirs = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "ENV_LOCATION": str(shop.settings(DROVA_TOKEN=""))}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "drova_gate",
        "login",
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    try:
        async with asyncio.timeout(30):
            while b"(is not shown)" not in shown:
                shown += await asyncio.to_thread(os.read, ours, 1000)
            await asyncio.sleep(0.1)
            os.write(ours, TOKEN.encode() + b"\n")
            while b"logged in" not in shown:
                shown += await asyncio.to_thread(os.read, ours, 1000)
            assert await process.wait() == 0
    finally:
        os.close(ours)
    assert TOKEN.encode() not in shown
