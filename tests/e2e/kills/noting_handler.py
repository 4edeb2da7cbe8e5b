"""A function that notes when it began to run each message, and fails where the message says so.

Speaks the Lambda Runtime API. A line "MONOTONIC_NANOSECONDS KEY" each in the file that JOURNAL names.
"""

import http.client
import json
import os
import time

BASE = "/2018-06-01/runtime/invocation"


def main():
    journal = os.open(os.environ["JOURNAL"], os.O_WRONLY | os.O_APPEND)
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        connection.request("GET", f"{BASE}/next")
        response = connection.getresponse()
        event = json.loads(response.read())
        failed = []
        for record in event["Records"]:
            key, what = record["body"].split("|")[:2]
            os.write(journal, f"{time.monotonic_ns()} {key}\n".encode())
            if what == "fail":
                failed.append({"itemIdentifier": record["messageId"]})
        run = response.headers["Lambda-Runtime-Aws-Request-Id"]
        connection.request("POST", f"{BASE}/{run}/response", json.dumps({"batchItemFailures": failed}))
        connection.getresponse().read()


main()
