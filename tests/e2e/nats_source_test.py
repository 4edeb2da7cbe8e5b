"""The NATS JetStream source against nats-server, with nats.js as the independent client."""

import pathlib
import signal
import tempfile
import time
import unittest

from source_tests import Broker, Client, Probe, free_port, listens, make_certificate, wait_for


class Nats(Broker):
    def __init__(self, folder, port, more=""):
        super().__init__(folder)
        self.port = port
        (self.folder / "nats.conf").write_text(
            f'listen: "127.0.0.1:{port}"\njetstream {{ store_dir: "{folder}/js" }}\n{more}\n')

    def start(self):
        self.pid = self.spawn(["nats-server", "-c", str(self.folder / "nats.conf")]).pid
        wait_for("nats-server", lambda: listens(self.port))

    def url(self, stream, consumer="w", options="", user=""):
        return f"nats://{user}127.0.0.1:{self.port}/{stream}/{consumer}?heartbeat=1s{options}"


def not_acknowledged(client, stream):
    """How many the consumer w has yet to give or to hear of. A stream of nats-server 2.9 that was killed may hold
    acknowledged messages for ever, which no consumer gets."""
    info = client.do("consumer_info", stream=stream, name="w")
    return info["num_pending"] + info["num_ack_pending"]


def bodies(messages):
    return [message["body"] for message in messages]


