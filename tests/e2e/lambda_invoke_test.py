"""AWS Lambda's functions as targets: requests as the official SDK makes them, and what a platform may answer."""

import json
import signal
import socket
import threading
import time
import unittest

from loopback_recorder import bare_environment
from remote_functions import RemoteTest, attempts, bodies, records
from server_process import wait_for
from source_tests import Client

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:orders"


def refusal(status, code, message="said so", **more):
    return status, json.dumps({"message": message} | more), {"x-amzn-ErrorType": code}


def failure(kind, message):
    return 200, json.dumps({"errorType": kind, "errorMessage": message}), {"X-Amz-Function-Error": "Unhandled"}


class LambdaTest(RemoteTest):
    def lambda_server(self, answer, settings="", mapping="", attempts_max=2, environment=None, **remote):
        """`answer(request)`; None is success."""
        self.lambdas = self.recorder(lambda request: answer(request) or (200, "{}"))
        remote = {"function": ARN + ":live", "url": self.lambdas.url} | remote
        return self.started(self.config("aws-lambda", remote, settings, attempts_max, mapping), environment)

    def of(self, body):
        return [request for request in self.lambdas.requests if body in bodies(request)]


class Contract(LambdaTest):
    def test_an_invocation_is_that_of_the_official_client(self):
        server = self.lambda_server(lambda _: None)
        server.send("jobs", "a \"message\" with ümläuts")
        self.wait_empty(server)
        ours = self.lambdas.requests[0]
        official = Client("lambda_client.mjs", self.lambdas.url.replace("http://", "http://AKIDTEST:secret@"))
        self.addCleanup(official.close)
        official.do("Invoke", FunctionName=ARN, Qualifier="live", InvocationType="RequestResponse", Payload=ours["body"])
        theirs = self.lambdas.requests[-1]
        self.assertIn("aws-sdk-js", theirs["headers"]["user-agent"])
        for part in ("method", "path", "query", "body"):
            self.assertEqual(ours[part], theirs[part])
        for header in ("content-type", "content-length", "host", "x-amz-invocation-type"):
            self.assertEqual(ours["headers"][header], theirs["headers"][header], header)
        scopes = [request["headers"]["authorization"].split(",")[0].split("/")[2:] for request in (ours, theirs)]
        self.assertEqual(scopes[0], ["eu-west-1", "lambda", "aws4_request"])
        self.assertEqual(scopes[0], scopes[1])

    def test_the_payload_is_the_event_that_lambda_makes_of_a_queue(self):
        server = self.lambda_server(lambda _: None)
        server.sqs("SendMessage", QueueUrl=server.url("jobs"), MessageBody="hello", MessageAttributes={
            "colour": {"DataType": "String", "StringValue": "red"}}, MessageSystemAttributes={
            "AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"}})
        self.wait_empty(server)
        (record,) = records(self.lambdas.requests[0])
        self.assertEqual((record["body"], record["eventSource"], record["messageAttributes"]["colour"]["stringValue"]),
                         ("hello", "aws:sqs", "red"))
        self.assertEqual(self.lambdas.requests[0]["headers"]["x-amzn-trace-id"],
                         "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")

    def test_refusals_are_read_as_the_official_client_reads_them(self):
        answers = [refusal(429, "TooManyRequestsException", "Rate Exceeded.", Reason="ConcurrentInvocationLimitExceeded"),
                   refusal(404, "ResourceNotFoundException:http://internal.amazon.com/coral/", "not found")]
        lambdas = self.recorder(lambda _: answers[0])
        official = Client("lambda_client.mjs", lambdas.url.replace("http://", "http://AKIDTEST:secret@"))
        self.addCleanup(official.close)
        for _ in range(len(answers)):
            theirs = official.do("Invoke", FunctionName="orders", Payload="{}")
            server = self.lambda_server(lambda _: answers[0])
            server.send("jobs", "x")
            said = f"{theirs['name']}: {theirs['message']}" + (f" ({theirs['Reason']})" if "Reason" in theirs else "")
            wait_for(lambda: said in server.log_text(), f"the log has {said}")
            server.kill()
            answers.pop(0)


