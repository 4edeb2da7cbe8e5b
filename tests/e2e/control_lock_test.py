"""Two copies of forewarm control with one lock of a real PostgreSQL: one acts; the other when the first is gone or hangs; nobody
without the database."""

import signal
import time
import unittest

from postgres_server import DatabaseTest
from server_process import run, wait_for


class LockTest(DatabaseTest):
    def locked(self, name, password=None):
        """One copy, with a folder and an identity of its own."""
        secret = self.folder / f"password of {name}"
        secret.write_text((password or self.database.password) + "\n")
        return self.copy(name, f'''
[leader]
kind = "postgresql-lock"
url = "{self.database.url}"
password_file = "{secret}"
name = "{self._testMethodName}"
identity = "{name}"
lease = "3s"
renew_deadline = "2s"
retry = "200ms"
''').start()

    def two(self):
        a = self.locked("a")
        wait_for(lambda: self.leads(a), "it leads")
        b = self.locked("b")
        wait_for(lambda: self.leader(b)["leader"] == "a", "it knows whom it follows")
        wait_for(lambda: b.queue()["set"] == 2, "it reads the target too")
        return a, b

    def leader(self, control):
        return control.get("/v1/plan")["leader"]

    def leads(self, control):
        return self.leader(control)["leads"]

    def test_one_acts_then_the_other_when_it_is_killed_and_a_rollback_when_all_are_stopped(self):
        a, b = self.two()
        a.kill()
        self.prometheus.backlog(3000)
        wait_for(lambda: self.api.replicas == 30, "the other acts")
        self.assertTrue(b.log_lines("this copy leads: it acts"))
        b.stop()
        done = run("control", "rollback", "--config", b.config)
        self.assertEqual((done.returncode, done.stdout), (0, "orders: 2, as found\n"), done.stderr)

    def test_whose_session_is_ended_by_idling_or_by_force_follows_and_never_do_two_lead(self):
        a, b = self.two()
        a.process.send_signal(signal.SIGSTOP)
        wait_for(lambda: self.leads(b), "the other leads")
        a.process.send_signal(signal.SIGCONT)
        wait_for(lambda: self.leader(a)["leader"] == "b", "the first knows")
        self.assertTrue(self.leads(b))
        self.database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'b'")
        lost, until = False, time.monotonic() + 6
        while time.monotonic() < until:
            leaders = [self.leads(each) for each in (a, b)]
            lost = lost or not any(leaders)
            self.assertLess(sum(leaders), 2)
        self.assertTrue(lost, "whoever gets the lock waits")
        wait_for(lambda: self.leads(a) or self.leads(b), "one leads again")

    def test_without_the_database_nobody_acts(self):
        a, b = self.two()
        self.database.crash()
        wait_for(lambda: not self.leads(a), "it stops leading")
        self.prometheus.backlog(3000)
        wait_for(lambda: a.queue()["order"] and b.queue()["order"], "the plan goes on")
        self.assertEqual(self.api.noted("PATCH"), [])
        self.assertIn("onnect", self.leader(a)["problem"])
        self.database.start()
        wait_for(lambda: self.api.replicas == 30, "one acts again")
        self.assertNotEqual(self.leads(a), self.leads(b))

    def test_a_wrong_password_is_said_and_nobody_acts(self):
        a = self.locked("a", password="wrong")
        problem = wait_for(lambda: self.leader(a)["problem"], "it is said")
        self.assertIn("password authentication failed", problem)
        self.assertFalse(self.leads(a))
        self.assertNotIn("wrong", a.log_text())


if __name__ == "__main__":
    unittest.main()
