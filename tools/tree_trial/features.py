"""What the trial's trees are told of a step to come: numbers without a scale, from values before the origin only.

Values are square roots (the spread of a count hardly depends on its size then), less a centre and in units of a spread. Both
come from a base: the quantiles of ten simple sources, weighted by what each lost over the last origins of the same series.
"""
import csv

import numpy as np

LEVELS = np.array([0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99])
NORMAL = np.array([-2.3263479, -1.6448536, -1.2815516, -0.6744898, 0, 0.6744898, 1.2815516, 1.6448536, 2.3263479])
BANDS = np.array([1, 2, 4, 8, 16, 32, 60])  # leads at which past errors are measured
BAND_ENDS = np.array([1.5, 3, 6, 12, 24, 46])
MEANS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
WINDOWS = [8, 32, 128, 512, 2048]
SAMPLE = 256  # values of a window that its quantiles are taken of
SOURCES = ["pa", "p7", "pb", "q8", "q32", "q128", "q512", "q2048", "u512", "u64"]
CENTRES = 17
GRID, TRAIL, POWER = 320, 40, 4.0  # origins at which sources are scored, how many count, and how much


class Series:
    """One series of a benchmark; `origins` are where it is to be forecast."""

    def __init__(self, row, values):
        self.name, self.set = row["series"], row["set"]
        self.step, self.m1, self.m2, self.h, self.window, self.t0 = (
            int(row[key]) for key in ("step_s", "m1", "m2", "h", "window", "t0_s")
        )
        self.row, self.y, self.sums = row, values, None
        n = len(values)
        self.origins = [n - self.h - k * int(row["stride"]) for k in range(int(row["origins"]))][::-1]

    def cut(self, end):
        """The same, known up to `end` alone."""
        return Series(self.row, self.y[:end])


def load(folder):
    out = []
    with open(f"{folder}/meta.csv") as meta:
        for row in csv.DictReader(meta):
            with open(f"{folder}/{row['series']}.csv") as file:
                lines = file.read().split("\n")[1:-1]
            out.append(Series(row, np.array([float(x) if x.strip() else np.nan for x in lines])))
    return out


def root(x):
    return np.sqrt(np.maximum(x, 0))


class Sums:
    """Of measured values, for the mean of any window."""

    def __init__(self, y):
        measured = ~np.isnan(y)
        self.v = np.concatenate([[0], np.cumsum(np.where(measured, y, 0))])
        self.c = np.concatenate([[0], np.cumsum(measured)])
        self.n = len(y)

    def mean(self, a, b):
        a, b = np.clip(a, 0, self.n), np.clip(b, 0, self.n)
        c = self.c[b] - self.c[a]
        return np.where(c > 0, (self.v[b] - self.v[a]) / np.maximum(c, 1), np.nan)


def quantiles(a, levels):
    """Hazen's quantiles along the last axis, without NaN: (..., level)."""
    a = np.sort(a, -1)
    n = (~np.isnan(a)).sum(-1)
    out = []
    for level in levels:
        p = np.clip(level * n - 0.5, 0, np.maximum(n - 1, 0))
        low = p.astype(int)
        high = np.minimum(low + 1, np.maximum(n - 1, 0))
        u = np.take_along_axis(a, low[..., None], -1)[..., 0]
        v = np.take_along_axis(a, high[..., None], -1)[..., 0]
        out.append(u + (p - low) * (v - u))
    return np.stack(out, -1)


def at(y, i, low):
    return np.where((i >= low) & (i >= 0) & (i < len(y)), y[np.clip(i, 0, len(y) - 1)], np.nan)


