"""The alerting rules, the dashboard and the example configurations for Prometheus, Alertmanager and Grafana: checked by
Prometheus' and Alertmanager's own tools, and against the metrics that there are."""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ROOT / "monitoring" / "prometheus"
DASHBOARD = ROOT / "monitoring" / "grafana" / "forewarm.json"


def metrics():
    """Name to type: of the server by docs/metrics.md, which a test compares with the program, and of control."""
    rows = re.findall(r"^\| `(forewarm_\w+)` \| (\w+) \|", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE)
    control = (ROOT / "src" / "edge" / "observe" / "control_metrics.cpp").read_text()
    return dict(rows + re.findall(r'ControlMetric\{"(forewarm_control_\w+)", "(\w+)"', control))


def queries():
    """Of the dashboard, with Grafana's variables filled in."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"].replace("$__rate_interval", "5m")
            yield panel["title"], expression.replace("$queue", ".+").replace("$function", ".+")


class Monitoring(unittest.TestCase):
    def run_tool(self, *command):
        done = subprocess.run(command, cwd=RULES, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def check_names(self, text, place):
        known = metrics()
        for name in set(re.findall(r"\bforewarm_\w+", text)):
            plain = re.sub(r"_(bucket|sum|count)$", "", name)
            if known.get(plain) == "histogram":
                self.assertNotEqual(plain, name, f"{place}: {name} is a histogram and has no series of its own name")
                name = plain
            self.assertIn(name, known, place)

    def test_the_rules_are_right_and_each_alert_fires_when_it_should(self):
        self.run_tool("promtool", "check", "rules", "forewarm.rules.yml")
        tests = sorted(path.name for path in RULES.glob("*.test.yml"))
        self.run_tool("promtool", "test", "rules", *tests)
        rules = (RULES / "forewarm.rules.yml").read_text()
        written = "".join((RULES / name).read_text() for name in tests)
        for alert in re.findall(r"- alert: (\w+)", rules):
            self.assertRegex(written, rf"alertname: {alert}\b", "an alert without a test")
        self.check_names(rules, "forewarm.rules.yml")

    def test_the_example_configurations_are_right(self):
        self.run_tool("promtool", "check", "config", "prometheus.yml")
        self.run_tool("amtool", "check-config", "../alertmanager/alertmanager.yml")

    def test_the_dashboards_queries_can_be_asked_and_name_what_there_is(self):
        rules = [{"record": f"panel:{n}", "expr": expression} for n, (_, expression) in enumerate(queries())]
        self.assertGreater(len(rules), 20)
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
            file.flush()
            self.run_tool("promtool", "check", "rules", file.name)
        for title, expression in queries():
            self.check_names(expression, title)

    def test_the_dashboards_panels_do_not_overlap(self):
        taken = set()
        for panel in json.loads(DASHBOARD.read_text())["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertLessEqual(at["x"] + at["w"], 24)
            self.assertFalse(cells & taken, panel["title"])
            taken |= cells


if __name__ == "__main__":
    unittest.main()
