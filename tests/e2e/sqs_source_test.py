"""The SQS source against two servers that share no code with each other: forewarm, which checks signatures, and fauxqs.
The official SDK is the client that is not ours."""

import json
import pathlib
import tempfile
import time
import unittest
from urllib.parse import quote

from loopback_recorder import bare_environment
from server_process import Server
from source_tests import Broker, Client, Probe, free_port, listens, wait_for

KEY, SECRET = "AKIDTEST", "a/secret+1"
KEYS = bare_environment(AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY=SECRET)


class SqsSource:
    """What holds with each server. `endpoint` is its address."""

    @classmethod
    def start_client(cls):
        cls.client = Client("sqs_client.mjs", f"http://{KEY}:{quote(SECRET, safe='')}@{cls.endpoint}")
        cls.addClassCleanup(cls.client.close)

    def queue(self, suffix="", **attributes):
        name = self.id().rsplit(".", 1)[1][-60:] + suffix
        return self.client.do("CreateQueue", QueueName=name, Attributes=attributes)["QueueUrl"]

    def arn(self, url):
        return self.client.do("GetQueueAttributes", QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def probe(self, url, window=0, options=""):
        probe = Probe(f"sqs+{url}?region=eu-west-1&wait=1s{options}", window, KEYS)
        self.addCleanup(lambda: probe.process.poll() is None and probe.close())
        return probe

    def send(self, url, *bodies, **more):
        for body in bodies:
            self.client.do("SendMessage", QueueUrl=url, MessageBody=body, **more)

    def counts(self, url):
        attributes = self.client.do("GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return tuple(int(attributes["ApproximateNumberOfMessages" + which]) for which in ("", "NotVisible"))

    def take(self, url):
        return self.client.do("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"],
                              AttributeNames=["All"], WaitTimeSeconds=1).get("Messages", [])

    def test_lends_within_the_window_and_what_is_acknowledged_is_gone(self):
        url = self.queue()
        self.send(url, *(f"body {i} ü" for i in range(12)), MessageAttributes={
            "kind": {"DataType": "String", "StringValue": "ordinary"},
            "count": {"DataType": "Number", "StringValue": "7"}})
        probe = self.probe(url, window=5)
        messages = probe.wait_count(5)
        self.assertEqual(messages[0]["attributes"], {"kind": "ordinary", "count": "7"})
        self.assertEqual(messages[0]["deliveries"], 1)
        self.assertLess(abs(messages[0]["sent_us"] / 1e6 - time.time()), 60)
        self.assertLess(abs(messages[0]["lent_until_us"] / 1e6 - time.time() - 30), 20)
        self.assertEqual(self.counts(url), (7, 5))
        self.assertEqual(probe.ask("observe", "depth") | {"event": ""},
                         {"event": "", "ok": True, "waiting": 7, "in_flight": 5})
        done = 0
        while done < 12:
            messages = probe.wait_count(min(12, done + 1))
            self.assertTrue(all(one["ok"] for one in probe.settle_and_wait([m["token"] for m in messages[done:]])))
            done = len(messages)
        self.assertEqual(sorted(m["body"] for m in probe.lent()), sorted(f"body {i} ü" for i in range(12)))
        self.assertEqual(self.counts(url), (0, 0))
        self.assertEqual(probe.close(), 0)

    def test_a_large_window_is_filled_by_several_calls_at_a_time(self):
        url = self.queue()
        for _ in range(12):
            self.client.do("SendMessageBatch", QueueUrl=url,
                           Entries=[{"Id": str(i), "MessageBody": str(i)} for i in range(10)])
        probe = self.probe(url, window=100)
        messages = probe.wait_count(100)
        self.assertEqual(len({m["id"] for m in messages}), 100)
        probe.settle_and_wait([m["token"] for m in messages])
        probe.settle_and_wait([m["token"] for m in probe.wait_count(120)[100:]])
        self.assertEqual(self.counts(url), (0, 0))

    def test_a_released_message_comes_again_at_once_or_after_its_delay(self):
        url = self.queue()
        self.send(url, "again")
        probe = self.probe(url, window=1)
        first = probe.wait_count(1)[0]
        self.assertTrue(probe.settle_and_wait([first["token"]], "release")[0]["ok"])
        second = probe.wait_count(2)[1]
        self.assertEqual((second["id"], second["deliveries"]), (first["id"], 2))
        self.assertNotEqual(second["token"], first["token"])
        begun = time.monotonic()
        probe.settle_and_wait([second["token"]], "release", delay_ms=1500)
        third = probe.wait_count(3)[2]
        self.assertGreater(time.monotonic() - begun, 1.4)
        late = probe.settle_and_wait([second["token"] + "x", third["token"]])
        self.assertEqual([one["ok"] for one in late], [False, True])
        self.assertIn("not ours any more", late[0]["error"])

    def test_an_extended_lease_holds_and_one_that_is_not_is_lost(self):
        url = self.queue()
        self.send(url, "slow")
        probe = self.probe(url, window=1, options="&visibility=2s")
        first = probe.wait_count(1)[0]
        self.assertEqual(probe.ask("traits", "traits")["lease_us"], 2_000_000)
        for i in range(3):
            time.sleep(1)
            probe.send(op="extend", tokens=[first["token"]])
            probe.wait("extension", lambda _: len(probe.of("extended")) > i)
        self.assertEqual((len(probe.lent()), probe.lost()), (1, []))
        probe.wait("the loss", lambda _: probe.lost())
        self.assertEqual(probe.lost(), [first["token"]])
        again = probe.wait_count(2)[1]
        self.assertEqual(again["id"], first["id"])
        self.assertTrue(probe.settle_and_wait([again["token"]])[0]["ok"])

    def test_a_dead_letter_moves_with_all_its_attributes_and_the_reason(self):
        dead = self.queue("-dead")
        url = self.queue(RedrivePolicy=json.dumps({"deadLetterTargetArn": self.arn(dead), "maxReceiveCount": 50}))
        self.send(url, "poison", MessageAttributes={
            "count": {"DataType": "Number", "StringValue": "7"},
            "blob": {"DataType": "Binary", "BinaryValue": {"base64": "AAEC"}}})
        probe = self.probe(url, window=1)
        message = probe.wait_count(1)[0]
        traits = probe.ask("traits", "traits")
        self.assertEqual((traits["dead_letters"], traits["deliveries_max"]), (True, 50))
        self.assertEqual(traits["release_delay_max_us"], 12 * 3600 * 1_000_000)
        self.assertTrue(probe.settle_and_wait([message["token"]], "dead_letter", reason="failed 5 times")[0]["ok"])
        self.assertEqual(self.counts(url), (0, 0))
        moved = self.take(dead)
        self.assertEqual([m["Body"] for m in moved], ["poison"])
        attributes = moved[0]["MessageAttributes"]
        self.assertEqual(attributes["DeadLetterReason"]["StringValue"], "failed 5 times")
        self.assertEqual((attributes["count"]["DataType"], attributes["count"]["StringValue"]), ("Number", "7"))
        self.assertEqual(attributes["blob"]["BinaryValue"], {"base64": "AAEC"})

    def test_without_a_redrive_policy_dead_letters_are_refused_and_stay(self):
        url = self.queue()
        self.send(url, "poison")
        probe = self.probe(url, window=1, options="&visibility=1s")
        message = probe.wait_count(1)[0]
        self.assertFalse(probe.ask("traits", "traits")["dead_letters"])
        refused = probe.settle_and_wait([message["token"]], "dead_letter")[0]
        self.assertFalse(refused["ok"])
        self.assertIn("no RedrivePolicy", refused["error"])
        self.assertEqual(probe.wait_count(2)[1]["id"], message["id"])

    def test_groups_of_a_fifo_queue_keep_their_order(self):
        url = self.queue(".fifo", FifoQueue="true", ContentBasedDeduplication="true")
        for i in range(4):
            for group in ("a", "b"):
                self.send(url, f"{group}{i}", MessageGroupId=group)
        probe = self.probe(url, window=4)
        done = 0
        while done < 8:
            messages = probe.wait_count(done + 1)
            probe.settle_and_wait([m["token"] for m in messages[done:]])
            done = len(messages)
        for group in ("a", "b"):
            self.assertEqual([m["body"] for m in probe.lent() if m["group"] == group], [f"{group}{i}" for i in range(4)])

    def test_publishes_what_the_official_client_reads(self):
        url = self.queue()
        probe = self.probe(url)
        probe.wait_state(True)
        self.assertTrue(probe.ask("publish", "published", body="ünï", attributes={"kind": "x"})["ok"])
        message = self.take(url)[0]
        self.assertEqual((message["Body"], message["MessageAttributes"]["kind"]["StringValue"]), ("ünï", "x"))

    def test_an_orderly_end_gives_back_what_is_unsettled(self):
        url = self.queue()
        self.send(url, "mine")
        probe = self.probe(url, window=1)
        probe.wait_count(1)
        self.assertEqual(probe.close(), 0)
        self.assertEqual([m["Body"] for m in self.take(url)], ["mine"])

    def test_a_queue_that_is_not_there_is_named_until_it_is(self):
        url = self.queue()
        self.client.do("DeleteQueue", QueueUrl=url)
        probe = self.probe(url, window=1)
        said = probe.wait_state(False)["error"]
        self.assertIn(url.rsplit("/", 1)[1], said)
        self.assertIn("create the queue, or correct the URL", said)


class AgainstForewarm(SqsSource, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="forewarm-sqs-source-")
        cls.addClassCleanup(cls.folder.cleanup)
        folder = pathlib.Path(cls.folder.name)
        (folder / "secret").write_text(SECRET + "\n")
        (folder / "config.toml").write_text(f'[[access_key]]\nid = "{KEY}"\nsecret_file = "{folder}/secret"\n')
        cls.port = free_port()
        cls.server = Server(folder, "--listen", f"127.0.0.1:{cls.port}", config=folder / "config.toml")
        cls.addClassCleanup(cls.server.end)
        cls.server.start()
        cls.endpoint = f"127.0.0.1:{cls.port}"
        cls.start_client()

    def test_a_wrong_secret_is_refused_and_not_shown(self):
        url = self.queue()
        with Probe(f"sqs+{url}?region=eu-west-1", 1,
                   KEYS | {"AWS_SECRET_ACCESS_KEY": "wrong-secret"}) as probe:
            said = probe.wait_state(False)["error"]
        self.assertIn("look at the credentials", said)
        self.assertNotIn("wrong-secret", said)

    def test_a_server_that_is_killed_is_found_again_and_nothing_is_lost(self):
        url = self.queue()
        self.send(url, *(str(i) for i in range(20)))
        probe = self.probe(url, window=5, options="&visibility=3s")
        done = {m["body"] for m in probe.wait_count(5)}
        self.assertTrue(all(one["ok"] for one in probe.settle_and_wait([m["token"] for m in probe.lent()])))
        self.server.kill()
        probe.wait_state(False)
        states = len(probe.of("state"))
        self.server.start()
        probe.wait_state(True, after=states)
        seen = 5
        while len(done) < 20:
            messages = probe.wait_count(seen + 1)
            for m, one in zip(messages[seen:], probe.settle_and_wait([m["token"] for m in messages[seen:]])):
                if one["ok"]:
                    done.add(m["body"])
            seen = len(messages)
        self.assertEqual(done, {str(i) for i in range(20)})
        wait_for("an empty queue", lambda: self.counts(url) == (0, 0))


class AgainstFauxqs(SqsSource, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="forewarm-fauxqs-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.broker = Broker(cls.folder.name)
        cls.addClassCleanup(cls.broker.stop)
        port = free_port()
        cls.broker.spawn(["node", str(pathlib.Path(__file__).with_name("fauxqs_server.mjs")), str(port)])
        wait_for("fauxqs", lambda: listens(port))
        cls.endpoint = f"127.0.0.1:{port}"
        cls.start_client()


if __name__ == "__main__":
    unittest.main(verbosity=2)
