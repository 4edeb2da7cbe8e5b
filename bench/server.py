#!/usr/bin/env python3
"""What the server itself costs: start, rest, many queues, idle connections, and a kill with many messages waiting,
beside the targets.

    ./dev bench server [--starts N] [--queues N] [--connections N] [--messages N] [--json]
"""

import argparse
import concurrent.futures
import http.client
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.path.join(ROOT, "build", "release", "forewarm")
READY_SECONDS = 120
IDLE_SECONDS = 10
CONNECTIONS = 16
RECEIVES = 400
FEW_MESSAGES = 2_000


class Server:
    def __init__(self, data):
        self.data = data
        self.endpoints = os.path.join(data, "endpoints.json")
        self.process = None
        self.port = None

    def start(self):
        """Milliseconds until it is ready."""
        began = time.monotonic()
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--data", self.data, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not os.path.exists(self.endpoints):
            if self.process.poll() is not None or time.monotonic() - began > READY_SECONDS:
                raise RuntimeError("the server did not become ready")
            time.sleep(0.0005)
        took = (time.monotonic() - began) * 1000
        with open(self.endpoints, encoding="utf-8") as file:
            self.port = int(json.load(file)["sqs"].rsplit(":", 1)[1])
        return took

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(60)

    def kill(self):
        self.process.kill()
        self.process.wait(60)
        os.unlink(self.endpoints)  # of the dead; the next one writes its own

    def resident_mb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def calls(self, action, bodies):
        """Makes the calls on one connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS." + action}
        for body in bodies:
            connection.request("POST", "/", json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{action}: {answer.status} {text[:300]}")
        connection.close()

    def spread_calls(self, action, bodies):
        """Makes the calls on several connections at a time."""
        with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
            parts = [pool.submit(self.calls, action, bodies[i::CONNECTIONS]) for i in range(CONNECTIONS)]
            for part in parts:
                part.result()


def folder():
    return tempfile.TemporaryDirectory(prefix="bench-", dir=os.path.join(ROOT, "build"))


def measure_starts(count):
    starts, spawns = [], []
    for _ in range(count):
        began = time.monotonic()
        subprocess.run(["/bin/true"], check=True)
        spawns.append((time.monotonic() - began) * 1000)
        with folder() as data:
            server = Server(data)
            starts.append(server.start())
            server.stop()
    return {"start_ms": statistics.median(starts), "start_ms_min": min(starts), "start_ms_max": max(starts),
            "spawn_ms": statistics.median(spawns)}


def measure_rest(queues):
    figures = {}
    with folder() as data:
        server = Server(data)
        server.start()
        time.sleep(1)
        figures["idle_mb"] = server.resident_mb()
        figures["idle_cpu_percent"] = idle_cpu(server)
        server.spread_calls("CreateQueue", [{"QueueName": f"queue-{i}"} for i in range(queues)])
        figures["queues_mb"] = server.resident_mb()
        figures["queues_cpu_percent"] = idle_cpu(server)
        server.stop()
    return figures


def idle_cpu(server):
    before = server.cpu_seconds()
    time.sleep(IDLE_SECONDS)
    return (server.cpu_seconds() - before) / IDLE_SECONDS * 100


def measure_connections(count):
    """Each has had one answer, so that all its buffers are there."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(count, hard - 100)
    request = (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-amz-json-1.0\r\n"
               b"X-Amz-Target: AmazonSQS.ListQueues\r\nContent-Length: 2\r\n\r\n{}")
    with folder() as data:
        server = Server(data)
        server.start()
        sockets = []
        try:
            for _ in range(count):
                connection = socket.create_connection(("127.0.0.1", server.port))
                sockets.append(connection)
                connection.sendall(request)
                if not connection.recv(4096).startswith(b"HTTP/1.1 200"):
                    raise RuntimeError("a connection was refused")
            return {"connections": count, "connections_mb": server.resident_mb()}
        finally:
            for connection in sockets:
                connection.close()
            server.stop()


def receive_ms(server, url):
    """Medians of a receive of one message."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.ReceiveMessage"}
    took = []
    for _ in range(RECEIVES):
        began = time.monotonic()
        connection.request("POST", "/", json.dumps({"QueueUrl": url}), headers)
        answer = connection.getresponse()
        if b"ReceiptHandle" not in answer.read():
            raise RuntimeError("a waiting message was not received")
        took.append((time.monotonic() - began) * 1000)
    connection.close()
    return statistics.median(took)


def measure_recovery(messages):
    with folder() as data:
        server = Server(data)
        server.start()
        server.calls("CreateQueue", [{"QueueName": "bench"}])
        url = f"http://127.0.0.1:{server.port}/000000000000/bench"
        entries = [{"Id": str(i), "MessageBody": "x" * 1024} for i in range(10)]
        batch = {"QueueUrl": url, "Entries": entries}
        server.spread_calls("SendMessageBatch", [batch] * (FEW_MESSAGES // 10))
        few = receive_ms(server, url)
        server.spread_calls("SendMessageBatch", [batch] * (messages // 10))
        before, many = server.resident_mb(), receive_ms(server, url)
        server.kill()
        took = server.start()
        after, again = server.resident_mb(), receive_ms(server, url)
        server.stop()
    return {"restart_ms": took, "waiting_mb": before, "restarted_mb": after, "receive_few_ms": few,
            "receive_many_ms": many, "receive_restarted_ms": again}


def main():
    parser = argparse.ArgumentParser(prog="./dev bench server", description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--queues", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="JSON on standard output")
    arguments = parser.parse_args()
    figures = {**measure_starts(arguments.starts), **measure_rest(arguments.queues),
               **measure_connections(arguments.connections), **measure_recovery(arguments.messages)}
    if arguments.json:
        print(json.dumps(figures))
        return
    rows = [
        (f"start to ready, median of {arguments.starts}", "start_ms", "ms", "< 50"),
        ("  fastest", "start_ms_min", "ms", ""),
        ("  slowest", "start_ms_max", "ms", ""),
        ("  spawning /bin/true, the floor", "spawn_ms", "ms", ""),
        ("idle, resident", "idle_mb", "MB", "< 30"),
        ("idle, of one core", "idle_cpu_percent", "%", "< 1"),
        (f"{arguments.queues} queues, resident", "queues_mb", "MB", ""),
        (f"{arguments.queues} queues, of one core", "queues_cpu_percent", "%", ""),
        (f"{figures['connections']} idle connections, resident", "connections_mb", "MB", "< 250 for 10,000"),
        (f"{arguments.messages} messages waiting, resident", "waiting_mb", "MB", ""),
        ("  killed, restart to ready", "restart_ms", "ms", "< 5000 for a million"),
        ("  resident after it", "restarted_mb", "MB", ""),
        ("  a receive, median", "receive_many_ms", "ms", ""),
        ("  after the restart", "receive_restarted_ms", "ms", ""),
        (f"  with {FEW_MESSAGES} messages waiting", "receive_few_ms", "ms", ""),
    ]
    for name, key, unit, target in rows:
        print(f"{name:40}{figures[key]:10.1f} {unit:3} {'target ' + target if target else ''}")


if __name__ == "__main__":
    sys.exit(main())
