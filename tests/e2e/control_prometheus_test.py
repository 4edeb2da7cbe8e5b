"""forewarm control against the real Prometheus (Debian's), which scrapes an exporter."""

import shutil
import signal
import socket
import subprocess
import unittest

from control_tests import Control, ControlTest
from fake_targets import Recorder
from server_process import PATIENCE_SECONDS, wait_for


class RealPrometheusTest(ControlTest):
    def test_the_real_prometheus_is_read_and_its_past_is_taken_over(self):
        program = shutil.which("prometheus")
        self.assertIsNotNone(program, "the Debian package prometheus is missing: apt-get install prometheus")
        hook = self.webhook()

        class Exporter(Recorder):
            waiting, arrived = 0, 100_000

            def answer(self, *_):
                Exporter.arrived += 40
                return 200, (f"# TYPE jobs_waiting gauge\njobs_waiting {self.waiting}\n# TYPE jobs_arrived_total counter\n"
                             f"jobs_arrived_total {self.arrived}\n")

        exporter = Exporter()
        self.addCleanup(exporter.close)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        (self.folder / "prometheus.yml").write_text(
            "scrape_configs:\n  - job_name: jobs\n    scrape_interval: 1s\n    static_configs:\n"
            f"      - targets: ['{exporter.url.removeprefix('http://')}']\n")
        process = subprocess.Popen([program, f"--config.file={self.folder / 'prometheus.yml'}",
                                    f"--storage.tsdb.path={self.folder / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait, PATIENCE_SECONDS)
        self.addCleanup(process.terminate)
        path = self.write_config(backfill="1h")
        text = path.read_text().replace(self.prometheus.url, f"http://127.0.0.1:{port}")
        for query, real in (("waiting", "sum(jobs_waiting)"), ("arrived_total", "sum(jobs_arrived_total)"),
                            ("done_total", "sum(jobs_arrived_total) - sum(jobs_waiting)")):
            text = text.replace(f'metrics.{query} = "{query}"', f'metrics.{query} = "{real}"')
        path.write_text(text.replace('metrics.in_flight = "in_flight"\n', ""))
        wait_for(lambda: len(exporter.requests) > 3, "Prometheus scrapes")
        control = Control(self.folder, "--apply", config=path)
        self.servers.append(control)
        control.start()
        back = wait_for(lambda: control.log_lines("history is back"), "its past is taken over")
        self.assertGreaterEqual(back[0]["steps"], 2)
        wait_for(lambda: control.metric("forewarm_control_messages", 'state="waiting"') == 0, "it is read")
        Exporter.waiting = 2000
        wait_for(lambda: hook.instances == 30, "what waits is staffed")
        process.send_signal(signal.SIGKILL)
        wait_for(lambda: control.metric("forewarm_control_silent") == 1, "silence is noticed")
        self.assertEqual(hook.instances, 30)
        checked = subprocess.run(["promtool", "check", "metrics"], input=control.http("GET", "/metrics")[1], text=True,
                                 capture_output=True)
        self.assertEqual(checked.returncode, 0, checked.stderr + checked.stdout)


if __name__ == "__main__":
    unittest.main()
