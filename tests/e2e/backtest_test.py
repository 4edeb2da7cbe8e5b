"""forewarm backtest: what it writes is what its definitions say, and what is wrong with its input has its place."""

import csv
import json
import math
import re
import unittest

from server_process import ServerTest, run

LEVELS = ["q01", "q05", "q10", "q25", "q50", "q75", "q90", "q95", "q99"]
META = "series,set,step_s,m1,m2,h,window,origins,stride,t0_s,regressors\n"


def traffic(steps):
    """Counts with a period of 24 that a model can learn."""
    return [round(20 + 15 * math.sin(2 * math.pi * t / 24) + ((t * 2654435761) >> 9) % 5) for t in range(steps)]


# Without the recurrent network, which takes minutes in a sanitized build.
LIGHT = ["--models", "ensemble_light"]


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
        done, rows = self.bench(self.folder_with(values), *LIGHT)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(list(rows[0]), ["series", "set", "method", "origin", "cpu_s", "step", *LEVELS])
        self.assertEqual({(int(row["origin"]), int(row["step"])) for row in rows},
                         {(400 - 12 - 5 * k, step) for k in range(3) for step in range(1, 13)})
        self.assertEqual({row["method"] for row in rows}, {"ensemble_light"})
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
        _, before = self.bench(self.folder_with(values, meta), *LIGHT)
        for at in range(400 - 12, 400):
            values[at] = 100000
        _, after = self.bench(self.folder_with(values, meta), *LIGHT)
        quantiles = [[row[level] for level in LEVELS] for row in before]
        self.assertEqual(quantiles, [[row[level] for level in LEVELS] for row in after])

    def test_models_come_under_their_own_names(self):
        folder = self.folder_with(traffic(120), "busy,made,3600,24,168,6,100,1,5,0,\n")
        done, rows = self.bench(folder, "--models")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreaterEqual({row["method"] for row in rows},
                                {"ensemble", "ensemble_light", "seasonal_quantiles", "exponential_smoothing"})
        self.assertEqual({row["method"] for row in self.bench(folder)[1]}, {"ensemble"})
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
        done, rows = self.bench(folder, *LIGHT)
        self.assertEqual((done.returncode, len(rows)), (0, 24), done.stderr)
        self.assertEqual(self.bench(folder, "--no-regressors", *LIGHT)[0].returncode, 0)

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


