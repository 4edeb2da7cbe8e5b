"""The Pub/Sub source against a fake that was written from the REST reference."""

import base64
import json
import time
import unittest
import urllib.request
from urllib.parse import parse_qs

from fake_pubsub import FakePubSub, failure
from loopback_recorder import Recorder, bare_environment
from source_tests import Probe


class PubSubSource:
    """What holds with each server. `address` is its HOST:PORT."""

    def rest(self, method, path, **body):
        request = urllib.request.Request(f"http://{self.address}/v1/projects/test-project/{path}", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def subscription(self, suffix="", **about):
        name = self.id().rsplit(".", 1)[1].replace("_", "-")[:80] + suffix
        self.rest("PUT", "topics/t-" + name)
        self.rest("PUT", "subscriptions/" + name, topic="projects/test-project/topics/t-" + name,
                  **{"ackDeadlineSeconds": 10} | about)
        return name

    def publish(self, name, *bodies, **more):
        self.rest("POST", f"topics/t-{name}:publish",
                  messages=[{"data": base64.b64encode(body.encode()).decode()} | more for body in bodies])

    def pull(self, name):
        return self.rest("POST", f"subscriptions/{name}:pull", maxMessages=10, returnImmediately=True).get("receivedMessages", [])

    def probe(self, name, window=0, options=""):
        probe = Probe(f"pubsub://test-project/{name}?{options}", window, bare_environment(PUBSUB_EMULATOR_HOST=self.address))
        self.addCleanup(lambda: probe.process.poll() is None and probe.close())
        return probe

    def test_lends_within_the_window_and_what_is_acknowledged_is_gone(self):
        name = self.subscription()
        self.publish(name, *(f"body {i} ü" for i in range(12)), attributes={"kind": "ordinary"})
        probe = self.probe(name, window=5)
        messages = probe.wait_count(5)
        self.assertEqual(messages[0]["attributes"]["kind"], "ordinary")
        self.assertLess(abs(messages[0]["sent_us"] / 1e6 - time.time()), 60)
        done = 0
        while done < 12:
            messages = probe.wait_count(min(12, done + 1))
            self.assertTrue(all(one["ok"] for one in probe.settle_and_wait([m["token"] for m in messages[done:]])))
            done = len(messages)
        self.assertEqual(sorted(m["body"] for m in probe.lent()), sorted(f"body {i} ü" for i in range(12)))
        depth = probe.ask("observe", "depth")
        self.assertTrue(depth["ok"])
        self.assertNotIn("waiting", depth, "an emulator has no monitoring: a gap, not a zero")
        self.assertEqual(probe.close(), 0)

    def test_a_released_message_comes_again_at_once_or_after_its_delay(self):
        name = self.subscription()
        self.publish(name, "again")
        probe = self.probe(name, window=1)
        first = probe.wait_count(1)[0]
        self.assertTrue(probe.settle_and_wait([first["token"]], "release")[0]["ok"])
        second = probe.wait_count(2)[1]
        self.assertEqual(second["id"], first["id"])
        begun = time.monotonic()
        probe.settle_and_wait([second["token"]], "release", delay_ms=2000)
        third = probe.wait_count(3)[2]
        self.assertGreater(time.monotonic() - begun, 1.5)
        self.assertTrue(probe.settle_and_wait([third["token"]])[0]["ok"])

    def test_an_extended_lease_holds(self):
        name = self.subscription()
        self.publish(name, "slow")
        probe = self.probe(name, window=1)
        first = probe.wait_count(1)[0]
        self.assertEqual(probe.ask("traits", "traits")["lease_us"], 10_000_000)
        for i in range(3):
            time.sleep(4)
            probe.send(op="extend", tokens=[first["token"]])
            probe.wait("extension", lambda _: len(probe.of("extended")) > i)
        self.assertEqual((len(probe.lent()), probe.lost()), (1, []))
        self.assertTrue(probe.settle_and_wait([first["token"]])[0]["ok"])

    def test_a_dead_letter_is_published_to_its_topic_and_gone_here(self):
        dead = self.subscription("-dead")
        name = self.subscription()
        self.publish(name, "poison", attributes={"kind": "x"})
        probe = self.probe(name, window=1, options=f"dead_letter_topic=t-{dead}")
        message = probe.wait_count(1)[0]
        self.assertTrue(probe.settle_and_wait([message["token"]], "dead_letter", reason="failed 5 times")[0]["ok"])
        moved = self.pull(dead)
        self.assertEqual([base64.b64decode(m["message"]["data"]) for m in moved], [b"poison"])
        attributes = moved[0]["message"]["attributes"]
        self.assertEqual((attributes["kind"], attributes["CloudPubSubDeadLetterReason"]), ("x", "failed 5 times"))
        self.assertEqual(self.pull(name), [])

    def test_publishes_to_the_subscriptions_own_topic_and_ends_in_order(self):
        name = self.subscription()
        probe = self.probe(name, window=1)
        probe.wait_state(True)
        self.assertTrue(probe.ask("publish", "published", body="ünï", attributes={"kind": "x"})["ok"])
        self.assertEqual(probe.wait_count(1)[0]["body"], "ünï")
        self.assertEqual(probe.close(), 0)
        given_back = self.pull(name)
        self.assertEqual([m["message"]["attributes"] for m in given_back], [{"kind": "x"}])

    def test_a_subscription_that_is_not_there_is_named(self):
        said = self.probe("not-there", window=1).wait_state(False)["error"]
        self.assertIn("not-there", said)
        self.assertIn("create it, or correct the URL", said)


class AgainstFake(PubSubSource, unittest.TestCase):
    def setUp(self):
        self.fake = FakePubSub()
        if "extended" in self.id():
            self.fake.PULL_SECONDS = 0.2
        self.recorder = Recorder(self.fake)
        self.addCleanup(self.recorder.close)
        self.address = self.recorder.address

    def pull(self, name):
        return json.loads(self.fake.pull(f"projects/test-project/subscriptions/{name}", {"maxMessages": 10})[1]).get("receivedMessages", [])

    def test_each_request_is_as_the_reference_says(self):
        name = self.subscription(deadLetterPolicy={"deadLetterTopic": "projects/test-project/topics/d", "maxDeliveryAttempts": 7},
                                 enableMessageOrdering=True)
        self.publish(name, "a", "b", orderingKey="group")
        begun = len(self.recorder.requests)
        probe = self.probe(name, window=2)
        messages = probe.wait_count(2)
        self.assertEqual({(m["group"], m["deliveries"]) for m in messages}, {("group", 1)})
        traits = probe.ask("traits", "traits")
        self.assertEqual((traits["deliveries_max"], traits["counts_deliveries"]), (7, True))
        probe.settle_and_wait([messages[0]["token"]])
        probe.settle_and_wait([messages[1]["token"]], "release", delay_ms=3_600_000)
        path = f"/v1/projects/test-project/subscriptions/{name}"
        said = [(r["method"], r["path"], json.loads(r["body"] or "null")) for r in self.recorder.requests[begun:]]
        for expected in (("GET", path, None), ("POST", path + ":pull", {"maxMessages": 2}),
                         ("POST", path + ":acknowledge", {"ackIds": [messages[0]["token"]]}),
                         ("POST", path + ":modifyAckDeadline", {"ackIds": [messages[1]["token"]], "ackDeadlineSeconds": 600})):
            self.assertIn(expected, said)
        self.assertTrue(all("authorization" not in r["headers"] for r in self.recorder.requests))

    def test_without_a_dead_letter_topic_dead_letters_are_refused(self):
        name = self.subscription()
        self.publish(name, "poison")
        probe = self.probe(name, window=1)
        refused = probe.settle_and_wait([probe.wait_count(1)[0]["token"]], "dead_letter")[0]
        self.assertIn("there is no dead_letter_topic", refused["error"])

    def test_who_may_not_look_may_consume(self):
        name = self.subscription()
        self.publish(name, "x")
        self.fake.script = [(name, failure(403, "PERMISSION_DENIED", "no pubsub.subscriptions.get"))]
        probe = self.probe(name, window=1)
        self.assertTrue(probe.settle_and_wait([probe.wait_count(1)[0]["token"]])[0]["ok"])
        self.assertEqual(probe.ask("traits", "traits")["lease_us"], 10_000_000)

    def test_depth_is_that_of_cloud_monitoring(self):
        name = self.subscription()

        def monitoring(request):
            value = {"int64Value": "12"} if "num_undelivered_messages" in request["query"] else {"int64Value": "90"}
            return 200, json.dumps({"timeSeries": [{"points": [{"value": value}]}]})

        recorder = Recorder(monitoring)
        self.addCleanup(recorder.close)
        probe = self.probe(name, options=f"monitoring={recorder.url}")
        depth = probe.ask("observe", "depth")
        self.assertEqual((depth["waiting"], depth["oldest_wait_us"]), (12, 90_000_000))
        request = recorder.requests[0]
        self.assertEqual((request["method"], request["path"]), ("GET", "/v3/projects/test-project/timeSeries"))
        self.assertEqual(parse_qs(request["query"])["filter"],
                         ['metric.type="pubsub.googleapis.com/subscription/num_undelivered_messages" AND '
                          f'resource.labels.subscription_id="{name}"'])


if __name__ == "__main__":
    unittest.main(verbosity=2)
