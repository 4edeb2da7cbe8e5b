"""Signed requests of the official SDK for Python, right and wrong ones, against a server with access keys."""

import datetime
import os
import pathlib
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

try:
    import boto3
    from botocore.auth import SigV4Auth, SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.config import Config
    from botocore.credentials import Credentials
    from botocore.exceptions import ClientError
except ImportError:
    print("boto3 is not installed; nothing is tested")
    sys.exit(0)

from server_process import ServerTest, run

CONFIG = """
[[access_key]]
id = "ADMIN"
secret_file = "{folder}/admin"

[[access_key]]
id = "SENDER"
secret_file = "{folder}/sender"
queues = ["jobs*"]
actions = ["send"]

[[access_key]]
id = "TEMPORARY"
secret_file = "{folder}/temporary"
session_token_file = "{folder}/token"
"""
SECRETS = {"admin": "admin/secret+1", "sender": "sender-secret", "temporary": "third", "token": "a/token=="}


class Signatures(ServerTest):
    def setUp(self):
        super().setUp()
        for name, secret in SECRETS.items():
            (self.folder / name).write_text(secret + "\n")
        self.running = self.server(config=CONFIG.format(folder=self.folder)).start()
        self.admin = self.client("ADMIN", SECRETS["admin"])

    def client(self, key, secret, token=None):
        client = boto3.client("sqs", endpoint_url=self.running.endpoints["sqs"], region_name="eu-west-1",
                              aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token,
                              config=Config(retries={"max_attempts": 0}))
        self.addCleanup(client.close)
        return client

    def refusal(self, call, **arguments):
        with self.assertRaises(ClientError) as refused:
            call(**arguments)
        response = refused.exception.response
        return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]

    def raw(self, request):
        """(status, text) of an AWSRequest."""
        prepared = request.prepare()
        asked = urllib.request.Request(prepared.url, method=prepared.method, headers=dict(prepared.headers),
                                       data=request.data.encode() if request.data else None)
        try:
            with urllib.request.urlopen(asked) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def test_the_right_key_may(self):
        url = self.admin.create_queue(QueueName="jobs", tags={"a": "\u00fc"})["QueueUrl"]
        self.admin.send_message(QueueUrl=url, MessageBody="h\u00fc & =")
        [message] = self.admin.receive_message(QueueUrl=url, AttributeNames=["SenderId"])["Messages"]
        self.assertEqual(message["Attributes"]["SenderId"], "ADMIN")
        temporary = self.client("TEMPORARY", SECRETS["temporary"], SECRETS["token"])
        self.assertEqual(temporary.list_queues()["QueueUrls"], [url])

    def test_wrong_ones_may_not(self):
        self.assertEqual(self.refusal(self.client("ADMIN", "wrong").list_queues), (403, "SignatureDoesNotMatch"))
        self.assertEqual(self.refusal(self.client("NOBODY", "wrong").list_queues), (403, "InvalidClientTokenId"))
        self.assertEqual(self.refusal(self.client("TEMPORARY", "third", "old").list_queues),
                         (403, "InvalidClientTokenId"))
        self.assertEqual(self.refusal(self.client("ADMIN", SECRETS["admin"], "token").list_queues),
                         (403, "InvalidClientTokenId"))

    def test_rights_are_by_queue_and_action(self):
        jobs = self.admin.create_queue(QueueName="jobs-1")["QueueUrl"]
        other = self.admin.create_queue(QueueName="other")["QueueUrl"]
        sender = self.client("SENDER", SECRETS["sender"])
        sender.send_message(QueueUrl=jobs, MessageBody="x")
        self.assertEqual(sender.list_queues()["QueueUrls"], [jobs])
        self.assertEqual(self.refusal(sender.receive_message, QueueUrl=jobs), (403, "AccessDenied"))
        self.assertEqual(self.refusal(sender.send_message, QueueUrl=other, MessageBody="x"), (403, "AccessDenied"))
        self.assertEqual(self.refusal(sender.create_queue, QueueName="jobs-2"), (403, "AccessDenied"))

    def test_unsigned_and_broken_ones_are_named_in_both_protocols(self):
        json_headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.ListQueues"}
        status, text = self.running.http("POST", "/", "{}", json_headers, at="sqs")
        self.assertEqual(status, 403)
        self.assertIn("MissingAuthenticationTokenException", text)
        status, text = self.running.http("POST", "/", "Action=ListQueues",
                                         {"Authorization": "AWS4-HMAC-SHA256 Credential=x"}, at="sqs")
        self.assertEqual(status, 400)
        self.assertIn("<Code>IncompleteSignature</Code>", text)

    def presigned(self, seconds, tamper="", service="sqs"):
        request = AWSRequest("GET", self.running.endpoints["sqs"] + "/?Action=ListQueues&Version=2012-11-05")
        SigV4QueryAuth(Credentials("ADMIN", SECRETS["admin"]), service, "us-east-1", seconds).add_auth(request)
        request.url += tamper
        return self.raw(request)

    def test_presigned_requests(self):
        status, text = self.presigned(60)
        self.assertEqual(status, 200, text)
        self.assertIn("ListQueuesResponse", text)
        status, text = self.presigned(60, "&QueueNamePrefix=a")
        self.assertEqual(status, 403)
        self.assertIn("<Code>SignatureDoesNotMatch</Code>", text)
        self.assertEqual(self.presigned(60, service="sns")[0], 403)

    def test_old_signatures_are_expired(self):
        class Old(SigV4Auth):
            def add_auth(self, request):
                then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=16)
                request.context["timestamp"] = then.strftime("%Y%m%dT%H%M%SZ")
                self._modify_request_before_signing(request)
                canonical = self.canonical_request(request)
                self._inject_signature_to_request(
                    request, self.signature(self.string_to_sign(request, canonical), request))
        request = AWSRequest("POST", self.running.endpoints["sqs"] + "/", data="Action=ListQueues",
                             headers={"Content-Type": "application/x-www-form-urlencoded"})
        Old(Credentials("ADMIN", SECRETS["admin"]), "sqs", "us-east-1").add_auth(request)
        status, text = self.raw(request)
        self.assertEqual(status, 400, text)
        self.assertIn("<Code>RequestExpired</Code>", text)

    def test_the_sdk_for_javascript(self):
        secrets = {"ADMIN_SECRET": SECRETS["admin"], "SENDER_SECRET": SECRETS["sender"]}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        ended = subprocess.run(["node", "--test", str(pathlib.Path(__file__).parent / "sdk" / "signed.mjs")],
                               env=environment | secrets | {"FOREWARM_ENDPOINT": self.running.endpoints["sqs"]},
                               capture_output=True, text=True, timeout=120)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)

    def test_only_a_server_that_asks_may_be_reached_from_elsewhere(self):
        open_server = self.folder / "open"
        refused = run("serve", "--data", open_server, "--listen", "0.0.0.0:0", "--admin", "127.0.0.1:0")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("[[access_key]]", refused.stderr)
        self.running.end()
        self.running = self.server("--listen", "0.0.0.0:0", "--public-url", "https://queues.example.org",
                                   config=self.running.config).start()
        self.running.endpoints["sqs"] = self.running.endpoints["sqs"].replace("0.0.0.0", "127.0.0.1")
        url = self.client("ADMIN", SECRETS["admin"]).create_queue(QueueName="jobs")["QueueUrl"]
        self.assertEqual(url, "https://queues.example.org/000000000000/jobs")


if __name__ == "__main__":
    unittest.main()
