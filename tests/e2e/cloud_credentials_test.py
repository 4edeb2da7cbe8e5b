"""Where sources find their credentials: each place on loopback, seen by what a request is signed with."""

import base64
import json
import pathlib
import subprocess
import tempfile
import unittest
from urllib.parse import parse_qs

from fake_service_bus import FakeServiceBus
from loopback_recorder import Recorder, bare_environment
from source_tests import Probe, wait_for

FACTS = json.dumps({"Attributes": {"VisibilityTimeout": "30"}})
LATER = "2090-01-01T00:00:00Z"


def keys(name):
    return json.dumps({"Code": "Success", "AccessKeyId": name, "SecretAccessKey": "s", "Token": "token-of-" + name,
                       "Expiration": LATER})


def sts(action, name):
    return (f"<{action}Response><{action}Result><Credentials><AccessKeyId>{name}</AccessKeyId><SecretAccessKey>s"
            f"</SecretAccessKey><SessionToken>token-of-{name}</SessionToken><Expiration>{LATER}</Expiration>"
            f"</Credentials></{action}Result></{action}Response>")


class CredentialTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="forewarm-credentials-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def recorder(self, answer):
        made = Recorder(answer)
        self.addCleanup(made.close)
        return made

    def file(self, name, text):
        (self.folder / name).write_text(text)
        return str(self.folder / name)


class Aws(CredentialTest):
    def asked_with(self, expect_ok=True, **environment):
        """The key and the session token that a request was signed with, or why there was none."""
        queue = self.recorder(lambda _: (200, FACTS))
        with Probe(f"sqs+{queue.url}/1/q", 0, bare_environment(**environment)) as probe:
            state = probe.wait("a state", lambda _: probe.of("state"))[0]
        self.assertEqual(state["ok"], expect_ok, state)
        if not expect_ok:
            self.assertEqual(queue.requests, [])
            return state["error"]
        headers = queue.requests[0]["headers"]
        return headers["authorization"].split("Credential=")[1].split("/")[0], headers.get("x-amz-security-token")

    def test_the_environment_comes_first(self):
        self.assertEqual(self.asked_with(AWS_ACCESS_KEY_ID="A", AWS_SECRET_ACCESS_KEY="s", AWS_SESSION_TOKEN="t"), ("A", "t"))

    def test_a_profile_has_keys_in_either_file(self):
        credentials = self.file("credentials", "[default]\naws_access_key_id=D\naws_secret_access_key=s\n")
        config = self.file("config", "[profile work]\nregion = eu-north-1\naws_access_key_id = W\ns3 =\n  region = x\n"
                                     "aws_secret_access_key = s\naws_session_token = t\n")
        files = {"AWS_SHARED_CREDENTIALS_FILE": credentials, "AWS_CONFIG_FILE": config}
        self.assertEqual(self.asked_with(**files), ("D", None))
        self.assertEqual(self.asked_with(**files, AWS_PROFILE="work"), ("W", "t"))
        self.assertIn("the profile [gone] that AWS_PROFILE names", self.asked_with(False, **files, AWS_PROFILE="gone"))

    def test_a_profile_assumes_a_role_with_the_keys_of_another(self):
        server = self.recorder(lambda _: (200, sts("AssumeRole", "ROLE")))
        config = self.file("config", "[profile work]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\n"
                                     "external_id = ex\n[profile base]\naws_access_key_id = B\naws_secret_access_key = s\n")
        self.assertEqual(self.asked_with(AWS_CONFIG_FILE=config, AWS_PROFILE="work", AWS_ENDPOINT_URL_STS=server.url),
                         ("ROLE", "token-of-ROLE"))
        request = server.requests[0]
        form = parse_qs(request["body"])
        self.assertEqual((form["Action"], form["RoleArn"], form["ExternalId"]), (["AssumeRole"], ["arn:aws:iam::1:role/r"], ["ex"]))
        self.assertIn("Credential=B/", request["headers"]["authorization"])
        self.assertIn("/eu-west-1/sts/aws4_request", request["headers"]["authorization"])

    def test_a_web_identity_is_exchanged(self):
        server = self.recorder(lambda _: (200, sts("AssumeRoleWithWebIdentity", "WEB")))
        token = self.file("token", "a.jwt.token\n")
        web = {"AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ROLE_ARN": "arn:r", "AWS_ENDPOINT_URL_STS": server.url}
        self.assertEqual(self.asked_with(**web, AWS_ROLE_SESSION_NAME="pod"), ("WEB", "token-of-WEB"))
        self.assertEqual(parse_qs(server.requests[0]["body"]), {
            "Action": ["AssumeRoleWithWebIdentity"], "Version": ["2011-06-15"], "RoleArn": ["arn:r"],
            "RoleSessionName": ["pod"], "WebIdentityToken": ["a.jwt.token"]})
        refusing = self.recorder(lambda _: (400, "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>it is old"
                                                 "</Message></Error></ErrorResponse>"))
        said = self.asked_with(False, **web | {"AWS_ENDPOINT_URL_STS": refusing.url})
        self.assertIn("InvalidIdentityToken: it is old", said)
        self.assertNotIn("a.jwt.token", said)

    def test_a_container_is_asked_with_its_token_and_only_here_or_by_https(self):
        server = self.recorder(lambda request: (200, keys("POD")) if request["headers"].get("authorization") == "of-file" else (403, ""))
        token = self.file("token", "of-file")
        container = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url + "/x", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": token}
        self.assertEqual(self.asked_with(**container), ("POD", "token-of-POD"))
        for elsewhere in ("http://example.invalid/", "http://127.0.0.1.example.invalid/", "http://localhost@example.invalid/"):
            said = self.asked_with(False, AWS_CONTAINER_CREDENTIALS_FULL_URI=elsewhere, AWS_CONTAINER_AUTHORIZATION_TOKEN="t")
            self.assertIn("its token is not sent there", said)
        said = self.asked_with(False, AWS_CONTAINER_CREDENTIALS_FULL_URI=server.url)
        self.assertIn("the container's credentials", said)
        self.assertIn("403", said)

    def test_the_instance_is_asked_by_version_2(self):
        def metadata(request):
            if request["path"] == "/latest/api/token":
                good = request["method"] == "PUT" and request["headers"].get("x-aws-ec2-metadata-token-ttl-seconds") == "21600"
                return (200, "session") if good else (400, "")
            if request["headers"].get("x-aws-ec2-metadata-token") != "session":
                return 401, ""
            return (200, "the-role") if request["path"].endswith("/security-credentials/") else (200, keys("EC2"))

        server = self.recorder(metadata)
        instance = {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url + "/"}
        self.assertEqual(self.asked_with(**instance), ("EC2", "token-of-EC2"))
        self.assertEqual(server.requests[2]["path"], "/latest/meta-data/iam/security-credentials/the-role")

    def test_without_any_it_is_said_what_to_do(self):
        said = self.asked_with(False)
        self.assertIn("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the profile [default]", said)

    def test_an_answer_that_is_no_credentials_is_told_without_its_text(self):
        server = self.recorder(lambda _: (200, '{"SecretAccessKey": "hidden"}'))
        said = self.asked_with(False, AWS_CONTAINER_CREDENTIALS_FULL_URI=server.url)
        self.assertIn("has no AccessKeyId and SecretAccessKey", said)
        self.assertNotIn("hidden", said)


