"""Settings: typed, checked whole, secrets masked; the names are a contract."""

import json
import re
from pathlib import Path

import pytest

from drova_gate.config import Config, Mode, read_config
from drova_gate.errors import SettingsFault
from drova_gate.settings import SETTINGS

ROOT = Path(__file__).parent.parent
GOOD = {
    "WINDOWS_HOST": "192.168.1.20",
    "WINDOWS_LOGIN": "gate",
    "WINDOWS_PASSWORD": "pa ss%",
    "SHADOW_DEFENDER_PASSWORD": "sd",
}


def faults(settings: dict[str, str], mode: Mode = Mode.POLL) -> tuple[str, ...]:
    with pytest.raises(SettingsFault) as caught:
        read_config(mode, settings)
    return caught.value.faults


def test_the_least_settings_of_a_station():
    """Four settings are enough to poll; everything else has the contract's default."""
    station = read_config(Mode.POLL, GOOD).stations[0]

    assert (station.ssh_port, station.target_port, station.hold_seconds, station.poll_seconds) == (22, 7985, 5, 1)
    assert (station.api_url, station.protector, station.drives, station.wipe) == (
        "https://services.drova.io",
        "shadow_defender",
        None,
        "full",
    )
    assert not station.admit_unprotected
    assert not station.prepare_all


def test_every_fault_is_told_at_once():
    """One line per fault, each naming the setting and what to write."""
    told = faults(
        {
            "WINDOWS_SSH_PORT": "ssh",
            "DROVA_UNPROTECTED": "perhaps",
            "DROVA_HOLD_SECONDS": "-1",
            "DROVA_HOLT_SECONDS": "5",
        },
        Mode.SOCKET,
    )

    named = {line.split(":")[0] for line in told}
    assert named == {
        "WINDOWS_HOST",
        "WINDOWS_LOGIN",
        "WINDOWS_PASSWORD",
        "SHADOW_DEFENDER_PASSWORD",
        "DROVA_SOCKET_LISTEN",
        "WINDOWS_SSH_PORT",
        "DROVA_UNPROTECTED",
        "DROVA_HOLD_SECONDS",
        "DROVA_HOLT_SECONDS",
    }
    assert all(";" in line for line in told)
    assert any("did you mean DROVA_HOLD_SECONDS" in line for line in told)


def test_nothing_set_is_never_taken_for_valid():
    """F5: a validator that passes with nothing set is none."""
    assert len(faults({})) >= 4


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WINDOWS_SSH_PORT", "0"),
        ("WINDOWS_SSH_PORT", "65536"),
        ("DROVA_TARGET_PORT", "-1"),
        ("DROVA_TARGET_PORT", "²"),
        ("DROVA_API_URL", "services.drova.io"),
        ("WINDOWS_HOST_KEY", "aa:bb:cc"),
        ("SHADOW_DEFENDER_DRIVES", "C1"),
        ("DROVA_POLL_SECONDS", "nan"),
        ("DROVA_POLL_SECONDS", "0"),
        ("DROVA_PROTECTOR", "deepfreeze"),
        ("DROVA_WIPE", "most"),
        ("DROVA_LOG_LEVEL", "LOUD"),
        ("DROVA_SOCKET_LISTEN", "x"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str):
    """Each wrong value leads to one line that names its setting."""
    assert [line.split(":")[0] for line in faults(GOOD | {name: value})] == [name]


def test_other_programs_variables_are_no_faults():
    """The environment is full of names that are not ours."""
    read_config(Mode.POLL, GOOD | {"PATH": "/bin", "HOME": "/root"})


def test_secrets_never_show():
    """Neither repr nor str of the configuration carries a secret."""
    config = read_config(Mode.POLL, GOOD | {"DROVA_TOKEN": "tok-123"})

    for secret in ("pa ss%", "tok-123", "'sd'"):
        assert secret not in repr(config)
        assert secret not in str(config)


def test_shadow_defender_without_a_password_must_be_said():
    """An empty password is one; a missing one is a fault."""
    station = read_config(Mode.POLL, GOOD | {"SHADOW_DEFENDER_PASSWORD": ""}).stations[0]

    assert station.protector_password is not None
    without = {name: value for name, value in GOOD.items() if name != "SHADOW_DEFENDER_PASSWORD"}
    assert faults(without)[0].startswith("SHADOW_DEFENDER_PASSWORD")
    assert read_config(Mode.POLL, without | {"DROVA_PROTECTOR": "none"}).stations[0].protector == "none"


def test_drives_in_the_forms_that_owners_write():
    """``CDE``, ``c:, d:`` and ``C;D`` are lists of volumes."""
    for text in ("CD", "c:, d:", "C;D", "C:\\ D:\\"):
        assert read_config(Mode.POLL, GOOD | {"SHADOW_DEFENDER_DRIVES": text}).stations[0].drives == {"C", "D"}


def many(text: str, mode: Mode = Mode.SOCKET) -> Config:
    return read_config(mode, {"DROVA_CONFIG": "stations.toml"}, read_file=lambda _: text)