def prepare(s):
    """What is the same for all rows of a series. All of it is read only up to a row's origin."""
    y = s.y
    measured = ~np.isnan(y)

    def lagged(m, f):
        return np.concatenate([np.full(m, np.nan), f(y[m:], y[:-m])]) if m < len(y) else np.full(len(y), np.nan)

    s.x = root(y)
    s.sums, s.root_sums, s.squares = Sums(y), Sums(s.x), Sums(y * y)
    s.zeros = Sums(np.where(measured, (y == 0) * 1.0, np.nan))
    s.products = {m: Sums(lagged(m, lambda a, b: a * b)) for m in (1, s.m1, s.m2)}
    s.changes = {m: Sums(lagged(m, lambda a, b: np.abs(a - b))) for m in (1, s.m1, s.m2)}
    s.last = np.maximum.accumulate(np.where(np.nan_to_num(y) > 0, np.arange(len(y)), -1))
    prepare_centres(s)
    s.step_of_grid = max(1, (len(y) - 32) // GRID)
    grid, s.losses = np.arange(24, len(y), s.step_of_grid), []
    for b in BANDS:
        o = grid[grid + b <= len(y)]
        _, levels, _, _, centre, spread = plain_rows(s, o, np.full(len(o), b))
        d = s.x[o + b - 1][:, None, None] - said_by_sources(levels, centre, spread)
        loss = np.maximum(LEVELS[None, :, None] * d, (LEVELS[None, :, None] - 1) * d).mean(1)
        known = ~np.isnan(loss)
        zero = np.zeros((1, len(SOURCES)))
        s.losses.append(
            (np.concatenate([zero, np.cumsum(np.where(known, loss, 0), 0)]), np.concatenate([zero, np.cumsum(known, 0)]))
        )


def prepare_centres(s):
    """Past errors of each centre by band of leads, and of their mix."""
    n, t = len(s.y), np.arange(len(s.y))
    s.errors, s.surprises = [], []
    for b in BANDS:
        o = t - b + 1
        usable = o >= 8
        c = np.full((n, CENTRES), np.nan)
        c[usable] = centres(s, o[usable], np.full(usable.sum(), b), np.zeros(usable.sum(), int))
        e = np.abs(s.x[:, None] - c)
        known = ~np.isnan(e)
        zero = np.zeros((1, CENTRES))
        s.errors.append(
            (np.concatenate([zero, np.cumsum(np.where(known, e, 0), 0)]), np.concatenate([zero, np.cumsum(known, 0)]))
        )
        mixed, error, none = mix_centres(c, past_errors(s, len(s.errors) - 1, np.maximum(o, 0)))
        s.surprises.append(np.where(none | (o < 24), np.nan, (s.x - mixed) / (error + 0.05)))


def centres(s, o, lead, low):
    """Simple forecasts of the root: levels, and each season raw, smoothed and moved to the level now."""
    mean = s.root_sums.mean
    target = o + lead - 1
    now4, now16 = mean(np.maximum(low, o - 4), o), mean(np.maximum(low, o - 16), o)
    last = mean(np.maximum(low, o - 1), o)
    out = [np.where(np.isnan(last), now4, last), now4, now16]
    out += [mean(np.maximum(low, o - 64), o), mean(np.maximum(low, o - 512), o)]
    for m in (s.m1, s.m2):
        back = -(-lead // m) * m
        t = target - back
        inside = t >= low

        def known(v):
            return np.where(inside, v, np.nan)

        same = known(at(s.x, t, low))
        near = known(mean(np.maximum(low, t - 2), np.minimum(o, t + 3)))
        then4 = known(mean(np.maximum(low, o - 4 - back), np.maximum(low, o - back)))
        then16 = known(mean(np.maximum(low, o - 16 - back), np.maximum(low, o - back)))
        average = np.nanmean(np.stack([at(s.x, t - c * m, low) for c in range(4)], 1), 1)
        ratio = np.clip((now16 + 1e-3) / (then16 + 1e-3), 0.3, 3)
        out += [same, near, average, same + now4 - then4, near + now16 - then16, near * ratio]
    return np.maximum(np.stack(out, 1), 0)


def past_errors(s, band, o):
    v, c = s.errors[band]
    first = np.maximum(0, o - max(256, min(2 * s.m1, 2880)))
    n = c[o] - c[first]
    return np.where(n >= 3, (v[o] - v[first]) / np.maximum(n, 1), np.nan)


def mix_centres(c, error):
    """Weighted by the inverse of their errors to the fourth: centre, error, and whether there was none."""
    bad = np.isnan(c) | np.isnan(error)
    most = np.nanmax(np.where(bad, np.nan, error), 1, keepdims=True, initial=1e-6)
    w = np.where(bad, 0, (np.where(bad, 1e9, error) + 1e-3 * most) ** -4.0)
    total = w.sum(1, keepdims=True)
    w = w / np.maximum(total, 1e-300)
    return (w * np.where(bad, 0, c)).sum(1), (w * np.where(bad, 0, error)).sum(1), total[:, 0] <= 0


class Columns(dict):
    """Features by name; `like` says how the units are set: value, difference, logarithm or none."""

    def __init__(self):
        super().__init__()
        self.like = {}

    def put(self, name, column, like=None):
        self[name] = column
        self.like[name] = like


def plain_rows(s, o, lead):
    """Features before the base is known, in units of the centres' mix: all, those of each level, names, centre, spread."""
    low = np.maximum(0, o - s.window)
    band = np.searchsorted(BAND_ENDS, lead)
    c = centres(s, o, lead, low)
    error, surprise = np.full(c.shape, np.nan), np.full((len(o), 512), np.nan)
    for b in range(len(BANDS)):
        m = band == b
        if not m.any():
            continue
        error[m] = past_errors(s, b, o[m])
        stride = max(1, min(s.window, 2880) // 512)
        surprise[m] = at(s.surprises[b], o[m][:, None] - 1 - np.arange(512) * stride, low[m][:, None])
    f, levels, level = own_columns(s, o, lead, low)
    centre, e, none = mix_centres(c, error)
    spread = np.where(none, root(level) * 0.5 + 0.1, e + 0.05)
    centre = np.where(none, root(level), centre)
    for k in range(CENTRES):
        f.put(f"c{k}", c[:, k], "value")
        f.put(f"e{k}", np.log((error[:, k] + 1e-3) / spread), "logarithm")
    f.put("spread_log", np.log(spread))
    f.put("centre_level", centre / root(level))
    f.put("spread_level", spread / root(level))
    for name, v in f.items():
        if f.like[name] == "value":
            f[name] = (v - centre) / spread
        elif f.like[name] == "difference":
            f[name] = v / spread
    levels = {k: (v - centre[:, None]) / spread[:, None] for k, v in levels.items()}
    levels["u512"], levels["u64"] = quantiles(surprise, LEVELS), quantiles(surprise[:, :64], LEVELS)
    return f, levels, level, low, centre, spread


def own_columns(s, o, lead, low):
    """Levels, trends, seasons, zeros, dispersion and the calendar; values in roots."""
    mean, f, target = s.sums.mean, Columns(), o + lead - 1
    day = max(16, min(s.window, 86400 // s.step))
    over_all, of_day = mean(low, o), mean(np.maximum(low, o - day), o)
    near = mean(np.maximum(low, o - 64), o)
    level = np.maximum.reduce(
        [np.nan_to_num(of_day), 0.2 * np.nan_to_num(over_all), 0.2 * np.nan_to_num(near), 1.0 / np.maximum(1, o - low)]
    )
    for w in MEANS:
        v = np.where(o - low >= w, mean(np.maximum(low, o - w), o), np.nan)
        f.put(f"m{w}", root(v), "value")
        if w <= 256:
            f.put(f"t{w}", root(v) - root(mean(np.maximum(low, o - 2 * w), np.maximum(low, o - w))), "difference")
    f.put("all", root(over_all), "value")
    f.put("day", root(of_day), "value")
    levels = season_columns(s, o, lead, low, level, f)
    for w in WINDOWS:
        k = min(w, SAMPLE)
        v = at(s.y, o[:, None] - 1 - (np.arange(k) * w) // k, low[:, None])
        g = root(quantiles(v, LEVELS))
        g[o - low < w // 2] = np.nan
        levels[f"q{w}"] = g
        f.put(f"iq{w}", g[:, 7] - g[:, 1], "difference")
        if w <= 512:
            f.put(f"mx{w}", root(np.nanmax(np.where(np.isnan(v), -1, v), 1)), "value")
    for w in (32, 512):
        f.put(f"z{w}", s.zeros.mean(np.maximum(low, o - w), o))
    f.put("zeros", s.zeros.mean(low, o))
    gap = o - 1 - s.last[o - 1]
    f.put("gap", np.log1p(gap))
    f.put("gap_level", np.log1p(gap * level))
    first = np.maximum(low, o - max(16 * s.h, 512))
    mu = mean(first, o)
    var = np.maximum(s.squares.mean(first, o) - mu * mu, 0)
    f.put("deviation", root(var) / level)
    f.put("dispersion", np.log((var + 0.01) / (mu + 0.01)))
    var_all = np.maximum(s.squares.mean(low, o) - over_all**2, 1e-9 * over_all**2 + 1e-12)
    for name, m in (("1", 1), ("a", s.m1), ("b", s.m2)):
        f.put("ac" + name, (s.products[m].mean(low + m, o) - over_all**2) / var_all)
        f.put("er" + name, s.changes[m].mean(np.maximum(low + m, first), o) / level)
    f.put("season_step", f["era"] / (f["er1"] + 1e-9))
    f.put("lead", np.log(lead))
    f.put("lead_season", lead / s.m1)
    f.put("step", np.full(len(o), np.log(s.step)))
    f.put("level", np.log(level))
    f.put("length", np.log(o - low))
    t, clock = s.t0 + target * s.step, s.t0 > 1e9  # smaller starts are not of a clock
    f.put("hour", np.where(clock, (t % 86400) / 3600.0, np.nan))
    f.put("weekday", np.where(clock, (t // 86400 + 4) % 7, np.nan))
    f.put("minute", np.where(s.step < 3600, (t % 3600) / 60.0, np.nan))
    return f, levels, level


def season_columns(s, o, lead, low, level, f):
    """What the target's phase had in earlier seasons; gives the quantiles of those values by level."""
    mean, target, levels = s.sums.mean, o + lead - 1, {}
    for name, m, cycles in (("a", s.m1, 28), ("b", s.m2, 8)):
        back = -(-lead // m) * m
        for c in (1, 2, 3):
            t = target - back - (c - 1) * m
            inside = t >= low
            f.put(f"s{name}{c}", root(np.where(inside, at(s.y, t, low), np.nan)), "value")
            if c <= 2:
                v = np.where(inside, mean(np.maximum(low, t - 1), np.minimum(o, t + 2)), np.nan)
                f.put(f"s{name}{c}_1", root(v), "value")
            v = np.where(inside, mean(np.maximum(low, t - 3), np.minimum(o, t + 4)), np.nan)
            f.put(f"s{name}{c}_3", root(v), "value")
            if c == 1:
                now = mean(np.maximum(low, o - 16), o)
                then = np.where(inside, mean(np.maximum(low, o - 16 - back), np.maximum(low, o - back)), np.nan)
                ratio = (now + 0.05 * level) / (then + 0.05 * level)
                f.put(f"r{name}", root(ratio))
                f.put(f"x{name}", root(np.clip(ratio, 0.2, 5) * v), "value")
                f.put(f"d{name}", root(v) + root(now) - root(then), "value")
        i = (target - back)[:, None, None] - m * np.arange(cycles)[None, :, None] + np.array([-1, 0, 1])
        phases = at(s.y, np.where(i < o[:, None, None], i, -1), low[:, None, None])
        same = phases[:, :, 1]
        levels[f"p{name}"] = root(quantiles(phases.reshape(len(o), -1), LEVELS))
        if name == "a":
            levels["p7"] = root(quantiles(phases[:, :7].reshape(len(o), -1), LEVELS))
        f.put(f"pm{name}", root(np.nanmean(same, 1)), "value")
        f.put(f"ps{name}", np.nanstd(root(same), 1), "difference")
        f.put(f"pz{name}", np.nanmean(np.where(np.isnan(same), np.nan, same == 0), 1))
        f.put(f"pn{name}", (~np.isnan(same)).sum(1))
    return levels


def said_by_sources(levels, centre, spread):
    """Roots, (row, level, source)."""
    q = np.stack([levels[k] for k in SOURCES], 2) * spread[:, None, None] + centre[:, None, None]
    return np.maximum(q, 0)


def past_losses(s, o, lead):
    """Of each source over the last origins known at `o`: of this band of leads, and a little of all."""
    band = np.searchsorted(BAND_ENDS, lead)
    shape = (len(o), len(SOURCES))
    here, total, count = np.full(shape, np.nan), np.zeros(shape), np.zeros(shape)
    for b in range(len(BANDS)):
        v, c = s.losses[b]
        high = np.clip((o - BANDS[b] - 24) // s.step_of_grid + 1, 0, len(v) - 1)
        first = np.maximum(0, high - TRAIL)
        n = c[high] - c[first]
        loss = np.where(n >= 2, (v[high] - v[first]) / np.maximum(n, 1), np.nan)
        total += np.nan_to_num(loss)
        count += ~np.isnan(loss)
        here[band == b] = loss[band == b]
    overall = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return np.where(np.isnan(here), overall, 0.7 * here + 0.3 * overall)


def rows(s, o, lead):
    """Rows for origins and leads: x (row, feature), levels (row, level, feature), base (row, level), centre, spread."""
    if s.sums is None:
        prepare(s)
    o, lead = np.asarray(o), np.asarray(lead)
    f, levels, level, _, centre, spread = plain_rows(s, o, lead)
    said = said_by_sources(levels, centre, spread)
    has = ~np.isnan(said).any(1)
    loss = np.where(has, past_losses(s, o, lead), np.nan)
    best = np.nanmin(np.where(np.isnan(loss), np.inf, loss), 1)
    best = np.where(np.isfinite(best), best, 1)
    w = ((loss + 0.002 + 0.02 * best[:, None]) / (best[:, None] + 0.002)) ** -POWER
    w = np.where(np.isnan(loss), 0, w)
    flat = w.sum(1) == 0
    w[flat] = has[flat]
    none = w.sum(1) == 0
    w = w / np.maximum(w.sum(1, keepdims=True), 1e-12)
    base = (np.where(has[:, None], said, 0) * w[:, None]).sum(2)
    base[none] = np.maximum(root(level)[none, None] + 0.5 * NORMAL, 0)
    base = np.sort(base, 1)
    middle, lost = base[:, 4], np.where(np.isnan(loss), 0, loss * w).sum(1)
    width = (base[:, 6] - base[:, 2]) / 2.56 * 0.5 + 2 * lost + 0.05
    scale = spread / width
    for name, v in f.items():
        if f.like[name] == "value":
            f[name] = (v * spread + centre - middle) / width
        elif f.like[name] == "difference":
            f[name] = v * scale
        elif f.like[name] == "logarithm":
            f[name] = v + np.log(scale)
    for k, source in enumerate(SOURCES):
        f.put("loss_" + source, np.log((loss[:, k] + 0.002) / (best + 0.002)))
    for k, v in enumerate([np.log(width), middle / root(level), width / root(level), np.log((lost + 0.002) / width)]):
        f.put(f"base{k}", v)
    f.put("base4", (centre - middle) / width)
    f.put("base5", np.log(scale))
    x = np.stack([np.broadcast_to(v, (len(o),)) for v in f.values()], 1)
    x = np.where(np.isfinite(x), np.clip(x, -1e6, 1e6), np.nan)
    own = np.stack([(levels[k] * spread[:, None] + (centre - middle)[:, None]) / width[:, None] for k in levels], 2)
    own = np.clip(own, -1e6, 1e6)
    return x.astype(np.float32), own.astype(np.float32), (base - middle[:, None]) / width[:, None], middle, width
