"""netsh.exe: advfirewall rules and groups, one command a call or many from a script file."""

from dataclasses import replace

from drova_gate.sim.windows import addresses
from drova_gate.sim.windows.firewall import Rule
from drova_gate.sim.windows.firewall_registry import mirror
from drova_gate.sim.windows.program import Call, split_line
from drova_gate.sim.windows.programs.paths import absolute

__all__ = ["netsh"]

_PORT_PROTOCOLS = frozenset({"tcp", "udp", "6", "17"})
_PROTOCOLS = _PORT_PROTOCOLS | {"any", "icmpv4", "icmpv6", "1", "58"}
_PROFILES = frozenset({"any", "public", "private", "domain"})
_PORT_KEYWORDS = frozenset({"any", "rpc", "rpc-epmap", "iphttps"})
_ADD_WORDS = frozenset(
    {
        *("name", "dir", "action", "protocol", "localport", "remoteport", "localip", "remoteip", "profile", "enable"),
        *("program", "service", "description", "interfacetype", "edge", "security"),
    }
)
_SELECT_WORDS = frozenset(
    {"name", "dir", "profile", "program", "service", "localip", "remoteip", "localport", "remoteport", "protocol"}
)


async def netsh(call: Call) -> int:
    """0, or 1 when a command failed; a script goes on past a failed line."""
    words = call.arguments
    code = _script(call, words[1:]) if words and words[0].lower() in ("-f", "/f") else _command(call, words)
    mirror(call.machine)
    return code


def _script(call: Call, words: list[str]) -> int:
    path = absolute(call, words[0]) if words else ""
    files = call.machine.files
    if not words or not files.exists(path) or files.is_dir(path):
        call.say(
            call.text(f"The system cannot find the file specified: {path}", f"Не удается найти указанный файл: {path}")
        )
        return 1
    # netsh reads a script in the console's code page, or as UTF-16 with a byte order mark.
    content = files.read(path)
    text = content.decode("utf-16") if content[:2] == b"\xff\xfe" else content.decode(call.encoding, "replace")
    failed = 0
    for line in text.splitlines():
        bare = line.strip()
        if bare and not bare.startswith("#"):
            # Real netsh's exit code after a script is not documented: do not build on it, read the rules back.
            failed |= _command(call, split_line("netsh " + bare)[1:])
    return failed


def _command(call: Call, words: list[str]) -> int:
    head = [word.lower() for word in words[:4]]
    if head[:2] != ["advfirewall", "firewall"] or len(head) < 4 or head[3] != "rule":
        return _unknown(call, words)
    options = _pairs(words[4:])
    if options is None:
        return _unknown(call, words)
    if head[2] == "add":
        return _add(call, options)
    if head[2] == "delete":
        return _delete(call, options)
    if head[2] == "set":
        return _set(call, words[4:])
    if head[2] == "show":
        return _show(call, options)
    return _unknown(call, words)


