"""Functions elsewhere and the six failures: whose fault each is decides what it costs the message, which is done in the end, as
seldom as can be. The platforms are whole; a faulty link stands before each, and before whoever gives credentials."""

import base64
import json
import time
import unittest

from faults import FAULTS, FaultyLink
from loopback_recorder import bare_environment
from remote_functions import RemoteTest
from server_process import wait_for

ACCOUNT = "arn:aws:lambda:eu-west-1:123456789012:function:"


def refusal(status, code, words):
    return status, json.dumps({"message": words}), {"x-amzn-ErrorType": code}


class Platform:
    """One place where functions run. Its answers, and how often a message was tried by what a request says."""

    words = {"unavailable": (503, "not now", {})}
    answer = ""
    remote = {}
    # What costs an attempt each time that it happens.
    costly = {"server_error", "timeout", "half_open", "expired"}

    def settings(self, link):
        return {"url": link.url} | self.remote

    def attempt(self, request):
        return int(request["headers"]["x-cloudtasks-taskretrycount"]) + 1


class Lambda(Platform):
    runtime = "aws-lambda"
    remote = {"function": ACCOUNT + "orders:live"}
    words = {"throttled": refusal(429, "TooManyRequestsException", "Rate Exceeded."),
             "server_error": refusal(500, "ServiceException", "An internal error occurred"),
             "unavailable": (502, "<html>", {}),
             "expired": refusal(403, "ExpiredTokenException", "The security token included in the request is expired")}
    # Half of it names what failed, and does not say which.
    answer = json.dumps({"batchItemFailures": [], "more": "x" * 60})
    costly = {"timeout", "half_open", "malformed"}

    def attempt(self, request):
        return int(json.loads(request["body"])["Records"][0]["attributes"]["ApproximateReceiveCount"])


class Azure(Platform):
    runtime = "azure-functions"
    remote = {"audience": "api://app"}
    costly = Platform.costly - {"expired"}


class GoogleHttp(Platform):
    runtime = "google-functions"
    remote = {"audience": "https://shop", "payload": "http"}
    costly = Platform.costly - {"expired"}


class GoogleEvent(GoogleHttp):
    remote = {"audience": "https://shop"}

    def attempt(self, request):
        return json.loads(request["body"])["deliveryAttempt"]


class Http(Platform):
    """Nothing lets in here: 401 is what the function says."""

    runtime = "http"


PLATFORMS = {"lambda": Lambda(), "azure": Azure(), "google": GoogleHttp(), "events": GoogleEvent(), "http": Http()}
KEYED = {name: platform for name, platform in PLATFORMS.items() if name != "http"}


class FaultTest(RemoteTest):
    def link(self, url, words=None):
        link = FaultyLink(url, words)
        self.addCleanup(link.close)
        return link

    def issuers(self):
        """Who gives credentials of each cloud, the first ones called 1: (links, variables that lead there)."""
        self.given = {"aws": 0, "azure": 0, "google": 0}

        def give(cloud, text):
            def answer(_):
                self.given[cloud] += 1
                return 200, text(f"secret-{cloud}-{self.given[cloud]}")
            return self.link(self.recorder(answer).url)

        def id_token(name):
            claims = json.dumps({"aud": "https://shop", "exp": int(time.time()) + 3600, "name": name}).encode()
            return "head." + base64.urlsafe_b64encode(claims).decode().rstrip("=") + ".signature"

        links = {"aws": give("aws", lambda name: json.dumps({"AccessKeyId": "AKID", "SecretAccessKey": name, "Token": name,
                                                             "Expiration": "2090-01-01T00:00:00Z"})),
                 "azure": give("azure", lambda name: json.dumps({"access_token": name, "expires_in": 3600})),
                 "google": give("google", id_token)}
        return links, bare_environment(
            AWS_CONTAINER_CREDENTIALS_FULL_URI=links["aws"].url + "/role", AZURE_TENANT_ID="tenant", AZURE_CLIENT_ID="me",
            AZURE_CLIENT_SECRET="secret-of-the-client", AZURE_AUTHORITY_HOST=links["azure"].url,
            GCE_METADATA_HOST=links["google"].url.removeprefix("http://"))

    def serve(self, platforms, environment, attempts=9):
        """One server with a queue and a function at each platform, by the names given."""
        self.functions, self.links = {}, {}
        text = 'shutdown_timeout = "1s"\n[[queue]]\nname = "dead"\n'
        policy = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead", "maxReceiveCount": attempts})
        for name, platform in platforms.items():
            self.functions[name] = self.recorder(lambda _, answer=platform.answer: (200, answer))
            self.links[name] = self.link(self.functions[name].url, platform.words)
            remote = "".join(f"remote.{key} = {json.dumps(value)}\n" for key, value in platform.settings(self.links[name]).items())
            text += (f'[[queue]]\nname = "{name}"\nattributes = {{ RedrivePolicy = {json.dumps(policy)} }}\n'
                     f'[[function]]\nname = "at-{name}"\nruntime = "{platform.runtime}"\ntimeout = "500ms"\n{remote}'
                     f'[[mapping]]\nqueue = "{name}"\nfunction = "at-{name}"\n'
                     'retry.backoff_base = "20ms"\nretry.backoff_max = "100ms"\n')
        return self.started(text, environment)

    def runs(self, name):
        return self.functions[name].requests

    def check_quiet(self, server):
        self.assertEqual(server.counts("dead"), (0, 0, 0))
        self.assertNotIn("secret-", server.log.read_text())


