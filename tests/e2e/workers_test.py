"""Functions whose programs are workers elsewhere: what becomes of their runs, whoever dies."""

import signal
import unittest

from server_process import PROGRAM, wait_for
from worker_tests import WorkersTest


class Runs(WorkersTest):
    def test_messages_go_to_workers_and_one_that_is_killed_loses_nothing(self):
        server = self.serve(attempts=3)
        self.worker("first", program=(PROGRAM, "worker"))
        self.worker("second")
        self.wait_workers(server, 2)
        server.send("jobs", "sleep 1.5")
        victim = wait_for(lambda: self.tries("sleep 1.5"), "it runs")[0]
        server.send("jobs", *(f"ok {i}" for i in range(20)))
        self.workers[0 if victim == "first" else 1].kill()
        self.wait_empty(server)
        self.assertEqual(server.counts("dead"), (0, 0, 0))
        for i in range(20):
            self.assertTrue(self.tries(f"ok {i}"))
        other = "second" if victim == "first" else "first"
        self.assertEqual(self.tries("sleep 1.5"), [victim, other])
        self.assertIn("of 'worker': not heard of for 1 s", server.log_text())

    def test_a_worker_that_is_told_to_end_ends_its_run_first(self):
        server = self.serve()
        worker = self.worker("only")
        self.wait_workers(server, 1)
        server.send("jobs", "sleep 0.8")
        wait_for(lambda: self.tries("sleep 0.8"), "it runs")
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(30), 0)
        self.wait_empty(server)
        self.assertEqual(self.tries("sleep 0.8"), ["only"])
        self.wait_workers(server, 0)

    def test_a_run_over_its_time_is_a_timeout_and_its_worker_and_runtime_end(self):
        server = self.serve('timeout = "500ms"', attempts=1)
        worker = self.worker("only")
        self.wait_workers(server, 1)
        server.send("jobs", "hang")
        self.assertEqual(self.wait_dead(server), ["hang"])
        self.assertEqual(worker.wait(30), 1)
        self.assertIn("the server has ended the run", self.log("only"))
        self.assertIn("Function.TimedOut", server.run("dlq", "triage", "dead", "--json").stdout)

    def test_a_runtime_that_ends_in_its_run_is_a_crash_at_once(self):
        server = self.serve(attempts=1)
        worker = self.worker("only")
        self.wait_workers(server, 1)
        server.send("jobs", "exit")
        self.assertEqual(self.wait_dead(server), ["exit"])
        self.assertEqual(worker.wait(30), 3)
        self.assertIn("its runtime has ended: exit status 3", server.log_text())


if __name__ == "__main__":
    unittest.main()
