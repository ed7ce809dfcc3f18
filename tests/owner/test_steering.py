"""Changing stations at Drova: what is sent, what is read back, what is refused, and what is said when nobody can tell."""

import asyncio
import json
import os
import re
import signal
import sys
from pathlib import Path
from subprocess import PIPE

import pytest
from hypothesis import given
from hypothesis import strategies as st
from owner_shop import Shop

from drova_gate.core.model import Lease, Phase
from drova_gate.lease import LeaseFile
from drova_gate.owner.plain_text import excerpt, plain_text
from drova_gate.sim.cloud import CloudPlan


@pytest.mark.parametrize(
    ("command", "was", "now", "field", "value"),
    [
        (["hide", "pc1"], "shown", "hidden", "published", False),
        (["desktop", "off", "pc1"], "desktop on", "desktop off", "allow_desktop", False),
        (["updates", "off", "PC1"], "updates on", "updates off", "disable_updates", True),
    ],
)
async def test_a_change_is_sent_once_read_back_and_said(shop: Shop, command, was, now, field, value):
    code, out, err = await shop.run(*command)
    assert (code, out, err) == (0, f"pc1: was {was}, is {now} now (read back)\n", "")
    assert getattr(shop.server("pc1"), field) is value
    assert len(shop.writes()) == 1

    code, out, _ = await shop.run(*command)
    assert (code, out) == (0, f"pc1: is {now} already; nothing was sent\n")
    assert len(shop.writes()) == 1


async def test_all_stations_with_a_summary_and_names_that_cannot_steer_the_terminal(shop: Shop):
    shop.server("Зал 2 🎮").published = False
    code, out, err = await shop.run("hide", "--all")
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    assert out.splitlines()[-1] == "3 stations: 2 changed, 1 as wanted already"
    assert not any(one.published for one in shop.cloud.servers.values())


async def test_names_or_all_and_nothing_else(shop: Shop):
    assert (await shop.run("hide"))[0] == 2
    assert (await shop.run("hide", "--all", "pc1"))[0] == 2
    assert (await shop.run("describe", "pc1"))[0] == 2
    for name in (" ", "pc\n1", "pc\x1b[31m", "pc\u20281"):
        assert (await shop.run("describe", "pc1", "--name", name))[0] == 2
    assert not shop.cloud.requests


async def test_an_unknown_station_names_the_nearest_and_nothing_is_done(shop: Shop):
    code, out, err = await shop.run("hide", "Зал 2 🎮", "pc")
    assert (code, out) == (1, "")
    assert "did you mean pc1" in err
    assert not shop.writes()


@pytest.mark.parametrize(
    "command", [["hide"], ["publish"], ["desktop", "off"], ["updates", "off"], ["describe", "--name", "x"]]
)
async def test_a_player_inside_is_left_in_peace_unless_the_owner_insists(shop: Shop, command):
    shop.server("pc1").published = command == ["hide"]
    shop.cloud.start_session(shop.ids["pc1"], status="ACTIVE")
    code, out, err = await shop.run(*command, "pc1")
    assert (code, out) == (1, "")
    assert err.startswith("pc1: a player is inside (session ")
    assert "--force" in err
    assert not shop.writes()

    code, out, err = await shop.run(*command, "pc1", "--force")
    assert (code, err) == (0, "")
    assert "(read back)" in out
    assert "  note: a player is inside" in out


async def test_one_that_fails_does_not_keep_the_others_and_shows_in_the_exit_code(shop: Shop):
    shop.cloud.start_session(shop.ids["pc1"])
    code, out, err = await shop.run("hide", "--all")
    assert code == 1
    assert err.startswith("pc1: ")
    assert out.splitlines()[-1] == "3 stations: 2 changed, 1 not changed"


@pytest.mark.parametrize("fault", ["publish_lies", "writes_lie", "publish_inverted"])
async def test_a_change_that_is_confirmed_and_not_made_is_an_error(shop: Shop, fault: str):
    shop.cloud.faults.add(fault)
    code, out, err = await shop.run("hide", "pc1", "--json")
    assert (code, err) == (1, "")
    (row,) = json.loads(out)
    assert (row["done"], row["before"], row["after"], row["good"]) == ("not_confirmed", "shown", "shown", False)
    assert "still reads as shown" in row["text"]


