"""An Azure custom handler that does what its messages say: a word, perhaps with an argument.

Python's standard library only. Each attempt appends "PID MESSAGE" to the file that JOURNAL names. The environment
variable START is what it does before it listens.
"""

import json
import os
import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = int(os.environ["FUNCTIONS_CUSTOMHANDLER_PORT"])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        word, _, argument = json.loads(event["Data"]["myQueueItem"]).partition(" ")
        with open(os.environ["JOURNAL"], "a", encoding="utf-8") as journal:
            journal.write(f"{os.getpid()} {word} {argument}\n")
        print(f"working on {word}", flush=True)
        if word == "hang":
            time.sleep(3600)
        if word == "exit":
            os._exit(3)
        if word == "raise":  # the connection ends without an answer, the process goes on
            raise ValueError("as asked")
        if word == "half":
            self.connection.shutdown(socket.SHUT_RD)
        if word == "fail":
            return self.answer(500, b"it failed as asked")
        if word == "garbage":
            return self.answer(200, b"done")
        if word == "large":
            return self.answer(200, b'{"Logs":["' + b"x" * (int(argument) << 20) + b'"]}')
        if word == "sleep":
            time.sleep(float(argument))
        return self.answer(200, json.dumps({"Logs": [f"{word} is done"], "ReturnValue": word}).encode())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def main():
    start = os.environ.get("START", "")
    if start == "exit":
        print("no settings, no service", flush=True)
        sys.exit(4)
    if start == "silent":
        time.sleep(3600)
    if start == "other port":
        ThreadingHTTPServer(("127.0.0.1", 0), Handler).serve_forever()
    time.sleep(0.3)
    ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()


main()
