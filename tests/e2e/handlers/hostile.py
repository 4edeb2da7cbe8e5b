"""A function that means harm. Its event says which: {"do": NAME, ...}; it answers what came of it.

Speaks the Lambda Runtime API with Python's standard library only. Everything is bounded, so that it does no
harm where a machine cannot stop it.
"""

import ctypes
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
BASE = "/2018-06-01/runtime/invocation"
LIBC = ctypes.CDLL(None, use_errno=True)


def outcome(action):
    """The name of the error that it met, or "done"."""
    try:
        action()
    except OSError as failure:
        return errno.errorcode.get(failure.errno, str(failure.errno))
    return "done"


def system_call(number, *arguments):
    ctypes.set_errno(0)
    if LIBC.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def fork_bomb(event):
    children = []
    said = "done"
    for _ in range(event["most"]):
        try:
            child = os.fork()
        except OSError as failure:
            said = errno.errorcode[failure.errno]
            break
        if child == 0:
            time.sleep(60)
            os._exit(0)
        children.append(child)
    return {"forked": len(children), "said": said}


def memory_leak(event):
    kept = []
    for _ in range(event["megabytes"]):
        kept.append(b"x" * (1 << 20))
    return {"megabytes": len(kept)}


def fill_disk(event):
    path = os.path.join(os.environ["TMPDIR"], "filler")
    written = 0

    def fill():
        nonlocal written
        with open(path, "wb", buffering=0) as file:
            for _ in range(event["megabytes"]):
                written += file.write(b"x" * (1 << 20))

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    said = outcome(fill)
    return {"written": written, "said": said, "tmp": os.listdir(os.environ["TMPDIR"])}


def look(event):
    """Tries to list or read, and to write, each path."""
    def read(path):
        return os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)

    def write(path):
        with open(path, "ab"):
            pass

    seen = {}
    for path in event["read"]:
        seen[path] = outcome(lambda: read(path))
        if seen[path] == "done" and os.path.isdir(path) and not os.listdir(path):
            seen[path] = "empty"
    return {"read": seen, "write": {path: outcome(lambda: write(path)) for path in event["write"]}}


def signals(event):
    sent = {str(pid): outcome(lambda: os.kill(pid, signal.SIGKILL)) for pid in event["pids"]}
    sent["-1"] = outcome(lambda: os.kill(-1, signal.SIGKILL))
    return sent


def connect(event):
    said = {}
    for port in event["ports"]:
        said[str(port)] = outcome(lambda: socket.create_connection(("127.0.0.1", port), 5).close())
    said["udp"] = outcome(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close())
    return said


def kernel(_event):
    """System calls of x86-64 and others by their numbers in asm/unistd.h, and what /proc says of this process."""
    calls = {"mount": 165, "ptrace": 101, "bpf": 321, "kexec_load": 246, "keyctl": 250, "unshare": 272,
             "init_module": 175, "perf_event_open": 298}
    # unshare(CLONE_NEWUSER), ptrace(PTRACE_TRACEME): which an unprivileged process might do.
    arguments = {"unshare": (0x10000000,), "mount": (b"none", b"/tmp", b"tmpfs", 0, 0)}
    if os.uname().machine != "x86_64":
        calls = {}
    status = dict(line.split(":\t", 1) for line in open("/proc/self/status") if ":\t" in line)
    return {"calls": {name: outcome(lambda: system_call(number, *arguments.get(name, (0, 0, 0, 0, 0))))
                      for name, number in calls.items()},
            "status": {key: status[key].strip() for key in ("CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp", "Uid")},
            "processes": sum(name.isdigit() for name in os.listdir("/proc")),
            "descriptors": [os.readlink(f"/proc/self/fd/{fd}").split(":")[0] for fd in os.listdir("/proc/self/fd")
                            if os.path.exists(f"/proc/self/fd/{fd}")]}


def detach(event):
    """A daemon with a session of its own and no environment, as one that hides."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execve(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)", event["mark"]], {})
        os._exit(0)
    time.sleep(0.2)
    if event.get("hang"):
        time.sleep(600)
    return {"detached": True}


def flood(event):
    for _ in range(event["megabytes"]):
        os.write(1, b"x" * 1023 + b"\n" + b"y" * ((1 << 20) - 1024))
    return {"flooded": True}


def stamp(event):
    """How long its message was under way, in seconds, a line a message."""
    with open(event["file"], "a", encoding="utf-8") as file:
        file.write(f"{time.time() - event['sent']}\n")
    return {}


def raw(request_id, body, path="response", halves=1):
    """A response that http.client would not send so."""
    host, port = API.split(":")
    answers = []
    for _ in range(halves):
        with socket.create_connection((host, int(port)), 20) as connection:
            head = f"POST {BASE}/{request_id}/{path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            try:
                connection.sendall(head.encode() + body)
                connection.shutdown(socket.SHUT_WR)
                answers.append(connection.recv(12)[9:12].decode())
            except OSError:  # cut off before it had sent all
                answers.append("cut")
    return answers


ACTIONS = {"fork_bomb": fork_bomb, "memory_leak": memory_leak, "fill_disk": fill_disk, "look": look, "signals": signals,
           "connect": connect, "kernel": kernel, "detach": detach, "flood": flood, "stamp": stamp, "ok": lambda event: event}


def run(event, request_id):
    """The answer, or None where it was given (or is never to be)."""
    what = event["do"]
    if what == "hang":
        time.sleep(600)
    if what == "exit":
        os._exit(7)
    if what == "ignore_sigterm":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    if what == "half_close":
        raw(request_id, b'{"half": true}')
        return None
    if what == "double_response":
        print("answers", raw(request_id, b'{"double": true}', halves=2), flush=True)
        return None
    if what == "wrong_id":
        print("answers", raw("no-such-id", b"{}"), flush=True)
        return {"wrong": True}
    if what == "large_response":
        raw(request_id, b"x" * (event["megabytes"] << 20))
        return None
    return ACTIONS[what](event)


def main():
    connection = HTTPConnection(API)
    while True:
        connection.request("GET", f"{BASE}/next")
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            return
        event = json.loads(body)
        if "Records" in event:  # from a queue, one message in a batch
            text = event["Records"][0]["body"]
            event = json.loads(text) if text.startswith("{") else {}
        request_id = response.headers["Lambda-Runtime-Aws-Request-Id"]
        answer = run(event if "do" in event else {"do": "ok"}, request_id)
        if answer is None:
            continue
        connection.request("POST", f"{BASE}/{request_id}/response", json.dumps(answer))
        connection.getresponse().read()


main()
