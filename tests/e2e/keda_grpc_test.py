"""KEDA's external scaler of forewarm control, asked by @grpc/grpc-js as KEDA asks it, and by who means no good."""

import json
import os
import pathlib
import socket
import subprocess
import time
import unittest

from control_tests import ControlTest
from deploy_test import yaml_documents
from keda_tests import CANCELLED, INVALID_ARGUMENT, NOT_FOUND, RESOURCE_EXHAUSTED, UNAVAILABLE, Keda, grpc_address
from server_process import wait_for

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


def openssl(folder, *arguments):
    subprocess.run(["openssl", *map(str, arguments)], cwd=folder, check=True, capture_output=True)


class KedaGrpcTest(ControlTest):
    silent_after = "60s"
    keda = '[keda]\nlisten = "127.0.0.1:0"\n'

    def setUp(self):
        super().setUp()
        self.target = ('target.kind = "keda"\ntarget.via = "grpc"\ntarget.name = "worker"\ntarget.namespace = "shop"\n'
                       'target.change_every = "100ms"\n')

    def write_config(self, **config):
        return super().write_config(**{"delay": "0s", "more": self.keda} | config)

    def applied(self, **config):
        return self.control("--apply", **config).start()

    def test_all_four_calls_and_a_push_when_the_first_is_wanted_and_when_none_is(self):
        control = self.applied()
        keda = Keda(self, grpc_address(control))
        stream = keda.stream()
        self.assertEqual(keda.ask("GetMetricSpec"),
                         {"metricSpecs": [{"metricName": "instances", "targetSize": 1, "targetSizeFloat": 1}]})
        wait_for(lambda: keda.heard(stream) == [False], "nothing is wanted yet")
        self.assertEqual(keda.ask("IsActive"), {"result": False})
        self.prometheus.backlog(3)
        wait_for(lambda: keda.heard(stream) == [False, True], "it is pushed")
        self.assertEqual(keda.ask("IsActive"), {"result": True})
        number = control.get("/v1/keda/orders")["value"]
        self.assertGreater(number, 0)
        self.assertEqual(keda.ask("GetMetrics"),
                         {"metricValues": [{"metricName": "instances", "metricValue": number, "metricValueFloat": number}]})
        self.assertIn("\nforewarm_control_keda_streams 1\n", control.http("GET", "/metrics")[1])
        self.prometheus.drain()
        wait_for(lambda: keda.heard(stream)[2:3] == [False], "that none is wanted is pushed too")
        self.assertIsNone(keda.ended(stream))
        # In order, and without an error, after which KEDA is back in two seconds.
        self.assertEqual(control.stop(), 0)
        wait_for(lambda: keda.ended(stream) == (0, ""), "it ends")

    def test_nobody_is_told_what_nobody_stands_for(self):
        shadow = self.control().start()
        keda = Keda(self, grpc_address(shadow))
        wait_for(lambda: shadow.queue()["instances"] is not None, "it plans")
        self.assertEqual(keda.ask("IsActive"), (UNAVAILABLE, "no number is given here: control runs without --apply"))
        stream = keda.stream()
        wait_for(lambda: keda.ended(stream) and keda.ended(stream)[0] == UNAVAILABLE, "a stream is refused as well")
        self.assertEqual(keda.ask("IsActive", queue="other"),
                         (NOT_FOUND, "there is no queue 'other' with the target keda; there are: orders"))
        self.assertEqual(keda.ask("GetMetrics", queue=None)[0], INVALID_ARGUMENT)
        self.assertEqual(keda.ask("GetMetricSpec")["metricSpecs"][0]["targetSize"], 1)
        shadow.stop()
        self.silent_after = "1s"
        self.prometheus.down = True
        control = self.applied()
        keda = Keda(self, grpc_address(control))
        stream = keda.stream()
        wait_for(lambda: "silent_after" in keda.ask("GetMetrics")[1], "nothing was ever heard")
        self.assertEqual((keda.heard(stream), keda.ended(stream)), ([], None), "a stream waits")
        self.prometheus.backlog(3000)  # before the first reading, which would find none wanted
        self.prometheus.down = False
        wait_for(lambda: keda.heard(stream) == [True], "it hears the first number")
        self.prometheus.down = True
        wait_for(lambda: isinstance(keda.ask("IsActive"), tuple), "silence")
        self.assertEqual(control.http("GET", "/v1/keda/orders")[0], 503)
        self.assertEqual((keda.heard(stream), keda.ended(stream)), ([True], None), "what was said holds")

    def streams(self, control):
        text = control.http("GET", "/metrics")[1]
        return int(text.split("\nforewarm_control_keda_streams ")[1].split("\n")[0])

    def test_fifty_streams_hear_it_and_those_that_are_cancelled_leave_nothing(self):
        control = self.applied()
        keda = Keda(self, grpc_address(control))
        streams = [keda.stream() for _ in range(50)]
        wait_for(lambda: all(keda.heard(each) == [False] for each in streams), "all are open")
        self.assertEqual(self.streams(control), 50)
        for each in streams[:20]:
            keda.cancel(each)
        wait_for(lambda: self.streams(control) == 30, "those that were cancelled are gone")
        self.assertEqual(keda.ended(streams[0])[0], CANCELLED)
        self.prometheus.backlog(3000)
        wait_for(lambda: all(keda.heard(each) == [False, True] for each in streams[20:]), "the others hear it")
        keda.close()
        wait_for(lambda: self.streams(control) == 0, "so are those of a client that is gone")

    def test_who_means_no_good_harms_nobody_else(self):
        control = self.applied()
        host, port = grpc_address(control).rsplit(":", 1)
        keda = Keda(self, f"{host}:{port}")
        stream = keda.stream()
        wait_for(lambda: keda.heard(stream) == [False], "it is open")
        self.assertEqual(keda.ask("IsActive", bytes=100_000), (RESOURCE_EXHAUSTED, "a request has 16384 bytes at most"))
        descriptors = len(os.listdir(f"/proc/{control.process.pid}/fd"))
        connections = []
        for sent in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", os.urandom(5000), PREFACE, PREFACE + os.urandom(5000), PREFACE[:10],
                     PREFACE + SETTINGS + SETTINGS * 20_000,  # never reads the answers
                     PREFACE + SETTINGS + b"\xff\xff\xff\x01\x25\x00\x00\x00\x01" + b"x" * 10_000,
                     b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03") * 5:
            each = socket.create_connection((host, int(port)), timeout=60)
            connections.append(each)
            self.addCleanup(each.close)
            try:
                each.sendall(sent)
            except OSError:
                pass  # it is closed already
        # More than there is room for.
        for _ in range(100):
            connections.append(socket.create_connection((host, int(port)), timeout=60))
            self.addCleanup(connections[-1].close)
        self.prometheus.backlog(3000)
        wait_for(lambda: keda.heard(stream) == [False, True], "the stream goes on")
        self.assertEqual(keda.ask("IsActive"), {"result": True})
        for each in connections:
            each.close()
        wait_for(lambda: len(os.listdir(f"/proc/{control.process.pid}/fd")) <= descriptors, "nothing is left of them")
        self.assertEqual(Keda(self, f"{host}:{port}").ask("IsActive"), {"result": True})
        self.assertEqual(control.stop(), 0)

    def certify(self, name, authority, extension):
        """A certificate by an authority of its own, which is made if there is none."""
        if not (self.folder / f"{authority}.pem").exists():
            openssl(self.folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2,
                    "-keyout", f"{authority}.key", "-out", f"{authority}.pem", "-subj", f"/CN={authority}")
        (self.folder / "extensions").write_text(extension + "\n")
        openssl(self.folder, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                f"{name}.key", "-out", "request", "-subj", f"/CN={name}")
        openssl(self.folder, "x509", "-req", "-in", "request", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
                "-CAcreateserial", "-days", 2, "-extfile", "extensions", "-out", f"{name}.pem")
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    def test_tls_and_who_shows_no_certificate_of_ours(self):
        for name, authority, extension in (("server", "authority", "subjectAltName=IP:127.0.0.1"),
                                           ("keda", "clients", "extendedKeyUsage=clientAuth"),
                                           ("stranger", "strangers", "extendedKeyUsage=clientAuth")):
            self.certify(name, authority, extension)
        files = {name: self.folder / name for name in ("authority.pem", "keda.pem", "keda.key", "stranger.pem", "stranger.key")}
        self.keda += (f'tls_certificate = "{self.folder / "server.pem"}"\ntls_key = "{self.folder / "server.key"}"\n'
                      f'client_ca_file = "{self.folder / "clients.pem"}"\n')
        control = self.applied()
        address = grpc_address(control)
        keda = Keda(self, address, files["authority.pem"], files["keda.pem"], files["keda.key"])
        stream = keda.stream()
        wait_for(lambda: keda.heard(stream) == [False], "it is open")
        for without in ((), (files["authority.pem"],), (files["authority.pem"], files["stranger.pem"], files["stranger.key"])):
            self.assertEqual(Keda(self, address, *without).ask("IsActive")[0], UNAVAILABLE, without)
        self.certify("server", "authority", "subjectAltName=IP:127.0.0.1")
        wait_for(lambda: control.log_lines("the certificate for KEDA is reloaded"), "a new certificate is found")
        again = Keda(self, address, files["authority.pem"], files["keda.pem"], files["keda.key"])
        self.assertEqual(again.ask("IsActive"), {"result": False})
        self.assertEqual(keda.ask("IsActive"), {"result": False})

    def test_the_scaled_object_is_one_of_keda(self):
        def printed():
            self.write_config()
            done = self.command("keda", "orders")
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout
        texts = [printed()]
        self.target += 'target.url = "forewarm-control-leader.ops:9328"\n'
        self.keda = ('[keda]\nlisten = "0.0.0.0:9328"\ntls_certificate = "server.pem"\ntls_key = "server.key"\n'
                     'client_ca_file = "clients.pem"\n')
        texts.append(printed())
        self.target = self.target.replace('"grpc"', '"http"').replace("forewarm-control-leader.ops:9328", "http://forewarm:9326")
        texts.append(printed())
        documents = yaml_documents("\n---\n".join(texts))
        valid = subprocess.run(["node", "sdk/manifests.mjs"], input=json.dumps(documents), capture_output=True, text=True,
                               cwd=pathlib.Path(__file__).parent)
        self.assertEqual(valid.returncode, 0, "by KEDA's schema: " + valid.stderr)
        plain, secrets, scaled, by_http = documents
        self.assertEqual(plain["spec"]["triggers"], [
            {"type": "external-push", "metricType": "AverageValue",
             "metadata": {"scalerAddress": "127.0.0.1:0", "queue": "orders"}}])
        trigger, = scaled["spec"]["triggers"]
        self.assertEqual(trigger["metadata"], {"scalerAddress": "forewarm-control-leader.ops:9328", "queue": "orders",
                                               "enableTLS": "true"})
        self.assertEqual(trigger["authenticationRef"]["name"], secrets["metadata"]["name"])
        self.assertEqual([(each["parameter"], each["key"]) for each in secrets["spec"]["secretTargetRef"]],
                         [("caCert", "ca.crt"), ("tlsClientCert", "tls.crt"), ("tlsClientKey", "tls.key")])
        self.assertEqual(by_http["spec"]["triggers"][0]["type"], "metrics-api")


if __name__ == "__main__":
    unittest.main()
