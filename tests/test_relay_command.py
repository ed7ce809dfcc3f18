"""``drova_gate relay``, the relay as a person uses it by hand: real processes, sockets and signals."""

import hashlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from drova_gate.cli import main

PATIENCE = 20.0
"""Seconds after which something that should come is given up; a loaded CI machine may be slow."""


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "drova_gate", "relay", *arguments]


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """The command, up and listening; its ports in the order of its ``--listen``."""
    environment = {"PATH": os.environ["PATH"], "ENV_LOCATION": ""}
    with subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            ports = []
            for _ in range(arguments.count("--listen")):
                found = re.match(r"\S+:(\d+) -> \S+: listening$", process.stdout.readline())
                assert found
                ports.append(int(found[1]))
            yield process, ports
        finally:
            process.kill()


def serve(host: str) -> socket.socket:
    """A listening socket for the relay to connect to."""
    try:
        sock = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError:
        pytest.skip(f"{host} is not to be had on this machine")
    sock.settimeout(PATIENCE)
    return sock


def shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def read_to_end(sock: socket.socket) -> bytes:
    found = b""
    while piece := sock.recv(1 << 20):
        found += piece
    return found


def test_two_pairs_carry_bytes_both_ways_and_tell_their_figures():
    """IPv4 and IPv6 at once: 8 MiB arrive whole, half-close and a late answer too; SIGUSR1 and the end print the figures."""
    sent = random.Random(1).randbytes(8 << 20)
    with serve("127.0.0.1") as four, serve("::1") as six:
        arguments: list[str] = []
        for host, sock in (("127.0.0.1", four), ("::1", six)):
            arguments += ["--listen", shown(host, 0), "--to", shown(host, sock.getsockname()[1])]
        with running(*arguments) as (process, ports):
            for host, port, sock in (("127.0.0.1", ports[0], four), ("::1", ports[1], six)):
                client = socket.create_connection((host, port), PATIENCE)
                agent, _ = sock.accept()
                agent.settimeout(PATIENCE)
                sending = threading.Thread(target=lambda: (client.sendall(sent), client.shutdown(socket.SHUT_WR)))  # noqa: B023 - joined below
                sending.start()
                assert hashlib.sha256(read_to_end(agent)).digest() == hashlib.sha256(sent).digest()
                sending.join()
                agent.sendall(b"late answer")
                agent.close()
                assert read_to_end(client) == b"late answer"
                client.close()
            process.send_signal(signal.SIGUSR1)
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in ports]
            process.send_signal(signal.SIGINT)
            last, _ = process.communicate(timeout=PATIENCE)

    for text in (*lines, *last.splitlines()):
        assert "1 ever" in text
        assert f"11 bytes to clients, {8 << 20} to the station" in text
    assert len(last.splitlines()) == 2
    assert process.returncode == 0


def test_figures_come_by_themselves_when_asked_for():
    """``--figures 0.1``: a line again and again."""
    with (
        serve("127.0.0.1") as sock,
        running("--listen", "127.0.0.1:0", "--to", shown("127.0.0.1", sock.getsockname()[1]), "--figures", "0.1") as (
            process,
            _,
        ),
    ):
        assert process.stdout is not None
        for _ in range(3):
            assert "0 connections now, 0 ever" in process.stdout.readline()


def test_a_second_signal_ends_a_drain():
    """``--drain 600``: the first SIGTERM lets a connection go on, the second cuts it."""
    with (
        serve("127.0.0.1") as sock,
        running("--listen", "127.0.0.1:0", "--to", shown("127.0.0.1", sock.getsockname()[1]), "--drain", "600") as (
            process,
            (port,),
        ),
        socket.create_connection(("127.0.0.1", port), PATIENCE) as client,
    ):
        agent, _ = sock.accept()
        process.send_signal(signal.SIGTERM)
        until_refused(port)
        client.sendall(b"still here")
        assert agent.recv(10) == b"still here"
        assert process.poll() is None

        process.send_signal(signal.SIGTERM)

        assert process.wait(PATIENCE) == 0
        assert read_to_end(client) == b""
        agent.close()


def until_refused(port: int) -> None:
    """Wait until nobody listens there any more."""
    for _ in range(10_000):
        try:
            socket.create_connection(("127.0.0.1", port), PATIENCE).close()
        except OSError:
            return
    raise AssertionError("the port stays open")


def test_a_stranger_is_turned_away_with_the_option_named():
    """``--allow`` names itself in the log, not a setting that the command does not read."""
    environment = {"PATH": os.environ["PATH"], "ENV_LOCATION": ""}
    arguments = command("--listen", "127.0.0.1:0", "--to", "127.0.0.1:1", "--allow", "10.0.0.0/8")
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().split(":")[1].split()[0])
        try:
            # The refusal may come before connect() has returned.
            with (
                pytest.raises(ConnectionResetError),
                socket.create_connection(("127.0.0.1", port), PATIENCE) as client,
            ):
                client.recv(1)
        finally:
            process.terminate()
        out, err = process.communicate(timeout=PATIENCE)

    assert "--allow" in err
    assert "DROVA_" not in err
    assert "turned away: 1 network" in out


@pytest.mark.parametrize(
    ("listen", "code", "said"),
    [
        ("taken", 1, "already taken by another program"),
        ("203.0.113.9:0", 1, "not one of this machine's"),
        ("no.such.name.invalid:0", 1, "is no address"),
        ("127.0.0.1", 2, "write for example 127.0.0.1:9000"),
        ("127.0.0.1:http", 2, "write for example 127.0.0.1:9000"),
        ("127.0.0.1:70000", 2, "write for example 127.0.0.1:9000"),
    ],
)
def test_a_port_that_does_not_open_is_one_line(listen: str, code: int, said: str, capsys: pytest.CaptureFixture[str]):
    """A line that a person understands, which speaks of the options and not of settings; no trace."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = shown(*taken.getsockname()) if listen == "taken" else listen

        assert exit_code("--listen", where, "--to", "127.0.0.1:1") == code

    last = capsys.readouterr().err.splitlines()[-1]
    assert said in last
    assert "--listen" in last
    assert "DROVA_" not in last


def test_listens_and_targets_come_in_pairs(capsys: pytest.CaptureFixture[str]):
    """One of them too many is said, not guessed."""
    assert exit_code("--listen", "127.0.0.1:0", "--to", "127.0.0.1:1", "--to", "127.0.0.1:2") == 2
    assert "in pairs" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--figures", "often", "write a number from 0"),
        ("--drain", "-1", "write a number from 0"),
        ("--connections", "0", "write 1 or more"),
        ("--allow", "home", "write for example 192.168.0.0/16"),
    ],
)
def test_a_wrong_option_says_what_to_write(option: str, value: str, said: str, capsys: pytest.CaptureFixture[str]):
    """Each option names the value and gives an example."""
    assert exit_code("--listen", "127.0.0.1:0", "--to", "127.0.0.1:1", f"{option}={value}") == 2
    assert said in capsys.readouterr().err


def exit_code(*arguments: str) -> int:
    try:
        return main(["relay", *arguments])
    except SystemExit as end:
        return int(str(end.code))
