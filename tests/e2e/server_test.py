"""`forewarm serve` without any configuration: its doors, its end, and what survives it."""

import os
import pathlib
import signal
import socket
import subprocess
import threading
import time
import unittest

from server_process import Refused, ServerTest

QUEUE = "jobs"


class ServerTests(ServerTest):
    def test_it_starts_without_configuration_and_says_where_it_is(self):
        server = self.server().start()
        self.assertEqual(set(server.endpoints), {"sqs", "admin", "pid"})
        self.assertEqual(server.endpoints["pid"], server.process.pid)
        for path in ("/healthz", "/readyz"):
            self.assertEqual(server.http("GET", path)[0], 200, path)

    def test_metrics_are_there_from_the_start(self):
        server = self.server().start()
        status, text = server.http("GET", "/metrics")
        self.assertEqual(status, 200)
        series = [line for line in text.splitlines() if not line.startswith("#")]
        self.assertGreater(len(series), 10)
        foreign = [line for line in series if not line.startswith(("forewarm_", "process_"))]
        self.assertEqual(foreign, [])

    def test_a_message_is_sent_received_and_deleted(self):
        server = self.server().start()
        server.queue(QUEUE)
        server.send(QUEUE, "grüße")
        message, = server.receive(QUEUE)
        self.assertEqual(message["Body"], "grüße")
        self.assertEqual(server.counts(QUEUE), (0, 1, 0))
        server.sqs("DeleteMessage", QueueUrl=server.url(QUEUE), ReceiptHandle=message["ReceiptHandle"])
        self.assertEqual(server.counts(QUEUE), (0, 0, 0))

    def test_a_send_wakes_a_receive_that_waits(self):
        server = self.server().start()
        server.queue(QUEUE)
        found = []
        waiter = threading.Thread(target=lambda: found.extend(server.receive(QUEUE, WaitTimeSeconds=20)))
        waiter.start()
        time.sleep(0.3)  # so that it waits; were it late, the test would be weaker, never wrong
        sent_at = time.monotonic()
        server.send(QUEUE, "wake up")
        waiter.join()
        self.assertEqual([message["Body"] for message in found], ["wake up"])
        self.assertLess(time.monotonic() - sent_at, 10, "it came with the end of the wait, not with the send")

    def test_signals_end_it_in_order(self):
        for how in (signal.SIGTERM, signal.SIGINT):
            server = self.server().start()
            server.queue(QUEUE)
            self.assertEqual(server.stop(how), 0)
            self.assertFalse((server.data / "endpoints.json").exists())

    def test_a_receive_that_waits_does_not_hold_up_the_end(self):
        server = self.server().start()
        server.queue(QUEUE)

        def wait():
            try:
                server.receive(QUEUE, WaitTimeSeconds=20)
            except (OSError, Refused, EOFError):
                pass
            except Exception:  # http.client's: the connection was closed
                pass

        waiter = threading.Thread(target=wait, daemon=True)
        waiter.start()
        time.sleep(0.3)
        began = time.monotonic()
        self.assertEqual(server.stop(), 0)
        self.assertLess(time.monotonic() - began, 10)
        waiter.join()

    def test_messages_survive_a_restart_and_a_kill(self):
        server = self.server().start()
        server.queue(QUEUE, VisibilityTimeout="1", DelaySeconds="0")
        server.send(QUEUE, *(f"message {n}" for n in range(20)))
        gone = server.receive(QUEUE, MaxNumberOfMessages=1)[0]
        server.sqs("DeleteMessage", QueueUrl=server.url(QUEUE), ReceiptHandle=gone["ReceiptHandle"])
        kept = server.receive(QUEUE, MaxNumberOfMessages=1)[0]
        for end in (server.stop, server.kill):
            end()
            server.start()
            self.assertEqual(sum(server.counts(QUEUE)), 19)
        attributes = server.sqs("GetQueueAttributes", QueueUrl=server.url(QUEUE), AttributeNames=["All"])["Attributes"]
        self.assertEqual(attributes["VisibilityTimeout"], "1")
        found = {}
        while len(found) < 19:
            messages = server.receive(QUEUE, WaitTimeSeconds=5)
            self.assertTrue(messages, "messages are missing")
            for message in messages:
                found[message["Body"]] = int(message["Attributes"]["ApproximateReceiveCount"])
                server.sqs("DeleteMessage", QueueUrl=server.url(QUEUE), ReceiptHandle=message["ReceiptHandle"])
        self.assertEqual(set(found), {f"message {n}" for n in range(20)} - {gone["Body"]})
        self.assertGreaterEqual(found[kept["Body"]], 2, "the first receive was forgotten")

    def test_a_lease_outlives_a_kill(self):
        server = self.server().start()
        for name, attributes, parameters in (("jobs", {}, {}), ("orders.fifo", {"FifoQueue": "true"}, {
                "MessageGroupId": "customer", "MessageDeduplicationId": "1"})):
            server.queue(name, VisibilityTimeout="600", **attributes)
            server.send(name, "leased", **parameters)
            message, = server.receive(name)
            server.kill()
            server.start()
            self.assertEqual(server.receive(name), [])
            self.assertEqual(server.counts(name), (0, 1, 0), "a receiver has it: it is in flight, not delayed")
            receipt = {"QueueUrl": server.url(name), "ReceiptHandle": message["ReceiptHandle"]}
            server.sqs("ChangeMessageVisibility", VisibilityTimeout=500, **receipt)
            server.sqs("DeleteMessage", **receipt)
            self.assertEqual(server.counts(name), (0, 0, 0))

    def test_a_second_server_on_the_same_data_is_refused(self):
        server = self.server().start()
        second = subprocess.run(server.command(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertEqual(second.returncode, 1)
        self.assertIn(str(server.data), second.stderr)
        self.assertRegex(second.stderr, "another|in use|already")
        self.assertTrue((server.data / "endpoints.json").exists(), "it took the first one's file away")
        self.assertEqual(server.http("GET", "/readyz")[0], 200)

    def test_an_address_off_loopback_is_refused(self):
        for flag in ("--listen", "--admin"):
            server = self.server(flag, "0.0.0.0:0")
            refused = subprocess.run(server.command(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                     timeout=60)
            self.assertEqual(refused.returncode, 1, flag)
            self.assertIn("0.0.0.0", refused.stderr)
            self.assertIn("loopback", refused.stderr)

    def test_a_port_in_use_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            server = self.server("--listen", f"127.0.0.1:{port}")
            refused = subprocess.run(server.command(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                     timeout=60)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(f"127.0.0.1:{port}", refused.stderr)

    def test_a_page_of_the_web_may_not_send(self):
        server = self.server().start()
        url = server.queue(QUEUE)
        headers = {"Origin": "http://example.com", "Content-Type": "application/x-www-form-urlencoded"}
        body = f"Action=SendMessage&MessageBody=evil&QueueUrl={url}"
        status, _ = server.http("POST", "/", body, headers, at="sqs")
        self.assertEqual(status, 403)
        status, _ = server.http("POST", f"/v1/queues/{QUEUE}/redrive", "{}", {"Origin": "http://example.com"})
        self.assertEqual(status, 403)
        # Nor one of a site whose name has been made to mean this machine: such a page need not say where it is from.
        browser = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)", "Host": "example.com"}
        status, _ = server.http("GET", f"/?Action=SendMessage&MessageBody=evil&QueueUrl={url}", None, browser, at="sqs")
        self.assertEqual(status, 403)
        self.assertEqual(server.counts(QUEUE), (0, 0, 0))
        for headers in (browser | {"Host": "localhost"}, browser | {"User-Agent": "Boto3/1.43"}):
            status, _ = server.http("GET", "/?Action=ListQueues", None, headers, at="sqs")
            self.assertEqual(status, 200)

    def test_garbage_is_answered_and_not_fatal(self):
        server = self.server().start()
        server.queue(QUEUE)
        port = int(server.endpoints["sqs"].rsplit(":", 1)[1])
        for bytes_ in (b"\x00" * 4096, b"GET / HTTP/9.9\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                       b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                connection.sendall(bytes_)
                connection.shutdown(socket.SHUT_WR)
                try:
                    while connection.recv(4096):
                        pass
                except ConnectionResetError:
                    pass
        with self.assertRaises(Refused) as refused:
            server.sqs("FlyToTheMoon")
        self.assertEqual(refused.exception.status, 400)
        server.send(QUEUE, "still there")
        self.assertEqual(len(server.receive(QUEUE)), 1)

    def test_it_rests_when_there_is_nothing_to_do(self):
        server = self.server().start()
        server.queue(QUEUE)
        before = cpu_seconds(server.process.pid)
        time.sleep(3)
        self.assertLess(cpu_seconds(server.process.pid) - before, 1.0, "it spins")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    unittest.main(verbosity=2)
