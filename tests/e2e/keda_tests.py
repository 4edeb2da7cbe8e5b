"""KEDA's side of its external scaler, for tests: a client that is not ours."""

import itertools

from source_tests import Lines, wait_for

UNAVAILABLE, NOT_FOUND, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, CANCELLED = 14, 5, 3, 8, 1


def grpc_address(control):
    """Where it listens since it was started last; the log is written a little later."""
    wait_for("its log", lambda: [line for line in control.log_lines("control watches")
                                 if line["admin"] == control.endpoints["admin"]])
    return control.log_lines("KEDA may ask by gRPC")[-1]["address"]


class Keda:
    """One connection of KEDA's operator."""

    def __init__(self, test, address, *tls):
        self.lines = Lines(["node", "keda_client.mjs", address, *map(str, tls)])
        self.numbers = itertools.count()
        test.addCleanup(self.close)

    def close(self):
        self.lines.process.kill()
        self.lines.process.wait()
        for pipe in (self.lines.process.stdin, self.lines.process.stdout):
            pipe.close()

    def of(self, **wanted):
        return [event for event in list(self.lines.events) if all(event.get(key) == value for key, value in wanted.items())]

    def ask(self, method, queue="orders", **more):
        """The answer, or (status, details)."""
        number = f"call {next(self.numbers)}"
        self.lines.send(op=method, id=number, metadata={"queue": queue} if queue else {}, **more)
        answer, = wait_for(f"an answer to {method}", lambda: self.of(id=number))
        return answer["value"] if "value" in answer else (answer["error"], answer["details"])

    def stream(self, queue="orders"):
        """The number of a StreamIsActive."""
        number = f"stream {next(self.numbers)}"
        self.lines.send(op="stream", id=number, metadata={"queue": queue})
        return number

    def cancel(self, stream):
        self.lines.send(op="cancel", id=stream)

    def heard(self, stream):
        """What it said so far."""
        return [event["active"] for event in self.of(stream=stream) if "active" in event]

    def ended(self, stream):
        """(status, details); None while it is open."""
        ends = [event for event in self.of(stream=stream) if "status" in event]
        return (ends[0]["status"], ends[0]["details"]) if ends else None
