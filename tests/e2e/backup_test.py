"""Backup of a running server, restore, and the doctor for what neither can help."""

import json
import sqlite3
import threading
import unittest

from server_process import ServerTest, run


class BackupTests(ServerTest):
    def filled(self, messages=50):
        server = self.server().start()
        server.queue("jobs")
        server.send("jobs", *(f"message {n}" for n in range(messages)))
        return server

    def restored(self, backup, name="restored"):
        data = self.folder / name
        done = run("restore", backup, "--data", data / "data")
        self.assertEqual(done.returncode, 0, done.stderr)
        server = type(self.servers[0])(data)
        self.servers.append(server)
        return server.start()

    def bodies(self, server):
        found = set()
        while messages := server.receive("jobs"):
            found |= {message["Body"] for message in messages}
        return found

    def test_a_backup_of_a_server_that_is_sent_to_is_restored_whole(self):
        server = self.filled()
        acknowledged = []
        end = threading.Event()

        def send():
            number = 0
            while not end.is_set():
                server.send("jobs", f"later {number}")
                acknowledged.append(f"later {number}")
                number += 1

        sender = threading.Thread(target=send)
        sender.start()
        try:
            before = list(acknowledged)
            done = server.run("backup", self.folder / "backup")
        finally:
            end.set()
            sender.join()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("intact", done.stderr)
        self.assertEqual({path.name for path in (self.folder / "backup").iterdir()}, {"messages.db", "history.db"})
        server.stop()
        again = self.restored(self.folder / "backup")
        found = self.bodies(again)
        self.assertLessEqual({f"message {n}" for n in range(50)} | set(before), found)
        later = sorted(int(body.split()[1]) for body in found if body.startswith("later"))
        self.assertEqual(later, list(range(len(later))), "the copy is of one moment")
        again.send("jobs", "goes on")
        self.assertEqual(self.bodies(again), {"goes on"})

    def test_a_backup_is_refused_where_something_is_and_says_how_it_went(self):
        server = self.filled(1)
        self.assertEqual(server.get("/v1/backup"), {"state": "none"})
        taken = self.folder / "taken"
        taken.mkdir()
        (taken / "file").write_text("mine")
        done = server.run("backup", taken)
        self.assertEqual(done.returncode, 1)
        self.assertIn("not empty", done.stderr)
        self.assertEqual((taken / "file").read_text(), "mine")
        self.assertIn("data folder", server.run("backup", server.data / "inside").stderr)
        self.assertEqual(server.http("POST", "/v1/backup", '{"target": "relative"}')[0], 400)
        self.assertEqual(server.run("backup", self.folder / "new", "--json").returncode, 0)
        self.assertEqual(server.get("/v1/backup")["state"], "done")
        self.assertEqual(server.get("/v1/backup")["messages"], 1)

    def test_a_restore_is_refused_into_a_folder_that_is_used_or_not_empty(self):
        server = self.filled(1)
        self.assertEqual(server.run("backup", self.folder / "backup").returncode, 0)
        used = run("restore", self.folder / "backup", "--data", server.data)
        self.assertEqual(used.returncode, 1)
        self.assertIn(str(server.process.pid), used.stderr)
        server.stop()
        full = run("restore", self.folder / "backup", "--data", server.data)
        self.assertEqual(full.returncode, 1)
        self.assertIn("not empty", full.stderr)
        self.assertEqual(run("restore", self.folder, "--data", self.folder / "new").returncode, 1)
        self.assertFalse((self.folder / "new").exists())

    def test_a_data_folder_of_a_killed_server_is_restored_with_its_journal(self):
        server = self.filled()
        server.kill()
        self.assertTrue((server.data / "messages.journal-0").exists())
        self.assertEqual(len(self.bodies(self.restored(server.data))), 50)

    def test_a_store_of_a_newer_format_is_refused_unharmed_by_everything(self):
        server = self.filled(1)
        server.stop()
        with sqlite3.connect(server.data / "messages.db") as database:
            database.execute("PRAGMA user_version = 7")
        before = (server.data / "messages.db").read_bytes()
        for words in (["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", server.data],
                      ["doctor", "--data", server.data],
                      ["doctor", "--data", server.data, "--salvage", self.folder / "saved"],
                      ["restore", server.data, "--data", self.folder / "new"]):
            done = run(*words)
            self.assertEqual(done.returncode, 1, words)
            self.assertIn("has format 7, this program reads up to 3", done.stderr, words)
        self.assertEqual((server.data / "messages.db").read_bytes(), before)
        self.assertFalse((self.folder / "saved").exists())

    def test_the_doctor_names_damage_and_saves_the_rest(self):
        server = self.filled()
        healthy = run("doctor", "--data", server.data)
        self.assertEqual(healthy.returncode, 0, healthy.stdout)
        self.assertRegex(healthy.stdout, r"messages.journal-\*: \d+ commits that are not in messages.db yet are intact")
        in_use = run("doctor", "--data", server.data, "--salvage", self.folder / "saved" / "data")
        self.assertEqual(in_use.returncode, 1)
        self.assertIn("in use", in_use.stderr)
        server.stop()
        self.assertIn("50 messages", run("doctor", "--data", server.data).stdout)
        with sqlite3.connect(server.data / "messages.db") as database:
            database.execute("UPDATE payloads SET payload = 'x' WHERE id = 3")
            database.execute("UPDATE messages SET queue = 9 WHERE id = 7")
        ill = run("doctor", "--data", server.data, "--json")
        self.assertEqual(ill.returncode, 1)
        problems = " ".join(json.loads(ill.stdout)["problems"])
        self.assertIn("message 3 is lost", problems)
        self.assertIn("message 7 is lost", problems)
        refused = run("serve", "--data", server.data, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("forewarm doctor", refused.stderr)
        saved = run("doctor", "--data", server.data, "--salvage", self.folder / "saved" / "data")
        self.assertEqual(saved.returncode, 0, saved.stderr)
        self.assertIn("message 3 is lost", saved.stdout)
        again = type(server)(self.folder / "saved")
        self.servers.append(again)
        self.assertEqual(self.bodies(again.start()), {f"message {n}" for n in range(50)} - {"message 2", "message 6"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
