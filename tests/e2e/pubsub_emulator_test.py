"""The Pub/Sub source against Google's own emulator. Where that is not installed, the test says so and is skipped (77)."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from pubsub_source_test import PubSubSource
from source_tests import Broker, free_port, listens, wait_for


def find_emulator():
    gcloud = shutil.which("gcloud")
    if gcloud is None or shutil.which("java") is None:
        return None
    root = subprocess.run([gcloud, "info", "--format=value(installation.sdk_root)"], capture_output=True, text=True).stdout.strip()
    path = pathlib.Path(root) / "platform/pubsub-emulator/bin/cloud-pubsub-emulator"
    return path if root and path.exists() else None


class AgainstEmulator(PubSubSource, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="forewarm-pubsub-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.broker = Broker(cls.folder.name)
        cls.addClassCleanup(cls.broker.stop)
        port = free_port()
        cls.broker.spawn([str(EMULATOR), "--host=127.0.0.1", f"--port={port}"])
        wait_for("the emulator", lambda: listens(port))
        cls.address = f"127.0.0.1:{port}"


EMULATOR = find_emulator()
if __name__ == "__main__":
    if EMULATOR is None:
        print("SKIPPED: Google's Pub/Sub emulator is not here (gcloud components install pubsub-emulator; it needs java)")
        sys.exit(77)
    unittest.main(verbosity=2)