class Invocations(FaultTest):
    def fail(self, times):
        """A message of each fault's name at each platform, whose function it meets so many times. The server, once all are done."""
        self.issuing, environment = self.issuers()
        server = self.serve({f"{name}-{fault}": platform for name, platform in PLATFORMS.items() for fault in times}, environment)
        for place, link in self.links.items():
            fault = place.partition("-")[2]
            link.fail(fault, times[fault])
            server.send(place, "a message")
        for place in self.links:
            self.wait_empty(server, place)
        self.check_quiet(server)
        return server

    def test_whose_fault_it_is_says_what_it_costs_and_what_may_have_been_done_alone_is_done_again(self):
        times = {"throttled": 4, "unavailable": 4, "server_error": 2, "timeout": 2, "half_open": 2, "malformed": 2}
        server = self.fail(times)
        for place, link in self.links.items():
            name, _, fault = place.partition("-")
            with self.subTest(platform=name, fault=fault):
                costly = fault in PLATFORMS[name].costly
                whole = fault == "malformed" and not costly  # what it answers says nothing
                met, runs = len(link.met), self.runs(place)
                self.assertEqual(met, 1 if whole else times[fault])
                self.assertEqual(PLATFORMS[name].attempt(runs[-1]), 1 + met * costly, "attempts")
                done = fault in ("timeout", "malformed") and not whole
                self.assertEqual(len(runs), 1 + met * done, "runs")
                if not costly and not whole:
                    self.assertIn(f"function 'at-{place}' is not taken where it runs; its messages wait", server.log.read_text())
                if met == 4:
                    # Pauses of 100, 200 and 400 ms at least.
                    self.assertGreater(link.met[3]["at"] - link.met[0]["at"], 0.69, "it is not hammered")

    def test_credentials_that_ran_out_are_had_anew_and_the_call_is_made_again_at_once(self):
        self.fail({"expired": 1})
        for place, link in self.links.items():
            name = place.partition("-")[0]
            with self.subTest(platform=name):
                run, = self.runs(place)
                self.assertEqual(len(link.met), 1)
                self.assertEqual(PLATFORMS[name].attempt(run), 1 + ("expired" in PLATFORMS[name].costly))
        self.assertEqual(self.given, {"aws": 2, "azure": 2, "google": 4}, "two functions ask Google")


class Credentials(FaultTest):
    """Whoever gives credentials fails: nothing was invoked, so nothing is lost and the one attempt is not spent."""

    def test_messages_wait_for_credentials(self):
        running = {}
        root = self.folder
        for fault in FAULTS:
            issuers, environment = self.issuers()
            for issuer in issuers.values():
                issuer.fail(fault)
            self.folder = root / fault
            self.folder.mkdir()
            server = self.serve(KEYED, environment, attempts=1)
            for name in KEYED:
                server.send(name, "a message")
            running[fault] = server, issuers, self.functions
        self.folder = root
        for fault, (server, issuers, functions) in running.items():
            for issuer in issuers.values():
                issuer.wait_met()
            # Of one that says nothing it is said after five tries of five seconds.
            for name in KEYED if fault not in ("timeout", "half_open") else ():
                wait_for(lambda: f"function 'at-{name}' is not taken where it runs; its messages wait (Remote.NoCredentials"
                         in server.log.read_text(), f"{fault}: the log says what {name} waits for")
            for cloud, issuer in issuers.items():
                lasted = issuer.met[-1]["at"] - issuer.met[0]["at"]
                self.assertLess(len(issuer.met), 11 + lasted, f"{fault}: {cloud} is not hammered")
            self.assertEqual([len(function.requests) for function in functions.values()], [0] * len(KEYED), fault)
            for issuer in issuers.values():
                issuer.fail(None)
        for fault, (server, _, self.functions) in running.items():
            for name in KEYED:
                self.wait_empty(server, name)
                self.assertEqual(len(self.runs(name)), 1, fault)
            self.check_quiet(server)


if __name__ == "__main__":
    unittest.main()
