"""The Service Bus source at a queue with sessions: order within each, several at a time, and what a lost lock takes with it."""

import collections
import signal
import time
import unittest

from fake_service_bus import WithFake, bodies
from source_tests import Probe, wait_for


class WithSessions(WithFake):
    def sessions(self, *names, count=4, **about):
        """A queue with messages NAME0, NAME1, ... in sessions of these names, sent in turns."""
        queue = self.queue(requires_session=True, **about)
        self.add(queue, *((name, f"{name}{i}") for i in range(count) for name in names))
        return queue

    def add(self, queue, *messages):
        self.fake.do("add", name=queue, messages=[{"session": session, "body": body} for session, body in messages])

    def held(self, queue):
        return set(self.fake.do("sessions", name=queue))

    def accepted(self):
        return self.fake.do("seen")["accepted"]

    def assert_in_order(self, lent):
        of = collections.defaultdict(list)
        for message in lent:
            self.assertTrue(message["body"].startswith(message["group"]))
            of[message["group"]].append(int(message["body"][len(message["group"]):]))
        for session, numbers in of.items():
            self.assertEqual(numbers, sorted(numbers), session)

    def settle_as_they_come(self, probe, count, at_most=lambda out: None, done=0):
        """Settles what is lent beyond the first `done`, the newest session first, until so many were."""
        while done < count:
            lent = probe.wait_count(done + 1)
            at_most(collections.Counter(message["group"] for message in lent[done:]))
            settled = probe.settle_and_wait([message["token"] for message in reversed(lent[done:])])
            self.assertEqual([one for one in settled if not one["ok"]], [])
            done = len(lent)


