"""`forewarm history archive` and `restore` against object stores that others wrote: Microsoft's Azurite, which checks signatures, fauxqs,
and moto where it is installed. What they hold is read by boto3 and by a shared access signature of the test.

The faults that a store can have, and Google's, are those of fakes: history_archive_test.py.
"""

import base64
import concurrent.futures
import datetime
import gzip
import hashlib
import hmac
import os
import re
import shutil
import tempfile
import unittest
import urllib.error
import urllib.request
from urllib.parse import quote, urlencode

from fake_object_stores import S3Store as FakeS3
from history_archive_test import DAY, ArchiveTests
from source_tests import HERE, Broker, free_port, listens, wait_for

try:
    import boto3
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
except ImportError:
    boto3 = None

PREFIX = "fore warm/a+b"


class RealStore:
    """A server of a class' own; begin() gives each test a container of its own."""

    container = ""

    def __init__(self, command, **more):
        self.made = 0
        self.folder = tempfile.TemporaryDirectory(prefix="forewarm-store-")
        self.broker = Broker(self.folder.name)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.broker.spawn([part.replace("PORT", str(self.port)) for part in command], **more)
        wait_for("the store", lambda: listens(self.port))

    def begin(self):
        self.made += 1
        self.container = f"backups-{self.made}"
        self.make_container()

    def close(self):
        self.broker.stop()
        self.folder.cleanup()


class S3Store(RealStore):
    KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG"
    PAGE = 1000

    def __init__(self, command):
        super().__init__(command)
        self.client = boto3.client("s3", endpoint_url=self.url, region_name="eu-west-1", aws_access_key_id=self.KEY,
                                   aws_secret_access_key=self.SECRET)

    def make_container(self):
        self.client.create_bucket(Bucket=self.container, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    def close(self):
        self.client.close()
        super().close()

    def arguments(self, container=""):
        return f"s3://{container or self.container}/{PREFIX}", "--endpoint-url", self.url, "--region", "eu-west-1"

    def environment(self):
        return {"AWS_ACCESS_KEY_ID": self.KEY, "AWS_SECRET_ACCESS_KEY": self.SECRET}

    def keys(self):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.container)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def get(self, key):
        """Its bytes, and what they are said to be."""
        found = self.client.get_object(Bucket=self.container, Key=key)
        return found["Body"].read(), found["ContentType"], found.get("ContentEncoding", "")

    def put(self, key, data):
        self.client.put_object(Bucket=self.container, Key=key, Body=data)


class Fauxqs(S3Store):
    def __init__(self):
        super().__init__(["node", str(HERE / "fauxqs_server.mjs"), "PORT"])


class Moto(S3Store):
    def __init__(self):
        super().__init__(["moto_server", "-H", "127.0.0.1", "-p", "PORT"])


