"""`forewarm check --connect`: what the engines of sources would do against the configuration, with a real nats-server."""

import unittest

from nats_source_test import Nats
from server_process import ServerTest, run, wait_for
from source_tests import Client, free_port


class CheckSources(ServerTest):
    def setUp(self):
        super().setUp()
        (self.folder / "nats").mkdir()
        self.broker = Nats(self.folder / "nats", free_port())
        self.addCleanup(self.broker.stop)
        self.broker.start()
        self.client = Client("nats_client.mjs", f"nats://127.0.0.1:{self.broker.port}")
        self.addCleanup(self.client.close)
        self.client.do("stream", name="S", subjects=["s"], retention="workqueue")
        self.client.do("publish", subject="s", messages=[{"body": "kept"}])

    def consumer(self, name="w", **config):
        self.client.do("consumer", stream="S", config={"durable_name": name, "ack_policy": "explicit"} | config)

    def config(self, *urls):
        path = self.folder / "forewarm.toml"
        path.write_text("".join(f'[[source]]\nqueue = "q{n}"\nurl = "{url}"\nattempts_max = 5\n' for n, url in enumerate(urls)))
        return path

    def check(self, *urls, options=("--connect",)):
        done = run("check", *options, self.config(*urls))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def test_an_engine_that_gives_up_sooner_is_said_by_check_and_by_serve(self):
        for limit, warned in ((3, True), (5, True), (6, False), (-1, False)):
            name = f"w{limit}".replace("-", "none")
            with self.subTest(limit):
                self.client.do("stream", name="S" + name, subjects=["s" + name], retention="workqueue")
                self.client.do("consumer", stream="S" + name,
                               config={"durable_name": name, "ack_policy": "explicit", "max_deliver": limit})
                said = self.check(self.broker.url("S" + name, name))
                self.assertEqual(f"by itself after {limit} deliveries, and attempts_max is 5" in said, warned, said)
                self.assertEqual(said == "", not warned, said)
        url = self.broker.url("Sw3", "w3")
        server = self.server(config=self.config(url).read_text()).start()
        wait_for(lambda: "by itself after 3 deliveries" in server.log_text(), "the log warns")

    def test_nothing_is_made_or_taken(self):
        self.assertIn("the consumer is not there yet; serve creates it", self.check(self.broker.url("S")))
        with self.assertRaisesRegex(AssertionError, "not found"):
            self.client.do("consumer_info", stream="S", name="w")
        self.assertIn("nats consumer add", self.check(self.broker.url("S", options="&create=false")))
        self.consumer()
        self.assertEqual(self.check(self.broker.url("S")), "")
        info = self.client.do("consumer_info", stream="S", name="w")
        self.assertEqual((info["num_pending"], info["num_ack_pending"]), (1, 0))

    def test_each_source_is_asked_and_what_is_wrong_is_said(self):
        self.consumer()
        nowhere = f"nats://secret@127.0.0.1:{free_port()}/S/w"
        said = self.check(nowhere, self.broker.url("MISSING"), self.broker.url("S"))
        self.assertIn("warning: the source of queue 'q0': ", said)
        self.assertIn("cannot be reached", said)
        self.assertIn("warning: the source of queue 'q1': ", said)
        self.assertIn("nats stream add", said)
        self.assertNotIn("q2", said)
        self.assertNotIn("secret", said)

    def test_without_connect_nobody_is_asked_and_that_is_said(self):
        self.broker.stop()
        said = self.check(self.broker.url("S"), options=())
        self.assertEqual(said, "the engines of its sources were not asked; --connect does that\n")


if __name__ == "__main__":
    unittest.main()