def test_many_stations_in_toml_and_in_the_json_of_existing_set_ups():
    """Defaults, then each station's own values; names in any letter case."""
    toml = """
        [defaults]
        windows_login = "gate"
        windows_password = "p"
        shadow_defender_password = "s"
        [[station]]
        name = "Игровой 1"
        windows_host = "10.0.0.1"
        drova_socket_listen = 7001
        [[station]]
        name = "pc2"
        WINDOWS_HOST = "10.0.0.2"
        drova_socket_listen = 7002
    """
    shared = {"WINDOWS_LOGIN": "gate", "WINDOWS_PASSWORD": "p", "SHADOW_DEFENDER_PASSWORD": "s"}
    hosts = [{"name": "pc1", "WINDOWS_HOST": "10.0.0.1", "DROVA_SOCKET_LISTEN": 7001}]

    first, second = many(toml).stations
    (single,) = many(json.dumps({"defaults": shared, "hosts": hosts})).stations

    assert (first.name, second.name, second.listen_port) == ("1", "pc2", 7002)
    assert (single.host, single.login, single.listen_port) == ("10.0.0.1", "gate", 7001)


@pytest.mark.parametrize("text", ['[[station]]\nname = "pc1"\n', '{"hosts": [{"name": "pc1"}]}'])
def test_a_stations_file_may_begin_with_the_mark_of_a_windows_editor(text: str):
    """Notepad saves "UTF-8 with BOM"; the answer once was "line 1, column 1", where an owner sees nothing wrong."""
    settings = GOOD | {"DROVA_CONFIG": "/etc/stations.toml"}

    (station,) = read_config(Mode.POLL, settings, lambda _: "\ufeff" + text).stations

    assert station.name == "pc1"


def test_many_stations_with_faults_name_the_station():
    """A port used twice, an unknown key, a missing value: each says where."""
    text = """
        defaults = { windows_login = "g", windows_password = "p", shadow_defender_password = "s" }
        station = [
            { name = "a", windows_host = "h1", drova_socket_listen = 7001 },
            { name = "b", windows_host = "h2", drova_socket_listen = 7001, windows_hots = "x" },
            { name = "c", drova_socket_listen = 7003 },
        ]
    """

    with pytest.raises(SettingsFault) as caught:
        many(text)

    told = "\n".join(caught.value.faults)
    assert "7001 is used by two stations" in told
    assert "station b: windows_hots is no setting of a station; did you mean WINDOWS_HOST" in told
    assert "station c: WINDOWS_HOST: is missing" in told


@pytest.mark.parametrize("text", ["", "[[station]", '{"hosts": 3}', "station = 5", "station = [5]", "[1]"])
def test_a_broken_stations_file_is_a_fault_not_a_crash(text: str):
    """Whatever stands in the file, it ends as a line for the owner."""
    with pytest.raises(SettingsFault):
        many(text)


def test_env_example_has_every_setting_with_its_meaning():
    """The example file and the contract cannot drift apart."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")

    for setting in SETTINGS:
        assert re.search(rf"^# {re.escape(setting.meaning)}\n#?{setting.name}=", text, re.MULTILINE), setting.name
    assert set(re.findall(r"^#?([A-Z_]+)=", text, re.MULTILINE)) == {setting.name for setting in SETTINGS}


def test_readme_table_has_every_setting():
    """The table of docs/settings.md names each setting with its default."""
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")

    assert [setting.name for setting in SETTINGS if f"| `{setting.name}` |" not in text] == []


def test_who_may_connect_and_how_many():
    """DROVA_ALLOW takes networks and addresses of both kinds; the limits and the drain are numbers."""
    station = read_config(
        Mode.POLL,
        GOOD
        | {
            "DROVA_ALLOW": "192.168.1.7/16, 2001:db8::/32 203.0.113.7",
            "DROVA_MAX_CONNECTIONS": "10",
            "DROVA_MAX_PER_ADDRESS": "2",
            "DROVA_DRAIN_SECONDS": "7200",
        },
    ).stations[0]

    assert [str(network) for network in station.allow] == ["192.168.0.0/16", "2001:db8::/32", "203.0.113.7/32"]
    assert (station.max_connections, station.max_per_address, station.drain_seconds) == (10, 2, 7200)


def test_nobody_is_shut_out_and_a_stop_is_quick_unless_asked_for():
    """The defaults: from anywhere, 256 in all, 32 from one address, no waiting at a stop."""
    station = read_config(Mode.POLL, GOOD).stations[0]

    assert station.allow == ()
    assert (station.max_connections, station.max_per_address, station.drain_seconds) == (256, 32, 0)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DROVA_ALLOW", "192.168.0.0/33", "192.168.0.0/33 is no address or network"),
        ("DROVA_ALLOW", "10.0.0.0/8,home", "home is no address or network"),
        ("DROVA_MAX_CONNECTIONS", "0", "write a whole number from 1"),
        ("DROVA_MAX_PER_ADDRESS", "many", "write a whole number from 1"),
        ("DROVA_DRAIN_SECONDS", "-1", "write a number from 0"),
    ],
)
def test_a_wrong_limit_is_named(name: str, value: str, said: str):
    """One line, with the setting and what to write."""
    (line,) = faults(GOOD | {name: value})

    assert line.startswith(f"{name}: ")
    assert said in line
    assert "; write" in line
