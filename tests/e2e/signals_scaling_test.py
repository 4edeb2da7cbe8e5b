"""An announced burst finds instances that were started for it."""

import pathlib
import tempfile
import time
import unittest

import announced_bursts
from server_process import ServerTest, run


class SignalsScalingTests(ServerTest):
    def start(self, announced):
        """A server that knows such bursts from its history, and its recording."""
        top = self.folder
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=top))
        recording = self.folder / "events.txt"
        server = self.server("--record", recording, config=announced_bursts.config(announced))
        self.folder = top
        announced_bursts.import_past(server, announced)
        server.start()
        server.queue("jobs")
        return server, recording

    def test_an_announced_burst_is_met_by_instances_that_were_started_for_it(self):
        (told, told_recording), (untold, untold_recording) = self.start(True), self.start(False)
        begin = time.time()
        # The first is a rehearsal: it brings into the books of the scaler what a burst costs that is not foreseen.
        bursts = [float(int(begin) + 22), float(int(begin) + 45)]
        traffic = announced_bursts.Traffic(begin, bursts, bursts[-1] + announced_bursts.BURST_SECONDS)
        threads = [thread for server in (told, untold) for thread in traffic.send(server)]
        for start in bursts:
            time.sleep(max(0, start - announced_bursts.START_SECONDS - 4 - time.time()))
            announced_bursts.announce(told, start)
        for thread in threads:
            thread.join()
        self.assertEqual([told.stop(), untold.stop()], [0, 0])

        met = announced_bursts.read_bursts(told_recording, bursts)[-1]
        not_foreseen = announced_bursts.read_bursts(untold_recording, bursts)[-1]
        self.assertGreater(met.warm, not_foreseen.warm, (met, not_foreseen))
        # What raised the plan before the first message of the burst came is the forecast.
        self.assertEqual(met.plan["constraint"], "cost", met)
        self.assertNotEqual(met.plan["model"], "none", met)
        self.assertGreater(met.plan["instances"], not_foreseen.plan["instances"], (met, not_foreseen))
        audit = run("replay", told_recording, "--audit")
        self.assertEqual(audit.returncode, 0, audit.stdout + audit.stderr)


if __name__ == "__main__":
    unittest.main()