class Outcomes(LambdaTest):
    def test_what_fails_counts_and_a_batch_may_name_what_failed(self):
        def answer(request):
            failed = [record["messageId"] for record in records(request) if record["body"] == "bad"]
            if "throw" in bodies(request):
                return failure("KeyError", "no such key")
            return 200, json.dumps({"batchItemFailures": [{"itemIdentifier": one} for one in failed]})

        server = self.lambda_server(answer, mapping='batch_size = 3\nbatch_window = "300ms"')
        server.send("jobs", "bad", "good", "fine")
        self.assertEqual(self.wait_dead(server), ["bad"])
        server.send("jobs", "throw")
        wait_for(lambda: server.counts("dead")[0] + server.counts("dead")[1] == 2, "both are dead letters")
        self.wait_empty(server)
        self.assertEqual(len(self.of("good")), 1)
        self.assertEqual([count for request in self.of("throw") for count in attempts(request)], ["1", "2"])
        self.assertIn("KeyError", server.run("dlq", "triage", "dead").stdout)
        refused = server.run("fn", "invoke", "worker", '{"Records": [{"body": "throw"}]}')
        self.assertIn("KeyError: no such key", refused.stderr)
        self.assertEqual(refused.returncode, 1)

    def test_an_event_is_done_when_lambda_has_queued_it(self):
        server = self.lambda_server(lambda _: (202, ""), wait=False)
        server.send("jobs", "later")
        self.wait_empty(server)
        self.assertEqual(self.lambdas.requests[0]["headers"]["x-amz-invocation-type"], "Event")

    def test_time_outs_and_ends_of_the_process_fail_and_the_slot_goes_on(self):
        def answer(request):
            if "slow" in bodies(request):
                time.sleep(1.5)
            if "end" in bodies(request):
                return failure("Runtime.ExitError", "exit status 1")

        server = self.lambda_server(answer, settings='timeout = "400ms"\nconcurrency_max = 1')
        server.send("jobs", "slow", "end", "ok")
        self.assertEqual(self.wait_dead(server, 2), ["end", "slow"])
        self.wait_empty(server)
        self.assertEqual(len(self.of("ok")), 1)
        triage = server.run("dlq", "triage", "dead", "--json").stdout
        self.assertIn("no answer within 400 ms", triage)


