"""A steady trickle of messages with bursts that somebody announces, played to a running server.

The instances are the demo's function, which takes START_SECONDS to start. What happened is read from the server's
recording (docs/formats/recording.md), so that nothing depends on how fast this machine is.
"""

import dataclasses
import http.client
import json
import random
import re
import threading
import time

from server_process import PROGRAM, run

START_SECONDS = 1
WORK_SECONDS = 0.1
OBJECTIVE_SECONDS = 0.5
TRICKLE_PER_SECOND = 4
BURST_TIMES = 10
BURST_SECONDS = 5
# So that nobody would keep a burst's instances until the next one, but would have them a few seconds ahead.
IDLE_COST_PER_SECOND = 1000
LATE_COST = 700
FORESEEN_SECONDS = 6  # a plan is for a burst that begins so soon after it
CONNECTIONS = 8
JSON = {"Content-Type": "application/json"}


def config(announced):
    """TOML: steps of a second, one queue, its function, and the signal if there is one."""
    signal = '[[signal]]\nname = "campaign"\nfuture_known = true\nhold = "1h"\n' if announced else ""
    return f"""
[forecast]
step = "1s"
horizon = 20
history = 600
refit_every = 1
{signal}
[[function]]
name = "worker"
command = [{json.dumps(PROGRAM)}, "demo-function", "{START_SECONDS * 1000}"]
start_time_guess = "{START_SECONDS}s"
[[mapping]]
queue = "jobs"
function = "worker"
scaling.objective = "{int(OBJECTIVE_SECONDS * 1000)}ms"
scaling.idle_cost_per_hour = {IDLE_COST_PER_SECOND * 3600}
scaling.late_cost = {LATE_COST}
"""


def poisson(draw, mean):
    count, at = 0, draw.expovariate(1)
    while at < mean:
        count, at = count + 1, at + draw.expovariate(1)
    return count


def import_past(server, announced, seconds=600, seed=1):
    """Brings a past up to now in which bursts came with the signal, at no regular times."""
    draw = random.Random(seed)
    counts, values = [], []
    while len(counts) < seconds:
        for value, length in ((0, draw.randint(15, 45)), (1, BURST_SECONDS)):
            rate = TRICKLE_PER_SECOND * (BURST_TIMES if value else 1)
            counts += [poisson(draw, rate) for _ in range(length)]
            values += [value] * length
    counts[-20:] = [poisson(draw, TRICKLE_PER_SECOND) for _ in range(20)]
    values[-20:] = [0] * 20
    begin = int(time.time()) - len(counts)
    files = [("jobs", "count", counts)] + ([("campaign", "value", values)] if announced else [])
    for name, column, series in files:
        path = server.data.parent / f"{name}.csv"
        path.write_text(f"timestamp_s,queue,{column}\n" + "".join(
            f"{begin + i},{name},{each}\n" for i, each in enumerate(series)))
        done = run("history", "import", path, "--data", server.data, "--step", "1s")
        assert done.returncode == 0, done.stdout + done.stderr


class Traffic:
    """Messages at random times, more of them in the bursts; the same ones for the same seed."""

    def __init__(self, begin, bursts, end, seed=1):
        draw = random.Random(seed)
        self.times, at = [], begin
        while at < end:
            burst = any(start <= at < start + BURST_SECONDS for start in bursts)
            at += draw.expovariate(TRICKLE_PER_SECOND * (BURST_TIMES if burst else 1))
            self.times.append(at)

    def send(self, server):
        """Returns threads that send them."""
        url = server.url("jobs")
        port = int(server.endpoints["sqs"].rsplit(":", 1)[1])
        body = json.dumps({"QueueUrl": url, "MessageBody": json.dumps({"work_us": int(WORK_SECONDS * 1e6)})})
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.SendMessage"}

        def send(times):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            for at in times:
                time.sleep(max(0, at - time.time()))
                connection.request("POST", "/", body, headers)
                connection.getresponse().read()
            connection.close()

        threads = [threading.Thread(target=send, args=(self.times[i::CONNECTIONS],)) for i in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        return threads


def announce(server, start):
    """A burst that begins at `start`."""
    values = [{"time": start, "value": 1}, {"time": start + BURST_SECONDS, "value": 0}]
    status, text = server.http("POST", "/v1/signals/campaign", json.dumps(values), JSON)
    assert status == 200 and json.loads(text)["values"] == {"in_order": 2}, text


@dataclasses.dataclass
class Burst:
    """What one met."""

    warm: int  # instances that were ready when its first message came
    messages: int
    late: int
    plan: dict  # the plan in force when its first message came
    foreseen: int  # most instances that a plan before it wanted because of a forecast


def read_bursts(recording, starts):
    """A Burst for each of the times at which they began."""
    bursts = [None for _ in starts]
    arrived, of, ready, plan, foreseen, now = {}, {}, set(), {}, [], 0
    for line in recording.read_text().splitlines():
        if not line.startswith("  "):
            now = int(line.split(" ", 1)[0]) / 1e6
        if found := re.search(r" message_arrived message=\{id=(\d+) .*?visible_at=(\d+)", line):
            at = int(found[2]) / 1e6
            which = next((i for i, start in enumerate(starts) if start <= at < start + BURST_SECONDS), None)
            if which is None:
                continue
            arrived[found[1]], of[found[1]] = at, which
            if bursts[which] is None:
                wanted = [instances for when, instances in foreseen if when >= starts[which] - FORESEEN_SECONDS]
                bursts[which] = Burst(len(ready), 0, 0, dict(plan), max(wanted, default=0))
            bursts[which].messages += 1
            bursts[which].late += 1  # until it has begun in time
        elif found := re.search(r" instance_ready instance=(\d+)", line):
            ready.add(found[1])
        elif found := re.search(r" instance_lost instance=(\d+)", line):
            ready.discard(found[1])
        elif line.startswith("  run "):
            for message in re.findall(r"\{message=(\d+) ", line):
                if message in arrived and now - arrived.pop(message) <= OBJECTIVE_SECONDS:
                    bursts[of[message]].late -= 1
        elif found := re.search(r"  publish_plan .* instances=(\d+) .*constraint=(\S+) model=(\S+) level=(\S+)", line):
            plan = {"instances": int(found[1]), "constraint": found[2], "model": found[3], "level": float(found[4])}
            if found[2] == "cost" and found[3] != "none":
                foreseen.append((now, int(found[1])))
    return bursts


def instance_seconds(recording):
    """Of all instances, from being asked for to being gone."""
    began, total, now = {}, 0.0, 0
    for line in recording.read_text().splitlines():
        if not line.startswith("  "):
            now = int(line.split(" ", 1)[0]) / 1e6
        if found := re.match(r"  start_instance instance=(\d+)", line):
            began[found[1]] = now
        elif found := re.search(r" instance_lost instance=(\d+)", line):
            total += now - began.pop(found[1])
    return total + sum(now - at for at in began.values())
