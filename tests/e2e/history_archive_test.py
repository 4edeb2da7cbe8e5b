"""`forewarm history archive` and `restore`: to a folder, and to object stores that check every signature."""

import datetime
import gzip
import json
import sqlite3
import time
import unittest

from fake_object_stores import (AzureEntraStore, AzureSasStore, AzureStore, GoogleMetadataStore, GoogleStore, GoogleTokenStore, Refusal,
                                S3ContainerStore, S3Store)
from server_process import ServerTest, run

DAY = 86400
NO_CREDENTIALS = {name: "" for name in (
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION",
    "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_ENDPOINT",
    "GOOGLE_HMAC_ACCESS_KEY", "GOOGLE_HMAC_SECRET", "GOOGLE_OAUTH_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS")} | {
        "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null", "CLOUDSDK_CONFIG": "/nonexistent",
        "GCE_METADATA_HOST": "127.0.0.1:1", "AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:1"}


def day_text(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d")


class ArchiveTests(ServerTest):
    def setUp(self):
        super().setUp()
        self.data = self.folder / "data"
        self.today = int(time.time()) // DAY * DAY

    def do(self, *arguments, data=None, environment=None):
        return run("history", *arguments, "--data", data or self.data, environment=NO_CREDENTIALS | (environment or {
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "none")}))

    def history(self, *arguments, **options):
        done = self.do(*arguments, **options)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        return done.stdout

    def refused(self, *arguments, **options):
        done = self.do(*arguments, **options)
        self.assertEqual(done.returncode, 1, done.stderr + done.stdout)
        return done.stderr

    def add(self, text, data=None, *arguments):
        path = self.folder / "added.csv"
        path.write_text(text)
        self.history("import", path, *arguments, data=data)

    def rows(self, day, step, count, queue="orders", first=1):
        return "".join(f"{day + step * n},{queue},{(first + n) % 7}\n" for n in range(count))

    def make_history(self):
        """Three queues and a signal, on days that are kept on three grids, with gaps and zeros."""
        for days_ago, step, count in ((1, 10, 400), (2, 10, 300), (20, 60, 600), (200, 3600, 20)):
            day = self.today - days_ago * DAY
            self.add("timestamp_s,queue,count\n" + self.rows(day + 7200, step, count) + self.rows(day, step, count, "mails", 3))
        message = self.today - DAY + 40000
        self.add("timestamp_s,queue,bytes,duration_ms,priority\n" +
                 "".join(f"{message + n},jobs,{n * 100},{n * 10},{n % 3}\n" for n in range(60)))
        self.add("timestamp_s,queue,value\n" + "".join(f"{self.today - DAY + 60 * n},price,{n / 8 - 3}\n" for n in range(90)),
                 None, "--absent", "missing")
        # Today is not over.
        self.add("timestamp_s,queue,count,step_s\n" + f"{self.today - DAY},late,1,60\n")

    def exported(self, data=None, kinds=("queue", "signal")):
        return [self.history("export", "--kind", kind, data=data) for kind in kinds]

    def archived(self, *arguments, **options):
        return json.loads(self.history("archive", *arguments, "--json", **options))

    def restored(self, *arguments, **options):
        return json.loads(self.history("restore", *arguments, "--json", **options))

    def file_name(self, days_ago, step="10s", kind="queue"):
        return f"{kind}/step={step}/{day_text(self.today - days_ago * DAY)}.csv.gz"


