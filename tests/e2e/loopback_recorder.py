"""A server on loopback that keeps each request and answers as a test says; and what a source finds its credentials in."""

import http.server
import os
import threading
from urllib.parse import urlsplit


class Recorder:
    """`answer(request)` gives (status, text) or (status, text, headers); a request is a dictionary."""

    def __init__(self, answer):
        self.requests = []
        self.grown = threading.Condition()
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                url = urlsplit(self.path)
                request = {"method": self.command, "path": url.path, "query": url.query, "body": body,
                           "headers": {name.lower(): value for name, value in self.headers.items()},
                           "peer": self.client_address[1]}
                with recorder.grown:
                    recorder.requests.append(request)
                    recorder.grown.notify_all()
                status, text, *headers = answer(request)
                self.send_response(status)
                # A Content-Length of the test's own is the only one.
                for name, value in ({"Content-Length": str(len(text.encode()))} | (headers[0] if headers else {})).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = do_PUT = handle_any

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # a client that goes away is not its business

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        self.url = "http://" + self.address
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def wait(self, found, seconds=60):
        with self.grown:
            value = self.grown.wait_for(lambda: found(self.requests), seconds)
        if not value:
            raise AssertionError(f"it was not asked; last: {self.requests[-3:]}")
        return value

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def bare_environment(**more):
    """Nothing of this machine's that would lead to credentials, but what is given."""
    leading = ("AWS_", "AZURE_", "IDENTITY_", "GOOGLE_", "GCE_", "CLOUDSDK_", "PUBSUB_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(leading)}
    return kept | {"HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "eu-west-1"} | more


def with_keys(**more):
    return bare_environment(AWS_ACCESS_KEY_ID="AKIDTEST", AWS_SECRET_ACCESS_KEY="test/secret", **more)
