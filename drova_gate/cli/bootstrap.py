"""``drova_gate bootstrap``: what the owner runs once on the PC."""

import argparse
import ipaddress
import os
import sys
import time
from pathlib import Path

from drova_gate.cli.speech import complain, say
from drova_gate.cli.surroundings import own_state_dir, print_lines

__all__ = ["add"]

USAGE = 2
SERVE_PORT = 8480
"""Above 1023, and none that routers' own pages use."""
_EXAMPLES = """examples:
  drova_gate bootstrap --router 192.168.1.1            writes drova_gate_pc.ps1: copy it to the PC
  drova_gate bootstrap --router 192.168.1.1 --serve    the PC fetches it: prints the command to paste there
  ssh root@192.168.1.1 drova_gate bootstrap --print --router 192.168.1.1 > drova_gate_pc.ps1   from cmd.exe on the PC

On the PC: Start, right click, Terminal (Admin) or PowerShell (Admin), then
  powershell -ExecutionPolicy Bypass -File .\\drova_gate_pc.ps1 -WhatIf    shows what it would do; without -WhatIf it does it

It installs and starts Windows' OpenSSH server, lets this router alone reach it, lets the gate's key in, looks at what a station needs
(Shadow Defender, autologon, ...) and prints the settings for drova_gate init. It may be run again; it holds no secret: the gate's private
key is made here, and stays here."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    text = "write the script that prepares a PC, to be run there once as administrator"
    command = commands.add_parser(
        "bootstrap",
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--router", metavar="ADDRESS", help="this machine's address in the PC's network")
    command.add_argument(
        "--login", default="", metavar="NAME", help="account to log in to (default: the one at the PC's desktop)"
    )
    command.add_argument("--port", type=_port, default=22, help="of the PC's SSH server (default 22)")
    way = command.add_mutually_exclusive_group()
    way.add_argument("--out", type=Path, metavar="FILE", help="write it here (default drova_gate_pc.ps1)")
    way.add_argument("--print", action="store_true", help="print it")
    way.add_argument("--serve", action="store_true", help="hand it out over HTTP from this machine for some minutes")
    command.add_argument(
        "--qr",
        action="store_true",
        help="with --serve, which it implies: draw the command to paste as a QR code, for a phone to carry it over (needs segno)",
    )
    command.add_argument(
        "--serve-port", type=_port, default=SERVE_PORT, metavar="PORT", help=f"for --serve (default {SERVE_PORT})"
    )
    command.add_argument("--minutes", type=_minutes, default=15.0, help="for --serve (default 15)")
    command.set_defaults(command=_bootstrap)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError("a number from 1 to 65535 expected")
    return int(text)


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes <= 120:
        raise argparse.ArgumentTypeError("a number of minutes up to 120 expected")
    return minutes


def _bootstrap(options: argparse.Namespace) -> int:
    from drova_gate.onboard.machine import Machine, Starter  # noqa: PLC0415 - see guard.py
    from drova_gate.onboard.own_key import keep_own_key  # noqa: PLC0415 - cryptography takes a tenth of a second
    from drova_gate.onboard.script import FILE_NAME, ForPc, as_file, script_text  # noqa: PLC0415 - see guard.py

    if options.qr and (options.print or options.out):
        complain("--qr: draws the command of --serve; leave --print and --out away")
        return USAGE
    try:
        router = _router(options.router)
        # What was typed is looked at before anything is made.
        ForPc(router, "ssh-ed25519 AAAA", "/", options.login, options.port)
    except ValueError as error:
        complain(str(error))
        return USAGE
    key = keep_own_key(own_state_dir(Machine.look().state_dir))
    text = script_text(ForPc(router, key.line, str(key.file), options.login, options.port))
    if key.is_new:
        say(f"key file {key.file}: made; the script carries its public half", to_errors=True)
        if os.geteuid() != 0 and Machine.look().starter is not Starter.NONE:
            complain(
                f"key file {key.file}: is yours alone, and a service of this machine cannot use it; with sudo it can"
            )
    if options.print:
        _print(text)
        return 0
    if options.serve or options.qr:
        return _serve(options, router, as_file(text))
    out: Path = options.out or Path(FILE_NAME)
    begun = False
    try:
        with out.open("wb") as file:
            begun = True
            file.write(as_file(text))
    except OSError as error:
        if begun and out.is_file():
            out.unlink(missing_ok=True)  # half a script is not to be run
        complain(f"{out}: cannot be written ({error.strerror}); choose another place with --out, or use --print")
        return 1
    say(f"{out}: written; copy it to the PC and run it there once as administrator")
    print_lines([f"  powershell -ExecutionPolicy Bypass -File .\\{out.name}"])
    say("It prints the settings for the next step: drova_gate init")
    return 0


def _router(named: str | None) -> str:
    """The address of this machine that the PC sees; ValueError tells what to write."""
    from drova_gate.onboard.machine import own_addresses  # noqa: PLC0415 - see guard.py

    if named is not None:
        try:
            return str(ipaddress.ip_address(named))
        except ValueError:
            raise ValueError(f"--router: {named!r} is no address; write one like 192.168.1.1") from None
    # A router has an address outside as well: the PC is in a private network.
    found = [one for one in own_addresses() if ipaddress.ip_address(one).is_private]
    if len(found) == 1:
        return found[0]
    listed = f"this machine has {', '.join(found)}" if found else "this machine has no address in a private network"
    raise ValueError(f"--router: {listed}; name the one that the PC sees")


def _print(text: str) -> None:
    from drova_gate.onboard.script import as_file  # noqa: PLC0415 - see guard.py

    if sys.stdout.isatty():
        print_lines([text.rstrip("\n")])  # for eyes and the clipboard: without the mark and CRLF
    else:
        sys.stdout.buffer.write(as_file(text))
        sys.stdout.buffer.flush()


def _serve(options: argparse.Namespace, address: str, content: bytes) -> int:
    """Hand the script out until the time is over; Ctrl-C ends it earlier."""
    from drova_gate.onboard.qr import qr_lines  # noqa: PLC0415 - see guard.py
    from drova_gate.onboard.script import FILE_NAME, fetch_command  # noqa: PLC0415 - see guard.py
    from drova_gate.onboard.serve import handing_out  # noqa: PLC0415 - see guard.py

    def heard(whom: str) -> None:
        say(f"fetched by {whom}")

    with handing_out(content, FILE_NAME, address, options.serve_port, heard) as handing:
        command = fetch_command(handing.url, content)
        drawn = qr_lines(command) if options.qr else []
        try:
            say("On the PC, in Terminal (Admin) or PowerShell (Admin), paste this one line:")
            print_lines(["", command, "", *drawn])
            say(f"It is handed out for {options.minutes:g} min; Ctrl-C ends that earlier")
            time.sleep(options.minutes * 60)
        except KeyboardInterrupt:
            print_lines([""])
        if not handing.fetched:
            complain(
                f"--serve: nobody fetched it; can the PC reach {address}:{options.serve_port}, past this machine's firewall?"
            )
            return 1
    return 0
