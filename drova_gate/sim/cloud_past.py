"""A past for the simulated cloud: stations with games, and sessions of players who come back, try for nothing, and complain.

The same seed gives the same past, counted back from the world's now.
"""

import ipaddress
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from drova_gate.sim.cloud_ledger import Deal
from drova_gate.sim.cloud_world import (
    CYBERPUNK_COPY,
    DESKTOP,
    PRODUCTS,
    Hardware,
    Server,
    Session,
    StationProduct,
    World,
)

__all__ = ["NETWORKS", "ODD_NAMES", "add_games", "add_past", "add_stations"]

NETWORKS = ("198.18.0.0/15", "2001:db8:18::/48")
"""Where players come from: addresses that are nobody's."""

ODD_NAMES = (
    '<b>VIP</b> "Люкс" & Co',
    "🎮 Геймер №3 🔥",
    "=1+1",
    "');alert(1)//",
    "Ёлка \u200bс пробелом",
    "漢字の駅",
    "👨\u200d👩\u200d👧 Семейная",
    "pc;1,\t2 | три",
)
"""Names that a table, a page and a spreadsheet must survive."""

_ODD_TEXTS = (
    '=HYPERLINK("http://example.org";"click")',
    "<script>alert('плохо')</script>",
    'лаги, "фризы";\nи ещё 😡',
    "-1",
)

_MINUTE_MS, _HOUR_MS = 60_000, 3_600_000
_CITIES = ("Москва", "Санкт-Петербург", "Казань", "Новосибирск", "Екатеринбург")
_CARDS = (("RTX 3060", 12), ("RTX 4070", 12), ("RTX 4090", 24), ("RTX 5080", 16))
_ABORTS = ("aborted by client", "Client has not connected", "Game process has not started")
_PRAISE = ("", "Всё отлично!", "супер 👍", "Спасибо, приду ещё", "ok")
_COMPLAINTS = {
    1: ("игра не запустилась", "Чёрный экран вместо игры"),
    2: ("лагает", "фризы и задержка 200 мс"),
    3: ("звука нет", "отвалилась мышь"),
    4: ("ждал обновление 40 минут", "Обновление Steam на весь вечер"),
}
"""By ``score_reason``; 0 is no complaint."""

_ABORTED, _ABUSED, _TRIED, _SCORED, _UNHAPPY, _AS_TEXT = 0.06, 0.02, 0.06, 0.12, 0.3, 0.1
"""Shares of sessions that came to nothing, of trials by one person under many names, of first trials; of scored ones; of those the bad
ones, and those whose score is a string."""
_VISITS = 7
"""Sessions of a player on the average."""
_DESKTOP_SHARE = 0.25
"""Of sessions; the others are games."""


@dataclass(slots=True)
class _Player:
    client_id: str
    address: str
    games: list[str]
    billing_type: str = "prepaid"
    played_ms: int = 0