class Trace(ServerTest):
    def trace(self, values, queue="busy", header="timestamp_s,queue,count"):
        path = self.folder / "trace.csv"
        path.write_text(header + "\n" + "".join(f"{3600 * t},{queue},{v}\n" for t, v in enumerate(values)))
        return path

    def backtest(self, *words):
        done = run("backtest", *words, timeout=120)
        self.assertNotIn("\x1b", done.stdout + done.stderr)
        return done

    def test_the_league_has_every_measure_and_the_better_model_first(self):
        done = self.backtest(self.trace(traffic(600)), "--horizon", "12h", "--origins", "40", "--models",
                             "seasonal_quantiles,ensemble_light,exponential_smoothing")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0].split(), ["model", "wQL", "rel", "MASE", "sMAPE", "wQL50", "wQL90", "wQL95", "wQL99",
                                            "cov50", "cov90", "cov95", "cov99", "calerr", "CPU/fit"])
        rows = {line.split()[0]: float(line.split()[1]) for line in lines[1:lines.index("")]}
        self.assertGreaterEqual(set(rows), {"ensemble_light", "seasonal_naive", "seasonal_quantiles"})
        self.assertEqual(list(rows.values()), sorted(rows.values()))
        self.assertLess(rows["ensemble_light"], rows["seasonal_naive"])
        self.assertIn("40 origins on 1 series, horizon 12h in steps of 1h", done.stdout)

    def test_json_agrees_with_its_own_definitions(self):
        values = traffic(600)
        done = self.backtest(self.trace(values), "--horizon", "6h", "--origins", "30", "--every", "5h", "--window",
                             "10d", "--refit-every", "3", "--models", "exponential_smoothing", "--json")
        report = json.loads(done.stdout)
        self.assertEqual(done.stdout.count("\n"), 1)
        series, = report["series"]
        self.assertEqual(series["origins"], [600 - 6 - 5 * k for k in reversed(range(30))])
        self.assertEqual((series["season"], series["horizon"], series["step_seconds"]), (24, 6, 3600))
        score = series["models"]["exponential_smoothing"]["score"]
        self.assertEqual((score["fits"], score["steps"], score["stand_ins"]), (10, 180, 0))
        self.assertAlmostEqual(sum(score["wql_by_level"]) / 9, score["wql"], delta=1e-3 * score["wql"])
        self.assertAlmostEqual(sum(score["pit"]) / 20, 1, delta=0.01)
        thirds = [sum(third[level] for third in score["coverage_by_third"]) / 3 for level in range(9)]
        for level in range(9):
            self.assertAlmostEqual(thirds[level], score["coverage"][level], delta=0.002)
        self.assertEqual(len(series["models"]["exponential_smoothing"]["losses"]), 30)
        naive = series["models"]["seasonal_naive"]["score"]
        self.assertAlmostEqual(score["rel"], (score["wql"] + .005) / (naive["wql"] + .005), delta=2e-3)

    def test_what_comes_later_changes_nothing_before_it(self):
        values = traffic(600)
        words = ["--horizon", "6h", "--origins", "20", "--every", "12h", "--models", "exponential_smoothing", "--json"]
        def losses(of):
            series, = json.loads(self.backtest(self.trace(of), *words).stdout)["series"]
            return series["models"]["exponential_smoothing"]["losses"]
        before = losses(values)
        after = losses(values[:500] + [10 * v for v in values[500:]])
        touched = [k for k in range(20) if 600 - 6 - 12 * (19 - k) + 6 > 500]
        self.assertEqual(before[:touched[0]], after[:touched[0]])
        self.assertNotEqual(before[touched[0]], after[touched[0]])

    def test_the_page_stands_alone_and_a_name_cannot_end_its_data(self):
        page = self.folder / "report.html"
        done = self.backtest(self.trace(traffic(400), "</script><b>evil"), "--origins", "10", "--html", page, *LIGHT)
        self.assertEqual((done.returncode, done.stderr), (0, f"wrote {page}\n"))
        text = page.read_text()
        self.assertNotIn("<b>evil", text)
        self.assertIn("<svg", text)
        self.assertIn("prefers-color-scheme", text)
        self.assertEqual(re.findall(r"(?:src|href)=|@import|url\(", text), [])
        data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S).group(1)
        kept = json.loads(data)["series"][0]["models"]["ensemble_light"]["forecasts"]
        self.assertEqual(len(kept), 10)
        self.assertEqual([len(level) for level in kept[0]["q"]], [30] * 5)

    def test_queues_columns_gaps_and_regressors_are_chosen(self):
        path = self.folder / "trace.csv"
        rows = ["timestamp_s,queue,count,casual,holiday"]
        for t, v in enumerate(traffic(400)):
            if t % 50 != 7:
                rows.append(f"{3600 * t},bikes,{v},{v // 2},{t // 24 % 7 == 0:d}")
            rows.append(f"{3600 * t},quiet,1,1,0")
        path.write_text("\n".join(rows) + "\n")
        done = self.backtest(path, "--queue", "bikes", "--column", "casual", "--regressor", "holiday", "--absent",
                             "missing", "--origins", "5", *LIGHT, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        series, = json.loads(done.stdout)["series"]
        self.assertEqual(series["name"], "bikes")
        self.assertLess(series["models"]["ensemble_light"]["score"]["steps"], 5 * 30)
        done = self.backtest(path, "--top", "1", "--origins", "5", "--models", "exponential_smoothing")
        self.assertIn("The 1 busiest of 2 queues", done.stdout)

    def test_what_is_wrong_is_said_with_its_place(self):
        trace = self.trace(traffic(100))
        for expected, words in ((r"nowhere\.csv: no such file or folder", [self.folder / "nowhere.csv"]),
                                (r"no queue \"lazy\" in it; it has 1, such as busy", [trace, "--queue", "lazy"]),
                                (r"trace\.csv:1:1: no column \"casul\"; there are \"timestamp_s,queue,count\"",
                                 [trace, "--column", "casul"]),
                                (r"busy .*the series has 100 steps, which leaves no history before a horizon of 200; "
                                 r"give a longer history or a shorter horizon", [trace, "--horizon", "200h"]),
                                (r"must be a multiple of it, not 5400 s", [trace, "--step", "90m"]),
                                (r"--horizon: .*soon", [trace, "--horizon", "soon"]),
                                (r"--step: ", [trace, "--step", "0s"]),
                                (r"no model \"arma\"", [trace, "--models", "arma"]),
                                (r"cannot be written", [trace, "--origins", "2", "--html", self.folder / "no" / "a.html", *LIGHT])):
            done = self.backtest(*words)
            self.assertEqual(done.returncode, 1, words)
            self.assertRegex(done.stderr, expected)
        bad = self.trace(traffic(50) + ["many"])
        self.assertRegex(self.backtest(bad).stderr, r"trace\.csv:52:\d+: expected a number .*\"many\"")
        self.assertRegex(self.backtest(self.trace([0] * 100)).stderr, r"nothing|no series")
        for words in ([], [trace, "--origins", "0"], [trace, "--absent", "maybe"], [trace, "--out", "x.csv"]):
            done = self.backtest(*words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)


if __name__ == "__main__":
    unittest.main(verbosity=2)
