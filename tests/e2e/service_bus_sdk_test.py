"""The fake Service Bus is what Microsoft's own client expects: what the source is then tested against is no guess of ours."""

import os
import tempfile
import time
import unittest

from fake_service_bus import KEY, KEY_NAME, FakeServiceBus, MicrosoftClient
from source_tests import wait_for


class OfficialClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="forewarm-servicebus-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.fake = FakeServiceBus(cls.folder.name, certificate=True)
        cls.addClassCleanup(cls.fake.stop)
        cls.fake.start()
        management = cls.fake.do("ports")["management"]
        os.environ["NODE_EXTRA_CA_CERTS"] = cls.folder.name + "/ca.pem"
        cls.addClassCleanup(lambda: os.environ.pop("NODE_EXTRA_CA_CERTS", None))
        cls.client = MicrosoftClient(
            cls.fake, f"Endpoint=sb://localhost:{management}/;SharedAccessKeyName={KEY_NAME};SharedAccessKey={KEY}")
        cls.addClassCleanup(cls.client.close)

    def queue(self, *bodies, **about):
        name = self.id().rsplit(".", 1)[1].replace("_", "-")[:50]
        self.fake.do("queue", name=name, **about)
        if bodies:
            self.client.do("send", queue=name, messages=[{"body": body} for body in bodies])
        return name

    def receive(self, queue, **more):
        return self.client.do("receive", queue=queue, **more)

    def test_sends_receives_and_completes(self):
        queue = self.queue()
        self.client.do("send", queue=queue, messages=[
            {"body": "hé", "messageId": "m-1", "subject": "s", "contentType": "text/plain", "applicationProperties": {"tenant": "acme"}}])
        message = self.receive(queue)[0]
        self.assertEqual((message["body"], message["id"], message["subject"], message["content_type"], message["properties"]),
                         ("hé", "m-1", "s", "text/plain", {"tenant": "acme"}))
        self.assertEqual((message["deliveries"], message["sequence"]), (0, "1"))
        self.assertGreater(message["locked_until"], time.time() * 1000)
        self.client.do("settle", lock=message["lock"], outcome="complete")
        self.assertEqual(self.fake.do("left", name=queue), [])

    def test_abandons_with_a_count_and_dead_letters_with_a_reason(self):
        queue = self.queue("again")
        self.client.do("settle", lock=self.receive(queue, most=1)[0]["lock"], outcome="abandon")
        again = self.receive(queue, most=1)[0]
        self.assertEqual(again["deliveries"], 1)
        self.client.do("settle", lock=again["lock"], outcome="dead-letter", reason="no good", description="at all")
        dead = self.receive(queue, most=1, dead=True)[0]
        self.assertEqual((dead["body"], dead["reason"], dead["description"]), ("again", "no good", "at all"))
        self.client.do("settle", lock=dead["lock"], outcome="complete")

    def test_renews_a_lock_and_loses_one_that_ends(self):
        queue = self.queue("slow", lock_ms=700, max_delivery=2)
        message = self.receive(queue, most=1)[0]
        for _ in range(4):
            time.sleep(0.3)
            self.assertGreater(self.client.do("renew", lock=message["lock"]), time.time() * 1000 + 300)
        self.fake.do("unlock", name=queue)
        wait_for("the lock's end", lambda: self.fake.do("left", name=queue) == [{"failed": 1, "locked": False}])
        for op, more in (("renew", {}), ("settle", {"outcome": "complete"})):
            with self.assertRaisesRegex(AssertionError, "lock"):
                self.client.do(op, lock=message["lock"], **more)
        self.receive(queue, most=1)
        wait_for("the last delivery", lambda: self.fake.do("dead", name=queue))
        self.assertEqual(self.receive(queue, most=1, dead=True)[0]["reason"], "MaxDeliveryCountExceeded")

    def test_a_queue_that_is_not_there_or_has_sessions_is_refused(self):
        with self.assertRaisesRegex(AssertionError, "could not be found"):
            self.receive("nowhere", wait_ms=500)
        queue = self.queue(requires_session=True)
        with self.assertRaisesRegex(AssertionError, "requires sessions"):
            self.receive(queue, wait_ms=500)

    def sessions(self, *names, **about):
        """A queue with three messages in each of these sessions, sent in turns."""
        queue = self.queue(requires_session=True, **about)
        self.client.do("send", queue=queue, messages=[
            {"body": f"{name}{i}", "sessionId": name} for i in range(3) for name in names])
        return queue

    def bodies_of(self, session, **more):
        return [message["body"] for message in self.client.do("receive_of", session=session, **more)]

    def test_the_next_session_is_one_that_nobody_has_and_its_messages_come_in_order(self):
        queue = self.sessions("a", "b")
        accepted = [self.client.do("accept", queue=queue) for _ in range(2)]
        self.assertEqual({one["session"] for one in accepted}, {"a", "b"})
        self.assertAlmostEqual(accepted[0]["locked_until"], time.time() * 1000 + 30000, delta=5000)
        for name in ("a", "b"):
            self.assertEqual(self.bodies_of(name, most=3), [f"{name}{i}" for i in range(3)])
        with self.assertRaisesRegex(AssertionError, "did not complete|timeout|within"):
            self.client.do("accept", queue=queue, wait_ms=500)

    def test_a_session_is_had_by_one_and_left_without_a_count(self):
        queue = self.sessions("s")
        self.client.do("accept", queue=queue, session="s")
        first = self.client.do("receive_of", session="s", most=2)
        self.assertEqual([(one["body"], one["session"], one["deliveries"]) for one in first], [("s0", "s", 0), ("s1", "s", 0)])
        with self.assertRaisesRegex(AssertionError, "cannot be accepted|locked by another"):
            self.client.do("accept", queue=queue, session="s")
        self.client.do("settle", lock=first[0]["lock"], outcome="complete")
        self.client.do("leave", session="s")
        self.assertEqual(self.client.do("accept", queue=queue)["session"], "s")
        again = self.client.do("receive_of", session="s", most=2)
        self.assertEqual([(one["body"], one["deliveries"]) for one in again], [("s1", 0), ("s2", 0)])
        self.client.do("settle", lock=again[0]["lock"], outcome="abandon")
        self.client.do("settle", lock=again[1]["lock"], outcome="dead-letter", reason="no good", description="at all")
        last = self.client.do("receive_of", session="s", most=2)
        self.assertEqual([(one["body"], one["deliveries"]) for one in last], [("s1", 1)])
        self.assertEqual(self.receive(queue, most=1, dead=True)[0]["reason"], "no good")

    def test_a_sessions_lock_is_renewed_and_what_it_had_ends_with_it(self):
        queue = self.sessions("s", lock_ms=700)
        self.client.do("accept", queue=queue, session="s")
        message = self.client.do("receive_of", session="s", most=1)[0]
        for _ in range(4):
            time.sleep(0.3)
            self.assertGreater(self.client.do("renew_session", session="s"), time.time() * 1000 + 300)
        self.fake.do("lose_session", name=queue, session="s")
        for op, more in (("renew_session", {"session": "s"}), ("settle", {"lock": message["lock"], "outcome": "complete"})):
            with self.assertRaisesRegex(AssertionError, "session"):
                self.client.do(op, **more)
        self.client.do("accept", queue=queue)
        self.assertEqual(self.client.do("receive_of", session="s", most=1)[0]["deliveries"], 1)

    def test_sessions_and_queues_that_do_not_fit_are_refused(self):
        with self.assertRaisesRegex(AssertionError, "does not require sessions"):
            self.client.do("accept", queue=self.queue())
        queue = self.id().rsplit(".", 1)[1].replace("_", "-")[:40] + "-with"
        self.fake.do("queue", name=queue, requires_session=True)
        with self.assertRaisesRegex(AssertionError, "SessionId was not set"):
            self.client.do("send", queue=queue, messages=[{"body": "x"}])

    def test_the_management_api_tells_counts(self):
        queue = self.queue("a", "b", lock_ms=30000, max_delivery=7)
        self.assertEqual(self.client.do("counts", queue=queue), {"active": 2, "dead": 0, "lock": "PT0M30S", "deliveries": 7})


if __name__ == "__main__":
    unittest.main(verbosity=2)
