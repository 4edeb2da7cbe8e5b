"""Two copies of forewarm control with one Lease: one acts, and the other when the first is gone, hangs, or cannot be heard."""

import json
import pathlib
import signal
import ssl
import subprocess
import unittest

from control_tests import Control, ControlTest
from faults import FAULTS, FaultyLink
from keda_tests import UNAVAILABLE, Keda, grpc_address
from server_process import run, wait_for


class LeaderTest(ControlTest):
    def setUp(self):
        super().setUp()
        self.api = self.kubernetes()
        self.more = ""
        self.lease = 3
        self.given_up()

    def given_up(self):
        """The Lease as one leaves it who stops: the next need not wait."""
        self.api.leases["control"] = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                                      "metadata": {"name": "control", "uid": "u-1", "resourceVersion": "0"},
                                      "spec": {"holderIdentity": "", "leaseDurationSeconds": 1, "leaseTransitions": 4}}

    def leader_table(self, name, url=None, lease="control"):
        return f'''
[leader]
kind = "kubernetes-lease"
name = "{lease}"
namespace = "shop"
identity = "{name}"
url = "{url or self.api.url}"
token_file = "{self.folder / name / 'token'}"
ca_file = "{self.api.ca}"
lease = "{self.lease}s"
renew_deadline = "{self.lease - 1}s"
retry = "200ms"
{self.more}'''

    def copy(self, name, *arguments, **lease):
        """One copy, with a folder, a token and an identity of its own."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "token").write_text(name + "\n")
        self.api.tokens.add(name)
        config = folder / "control.toml"
        text = self.write_config(more=self.leader_table(name, **lease)).read_text()
        config.write_text(text.replace(str(self.folder / "data"), str(folder / "data"))
                          .replace(str(self.folder / "token"), str(folder / "token"))
                          .replace('target.timeout = "1s"', 'target.timeout = "9s"'))
        control = Control(folder, *arguments, config=config)
        self.servers.append(control)
        return control.start()

    def two(self):
        """The one that leads, and the one that follows it."""
        a = self.copy("a", "--apply")
        wait_for(lambda: self.leads(a), "it leads")
        b = self.copy("b", "--apply")
        wait_for(lambda: self.leader(b)["leader"] == "a", "it knows whom it follows")
        wait_for(lambda: b.queue()["set"] == 2, "it reads the target too")
        return a, b

    def leader(self, control):
        return control.get("/v1/plan")["leader"]

    def leads(self, control):
        return self.leader(control)["leads"]

    def number(self, control):
        """What KEDA gets; none where it gets none."""
        status, text = control.http("GET", "/v1/keda/orders")
        return json.loads(text)["value"] if status == 200 else None

    def setters(self):
        """Whose token each number came with."""
        return [headers["Authorization"].removeprefix("Bearer ") for _, _, headers, _ in self.api.noted("PATCH")]

    def test_one_acts_then_the_other_when_it_is_killed_and_a_rollback_when_all_are_stopped(self):
        self.api.leases.clear()  # nobody ever led
        a, b = self.two()
        self.assertFalse(self.leads(b))
        self.assertEqual(self.leader(b) | {"changes": 0},
                         {"identity": "b", "leads": False, "leader": "a", "problem": "", "changes": 0})
        self.assertEqual(b.log_lines("this copy follows: it does not act")[-1]["leader"], "a")
        _, text = b.http("GET", "/metrics")
        self.assertIn("\nforewarm_control_leading 0\n", text)
        self.assertIn('\nforewarm_control_leader_info{identity="b",leader="a"} 1\n', text)
        self.prometheus.backlog(3000)
        wait_for(lambda: self.api.replicas == 30, "the one that leads acts")
        wait_for(lambda: b.queue()["set"] == 30, "the other sees it")
        self.assertEqual(set(self.setters()), {"a"})
        a.kill()
        self.api.replicas = 2  # by somebody else: there is something to do
        wait_for(lambda: self.api.replicas == 30, "the other acts", seconds=20)
        self.assertEqual(self.setters()[-1], "b")
        self.assertEqual(self.api.leases["control"]["spec"]["leaseTransitions"], 2)
        self.assertEqual(b.log_lines("this copy leads: it acts")[-1]["identity"], "b")
        refused = run("control", "rollback", "--config", a.config)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("b leads. Stop all copies of control first", refused.stderr)
        self.assertEqual(b.stop(), 0)
        self.assertEqual(self.api.holders[-1], "", "it is given up")
        done = run("control", "rollback", "--config", b.config)
        self.assertEqual((done.returncode, done.stdout), (0, "orders: 2, as found\n"), done.stderr)
        self.assertEqual(self.api.replicas, 2)
        written = [json.loads(body) for method, path, _, body in self.api.requests if method != "GET" and "/leases" in path]
        self.assertEqual([lease["apiVersion"] for lease in written], ["coordination.k8s.io/v1"] * len(written))
        valid = subprocess.run(["node", "sdk/manifests.mjs"], input=json.dumps([written[0], written[-1]]), capture_output=True,
                               text=True, cwd=pathlib.Path(__file__).parent)
        self.assertEqual(valid.returncode, 0, "by Kubernetes' schema: " + valid.stderr)
        once = run("control", "--once", "--apply", "--config", a.config)
        self.assertIn("beside the copy that leads", once.stderr)

    def test_each_failure_of_the_api_ends_leading_in_time_and_it_begins_again_when_it_is_over(self):
        """Six copies, each alone with its Lease, each with a failure of its own between them."""
        served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        served.load_cert_chain(self.api.ca, self.folder / "api.key")
        links, copies = {}, {}
        for fault in FAULTS:
            links[fault] = FaultyLink(self.api.url, None, served, ssl.create_default_context(cafile=self.api.ca))
            self.addCleanup(links[fault].close)
            copies[fault] = self.copy(fault, "--apply", url=links[fault].url, lease="of-" + fault.replace("_", "-"))
        for fault, control in copies.items():
            wait_for(lambda: self.leads(control) and control.queue()["set"] == 2, f"{fault}: it leads")
        for fault, link in links.items():
            link.fail(fault)
        for fault, control in copies.items():
            wait_for(lambda: not self.leads(control), f"{fault}: it does not lead any more")
            self.assertTrue(self.leader(control)["problem"], fault)
        self.prometheus.backlog(3000)
        for fault, control in copies.items():
            wait_for(lambda: control.queue()["order"], f"{fault}: it plans")
            self.assertFalse(self.leads(control), fault)
        self.assertEqual(self.api.noted("PATCH"), [], "and nobody acts")
        for fault, link in links.items():
            lasted = link.met[-1]["at"] - link.met[0]["at"]
            self.assertLess(len(link.met), 12 + 10 * lasted, f"{fault}: the API is not hammered")
            link.fail(None)
        for fault, control in copies.items():
            wait_for(lambda: self.leads(control), f"{fault}: it leads again")
            self.assertEqual(self.leader(control)["leader"], fault)
        wait_for(lambda: self.api.replicas == 30, "they act")

    def test_one_that_was_paused_follows_when_it_wakes_and_both_may_be(self):
        a, b = self.two()
        a.process.send_signal(signal.SIGSTOP)
        wait_for(lambda: self.leads(b), "the other leads")
        self.prometheus.backlog(3000)
        wait_for(lambda: self.api.replicas == 30, "the other acts")
        wait_for(lambda: b.queue()["set"] == 30, "and sees it")
        self.api.replicas = 3  # somebody else sets it: there is something to do
        a.process.send_signal(signal.SIGCONT)
        wait_for(lambda: self.leader(a)["leader"] == "b", "the first knows")
        wait_for(lambda: self.api.replicas == 30, "it is set anew")
        self.assertEqual(set(self.setters()), {"b"})
        for each in (a, b):
            each.process.send_signal(signal.SIGSTOP)
        renewed = self.api.leases["control"]
        for each in (a, b):
            each.process.send_signal(signal.SIGCONT)
        wait_for(lambda: self.leads(a) != self.leads(b), "one leads again")
        wait_for(lambda: self.api.leases["control"] != renewed, "it renews")

    def test_without_the_lease_nobody_acts_and_who_can_reach_it_does(self):
        a, b = self.two()
        self.api.fails = None, 10
        self.prometheus.backlog(3000)
        wait_for(lambda: self.setters(), "a directive is under way")
        self.api.cut_off = {"a", "b"}
        wait_for(lambda: a.directives("refused"), "it is cut off", seconds=5)
        self.assertFalse(self.leads(a))
        sent = len(self.setters())
        self.api.fails = None
        wait_for(lambda: a.queue()["order"] and b.queue()["order"], "the plan goes on")
        wait_for(lambda: self.leader(a)["problem"] and self.leader(b)["problem"], "both say so")
        self.assertEqual((self.leads(a), self.leads(b), len(self.setters())), (False, False, sent))
        self.api.cut_off = {"a"}
        wait_for(lambda: self.api.replicas == 30, "the other acts")
        self.assertEqual(set(self.setters()[sent:]), {"b"})
        self.assertFalse(self.leads(a))
        self.api.cut_off = set()
        wait_for(lambda: self.leader(a)["leader"] == "b", "the first knows")
        self.assertTrue(a.log_lines("who leads cannot be found out"))
        self.assertTrue(a.log_lines("this copy does not lead any more: it stops acting"))

    def test_keda_gets_its_number_from_the_one_that_leads(self):
        self.lease = 6  # a stream ends when its copy does not lead, be it for a moment of a busy machine
        self.target = 'target.kind = "keda"\ntarget.via = "grpc"\ntarget.name = "worker"\nmetrics.instances_ready = "ready"\n'
        self.more = 'pod_label = "forewarm/leads"\n[keda]\nlisten = "127.0.0.1:0"\n'
        self.prometheus.values["ready"] = 2
        self.api.labels = {"a": {"app": "forewarm"}, "b": {"app": "forewarm", "forewarm/leads": "true"}}  # b was killed once
        labelled = {"app": "forewarm", "forewarm/leads": "true"}
        a = self.copy("a", "--apply")
        wait_for(lambda: self.leads(a), "it leads")
        b = self.copy("b", "--apply")
        wait_for(lambda: self.leader(b)["leader"] == "a", "it follows")
        self.prometheus.backlog(3000)
        wait_for(lambda: self.number(a) == 30, "the number is there")
        status, text = b.http("GET", "/v1/keda/orders")
        self.assertEqual(status, 503)
        self.assertIn("this copy follows a", text)
        wait_for(lambda: self.api.labels == {"a": labelled, "b": {"app": "forewarm"}}, "a Service would select the one that leads")
        to_a, to_b = Keda(self, grpc_address(a)), Keda(self, grpc_address(b))
        self.assertEqual(to_b.ask("GetMetrics"), (UNAVAILABLE, "no number is given here: this copy follows a"))
        stream = to_b.stream()
        wait_for(lambda: to_b.ended(stream) and to_b.ended(stream)[0] == UNAVAILABLE, "nor does it take a stream")
        stream = to_a.stream()
        wait_for(lambda: to_a.heard(stream) == [True], "that is for the one that leads")
        self.prometheus.values["ready"] = 30
        self.api.cut_off = {"a"}
        wait_for(lambda: to_a.ended(stream) == (0, ""), "it ends when leading does, and without an error")
        wait_for(lambda: self.leads(b), "the other leads")
        wait_for(lambda: self.api.labels["b"] == labelled, "and says so")
        self.assertTrue(wait_for(lambda: a.log_lines("the label of who leads cannot be set; KEDA may not reach this copy, "
                                                     "or reach it in vain"), "it is said"))
        self.api.cut_off = set()
        wait_for(lambda: self.api.labels["a"] == {"app": "forewarm"}, "it is mended")
        wait_for(lambda: self.number(b) == 30, "it holds what there is")
        self.assertEqual(b.directives("sent"), [])


if __name__ == "__main__":
    unittest.main()
