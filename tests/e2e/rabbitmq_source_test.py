"""The RabbitMQ source against a RabbitMQ, with amqplib as the independent client."""

import os
import pathlib
import signal
import tempfile
import unittest

from source_tests import Broker, Client, Probe, free_port, listens, make_certificate, wait_for

SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"
START_PATIENCE_SECONDS = 180  # half a minute of a processor, which a demo that goes on meanwhile leaves it little of
QUORUM = {"x-queue-type": "quorum"}


class RabbitMq(Broker):
    def __init__(self, folder):
        super().__init__(folder)
        self.port, self.tls_port, self.management_port, self.names = (free_port() for _ in range(4))
        make_certificate(folder)
        (self.folder / "plugins").write_text("[rabbitmq_management].\n")
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\nlisteners.ssl.1 = 127.0.0.1:{self.tls_port}\n"
            f"ssl_options.cacertfile = {folder}/ca.pem\nssl_options.certfile = {folder}/server.pem\n"
            f"ssl_options.keyfile = {folder}/server.key\nssl_options.verify = verify_none\n"
            f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {self.management_port}\n"
            "collect_statistics_interval = 500\n")
        self.environment = dict(
            os.environ, HOME=folder, ERL_EPMD_ADDRESS="127.0.0.1", ERL_EPMD_PORT=str(self.names),
            RABBITMQ_NODENAME="test@localhost", RABBITMQ_MNESIA_BASE=folder + "/data", RABBITMQ_LOG_BASE=folder,
            RABBITMQ_ENABLED_PLUGINS_FILE=folder + "/plugins", RABBITMQ_CONFIG_FILE=folder + "/rabbitmq.conf",
            RABBITMQ_CONF_ENV_FILE=folder + "/none", RABBITMQ_PID_FILE=folder + "/pid",
            RABBITMQ_DIST_PORT=str(free_port()), RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+S 1:1")

    def start(self):
        if not listens(self.names):
            self.spawn(["epmd", "-address", "127.0.0.1", "-port", str(self.names)], env=self.environment)
            wait_for("epmd", lambda: listens(self.names))
        (self.folder / "pid").unlink(missing_ok=True)
        self.spawn([SERVER], env=self.environment)
        # The pid's file is written once more when all is up, by then the port listens.
        wait_for("RabbitMQ", lambda: listens(self.port) and listens(self.management_port)
                 and (self.folder / "pid").exists() and (self.folder / "pid").read_text().strip(), START_PATIENCE_SECONDS)
        self.pid = int((self.folder / "pid").read_text())

    def url(self, queue, options="", user="guest:guest", vhost="%2F"):
        return f"amqp://{user}@127.0.0.1:{self.port}/{vhost}/{queue}?heartbeat=1s{options}"


def bodies(messages):
    return [message["body"] for message in messages]


class WithBroker(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="forewarm-rabbitmq-")
        cls.broker = RabbitMq(cls.folder.name)
        cls.addClassCleanup(cls.folder.cleanup)
        cls.addClassCleanup(cls.broker.stop)
        cls.broker.start()
        cls.client = Client("amqp_client.mjs", f"amqp://guest:guest@127.0.0.1:{cls.broker.port}")
        cls.addClassCleanup(cls.client.close)

    def queue(self, messages=(), arguments=None):
        name = self.id().rsplit(".", 1)[1]
        self.client.do("declare", queue=name, arguments=QUORUM if arguments is None else arguments)
        if messages:
            self.client.do("publish", queue=name, messages=[{"body": body} for body in messages])
        return name

    def drained(self, probe, queue):
        """What was settled is gone for good: nothing waits, and nobody gets anything more."""
        self.assertEqual(probe.ask("observe", "depth")["waiting"], 0)
        self.assertEqual(probe.close(), 0)
        wait_for("the end of the connection", lambda: self.client.do("count", queue=queue) == 0)
        self.assertEqual(self.client.do("take", queue=queue), [])


class RabbitMqSource(WithBroker):
    def test_lends_in_order_within_the_window_and_what_is_acknowledged_is_gone(self):
        queue = self.queue([str(i) for i in range(20)])
        probe = Probe(self.broker.url(queue), window=3)
        probe.wait_count(3)
        self.assertEqual(probe.ask("observe", "depth")["waiting"], 17)
        self.assertEqual(bodies(probe.lent()), ["0", "1", "2"])
        self.assertTrue(all(one["ok"] for one in probe.settle_and_wait([probe.lent()[0]["token"]])))
        self.assertEqual(bodies(probe.wait_count(4)), ["0", "1", "2", "3"])
        done = 1
        while done < 20:
            messages = probe.wait_count(min(20, done + 3))
            self.assertLessEqual(len(messages), done + 3)
            probe.settle_and_wait([message["token"] for message in messages[done:]])
            done = len(messages)
        self.assertEqual(bodies(probe.lent()), [str(i) for i in range(20)])
        self.assertEqual({message["deliveries"] for message in probe.lent()}, {1})
        self.drained(probe, queue)

    def test_the_window_grows_shrinks_and_closes(self):
        queue = self.queue([str(i) for i in range(100)])
        with Probe(self.broker.url(queue), window=10) as probe:
            probe.wait_count(10)
            probe.send(op="window", n=40)
            probe.wait_count(40)
            probe.send(op="window", n=5)
            probe.settle_and_wait([message["token"] for message in probe.lent()[:35]])
            self.assertEqual(len(probe.lent()), 40)
            probe.settle_and_wait([probe.lent()[35]["token"]])
            self.assertEqual(len(probe.wait_count(41)), 41)
            probe.send(op="window", n=0)
            probe.settle_and_wait([message["token"] for message in probe.lent()[36:]])
            # Nothing is kept from others.
            wait_for("all given back", lambda: self.client.do("count", queue=queue) == 59)
            self.assertEqual(len(probe.lent()), 41)
            probe.send(op="window", n=100)
            self.assertEqual(len(set(bodies(probe.wait_count(100)))), 100)

    def test_a_released_message_comes_again_with_its_id_and_another_token(self):
        for arguments, again in ((QUORUM, 2), ({}, 0)):
            with self.subTest(arguments):
                queue = self.queue(["x"], arguments)
                with Probe(self.broker.url(queue), window=1) as probe:
                    first = probe.wait_count(1)[0]
                    probe.settle_and_wait([first["token"]], "release")
                    second = probe.wait_count(2)[1]
                    self.assertEqual((second["id"], second["body"]), (first["id"], "x"))
                    self.assertNotEqual(second["token"], first["token"])
                    self.assertEqual((first["deliveries"], second["deliveries"]), (1, again))
                    probe.settle_and_wait([second["token"]])
                    # A token is good once.
                    self.assertFalse(probe.settle_and_wait(["1-999"])[0]["ok"])
                self.client.do("remove", queue=queue)

    def test_equal_messages_without_ids_are_told_apart(self):
        queue = self.queue(["same", "same", "other"])
        with Probe(self.broker.url(queue), window=3) as probe:
            self.assertEqual(len({message["id"] for message in probe.wait_count(3)}), 3)

    def test_dead_letters_go_to_the_exchange_and_are_refused_without_one(self):
        dead = self.queue()  # and a queue that rejects to it
        queue = dead + "-work"
        self.client.do("declare", queue=queue, arguments=QUORUM | {"x-dead-letter-exchange": "",
                                                                   "x-dead-letter-routing-key": dead})
        self.client.do("publish", queue=queue, messages=[{"body": "bad", "messageId": "m1"}])
        with Probe(self.broker.url(queue), window=1) as probe:
            refused = probe.settle_and_wait([probe.wait_count(1)[0]["token"]], "dead_letter", reason="why")[0]
            self.assertIn("no" if refused["ok"] else "dead-letter exchange", refused.get("error", ""))
            self.assertEqual(probe.wait_count(2)[1]["id"], "m1")
            self.assertFalse(probe.ask("traits", "traits")["dead_letters"])
        wait_for("the message back", lambda: self.client.do("count", queue=queue) == 1)
        with Probe(self.broker.url(queue, "&dead_letters=true"), window=1) as probe:
            self.assertTrue(probe.settle_and_wait([probe.wait_count(1)[0]["token"]], "dead_letter")[0]["ok"])
            wait_for("the dead letter", lambda: self.client.do("count", queue=dead) == 1)
        taken = self.client.do("take", queue=dead)[0]
        self.assertEqual((taken["body"], taken["properties"]["messageId"]), ("bad", "m1"))
        self.assertEqual(taken["properties"]["headers"]["x-first-death-reason"], "rejected")

    def test_what_it_publishes_and_lends_has_properties_and_headers(self):
        queue = self.queue()
        with Probe(self.broker.url(queue)) as probe:
            probe.wait_state(True)
            message = {"body": "hé", "id": "m-7", "priority": 4, "sent_s": 1_700_000_000,
                       "attributes": {"content-type": "text/plain", "tenant": "acme"}}
            self.assertTrue(probe.ask("publish", "published", **message)["ok"])
            taken = self.client.do("take", queue=queue)[0]
            properties = taken["properties"]
            self.assertEqual((taken["body"], properties["messageId"], properties["priority"], properties["deliveryMode"]),
                             ("hé", "m-7", 4, 2))
            self.assertEqual((properties["contentType"], properties["headers"]["tenant"]), ("text/plain", "acme"))
            self.client.do("publish", queue=queue, messages=[
                {"body": "back", "messageId": "m-8", "timestamp": 1_600_000_000, "priority": 2, "type": "order",
                 "headers": {"tenant": "b", "count": 3}}])
            probe.send(op="window", n=1)
            lent = probe.wait_count(1)[0]
            self.assertEqual((lent["id"], lent["priority"], lent["sent_us"]), ("m-8", 2, 1_600_000_000_000_000))
            self.assertEqual(lent["attributes"], {"type": "order", "tenant": "b"})

    def test_the_management_api_tells_depth_and_what_the_queue_can(self):
        queue = self.queue([str(i) for i in range(5)], QUORUM | {"x-dead-letter-exchange": "amq.fanout",
                                                                 "x-delivery-limit": 7})
        url = self.broker.url(queue, f"&management=http://127.0.0.1:{self.broker.management_port}")
        with Probe(url, window=2) as probe:
            probe.wait_count(2)
            traits = probe.ask("traits", "traits")
            self.assertEqual((traits["dead_letters"], traits["deliveries_max"], traits["counts_deliveries"]), (True, 7, True))
            depth = wait_for("statistics", lambda: (lambda d: d if d.get("in_flight") == 2 and "arrived_total" in d
                                                    else None)(probe.ask("observe", "depth")))
            self.assertEqual((depth["waiting"], depth["arrived_total"]), (3, 5))
        with Probe(self.broker.url(queue, f"&management=http://127.0.0.1:{free_port()}")) as probe:
            probe.wait_state(True)
            self.assertIn("management API at", probe.ask("observe", "depth")["error"])

    def test_says_what_is_wrong_and_what_to_do(self):
        queue = self.queue()
        ca = pathlib.Path(self.folder.name)
        tls = f"amqps://guest:guest@localhost:{self.broker.tls_port}/{queue}"
        cases = {
            self.broker.url(queue, user="guest:wrongsecret"): "check the user and the password",
            self.broker.url(queue, vhost="nowhere"): "check the virtual host",
            self.broker.url("missing"): "declare the queue",
            f"amqp://127.0.0.1:{free_port()}/{queue}": "cannot be reached",
            tls: "TLS failed",
            f"{tls}?ca_file={ca}/missing.pem": "cannot be read as certificates",
            f"amqps://127.0.0.1:{self.broker.tls_port}/{queue}?ca_file={ca}/ca.pem": "TLS failed",
            f"amqps://localhost:{self.broker.port}/{queue}?ca_file={ca}/ca.pem": "TLS failed",
        }
        for url, text in cases.items():
            with self.subTest(text), Probe(url) as probe:
                said = probe.wait_state(False)["error"]
                self.assertIn(text, said)
                self.assertNotIn("wrongsecret", said)
                self.assertIn("RabbitMQ at ", said)
                # It goes on trying, ever less often.
                probe.wait("a second try", lambda _: len(probe.of("state")) >= 2)
        with Probe(f"{tls}?ca_file={ca}/ca.pem") as probe:
            probe.wait_state(True)
            self.assertTrue(probe.ask("publish", "published", body="over TLS")["ok"])
        self.assertEqual(self.client.do("count", queue=queue), 1)

    def test_a_queue_that_is_deleted_and_declared_again_is_consumed_again(self):
        queue = self.queue(["a"])
        with Probe(self.broker.url(queue), window=5) as probe:
            token = probe.wait_count(1)[0]["token"]
            self.client.do("remove", queue=queue)
            self.assertIn(queue, probe.wait_state(False)["error"])
            self.assertEqual(probe.lost(), [token])
            self.queue(["b"])
            self.assertEqual(bodies(probe.wait_count(2)), ["a", "b"])

    def test_gives_back_before_the_brokers_consumer_timeout_ends_the_channel(self):
        queue = self.queue(["slow"])
        with Probe(self.broker.url(queue, "&consumer_timeout=2s"), window=1) as probe:
            first, second = probe.wait_count(2)[:2]
            self.assertIn(first["token"], probe.lost())
            self.assertEqual((second["id"], second["deliveries"]), (first["id"], 2))
            self.assertEqual(probe.of("state"), [{"event": "state", "ok": True}])

    def test_ends_soon_although_the_broker_hangs(self):
        queue = self.queue(["a"])
        probe = Probe(self.broker.url(queue).replace("heartbeat=1s", "heartbeat=60s"), window=1)
        probe.wait_count(1)
        self.broker.signal(signal.SIGSTOP)
        try:
            self.assertEqual(probe.close(), 0)
        finally:
            self.broker.signal(signal.SIGCONT)


class RabbitMqKilled(WithBroker):
    """Two starts of a broker: too long for every change."""

    def test_a_broker_that_is_killed_loses_nothing(self):
        # A classic queue: after a kill, the quorum queues of a single node may stay without a leader.
        sent = [str(i) for i in range(60)]
        queue = self.queue(sent, {})
        with Probe(self.broker.url(queue), window=20) as probe:
            tokens = [message["token"] for message in probe.wait_count(20)]
            probe.settle_and_wait(tokens[:5])
            probe.wait_count(25)
            self.broker.signal(signal.SIGKILL)
            probe.wait_state(False)
            unsettled = {message["token"] for message in probe.lent()} - set(tokens[:5])
            probe.wait("all lost", lambda _: set(probe.lost()) == unsettled)
            unpublished = probe.ask("publish", "published", body="into the void")
            self.assertFalse(unpublished["ok"])
            before = len(probe.lent())
            self.broker.start()
            probe.send(op="window", n=100)
            # What was acknowledged just before may come again, since its answer is not the disk's.
            expected = set(sent[5:])
            probe.wait("all again", lambda _: expected <= {m["body"] for m in probe.lent()[before:]})
            again = probe.lent()[before:]
            settled = probe.settle_and_wait([message["token"] for message in again])
            self.assertTrue(all(one["ok"] for one in settled))
            self.drained(probe, queue)


if __name__ == "__main__":
    unittest.main(defaultTest="RabbitMqSource")
