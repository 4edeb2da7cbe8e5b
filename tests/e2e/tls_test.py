"""HTTPS on both ports, with a certificate authority made by openssl: SDK, command line, reload, and plain HTTP by mistake."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import unittest
from urllib.parse import urlsplit

from server_process import ServerTest, run, wait_for


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class TlsTests(ServerTest):
    def setUp(self):
        super().setUp()
        self.ca = self.folder / "ca.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2, "-keyout",
                self.folder / "ca.key", "-out", self.ca, "-subj", "/CN=forewarm test authority")
        self.certificate, self.key = self.folder / "server.pem", self.folder / "server.key"
        self.certify("one")

    def certify(self, name):
        """A certificate of our authority for 127.0.0.1 and localhost."""
        request, extensions = self.folder / "server.csr", self.folder / "extensions"
        extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        new_key, new = self.folder / "new.key", self.folder / "new.pem"
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", new_key, "-out",
                request, "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.folder / "ca.key", "-CAcreateserial", "-days",
                2, "-extfile", extensions, "-out", new)
        new_key.rename(self.key)
        new.rename(self.certificate)

    def https(self):
        return self.server(config=f'tls_certificate = "{self.certificate}"\ntls_key = "{self.key}"\n').start()

    def connect(self, server, at="sqs", **settings):
        """The name in the server's certificate and the version of TLS, over a connection that trusts our authority."""
        context = ssl.create_default_context(cafile=self.ca)
        for name, value in settings.items():
            setattr(context, name, value)
        port = urlsplit(server.endpoints[at]).port
        with socket.create_connection(("127.0.0.1", port), timeout=60) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as secure:
                subject = dict(item for group in secure.getpeercert()["subject"] for item in group)
                return subject["commonName"], secure.version()

    def test_boto3_sends_and_receives_large_messages(self):
        import boto3
        server = self.https()
        self.assertTrue(server.endpoints["sqs"].startswith("https://"))
        sqs = boto3.client("sqs", endpoint_url=server.endpoints["sqs"], region_name="us-east-1", verify=str(self.ca),
                           aws_access_key_id="test", aws_secret_access_key="test")
        url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
        self.assertTrue(url.startswith("https://"))
        bodies = [f"{n} " + "x" * 900_000 for n in range(3)] + ["small"]
        for body in bodies:
            sqs.send_message(QueueUrl=url, MessageBody=body)
        found = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found += [message["Body"] for message in messages]
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        self.assertEqual(sorted(found), sorted(bodies))

    def test_the_aws_command_line_works_and_distrusts_others(self):
        if not shutil.which("aws"):
            self.skipTest("the AWS command line is not installed")
        server = self.https()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "", "AWS_CONFIG_FILE": os.devnull}
        command = ["aws", "--endpoint-url", server.endpoints["sqs"], "sqs", "create-queue", "--queue-name", "jobs"]
        trusted = subprocess.run([*command, "--ca-bundle", str(self.ca)], env=environment, capture_output=True, text=True)
        if "unrecognized arguments" in trusted.stderr or trusted.returncode != 0:
            trusted = subprocess.run(command, env=environment | {"AWS_CA_BUNDLE": str(self.ca)}, capture_output=True,
                                     text=True)
        self.assertEqual(trusted.returncode, 0, trusted.stderr)
        distrusted = subprocess.run(command, env=environment, capture_output=True, text=True)
        self.assertNotEqual(distrusted.returncode, 0)

    def test_our_own_commands_trust_the_authority_that_they_are_told(self):
        server = self.https()
        where = {"FOREWARM_ENDPOINT": server.endpoints["sqs"], "FOREWARM_ADMIN_ENDPOINT": server.endpoints["admin"]}
        trusting = where | {"FOREWARM_CA_FILE": str(self.ca)}
        for words in (["queue", "create", "jobs"], ["queue", "send", "jobs", "hello"], ["queue", "list"]):
            done = run(*words, environment=trusting)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('"body":"hello"', run("queue", "peek", "jobs", "--json", environment=trusting).stdout)
        distrusting = run("queue", "list", environment=where)
        self.assertEqual(distrusting.returncode, 1)
        self.assertIn("certificate", distrusting.stderr.lower())

    def test_the_certificate_is_read_again_when_its_files_change_and_on_sighup(self):
        server = self.https()
        self.assertEqual(self.connect(server)[0], "one")
        self.certify("two")
        wait_for(lambda: self.connect(server)[0] == "two" and self.connect(server, "admin")[0] == "two",
                 "the new certificate is in use")
        self.certificate.write_text("nonsense")
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "the certificate is not reloaded" in server.log_text(), "the bad one is said")
        self.assertEqual(self.connect(server)[0], "two")

    def test_tls_1_2_and_1_3_are_spoken_and_nothing_older(self):
        server = self.https()
        self.assertEqual(self.connect(server)[1], "TLSv1.3")
        self.assertEqual(self.connect(server, maximum_version=ssl.TLSVersion.TLSv1_2)[1], "TLSv1.2")
        done = subprocess.run(["openssl", "s_client", "-connect", urlsplit(server.endpoints["sqs"]).netloc, "-tls1_1"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertNotEqual(done.returncode, 0)

    def test_plain_http_is_told_what_is_spoken_here(self):
        server = self.https()
        port = urlsplit(server.endpoints["admin"]).port
        with socket.create_connection(("127.0.0.1", port), timeout=60) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while part := plain.recv(4096):
                answer += part
        self.assertTrue(answer.startswith(b"HTTP/1.1 400"), answer)
        self.assertIn(b"HTTPS", answer)
        self.assertEqual(server.process.poll(), None)

    def test_garbage_and_half_a_handshake_harm_nobody(self):
        server = self.https()
        port = urlsplit(server.endpoints["sqs"]).port
        for bytes_sent in (b"", b"\x16\x03\x01", os.urandom(500), b"\x16\x03\x01\x02\x00" + os.urandom(512)):
            with socket.create_connection(("127.0.0.1", port), timeout=60) as plain:
                plain.sendall(bytes_sent)
        self.assertEqual(self.connect(server)[0], "one")

    def test_a_wrong_certificate_is_said_at_the_start(self):
        self.certify("one")
        other = self.folder / "other.key"
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", other)
        config = self.folder / "wrong.toml"
        for text, words in ((f'tls_certificate = "{self.certificate}"\n', "go together"),
                            (f'tls_certificate = "/no/such.pem"\ntls_key = "{self.key}"\n', "/no/such.pem"),
                            (f'tls_certificate = "{self.certificate}"\ntls_key = "{other}"\n', "tls_key")):
            config.write_text(text)
            done = run("serve", "--config", config, "--data", self.folder / "no", "--listen", "127.0.0.1:0", "--admin",
                       "127.0.0.1:0")
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
