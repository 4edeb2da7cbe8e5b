"""What is sent to Google Cloud Run and Cloud Storage is what Google's official clients send for the same, and they read the same answers.

Cloud Run: the same calls of the same API. The client adds empty maps to a body, which the mask leaves out, and says the region in
a header of its own, which is in the path.

Cloud Storage: the archive speaks the XML API, as S3 has it; Google's client the JSON API, and the XML API only in the addresses that it
signs. So what names an object is compared with those addresses, letter for letter, and what is kept with what the client keeps: the same
objects at a server that speaks both. One that the client uploads says its type beside the content, the archive in a header; the
client checks an MD5 behind an upload, the archive sends one before it. How the archive signs with an HMAC key, the client does not do.
"""

import base64
import json
import sys
import unittest
from urllib.parse import parse_qs, urlsplit

from control_tests import ControlTest
from fake_object_stores import PAGE, GoogleBothStore
from google_installed import is_installed, needs_google_client
from history_archive_test import ArchiveTests
from server_process import wait_for
from source_tests import Client

TOKEN = "ya29.example"
BUCKET = GoogleBothStore.container
PREFIX = "fore warm/a+b"


@needs_google_client("@google-cloud/run", "3.3.0")
class CloudRunContract(ControlTest):
    def official(self, api):
        client = Client("google_client.mjs", api.url)
        self.addCleanup(client.close)
        api.allowed.add("official")
        return client

    def assert_same_call(self, mine, theirs):
        self.assertIn("gapic/", theirs[2]["x-goog-api-client"])
        self.assertEqual(mine[0], theirs[0])
        mine_url, their_url = urlsplit(mine[1]), urlsplit(theirs[1])
        self.assertEqual(mine_url.path, their_url.path)
        # How numbers of enumerations are written is the client's own.
        self.assertEqual(parse_qs(mine_url.query) | {"$alt": ["json;enum-encoding=int"]}, parse_qs(their_url.query))
        self.assertRegex(mine[2]["Authorization"], "^Bearer token-")
        self.assertEqual(theirs[2]["authorization"], "Bearer official")

    def test_a_service_is_read_and_patched_as_by_the_official_client(self):
        api = self.cloud_run()
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] == 1, "it is read")
        self.prometheus.backlog(3000)
        wait_for(lambda: control.queue()["set"] == 30, "it is set")
        control.stop()
        patch = api.noted("PATCH")[-1]
        self.assertEqual(self.command("rollback").returncode, 0)
        reading = next(request for request in api.noted("GET") if urlsplit(request[1]).path == api.path)
        official = self.official(api)
        for number in (0, 7):
            api.number = number
            self.assertEqual(official.do("getService", name=api.name)["scaling"]["minInstanceCount"], number)
        self.assert_same_call(reading, api.noted("GET")[-1])
        for mine in (patch, api.noted("PATCH")[-1]):
            wanted = json.loads(mine[3])
            updated = official.do("updateService", name=api.name, service=wanted)
            self.assertEqual(updated["scaling"]["minInstanceCount"], wanted["scaling"]["minInstanceCount"])
            self.assertEqual(api.number, wanted["scaling"]["minInstanceCount"])
            theirs = api.noted("PATCH")[-1]
            self.assert_same_call(mine, theirs)
            self.assertEqual(mine[2]["Content-Type"], theirs[2]["content-type"])
            self.assertEqual(wanted, {name: value for name, value in json.loads(theirs[3]).items() if value != {}})

    def test_no_instances_are_read_and_written_as_by_the_official_client(self):
        api = self.cloud_run()
        api.number = 0
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] == 0, "none is a number too")
        self.prometheus.backlog(3000)
        wait_for(lambda: api.number == 30, "it is set")
        control.stop()
        self.assertEqual(self.command("rollback").returncode, 0)
        mine = api.noted("PATCH")[-1]
        self.assertEqual(api.number, 0)
        self.official(api).do("updateService", name=api.name, service={"scaling": {"minInstanceCount": 0}})
        self.assertEqual(json.loads(mine[3])["scaling"], json.loads(api.noted("PATCH")[-1][3])["scaling"])

    def test_a_refusal_is_read_as_by_the_official_client(self):
        api = self.cloud_run()
        api.path += "-2"  # that one is there, and no other
        control = self.control("--apply").start()
        said = f"/v2/{api.name} was not found"
        wait_for(lambda: f"status 404: {said}" in control.queue()["target_problem"], "it is not there")
        with self.assertRaisesRegex(AssertionError, f'"code": 404, "message": "{said}"'):
            self.official(api).do("getService", name=api.name)

    def test_an_operation_that_the_official_client_says_has_failed_is_said_and_begun_again(self):
        api = self.cloud_run()
        api.fails = {"code": 8, "message": "Quota exceeded."}
        control = self.control("--apply").start()
        wait_for(lambda: control.queue()["set"] == 1, "it is read")
        self.prometheus.backlog(3000)
        refused = wait_for(lambda: control.directives("refused"), "it has come to nothing")[0]
        self.assertIn("the operation failed: Quota exceeded.", refused["answer"])
        with self.assertRaisesRegex(AssertionError, "Quota exceeded"):
            self.official(api).do("updateService", name=api.name, service={"scaling": {"minInstanceCount": 30}})
        self.assertEqual(api.number, 1)
        api.fails = None
        wait_for(lambda: api.number == 30, "it is taken")


