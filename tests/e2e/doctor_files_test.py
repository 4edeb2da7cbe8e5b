"""The doctor for what is not the store: control's state, recordings, archives in folders."""

import json
import time
import unittest

from server_process import ServerTest, run

DAY = 86_400
STATE = {"schema": 1, "queues": {"orders": {"target": "kubernetes default/orders", "found": 3, "told": 5, "changed": True,
                                            "since_us": 1_772_323_200_000_000, "beside": None}}}


class DoctorFilesTests(ServerTest):
    def doctor(self, *arguments, expect=0):
        done = run("doctor", *arguments)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done

    def control_folder(self, text):
        folder = self.folder / "control"
        folder.mkdir(exist_ok=True)
        (folder / "control-state.json").write_text(text)
        return folder

    def test_what_control_found_at_its_targets(self):
        whole = json.dumps(STATE)
        self.assertIn("control-state.json: what was found at 1 targets is intact",
                      self.doctor("--data", self.control_folder(whole)).stdout)
        for damaged in ("", whole[:40], whole.replace("5", "\0"), whole.replace('"found"', '"target"').replace("3,", "[],")):
            folder = self.control_folder(damaged)
            done = self.doctor("--data", folder, expect=1)
            self.assertIn(f"problem  {folder}/control-state.json: is not what forewarm wrote. Move it away", done.stdout)
            self.assertNotIn("--salvage", done.stderr, "which cannot help")
        (folder / "messages.synced").write_bytes(b"x")
        self.assertIn("messages.db", self.doctor("--data", folder, expect=1).stderr, "a store that is gone is no folder of control's")

    def test_it_is_looked_at_beside_a_store_and_saved_with_it(self):
        server = self.server().start()
        server.queue("jobs")
        server.send("jobs", "one")
        server.stop()
        state = server.data / "control-state.json"
        state.write_text(json.dumps(STATE))
        self.doctor("--data", server.data, "--salvage", self.folder / "saved")
        self.assertEqual(json.loads((self.folder / "saved" / "control-state.json").read_text()), STATE)
        state.write_text("{")
        problems = json.loads(self.doctor("--data", server.data, "--json", expect=1).stdout)["problems"]
        self.assertEqual(len(problems), 1)
        self.assertIn("control-state.json", problems[0])
        self.doctor("--data", server.data, "--salvage", self.folder / "again")
        self.assertFalse((self.folder / "again" / "control-state.json").exists())

    def test_recordings(self):
        recording = self.folder / "recording"
        server = self.server("--record", str(recording)).start()
        server.queue("jobs")
        server.send("jobs", "one", "two", "three")
        self.assertEqual(len(server.receive("jobs")), 3)
        server.stop()
        said = self.doctor("--recording", recording).stdout
        self.assertRegex(said, rf"ok       {recording}: \d+ events are intact\n")
        whole = recording.read_text()

        recording.write_text(whole + "177232320")
        self.assertIn("it ends in half a line, which is left out", self.doctor("--recording", recording).stdout)

        lines = whole.splitlines(keepends=True)
        place = next(number for number, line in enumerate(lines) if "message_arrived" in line)
        recording.write_text("".join(lines[:place] + [lines[place].replace("queue=", "quite=")] + lines[place + 1:]))
        said = self.doctor("--recording", recording, expect=1).stdout
        self.assertRegex(said, rf"problem  {recording}:{place + 1}:column \d+: expected")
        self.assertIn(f"head -n {place} {recording} > WHOLE_PART", said)

        again = next(line for line in lines if not line.startswith(" "))
        recording.write_text(whole + again)
        self.assertIn(f"{recording}:{len(lines) + 1}:column 1: it is before the event above it",
                      self.doctor("--recording", recording, expect=1).stdout)

        recording.write_bytes(b"\0" * 4096)
        self.assertIn("there is no whole event in it", self.doctor("--recording", recording, expect=1).stdout)
        self.assertIn("cannot be read (No such file or directory)",
                      self.doctor("--recording", self.folder / "none", expect=1).stdout)

    def test_archives_in_folders(self):
        data, archive = self.folder / "data", self.folder / "archive"
        yesterday = int(time.time()) // DAY * DAY - DAY
        rows = self.folder / "rows.csv"
        rows.write_text("timestamp_s,queue,count\n" + "".join(f"{yesterday + n * 10},orders,{n % 7}\n" for n in range(200)))
        for words in (["import", rows], ["archive", archive]):
            done = run("history", *words, "--data", data)
            self.assertEqual(done.returncode, 0, done.stderr)
        files = sorted(archive.rglob("*.csv.gz"))
        self.assertEqual(len(files), 1)
        self.assertIn("1 files of an archive are intact", self.doctor("--archive", archive).stdout)

        whole = files[0].read_bytes()
        for damaged in (b"", whole[:-20], whole[:50] + bytes([whole[50] ^ 1]) + whole[51:], bytes(len(whole))):
            files[0].write_bytes(damaged)
            said = self.doctor("--archive", archive, expect=1).stdout
            self.assertIn(f"problem  {files[0]}: ", said)
            self.assertIn("Delete it and archive that day again", said)
        self.assertIn("there is no archive of forewarm's history", self.doctor("--archive", self.folder / "notes", expect=1).stdout)

        files[0].write_bytes(whole)
        both = self.doctor("--archive", archive, "--recording", files[0], expect=1).stdout
        self.assertIn("ok       ", both)
        self.assertIn("problem  ", both)


if __name__ == "__main__":
    unittest.main(verbosity=2)
