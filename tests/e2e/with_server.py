"""Starts the program with a store of its own, runs a command with FOREWARM_ENDPOINT set, and stops the server.

    with_server.py [--config FILE] COMMAND [ARGUMENT...]

The program is FOREWARM_PROGRAM. The command's exit status is this program's, unless the server ended badly.
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

START_SECONDS = 60  # sanitizers and a busy machine
STOP_SECONDS = 60


@contextlib.contextmanager
def server(config=None):
    """Yields the contents of endpoints.json: {"sqs": url, "admin": url, "pid": number}."""
    with tempfile.TemporaryDirectory(prefix="forewarm-e2e-") as directory:
        data = pathlib.Path(directory) / "data"
        command = [os.environ["FOREWARM_PROGRAM"], "serve", "--data", str(data), "--listen", "127.0.0.1:0",
                   "--admin", "127.0.0.1:0"]
        if config:
            command += ["--config", str(config)]
        log = pathlib.Path(directory) / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            yield wait_for_endpoints(process, data / "endpoints.json")
            process.send_signal(signal.SIGTERM)
            status = process.wait(STOP_SECONDS)
            if status != 0:
                raise RuntimeError(f"the server ended with status {status}")
        except BaseException:
            print(log.read_text(errors="replace")[-8000:], file=sys.stderr)
            raise
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def wait_for_endpoints(process, path):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with status {process.returncode} before it was ready")
        if path.exists():
            return json.loads(path.read_text())
        time.sleep(0.02)
    raise RuntimeError(f"the server was not ready within {START_SECONDS} s")


def environment(endpoints):
    """What clients of AWS want to be told, and nothing that would lead them elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        "FOREWARM_ENDPOINT": endpoints["sqs"],
        "FOREWARM_ADMIN": endpoints["admin"],
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_PAGER": "",
    }


def main(arguments):
    config = None
    if arguments[:1] == ["--config"]:
        config, arguments = arguments[1], arguments[2:]
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    with server(config) as endpoints:
        return subprocess.run(arguments, env=environment(endpoints)).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
