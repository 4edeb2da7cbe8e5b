"""The six failures that every system must be survived through, as a link between forewarm and a server that is whole: by
HTTP (FaultyLink), or of any other bytes (TcpLink)."""

import contextlib
import http.client
import http.server
import socket
import threading
import time
from urllib.parse import urlsplit

FAULTS = ("throttled", "server_error", "timeout", "malformed", "half_open", "expired")
WORDS = {"throttled": (429, "slow down", {}), "server_error": (500, "boom", {}), "expired": (401, "the token has expired", {})}


class FaultyLink:
    """An HTTP server that hands requests on to `url` and, while `fault` is set, fails them.

    - throttled, server_error, expired: `words[fault]` is the answer, (status, body, headers); nothing is handed on.
    - timeout: the request is handed on and done; its answer never comes.
    - malformed: the request is handed on and done; the answer breaks off in its middle, in an orderly frame.
    - half_open: nothing is handed on or answered; connections that were there and new ones stay open.

    `meets(request)` says which requests a fault meets, all by default; a request is {"method", "path", "headers", "body", "at"}.
    `met` are those that it met. With `fail(fault, times)` it is over after so many. Words of another name are one fault more.
    `context` and `upstream` are the TLS of either side.
    """

    def __init__(self, url, words=None, context=None, upstream=None):
        self.fault = None
        self.words = WORDS | (words or {})
        self.meets = lambda request: True
        self.met = []
        self.left = None
        self.grown = threading.Condition()
        self.released = threading.Event()
        link = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                request = {"method": self.command, "path": self.path, "body": body,
                           "headers": {name.lower(): value for name, value in self.headers.items()}, "at": time.monotonic()}
                fault = link.take(request)
                answer = link.words[fault] if fault in link.words else None
                if answer is None and fault != "half_open":
                    answer = link.forward(self.command, self.path, self.headers, body)
                if fault:
                    with link.grown:
                        link.met.append(request)
                        link.grown.notify_all()
                if fault in ("timeout", "half_open"):
                    link.released.wait()
                    self.close_connection = True
                    return
                status, text, headers = answer
                text = text.encode() if isinstance(text, str) else text
                if fault == "malformed":
                    text = text[:len(text) // 2] or b"{"
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # a client that goes away is not its business

        self.upstream_at = urlsplit(url)
        self.upstream = upstream
        self.server = Server(("127.0.0.1", 0), Handler)
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def fail(self, fault, times=None):
        """From now on; `met` begins anew."""
        with self.grown:
            self.fault, self.left, self.met = fault, times, []

    def take(self, request):
        """The fault that meets it, if one does."""
        with self.grown:
            if not self.fault or self.left == 0 or not self.meets(request):
                return None
            if self.left:
                self.left -= 1
            return self.fault

    def forward(self, method, path, headers, body):
        at = self.upstream_at
        upstream = (http.client.HTTPSConnection(at.hostname, at.port, timeout=60, context=self.upstream) if self.upstream
                    else http.client.HTTPConnection(at.hostname, at.port, timeout=60))
        with contextlib.closing(upstream):
            # As it came, Host too: what is signed stays so.
            upstream.request(method, path, body or None, dict(headers.items()))
            answer = upstream.getresponse()
            hop = {"content-length", "transfer-encoding", "connection", "date", "server"}
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in hop}
            return answer.status, answer.read(), kept

    def wait_met(self, count=1, seconds=60):
        with self.grown:
            if not self.grown.wait_for(lambda: len(self.met) >= count, seconds):
                raise AssertionError(f"{self.fault} met {len(self.met)} requests of {count}")

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class TcpLink:
    """A relay to a port of this machine's that fails connections while `fault` is set. One that it has met does not recover: it is
    cut when the fault is over.

    - timeout: what the client says gets through, what it is answered does not.
    - half_open: what either says gets nowhere, and neither is told of an end.
    - malformed, and whatever else has bytes in `words`: these are said to the client, on a new connection after the server's
      first ones, and then nothing; what the client says gets nowhere.

    `met` are the connections that a fault met, or that were made meanwhile; `made` is how many there ever were.
    """

    def __init__(self, port, words):
        self.port = port
        self.words = words
        self.lock = threading.Lock()
        self.grown = threading.Condition(self.lock)
        self.given = None
        self.met = []
        self.made = 0
        self.open = set()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.client_port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def fault(self):
        return self.given

    @fault.setter
    def fault(self, fault):
        with self.lock:
            self.given = fault
            for pair in list(self.open):
                if fault is None:
                    self.cut(pair)
                else:
                    self.meet(pair)

    def meet(self, pair):
        if pair.fault == self.given:
            return
        pair.fault = self.given
        self.met.append(pair)
        self.grown.notify_all()
        if pair.heard and pair.fault in self.words:
            self.say(pair)

    @staticmethod
    def say(pair):
        with contextlib.suppress(OSError):
            pair.client.sendall(pair.words[pair.fault])

    def cut(self, pair):
        if pair.fault is not None:
            pair.close()

    def accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            try:
                upstream = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                client.close()
                continue
            pair = TcpPair(client, upstream, self.words)
            with self.lock:
                self.made += 1
                self.open.add(pair)
                if self.given is not None:
                    self.meet(pair)
            for source, sink in ((client, upstream), (upstream, client)):
                threading.Thread(target=self.pump, args=(pair, source, sink), daemon=True).start()

    def pump(self, pair, source, sink):
        while True:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            with self.lock:
                if not data and pair.fault == "half_open":
                    return
                if not data:
                    self.open.discard(pair)
                    pair.close()
                    return
                if source is pair.upstream:
                    first, pair.heard = not pair.heard, True
                    through = pair.fault is None or (first and pair.fault in self.words)
                else:
                    first, through = False, pair.fault in (None, "timeout")
                # Under the lock, so that nothing comes between a server's bytes and the words that follow them.
                if through:
                    with contextlib.suppress(OSError):
                        sink.sendall(data)
                if first and pair.fault in self.words:
                    self.say(pair)

    def wait_met(self, count=1, seconds=60):
        with self.grown:
            if not self.grown.wait_for(lambda: len(self.met) >= count, seconds):
                raise AssertionError(f"{self.given} met {len(self.met)} connections of {count}")

    def close(self):
        with self.lock:
            self.server.shutdown(socket.SHUT_RDWR)
            self.server.close()
            for pair in self.open:
                pair.close()


class TcpPair:
    """A connection's two ends."""

    def __init__(self, client, upstream, words):
        self.client = client
        self.upstream = upstream
        self.words = words
        self.fault = None
        self.heard = False  # whether the server has said anything

    def close(self):
        for end in (self.client, self.upstream):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
