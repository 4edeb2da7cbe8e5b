"""A full disk: messages are refused in words, everything else goes on, and it ends by itself. And the limits of a queue.

The full disk is a tmpfs of 40 MB; without the right to mount one, that test is skipped.
"""

import os
import pathlib
import subprocess
import unittest

from server_process import Refused, Server, ServerTest, wait_for


class DiskFullTests(ServerTest):
    def small_disk(self):
        disk = self.folder / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(disk)], capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("no tmpfs can be mounted: " + mounted.stderr.decode())
        self.addCleanup(subprocess.run, ["umount", "-l", str(disk)], capture_output=True)
        return disk

    def fill(self, server, body):
        """Sends until it is refused: how many were taken, and the refusal."""
        url = server.url("jobs")
        for number in range(1000):
            try:
                server.sqs("SendMessage", QueueUrl=url, MessageBody=body)
            except Refused as refused:
                return number, refused
        raise AssertionError("the disk does not get full")

    def test_messages_are_refused_the_rest_goes_on_and_room_ends_it(self):
        disk = self.small_disk()
        config = self.folder / "forewarm.toml"
        config.write_text("disk_reserve_mb = 4\n")
        server = Server(disk, config=config)
        server.log = self.folder / "server.log"
        self.servers.append(server)
        server.start()
        server.queue("jobs", VisibilityTimeout="600")
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(20 << 20))
        taken, refused = self.fill(server, "x" * 200_000)
        self.assertGreater(taken, 5)
        self.assertEqual((refused.status, refused.code.split("#")[-1]), (503, "ServiceUnavailableException"))
        self.assertIn("full", refused.message)
        self.assertTrue(server.process.poll() is None)
        wait_for(lambda: "forewarm_store_full 1" in server.http("GET", "/metrics")[1], "the metric says so")
        received = 0
        while messages := server.receive("jobs"):
            for message in messages:
                server.sqs("DeleteMessage", QueueUrl=server.url("jobs"), ReceiptHandle=message["ReceiptHandle"])
                received += 1
        self.assertEqual(received, taken, "what was acknowledged is there")
        self.assertEqual(server.counts("jobs"), (0, 0, 0))
        wait_for(lambda: "the disk is full" in server.log_text(), "the log says so")
        ballast.unlink()
        wait_for(lambda: self.sends(server), "messages are taken again")
        server.kill()
        server.start()
        self.assertEqual(sum(server.counts("jobs")), 1, "the deletes are durable, and the last message too")

    def sends(self, server):
        try:
            server.send("jobs", "room")
            return True
        except Refused:
            return False

    def test_a_queue_has_the_limits_of_its_attributes(self):
        server = self.server(config='[[queue]]\nname = "few"\nattributes = { ForewarmMaximumMessages = "2" }\n').start()
        server.send("few", "one", "two")
        with self.assertRaises(Refused) as refused:
            server.send("few", "three")
        self.assertEqual(refused.exception.status, 403)
        self.assertIn("OverLimit", refused.exception.code)
        self.assertIn("ForewarmMaximumMessages", refused.exception.message)
        server.kill()
        server.start()
        with self.assertRaises(Refused):
            server.send("few", "three")
        message = server.receive("few", MaxNumberOfMessages=1)[0]
        server.sqs("DeleteMessage", QueueUrl=server.url("few"), ReceiptHandle=message["ReceiptHandle"])
        server.send("few", "three")


if __name__ == "__main__":
    unittest.main(verbosity=2)
