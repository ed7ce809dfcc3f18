"""``drova_gate money`` and ``promocodes`` against a simulated cloud over real sockets."""

import argparse
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from pydantic import SecretStr
from typed import typed

from drova_gate.cli import money
from drova_gate.cloud.client import DrovaClient
from drova_gate.errors import CallOwner
from drova_gate.owner.account import Owner, _Access
from drova_gate.owner.promocodes import PromocodeBook, issue
from drova_gate.sim.cloud import Cloud

USER = UUID("7b7c1c1e-52a3-4f0e-9d0a-000000000001")
STATION = "00000000-0000-4000-8000-000000000001"
TOKEN = "merchant-token"


@pytest_asyncio.fixture
async def cloud() -> AsyncIterator[Cloud]:
    """An owner with one station on which ten hours were played for prepaid minutes."""
    async with Cloud() as cloud:
        cloud.add_merchant_token(TOKEN, str(USER))
        cloud.add_server(STATION, "Зал 1", str(USER))
        session = cloud.sessions[cloud.start_session(STATION, status="ACTIVE")]
        session.billing_type, session.status = "prepaid", "FINISHED"
        session.created_on -= 2 * 86_400_000
        session.finished_on = session.created_on + 600 * 60_000
        yield cloud
    assert cloud.refused == []


@pytest.fixture
def run(cloud: Cloud, tmp_path: Path) -> Callable[..., Any]:
    """Type a command; its exit code, what it printed and what it complained of."""
    env = tmp_path / "env"
    env.write_text(f"DROVA_API_URL={cloud.url}\nDROVA_TOKEN={TOKEN}\nDROVA_STATE_DIR={tmp_path}\n")
    return partial(typed, ENV_LOCATION=str(env))


def issued_calls(cloud: Cloud) -> int:
    return sum("issue_promocodes" in one.path for one in cloud.requests)


# -- money -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["number", "text"])
async def test_money_shows_everything_as_it_was_sent(cloud: Cloud, run, form):
    cloud.plan = replace(cloud.plan, money=form)
    code, out, err = await run("money")
    assert (code, err) == (0, "")
    assert "Station owner" in out
    assert "minutes allowed to sell" in out
    line = next(line for line in out.splitlines() if line.startswith("Зал 1"))
    assert line.split()[-2:] == ["10.0", "1"]
    code, out, _ = await run("money", "--by", "game", "--json")
    rows = json.loads(out)
    assert {row["part"] for row in rows} >= {"account", "prepaid", "game", "total"}
    assert next(row["name"] for row in rows if row["part"] == "game") == "Desktop"
    _, out, _ = await run("money", "--csv")
    assert out.startswith("part,period,id,name")


async def test_what_a_token_may_not_see_is_left_out_and_said(cloud: Cloud, tmp_path: Path, capsys):
    async with DrovaClient(SecretStr(TOKEN), base_url=cloud.url) as client:
        # As with a station's token of another account: 403 for what belongs to the merchant.
        owner = Owner([_Access(client, uuid4(), UUID(STATION))], {}, (), tmp_path)
        code = await money._shown(argparse.Namespace(by="station", json=False, csv=False), owner)
    said = capsys.readouterr()
    assert code == 0
    assert "prepaid minutes: left out, for this token may not see it" in said.err
    assert "as one station's token shows it" in said.err
    assert "minutes sold" not in said.out
    assert "Station owner" in said.out


async def test_money_without_an_answer_is_an_error(cloud: Cloud, run):
    cloud.faults.add("cloud_500")
    code, _, err = await run("money")
    assert code == 1
    assert "500" in err


# -- promocodes ------------------------------------------------------------------------------------------------------


async def test_nothing_is_issued_until_somebody_agrees(cloud: Cloud, run):
    code, out, _ = await run("promocodes", "issue", 2, 60)
    assert code == 3
    assert "2 codes of 60 minutes each: 120 minutes (2.0 h)" in out
    assert "Drova allows you to sell: 600 minutes" in out
    assert issued_calls(cloud) == 0
    code, out, _ = await run("promocodes", "issue", 2, 60, "--json")
    assert (code, issued_calls(cloud)) == (3, 0)


async def test_codes_are_printed_and_kept_for_the_owner_alone(cloud: Cloud, run, tmp_path: Path):
    code, out, err = await run("promocodes", "issue", 2, 60, "--yes")
    assert (code, err) == (0, "")
    codes = {one.code for one in cloud.world.ledger.promocodes}
    assert len(codes) == 2
    assert all(one in out for one in codes)
    book = PromocodeBook(tmp_path)
    assert {one.promocode for one in book.codes()} == codes
    assert book.path.stat().st_mode & 0o777 == 0o600
    _, out, _ = await run("promocodes", "list", "--json")
    assert {row["promocode"] for row in json.loads(out)} == codes
    assert issued_calls(cloud) == 1