class ServiceBusSessions(WithSessions):
    def test_lends_several_sessions_at_once_and_each_in_its_order(self):
        queue = self.sessions("a", "b", "c")
        with Probe(self.fake.url(queue, **self.management()), window=10) as probe:
            first = probe.wait_count(3)
            self.assertEqual(bodies(first), [f"{message['group']}0" for message in first])
            self.assertEqual({message["group"] for message in first}, {"a", "b", "c"})
            self.assertEqual(first[0]["attributes"]["group-id"], first[0]["group"])
            self.assertEqual(probe.ask("traits", "traits")["counts_deliveries"], False)
            # Whoever takes them knows nothing of groups: one of each.
            self.settle_as_they_come(probe, 12, lambda out: self.assertLessEqual(max(out.values()), 1))
            self.assert_in_order(probe.lent())
            self.assertEqual(len({message["id"] for message in probe.lent()}), 12)
        self.assertEqual(self.left(queue), [])

    def test_a_session_lends_its_share_of_the_window_to_who_keeps_the_order(self):
        queue = self.sessions("a", "b", count=8)
        with Probe(self.fake.url(queue, sessions="2"), window=6, queue="orders.fifo") as probe:
            probe.wait("two of each", lambda _: {"a0", "a1", "b0", "b1"} <= set(bodies(probe.lent())))
            self.assertLessEqual(len(probe.lent()), 6)
            probe.settle_and_wait([message["token"] for message in probe.lent() if message["body"] in ("a0", "b0")])
            probe.wait("the next ones", lambda _: {"a2", "b2"} <= set(bodies(probe.lent())))
            probe.send(op="window", n=40)
            self.assertEqual(len(bodies(probe.wait_count(16))), 16)
            self.assert_in_order(probe.lent())

    def test_many_short_sessions_are_served_in_few_places(self):
        names = [f"s{i:02}-" for i in range(20)]
        queue = self.sessions(*names, count=2)
        began = time.monotonic()
        with Probe(self.fake.url(queue, sessions="2"), window=10) as probe:
            self.settle_as_they_come(probe, 40, lambda out: self.assertLessEqual(len(out), 2))
            self.assert_in_order(probe.lent())
            # A session without messages is left at once, and not when it has been idle for long.
            self.assertLess(time.monotonic() - began, 20)
            self.assertEqual([state["ok"] for state in probe.of("state")], [True])

    def test_a_session_that_never_ends_makes_room(self):
        queue = self.sessions("busy", count=30)
        with Probe(self.fake.url(queue, sessions="1", session_turn="300ms"), window=5) as probe:
            probe.wait_count(1)
            self.add(queue, ("other", "other0"))
            done = 0
            while "other0" not in bodies(probe.lent()):
                lent = probe.wait_count(done + 1)
                time.sleep(0.05)  # the work
                probe.settle_and_wait([message["token"] for message in lent[done:]])
                done = len(lent)
            self.assertLess(done, 25)
            self.settle_as_they_come(probe, 31, done=done)
            self.assert_in_order(probe.lent())

    def test_a_session_that_waits_takes_no_room_from_others(self):
        queue = self.sessions("a", count=8)
        with Probe(self.fake.url(queue, sessions="8"), window=4, queue="orders.fifo") as probe:
            # Its first message is not done for long.
            self.assertEqual(bodies(probe.wait_count(2)), ["a0", "a1"])
            self.add(queue, *((name, f"{name}{i}") for name in "bcd" for i in range(4)))
            done = 2
            while done < 14:
                lent = probe.wait_count(done + 1)
                self.assertLessEqual(len(lent) - done + 2, 4)
                probe.settle_and_wait([lent[done]["token"]])
                done += 1
            said = bodies(probe.lent())
            self.assertEqual(set(said[:2]), {"a0", "a1"})
            self.assert_in_order(probe.lent())
            for one, other in ("bc", "cd", "bd"):
                self.assertLess(said.index(f"{other}0"), said.index(f"{one}3"), "all of them in turns")

    def test_an_idle_session_is_left_to_others(self):
        queue = self.sessions("s", count=1)
        with Probe(self.fake.url(queue, session_idle="500ms", sessions="4"), window=5) as probe:
            probe.settle_and_wait([probe.wait_count(1)[0]["token"]])
            self.assertEqual(self.held(queue), {"s"})
            wait_for("the session is left", lambda: self.held(queue) == set())
            self.add(queue, ("s", "s1"))
            self.assertEqual(probe.wait_count(2)[1]["body"], "s1")

    def test_no_session_is_no_failure(self):
        queue = self.queue(requires_session=True)
        self.fake.do("fault", name="no_patience", times=3)
        with Probe(self.fake.url(queue, sessions="4"), window=5) as probe:
            probe.wait_state(True)
            wait_for("another try waits", lambda: self.fake.do("seen")["waiting"] == 1)
            self.add(queue, ("s", "s0"))
            self.assertEqual(probe.wait_count(1)[0]["body"], "s0")
            self.assertEqual([state["ok"] for state in probe.of("state")], [True])
            self.fake.do("fault", name="no_patience", times=0)

    def test_an_extended_session_stays_and_another_is_lost_and_comes_again(self):
        queue = self.sessions("kept", "left", count=2, lock_ms=1000)
        with Probe(self.fake.url(queue, **self.management()), window=10) as probe:
            lent = {message["group"]: message for message in probe.wait_count(2)}
            began = time.monotonic()
            self.fake.do("fault", name="slow_renew", times=2)
            while time.monotonic() - began < 3 or len(probe.lent()) < 3:
                self.assertLess(time.monotonic() - began, 30)
                until = probe.ask("extend", "extended", tokens=[lent["kept"]["token"]])["until_us"]
                self.assertEqual(list(until), [lent["kept"]["token"]])
                self.assertGreater(until[lent["kept"]["token"]], time.time() * 1e6 + 3e5)
            again = probe.lent()[2]
            self.assertEqual((again["id"], again["body"]), (lent["left"]["id"], "left0"))
            self.assertIn(lent["left"]["token"], probe.lost())
            self.assertNotIn(lent["kept"]["token"], probe.lost())
            self.assertTrue(probe.settle_and_wait([lent["kept"]["token"]])[0]["ok"])
            self.assertIn("not ours any more", probe.settle_and_wait([lent["left"]["token"]])[0]["error"])

    def test_an_idle_session_keeps_its_lock(self):
        queue = self.sessions("s", count=1, lock_ms=1000)
        with Probe(self.fake.url(queue, sessions="4", **self.management()), window=5) as probe:
            probe.settle_and_wait([probe.wait_count(1)[0]["token"]])
            renewals = self.fake.do("seen")["renewals"]
            wait_for("renewals", lambda: self.fake.do("seen")["renewals"] >= renewals + 4)
            self.assertEqual(self.held(queue), {"s"})
            self.add(queue, ("s", "s1"))
            self.assertTrue(probe.settle_and_wait([probe.wait_count(2)[1]["token"]])[0]["ok"])
            self.assertEqual(probe.lost(), [])

    def test_a_released_message_comes_again_before_those_behind_it(self):
        queue = self.sessions("s", count=3)
        with Probe(self.fake.url(queue, sessions="1"), window=5) as probe:
            first = probe.wait_count(1)[0]
            self.assertTrue(probe.settle_and_wait([first["token"]], "release")[0]["ok"])
            second = probe.wait_count(2)[1]
            self.assertIn(second["body"], ("s0", "s1"), "what waited here is lent next")
            self.settle_as_they_come(probe, 4, done=1)
        self.assertEqual(self.left(queue), [])

    def test_a_dead_letter_lets_the_next_ones_go_on(self):
        queue = self.sessions("s", count=2)
        with Probe(self.fake.url(queue, sessions="1"), window=5) as probe:
            self.assertTrue(probe.settle_and_wait([probe.wait_count(1)[0]["token"]], "dead_letter", reason="given up")[0]["ok"])
            self.assertEqual(probe.wait_count(2)[1]["body"], "s1")
        self.assertEqual([one["reason"] for one in self.fake.do("dead", name=queue)], ["given up"])

    def test_says_what_is_wrong_and_what_to_do(self):
        plain = self.queue()
        self.fake.do("queue", name="with-sessions", requires_session=True)
        cases = {
            self.fake.url(plain, sessions="4"): "has no sessions; leave out the option sessions",
            self.fake.url("nowhere", sessions="4"): "create it, or correct the URL",
        }
        for url, text in cases.items():
            with self.subTest(text), Probe(url, window=3) as probe:
                self.assertIn(text, probe.wait_state(False)["error"])
                probe.wait("a second try", lambda _: len(probe.of("state")) >= 2)
                self.assertFalse(any(state["ok"] for state in probe.of("state")))
        with Probe(self.fake.url("with-sessions")) as probe:
            probe.wait_state(True)
            self.assertIn("SessionId was not set", probe.ask("publish", "published", body="x")["error"])

    def test_who_may_not_read_the_description_is_told_of_sessions_by_the_link(self):
        queue = self.sessions("a", "b", count=2)
        with Probe(self.fake.url(queue), window=5) as probe:
            self.settle_as_they_come(probe, 4)
            self.assert_in_order(probe.lent())
            self.assertEqual([state["ok"] for state in probe.of("state")], [True])
            # It is made anew without sessions.
            self.fake.do("queue", name=queue)
            self.add(queue, (None, "plain"))
            self.fake.do("drop")
            self.assertEqual(probe.wait_count(5)[4]["body"], "plain")

    def test_what_it_publishes_has_a_session(self):
        queue = self.queue(requires_session=True)
        with Probe(self.fake.url(queue, sessions="1"), window=2) as probe:
            probe.wait_state(True)
            self.assertTrue(probe.ask("publish", "published", body="x", group="acme")["ok"])
            message = probe.wait_count(1)[0]
            self.assertEqual((message["body"], message["group"]), ("x", "acme"))

    def test_the_window_closes_and_opens(self):
        queue = self.sessions("a", "b", "c")
        with Probe(self.fake.url(queue, sessions="3"), window=2) as probe:
            probe.wait_count(2)
            self.assertEqual(len(self.held(queue)), 2)
            probe.send(op="window", n=0)
            probe.settle_and_wait([message["token"] for message in probe.lent()])
            wait_for("every session is left", lambda: self.held(queue) == set())
            self.assertEqual(len(probe.lent()), 2)
            self.assertFalse(any(one["locked"] for one in self.left(queue)))
            probe.send(op="window", n=10)
            self.settle_as_they_come(probe, 12, done=2)
            self.assert_in_order(probe.lent())


