"""`forewarm history archive` and `restore` through the six failures of each object store: asked again but not for ever, said with
the place and what to do, and never half a file taken for a whole one. What is patient waits side by side."""

import concurrent.futures
import json
import time
import unittest

from fake_object_stores import AzureStore, GoogleStore, GoogleTokenStore, S3Store
from faults import FaultyLink
from history_archive_test import DAY, NO_CREDENTIALS
from server_process import ServerTest, run

TRIES = 5


def xml(code, words):
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{words}</Message></Error>"


class Place:
    """A store behind a link, and a folder of its own."""

    def __init__(self, name, store, expired, folder):
        self.name, self.store = name, store()
        self.link = FaultyLink(self.store.url, {
            "throttled": (429, xml("SlowDown", "Reduce your rate."), {}), "server_error": (500, xml("InternalError", "We are sorry."), {}),
            "expired": expired})
        self.folder = folder / name
        self.environment = NO_CREDENTIALS | {"AWS_SHARED_CREDENTIALS_FILE": "/dev/null"} | self.store.environment()

    def run(self, what, data="data", **environment):
        arguments = [self.link.url if argument == self.store.url else argument for argument in self.store.arguments()]
        return run("history", what, *arguments, "--json", "--data", self.folder / data, environment=self.environment | environment,
                   timeout=120)

    def export(self, data="data"):
        return run("history", "export", "--data", self.folder / data, environment=NO_CREDENTIALS).stdout

    def close(self):
        self.link.close()
        self.store.close()


PLACES = (("s3", S3Store, (400, xml("ExpiredToken", "The provided token has expired."), {})),
          ("google", GoogleStore, (403, xml("AccessDenied", "The key is not active."), {})),
          ("google-token", GoogleTokenStore, (401, xml("AuthenticationRequired", "The token has expired."), {})),
          ("azure", AzureStore, (403, xml("AuthenticationFailed", "Signature not valid in the specified time frame"), {})))


class StoreFaults(ServerTest):
    def setUp(self):
        super().setUp()
        self.day = int(time.time()) // DAY * DAY - 2 * DAY
        past = self.folder / "past.csv"
        past.write_text("timestamp_s,queue,count\n" + "".join(f"{self.day + 10 * n},orders,{n + 1}\n" for n in range(60)))
        self.past = past

    def made(self, place, what):
        """A store of its own, and a history that is not there yet."""
        made = Place(*place, self.folder / what)
        self.addCleanup(made.close)
        done = run("history", "import", self.past, "--data", made.folder / "data")
        self.assertEqual(done.returncode, 0, done.stderr)
        return made

    def assert_refused(self, place, done, *said):
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        for text in (place.store.arguments()[0], *said):
            self.assertIn(text, done.stderr)
        for secret in place.store.environment().values():
            self.assertNotIn(secret or "none", done.stdout + done.stderr)

    def assert_done(self, place, what, data="data"):
        done = place.run(what, data)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_each_store_through_each_failure(self):
        checks = {"busy": self.busy, "half": self.half, "expired": self.expired, "silent-put": self.silent_put, "silent-get": self.silent_get}
        with concurrent.futures.ThreadPoolExecutor(len(PLACES) * len(checks)) as pool:
            # Side by side: they wait more than they do.
            under_way = {(place[0], name): pool.submit(check, self.made(place, name)) for place in PLACES for name, check in checks.items()}
            for (place, name), check in under_way.items():
                with self.subTest(store=place, check=name):
                    check.result()

    def busy(self, place):
        """It is asked again, but not for ever."""
        for what, fault, said in (("archive", "throttled", "status 429 SlowDown"), ("restore", "server_error", "status 500 InternalError")):
            place.link.fail(fault, TRIES)
            self.assert_refused(place, place.run(what, "data" if what == "archive" else "new"),
                                f"could not answer {TRIES} times ({said}", "Try again later")
            self.assertEqual(len(place.link.met), TRIES)
            # Pauses that double, of which a part may be chance.
            self.assertGreater(place.link.met[-1]["at"] - place.link.met[0]["at"], 2.9)
        self.assertFalse((place.folder / "new").exists())
        place.link.fail("server_error", 2)
        self.assertEqual(len(self.assert_done(place, "archive")["sent"]), 1)
        place.link.fail("throttled", 2)
        self.assertEqual(self.assert_done(place, "restore", "new")["added"], 60)
        self.assertEqual(place.export("new"), place.export())

    def hang(self, place, fault, method, end):
        place.link.meets = lambda request: request["method"] == method and request["path"].endswith(end)
        place.link.fail(fault, 1)

    def silent_put(self, place):
        """A file that is put though nobody says so is put again in its own place."""
        self.hang(place, "timeout", "PUT", "")
        self.assertEqual(len(self.assert_done(place, "archive")["sent"]), 1)
        self.assertEqual(len(place.link.met), 1)
        self.assertEqual((place.store.count("PUT"), len(place.store.objects)), (2, 1))
        self.assertEqual(self.assert_done(place, "archive")["unchanged"], 1)

    def silent_get(self, place):
        """A connection on which nothing comes is given up for another."""
        self.assert_done(place, "archive")
        self.hang(place, "half_open", "GET", ".csv.gz")
        self.assertEqual(self.assert_done(place, "restore", "other")["added"], 60)
        self.assertEqual(len(place.link.met), 1)
        self.assertEqual(place.export("other"), place.export())

    def half(self, place):
        """Half an answer is none, and half a file is no file."""
        self.assert_done(place, "archive")
        key, = place.store.objects
        place.link.fail("malformed")
        for what in ("archive", "restore"):
            self.assert_refused(place, place.run(what, "half" if what == "restore" else "data"), "the answer is not that of List")
        place.link.meets = lambda request: request["path"].endswith(".csv.gz")
        self.assert_refused(place, place.run("restore", "half"), key.rsplit("/", 1)[1], "ends too early")
        self.assertNotIn("orders", place.export("half"), "nothing of it came in")
        # A put whose answer is cut off was one.
        place.store.objects.clear()
        self.assertEqual(len(self.assert_done(place, "archive")["sent"]), 1)
        place.link.fail(None)
        self.assertEqual(self.assert_done(place, "restore", "half")["added"], 60)
        self.assertEqual(place.export("half"), place.export())

    def expired(self, place):
        """What is refused is not tried again and again, and it is said what to look at."""
        for what in ("archive", "restore"):
            place.link.fail("expired")
            self.assert_refused(place, place.run(what, "new" if what == "restore" else "data"), "access is refused",
                                next(iter(place.store.environment())))
            self.assertLessEqual(len(place.link.met), 2, "once more with others, where others can be had")
        place.link.fail(None)
        self.assertEqual(len(self.assert_done(place, "archive")["sent"]), 1)
        self.assertEqual(self.assert_done(place, "restore", "new")["added"], 60)


if __name__ == "__main__":
    unittest.main()
