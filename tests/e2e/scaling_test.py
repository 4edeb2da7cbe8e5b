"""What an operator says of a queue's instances: forced, paused, resumed, and overrides for a time."""

import json
import pathlib
import re
import signal
import sqlite3
import time
import unittest

from server_process import ServerTest, python_handler, wait_for

SCRIPTED = str(pathlib.Path(__file__).parent / "handlers" / "scripted.py")


def rfc3339(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class ScalingTests(ServerTest):
    def config(self, overrides=""):
        return f"""
[forecast]
step = "1s"

[[function]]
name = "worker"
{python_handler(SCRIPTED, "worker", writes=[self.notes])}environment = {{ JOURNAL = {json.dumps(str(self.journal))} }}
start_time_guess = "200ms"

[[mapping]]
queue = "jobs"
function = "worker"
{overrides}"""

    def queue_state(self, server):
        """As of the last second; the first is not over at once."""
        wait_for(lambda: server.http("GET", "/v1/queues/jobs")[0] == 200, "the queue is shown")
        return server.get("/v1/queues/jobs")

    def usable(self, server):
        instances = self.queue_state(server)["instances"]
        return instances["starting"] + instances["idle"] + instances["busy"]

    def scaling(self, server, *arguments):
        done = server.run("queue", "scaling", "jobs", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def test_forced_instances_are_there_survive_a_reload_and_a_restart_and_go_when_it_is_resumed(self):
        recording = self.folder / "events.txt"
        server = self.server("--record", recording, config=self.config()).start()
        self.scaling(server, "--force", "3")
        wait_for(lambda: self.queue_state(server)["instances"]["idle"] == 3, "three instances are there")
        state = self.queue_state(server)
        self.assertEqual(state["scaling"], {"order": "force", "instances": 3, "until": None})
        self.assertEqual((state["planned"], state["plan"]["constraint"]), (3, "forced"))
        self.assertRegex(server.run("queue", "list").stdout, r"jobs .*force 3")

        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "reloaded" in server.log_text(), "the configuration is read again")
        self.assertEqual(self.queue_state(server)["scaling"]["order"], "force")

        server.kill()
        server.start()
        wait_for(lambda: self.queue_state(server)["instances"]["idle"] == 3, "they are there after a restart")

        self.scaling(server, "--resume")
        wait_for(lambda: self.usable(server) == 0, "they are gone")
        self.assertIsNone(self.queue_state(server)["scaling"])
        self.assertEqual(server.stop(), 0)
        audit = server.run("replay", str(recording), "--audit")
        self.assertEqual(audit.returncode, 0, audit.stdout + audit.stderr)

    def test_what_is_forced_for_a_while_ends_by_itself(self):
        server = self.server(config=self.config()).start()
        answer = json.loads(self.scaling(server, "--force", "1", "--for", "2s", "--json").stdout)
        self.assertAlmostEqual(answer["until"], time.time() + 2, delta=30)
        wait_for(lambda: self.usable(server) == 1, "it is there")
        wait_for(lambda: self.usable(server) == 0, "it is gone")
        self.assertIsNone(self.queue_state(server)["scaling"])

    def test_paused_in_an_instance_stays_and_paused_out_a_message_still_gets_its_one(self):
        server = self.server(config=self.config()).start()
        self.scaling(server, "--pause-out")
        server.send("jobs", *(f"ok {n}" for n in range(20)))
        wait_for(lambda: sum(server.counts("jobs")) == 0, "all has run")
        starts = self.queue_state(server)["instances"]
        self.assertLessEqual(starts["idle"] + starts["busy"] + starts["starting"], 1)
        self.scaling(server, "--force", "2")
        wait_for(lambda: self.usable(server) == 2, "two are there")
        self.scaling(server, "--pause-in")
        time.sleep(3)  # several plans, each of which would let go of what has been idle so long
        self.assertEqual(self.usable(server), 2)
        self.assertEqual(self.queue_state(server)["scaling"]["order"], "pause_in")
        self.scaling(server, "--resume")
        wait_for(lambda: self.usable(server) == 0, "they are gone")

    def test_an_override_has_instances_for_its_time(self):
        now = time.time()
        server = self.server(config=self.config(f"""
[[mapping.override]]
from = "{rfc3339(now - 60)}"
until = "{rfc3339(now + 8)}"
at_least = 2
""")).start()
        wait_for(lambda: self.usable(server) == 2, "two are there")
        wait_for(lambda: self.queue_state(server)["plan"]["constraint"] == "override", "the plan says why")
        wait_for(lambda: self.usable(server) == 0, "they are gone after it")

    def test_what_is_planned_ahead_foresees_overrides_and_orders(self):
        begin = time.time() + 45
        server = self.server(config=self.config(f"""
[[mapping.override]]
from = "{rfc3339(begin)}"
until = "{rfc3339(begin + 600)}"
at_least = 4
""")).start()

        def plan():
            return json.loads(server.run("plan", "jobs", "--json").stdout)

        wait_for(lambda: plan()["directives"], "the override is within the horizon")
        [told] = plan()["directives"]
        self.assertEqual((told["before"], told["instances"]), (0, 4))
        self.assertLess(told["set_at"], told["from"])
        self.assertLessEqual(told["from"], rfc3339(begin))
        self.assertIn("verride", told["why"])

        self.scaling(server, "--force", "3")
        wait_for(lambda: plan()["set"] == 3, "it is in force")
        self.assertEqual(plan()["directives"], [], "an order is stronger, and goes on")
        self.scaling(server, "--force", "1", "--for", "30s")
        wait_for(lambda: plan()["set"] == 1, "it is in force")
        self.assertEqual([told["instances"] for told in plan()["directives"]][-1:], [4])

    def learnt(self):
        """The text that is kept of what the scaler of jobs has learnt; empty before the first."""
        database = sqlite3.connect(f"file:{self.folder / 'data' / 'history.db'}?mode=ro", uri=True)
        try:
            found = database.execute("SELECT memory FROM scalers JOIN series ON id = series WHERE name = 'jobs'").fetchall()
            return found[0][0] if found else ""
        finally:
            database.close()

    def keep_price(self, server, since):
        """Of a plan made since then; none before there is one."""
        plan = self.queue_state(server)["plan"]
        if plan is None or plan["at"] < since:
            return None
        said = re.search(r"its next need is worth (\S+) s of idle", plan["explanation"])
        return float(said[1]) if said else 0

    def test_what_the_scaler_learnt_is_there_after_kill_9_and_anew_where_it_cannot_be_read(self):
        server = self.server(config=self.config('scaling = { objective = "5ms" }')).start()

        def has_chosen():
            server.send("jobs", "ok", "ok")
            return re.search(r" chosen=(\d+) ", self.learnt())

        chosen = int(wait_for(has_chosen, "a candidate was chosen, and that was saved")[1])
        price = chosen % 16 and 2 ** (chosen % 16 - 1)
        book = 64  # the step over the late share, as a power of two
        self.assertNotEqual(price, book, "or the test says nothing")
        server.kill()
        restart = time.time()
        server.start()
        wait_for(lambda: self.keep_price(server, restart) == price, "it plans by what it had learnt")

        server.send("jobs", *["ok"] * 5)
        messages = float(re.search(r" messages=(\S+) ", self.learnt())[1])
        self.assertEqual(server.stop(), 0)
        self.assertGreater(float(re.search(r" messages=(\S+) ", self.learnt())[1]), messages, "the end saves too")

        with sqlite3.connect(self.folder / "data" / "history.db") as database:
            database.execute("UPDATE scalers SET memory = replace(memory, 'chosen', 'chose')")
        restart = time.time()
        server.start()
        self.assertRegex(server.log_text(), r"the scaler of 'jobs' had learnt cannot be read: column \d+.*begins anew")
        server.send("jobs", "ok")
        wait_for(lambda: self.keep_price(server, restart) is not None, "it plans")
        self.assertEqual(self.keep_price(server, restart), book)

    def test_what_makes_no_sense_is_refused(self):
        server = self.server(config=self.config()).start()
        for body in ({}, {"order": "stop"}, {"order": "force"}, {"order": "force", "instances": -1},
                     {"order": "pause_in", "instances": 3}, {"order": "pause_in", "for": "soon"}):
            status, text = server.http("POST", "/v1/queues/jobs/scaling", json.dumps(body))
            self.assertEqual(status, 400, text)
        status, text = server.http("POST", "/v1/queues/nothing/scaling", '{"order": "pause_in"}')
        self.assertEqual(status, 404, text)
        self.assertEqual(server.run("queue", "scaling", "jobs").returncode, 2)
        self.assertEqual(server.run("queue", "scaling", "jobs", "--resume", "--force", "2").returncode, 2)


if __name__ == "__main__":
    unittest.main()
