"""A function that does what its messages say. Speaks the Lambda Runtime API; Python's standard library only.

    scripted.py [NAME]

A message is "ACTION ...": ok | fail | flaky TIMES | hang | exit | only NAME | sleep SECONDS | say WORDS | whose |
use MEGABYTES | batchfail. Each attempt appends a line "NAME PROCESS ACTION-AND-REST" to the file that the environment variable JOURNAL
names, before it does anything. PROCESS is "INSTANCE:PID", with the process id that it has in its namespace.
"""

import http.client
import json
import os
import subprocess
import sys
import time

NAME = sys.argv[1] if len(sys.argv) > 1 else "function"
BASE = "/2018-06-01/runtime/invocation"
INSTANCE = os.environ["FOREWARM_INSTANCE"]


def note(text):
    with open(os.environ["JOURNAL"], "a", encoding="utf-8") as journal:
        journal.write(f"{NAME} {INSTANCE}:{os.getpid()} {text}\n")


def attempts_of(text):
    """With this one, of whatever process."""
    with open(os.environ["JOURNAL"], encoding="utf-8") as journal:
        return sum(line.rstrip("\n").split(" ", 2)[2] == text for line in journal)


def handle(event):
    failed = []
    for record in event.get("Records", []):
        note(record["body"])
        action, *rest = record["body"].split()
        if action == "fail":
            raise ValueError("as asked")
        if action == "flaky" and attempts_of(record["body"]) <= int(rest[0]):
            raise ValueError("not yet")
        if action == "whose":
            note(f"group {record['attributes']['MessageGroupId']}")
        if action == "hang":
            time.sleep(3600)
        if action == "exit":
            os._exit(3)
        if action == "only" and rest[0] != NAME:  # as a process does that needs more memory than it has
            os._exit(3)
        if action == "use":
            len(b"x" * (int(rest[0]) << 20))
        if action == "say":
            print(*rest, flush=True)
        if action == "sleep":
            time.sleep(float(rest[0]))
        if action == "batchfail":
            failed.append({"itemIdentifier": record["messageId"]})
    if "Records" not in event:
        note("invoked")
        time.sleep(event.get("sleep", 0))
        if event.get("fail"):
            raise ValueError("as asked")
        return {"name": NAME, "got": event}
    return {"batchItemFailures": failed}


def main():
    if os.environ.get("WITH_CHILD"):  # a process that the instance must not leave behind
        child = subprocess.Popen(["sleep", "3600"])
        note(f"child {INSTANCE}:{child.pid}")
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    note("started")
    print(f"{NAME} is here", flush=True)
    while True:
        connection.request("GET", f"{BASE}/next")
        response = connection.getresponse()
        event = json.loads(response.read())
        run = response.headers["Lambda-Runtime-Aws-Request-Id"]
        print(f"{NAME} got {len(event.get('Records', []))} messages", flush=True)
        try:
            path, answer = f"{BASE}/{run}/response", handle(event)
        except ValueError as problem:
            path, answer = f"{BASE}/{run}/error", {"errorType": "ValueError", "errorMessage": str(problem)}
        connection.request("POST", path, json.dumps(answer))
        connection.getresponse().read()


main()
