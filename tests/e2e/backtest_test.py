"""forewarm backtest: what it writes is what its definitions say, and what is wrong with its input has its place."""

import csv
import math
import unittest

from server_process import ServerTest, run

LEVELS = ["q01", "q05", "q10", "q25", "q50", "q75", "q90", "q95", "q99"]
META = "series,set,step_s,m1,m2,h,window,origins,stride,t0_s,regressors\n"


def traffic(steps):
    """Counts with a period of 24 that a model can learn."""
    return [round(20 + 15 * math.sin(2 * math.pi * t / 24) + t * 7919 % 5) for t in range(steps)]


class Benchmark(ServerTest):
    def folder_with(self, values, meta="busy,made,3600,24,168,12,240,3,5,0,\n", regressors=None):
        folder = self.folder / "bench"
        folder.mkdir(exist_ok=True)
        (folder / "meta.csv").write_text(META + meta)
        (folder / "busy.csv").write_text("y\n" + "".join("\n" if v is None else f"{v}\n" for v in values))
        if regressors:
            (folder / "busy.reg.csv").write_text(regressors)
        return folder

    def bench(self, folder, *words):
        out = self.folder / "out.csv"
        done = run("backtest", "--bench", folder, "--out", out, *words, timeout=120)
        return done, list(csv.DictReader(out.read_text().splitlines())) if done.returncode == 0 else None

    def test_every_origin_and_step_gets_ordered_quantiles(self):
        values = traffic(400)
        done, rows = self.bench(self.folder_with(values))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(list(rows[0]), ["series", "set", "method", "origin", "cpu_s", "step", *LEVELS])
        self.assertEqual({(int(row["origin"]), int(row["step"])) for row in rows},
                         {(400 - 12 - 5 * k, step) for k in range(3) for step in range(1, 13)})
        self.assertEqual({row["method"] for row in rows}, {"ensemble"})
        for row in rows:
            quantiles = [float(row[level]) for level in LEVELS]
            self.assertEqual(quantiles, sorted(quantiles))
            self.assertGreaterEqual(quantiles[0], 0)
            self.assertGreater(float(row["cpu_s"]), 0)
        errors = [abs(float(row["q50"]) - values[int(row["origin"]) + int(row["step"]) - 1]) for row in rows]
        self.assertLess(sum(errors) / len(errors), 4, "the period was not learnt")

    def test_the_same_history_gives_the_same_forecast_whatever_comes_later(self):
        values = traffic(400)
        meta = "busy,made,3600,24,168,12,240,1,5,0,\n"
        _, before = self.bench(self.folder_with(values, meta))
        for at in range(400 - 12, 400):
            values[at] = 100000
        _, after = self.bench(self.folder_with(values, meta))
        quantiles = [[row[level] for level in LEVELS] for row in before]
        self.assertEqual(quantiles, [[row[level] for level in LEVELS] for row in after])

    def test_models_come_under_their_own_names(self):
        folder = self.folder_with(traffic(400))
        for words in (["--models"], ["--models", "all"]):
            done, rows = self.bench(folder, *words)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertGreaterEqual({row["method"] for row in rows},
                                    {"ensemble", "seasonal_quantiles", "exponential_smoothing"}, words)
        _, rows = self.bench(folder, "--models", "exponential_smoothing")
        self.assertEqual({row["method"] for row in rows}, {"exponential_smoothing"})
        done, _ = self.bench(folder, "--models", "exponential_smothing")
        self.assertEqual(done.returncode, 1)
        self.assertIn("did you mean exponential_smoothing?", done.stderr)

    def test_gaps_and_regressors_are_read(self):
        values = traffic(400)
        values[100:130] = [None] * 30
        folder = self.folder_with(values, "busy,made,3600,24,168,12,240,2,5,0,busy.reg.csv\n",
                                  "holiday,temp_c\n" + "".join(f"{t % 7 == 0:d},{t % 30}\n" for t in range(400)))
        done, rows = self.bench(folder)
        self.assertEqual((done.returncode, len(rows)), (0, 24), done.stderr)
        self.assertEqual(self.bench(folder, "--no-regressors")[0].returncode, 0)

    def test_what_is_wrong_is_said_with_its_place(self):
        values = traffic(400)
        for expected, folder, words in (
                (r"nowhere/meta\.csv: no such file", self.folder / "nowhere", []),
                (r"no set \"mode\"; it has made", self.folder_with(values), ["--set", "mode"]),
                (r"busy\.csv: 20 steps, and meta\.csv asks for .* 23", self.folder_with(values[:20]), [])):
            done, _ = self.bench(folder, *words)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertRegex(done.stderr, expected)
        for meta, expected in (("busy,made,3600,24,168,12,240,3,5,0\n", r"meta\.csv:2:35: expected 11 columns"),
                               ("busy,made,3600,24,168,soon,240,3,5,0,\n", r"meta\.csv:2:23: h must"),
                               ("lost,made,3600,24,168,12,240,3,5,0,\n", r"lost\.csv: no such file"),
                               ("busy,made,3600,24,168,12,240,3,5,0,busy.reg.csv\n", r"busy\.reg\.csv: ")):
            done, _ = self.bench(self.folder_with(values, meta))
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, expected)
        bad = self.folder_with(values[:300] + ["many"] + values[:99])
        done, _ = self.bench(bad)
        self.assertRegex(done.stderr, r"busy\.csv:302:1: expected a number or nothing .*\"many\"")
        done = run("backtest", "--bench", self.folder_with(values))
        self.assertEqual(done.returncode, 1)
        self.assertIn("--out", done.stderr)
        done = run("backtest", "--bench", self.folder_with(values), "--out", self.folder / "no" / "out.csv")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot be written", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