@dataclass(slots=True)
class _Crowd:
    """Who plays on the stations."""

    chance: random.Random
    networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network]
    games: list[str]
    regulars: list[_Player] = field(default_factory=list)
    abusers: list[tuple[str, list[str]]] = field(default_factory=list)
    """An address and the many clients behind it."""

    def gather(self, visits: int) -> None:
        """As many as so many visits need; the first come most often."""
        self.regulars = [self.player() for _ in range(max(3, visits // _VISITS))]
        self.abusers = [
            (self.address(), [_id(self.chance) for _ in range(self.chance.randint(3, 6))])
            for _ in range(max(1, visits // 400))
        ]

    def player(self) -> _Player:
        chance = self.chance
        # The beginning of the list is what most people play.
        games = [self.games[int(len(self.games) * chance.random() ** 3)] for _ in range(chance.randint(1, 4))]
        billing_type = "subscription" if chance.random() < 0.2 else "prepaid"
        return _Player(_id(chance), self.address(), games, billing_type)

    def address(self) -> str:
        network = self.networks[0] if self.chance.random() < 0.95 else self.chance.choice(self.networks)
        return str(network[self.chance.randrange(1, min(network.num_addresses, 1 << 20) - 1)])

    def regular(self) -> _Player:
        return self.regulars[int(len(self.regulars) * self.chance.random() ** 2)]


def _id(chance: random.Random) -> str:
    """A version 4 uuid, cheaper than the library's."""
    text = f"{chance.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def add_stations(
    world: World, owner: str, count: int, *, odd_names: bool = False, all_well: bool = False, seed: int = 7985
) -> list[Server]:
    """Make stations of one owner that the cloud alone knows; unless all are well, some are off, hidden or never started."""
    chance = random.Random(f"stations {seed}")
    made = []
    now = world.now_ms()
    for number in range(1, count + 1):
        (card, memory), city = chance.choice(_CARDS), chance.choice(_CITIES)
        name = f"{city} {card} #{number:02}" if number % 3 else f"PC-{number:02}"
        if odd_names and number <= len(ODD_NAMES):
            name = ODD_NAMES[number - 1]
        server = Server(
            _id(chance),
            name,
            owner,
            created_on=now - 400 * 24 * _HOUR_MS + number * _HOUR_MS,
            published=all_well or number % 9 != 8,
            online=all_well or number % 7 != 6,
            started=all_well or number % 23 != 22,
            allow_desktop=number % 5 != 4,
            disable_updates=number % 6 == 5,
            description=f"<p>Станция {number}: <b>{card}</b>, {city}</p>",
            city=city,
            groups=("Free trial volunteers",) if number % 10 == 3 else (),
            hardware=Hardware(graphics=(("NVIDIA", f"NVIDIA GeForce {card}", memory << 30),)),
            products={DESKTOP: StationProduct()},
        )
        world.servers[server.uuid] = server
        made.append(server)
    add_games(world, made, seed=seed)
    return made


def add_games(world: World, servers: Sequence[Server], *, count: int = 30, seed: int = 7985) -> None:
    """Put games of the catalogue on stations: half of the well-known ones, a few of them disabled, here and there a copy."""
    chance = random.Random(f"games {seed}")
    # Not those that sessions are played with, by their made-up names.
    apart = {product.uuid for product in PRODUCTS} | {CYBERPUNK_COPY}
    known = [product for product in world.products if product not in apart]
    for number, server in enumerate(servers):
        server.products.setdefault(DESKTOP, StationProduct())
        if number % 4 == 1 and CYBERPUNK_COPY in world.products:
            server.products.setdefault(CYBERPUNK_COPY, StationProduct())
        for product in known[: 2 * count]:
            if chance.random() < 0.5:
                server.products.setdefault(product, StationProduct(enabled=chance.random() < 0.85))


def add_past(
    world: World,
    servers: Sequence[Server],
    sessions: int,
    *,
    playing: float = 0.0,
    odd_texts: bool = False,
    networks: Sequence[str] = NETWORKS,
    seed: int = 7985,
) -> None:
    """Give each station that was ever started so many ended sessions, one after the other up to now, and their owners the sales that paid for them.

    ``playing`` is the share of online stations with a session that goes on, ``networks`` where players' addresses are from.
    """
    chance = random.Random(f"past {seed}")
    # In the order of the catalogue: the well-known games are what is played.
    common = [
        product
        for product in world.products
        if product != DESKTOP and any(product in server.products for server in servers)
    ]
    crowd = _Crowd(chance, [ipaddress.ip_network(one) for one in networks], common or [DESKTOP])
    crowd.gather(sessions * len(servers))
    for server in servers:
        if not server.started:
            continue
        moment = world.now_ms() - chance.randint(5, 90) * _MINUTE_MS
        server.last_heartbeat = moment + _MINUTE_MS
        enabled = [product for product, entry in server.products.items() if entry.enabled]
        past = []
        for _ in range(sessions):
            session = _session(crowd, server, enabled, moment, odd_texts=odd_texts)
            past.append(session)
            moment = session.created_on - int(chance.expovariate(1 / 40) * _MINUTE_MS) - _MINUTE_MS
        for session in reversed(past):
            world.add_session(session)
        if server.online and chance.random() < playing:
            _running(world, crowd, server, enabled)
    for owner in dict.fromkeys(server.user_id for server in servers):
        _paid(world, crowd, owner)


def _session(crowd: _Crowd, server: Server, enabled: list[str], end: int, *, odd_texts: bool) -> Session:
    """A session that ended at that moment."""
    chance = crowd.chance
    fate = chance.random()
    if fate < _ABUSED:
        address, clients = chance.choice(crowd.abusers)
        player = _Player(chance.choice(clients), address, [DESKTOP], "trial")
    elif fate < _ABUSED + _TRIED:
        player = crowd.player()
        player.billing_type = "trial"
    else:
        player = crowd.regular()
    aborted = chance.random() < _ABORTED
    if aborted:
        length = chance.randint(3, 300) * 1000
    elif player.billing_type == "trial":
        length = chance.randint(4, 15) * _MINUTE_MS
    else:
        length = int(chance.lognormvariate(4, 0.9) * _MINUTE_MS) % (12 * _HOUR_MS) + chance.randrange(_MINUTE_MS)
    session = Session(
        uuid=_id(chance),
        server=server.uuid,
        merchant_id=server.user_id,
        client_id=player.client_id,
        product=_game(chance, player, enabled),
        created_on=end - length,
        creator_ip=player.address,
        status="ABORTED" if aborted else "FINISHED",
        finished_on=end,
        billing_type=None if aborted and chance.random() < 0.5 else player.billing_type,
        abort_comment=chance.choice(_ABORTS) if aborted else None,
    )
    if not aborted and player.billing_type == "prepaid":
        player.played_ms += length
    if chance.random() < _SCORED:
        _score(chance, session, odd_texts=odd_texts)
    return session


def _game(chance: random.Random, player: _Player, enabled: list[str]) -> str:
    """What he plays: the desktop, one of his games if it is there, or another."""
    if chance.random() < _DESKTOP_SHARE:
        return DESKTOP
    wanted = chance.choice(player.games)
    return wanted if wanted in enabled else chance.choice(enabled)


def _score(chance: random.Random, session: Session, *, odd_texts: bool) -> None:
    if chance.random() < _UNHAPPY:
        session.score_reason = chance.choice(list(_COMPLAINTS))
        score, text = chance.randint(1, 3), chance.choice(_COMPLAINTS[session.score_reason])
        if odd_texts and chance.random() < 0.3:
            text = chance.choice(_ODD_TEXTS)
    else:
        session.score_reason, score, text = 0, chance.randint(4, 5), chance.choice(_PRAISE)
    session.score = str(score) if chance.random() < _AS_TEXT else score
    session.score_text = text or None


def _running(world: World, crowd: _Crowd, server: Server, enabled: list[str]) -> None:
    player = crowd.regular()
    newest = next(world.newest_first([server.uuid]), None)
    began = world.now_ms() - crowd.chance.randint(_MINUTE_MS, 40 * _MINUTE_MS)
    if newest is not None:
        began = max(began, (newest.finished_on or newest.created_on) + 1)
    world.add_session(
        Session(
            uuid=_id(crowd.chance),
            server=server.uuid,
            merchant_id=server.user_id,
            client_id=player.client_id,
            product=_game(crowd.chance, player, enabled),
            created_on=began,
            creator_ip=player.address,
            status="ACTIVE",
            billing_type=player.billing_type,
        )
    )


def _paid(world: World, crowd: _Crowd, owner: str) -> None:
    """What was played had been sold, almost; two payouts are open."""
    now = world.now_ms()
    for player in crowd.regulars:
        if minutes := player.played_ms * 97 // 100 // _MINUTE_MS:
            world.ledger.sell(owner, minutes, now - crowd.chance.randrange(30 * 24 * _HOUR_MS), player.client_id)
    world.ledger.sell(owner, 60, now)
    total = [round(crowd.chance.uniform(2_000, 9_000), 2) for _ in range(2)]
    world.ledger.deals[owner] = [
        Deal(f"{4_000_000 + number}", now - (number + 1) * 24 * _HOUR_MS, one, round(one * 0.9, 2), number)
        for number, one in enumerate(total)
    ]
