"""Where settings are looked for when nobody names them, and what is said where they are not to be had."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import drova_gate.owner.account  # noqa: F401 - another user may not import it from where we are installed
from drova_gate.cli import _parser, main, surroundings
from drova_gate.cli.surroundings import OF_A_STATION, settings_files

NOBODY = 65534


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without settings, and where its usual ones would lie."""
    for name in [one for one in os.environ if one.startswith(("DROVA_", *OF_A_STATION))]:
        monkeypatch.delenv(name)
    for name in ("ENV_LOCATION", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DROVA_LANG", "en")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    usual = tmp_path / "etc" / "stations.toml"
    monkeypatch.setattr(surroundings, "USUAL_STATIONS", usual)
    monkeypatch.setattr(surroundings, "ENTWARE_STATIONS", tmp_path / "opt" / "stations.toml")
    monkeypatch.chdir("/")
    _parser()  # all commands' modules, likewise
    return usual


@contextmanager
def another_user() -> Iterator[None]:
    """Who is not root, where we are."""
    ours = os.geteuid()
    if ours == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(ours)


def test_rights_are_looked_at_of_every_file_that_holds_settings(bare: Path, monkeypatch: pytest.MonkeyPatch):
    """The stations' passwords stand in stations.toml, which the doctor had left out."""
    bare.parent.mkdir()
    bare.touch()
    assert settings_files(None) == (bare,)
    bare.with_name("gate.env").touch()
    assert settings_files(None) == (bare.with_name("gate.env"), bare)
    monkeypatch.setenv("DROVA_CONFIG", str(bare))
    assert settings_files(None) == (bare.with_name("gate.env"), bare)


COMMANDS = (["doctor"], ["doctor", "pc1"], ["rehearse", "pc1"], ["repair"], ["run"])


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_machine_without_a_station_is_told_how_to_get_one(words: list[str], capsys: pytest.CaptureFixture[str]):
    """Not four settings that are missing."""
    assert main(words) == 78
    assert capsys.readouterr().err == "settings: no station is set up here; set one up with: drova_gate init\n"


def test_who_has_begun_is_told_what_is_missing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """All of it at once."""
    monkeypatch.setenv("WINDOWS_HOST", "10.0.0.1")
    assert main(["doctor"]) == 78
    assert "WINDOWS_LOGIN: is missing" in capsys.readouterr().err


@pytest.mark.parametrize("words", [*COMMANDS, ["stations"], ["steam", "scan", "pc1"]], ids=" ".join)
@pytest.mark.parametrize("there", [False, True], ids=["folder", "file"])
def test_settings_of_another_user_are_not_taken_for_none(
    words: list[str], there: bool, bare: Path, capsys: pytest.CaptureFixture[str]
):
    """As on Debian, where /etc/drova_gate is root's and the gate's: an owner without sudo was told to write WINDOWS_HOST."""
    bare.parent.mkdir()
    if there:
        bare.write_text("[[station]]\n", encoding="ascii")
        bare.chmod(0)
    bare.parent.chmod(0o755 if there else 0)
    with another_user():
        code = main(words)
    bare.parent.chmod(0o700)
    assert (code, capsys.readouterr().err) == (78, f"settings: this user may not read {bare}; use sudo\n")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_working_directory_that_is_closed_to_us_holds_no_settings(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """``sudo -u drova_gate drova_gate doctor``, as the doctor's page has it, from root's own home: it ended with a trace."""
    home = tmp_path / "root"
    home.mkdir()
    monkeypatch.chdir(home)
    home.chmod(0)
    with another_user():
        code = main(words)
    home.chmod(0o700)
    assert code == 78
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_state_folder_behind_a_closed_door_is_said_to_be_closed(
    bare: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """OpenWrt's place of it lies in /etc/drova_gate, which Debian's package closes: ``maintenance`` ended with a trace."""
    state = bare.parent / "state"
    monkeypatch.setattr(surroundings, "LASTING_STATES", (state,))
    bare.parent.mkdir(mode=0)
    with another_user():
        code = main(["maintenance"])
    bare.parent.chmod(0o700)
    assert code == 1
    assert f"{state}" in (said := capsys.readouterr().err)
    assert said.endswith("cannot be read; use sudo\n")


def test_credentials_that_cannot_be_read_are_a_fault_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """The directory of another service, or a file of another encoding: a line, not a trace."""
    (tmp_path / "DROVA_TOKEN").write_bytes(b"\xff\xfe")
    for directory, said in ((tmp_path / "nowhere", "cannot be read (No such"), (tmp_path, "is not UTF-8 text")):
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(directory))
        assert main(["stations"]) == 78
        assert f"settings: CREDENTIALS_DIRECTORY: {directory}" in (err := capsys.readouterr().err)
        assert said in err


def test_an_env_file_may_begin_with_the_mark_of_a_windows_editor(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Its first setting once had another name, and was "not set"."""
    file = tmp_path / "pc1.env"
    file.write_text("\ufeffWINDOWS_HOST=192.0.2.1\n", encoding="utf-8")

    with pytest.raises(SystemExit):
        raise SystemExit(main(["doctor", "--env", str(file)]))

    said = capsys.readouterr().err
    assert "WINDOWS_LOGIN" in said
    assert "WINDOWS_HOST" not in said


@pytest.mark.parametrize("wrong", ["nan", "inf", "0", "-5", "1441", "soon"])
def test_a_wait_without_an_end_is_none(wrong: str, capsys: pytest.CaptureFixture[str]):
    """``rehearse --wait nan`` would have waited for ever."""
    with pytest.raises(SystemExit):
        main(["rehearse", "pc1", "--wait", wrong])

    assert "write minutes, up to 1440" in capsys.readouterr().err
