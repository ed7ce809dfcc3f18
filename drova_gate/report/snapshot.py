"""One station's status as plain JSON values: what it does, why, what protects it, and how old each fact is."""

from typing import Any

from drova_gate.addresses import masked
from drova_gate.cloud.catalog import Catalogue
from drova_gate.cloud.models import DESKTOP_PRODUCT, Session
from drova_gate.config import StationConfig
from drova_gate.controller import Controller
from drova_gate.core.maintenance import described
from drova_gate.core.model import Facts
from drova_gate.core.readings import over
from drova_gate.relay.figures import RelayFigures, Spell
from drova_gate.relay.listener import RelayListener
from drova_gate.report.past import Past
from drova_gate.vocabulary import OVER

__all__ = ["station_snapshot"]


def station_snapshot(
    config: StationConfig,
    controller: Controller,
    listener: RelayListener | None,
    past: Past,
    *,
    now: float,
    addresses: bool,
) -> dict[str, Any]:
    """Put together what is known without reading anything; ``now`` is ``time.monotonic()``, ages are seconds."""
    observer = controller.observer
    facts = observer.known(controller.record)
    return {
        "name": config.name,
        "host": config.host,
        "mode": "poll" if listener is None else "socket",
        "phase": controller.phase.value,
        "reason": controller.reason,
        "since": past.phase_since,
        "maintenance": _maintenance(facts),
        "session": _session(controller, addresses=addresses),
        "protection": _protection(config, facts),
        "hidden_by_us": controller.record.hidden_by_us,
        "last_reset": _last_reset(past),
        "last_alarm": {"at": past.last_alarm_at, "text": past.last_alarm} if past.last_alarm else None,
        "relay": None if listener is None else _relay(listener, addresses=addresses),
        "faults": {"cloud": facts.cloud_fault, "station": facts.host_fault},
        "ages": {
            "cycle": _age(controller.last_cycle_at, now),
            "cloud": _age(observer.answered_at, now),
            "station": _age(facts.host.read_at if facts.host is not None else None, now),
            "link": _age(observer.link.linked_at if observer.link.up else None, now),
        },
    }


def _session(controller: Controller, *, addresses: bool) -> dict[str, Any] | None:
    """The guarded session, else the newest that goes on."""
    sessions, guarded = controller.observer.sessions, controller.record.session
    found = next((one for one in sessions if one.uuid == guarded), None)
    if found is None and guarded is None:
        found = next((one for one in sessions if one.status not in OVER), None)
    if found is None:
        return None if guarded is None else {"uuid": str(guarded), "prepared": controller.record.prepared}
    return {
        "uuid": str(found.uuid),
        "status": found.status,
        "product": str(found.product_id),
        "game": _game(found, controller.observer.access.catalogue),
        "since": found.created_on / 1000,
        "address": found.creator_ip if addresses else masked(found.creator_ip),
        "billing": found.billing_type,
        "prepared": found.uuid == guarded and controller.record.prepared,
        "guarded": found.uuid == guarded,
    }


def _game(session: Session, catalogue: Catalogue | None) -> str | None:
    if session.product_id == DESKTOP_PRODUCT:
        return "desktop"
    return catalogue.title(session.product_id) if catalogue is not None else None


def _maintenance(facts: Facts) -> dict[str, Any] | None:
    lease = facts.maintenance
    if lease is None:
        return None
    return {
        "text": described(lease),
        "why": lease.why,
        "by": lease.by or None,
        "since": lease.since_wall or None,
        "until": lease.until_wall,
        "hides": lease.hides,
        "over": over(facts),
    }


def _protection(config: StationConfig, facts: Facts) -> dict[str, Any]:
    host = facts.host
    return {
        "protector": config.protector,
        "shadowed": None if host is None or host.shadowed is None else "".join(sorted(host.shadowed)),
        "wanted": None if config.drives is None else "".join(sorted(config.drives)),
        "marker": None if host is None or host.marker is None else bool(host.marker),
        "marked": "".join(sorted(host.marked or ())) if host is not None else "",
        "bared": "".join(sorted(facts.record.bared)),
        "fault": host.protector_fault if host is not None else "",
    }


def _last_reset(past: Past) -> dict[str, Any] | None:
    last = past.last_reset
    return None if last is None else {"at": last.sent_at, "seconds": last.seconds, "proved": last.proved_at is not None}


def _relay(listener: RelayListener, *, addresses: bool) -> dict[str, Any]:
    figures = listener.figures()
    return {
        "connections_now": figures.connections_now,
        "connections_ever": figures.connections_ever,
        "held_now": figures.held_now,
        "bytes_to_clients": figures.bytes_to_clients,
        "bytes_to_station": figures.bytes_to_station,
        "to_ready": _spell(figures.to_ready),
        "held": _spell(figures.held),
        "refusals": {str(reason): count for reason, count in figures.refusals.items()},
        "line": _line(figures),
        "clients": [
            {
                "client": one.client if addresses else masked(one.client.rpartition(":")[0].strip("[]")),
                "seconds": round(one.seconds, 1),
                "bytes_to_client": one.bytes_to_client,
                "held": one.held,
            }
            for one in listener.connections()[:20]
        ],
    }


def _line(figures: RelayFigures) -> str | None:
    return None if figures.line is None else str(figures.line)


def _spell(spell: Spell) -> dict[str, Any]:
    return {"count": spell.count, "last": spell.last, "longest": spell.longest}


def _age(at: float | None, now: float) -> float | None:
    return None if at is None else round(max(0.0, now - at), 1)