@needs_google_client("@google-cloud/storage", "7.22.0")
class CloudStorageContract(ArchiveTests):
    target = f"gs://{BUCKET}/{PREFIX}"

    def setUp(self):
        super().setUp()
        self.store = GoogleBothStore()
        self.addCleanup(self.store.close)
        self.client = Client("google_client.mjs", self.store.url)
        self.addCleanup(self.client.close)

    def official(self, op, token=TOKEN, **more):
        return self.client.do(op, bucket=BUCKET, token=token, **more)

    def signed(self, action, object_name=None, **more):
        return urlsplit(self.client.do("signedUrl", bucket=BUCKET, action=action, **more,
                                       **({} if object_name is None else {"object": object_name})))

    def ask(self, what, *arguments, **options):
        """What it says, and the requests that it sent."""
        del self.store.requests[:]
        said = getattr(self, what)(*arguments, self.target, "--endpoint-url", self.store.url, environment=self.store.environment(), **options)
        return said, self.store.requests[:]

    def sent(self):
        self.make_history()
        report, requests = self.ask("archived")
        puts = [request for request in requests if request.method == "PUT"]
        self.assertEqual(len(puts), len(report["sent"]))
        self.assertGreater(len(puts), 2 * PAGE, "these are pages")
        return report, {f"{PREFIX}/{one['name']}": request for one, request in zip(report["sent"], puts)}

    def restore_to(self, name):
        other = self.folder / name
        report, requests = self.ask("restored", data=other)
        self.assertEqual(self.exported(other), self.exported())
        return report, requests

    def test_addresses_are_those_that_the_official_client_signs(self):
        _, puts = self.sent()
        _, requests = self.restore_to("other")
        fetched = {request.path for request in requests if not request.query}
        self.assertEqual(fetched, {request.path for request in puts.values()})
        for name, put in puts.items():
            self.assertEqual(put.path, self.signed("write", name).path)
            self.assertEqual(put.path, self.signed("read", name).path)
            self.assertEqual(put.query_text, "")
        listings = [request for request in requests if request.query]
        self.assertEqual(len(listings), (len(puts) + PAGE - 1) // PAGE)
        token = listings[1].query["continuation-token"]
        for mine, asked in ((listings[0], {}), (listings[1], {"continuation-token": token})):
            theirs = self.signed("list", queryParams={"list-type": "2", "prefix": PREFIX + "/", **asked})
            self.assertEqual(mine.path, theirs.path)
            self.assertEqual(sorted(mine.query_text.split("&")),
                             sorted(pair for pair in theirs.query.split("&") if not pair.startswith("X-Goog-")))

    def test_what_is_archived_is_what_the_official_client_uploads(self):
        _, puts = self.sent()
        for name, put in puts.items():
            kept = self.store.objects.pop(name)
            self.assertEqual(kept, put.body)
            self.official("save", object=name, base64=base64.b64encode(kept).decode())
            theirs = self.store.requests[-1]
            self.assertIn("gccl/", theirs.headers["x-goog-api-client"])
            (described, metadata), (head, content) = self.store.parts_of(theirs)
            self.assertEqual(described, "Content-Type: application/json")
            # The type is that of the name; no encoding, by which a download would be another content.
            self.assertEqual(json.loads(metadata), {"contentType": put.headers["content-type"]})
            self.assertEqual(head, "Content-Type: " + put.headers["content-type"])
            self.assertNotIn("content-encoding", put.headers)
            self.assertEqual(content, put.body)
            self.assertEqual(theirs.query["name"], name)
            self.assertEqual(put.headers["authorization"], theirs.headers["authorization"])
        # What that client has left is there, for the archive as for a restoration.
        report, requests = self.ask("archived")
        self.assertEqual((report["unchanged"], report["sent"]), (len(puts), []))
        self.assertEqual({request.method for request in requests}, {"GET"})
        report, _ = self.restore_to("other")
        self.assertEqual(report["files"], len(puts))

    def test_a_list_and_a_download_read_the_same(self):
        report, puts = self.sent()
        self.store.objects["fore warm/a+bc"] = b"not below the prefix"
        _, requests = self.restore_to("other")
        ours = [request for request in requests if request.query]
        listed, following = [], {}
        for mine in ours:
            page = self.official("getFiles", prefix=PREFIX + "/", **following)
            theirs = self.store.requests[-1]
            self.assertEqual(mine.query["prefix"], theirs.query["prefix"])
            self.assertEqual("continuation-token" in mine.query, "pageToken" in theirs.query)
            listed += page["files"]
            following = {"pageToken": page["next"]}
        self.assertEqual(following, {"pageToken": None}, "there are no more pages")
        self.assertEqual({file["name"]: int(file["size"]) for file in listed},
                         {f"{PREFIX}/{one['name']}": one["bytes"] for one in report["sent"]})
        self.assertEqual({file["name"]: file["md5Hash"] for file in listed},
                         {name: put.headers["content-md5"] for name, put in puts.items()})
        for name, put in puts.items():
            self.assertEqual(base64.b64decode(self.official("download", object=name)), put.body)

    def test_a_refusal_is_read_alike(self):
        self.make_history()
        said = self.refused("archive", self.target, "--endpoint-url", self.store.url, environment={"GOOGLE_OAUTH_TOKEN": "another"})
        self.assertIn("access is refused (status 401", said)
        self.assertEqual(self.store.objects, {})
        with self.assertRaisesRegex(AssertionError, "AuthenticationRequired"):
            self.official("getFiles", token="another", prefix=PREFIX + "/")
        self.assertEqual(self.store.objects, {})


if __name__ == "__main__":
    if not any(map(is_installed, ("@google-cloud/run", "@google-cloud/storage"))):
        print("Google's clients are not installed; nothing is tested. npm install @google-cloud/run@3.3.0 @google-cloud/storage@7.22.0 "
              "in a folder, and FOREWARM_GOOGLE_CLIENTS=FOLDER")
        sys.exit(77)
    unittest.main()