class NatsSource(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="forewarm-nats-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.broker = Nats(cls.folder.name, free_port())
        cls.addClassCleanup(cls.broker.stop)
        cls.broker.start()
        cls.client = Client("nats_client.mjs", f"nats://127.0.0.1:{cls.broker.port}")
        cls.addClassCleanup(cls.client.close)

    def stream(self, messages=(), retention="workqueue"):
        """A stream of the test's name, with a subject of that name in lower case."""
        name = self.id().rsplit(".", 1)[1].upper()
        self.client.do("stream", name=name, subjects=[name.lower()], retention=retention)
        self.publish(name, messages)
        return name

    def publish(self, stream, messages):
        self.client.do("publish", subject=stream.lower(), messages=[{"body": body} for body in messages])

    def left(self, stream):
        return [message["body"] for message in self.client.do("messages", stream=stream)]

    def info(self, stream, name="w"):
        return self.client.do("consumer_info", stream=stream, name=name)

    def test_lends_in_order_within_the_window_and_what_is_acknowledged_is_gone(self):
        stream = self.stream([str(i) for i in range(20)])
        with Probe(self.broker.url(stream), window=3) as probe:
            probe.wait_count(3)
            depth = probe.ask("observe", "depth")
            self.assertEqual((depth["waiting"], depth["in_flight"], depth["arrived_total"]), (17, 3, 20))
            self.assertGreater(depth["oldest_wait_us"], 0)
            self.assertEqual(bodies(probe.lent()), ["0", "1", "2"])
            self.assertTrue(probe.settle_and_wait([probe.lent()[0]["token"]])[0]["ok"])
            done = 1
            while done < 20:
                messages = probe.wait_count(min(20, done + 3))
                self.assertLessEqual(len(messages), done + 3)
                probe.settle_and_wait([message["token"] for message in messages[done:]])
                done = len(messages)
            self.assertEqual(bodies(probe.lent()), [str(i) for i in range(20)])
            self.assertEqual({message["deliveries"] for message in probe.lent()}, {1})
            depth = probe.ask("observe", "depth")
            self.assertEqual((depth["waiting"], depth["in_flight"], depth.get("oldest_wait_us")), (0, 0, None))
        self.assertEqual(self.left(stream), [])
        self.assertEqual(self.info(stream)["num_ack_pending"], 0)

    def test_the_window_grows_shrinks_and_closes(self):
        stream = self.stream([str(i) for i in range(100)])
        with Probe(self.broker.url(stream), window=10) as probe:
            probe.wait_count(10)
            probe.send(op="window", n=40)
            probe.wait_count(40)
            probe.send(op="window", n=5)
            probe.settle_and_wait([message["token"] for message in probe.lent()[:35]])
            self.assertEqual(len(probe.lent()), 40)
            probe.settle_and_wait([probe.lent()[35]["token"]])
            probe.wait_count(41)
            probe.send(op="window", n=0)
            probe.settle_and_wait([message["token"] for message in probe.lent()[36:]])
            wait_for("all given back", lambda: self.info(stream)["num_ack_pending"] == 0)
            self.assertEqual(len(probe.lent()), 41)
            probe.send(op="window", n=100)
            self.assertEqual(len(set(bodies(probe.wait_count(100)))), 100)

    def test_a_closed_window_takes_no_message_that_comes_later(self):
        stream = self.stream()
        with Probe(self.broker.url(stream), window=10) as probe:
            probe.wait_state(True)
            wait_for("a pull request", lambda: self.info(stream)["num_waiting"] == 1)
            probe.send(op="window", n=0)
            self.publish(stream, ["a"])
            # Another consumer of the same name gets it at once: no request of the first is left.
            with Probe(self.broker.url(stream), window=1) as other:
                self.assertEqual(other.wait_count(1)[0]["deliveries"], 1)
                other.settle_and_wait([other.lent()[0]["token"]])
            self.assertEqual(probe.lent(), [])

    def test_a_released_message_comes_again_after_its_delay(self):
        stream = self.stream(["x"])
        with Probe(self.broker.url(stream), window=1) as probe:
            first = probe.wait_count(1)[0]
            self.assertTrue(probe.settle_and_wait([first["token"]], "release")[0]["ok"])
            second = probe.wait_count(2)[1]
            self.assertEqual((second["id"], second["body"], second["deliveries"]), (first["id"], "x", 2))
            self.assertNotEqual(second["token"], first["token"])
            released = time.monotonic()
            self.assertTrue(probe.settle_and_wait([second["token"]], "release", delay_ms=1500)[0]["ok"])
            third = probe.wait_count(3)[2]
            self.assertGreater(time.monotonic() - released, 1.4)
            self.assertEqual(third["deliveries"], 3)
            self.assertTrue(probe.settle_and_wait([third["token"]])[0]["ok"])
            self.assertFalse(probe.settle_and_wait([third["token"] + "9"])[0]["ok"])

    def test_an_extended_message_stays_and_another_comes_again(self):
        stream = self.stream(["kept", "left"])
        with Probe(self.broker.url(stream, options="&ack_wait=1500ms"), window=2) as probe:
            kept, left = probe.wait_count(2)
            self.assertEqual(probe.ask("traits", "traits")["lease_us"], 1_500_000)
            began = time.monotonic()
            again = None
            while time.monotonic() - began < 4 or again is None:
                self.assertLess(time.monotonic() - began, 30)
                until = probe.ask("extend", "extended", tokens=[kept["token"]])["until_us"]
                self.assertEqual(list(until), [kept["token"]])
                again = probe.lent()[2] if len(probe.lent()) > 2 else None
                time.sleep(0.4)
            self.assertEqual((again["id"], again["deliveries"]), (left["id"], 2))
            self.assertIn(left["token"], probe.lost())
            self.assertNotIn(kept["token"], probe.lost())
            self.assertEqual({m["id"] for m in probe.lent()[2:]}, {left["id"]})
            self.assertTrue(probe.settle_and_wait([kept["token"]])[0]["ok"])

    def test_dead_letters_are_published_before_they_are_ended_and_refused_without_a_place(self):
        stream = self.stream(["bad"])
        self.client.do("stream", name="DEAD", subjects=["dead.>"])
        with Probe(self.broker.url(stream), window=1) as probe:
            token = probe.wait_count(1)[0]["token"]
            self.assertIn("dead_letter_subject", probe.settle_and_wait([token], "dead_letter")[0]["error"])
            self.assertFalse(probe.ask("traits", "traits")["dead_letters"])
            probe.wait_count(2)  # it was given back
        with Probe(self.broker.url(stream, options="&dead_letter_subject=nowhere"), window=1) as probe:
            token = probe.wait_count(1)[0]["token"]
            self.assertIn("nobody takes", probe.settle_and_wait([token], "dead_letter")[0]["error"])
            probe.wait_count(2)
        with Probe(self.broker.url(stream, options="&dead_letter_subject=dead.x"), window=1) as probe:
            self.assertTrue(probe.ask("traits", "traits")["dead_letters"])
            token = probe.wait_count(1)[0]["token"]
            self.assertTrue(probe.settle_and_wait([token], "dead_letter", reason="it is bad")[0]["ok"])
        self.assertEqual(self.left(stream), [])
        dead = self.client.do("messages", stream="DEAD")
        self.assertEqual([(d["subject"], d["body"]) for d in dead], [("dead.x", "bad")])
        self.assertEqual((dead[0]["headers"]["Dead-Letter-Reason"], dead[0]["headers"]["Nats-Stream"]), ("it is bad", stream))

    def test_what_it_publishes_and_lends_has_headers_and_an_id_once(self):
        stream = self.stream()
        with Probe(self.broker.url(stream)) as probe:
            probe.wait_state(True)
            for _ in range(2):
                self.assertTrue(probe.ask("publish", "published", body="hé", id="m-1", attributes={"tenant": "acme"})["ok"])
            stored = self.client.do("messages", stream=stream)
            self.assertEqual([(one["body"], one["headers"]) for one in stored],
                             [("hé", {"tenant": "acme", "Nats-Msg-Id": "m-1"})])
            self.client.do("publish", subject=stream.lower(), messages=[{"body": "b", "attributes": {"tenant": "b"}}])
            probe.send(op="window", n=2)
            lent = probe.wait_count(2)[1]
            self.assertEqual(lent["attributes"], {"tenant": "b", "Nats-Subject": stream.lower()})
            self.assertEqual(lent["id"], "2")
            self.assertLess(abs(lent["sent_us"] / 1e6 - time.time()), 60)
            self.assertGreater(lent["lent_until_us"], lent["sent_us"])
            nowhere = probe.ask("publish", "published", body="x", attributes={"Nats-Subject": "nowhere"})
            self.assertIn("nobody takes", nowhere["error"])

    def test_says_what_is_wrong_and_what_to_do(self):
        stream = self.stream()
        self.client.do("consumer", stream=stream, config={"durable_name": "pushed", "deliver_subject": "p",
                                                          "ack_policy": "explicit"})
        cases = {
            self.broker.url("MISSING"): "create it (nats stream add)",
            self.broker.url(stream, "absent", "&create=false"): "nats consumer add",
            self.broker.url(stream, "pushed"): "pushes its messages",
            f"nats://127.0.0.1:{free_port()}/S/C": "cannot be reached",
            f"tls://127.0.0.1:{self.broker.port}/S/C": "TLS failed",
        }
        for url, text in cases.items():
            with self.subTest(text), Probe(url) as probe:
                said = probe.wait_state(False)["error"]
                self.assertIn(text, said)
                self.assertIn("NATS at ", said)
                probe.wait("a second try", lambda _: len(probe.of("state")) >= 2)

    def test_logs_in_over_tls_and_says_when_the_login_is_wrong(self):
        with tempfile.TemporaryDirectory(prefix="forewarm-nats-") as folder:
            make_certificate(folder)
            broker = Nats(folder, free_port(), f'''
                tls {{ cert_file: "{folder}/server.pem", key_file: "{folder}/server.key" }}
                authorization {{ users: [ {{ user: "me", password: "right" }} ] }}''')
            try:
                broker.start()
                url = f"tls://me:right@localhost:{broker.port}/S/C"
                for wrong, text in ((url, "TLS failed"),
                                    (f"{url}?ca_file={folder}/none.pem", "cannot be read as certificates"),
                                    (f"{url.replace('right', 'wrongsecret')}?ca_file={folder}/ca.pem", "refused the login")):
                    with self.subTest(text), Probe(wrong) as probe:
                        said = probe.wait_state(False)["error"]
                        self.assertIn(text, said)
                        self.assertNotIn("wrongsecret", said)
                with Probe(f"{url}?ca_file={folder}/ca.pem") as probe:
                    self.assertIn("stream not found", probe.wait_state(False)["error"])
            finally:
                broker.stop()

    def test_logs_in_with_a_token_and_needs_jetstream(self):
        with tempfile.TemporaryDirectory(prefix="forewarm-nats-") as folder:
            broker = Nats(folder, free_port(), 'authorization { token: "sesame" }')
            (pathlib.Path(folder) / "nats.conf").write_text(
                f'listen: "127.0.0.1:{broker.port}"\nauthorization {{ token: "sesame" }}\n')
            try:
                broker.start()
                for user, text in (("sesame@", "has no JetStream"), ("simsalabim@", "refused the login")):
                    with self.subTest(text), Probe(broker.url("S", user=user)) as probe:
                        said = probe.wait_state(False)["error"]
                        self.assertIn(text, said)
                        self.assertNotIn("simsalabim", said)
            finally:
                broker.stop()

    def test_a_consumer_that_is_deleted_is_made_again(self):
        stream = self.stream(["a"])
        with Probe(self.broker.url(stream), window=5) as probe:
            token = probe.wait_count(1)[0]["token"]
            self.client.do("remove_consumer", stream=stream, name="w")
            probe.wait_state(False)
            self.assertEqual(probe.lost(), [token])
            # The server may still show the old one for a moment, and end it again.
            wait_for("the message settled", lambda: any(
                one["ok"] for one in probe.settle_and_wait([probe.wait_count(2)[-1]["token"]])))
            self.assertEqual(set(bodies(probe.lent())), {"a"})
        self.assertEqual(self.left(stream), [])

    def test_a_server_that_hangs_is_left_and_found_again(self):
        stream = self.stream(["a", "b"])
        with Probe(self.broker.url(stream), window=2) as probe:
            tokens = {message["token"] for message in probe.wait_count(2)}
            self.broker.signal(signal.SIGSTOP)
            try:
                self.assertIn("connection ended", probe.wait_state(False)["error"])
                self.assertEqual(set(probe.lost()), tokens)
                self.assertFalse(any(one["ok"] for one in probe.settle_and_wait(list(tokens))))
            finally:
                self.broker.signal(signal.SIGCONT)
            # Handed back at the new connection, so long before ack_wait is over.
            again = probe.wait_count(4, seconds=25)[2:]
            self.assertEqual(sorted(bodies(again)), ["a", "b"])
            probe.settle_and_wait([message["token"] for message in again])

    def test_ends_soon_and_hands_back_what_is_unsettled(self):
        stream = self.stream(["a"])
        probe = Probe(self.broker.url(stream), window=1)
        probe.wait_count(1)
        self.assertEqual(probe.close(), 0)
        with Probe(self.broker.url(stream), window=1) as other:
            self.assertEqual(other.wait_count(1, seconds=25)[0]["deliveries"], 2)
            self.broker.signal(signal.SIGSTOP)
            try:
                self.assertEqual(other.close(), 0)
            finally:
                self.broker.signal(signal.SIGCONT)

    def test_a_server_that_is_killed_loses_nothing(self):
        sent = [str(i) for i in range(60)]
        stream = self.stream(sent)
        with Probe(self.broker.url(stream, options="&ack_wait=5s"), window=20) as probe:
            tokens = [message["token"] for message in probe.wait_count(20)]
            probe.settle_and_wait(tokens[:5])
            probe.wait_count(25)
            self.broker.signal(signal.SIGKILL)
            probe.wait_state(False)
            unsettled = {message["token"] for message in probe.lent()} - set(tokens[:5])
            probe.wait("all lost", lambda _: set(probe.lost()) == unsettled)
            self.assertFalse(probe.ask("publish", "published", body="into the void")["ok"])
            before = len(probe.lent())
            self.broker.spawned[-1].wait()
            self.broker.start()
            probe.send(op="window", n=100)
            # What was acknowledged just before may come again, since its answer is not the disk's.
            settled = set()

            def settle_all():
                new = {message["token"] for message in probe.lent()[before:]} - settled
                settled.update(new)
                probe.settle(sorted(new))
                return self.left(stream) == []
            wait_for("all done", settle_all)
            done = {m["body"] for m in probe.lent()[before:] if probe.settled().get(m["token"], {}).get("ok")}
            self.assertLessEqual(set(sent[5:]), done)


if __name__ == "__main__":
    unittest.main()
