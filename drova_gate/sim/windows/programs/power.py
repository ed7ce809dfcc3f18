"""powercfg.exe: the sleep settings of the active power scheme."""

from dataclasses import dataclass

from drova_gate.sim.windows.program import Call

__all__ = ["Power", "powercfg"]


@dataclass(slots=True)
class Power:
    """Seconds of idleness after which the PC goes to sleep; 0: never."""

    sleep: int = 0
    hibernate: int = 0


_SETTINGS = (
    ("29f6c1db-86da-48c5-9fdb-f2b67b1f44da", "STANDBYIDLE", "Sleep after", "Сон после", "sleep"),
    ("9d7815a6-7ee4-497e-8888-515a05f02364", "HIBERNATEIDLE", "Hibernate after", "Гибернация после", "hibernate"),
)


async def powercfg(call: Call) -> int:
    """``/query SCHEME_CURRENT SUB_SLEEP``: words are localised, GUIDs, aliases and numbers are not."""
    if [word.lower() for word in call.arguments] != ["/query", "scheme_current", "sub_sleep"]:
        call.complain(call.text('Invalid Parameters -- try "/?" for help', "Недопустимые параметры"))
        return 1
    alias = call.text("GUID Alias", "Псевдоним GUID")
    scheme, balanced = call.text("Power Scheme GUID", "GUID схемы питания"), call.text("Balanced", "Сбалансированная")
    call.say(f"{scheme}: 381b4222-f694-41f0-9685-ff5bb260df2e  ({balanced})")
    call.say(f"  {alias}: SCHEME_BALANCED")
    subgroup, sleep = call.text("Subgroup GUID", "GUID подгруппы"), call.text("Sleep", "Сон")
    call.say(f"  {subgroup}: 238c9fa8-0aad-41ed-83f4-97be242c8f20  ({sleep})")
    call.say(f"    {alias}: SUB_SLEEP")
    for guid, name, english, russian, field in _SETTINGS:
        call.say(
            f"    {call.text('Power Setting GUID', 'GUID настройки питания')}: {guid}  ({call.text(english, russian)})"
        )
        call.say(f"      {alias}: {name}")
        for words in (
            ("Minimum Possible Setting: 0x00000000", "Минимальное возможное значение: 0x00000000"),
            ("Maximum Possible Setting: 0xffffffff", "Максимальное возможное значение: 0xffffffff"),
            ("Possible Settings increment: 0x00000001", "Шаг возможных значений: 0x00000001"),
            ("Possible Settings units: Seconds", "Единицы возможных значений: Секунды"),
        ):
            call.say(f"      {call.text(*words)}")
        plugged, battery = (
            call.text("Current AC Power Setting Index", "Текущий индекс настройки питания от сети"),
            call.text("Current DC Power Setting Index", "Текущий индекс настройки питания от батарей"),
        )
        call.say(f"    {plugged}: 0x{getattr(call.machine.power, field):08x}")
        call.say(f"    {battery}: 0x00000384")
        call.say()
    return 0