async def test_a_write_whose_answer_is_lost_is_read_back_and_never_made_again(shop: Shop, monkeypatch):
    monkeypatch.setattr("drova_gate.cloud.http.TOTAL_SECONDS", 0.3)
    monkeypatch.setattr(
        "drova_gate.cloud.http.ApiLine.__init__.__kwdefaults__", {"timeout": 0.3, "budget": None}, raising=False
    )
    shop.cloud.faults.add("write_hangs")
    code, out, _ = await shop.run("hide", "pc1")
    assert code == 0
    assert out.startswith("pc1: was shown, is hidden now (read back; first: no whole answer within")
    assert len(shop.writes()) == 1


async def test_an_api_that_is_down_changes_nothing_and_says_so(shop: Shop):
    shop.cloud.faults.add("cloud_down")
    code, out, err = await shop.run("hide", "pc1")
    assert (code, out) == (1, "")
    assert err.count("\n") == 1


async def test_a_reading_back_that_is_refused_does_not_make_the_write_undone(shop: Shop):
    class ThrottledOnceAfterTheWrite(set):
        left = 1

        def __contains__(self, fault: object) -> bool:
            if fault != "cloud_429" or not any("set_published" in one.path for one in shop.cloud.requests[:-1]):
                return False
            self.left -= 1
            return self.left >= 0

    shop.cloud.faults = ThrottledOnceAfterTheWrite()
    code, out, err = await shop.run("hide", "pc1")
    assert shop.cloud.faults.left < 0
    assert (code, err) == (0, "")
    assert out.startswith("pc1: was shown, is hidden now (read back; first: answered 429")
    assert len(shop.writes()) == 1


async def test_a_description_that_did_not_arrive_is_not_taken_for_one_that_begins_alike(shop: Shop):
    """What is shown of two long descriptions is the same; what was asked for is not there."""

    class FailsToWrite(set):
        def __contains__(self, fault: object) -> bool:
            return fault == "cloud_500" and shop.cloud.requests[-1].method == "PUT"

    before = shop.server("pc1").description = f"<p>{'RTX 4070, ' * 9}</p> the old end"
    shop.cloud.faults = FailsToWrite()
    code, out, err = await shop.run("describe", "pc1", "--description", before.replace("old", "new"))
    assert shop.server("pc1").description == before
    assert (code, out) == (1, "")
    assert "it may still be carried out; look again" in err


async def test_whoever_stops_it_reads_how_far_it_came(shop: Shop):
    environment = {"PATH": os.environ["PATH"], "ENV_LOCATION": str(shop.settings())}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "drova_gate", "hide", "--all", env=environment, stdout=PIPE, stderr=PIPE
    )
    shop.cloud.plan = CloudPlan(latency=0.2)
    async with asyncio.timeout(30):
        assert process.stdout is not None
        first = await process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert process.returncode == 130
    assert b"was shown, is hidden now" in first
    assert "interrupted: 1 of 3 stations done; how pc1 is now: drova_gate stations" in err.decode()
    assert sum(one.published for one in shop.cloud.servers.values()) >= 1


async def test_an_api_that_goes_down_with_the_write_leaves_the_outcome_open(shop: Shop):
    class DownAfterTheWrite(set):
        def __contains__(self, fault: object) -> bool:
            return fault == "cloud_down" and any("set_published" in one.path for one in shop.cloud.requests)

    shop.cloud.faults = DownAfterTheWrite()
    code, out, err = await shop.run("hide", "pc1", "pc1")
    assert (code, out) == (1, "")
    assert re.search("what became of it is not known .*; look: drova_gate stations", err)


@pytest.mark.parametrize(
    "record", [{"phase": Phase.QUARANTINED, "quarantine_reason": "no reset"}, {"hidden_by_us": True}]
)
async def test_what_the_gate_keeps_hidden_is_not_shown_behind_its_back(shop: Shop, record):
    shop.hold("pc1", **record)
    shop.server("pc1").published = False
    code, _, err = await shop.run("publish", "pc1")
    assert code == 1
    assert "drova_gate release gate-pc" in err
    assert not shop.writes()

    code, out, _ = await shop.run("publish", "pc1", "--force")
    assert code == 0
    assert "will hide it again while that lasts" in out

    shop.server("pc1").published = False
    code, out, _ = await shop.run("hide", "pc1")
    assert code == 0
    assert "already" in out
    assert "drova_gate release gate-pc" in out


