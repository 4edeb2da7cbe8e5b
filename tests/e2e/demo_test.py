"""`forewarm demo` ends by itself with a report, and early with the report so far."""

import json
import re
import select
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.request

from server_process import PATIENCE_SECONDS, PROGRAM, ServerTest


class DemoTests(ServerTest):
    def start(self, *arguments):
        process = subprocess.Popen([PROGRAM, "demo", "--admin", "127.0.0.1:0", *arguments], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def dashboard(self, process):
        """The address that it names on standard error."""
        shown, deadline = "", time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if select.select([process.stderr], [], [], 0.1)[0]:
                shown += process.stderr.read1(4096).decode()
            found = re.search(r"dashboard: (http://\S+)\n", shown)
            if found:
                return found[1]
            self.assertIsNone(process.poll(), shown)
        self.fail("no address of a dashboard: " + shown)

    def test_it_plays_to_the_end_and_reports(self):
        process = self.start("--minutes", "0.3")
        page = urllib.request.urlopen(self.dashboard(process), timeout=PATIENCE_SECONDS).read()
        self.assertIn(b"<html", page.lower())
        report, notes = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, notes)
        report = report.decode()
        for words in ("live run, forewarm", "replay, forewarm", "replay, reactive", "messages", "late", "queue by queue"):
            self.assertIn(words, report)
        self.assertNotIn("so far", report.lower())
        self.assertNotIn("\x1b", report)

    def test_live_run_and_replays_are_of_the_same_messages(self):
        # So few that any machine is done with them: what is still at work in the end can only be guessed.
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        trace = folder.name + "/trace.csv"
        with open(trace, "w", encoding="utf-8") as file:
            file.write("timestamp_s,queue,bytes,duration_ms\n")
            file.writelines(f"{second},calm,,{200 + second % 7 * 100}\n" for second in range(0, 600, 2))
        process = self.start("--trace", trace, "--minutes", "0.4", "--json")
        self.dashboard(process)
        answer, notes = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, notes)
        report = json.loads(answer)
        self.assertEqual(sorted(report["replay"]), ["forewarm", "keep-alive:5s", "reactive"])
        self.assertGreater(report["live"]["messages"], 290)  # what arrives as the trace ends is left out
        for policy, books in report["replay"].items():
            self.assertEqual(books["messages"], report["live"]["messages"], policy)
            # What each message kept an instance busy is from the live run.
            self.assertAlmostEqual(books["busy_seconds"] / report["live"]["busy_seconds"], 1, delta=0.1, msg=policy)

    def test_an_interrupt_ends_it_with_the_report_so_far(self):
        process = self.start("--minutes", "3")
        self.dashboard(process)
        time.sleep(6)  # something has to have run, or there is nothing to report
        process.send_signal(signal.SIGINT)
        report, notes = process.communicate(timeout=PATIENCE_SECONDS)
        self.assertEqual(process.returncode, 0, notes)
        self.assertIn("so far", report.decode().lower())
        self.assertIn("messages", report.decode().lower())


if __name__ == "__main__":
    unittest.main(verbosity=2)