class Google(CredentialTest):
    def asked_with(self, expect_ok=True, **environment):
        subscription = self.recorder(lambda _: (200, json.dumps({"name": "s", "topic": "t", "ackDeadlineSeconds": 10})))
        url = f"pubsub://p/s?endpoint={subscription.url}&token=true"
        with Probe(url, 0, bare_environment(**environment)) as probe:
            state = probe.wait("a state", lambda _: probe.of("state"))[0]
        self.assertEqual(state["ok"], expect_ok, state)
        return subscription.requests[0]["headers"]["authorization"] if expect_ok else state["error"]

    def tokens(self):
        return self.recorder(lambda _: (200, json.dumps({"access_token": "the-token", "expires_in": 3600})))

    def test_a_service_account_signs_an_assertion_that_its_key_verifies(self):
        server = self.tokens()
        subprocess.run(["openssl", "genrsa", "-out", "key.pem", "2048"], cwd=self.folder, check=True, capture_output=True)
        subprocess.run(["openssl", "rsa", "-in", "key.pem", "-pubout", "-out", "public.pem"], cwd=self.folder, check=True,
                       capture_output=True)
        path = self.file("account.json", json.dumps({
            "type": "service_account", "client_email": "me@p.iam", "private_key_id": "k1",
            "private_key": (self.folder / "key.pem").read_text(), "token_uri": server.url + "/token"}))
        self.assertEqual(self.asked_with(GOOGLE_APPLICATION_CREDENTIALS=path), "Bearer the-token")
        form = parse_qs(server.requests[0]["body"])
        self.assertEqual(form["grant_type"], ["urn:ietf:params:oauth:grant-type:jwt-bearer"])
        header, claims, signature = form["assertion"][0].split(".")

        def decoded(text):
            return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

        self.assertEqual(json.loads(decoded(header)), {"alg": "RS256", "typ": "JWT", "kid": "k1"})
        said = json.loads(decoded(claims))
        self.assertEqual((said["iss"], said["aud"], said["exp"] - said["iat"]), ("me@p.iam", server.url + "/token", 3600))
        self.assertEqual(said["scope"], "https://www.googleapis.com/auth/cloud-platform")
        (self.folder / "signature").write_bytes(decoded(signature))
        self.file("signed", header + "." + claims)
        verified = subprocess.run(["openssl", "dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", "signed"],
                                  cwd=self.folder, capture_output=True, text=True)
        self.assertIn("Verified OK", verified.stdout)

    def test_a_users_refresh_token_is_exchanged_from_gclouds_own_file_too(self):
        server = self.tokens()
        self.file("application_default_credentials.json", json.dumps({
            "type": "authorized_user", "client_id": "c", "client_secret": "cs", "refresh_token": "r/1", "token_uri": server.url}))
        self.assertEqual(self.asked_with(CLOUDSDK_CONFIG=str(self.folder)), "Bearer the-token")
        self.assertEqual(parse_qs(server.requests[0]["body"]), {
            "grant_type": ["refresh_token"], "client_id": ["c"], "client_secret": ["cs"], "refresh_token": ["r/1"]})

    def test_the_metadata_server_is_asked(self):
        server = self.recorder(lambda request: (200, json.dumps({"access_token": "of-metadata", "expires_in": 3599}))
                               if request["headers"].get("metadata-flavor") == "Google" else (403, ""))
        self.assertEqual(self.asked_with(GCE_METADATA_HOST=server.address), "Bearer of-metadata")
        self.assertEqual(server.requests[0]["path"], "/computeMetadata/v1/instance/service-accounts/default/token")

    def test_refusals_and_wrong_files_are_told_without_secrets(self):
        refusing = self.recorder(lambda _: (400, json.dumps({"error": "invalid_grant", "error_description": "expired"})))
        path = self.file("user.json", json.dumps({"type": "authorized_user", "client_secret": "hidden", "refresh_token": "hidden",
                                                  "token_uri": refusing.url}))
        said = self.asked_with(False, GOOGLE_APPLICATION_CREDENTIALS=path)
        self.assertIn("invalid_grant: expired", said)
        self.assertNotIn("hidden", said)
        path = self.file("key.json", json.dumps({"type": "service_account", "private_key": "hidden"}))
        said = self.asked_with(False, GOOGLE_APPLICATION_CREDENTIALS=path)
        self.assertIn("no RSA key", said)
        self.assertNotIn("hidden", said)
        self.assertIn("expected service_account or authorized_user", self.asked_with(
            False, GOOGLE_APPLICATION_CREDENTIALS=self.file("other.json", '{"type": "external_account"}')))


