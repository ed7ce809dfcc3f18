"""What the mount manager keeps about drive letters, those of disks long gone included."""

import hashlib
from typing import TYPE_CHECKING

from drova_gate.sim.windows.registry import Value

if TYPE_CHECKING:
    from drova_gate.sim.windows.machine import Machine

__all__ = ["mounted_devices"]

_KEY = r"HKLM\SYSTEM\MountedDevices"
_STICK = r"_??_USBSTOR#Disk&Ven_Simulated&Prod_Stick#0001&0#{53f56307-b6bf-11d0-94f2-00a0c91efb8b}"


def mounted_devices(machine: "Machine") -> None:
    """C is a GPT partition, the others have an MBR; a stick and a sold disk left their letters behind."""
    letters = machine.files.letters()
    for letter in letters:
        chance = hashlib.sha256(letter.encode()).digest()
        place = b"DMIO:ID:" + chance[:16] if letter == "C" else chance[:4] + (1_048_576).to_bytes(8, "little")
        machine.registry.set(_KEY, rf"\DosDevices\{letter}:", Value("REG_BINARY", place))
    for letter, place in (("U", _STICK.encode("utf-16-le")), ("V", bytes(range(12)))):
        if letter not in letters:
            machine.registry.set(_KEY, rf"\DosDevices\{letter}:", Value("REG_BINARY", place))