class Azurite(RealStore):
    """With a Shared Key."""

    ACCOUNT = "myaccount"
    KEY = base64.b64encode(bytes(range(64))).decode()
    PAGE = 5000

    def __init__(self):
        super().__init__([str(HERE / "node_modules/.bin/azurite-blob"), "--silent", "--disableTelemetry", "--inMemoryPersistence",
                          "--blobHost", "127.0.0.1", "--blobPort", "PORT"],
                         env=os.environ | {"AZURITE_ACCOUNTS": f"{self.ACCOUNT}:{self.KEY}"})
        self.signature = self.shared_access("rwlc")

    def make_container(self):
        self.ask("PUT", "?restype=container")

    def shared_access(self, rights, ends=datetime.timedelta(hours=1)):
        """A shared access signature of the account for containers and blobs, as its documents say."""
        until = (datetime.datetime.now(datetime.timezone.utc) + ends).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = "\n".join([self.ACCOUNT, rights, "b", "co", "", until, "", "http", "2020-10-02", ""])
        signed = base64.b64encode(hmac.new(base64.b64decode(self.KEY), text.encode(), hashlib.sha256).digest()).decode()
        return urlencode({"sv": "2020-10-02", "ss": "b", "srt": "co", "sp": rights, "se": until, "spr": "http", "sig": signed})

    def ask(self, method, path, data=None, headers=None):
        url = f"{self.url}/{self.ACCOUNT}/{self.container}{path}{'&' if '?' in path else '?'}{self.signature}"
        request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
        with urllib.request.urlopen(request) as answer:
            return answer.read(), answer.headers

    def arguments(self, container=""):
        return f"azblob://{self.ACCOUNT}/{container or self.container}/{PREFIX}", "--endpoint-url", self.url

    def environment(self):
        return {"AZURE_STORAGE_KEY": self.KEY}

    def keys(self):
        found, marker = [], ""
        while True:
            text = self.ask("GET", f"?restype=container&comp=list&marker={quote(marker)}")[0].decode()
            found += re.findall(r"<Name>([^<]+)</Name>", text)
            after = re.search(r"<NextMarker>([^<]+)</NextMarker>", text)
            if not after:
                return found
            marker = after[1]

    def get(self, key):
        data, headers = self.ask("GET", "/" + quote(key))
        return data, headers["Content-Type"], headers["Content-Encoding"] or ""

    def put(self, key, data):
        self.ask("PUT", "/" + quote(key), data, {"x-ms-blob-type": "BlockBlob"})


class AzuriteShared(Azurite):
    """With a shared access signature."""

    def environment(self):
        return {"AZURE_STORAGE_SAS_TOKEN": "?" + self.signature}


