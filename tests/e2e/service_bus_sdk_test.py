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

    def test_the_management_api_tells_counts(self):
        queue = self.queue("a", "b", lock_ms=30000, max_delivery=7)
        self.assertEqual(self.client.do("counts", queue=queue), {"active": 2, "dead": 0, "lock": "PT0M30S", "deliveries": 7})


if __name__ == "__main__":
    unittest.main(verbosity=2)