async def test_what_is_under_maintenance_is_shown_by_ending_that(shop: Shop):
    shop.hold("pc1")
    (shop.state / "gate-pc" / "maintenance").write_text("new disk", encoding="utf-8")
    shop.server("pc1").published = False
    code, _, err = await shop.run("publish", "pc1")
    assert code == 1
    assert "drova_gate maintenance off gate-pc" in err


async def test_a_maintenance_that_is_over_holds_nothing(shop: Shop):
    """The file lies there until the gate has read it."""
    shop.hold("pc1")
    file = LeaseFile(shop.state / "gate-pc" / "maintenance")
    file.save(Lease("new disk", hides=True, by="anna", since_wall=1_800_000_000, ended=True))
    shop.server("pc1").published = False
    code, out, _ = await shop.run("publish", "pc1")
    assert code == 0
    assert "is shown now" in out


async def test_a_unit_of_its_own_keeps_its_state_one_folder_deeper(shop: Shop):
    shop.hold("pc1", phase=Phase.QUARANTINED)
    (shop.state / "pc1").mkdir()
    (shop.state / "gate-pc").rename(shop.state / "pc1" / "gate-pc")
    shop.server("pc1").published = False
    code, _, err = await shop.run("publish", "pc1")
    assert code == 1
    assert "drova_gate release gate-pc" in err


async def test_a_gates_state_that_cannot_be_read_is_no_leave_to_show_the_station(shop: Shop):
    (shop.state / "gate-pc" / "state.json").mkdir(parents=True)
    shop.server("pc1").published = False
    code, _, err = await shop.run("publish", "pc1")
    assert code == 1
    assert "whether the gate holds it hidden is not known" in err
    assert (await shop.run("publish", "pc1", "--force"))[0] == 0


async def test_looking_at_a_gates_state_leaves_it_as_it_is(shop: Shop):
    shop.hold("pc1")
    file = shop.state / "gate-pc" / "state.json"
    file.write_bytes(b'{"version": 99}')
    shop.server("pc1").published = False
    assert (await shop.run("publish", "pc1"))[0] == 0
    assert [one.name for one in file.parent.iterdir()] == ["state.json"]


async def test_a_description_is_sent_whole_and_shown_as_plain_text(shop: Shop, tmp_path: Path):
    file = tmp_path / "pc1.html"
    file.write_text("\ufeff<p>RTX&nbsp;4070</p><script>alert(1)</script><p>Тихая</p>\n", encoding="utf-8")
    code, out, err = await shop.run("describe", "pc1", "--description-file", str(file))
    assert (code, err) == (0, "")
    assert out == "pc1: was described as 'A simulated station', is described as 'RTX 4070 Тихая' now (read back)\n"
    assert shop.server("pc1").description == "<p>RTX&nbsp;4070</p><script>alert(1)</script><p>Тихая</p>"
    assert shop.server("pc1").name == "pc1"

    code, out, _ = await shop.run("describe", "pc1", "--name", "ПК '1'", "--description", "")
    assert code == 0
    assert shop.server("pc1").name == "ПК '1'"
    assert shop.server("pc1").description == ""


@pytest.mark.parametrize(
    ("content", "said"), [(b"\xff\xfe", "UTF-8"), (b"a" * 70_000, "longer"), (None, "cannot be read")]
)
async def test_a_wrong_file_is_not_sent(shop: Shop, tmp_path: Path, content, said):
    file = tmp_path / "wrong.html"
    if content is not None:
        file.write_bytes(content)
    code, _, err = await shop.run("describe", "pc1", "--description-file", str(file))
    assert code == 1
    assert said in err
    assert not shop.cloud.requests


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a</p><p>b &lt;i&gt;</p>", "a\nb <i>"),
        ("a<br>b<style>x{}</style>", "a\nb"),
        ("no html at all", "no html at all"),
        ("<ul><li>one<li>two</ul>", "one\ntwo"),
        ("a <b", "a <b"),
        ("a<![if x]>b", "a<![if x]>b"),
    ],
)
def test_html_as_text(html: str, text: str):
    assert plain_text(html) == text


@given(st.text(st.sampled_from("<>/!-&;ab\"' \n[]?"), max_size=60))
def test_any_html_is_one_line_of_text(html: str):
    assert len(excerpt(html).splitlines()) <= 1
