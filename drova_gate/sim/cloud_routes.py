"""Every call of the simulated cloud, by subject.

Left out: the deletion of a product, whose path nobody knows, and the start of a session, which is a player's and whose body nobody
has written down.
"""

from drova_gate.sim import cloud_games, cloud_money, cloud_public, cloud_sessions, cloud_stations

__all__ = ["ENDPOINTS"]

ENDPOINTS = (
    *cloud_sessions.ENDPOINTS,
    *cloud_stations.ENDPOINTS,
    *cloud_games.ENDPOINTS,
    *cloud_money.ENDPOINTS,
    *cloud_public.ENDPOINTS,
)
"""In the order in which paths are tried."""
