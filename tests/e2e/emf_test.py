"""Metrics for CloudWatch: lines that keep to the embedded metric format, by its schema (sdk/emf.mjs) and by what CloudWatch adds up."""

import json
import pathlib
import subprocess
import unittest

from server_process import PROGRAM, ServerTest, run, wait_for

HERE = pathlib.Path(__file__).parent


class EmfTests(ServerTest):
    def lines(self, path):
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text.rpartition("\n")[0].splitlines()]

    def check_schema(self, path):
        done = subprocess.run(["node", str(HERE / "sdk" / "emf.mjs"), str(path)], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_lines_of_a_file_keep_to_the_schema_and_add_up(self):
        path = self.folder / "metrics.log"
        server = self.server(config=f"""
[emf]
path = "{path}"
every = "1s"
namespace = "shop"
dimensions = {{ Service = "orders" }}
[[queue]]
name = "jobs"
""").start()

        def sum_of(metric):
            return sum(line.get(metric, 0) for line in self.lines(path) if line.get("queue") == "jobs")

        server.send("jobs", *"abc")
        wait_for(lambda: sum_of("forewarm_messages_arrived_total") == 3, "what was sent is written")
        server.receive("jobs")
        wait_for(lambda: sum_of("forewarm_messages_started_total") == 3, "what was received is written")
        path.rename(self.folder / "metrics.log.1")
        wait_for(lambda: self.lines(path), "a file that was taken away is made anew")
        for each in (path, self.folder / "metrics.log.1"):
            self.check_schema(each)
        ready = [line for line in self.lines(path) if line.get("state") == "ready" and line.get("queue") == "jobs"][0]
        self.assertIn("forewarm_queue_messages", ready)
        directive = ready["_aws"]["CloudWatchMetrics"][0]
        self.assertEqual((directive["Namespace"], directive["Dimensions"]), ("shop", [["Service", "queue", "state"]]))

    def test_standard_output_may_be_a_pipe_that_nobody_reads(self):
        path = self.folder / "forewarm.toml"
        path.write_text('[emf]\npath = "-"\nevery = "1s"\nmetrics = ["forewarm_uptime_seconds", "forewarm_store_file_bytes"]\n')
        process = subprocess.Popen([PROGRAM, "serve", "--config", str(path), "--data", str(self.folder / "data"), "--listen", "127.0.0.1:0",
                                    "--admin", "127.0.0.1:0"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            lines = [json.loads(process.stdout.readline()) for _ in range(2)]
            line = lines[1]
            self.assertGreater(line["forewarm_uptime_seconds"], 0)
            self.assertEqual(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], [[]])
            process.terminate()
            self.assertEqual(process.wait(30), 0)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def test_check_says_what_is_wrong(self):
        path = self.folder / "wrong.toml"
        for text, said in (('[emf]\nmetrics = ["forewarm_run_total"]\n', "wrong.toml:1:1: emf: metrics.*Did you mean forewarm_runs_total"),
                           ('[emf]\nnamespace = "AWS/SQS"\n', "do not begin with AWS/"),
                           ('[emf]\ndimensions = { queue = "a" }\n', "'queue' is a label")):
            path.write_text(text)
            done = run("check", path)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, said)


if __name__ == "__main__":
    unittest.main()
