"""forewarm control that asks a real NATS JetStream how much a consumer has before it: no metrics, nothing borrowed."""

import json
import shutil
import socket
import subprocess
import unittest

from control_tests import ControlTest
from server_process import PATIENCE_SECONDS, wait_for


class Nats:
    """A connection that speaks the NATS client protocol (docs.nats.io, "NATS Protocol")."""

    def __init__(self, port, login=None):
        self.connection = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
        self.lines = self.connection.makefile("rb")
        self.lines.readline()
        self.send(b"CONNECT " + json.dumps({"verbose": False} | (login or {})).encode() + b"\r\nSUB answers 1\r\n")

    def close(self):
        self.lines.close()
        self.connection.close()

    def send(self, text):
        self.connection.sendall(text)

    def publish(self, subject, body):
        """Waits for the stream's answer."""
        data = body.encode()
        self.send(f"PUB {subject} answers {len(data)}\r\n".encode() + data + b"\r\n")
        while True:
            line = self.lines.readline().decode()
            if line.startswith("MSG "):
                answer = self.lines.read(int(line.split()[-1]) + 2)
                return json.loads(answer)

    def ask(self, api, body):
        answer = self.publish("$JS.API." + api, json.dumps(body))
        if "error" in answer:
            raise AssertionError(f"{api}: {answer['error']}")
        return answer


class SourceTest(ControlTest):
    def test_what_waits_in_a_stream_is_staffed_and_stays_there(self):
        program = shutil.which("nats-server")
        self.assertIsNotNone(program, "the Debian package nats-server is missing: apt-get install nats-server")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        process = subprocess.Popen([program, "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", self.folder / "js"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait, PATIENCE_SECONDS)
        self.addCleanup(process.terminate)

        def connected():
            try:
                return Nats(port)
            except OSError:
                return None

        nats = wait_for(connected, "the broker is there")
        self.addCleanup(nats.close)
        nats.ask("STREAM.CREATE.ORDERS", {"name": "ORDERS", "subjects": ["orders"], "retention": "workqueue"})
        nats.ask("CONSUMER.DURABLE.CREATE.ORDERS.worker", {
            "stream_name": "ORDERS", "config": {"durable_name": "worker", "ack_policy": "explicit", "filter_subject": "orders"}})
        hook = self.webhook()
        path = self.write_config()
        lines = [line for line in path.read_text().splitlines() if not line.startswith("metrics.")]
        at = lines.index('queue = "orders"') + 1
        lines[at:at] = ['metrics.kind = "source"', f'metrics.url = "nats://127.0.0.1:{port}/ORDERS/worker"']
        control = self.control("--apply")
        path.write_text("\n".join(lines) + "\n")
        control.start()
        wait_for(lambda: control.metric("forewarm_control_messages", 'state="waiting"') == 0, "the engine is read")
        for n in range(200):
            nats.publish("orders", f"order {n}")
        wait_for(lambda: hook.instances == 30, "what waits is staffed")
        info = nats.ask("CONSUMER.INFO.ORDERS.worker", {})
        self.assertEqual((info["num_pending"], info["num_ack_pending"]), (200, 0), "nothing is borrowed")
        process.kill()
        wait_for(lambda: control.metric("forewarm_control_silent") == 1, "silence is noticed")
        self.assertEqual(hook.instances, 30)


if __name__ == "__main__":
    unittest.main()