class Azure(CredentialTest):
    """A token is what a Service Bus is told at $cbs."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="forewarm-credentials-")
        cls.addClassCleanup(folder.cleanup)
        cls.bus = FakeServiceBus(folder.name)
        cls.addClassCleanup(cls.bus.stop)
        cls.bus.start()
        cls.bus.do("queue", name="q")

    def tokens(self, *names, life=3600, status=200, text=None):
        """A server that gives these tokens one after the other, the last again and again."""
        left = list(names)
        for name in names:
            self.bus.do("jwt", token=name, life_ms=3_600_000)

        def answer(_):
            name = left.pop(0) if len(left) > 1 else left[0] if left else "none"
            return status, text if text is not None else json.dumps({"access_token": name, "expires_in": life})

        return self.recorder(answer)

    def probe(self, **environment):
        return Probe(self.bus.url("q", user=""), 0, bare_environment(**environment))

    def asked_with(self, expect_ok=True, **environment):
        before = len(self.bus.do("seen")["tokens"])
        with self.probe(**environment) as probe:
            state = probe.wait("a state", lambda _: probe.of("state"))[0]
        self.assertEqual(state["ok"], expect_ok, state)
        if not expect_ok:
            return state["error"]
        told = self.bus.do("seen")["tokens"][before:]
        self.assertEqual({token["type"] for token in told}, {"jwt"})
        return told[0]["text"]

    CLIENT = {"AZURE_TENANT_ID": "tenant", "AZURE_CLIENT_ID": "client"}

    def test_a_client_secret_is_exchanged(self):
        server = self.tokens("of-secret")
        told = self.asked_with(**self.CLIENT, AZURE_CLIENT_SECRET="s/e&c", AZURE_AUTHORITY_HOST=server.url + "/")
        self.assertEqual(told, "of-secret")
        request = server.requests[0]
        self.assertEqual((request["method"], request["path"]), ("POST", "/tenant/oauth2/v2.0/token"))
        self.assertEqual(parse_qs(request["body"]), {
            "grant_type": ["client_credentials"], "client_id": ["client"], "client_secret": ["s/e&c"],
            "scope": ["https://servicebus.azure.net/.default"]})

    def test_a_workload_identity_is_exchanged_with_the_file_as_it_is_now(self):
        server = self.tokens("of-workload")
        path = self.file("federated", "a.jwt.token\n")
        self.assertEqual(self.asked_with(**self.CLIENT, AZURE_FEDERATED_TOKEN_FILE=path, AZURE_AUTHORITY_HOST=server.url),
                         "of-workload")
        form = parse_qs(server.requests[0]["body"])
        self.assertEqual((form["client_assertion"], form["client_assertion_type"]),
                         (["a.jwt.token"], ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]))
        said = self.asked_with(False, **self.CLIENT, AZURE_FEDERATED_TOKEN_FILE=path + ".gone", AZURE_AUTHORITY_HOST=server.url)
        self.assertIn("AZURE_FEDERATED_TOKEN_FILE", said)

    def test_app_service_is_asked_with_its_header(self):
        server = self.tokens("of-app", text=json.dumps({"access_token": "of-app", "expires_on": "4102444800"}))
        self.assertEqual(self.asked_with(IDENTITY_ENDPOINT=server.url + "/msi/token/", IDENTITY_HEADER="h", AZURE_CLIENT_ID="u"),
                         "of-app")
        request = server.requests[0]
        self.assertEqual(request["headers"]["x-identity-header"], "h")
        self.assertEqual(parse_qs(request["query"]), {
            "api-version": ["2019-08-01"], "resource": ["https://servicebus.azure.net"], "client_id": ["u"]})

    def test_a_machine_is_asked_by_its_metadata(self):
        server = self.tokens("of-machine", text=json.dumps({"access_token": "of-machine", "expires_in": "3599"}))
        self.assertEqual(self.asked_with(AZURE_POD_IDENTITY_AUTHORITY_HOST=server.url), "of-machine")
        request = server.requests[0]
        self.assertEqual((request["path"], request["headers"]["metadata"]), ("/metadata/identity/oauth2/token", "true"))
        self.assertEqual(parse_qs(request["query"]), {"api-version": ["2018-02-01"], "resource": ["https://servicebus.azure.net"]})

    def test_a_token_is_replaced_before_it_ends(self):
        # Five minutes before its end, of which one second is left.
        server = self.tokens("first", "second", life=301)
        with self.probe(AZURE_POD_IDENTITY_AUTHORITY_HOST=server.url) as probe:
            probe.wait_state(True)
            wait_for("the next token", lambda: "second" in {token["text"] for token in self.bus.do("seen")["tokens"]})
            self.assertEqual([state["ok"] for state in probe.of("state")], [True])

    def test_a_token_that_ends_too_early_is_replaced_by_a_new_one(self):
        server = self.tokens("revoked", "fresh")
        with self.probe(AZURE_POD_IDENTITY_AUTHORITY_HOST=server.url) as probe:
            probe.send(op="window", n=1)
            probe.wait_state(True)
            self.bus.do("jwt", token="revoked", life_ms=0)
            self.bus.do("drop")
            probe.wait("refused", lambda _: [s for s in probe.of("state") if "ExpiredToken" in s.get("error", "")])
            probe.wait_state(True, 2)

    def test_refusals_are_told_without_secrets(self):
        refusing = self.tokens(status=401, text=json.dumps({
            "error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret.\r\nTrace ID: x"}))
        secret = self.CLIENT | {"AZURE_CLIENT_SECRET": "hidden"}
        said = self.asked_with(False, **secret, AZURE_AUTHORITY_HOST=refusing.url)
        self.assertIn("invalid_client: AADSTS7000215: Invalid client secret.", said)
        self.assertNotIn("Trace", said)
        self.assertNotIn("hidden", said)
        for elsewhere in ("http://example.invalid", "http://127.0.0.1@example.invalid", "ftp://127.0.0.1"):
            said = self.asked_with(False, **secret, AZURE_AUTHORITY_HOST=elsewhere)
            self.assertIn("secrets are sent there", said)
        wrong = self.tokens(text='{"access_token": "hidden"}')
        said = self.asked_with(False, AZURE_POD_IDENTITY_AUTHORITY_HOST=wrong.url)
        self.assertIn("does not say when", said)
        self.assertNotIn("hidden", said)

    def test_without_any_it_is_said_what_to_do(self):
        # A port at which nobody answers, in place of the metadata server.
        server = self.recorder(lambda _: (200, ""))
        server.close()
        said = self.asked_with(False, AZURE_POD_IDENTITY_AUTHORITY_HOST=server.url)
        self.assertIn("set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET", said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