class FolderTests(ArchiveTests):
    def setUp(self):
        super().setUp()
        self.target = self.folder / "archive"

    def one_day(self, days_ago=2, queue="orders", count=6, first=1):
        self.add("timestamp_s,queue,count\n" + self.rows(self.today - days_ago * DAY, 10, count, queue, first))

    def text(self, name):
        return gzip.decompress((self.target / name).read_bytes()).decode()

    def test_a_day_is_a_file_that_everybody_can_read(self):
        self.one_day()
        report = self.archived(self.target)
        name = self.file_name(2)
        self.assertEqual([one["name"] for one in report["sent"]], [name])
        self.assertEqual(self.text(name), self.history("export"))
        stamp = (self.target / name).read_bytes()[4:8]
        self.assertEqual(stamp, b"\0\0\0\0", "no time stamp")
        other = self.folder / "other"
        self.history("import", self.target / name, data=other)
        self.assertEqual(self.exported(other), self.exported())

    def test_only_whole_days_unless_told(self):
        self.one_day(1)
        if time.time() < self.today + 100:
            self.skipTest("the day has just begun")
        self.one_day(0, count=3)
        self.assertEqual([one["name"] for one in self.archived(self.target)["sent"]], [self.file_name(1)])
        report = self.archived(self.target, "--to", day_text(self.today), "--from", day_text(self.today))
        self.assertEqual([one["name"] for one in report["sent"]], [self.file_name(0)])

    def test_days_and_queues_are_chosen(self):
        for days_ago in (1, 2, 3, 4):
            self.one_day(days_ago)
            self.one_day(days_ago, "mails")
        chosen = ("--from", day_text(self.today - 3 * DAY), "--to", day_text(self.today - 2 * DAY))
        self.archived(self.target, "--queue", "orders", *chosen)
        self.assertEqual(sorted(str(path.relative_to(self.target)) for path in self.target.rglob("*.gz")),
                         [self.file_name(3), self.file_name(2)])
        self.assertNotIn("mails", self.text(self.file_name(2)))
        # The other queue joins what is there.
        self.archived(self.target, "--queue", "mails", *chosen)
        both = self.text(self.file_name(2))
        self.archived(self.target)
        self.assertEqual(self.text(self.file_name(2)), both)
        other = self.folder / "other"
        report = self.restored(self.target, "--queue", "mails", "--from", day_text(self.today - DAY), data=other)
        self.assertEqual((report["files"], report["added"]), (1, 6))
        self.assertEqual(self.history("export", data=other).count("mails"), 6)

    def test_a_dry_run_says_what_would_be_sent(self):
        self.one_day()
        said = self.history("archive", self.target, "--dry-run")
        self.assertIn(self.file_name(2), said)
        self.assertIn("would send 1 files", said)
        self.assertFalse(self.target.exists())
        self.archived(self.target)
        self.assertIn("would send 0 files", self.history("archive", self.target, "--dry-run"))

    def test_what_the_database_has_lost_stays_in_the_archive(self):
        self.one_day(count=6)
        self.archived(self.target)
        whole = self.text(self.file_name(2))
        other = self.folder / "other"
        self.add("timestamp_s,queue,count\n" + self.rows(self.today - 2 * DAY + 40, 10, 4, first=30), other)
        self.archived(self.target, data=other)
        merged = self.text(self.file_name(2)).splitlines()
        self.assertEqual(merged[:5], whole.splitlines()[:5])
        self.assertEqual(merged[5:], self.history("export", data=other).splitlines()[1:])

    def test_what_was_measured_here_wins_unless_it_is_replaced(self):
        self.one_day(count=6)
        self.archived(self.target)
        other = self.folder / "other"
        self.add("timestamp_s,queue,count\n" + self.rows(self.today - 2 * DAY, 10, 3, first=5), other)
        report = self.restored(self.target, data=other)
        self.assertEqual((report["added"], report["present"]), (3, 3))
        self.assertNotEqual(self.exported(other), self.exported())
        self.restored(self.target, "--replace", data=other)
        self.assertEqual(self.exported(other), self.exported())

    def test_finer_files_are_not_replaced_by_wider_ones(self):
        self.one_day(count=360)
        self.archived(self.target)
        self.add("timestamp_s,queue,count,step_s\n" + "".join(
            f"{self.today - 2 * DAY + 300 * n},orders,1,300\n" for n in range(24)), self.folder / "wide")
        self.archived(self.target, data=self.folder / "wide")
        other = self.folder / "other"
        self.restored(self.target, "--replace", data=other)
        steps = [line.split(",")[2] for line in self.history("export", data=other).splitlines()[1:]]
        self.assertEqual((steps.count("10"), steps.count("300")), (360, 12))

    def test_damage_is_named_and_nothing_of_the_file_comes_in(self):
        self.one_day(3)
        self.one_day(2, "a")
        self.one_day(2, "b")
        self.archived(self.target)
        path = self.target / self.file_name(2)
        good = path.read_bytes()
        text = gzip.decompress(good).decode()
        shifted = text.replace(f"{self.today - 2 * DAY + 10},b", f"{self.today - 9 * DAY},b")
        for bad, what in ((good[:-9], "ends too early"), (good[:-8] + b"\0\0\0\0" + good[-4:], "damaged"), (b"<html>", "damaged"),
                          (b"", "ends too early"), (good + b"x", "bytes behind"), (gzip.compress(b"a,b\n1,2\n"), "first line"),
                          (gzip.compress(shifted.encode()), "another day"),
                          (gzip.compress(text.encode() + b"1,b,x\n"), ":14:")):
            path.write_bytes(bad)
            other = self.folder / f"other-{len(list(self.folder.iterdir()))}"
            said = self.refused("restore", self.target, data=other)
            self.assertIn(what, said)
            self.assertIn(self.file_name(2), said)
            self.assertIn("1 of 2 files are restored", said)
            self.assertEqual({line.split(",")[1] for line in self.history("export", data=other).splitlines()[1:]}, {"orders"})
        path.write_bytes(good)
        self.restored(self.target, data=other)
        self.assertEqual(self.exported(other), self.exported())

    def test_a_file_comes_in_whole_or_not_at_all(self):
        self.one_day(2, "a")
        self.one_day(2, "b")
        self.archived(self.target)
        other = self.folder / "other"
        self.add("timestamp_s,queue,count\n" + self.rows(self.today - DAY, 10, 2, "c"), other)
        with sqlite3.connect(other / "history.db") as database:
            table, = (name for name, in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'") if name == "coverage")
            database.execute(f"CREATE TRIGGER full BEFORE INSERT ON {table} WHEN (SELECT name FROM series WHERE id = NEW.series) = 'b' "
                             "BEGIN SELECT RAISE(ABORT, 'no more'); END")
        database.close()
        self.assertIn(self.file_name(2), self.refused("restore", self.target, data=other))
        self.assertEqual({line.split(",")[1] for line in self.history("export", data=other).splitlines()[1:]}, {"c"})

    def test_what_cannot_be_is_refused_with_the_remedy(self):
        self.assertIn("does not exist", self.refused("archive", self.target))
        self.one_day()
        for target, what in (("ftp://x/y", "no kind of store"), ("s3://", "no bucket"), ("s3://UPPER/x", "no bucket"),
                             ("azblob://account", "no container"), ("file://host/x", "three slashes"), ("gs://b/a/../c", "'..'")):
            self.assertIn(what, self.refused("archive", target))
        self.assertIn("no --endpoint-url", self.refused("archive", self.target, "--endpoint-url", "http://x"))
        self.assertIn("not a day", self.refused("archive", self.target, "--from", "yesterday"))
        self.assertIn("--from must be", self.refused("archive", self.target, "--from", day_text(self.today + DAY)))
        self.assertIn("history list", self.refused("archive", self.target, "--queue", "nobody"))
        self.assertIn("no archive", self.refused("restore", self.target))
        self.archived(f"file://{self.target}")
        self.assertIn("1 files are outside", self.refused("restore", self.target, "--from", day_text(self.today)))
        self.assertIn("no 'nobody'", self.refused("restore", self.target, "--queue", "nobody"))
        (self.target / self.file_name(2)).unlink()
        (self.target / self.file_name(2)).mkdir()
        self.assertIn("cannot be written", self.refused("archive", self.target))

    def test_missing_credentials_are_named(self):
        self.one_day()
        for target, what in (("s3://b", "--region"), ("azblob://a/c", "AZURE_STORAGE_KEY"), ("gs://b", "GOOGLE_HMAC_ACCESS_KEY")):
            self.assertIn(what, self.refused("archive", target))
            self.assertIn(what, self.refused("restore", target, data=self.folder / "new"))
        self.assertIn("AWS_ACCESS_KEY_ID", self.refused("archive", "s3://b", "--region", "eu-west-1"))
        self.assertIn("not Base64", self.refused("archive", "azblob://a/c", environment={"AZURE_STORAGE_KEY": "a b"}))
        self.assertFalse((self.folder / "new").exists())


class StoreTests:
    """What is true of every object store; each class below names one."""

    def setUp(self):
        super().setUp()
        self.store = self.STORE()
        self.addCleanup(self.store.close)

    def ask(self, what, *arguments, **options):
        return getattr(self, what)(*self.store.arguments(), *arguments, environment=self.store.environment(), **options)

    def refused_by(self, what, **options):
        return self.refused(what, *self.store.arguments(), environment=self.store.environment(), **options)

    def one_day(self):
        self.add("timestamp_s,queue,count\n" + self.rows(self.today - 2 * DAY, 10, 6))

    def test_there_and_back_is_the_same_byte_for_byte(self):
        self.make_history()
        report = self.ask("archived")
        self.assertEqual(report["unchanged"], 0)
        self.assertEqual(len(report["sent"]), self.store.count("PUT"))
        self.assertEqual(len(report["sent"]), len(self.store.objects))
        names = {one["name"] for one in report["sent"]}
        self.assertLessEqual({self.file_name(1), self.file_name(2), self.file_name(20, "5m"), self.file_name(200, "1h"),
                              self.file_name(1, "1m", "signal")}, names)
        self.store.objects["elsewhere"] = b"x"
        other = self.folder / "other"
        first = self.ask("restored", data=other)
        self.assertEqual(first["files"], len(names))
        self.assertEqual(self.exported(other), self.exported())
        again = self.ask("restored", data=other)
        self.assertEqual((again["added"], again["present"]), (0, first["added"]))
        self.assertEqual(self.exported(other), self.exported())

    def test_what_is_there_is_not_sent_again(self):
        self.make_history()
        sent = len(self.ask("archived")["sent"])
        self.store.requests.clear()
        self.assertEqual(self.ask("archived"), {"dry_run": False, "unchanged": sent, "bytes": 0, "sent": []})
        listings = self.store.count("GET")
        self.assertEqual(self.store.count("PUT"), 0)
        self.assertEqual(listings, (sent + 1) // 2, "it was listed page by page, and nothing was fetched")
        # A store whose checksum is another: contents are compared.
        self.store.checksums = False
        self.store.requests.clear()
        self.assertEqual(self.ask("archived")["unchanged"], sent)
        self.assertEqual((self.store.count("PUT"), self.store.count("GET")), (0, listings + sent))

    def test_a_refusal_names_the_place_and_the_credentials(self):
        self.one_day()

        def fault(request):
            raise Refusal(403, "AccessDenied", "No & never.")
        self.store.fault = fault
        for what in ("archive", "restore"):
            said = self.refused_by(what)
            self.assertIn(self.store.arguments()[0] + ": access is refused (status 403 AccessDenied: No & never.)", said)
            self.assertIn(next(iter(self.store.environment())), said)
            for secret in self.store.environment().values():
                self.assertNotIn(secret.lstrip("?") or "no secret", said)
        self.assertEqual(len(self.store.requests), 2, "what is refused is not asked again")

    def test_wrong_keys_are_refused(self):
        self.one_day()
        wrong = {name: value[:-4] + "AAA=" for name, value in self.store.environment().items()}
        self.assertIn("access is refused", self.refused("archive", *self.store.arguments(), environment=wrong))
        self.assertEqual(self.store.objects, {})


class TokenTests(StoreTests):
    """Of stores that are let in by what runs out."""

    def test_wrong_keys_are_refused(self):
        self.one_day()
        self.store.taken = False
        self.assertIn("The token has expired." if self.store.REFUSAL[0] == 401 else "The provided token has expired.",
                      self.refused_by("archive"))
        self.assertEqual(self.store.tokens, 2, "it was fetched anew, once")
        self.assertEqual(self.store.objects, {})

    def test_a_token_that_runs_out_on_the_way_is_replaced(self):
        self.make_history()

        def fault(request):
            if request.method == "PUT":
                self.store.fault = None
                self.store.run_out()
                raise Refusal(*self.store.REFUSAL)
        self.store.fault = fault
        sent = len(self.ask("archived")["sent"])
        self.assertEqual((len(self.store.objects), len(self.store.issuer.requests)), (sent, 2))

    def test_who_gives_no_tokens_is_said(self):
        self.one_day()
        self.store.issuer.close()
        said = self.refused_by("archive")
        self.assertRegex(said, "127.0.0.1|metadata")
        self.assertEqual(self.store.requests, [])


class FaultTests(StoreTests):
    """What is the same for all that share a protocol."""

    def test_a_container_that_is_not_there_is_named(self):
        self.one_day()
        self.store.container = "another"
        target, *rest = self.store.arguments()
        said = self.refused("archive", target.replace("another", "backups"), *rest, environment=self.store.environment())
        self.assertIn("there is no such", said)
        self.assertIn(self.store.NO_CONTAINER, said)

    def test_answers_that_are_something_else_are_refused(self):
        self.one_day()
        for answer in (b"<html><body>login</body></html>", b"{}", b"<ListBucketResult><Contents>"):
            self.store.fault = lambda request: answer
            self.assertIn("the answer is not that of List", self.refused_by("archive"))
        self.store.fault = None
        self.ask("archived")
        key, = self.store.objects
        self.store.objects[key] = self.store.objects[key][:-6]
        said = self.refused_by("restore")
        self.assertIn("ends too early", said)
        self.assertIn(key, said)
        said = self.refused_by("archive")
        self.assertIn("Delete it and archive that day again", said)

    def test_a_store_that_is_not_there_is_named(self):
        self.one_day()
        self.store.close()
        self.assertIn("cannot be reached", self.refused_by("archive"))


class S3Tests(FaultTests, ArchiveTests):
    STORE = S3Store

    def test_another_region_is_named(self):
        self.one_day()
        arguments = self.store.arguments()[:-1] + ("us-west-2",)
        said = self.refused("archive", *arguments, environment=self.store.environment())
        self.assertIn("expecting 'eu-west-1'", said)
        self.assertIn("--region", said)

        def fault(request):
            raise Refusal(301, "PermanentRedirect", "Elsewhere.", {"x-amz-bucket-region": "ap-south-1"})
        self.store.fault = fault
        self.assertIn("--region, which is ap-south-1", self.refused_by("archive"))


class GoogleTests(StoreTests, ArchiveTests):
    STORE = GoogleStore


class GoogleTokenTests(StoreTests, ArchiveTests):
    STORE = GoogleTokenStore


class GoogleMetadataTests(TokenTests, ArchiveTests):
    STORE = GoogleMetadataStore


class S3ContainerTests(TokenTests, ArchiveTests):
    STORE = S3ContainerStore


class AzureEntraTests(TokenTests, ArchiveTests):
    STORE = AzureEntraStore


class AzureTests(FaultTests, ArchiveTests):
    STORE = AzureStore


class AzureSasTests(StoreTests, ArchiveTests):
    STORE = AzureSasStore


if __name__ == "__main__":
    unittest.main()