class SessionFaults(WithSessions):
    def test_a_connection_that_ends_takes_its_sessions_with_it(self):
        queue = self.sessions("a", "b", count=2)
        with Probe(self.fake.url(queue, sessions="4"), window=10) as probe:
            a, b = probe.wait_count(2)
            self.fake.do("fault", name="mute_after_settle", times=1)
            probe.settle([a["token"]])
            wait_for("it is gone there", lambda: len(self.left(queue)) == 3)
            # The next one is lent while the answer is on its way.
            self.assertEqual(probe.wait_count(3)[2]["body"], f"{a['group']}1")
            before = len(probe.of("state"))
            self.fake.do("drop")
            probe.wait_state(False, before)
            probe.wait("what is lost", lambda _: b["token"] in probe.lost())
            self.assertIn("come again if they were not settled", probe.settled()[a["token"]]["error"])
            self.assertIn("not ours any more", probe.settle_and_wait([b["token"]])[0]["error"])
            probe.wait_state(True, before)
            self.assertEqual(sorted(bodies(probe.wait_count(5)[3:])), sorted([f"{a['group']}1", f"{b['group']}0"]))
            # That it is the first delivery is not said of what may be one more.
            self.assertEqual({message["deliveries"] for message in probe.lent()}, {0})

    def test_a_lost_lock_takes_that_session_and_no_other(self):
        queue = self.sessions("a", "b", count=2)
        with Probe(self.fake.url(queue, sessions="4"), window=10) as probe:
            lent = {message["group"]: message for message in probe.wait_count(2)}
            self.fake.do("lose_session", name=queue, session="a")
            probe.wait("what is lost", lambda _: lent["a"]["token"] in probe.lost())
            again = probe.wait_count(3)[2]
            self.assertEqual((again["body"], again["id"], again["deliveries"]), ("a0", lent["a"]["id"], 2))
            self.assertTrue(all(one["ok"] for one in probe.settle_and_wait([again["token"], lent["b"]["token"]])))
            self.assertEqual(probe.lost(), [lent["a"]["token"]])
            self.assertEqual([state["ok"] for state in probe.of("state")], [True])

    def test_a_session_that_another_has_taken_is_waited_for(self):
        queue = self.sessions("a", "b", count=2)
        with Probe(self.fake.url(queue, sessions="4"), window=10) as probe:
            lent = {message["group"]: message for message in probe.wait_count(2)}
            self.fake.do("take_session", name=queue, session="a", ms=1500)
            probe.wait("what is lost", lambda _: lent["a"]["token"] in probe.lost())
            self.assertTrue(probe.settle_and_wait([lent["b"]["token"]])[0]["ok"])
            self.assertEqual(probe.wait_count(3)[2]["body"], "b1")
            self.assertEqual(probe.wait_count(4)[3]["body"], "a0")
            self.assertEqual([state["ok"] for state in probe.of("state")], [True])

    def test_throttling_of_a_link_or_a_renewal_costs_no_session(self):
        queue = self.sessions("a", "b", count=2, lock_ms=2000)
        self.fake.do("fault", name="busy_attach", times=1)
        with Probe(self.fake.url(queue, sessions="4", **self.management()), window=1) as probe:
            self.assertIn("is throttled", probe.wait_state(False)["error"])
            first = probe.wait_count(1)[0]
            self.fake.do("fault", name="busy_attach", times=1)
            self.fake.do("fault", name="busy_manage", times=1)
            probe.send(op="window", n=10)
            probe.send(op="extend", tokens=[first["token"]])
            probe.wait_count(2)
            wait_for("another renewal", lambda: probe.send(op="extend", tokens=[first["token"]]) or probe.of("extended"))
            self.assertTrue(probe.settle_and_wait([first["token"]])[0]["ok"])
            self.assertEqual([state["ok"] for state in probe.of("state")], [False, True])

    def test_a_settlement_without_an_answer_goes_by_the_management_link_with_its_session(self):
        queue = self.sessions("s", count=2, lock_ms=60_000)
        with Probe(self.fake.url(queue, sessions="1", **self.management()), window=1) as probe:
            token = probe.wait_count(1)[0]["token"]
            self.fake.do("fault", name="silent_settle", times=1)
            self.assertTrue(probe.settle_and_wait([token])[0]["ok"])
            self.assertEqual(self.fake.do("seen")["apart"][-1], "update-disposition completed")
            self.assertEqual(probe.wait_count(2)[1]["body"], "s1")

    def test_ends_soon_and_leaves_its_sessions_without_a_count(self):
        queue = self.sessions("a", "b", count=3)
        probe = Probe(self.fake.url(queue, sessions="2"), window=4, queue="orders.fifo")
        probe.wait("both", lambda _: {"a0", "b0"} <= set(bodies(probe.lent())))
        self.assertEqual(probe.close(), 0)
        wait_for("every session is left", lambda: self.held(queue) == set())
        self.assertEqual(self.left(queue), [{"failed": 0, "locked": False}] * 6)

    def test_a_service_that_is_killed_loses_nothing_and_no_order(self):
        queue = self.sessions("a", "b", "c", count=10)
        with Probe(self.fake.url(queue, sessions="2"), window=10) as probe:
            self.settle_as_they_come(probe, 8)
            before = len(probe.of("state"))
            self.fake.kill()
            probe.wait_state(False, before)
            again = len(probe.lent())
            self.assertLessEqual(len(probe.lost()), 2)
            self.fake.start()
            probe.wait_state(True, before)
            while self.left(queue):
                lent = probe.wait_count(again + 1)
                probe.settle_and_wait([message["token"] for message in lent[again:]])
                again = len(lent)
            self.assertEqual(len({message["body"] for message in probe.lent()}), 30)
            self.assert_in_order(probe.lent())
            self.assertLessEqual(len(probe.lent()), 32)

    def test_a_service_that_hangs_is_left_and_found_again(self):
        queue = self.sessions("s", count=2)
        with Probe(self.fake.url(queue, sessions="1"), window=2) as probe:
            token = probe.wait_count(1)[0]["token"]
            before = len(probe.of("state"))
            self.fake.lines.process.send_signal(signal.SIGSTOP)
            try:
                probe.wait_state(False, before)
                probe.wait("what is lost", lambda _: token in probe.lost())
            finally:
                self.fake.lines.process.send_signal(signal.SIGCONT)
            probe.wait_state(True, before)
            self.assertEqual(probe.wait_count(2)[1]["body"], "s0")


if __name__ == "__main__":
    unittest.main(verbosity=2)
