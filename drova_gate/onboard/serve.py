"""Hands the script to the PC over HTTP: one file under a path that cannot be guessed, for some minutes, then the port is closed."""

import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

from drova_gate.errors import PortNotOpened

__all__ = ["Handing", "handing_out"]

REQUEST_SECONDS = 5
"""For one request: it comes from the same network."""
AT_ONCE = 8
"""Requests; whoever comes beyond that is hung up on."""


class Handing:
    """A server that hands one file out."""

    def __init__(self, server: "_Server", url: str) -> None:
        self._server, self.url = server, url

    @property
    def fetched(self) -> int:
        """How often the file was fetched whole."""
        return self._server.fetched


@contextmanager
def handing_out(content: bytes, name: str, address: str, port: int, heard: Callable[[str], None]) -> Iterator[Handing]:
    """Serve ``content`` meanwhile; ``heard`` gets the address of whoever fetched it. ``PortNotOpened`` if the port is taken."""
    path = f"/{secrets.token_urlsafe(9)}/{name}"
    try:
        server = _Server(address, port, path, content, heard)
    except OSError as error:
        raise PortNotOpened(
            f"--serve {address}:{port}",
            f"cannot be opened ({error.strerror})",
            "choose another --serve-port, or an address of this machine with --router",
        ) from error
    shown = f"[{address}]" if ":" in address else address
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="hands out the script")
    thread.start()
    try:
        yield Handing(server, f"http://{shown}:{server.server_port}{path}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: str, port: int, path: str, content: bytes, heard: Callable[[str], None]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.path, self.content, self.heard, self.fetched = path, content, heard, 0
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        super().__init__((address, port), _Request)

    def server_bind(self) -> None:
        """Without the base class' question for this machine's name: a router whose DNS is silent kept the owner waiting for it."""
        TCPServer.server_bind(self)
        host, self.server_port = self.server_address[:2]
        self.server_name = str(host)

    def process_request(self, request: "socket.socket | tuple[bytes, socket.socket]", client_address: object) -> None:
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(
        self, request: "socket.socket | tuple[bytes, socket.socket]", client_address: object
    ) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Somebody hung up in the middle: not worth a trace on the owner's screen."""


class _Request(BaseHTTPRequestHandler):
    server: _Server
    timeout = REQUEST_SECONDS
    server_version = "drova_gate"
    sys_version = ""

    def do_GET(self) -> None:
        if not secrets.compare_digest(self.path.encode(), self.server.path.encode()):
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)
        self.server.fetched += 1
        self.server.heard(self.client_address[0])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class' own name
        """Nothing: ``heard`` tells what matters."""