async def test_used_codes_are_listed_on_demand(cloud: Cloud, run):
    await run("promocodes", "issue", 1, 60, "--yes")
    cloud.world.ledger.promocodes.clear()
    assert "no unused codes" in (await run("promocodes", "list"))[1]
    assert "used or expired" in (await run("promocodes", "list", "--all"))[1]


async def test_the_same_order_at_once_again_is_taken_for_a_slip(cloud: Cloud, run):
    await run("promocodes", "issue", 1, 60, "--yes")
    code, _, err = await run("promocodes", "issue", 1, 60, "--yes")
    assert code == 1
    assert "were issued" in err
    assert (await run("promocodes", "issue", 2, 60, "--yes"))[0] == 0
    assert (await run("promocodes", "issue", 2, 60, "--yes", "--again"))[0] == 0
    assert issued_calls(cloud) == 3


async def test_more_than_may_be_sold_is_refused(cloud: Cloud, run):
    code, _, err = await run("promocodes", "issue", 11, 60, "--yes")
    assert code == 1
    assert "660 minutes in all, and Drova allows you to sell 600" in err
    assert issued_calls(cloud) == 0
    assert (await run("promocodes", "issue", 11, 60, "--yes", "--force"))[0] == 0


@pytest.mark.parametrize("words", [(0, 60), (10_000, 60), ("x", 60), (1, 0), (1, "1h"), (1, 999_999), ("-5", 60)])
async def test_senseless_orders_are_usage_errors(cloud: Cloud, run, words):
    assert (await run("promocodes", "issue", *words))[0] == 2
    assert cloud.requests == []


async def test_an_answer_that_does_not_come_is_told_with_the_codes_that_appeared(cloud: Cloud, tmp_path: Path):
    cloud.faults.add("write_hangs")
    book = PromocodeBook(tmp_path)
    async with DrovaClient(SecretStr(TOKEN), base_url=cloud.url, timeout=0.5) as client:
        issued = await issue(client, book, 2, 60)
    cloud.faults.discard("write_hangs")
    assert issued.unknown is not None
    assert {one.promocode for one in issued.codes} == {one.code for one in cloud.world.ledger.promocodes}
    assert {one.promocode for one in book.codes()} == {one.promocode for one in issued.codes}
    last = book.last()
    assert last is not None
    assert last.outcome == "unknown"
    assert issued_calls(cloud) == 1


async def test_an_outage_in_the_middle_says_where_to_look(cloud: Cloud, run, tmp_path: Path):
    cloud.plan = replace(cloud.plan, cloud_down_after=1)

    cloud.faults.add("write_hangs")
    async with DrovaClient(SecretStr(TOKEN), base_url=cloud.url, timeout=0.5) as client:
        issued = await issue(client, PromocodeBook(tmp_path), 1, 60)
    cloud.faults -= {"write_hangs", "cloud_down"}
    assert issued.unknown is not None
    assert (issued.codes, issued.looked) == ((), False)
    # The next order of the same kind is held up by it.
    code, _, err = await run("promocodes", "issue", 1, 60, "--yes")
    assert code == 1
    assert "may have been issued" in err


async def test_two_orders_at_once_are_refused(run, tmp_path: Path):
    give_back = PromocodeBook(tmp_path).claim()
    code, _, err = await run("promocodes", "issue", 1, 60, "--yes")
    give_back()
    assert code == 1
    assert "another command is issuing" in err


async def test_without_a_place_to_keep_them_nothing_is_issued(cloud: Cloud, tmp_path: Path):
    (tmp_path / "promocodes.jsonl").mkdir()
    async with DrovaClient(SecretStr(TOKEN), base_url=cloud.url) as client:
        with pytest.raises(CallOwner, match="nothing was issued"):
            await issue(client, PromocodeBook(tmp_path), 1, 60)
    assert issued_calls(cloud) == 0


def test_a_torn_line_loses_nothing_else(tmp_path: Path):
    book = PromocodeBook(tmp_path)
    assert book.last() is None
    book.order(1, 60)
    with book.path.open("ab") as file:
        file.write(b'{"what": "outc')
    book.order(2, 30)
    last = book.last()
    assert last is not None
    assert (last.count, last.minutes, last.outcome) == (2, 30, "asked")
    assert abs(last.at - time.time()) < 10
