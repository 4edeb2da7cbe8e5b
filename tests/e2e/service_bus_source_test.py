"""The Service Bus source against a fake of the service (service_bus_sdk_test.py says how true it is), with Microsoft's client.
What goes wrong is in service_bus_faults_test.py."""

import time
import unittest

from fake_service_bus import KEY_NAME, MicrosoftClient, WithFake, bodies
from source_tests import Probe, free_port, wait_for


class WithMicrosoft(WithFake):
    """Messages that are sent, and dead letters that are read, by the service's own client."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = MicrosoftClient(cls.fake)
        cls.addClassCleanup(cls.client.close)

    def send(self, queue, *sent, **more):
        self.client.do("send", queue=queue, messages=[{"body": body} | more for body in sent])

    def test_lends_in_order_within_the_window_and_what_is_acknowledged_is_gone(self):
        queue = self.queue()
        self.send(queue, *map(str, range(12)), applicationProperties={"tenant": "acme", "n": 3}, messageId="m", subject="s")
        with Probe(self.fake.url(queue), window=3) as probe:
            first = probe.wait_count(3)[0]
            self.assertEqual(first["attributes"], {"tenant": "acme", "message-id": "m", "subject": "s"})
            self.assertEqual(first["deliveries"], 1)
            self.assertLess(abs(first["sent_us"] / 1e6 - time.time()), 60)
            self.assertGreater(first["lent_until_us"], time.time() * 1e6)
            done = 0
            while done < 12:
                messages = probe.wait_count(min(12, done + 3))
                self.assertLessEqual(len(messages), done + 3)
                self.assertTrue(all(one["ok"] for one in probe.settle_and_wait([m["token"] for m in messages[done:]])))
                done = len(messages)
            self.assertEqual(bodies(probe.lent()), [str(i) for i in range(12)])
            self.assertEqual(len({message["id"] for message in probe.lent()}), 12)
        self.assertEqual(self.left(queue), [])

    def test_a_dead_letter_is_read_by_microsofts_client_with_its_reason(self):
        queue = self.queue()
        self.send(queue, "poison", messageId="m-7", applicationProperties={"tenant": "acme"})
        with Probe(self.fake.url(queue), window=1) as probe:
            token = probe.wait_count(1)[0]["token"]
            self.assertTrue(probe.ask("traits", "traits")["dead_letters"])
            self.assertTrue(probe.settle_and_wait([token], "dead_letter", reason="given up: é")[0]["ok"])
        self.assertEqual(self.left(queue), [])
        dead = self.client.do("receive", queue=queue, most=1, dead=True)[0]
        self.assertEqual((dead["body"], dead["reason"], dead["id"], dead["properties"]["tenant"]), ("poison", "given up: é", "m-7", "acme"))

    def test_what_it_publishes_is_read_by_microsofts_client(self):
        queue = self.queue()
        with Probe(self.fake.url(queue)) as probe:
            probe.wait_state(True)
            self.assertTrue(probe.ask("publish", "published", body="hé", id="m-1", attributes={
                "tenant": "acme", "content-type": "text/plain", "subject": "s", "correlation-id": "c"})["ok"])
        message = self.client.do("receive", queue=queue, most=1)[0]
        self.assertEqual((message["body"], message["id"], message["content_type"], message["subject"], message["properties"]),
                         ("hé", "m-1", "text/plain", "s", {"tenant": "acme"}))


class ServiceBusSource(WithFake):
    def test_a_released_message_comes_again_without_a_count(self):
        queue = self.queue()
        with Probe(self.fake.url(queue), window=1) as probe:
            self.publish(probe, "x")
            first = probe.wait_count(1)[0]
            self.assertTrue(probe.settle_and_wait([first["token"]], "release")[0]["ok"])
            second = probe.wait_count(2)[1]
            self.assertEqual((second["id"], second["deliveries"]), (first["id"], 1))
            self.assertNotEqual(second["token"], first["token"])
            self.assertEqual(self.fake.do("seen")["outcomes"][-1], "released")
            self.assertTrue(probe.settle_and_wait([second["token"]])[0]["ok"])
            self.assertIn("not ours any more", probe.settle_and_wait([second["token"] + "9"])[0]["error"])

    def test_a_short_lock_is_lent_and_not_given_back(self):
        queue = self.queue(lock_ms=1500)
        before = len(self.fake.do("seen")["outcomes"])
        with Probe(self.fake.url(queue), window=1) as probe:
            self.publish(probe, "x")
            token = probe.wait_count(1)[0]["token"]
            self.assertAlmostEqual(probe.ask("traits", "traits")["lease_us"], 1_500_000, delta=300_000)
            self.assertTrue(probe.settle_and_wait([token])[0]["ok"])
        self.assertEqual(self.fake.do("seen")["outcomes"][before:], ["accepted"])

    def test_an_extended_lock_stays_and_another_is_lost_and_comes_again(self):
        queue = self.queue(lock_ms=1000)
        with Probe(self.fake.url(queue, **self.management()), window=2) as probe:
            self.publish(probe, "kept", "left")
            kept, left = probe.wait_count(2)
            self.assertEqual(probe.ask("traits", "traits")["lease_us"], 1_000_000)
            again = None
            began = time.monotonic()
            while time.monotonic() - began < 2.5 or again is None:
                self.assertLess(time.monotonic() - began, 30)
                until = probe.ask("extend", "extended", tokens=[kept["token"]])["until_us"]
                self.assertEqual(list(until), [kept["token"]])
                again = probe.lent()[2] if len(probe.lent()) > 2 else None
                time.sleep(0.25)
            self.assertEqual((again["id"], again["deliveries"]), (left["id"], 2))
            self.assertIn(left["token"], probe.lost())
            self.assertNotIn(kept["token"], probe.lost())
            self.assertTrue(probe.settle_and_wait([kept["token"]])[0]["ok"])

    def test_a_lock_that_the_service_has_ended_is_told(self):
        queue = self.queue()
        with Probe(self.fake.url(queue), window=3) as probe:
            self.publish(probe, "a", "b", "c")
            a, b, c = (message["token"] for message in probe.wait_count(3))
            probe.send(op="window", n=0)
            self.fake.do("unlock", name=queue)
            # Together, of which each is asked for again by itself.
            probe.send(op="extend", tokens=[a, b])
            probe.wait("both lost", lambda _: {a, b} <= set(probe.lost()))
            self.assertIn("message-lock-lost", probe.settle_and_wait([c])[0]["error"])

    def test_the_window_grows_shrinks_and_closes(self):
        queue = self.queue()
        with Probe(self.fake.url(queue)) as probe:
            self.publish(probe, *map(str, range(40)))
            probe.send(op="window", n=5)
            probe.wait_count(5)
            probe.send(op="window", n=20)
            probe.wait_count(20)
            probe.send(op="window", n=4)
            probe.settle_and_wait([message["token"] for message in probe.lent()[:16]])
            self.assertEqual(len(probe.lent()), 20)
            probe.send(op="window", n=0)
            probe.settle_and_wait([message["token"] for message in probe.lent()[16:20]])
            wait_for("nothing locked", lambda: not any(one["locked"] for one in self.left(queue)))
            self.assertEqual(len(probe.lent()), 20)
            probe.send(op="window", n=100)
            self.assertEqual(len(set(bodies(probe.wait_count(40)))), 40)

    def test_depth_and_limits_are_those_of_the_management_api_and_a_gap_without_it(self):
        queue = self.queue(lock_ms=45_500, max_delivery=4)
        with Probe(self.fake.url(queue, **self.management())) as probe:
            self.publish(probe, "a", "b")
            self.assertEqual(probe.ask("observe", "depth"), {"event": "depth", "ok": True, "waiting": 2})
            traits = probe.ask("traits", "traits")
            self.assertEqual((traits["lease_us"], traits["deliveries_max"], traits["release_delay_max_us"]), (45_500_000, 4, 0))
            self.fake.do("fault", name="no_manage", times=1)
            self.assertIn("a shared access policy needs Manage", probe.ask("observe", "depth")["error"])
            self.fake.do("fault", name="no_manage", times=0)
            self.fake.do("fault", name="garbage_manage", times=1)
            self.assertIn("not an Atom document", probe.ask("observe", "depth")["error"])
        with Probe(self.fake.url(queue)) as probe:
            probe.wait_state(True)
            self.assertIn("no management API", probe.ask("observe", "depth")["error"])

    def test_says_what_is_wrong_and_what_to_do(self):
        queue = self.queue()
        cases = {
            self.fake.url("nowhere"): "create it, or correct the URL",
            self.fake.url(queue, user=f"{KEY_NAME}:wrongsecret@"): "Azure Service Bus Data Receiver",
            self.fake.url(queue, endpoint=f"amqp://127.0.0.1:{free_port()}"): "cannot be reached",
            self.fake.url(queue, endpoint=f"amqps://127.0.0.1:{self.fake.port}"): "TLS failed",
        }
        for url, text in cases.items():
            with self.subTest(text), Probe(url) as probe:
                said = probe.wait_state(False)["error"]
                self.assertIn(text, said)
                self.assertIn("Service Bus", said)
                self.assertNotIn("wrongsecret", said)
                probe.wait("a second try", lambda _: len(probe.of("state")) >= 2)


class OverTls(WithFake):
    amqps = True

    def test_verifies_the_certificate_and_logs_in(self):
        queue = self.queue()
        ca_file = self.folder.name + "/ca.pem"
        wrong = {
            self.fake.url(queue): "TLS failed",
            self.fake.url(queue, ca_file=ca_file, endpoint=f"amqps://127.0.0.1:{self.fake.port}"): "TLS failed",
            self.fake.url(queue, ca_file=self.folder.name + "/none.pem"): "cannot be read as certificates",
        }
        for url, text in wrong.items():
            with self.subTest(url), Probe(url) as probe:
                self.assertIn(text, probe.wait_state(False)["error"])
        with Probe(self.fake.url(queue, ca_file=ca_file), window=1) as probe:
            self.publish(probe, "x" * 200_000)
            self.assertTrue(probe.settle_and_wait([probe.wait_count(1)[0]["token"]])[0]["ok"])
            self.assertEqual(len(probe.lent()[0]["body"]), 200_000)
        names = {token["name"] for token in self.fake.do("seen")["tokens"]}
        base = f"sb://fake.servicebus.windows.net/{queue}"
        self.assertEqual(names, {base, base + "/$management"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
