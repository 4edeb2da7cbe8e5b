"""forewarm control with its history and what it found at targets in a real PostgreSQL: whoever comes later knows both, and the
database may crash in the middle."""

import json
import os
import re
import signal
import socket
import time
import unittest

from loopback_recorder import Recorder
from postgres_server import DatabaseTest
from server_process import run, wait_for


class PostgresHistoryTest(DatabaseTest):
    def setUp(self):
        super().setUp()
        self.database.query("DROP SCHEMA IF EXISTS forewarm CASCADE")

    def tearDown(self):
        for server in self.servers:
            self.assertNotIn(self.database.password, server.log.read_text() if server.log.exists() else "")
        super().tearDown()

    def shared(self, name, leader=False, url=None, notify="", **config):
        """One copy, with an empty folder."""
        secret = self.folder / "password"
        secret.write_text(self.database.password + "\n")
        more = f'history = "{url or self.database.url}"\n'
        if url is None:
            more += f'history_password_file = "{secret}"\n'
        if leader:
            more += f'''
[leader]
kind = "postgresql-lock"
url = "{self.database.url}"
password_file = "{secret}"
name = "{self._testMethodName}"
identity = "{name}"
lease = "2s"
renew_deadline = "1500ms"
retry = "200ms"
'''
        return self.copy(name, more + notify, **config)

    def listed(self, control):
        """The history's series by name."""
        done = run("history", "list", "--config", control.config, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return {one["name"]: one for one in json.loads(done.stdout)}

    def rows(self):
        return int(self.database.query("SELECT count(*) FROM forewarm.queue_history"))

    def lines(self, control, text):
        return [line for line in control.log.read_text().splitlines() if text in line]

    def test_another_copy_knows_the_history_and_puts_back_what_the_first_one_found(self):
        a = self.shared("a", leader=True).start()
        wait_for(lambda: a.get("/v1/plan")["leader"]["leads"], "it leads")
        b = self.shared("b", leader=True).start()
        self.prometheus.backlog(3000)
        wait_for(lambda: self.api.replicas == 30, "the first acts")
        a.kill()
        self.prometheus.drain()
        wait_for(lambda: b.get("/v1/plan")["leader"]["leads"], "the other leads")
        self.api.replicas = 3
        self.prometheus.backlog(3000)
        wait_for(lambda: self.api.replicas == 30, "the other acts")
        wait_for(lambda: self.listed(b)["orders"]["measured_seconds"] >= 2, "both have written")
        b.stop()
        rows = self.rows()
        self.assertGreater(rows, 0)
        c = self.shared("c")
        c.start()
        wait_for(lambda: c.log_lines("history is back"), "its forecasts begin with what the others measured")
        c.stop()
        self.assertGreaterEqual(self.rows(), rows)
        done = run("control", "rollback", "--config", c.config)
        self.assertEqual((done.returncode, done.stdout), (0, "orders: 2, as found\n"), done.stderr)
        self.assertEqual(self.api.replicas, 2)
        again = run("control", "rollback", "--config", c.config)
        self.assertIn("nothing was ever changed", again.stderr)

    def learnt(self):
        kept = re.search(r"learnt=(\d+)", self.database.query("SELECT memory FROM forewarm.scalers"))
        return int(kept[1]) if kept else 0

    def test_a_copy_elsewhere_goes_on_with_what_was_learnt(self):
        a = self.shared("a", leader=True).start()
        wait_for(lambda: a.get("/v1/plan")["leader"]["leads"], "it leads")
        b = self.shared("b", leader=True).start()
        wait_for(lambda: a.queue()["set"] == 2 and b.queue()["set"] == 2, "both watch")
        self.prometheus.backlog(300)
        wait_for(lambda: self.learnt() == 300, "the one that leads writes it")
        a.kill()
        wait_for(lambda: b.get("/v1/plan")["leader"]["leads"], "the other leads")
        b.kill()
        c = self.shared("c")
        c.start()
        wait_for(lambda: c.queue()["set"] is not None, "it watches")
        self.prometheus.flow(7)
        read = c.metric("forewarm_control_readings_total", 'result="succeeded"')
        wait_for(lambda: c.metric("forewarm_control_readings_total", 'result="succeeded"') > read + 2, "it is read again")
        c.stop()
        self.assertGreaterEqual(self.learnt(), 307)

    def test_who_leads_next_knows_what_receivers_were_told(self):
        web = Recorder(lambda request: (200, "ok"))
        self.addCleanup(web.close)

        def told():
            return [json.loads(request["body"])["status"] for request in web.requests]

        notify = ('\n[alerts]\nevery = "1s"\nfor = { ForewarmControlSilent = "0s" }\n[[notify]]\nname = "hook"\n'
                  f'url = "{web.url}"\nalerts = ["ForewarmControlSilent"]\ngroup_wait = "0s"\ngroup_interval = "1s"\n')
        a = self.shared("a", leader=True, notify=notify).start()
        wait_for(lambda: a.get("/v1/plan")["leader"]["leads"], "it leads")
        b = self.shared("b", leader=True, notify=notify).start()
        wait_for(lambda: b.get("/v1/plan")["leader"]["leader"] == "a", "the other knows")
        self.prometheus.down = True
        wait_for(lambda: told() == ["firing"], "the one that leads tells")
        kept = "SELECT count(*) FROM forewarm.memories WHERE memory LIKE '%\"told\":[{%'"
        wait_for(lambda: self.database.query(kept) == "1", "which is kept")
        a.kill()
        wait_for(lambda: b.get("/v1/plan")["leader"]["leads"], "the other leads")
        now = time.monotonic()
        wait_for(lambda: time.monotonic() > now + 2.5, "looks go by")
        self.prometheus.down = False
        wait_for(lambda: len(told()) > 1, "it tells of the end")
        self.assertEqual(told(), ["firing", "resolved"])

    def test_a_crash_of_the_database_is_a_gap_and_no_target_is_told_before_what_was_found_is_kept(self):
        self.prometheus.drain()
        a = self.shared("a").start()
        wait_for(lambda: "orders" in self.listed(a), "it writes")
        self.database.crash()
        self.prometheus.backlog(3000)
        wait_for(lambda: "kept" in a.queue()["refusal"], "it is said why nothing is told")
        self.assertEqual(self.api.noted("PATCH"), [])
        wait_for(lambda: len(self.lines(a, "is missing in the history")) == 1, "the gap is said")
        self.database.start()
        wait_for(lambda: self.api.replicas == 30, "what was found is kept, and the target told")
        self.assertEqual(self.database.query("SELECT found FROM forewarm.targets"), "2")
        wait_for(lambda: self.lines(a, "the history is written again"), "it is said")
        rows = self.rows()
        wait_for(lambda: self.rows() > rows, "it writes again")
        self.assertEqual(len(self.lines(a, "is missing in the history")), 1)
        self.database.crash()
        self.api.replicas = 10
        wait_for(lambda: self.api.replicas == 30, "what was told before is told without it")
        self.database.start()
        self.assertEqual(a.stop(), 0)

    def set_password(self, password):
        self.database.query(f"ALTER ROLE forewarm PASSWORD '{password}'")
        self.database.password = password

    def test_a_password_that_is_not_taken_any_more_is_said_and_the_new_one_is_read_from_the_file(self):
        self.addCleanup(self.set_password, self.database.password)
        self.prometheus.drain()
        a = self.shared("a", leader=True).start()
        wait_for(lambda: a.get("/v1/plan")["leader"]["leads"] and "orders" in self.listed(a), "it leads and writes")
        self.set_password("a-password-that-came-later")
        self.database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = 'forewarm'")
        wait_for(lambda: "password authentication failed" in a.get("/v1/plan")["leader"]["problem"], "the lock's session says so")
        wait_for(lambda: self.lines(a, "is missing in the history"), "and the history's")
        wait_for(lambda: not a.get("/v1/plan")["leader"]["leads"], "it does not lead any more")
        tried = len(self.lines(a, "password authentication failed"))
        self.prometheus.backlog(3000)
        wait_for(lambda: a.queue()["order"], "it plans")
        self.assertEqual(self.api.noted("PATCH"), [])
        self.assertLess(tried, 10, "it is not said again and again")
        (self.folder / "password").write_text(self.database.password + "\n")
        wait_for(lambda: self.lines(a, "the history is written again"), "the new one is read")
        wait_for(lambda: self.api.replicas == 30, "it leads again, and acts")

    def test_a_database_that_hangs_stops_neither_watching_nor_the_end(self):
        a = self.shared("a").start()
        wait_for(lambda: "orders" in self.listed(a), "it writes")
        stopped = [int(pid) for pid in self.database.query(
            f"SELECT pid FROM pg_stat_activity WHERE application_name = '{socket.gethostname()}'").split()]
        self.assertEqual(len(stopped), 1)
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
            self.addCleanup(os.kill, pid, signal.SIGCONT)
        self.prometheus.backlog(3000)
        wait_for(lambda: a.queue()["instances"] == 30, "it plans")
        read = a.metric("forewarm_control_readings_total", 'result="succeeded"')
        wait_for(lambda: a.metric("forewarm_control_readings_total", 'result="succeeded"') > read + 5, "it watches")
        self.assertEqual(self.api.noted("PATCH"), [])
        self.assertEqual(a.stop(), 0)

    def test_without_the_database_it_does_not_start_and_says_where_it_looked(self):
        url = self.database.url.replace("forewarm@", f"forewarm:{self.database.password}@")
        self.shared("well", url=url).start().stop()
        nowhere = url.replace(f":{self.database.port}/", ":1/")
        control = self.shared("a", url=nowhere)
        for command in ("control",), ("history", "list"), ("control", "rollback"):
            done = run(*command, "--config", control.config)
            self.assertEqual(done.returncode, 1)
            self.assertIn("the history in postgresql://forewarm@127.0.0.1:1/postgres cannot be opened", done.stderr)
            self.assertNotIn(self.database.password, done.stderr)
        broken = self.shared("b", url=url.replace(self.database.password, "pass/word"))
        done = run("control", "--config", broken.config)
        self.assertEqual(done.returncode, 1)
        self.assertIn("%XX", done.stderr)
        self.assertNotIn("pass", done.stderr.replace("password", ""))
        narrow = self.shared("c", url="postgresql://forewarm@203.0.113.7:5432/postgres")
        narrow.config.write_text('egress = ["*.example.com"]\n' + narrow.config.read_text())
        for command in ("control",), ("history", "list"), ("control", "rollback"):
            done = run(*command, "--config", narrow.config)
            self.assertEqual(done.returncode, 1)
            self.assertIn("egress", done.stderr)
        server = self.folder / "server.toml"
        server.write_text(f'history = "{url}"\n')
        done = run("serve", "--config", server)
        self.assertIn("only forewarm control", done.stderr)
        self.assertNotIn(self.database.password, done.stderr)

    def test_what_a_file_kept_goes_into_the_database(self):
        folder = self.folder / "a"
        a = self.shared("a")
        a.data.mkdir()
        kept = {"target": "", "found": 5, "told": 9, "changed": True, "since_us": 1}
        (a.data / "control-state.json").write_text(json.dumps({"schema": 1, "queues": {"orders": kept}}))
        a.start()
        self.assertEqual(self.database.query("SELECT found, told FROM forewarm.targets"), "5|9")
        self.assertEqual(sorted(each.name for each in (folder / "data").glob("control-state*")),
                         ["control-state.json.taken-over"])

    def test_a_history_is_imported_and_exported_there(self):
        a = self.shared("a")
        source = self.folder / "past.csv"
        start = int(time.time()) // 3600 * 3600 - 7200
        source.write_text("timestamp_s,queue,count\n" + "".join(f"{start + 60 * i},orders,{i}\n" for i in range(5)))
        done = run("history", "import", source, "--config", a.config)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("added 5 intervals", done.stdout)
        done = run("history", "export", "--config", a.config)
        self.assertEqual(len(done.stdout.splitlines()), 6, done.stdout + done.stderr)
        self.assertFalse(a.data.exists())


if __name__ == "__main__":
    unittest.main()