class Faults(LambdaTest):
    def test_throttles_and_trouble_of_the_platform_cost_no_attempt(self):
        answers = [refusal(429, "TooManyRequestsException", Reason="ReservedFunctionConcurrentInvocationLimitExceeded"),
                   (500, "<html>"), (200, "{}", {"Content-Length": "999", "Connection": "close"})]
        expected = len(answers) + 1
        server = self.lambda_server(lambda _: answers.pop(0) if answers else None, attempts_max=1)
        server.send("jobs", "patient")
        self.wait_empty(server)
        tries = self.of("patient")
        self.assertEqual(len(tries), expected)
        self.assertEqual({count for request in tries for count in attempts(request)}, {"1"})
        self.assertEqual(server.counts("dead"), (0, 0, 0))
        self.assertIn("function 'worker' is not taken where it runs; its messages wait", server.log_text())

    def test_a_function_without_room_is_not_hammered_and_serves_as_many_as_it_can(self):
        room, lock, refused = 3, threading.Lock(), []
        busy = [0]

        def answer(_):
            with lock:
                if busy[0] >= room:
                    refused.append(time.monotonic())
                    return refusal(429, "TooManyRequestsException")
                busy[0] += 1
            time.sleep(0.05)
            with lock:
                busy[0] -= 1

        server = self.lambda_server(answer, settings="concurrency_max = 20", attempts_max=1)
        for i in range(60):
            server.send("jobs", f"m{i}")
        self.wait_empty(server)
        self.assertEqual(server.counts("dead"), (0, 0, 0))
        self.assertLess(len(refused), 40)

    def test_a_platform_that_is_not_there_is_waited_for(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = self.lambda_server(lambda _: None, url=f"http://127.0.0.1:{port}", attempts_max=1)
        server.send("jobs", "kept")
        wait_for(lambda: "Remote.Unreachable" in server.log_text(), "the log says so")
        self.assertEqual(sum(server.counts("jobs")), 1)
        lambdas = self.recorder(lambda _: (200, "{}"))
        forwarder = Forwarder(port, int(lambdas.address.split(":")[1]))
        self.addCleanup(forwarder.close)
        self.wait_empty(server)
        self.assertEqual(attempts(lambdas.requests[0]), ["1"])

    def test_expired_credentials_are_fetched_anew_and_the_call_is_signed_again(self):
        given = []

        def container(_):
            given.append(f"AKID{len(given)}")
            return 200, json.dumps({"AccessKeyId": given[-1], "SecretAccessKey": "s", "Token": "t/" + given[-1],
                                    "Expiration": "2090-01-01T00:00:00Z"})

        credentials = self.recorder(container)
        answers = [refusal(403, "ExpiredTokenException", "The security token included in the request is expired")]
        server = self.lambda_server(
            lambda _: answers.pop(0) if answers else None, attempts_max=1, environment=bare_environment(
                AWS_CONTAINER_CREDENTIALS_FULL_URI=credentials.url + "/role"))
        server.send("jobs", "x")
        self.wait_empty(server)
        first, second = (request["headers"] for request in self.lambdas.requests)
        self.assertIn("Credential=AKID0/", first["authorization"])
        self.assertIn("Credential=AKID1/", second["authorization"])
        self.assertEqual(second["x-amz-security-token"], "t/AKID1")

    def test_what_we_may_not_do_waits_and_is_said_with_the_remedy(self):
        answers = [refusal(403, "AccessDeniedException", "not authorized to perform: lambda:InvokeFunction")] * 2
        server = self.lambda_server(lambda _: answers.pop(0) if answers else None, attempts_max=1)
        server.send("jobs", "kept")
        self.wait_empty(server)
        self.assertIn("allow lambda:InvokeFunction as docs/policies/lambda-invoke.json does", server.log_text())
        self.assertEqual(attempts(self.of("kept")[-1]), ["1"])

    def test_without_a_region_the_start_says_what_to_do(self):
        environment = bare_environment(AWS_REGION="")
        server = self.lambda_server(lambda _: None, function="orders", environment=environment)
        server.send("jobs", "kept")
        wait_for(lambda: "in which region is the Lambda function?" in server.log_text(), "the log says so")
        self.assertEqual(sum(server.counts("jobs")), 1)


class Ends(LambdaTest):
    def test_a_run_whose_outcome_is_not_known_comes_again_after_the_restart(self):
        held = threading.Event()
        self.addCleanup(held.set)
        server = self.lambda_server(lambda _: held.wait(20) and None, settings='timeout = "30s"', attempts_max=5)
        server.send("jobs", "unknown")
        self.lambdas.wait(lambda requests: requests)
        before = time.monotonic()
        self.assertEqual(server.stop(signal.SIGTERM), 0)
        self.assertLess(time.monotonic() - before, 15)
        held.set()
        server.start()
        self.wait_empty(server)
        self.assertEqual(len(self.of("unknown")), 2)

    def test_a_server_that_ends_does_not_wait_for_room(self):
        server = self.lambda_server(lambda _: refusal(429, "TooManyRequestsException"), attempts_max=9)
        server.send("jobs", "kept")
        self.lambdas.wait(lambda requests: len(requests) > 1)
        self.assertEqual(server.stop(signal.SIGTERM), 0)
        self.assertNotIn("stopped before everything had finished", server.log_text())
        server.start()
        self.assertEqual(sum(server.counts("jobs")) + sum(server.counts("dead")), 1)
        self.assertEqual(server.counts("dead"), (0, 0, 0))


class Forwarder:
    """Hands connections of one port on to another: a server that comes late."""

    def __init__(self, port, to):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen()
        self.open = []
        threading.Thread(target=self.accept, args=(to,), daemon=True).start()

    def accept(self, to):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", to))
            self.open += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self.copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for one in self.open:
            one.close()


if __name__ == "__main__":
    unittest.main()
