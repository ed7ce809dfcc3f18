"""A new station in the owner's file: what was there stays to the letter, and a disk that refuses leaves all as it was."""

import errno
import io
import os
import shlex
import stat
import tomllib
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from drova_gate.config import Mode, read_config
from drova_gate.errors import CallOwner
from drova_gate.onboard.station_file import env_text, read_stations, refused, table_text, with_station, write_settings

OWNERS = """# my stations, please keep
[defaults]
windows_login = 'gate'   # the same everywhere

[[station]]
name = "old"   # the first one
windows_host = "192.168.1.20"
windows_password = 'a"b'
shadow_defender_password = ""
"""
NEW = {
    "WINDOWS_HOST": "192.168.1.21",
    "WINDOWS_PASSWORD": 'p"\\ä\t#',
    "SHADOW_DEFENDER_PASSWORD": "",
    "DROVA_SOCKET_LISTEN": "7001",
}
secrets = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\n\x00"), max_size=30)


def added(tmp_path: Path, text: str) -> str:
    file = tmp_path / "stations.toml"
    file.write_text(text, encoding="utf-8")
    return with_station(file, *read_stations(file), "new", NEW)


def test_comments_and_other_stations_stay_to_the_letter(tmp_path: Path):
    new = added(tmp_path, OWNERS)

    assert new.startswith(OWNERS)
    config = read_config(Mode.RUN, {"DROVA_CONFIG": "x"}, lambda _: new)
    old, fresh = config.stations
    assert (old.name, fresh.name, fresh.listen_port) == ("old", "new", 7001)
    assert fresh.login == "gate", "what all stations share holds for the new one"
    assert fresh.password is not None
    assert fresh.password.get_secret_value() == NEW["WINDOWS_PASSWORD"]


def test_ends_of_lines_and_a_link_to_another_disk_stay(tmp_path: Path):
    """A file of Notepad's was rewritten line by line, and a link was replaced: what it led to was no longer what the gate reads."""
    real = tmp_path / "disk" / "stations.toml"
    real.parent.mkdir()
    real.write_bytes(OWNERS.replace("\n", "\r\n").encode())
    link = tmp_path / "stations.toml"
    link.symlink_to(real)
    write_settings(link, with_station(link, *read_stations(link), "new", NEW))

    assert link.is_symlink()
    assert real.read_bytes().startswith(OWNERS.rstrip().replace("\n", "\r\n").encode())
    assert [one["name"] for one in tomllib.loads(real.read_bytes().decode())["station"]] == ["old", "new"]


def test_the_first_station_makes_the_file(tmp_path: Path):
    file = tmp_path / "etc" / "stations.toml"
    write_settings(file, with_station(file, *read_stations(file), "pc1", NEW))

    assert tomllib.loads(file.read_text(encoding="utf-8"))["station"][0]["name"] == "pc1"
    assert stat.S_IMODE(file.stat().st_mode) & 0o027 == 0
    assert stat.S_IMODE(file.parent.stat().st_mode) & 0o027 == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"hosts": []}', "is JSON"),
        ("[[station]\n", "is no TOML"),
        ('station = [{name = "a"}]\n', "does not take"),
        ("station = 5\n", "does not take"),
    ],
)
def test_a_file_that_cannot_be_added_to_is_left_alone(text: str, says: str, tmp_path: Path):
    with pytest.raises(CallOwner, match=says):
        added(tmp_path, text)
    assert (tmp_path / "stations.toml").read_text(encoding="utf-8") == text


@given(secrets)
def test_whatever_a_password_holds_comes_back(secret: str):
    """From TOML, and from a file for systemd wherever such a file can hold it."""
    assert tomllib.loads(table_text("pc", {"WINDOWS_PASSWORD": secret}))["station"][0]["windows_password"] == secret
    try:
        text = env_text({"WINDOWS_PASSWORD": secret})
    except CallOwner:
        assert not secret.isascii() or not secret.isprintable()
    else:
        assert dotenv_values(stream=io.StringIO(text), interpolate=False) == {"WINDOWS_PASSWORD": secret}


@pytest.mark.parametrize("secret", ["plain", "with blank", "a'b", 'a"b', "a\\b", "#x", "a$HOME`b", "пароль", " both "])
def test_the_file_for_systemd_is_read_by_systemd_as_by_us(secret: str):
    """Systemd's rule for double quotes is a shell's, less the dollar and the backtick: without those, a shell can stand in for it."""
    line = env_text({"X": secret}).splitlines()[1]
    if not set(secret) & set("$`"):
        assert shlex.split(line) == [f"X={secret}"]


def test_rights_and_owner_of_the_file_stay_but_for_others(tmp_path: Path):
    file = tmp_path / "stations.toml"
    file.write_text("old", encoding="utf-8")
    file.chmod(0o644)
    if os.geteuid() == 0:
        os.chown(file, 1234, 4321)
    write_settings(file, "new")

    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    if os.geteuid() == 0:
        assert (file.stat().st_uid, file.stat().st_gid) == (1234, 4321)
    assert [one.name for one in tmp_path.iterdir()] == ["stations.toml"]


def test_no_space_left_leaves_the_old_file_whole(tmp_path: Path):
    """A file system of its own that is full: a limit on file size plays it for every user."""
    import resource  # noqa: PLC0415
    import signal  # noqa: PLC0415

    file = tmp_path / "stations.toml"
    file.write_text(OWNERS, encoding="utf-8")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (16, before[1]))
        with pytest.raises(CallOwner, match="cannot be written"):
            write_settings(file, OWNERS + table_text("new", NEW))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)

    assert file.read_text(encoding="utf-8") == OWNERS
    assert [one.name for one in tmp_path.iterdir()] == ["stations.toml"]


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EROFS, "outlives a reboot with --dir"),
        (errno.EACCES, "use sudo"),
        (errno.ENOSPC, "make room"),
        (errno.EIO, "--dir"),
    ],
)
def test_each_refusal_says_what_to_do_instead(number: int, advice: str):
    fault = refused(Path("/etc/drova_gate"), OSError(number, os.strerror(number)))
    assert "nothing was changed" in fault.fact
    assert advice in fault.advice


def test_the_mark_of_a_windows_editor_stays(tmp_path: Path):
    """Notepad's "UTF-8 with BOM"."""
    file = tmp_path / "stations.toml"
    file.write_text("\ufeff" + OWNERS, encoding="utf-8")

    text, tables = read_stations(file)
    new = with_station(file, text, tables, "pc2", NEW)

    assert new.startswith("\ufeff" + OWNERS.rstrip())