def _pairs(words: list[str]) -> dict[str, str] | None:
    """``name=value`` words; the first word may stand for the name alone, as netsh allows."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            if word.lower() in ("new", "verbose"):
                continue
            return None
        found[name.lower()] = value
    return found


def _fine(call: Call) -> int:
    call.say(call.text("Ok.", "ОК."))
    call.say()
    return 0


def _wrong(call: Call) -> int:
    call.say()
    call.say(call.text("A specified value is not valid.", "Указано недопустимое значение."))
    call.say()
    return 1


def _unknown(call: Call, words: list[str]) -> int:
    line = " ".join(words)
    call.say(call.text(f"The following command was not found: {line}.", f"Не найдена следующая команда: {line}."))
    return 1


def _no_match(call: Call) -> int:
    call.say()
    call.say(
        call.text("No rules match the specified criteria.", "Ни одно правило не соответствует указанным критериям.")
    )
    call.say()
    return 1


def _add(call: Call, options: dict[str, str]) -> int:
    needed = {"name", "dir", "action"} - options.keys()
    if needed or options.keys() - _ADD_WORDS or options["dir"].lower() not in ("in", "out"):
        return _wrong(call)
    if options["action"].lower() not in ("allow", "block", "bypass"):
        return _wrong(call)
    protocol = options.get("protocol", "any").lower()
    if ("localport" in options or "remoteport" in options) and protocol not in _PORT_PROTOCOLS:
        return _wrong(call)
    if protocol not in _PROTOCOLS or not _fits(options):
        return _wrong(call)
    call.machine.firewall.add(
        Rule(
            options["name"],
            options["dir"].lower(),
            options["action"].lower(),
            protocol,
            options.get("localport", "any"),
            options.get("remoteport", "any"),
            options.get("localip", "any"),
            options.get("remoteip", "any"),
            options.get("profile", "any").lower(),
            options.get("enable", "yes").lower() != "no",
            options.get("program", ""),
        )
    )
    return _fine(call)


def _fits(options: dict[str, str]) -> bool:
    """Whether ports, addresses, profile and switch are written as netsh takes them."""
    ports = [options[name] for name in ("localport", "remoteport") if name in options]
    places = [options[name] for name in ("localip", "remoteip") if name in options]
    return (
        all(_is_port(word) for text in ports for word in text.split(","))
        and all(addresses.parse(text) is not None for text in places)
        and set(options.get("profile", "any").lower().split(",")) <= _PROFILES
        and options.get("enable", "yes").lower() in ("yes", "no")
    )


def _is_port(word: str) -> bool:
    if word.lower() in _PORT_KEYWORDS:
        return True
    numbers = word.split("-")
    if len(numbers) > 2 or not all(number.isascii() and number.isdigit() for number in numbers):
        return False
    low, high = int(numbers[0]), int(numbers[-1])
    return low <= high <= 65535


def _delete(call: Call, options: dict[str, str]) -> int:
    if "name" not in options or options.keys() - _SELECT_WORDS:
        return _wrong(call)
    rules = _selected(call, options)
    if not rules:
        return _no_match(call)
    call.machine.firewall.delete(rules)
    call.say()
    call.say(call.text(f"Deleted {len(rules)} rule(s).", f"Удалено правил: {len(rules)}."))
    return _fine(call)


def _selected(call: Call, options: dict[str, str]) -> list[Rule]:
    wanted = options.get("dir", "").lower()
    return [rule for rule in call.machine.firewall.named(options["name"]) if wanted in ("", rule.direction)]


def _set(call: Call, words: list[str]) -> int:
    """``set rule group="..." new enable=no``: the group by its localised name or by its resource id."""
    lowered = [word.lower() for word in words]
    if "new" not in lowered:
        return _wrong(call)
    cut = lowered.index("new")
    select, new = _pairs(words[:cut]) or {}, _pairs(words[cut + 1 :]) or {}
    enabled = new.get("enable", "").lower()
    firewall = call.machine.firewall
    if "group" in select:
        if enabled not in ("yes", "no"):
            return _wrong(call)
        wanted = select["group"].lower()
        groups = [
            group
            for group in firewall.groups
            if wanted in (group.resource.lower(), call.text(group.english, group.russian).lower())
        ]
        for group in groups:
            firewall.set_group(replace(group, enabled=enabled == "yes"))
        return _updated(call, sum(group.rules for group in groups))
    if "name" not in select:
        return _wrong(call)
    rules = _selected(call, select)
    for rule in rules:
        firewall.replace(rule, replace(rule, enabled=enabled != "no"))
    return _updated(call, len(rules))


def _updated(call: Call, count: int) -> int:
    if not count:
        return _no_match(call)
    call.say()
    call.say(call.text(f"Updated {count} rule(s).", f"Обновлено правил: {count}."))
    return _fine(call)


def _show(call: Call, options: dict[str, str]) -> int:
    if "name" not in options:
        return _wrong(call)
    rules = _selected(call, options)
    if not rules:
        return _no_match(call)
    for rule in rules:
        _print(call, rule)
    return _fine(call)


def _print(call: Call, rule: Rule) -> None:
    yes, no = call.text("Yes", "Да"), call.text("No", "Нет")
    anything = call.text("Any", "Любой")
    profiles = call.text("Domain,Private,Public", "Домен,Частный,Общий")
    ports = (
        (("LocalPort:", "Локальный порт:", rule.local_port), ("RemotePort:", "Удаленный порт:", rule.remote_port))
        if rule.protocol in _PORT_PROTOCOLS
        else ()
    )
    rows = (
        ("Enabled:", "Включено:", yes if rule.enabled else no),
        (
            "Direction:",
            "Направление:",
            call.text("Out", "Исходящее") if rule.direction == "out" else call.text("In", "Входящее"),
        ),
        ("Profiles:", "Профили:", profiles if rule.profile == "any" else rule.profile),
        ("Grouping:", "Группировка:", ""),
        ("LocalIP:", "Локальный IP-адрес:", addresses.shown(rule.local_address)),
        ("RemoteIP:", "Удаленный IP-адрес:", addresses.shown(rule.remote_address)),
        ("Protocol:", "Протокол:", rule.protocol.upper() if rule.protocol != "any" else "any"),
        *ports,
        ("Edge traversal:", "Обход узлов:", no),
        (
            "Action:",
            "Действие:",
            call.text("Block", "Блокировать") if rule.action == "block" else call.text("Allow", "Разрешить"),
        ),
    )
    call.say()
    call.say(f"{call.text('Rule Name:', 'Имя правила:'):<38}{rule.name}")
    call.say("-" * 70)
    for english, russian, value in rows:
        call.say(f"{call.text(english, russian):<38}{anything if value == 'any' else value}")
