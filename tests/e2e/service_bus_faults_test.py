"""The Service Bus source when something goes wrong: nothing is lost, and what is lent outlives connections."""

import signal
import socket
import time
import unittest

from fake_service_bus import WithFake, bodies
from source_tests import Probe, wait_for


class ServiceBusFaults(WithFake):
    def test_what_is_lent_outlives_a_connection(self):
        queue = self.queue()
        with Probe(self.fake.url(queue), window=4) as probe:
            self.publish(probe, "a", "b", "c", "d")
            a, b, c, d = (message["token"] for message in probe.wait_count(4))
            self.fake.do("fault", name="silent_settle", times=1)
            probe.settle([a])
            wait_for("the settlement", lambda: "accepted" in self.fake.do("seen")["outcomes"])
            before = len(probe.of("state"))
            self.fake.do("drop")
            self.assertIn("it is tried again", probe.wait_state(False, before)["error"])
            probe.settle([b])
            probe.wait_state(True, before)
            probe.settle([c], "dead_letter", reason="why")
            probe.settle([d], "release")
            probe.wait("all settled", lambda _: {a, b, c, d} <= set(probe.settled()))
            self.assertTrue(all(one["ok"] for one in probe.settled().values()), probe.settled())
            self.assertEqual(probe.lost(), [])
            self.assertEqual(self.fake.do("dead", name=queue)[0]["reason"], "why")
            # Only what was released comes again.
            self.assertEqual(bodies(probe.wait_count(5)[4:]), ["d"])
            self.assertEqual(len(self.left(queue)), 1)

    def test_a_settlement_whose_answer_is_lost_is_not_run_again(self):
        queue = self.queue()
        with Probe(self.fake.url(queue), window=1) as probe:
            self.publish(probe, "once")
            token = probe.wait_count(1)[0]["token"]
            self.fake.do("fault", name="mute_after_settle", times=1)
            probe.settle([token])
            wait_for("it is gone there", lambda: self.left(queue) == [])
            self.fake.do("drop")
            probe.wait("an answer", lambda _: token in probe.settled())
            self.assertIn("comes again if it was not settled", probe.settled()[token]["error"])
            self.assertEqual(len(probe.lent()), 1)

    def test_throttling_is_waited_for(self):
        queue = self.queue()
        self.fake.do("fault", name="busy_token", times=1)
        self.fake.do("fault", name="busy_attach", times=1)
        with Probe(self.fake.url(queue), window=1) as probe:
            probe.wait_state(True)
            said = " ".join(state["error"] for state in probe.of("state") if not state["ok"])
            self.assertIn("did not take the token", said)
            self.assertIn("is throttled", said)
            self.fake.do("fault", name="busy_send", times=1)
            self.assertIn("server-busy", probe.ask("publish", "published", body="x")["error"])
            self.publish(probe, "y")
            self.fake.do("fault", name="busy_settle", times=1)
            self.fake.do("fault", name="busy_manage", times=2)
            self.assertTrue(probe.settle_and_wait([probe.wait_count(1)[0]["token"]])[0]["ok"])
            self.assertEqual(self.left(queue), [])

    def test_links_that_are_closed_for_idleness_are_made_again(self):
        queue = self.queue()
        with Probe(self.fake.url(queue), window=1) as probe:
            self.publish(probe, "x")
            token = probe.wait_count(1)[0]["token"]
            for _ in range(2):
                probe.ask("extend", "extended", tokens=[token])
                self.fake.do("detach_requests")
            probe.ask("extend", "extended", tokens=[token])
            attached = self.fake.do("seen")["attached"]
            time.sleep(1)
            self.fake.do("detach", condition="amqp:link:detach-forced", description="idle for 600000 ms")
            wait_for("another link", lambda: self.fake.do("seen")["attached"] > attached)
            self.assertTrue(probe.settle_and_wait([token])[0]["ok"])
            self.publish(probe, "y")
            probe.wait_count(2)
            self.assertEqual([state["ok"] for state in probe.of("state")], [True])

            def ended_at_once():
                self.fake.do("detach", condition="amqp:link:detach-forced", description="something else")
                return [state["error"] for state in probe.of("state") if not state["ok"]]

            # Again and again: then it is no idleness.
            self.assertIn("something else", wait_for("the connection's end", ended_at_once)[0])
            probe.wait_state(True, 1)

    def test_a_server_that_says_nothing_is_left(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            # Its kernel takes the connection, and nobody looks at it.
            with Probe(self.fake.url("q", endpoint=f"amqp://127.0.0.1:{silent.getsockname()[1]}")) as probe:
                self.assertIn("idle-timeout expired", probe.wait_state(False)["error"])

    def test_a_service_that_hangs_is_left_and_found_again(self):
        queue = self.queue()
        with Probe(self.fake.url(queue), window=2) as probe:
            self.publish(probe, "a", "b")
            tokens = [message["token"] for message in probe.wait_count(2)]
            before = len(probe.of("state"))
            self.fake.lines.process.send_signal(signal.SIGSTOP)
            try:
                self.assertIn("connection ended", probe.wait_state(False, before)["error"])
                self.assertEqual(probe.lost(), [])
            finally:
                self.fake.lines.process.send_signal(signal.SIGCONT)
            probe.wait_state(True, before)
            self.assertTrue(all(one["ok"] for one in probe.settle_and_wait(tokens)))

    def test_ends_soon_and_gives_back_what_is_unsettled(self):
        queue = self.queue()
        probe = Probe(self.fake.url(queue), window=2)
        self.publish(probe, "a", "b")
        probe.wait_count(2)
        self.assertEqual(probe.close(), 0)
        self.assertEqual(self.left(queue), [{"failed": 0, "locked": False}] * 2)
        with Probe(self.fake.url(queue), window=2) as other:
            other.wait_count(2)
            self.fake.lines.process.send_signal(signal.SIGSTOP)
            try:
                self.assertEqual(other.close(), 0)
            finally:
                self.fake.lines.process.send_signal(signal.SIGCONT)

    def test_a_service_that_is_killed_loses_nothing(self):
        queue = self.queue(lock_ms=60_000)
        sent = [str(i) for i in range(60)]
        with Probe(self.fake.url(queue)) as probe:
            self.publish(probe, *sent)
            probe.send(op="window", n=20)
            tokens = [message["token"] for message in probe.wait_count(20)]
            probe.settle_and_wait(tokens[:5])
            probe.wait_count(25)
            before = len(probe.of("state"))
            self.fake.kill()
            probe.wait_state(False, before)
            self.assertFalse(probe.ask("publish", "published", body="into the void")["ok"])
            probe.settle(tokens[5:10])
            self.fake.start()
            probe.wait_state(True, before)
            probe.send(op="window", n=100)
            lent = probe.wait_count(60)
            self.assertEqual(bodies(lent), sent, "each once: locks outlive the service's process")
            settled = probe.settle_and_wait([message["token"] for message in lent[10:]])
            self.assertTrue(all(one["ok"] for one in settled))
            probe.wait("the first ones", lambda _: set(tokens) <= set(probe.settled()))
            self.assertEqual(self.left(queue), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