class RoundTrips:
    """What is true of each."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.store = cls.STORE()
        cls.addClassCleanup(cls.store.close)

    def setUp(self):
        super().setUp()
        self.store.begin()

    def ask(self, what, *arguments, **options):
        return getattr(self, what)(*self.store.arguments(), *arguments, environment=self.store.environment(), **options)

    def one_day(self, count=6):
        self.add("timestamp_s,queue,count\n" + self.rows(self.today - 2 * DAY, 10, count))

    def test_there_and_back_is_the_same_and_nothing_is_sent_twice(self):
        self.make_history()
        names = {one["name"] for one in self.ask("archived")["sent"]}
        self.assertLessEqual({self.file_name(1), self.file_name(20, "5m"), self.file_name(1, "1m", "signal")}, names)
        self.assertEqual(sorted(self.store.keys()), sorted(f"{PREFIX}/{name}" for name in names))
        data, kind, encoding = self.store.get(f"{PREFIX}/{self.file_name(2)}")
        self.assertEqual((kind, encoding), ("application/gzip", ""))
        self.assertIn(f"{self.today - 2 * DAY},mails", gzip.decompress(data).decode())
        other = self.folder / "other"
        first = self.ask("restored", data=other)
        self.assertEqual(first["files"], len(names))
        self.assertEqual(self.exported(other), self.exported())
        self.assertEqual(self.ask("restored", data=other)["added"], 0)
        again = self.ask("archived")
        self.assertEqual((again["sent"], again["unchanged"]), ([], len(names)), "by their checksums")

    def test_a_day_that_grew_and_one_that_lost_are_joined(self):
        self.one_day(6)
        self.ask("archived")
        other = self.folder / "other"
        self.add("timestamp_s,queue,count\n" + self.rows(self.today - 2 * DAY + 40, 10, 4, first=30), other)
        sent = self.ask("archived", data=other)["sent"]
        self.assertEqual([one["name"] for one in sent], [self.file_name(2)])
        lines = gzip.decompress(self.store.get(f"{PREFIX}/{self.file_name(2)}")[0]).decode().splitlines()
        self.assertEqual(lines[:5], self.history("export").splitlines()[:5])
        self.assertEqual(lines[5:], self.history("export", data=other).splitlines()[1:])

    def test_a_container_that_is_not_there_is_named(self):
        self.one_day()
        said = self.refused("archive", *self.store.arguments("nowhere"), environment=self.store.environment())
        self.assertIn(f"{self.store.arguments('nowhere')[0]}: there is no such ", said)


class Pages:
    """Of a protocol, whoever lets in."""

    def test_listings_of_more_than_a_page_are_walked(self):
        self.one_day()
        with concurrent.futures.ThreadPoolExecutor(4) as many:
            list(many.map(lambda i: self.store.put(f"{PREFIX}/another-{i}", b"x"), range(self.store.PAGE + 1)))
        self.assertEqual(len(self.ask("archived")["sent"]), 1)
        self.assertEqual(self.ask("archived")["unchanged"], 1, "it is on the second page")
        other = self.folder / "other"
        self.assertEqual(self.ask("restored", data=other)["files"], 1)
        self.assertEqual(self.exported(other), self.exported())


@unittest.skipUnless(boto3, "SKIPPED: boto3 is not installed (apt-get install python3-boto3)")
class FauxqsTests(Pages, RoundTrips, ArchiveTests):
    STORE = Fauxqs


@unittest.skipUnless(boto3 and shutil.which("moto_server"), "SKIPPED: moto_server is not installed (pip install 'moto[server]')")
class MotoTests(Pages, RoundTrips, ArchiveTests):
    STORE = Moto


@unittest.skipUnless(boto3, "SKIPPED: botocore is not installed (apt-get install python3-boto3)")
class S3Signatures(ArchiveTests):
    """Neither of the two looks at signatures, so AWS's own Python code computes them anew."""

    def test_they_are_those_of_botocore(self):
        store = FakeS3()
        self.addCleanup(store.close)
        self.make_history()
        for what in ("archived", "archived", "restored"):
            getattr(self, what)(*store.arguments(), environment=store.environment())
        signer = S3SigV4Auth(Credentials(store.KEY, store.SECRET), "s3", store.REGION)
        for each in store.requests:
            fields = dict(re.findall(r"(\w+)=([^, ]+)", each.headers["authorization"]))
            request = AWSRequest(each.method, f"{store.url}{each.path}?{each.query_text}", data=each.body,
                                 headers={name: each.headers[name] for name in fields["SignedHeaders"].split(";")})
            request.context["timestamp"] = each.headers["x-amz-date"]
            request.context["payload_signing_enabled"] = True
            text = signer.string_to_sign(request, signer.canonical_request(request))
            self.assertEqual(fields["Signature"], signer.signature(text, request), f"{each.method} {each.path}?{each.query_text}")
        self.assertTrue(any("continuation-token" in each.query_text for each in store.requests), "pages too")


class AzuriteTests(Pages, RoundTrips, ArchiveTests):
    STORE = Azurite

    def test_a_wrong_key_is_refused(self):
        self.one_day()
        wrong = {"AZURE_STORAGE_KEY": base64.b64encode(b"another").decode()}
        said = self.refused("archive", *self.store.arguments(), environment=wrong)
        self.assertIn("access is refused (status 403 AuthorizationFailure", said)
        self.assertIn("AZURE_STORAGE_KEY", said)
        self.assertEqual(self.store.keys(), [])


class AzuriteSharedTests(RoundTrips, ArchiveTests):
    STORE = AzuriteShared

    def test_a_signature_that_has_ended_or_may_not_write_is_refused(self):
        self.one_day()
        for signature in (self.store.shared_access("rwlc", datetime.timedelta(hours=-1)), self.store.shared_access("rl")):
            said = self.refused("archive", *self.store.arguments(), environment={"AZURE_STORAGE_SAS_TOKEN": signature})
            self.assertIn("access is refused (status 403", said)
            self.assertIn("AZURE_STORAGE_SAS_TOKEN and when it ends", said)
            self.assertNotIn(signature[-20:], said)
        self.assertEqual(self.store.keys(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
