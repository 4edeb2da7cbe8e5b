"""`egress`: the program connects to what is named, and nowhere else."""

import os
import re
import signal
import unittest

from server_process import ServerTest, run, wait_for

# Nobody's address (RFC 5737), so that nothing answers where it is allowed.
SOURCES = """
[[source]]
queue = "rabbit"
url = "amqp://192.0.2.7/jobs"
[[source]]
queue = "nats"
url = "nats://192.0.2.7/JOBS/worker"
[[source]]
queue = "sqs"
url = "sqs+http://192.0.2.7:9/000000000000/jobs"
options = { region = "eu-west-1" }
"""


class EgressTests(ServerTest):
    def test_what_is_not_named_is_not_reached_until_it_is(self):
        server = self.server(config='egress = ["*.example.com", "192.0.2.7:5672"]\n' + SOURCES)
        server.environment = os.environ | {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}
        server.start()
        for queue, port in ("nats", 4222), ("sqs", 9):
            refused = f"queue '{queue}': .*egress does not allow a connection to 192.0.2.7:{port}"
            wait_for(lambda text=refused: re.search(text, server.log_text()), refused)
        wait_for(lambda: "queue 'rabbit': RabbitMQ" in server.log_text(), "what is named is tried")
        self.assertNotIn("192.0.2.7:5672: add it", server.log_text())
        server.config.write_text(SOURCES)
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "queue 'nats': NATS" in server.log_text(), "and without the list anything is", 60)

    def test_a_wrong_entry_is_refused_with_its_place(self):
        path = self.folder / "wrong.toml"
        path.write_text('egress = ["https://example.com"]\n')
        done = run("check", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("wrong.toml:1:10: egress: 'https://example.com' is not HOST", done.stderr)


if __name__ == "__main__":
    unittest.main()
