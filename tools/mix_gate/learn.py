#!/usr/bin/env python3
"""Learns the ensemble's gate (src/core/forecast/ensemble/mix_gate.h) from examples and writes its weights.

usage: learn.py WEIGHTS_H --start
       learn.py WEIGHTS_H NAMES EXAMPLES... [--hidden N] [--epochs N] [--seed N] [--hold-out SET]

EXAMPLES come from mix_gate_examples, NAMES is what it wrote to standard error. The loss is the pinball loss of the
mix over all levels, divided by the series' level and its difficulty, so that a series of a million messages, or one
that nobody can forecast, does not count more than others; sets of many series count less than their number. Adam,
fixed seed: the same examples give the same weights. --hold-out leaves a set out of the learning and reports it.
"""
import argparse
import sys

import numpy as np

LEVELS = np.array([0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99])
UPPER = 5
KINDS = 23
FEATURES = KINDS + 21
HEAD = 8
POOLED = (KINDS - 2, KINDS - 1)
RELATIVE = range(KINDS, KINDS + 4)  # logarithms of loss ratios
DIFFICULTY = 0.5
EXPERTS_MAX = 40


def read(paths):
    width = 1 + FEATURES + 9
    heads, kinds, features, said = [], [], [], []
    for path in paths:
        data = np.fromfile(path, dtype=np.float32)
        at = 0
        while at < len(data):
            head = data[at : at + HEAD]
            count = int(head[5])
            if at + HEAD + count * width > len(data):
                break  # the run was cut off
            block = data[at + HEAD : at + HEAD + count * width].reshape(count, width)
            at += HEAD + count * width
            heads.append(head)
            padded = np.zeros((EXPERTS_MAX, width), dtype=np.float32)
            padded[:count] = block
            padded[count:, 0] = -1
            kinds.append(padded[:, 0].astype(np.int8))
            features.append(padded[:, 1 : 1 + FEATURES])
            said.append(padded[:, 1 + FEATURES :])
    return np.array(heads), np.array(kinds), np.array(features), np.array(said)


class Gate:
    def __init__(self, hidden, seed):
        rng = np.random.default_rng(seed)
        self.parts = [
            (rng.normal(0, 0.3, (FEATURES, hidden)) / np.sqrt(8)).astype(np.float32),
            np.zeros(hidden, dtype=np.float32),
            np.zeros((hidden, 2), dtype=np.float32),
            np.zeros((FEATURES, 2), dtype=np.float32),
        ]
        # Where nothing has been learnt: the better an expert did, the more it counts, and pools more than one alone.
        for half in range(2):
            self.parts[3][KINDS + half, half] = -2.0
            self.parts[3][KINDS + 2 + half, half] = -1.0
            self.parts[3][list(POOLED), half] = 1.0
        self.first = [np.zeros_like(p) for p in self.parts]
        self.second = [np.zeros_like(p) for p in self.parts]
        self.steps = 0

    def forward(self, x, there):
        weights_in, bias, weights_out, direct = self.parts
        sums = x @ weights_in + bias
        hidden = sums / (1 + np.abs(sums))
        score = hidden @ weights_out + x @ direct
        score = np.where(there[..., None], score, -1e9)
        score -= score.max(axis=1, keepdims=True)
        share = np.exp(score)
        share /= share.sum(axis=1, keepdims=True)
        return hidden, share

    def mix(self, share, said):
        lower = np.einsum("be,bel->bl", share[..., 0], said[..., :UPPER])
        upper = np.einsum("be,bel->bl", share[..., 1], said[..., UPPER:])
        return np.concatenate([lower, upper], axis=1)

    def gradient(self, x, there, said, value, scale):
        hidden, share = self.forward(x, there)
        mixed = self.mix(share, said)
        slope = (np.where(value[:, None] >= mixed, -LEVELS, 1 - LEVELS) / scale[:, None]).astype(np.float32)
        dshare = np.stack(
            [
                np.einsum("bl,bel->be", slope[:, :UPPER], said[..., :UPPER]),
                np.einsum("bl,bel->be", slope[:, UPPER:], said[..., UPPER:]),
            ],
            axis=-1,
        )
        dscore = share * (dshare - (share * dshare).sum(axis=1, keepdims=True))
        dhidden = (dscore @ self.parts[2].T) * (1 - np.abs(hidden)) ** 2
        n = len(x)
        return [
            np.tensordot(x, dhidden, axes=([0, 1], [0, 1])) / n,
            dhidden.sum(axis=(0, 1)) / n,
            np.tensordot(hidden, dscore, axes=([0, 1], [0, 1])) / n,
            np.tensordot(x, dscore, axes=([0, 1], [0, 1])) / n,
        ]

    def step(self, gradients, rate, decay):
        self.steps += 1
        for i, gradient in enumerate(gradients):
            self.first[i] = 0.9 * self.first[i] + 0.1 * gradient
            self.second[i] = 0.999 * self.second[i] + 0.001 * gradient**2
            first = self.first[i] / (1 - 0.9**self.steps)
            second = self.second[i] / (1 - 0.999**self.steps)
            self.parts[i] -= rate * (first / (np.sqrt(second) + 1e-8) + decay * self.parts[i])


def pinball(value, quantiles):
    over = value[..., None] - quantiles
    return np.maximum(LEVELS * over, (LEVELS - 1) * over)


def averaged(gates):
    """One network whose scores are the mean of theirs."""
    count = len(gates)
    gate = gates[0]
    gate.parts = [
        np.concatenate([g.parts[0] for g in gates], axis=1),
        np.concatenate([g.parts[1] for g in gates]),
        np.concatenate([g.parts[2] for g in gates]) / count,
        sum(g.parts[3] for g in gates) / count,
    ]
    return gate


def learn(heads, kinds, features, said, arguments, chosen):
    return averaged([learn_one(heads, kinds, features, said, arguments, chosen, arguments.seed + i)
                     for i in range(arguments.gates)])


def learn_one(heads, kinds, features, said, arguments, chosen, seed):
    # Level and difficulty of each series, from all its examples.
    value, level = heads[:, 6].astype(np.float64), heads[:, 7].astype(np.float64)
    there = kinds >= 0
    plain = (said * there[..., None]).sum(axis=1) / there.sum(axis=1)[:, None]
    losses = pinball(value, plain).mean(axis=1)
    scale = np.zeros(len(heads))
    weight = np.zeros(len(heads))
    for series in np.unique(heads[:, 0]):
        rows = heads[:, 0] == series
        size = max(value[rows].mean(), 0.5 * level[rows].mean(), 1e-6)
        scale[rows] = size * (losses[rows].mean() / size + DIFFICULTY)
        weight[rows] = 1 / rows.sum() ** 0.5
    for group in np.unique(heads[:, 1]):
        rows = heads[:, 1] == group
        weight[rows] *= rows.sum() ** 0.5 / weight[rows].sum()
    # Some examples of the whole ensemble without its slow model: the light one has the same gate.
    probability = weight[chosen] / weight[chosen].sum()
    rng = np.random.default_rng(seed)
    gate = Gate(arguments.hidden, seed)
    size = 256
    steps = int(arguments.epochs * len(chosen)) // size
    average = None
    for step in range(steps):
        rows = chosen[rng.choice(len(chosen), size, p=probability)]
        present = there[rows].copy()
        for left_out in arguments.drop:
            absent = rng.random(size) < 0.5
            present &= ~(absent[:, None] & (kinds[rows] == left_out))
        # Any expert may be missing on another series; no one may be relied upon alone.
        lost = rng.random(present.shape) < 0.08
        present = np.where((present & ~lost).any(axis=1, keepdims=True), present & ~lost, present)
        gradients = gate.gradient(features[rows], present, said[rows], value[rows], scale[rows])
        rate = arguments.rate * (1 - step / steps) ** 0.5
        gate.step(gradients, rate, 1e-4)
        if step >= steps // 2:
            average = [p.copy() for p in gate.parts] if average is None else [a + p for a, p in zip(average, gate.parts)]
            count = step - steps // 2 + 1
    if average:
        gate.parts = [a / count for a in average]
    return gate


def report(gate, heads, kinds, features, said, names, rows, title):
    value = heads[:, 6].astype(np.float64)
    print(f"{title}: pinball of the mix / of the best single kind / of all kinds alike, of the mean, by set")
    for group in np.unique(heads[rows, 1]):
        here = rows[heads[rows, 1] == group]
        there = kinds[here] >= 0
        _, share = gate.forward(features[here].astype(np.float64), there)
        mixed = pinball(value[here], gate.mix(share, said[here].astype(np.float64))).mean(axis=1)
        each = pinball(value[here][:, None], said[here].astype(np.float64)).mean(axis=2)
        ratio = {}
        for series in np.unique(heads[here, 0]):
            mine = heads[here, 0] == series
            size = max(value[here][mine].mean(), 0.5 * heads[here, 7][mine].mean(), 1e-6)
            for kind in range(KINDS):
                at = kinds[here][mine] == kind
                if at.any(axis=1).all():
                    first = at.argmax(axis=1)
                    ratio.setdefault(kind, []).append(each[mine][np.arange(mine.sum()), first].mean() / size * 2)
            ratio.setdefault("mix", []).append(mixed[mine].mean() / size * 2)
            ratio.setdefault("alike", []).append(
                (each[mine] * there[mine]).sum() / there[mine].sum() / size * 2
            )
        full = len(ratio["mix"])
        best = min(
            ((np.mean(v), k) for k, v in ratio.items() if k not in ("mix", "alike") and len(v) == full),
            default=(float("nan"), -1),
        )
        print(f"  {names.get(int(group), group):10} {np.mean(ratio['mix']):.4f} / {best[0]:.4f} (kind {best[1]}) / "
              f"{np.mean(ratio['alike']):.4f}   {full} series")


KIND_NAMES = ["newest"] * 5 + ["season"] * 4 + ["seasonal quantiles", "exponential smoothing", "arima", "harmonic regression",
              "additive", "intermittent", "count state", "batches", "local arrivals", "direct regression",
              "recurrent network", "boosted trees"]


def report_shares(gate, heads, kinds, features, names):
    """What each kind gets of the mix, by set, where it takes part. What the pools get is a line of its own."""
    print("per cent of the mix where a kind takes part, by set")
    sets = np.unique(heads[:, 1])
    print(f"  {'':22}" + "".join(f"{names.get(int(s), s):>9}" for s in sets))
    labels = list(dict.fromkeys(KIND_NAMES)) + ["pools"]
    table = {label: {} for label in labels}
    for s in sets:
        rows = np.flatnonzero(heads[:, 1] == s)[:4000]
        there = kinds[rows] >= 0
        _, share = gate.forward(features[rows], there)
        share = share[..., 0] * UPPER / 9 + share[..., 1] * (9 - UPPER) / 9
        for label in labels:
            of = [k for k in range(KINDS) if (KIND_NAMES + ["pools"] * 2)[k] == label]
            here = np.isin(kinds[rows], of)
            takes_part = here.any(axis=1)
            table[label][s] = (share * here)[takes_part].sum() / takes_part.sum() if takes_part.any() else float("nan")
    for label in labels:
        if not all(np.isnan(v) for v in table[label].values()):
            print(f"  {label:22}" + "".join(f"{100 * table[label][s]:9.1f}" for s in sets))


def write(path, gate, known):
    hidden = gate.parts[0].shape[1]

    def row(vector):
        return ", ".join(f"{v:.5g}" for v in np.atleast_1d(vector))

    def rows(matrix):
        return ",\n".join("    {" + row(line) + "}" for line in matrix)

    with open(path, "w") as file:
        file.write(f"""#pragma once

#include <cstddef>

#include "core/forecast/ensemble/mix_gate.h"

// Written by tools/mix_gate/learn.py; not by hand.
// clang-format off
namespace forewarm {{

inline constexpr std::size_t kGateHidden = {hidden};
/// Whether an expert of this kind was among the examples.
inline constexpr bool kGateKnows[kExpertKinds] = {{{", ".join("true" if k else "false" for k in known)}}};
inline constexpr double kGateIn[kGateFeatures][kGateHidden] = {{
{rows(gate.parts[0])}}};
inline constexpr double kGateBias[kGateHidden] = {{{row(gate.parts[1])}}};
inline constexpr double kGateOut[kGateHidden][2] = {{
{rows(gate.parts[2])}}};
inline constexpr double kGateDirect[kGateFeatures][2] = {{
{rows(gate.parts[3])}}};

}}  // namespace forewarm
""")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights")
    parser.add_argument("inputs", nargs="*")
    parser.add_argument("--start", action="store_true")
    parser.add_argument("--hidden", type=int, default=16)
    parser.add_argument("--epochs", type=float, default=20)
    parser.add_argument("--rate", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gates", type=int, default=1, help="learnt from as many seeds and averaged")
    parser.add_argument("--hold-out")
    parser.add_argument("--drop", type=int, nargs="*", default=[])
    arguments = parser.parse_args()
    if arguments.start:
        write(arguments.weights, Gate(1, 1), [True] * KINDS)
        return
    if len(arguments.inputs) < 2:
        parser.error("NAMES and EXAMPLES are needed, or --start")
    names, by_name = {}, {}
    with open(arguments.inputs[0]) as file:
        for line in file:
            cells = line.strip().split(",")
            if len(cells) != 4:
                continue
            names[int(cells[2])] = cells[3]
            by_name[cells[3]] = int(cells[2])
    heads, kinds, features, said = read(arguments.inputs[1:])
    print(len(heads), "examples,", len(np.unique(heads[:, 0])), "series", file=sys.stderr)
    rows = np.arange(len(heads))
    if arguments.hold_out:
        held = heads[:, 1] == by_name[arguments.hold_out]
        gate = learn(heads, kinds, features, said, arguments, rows[~held])
        report(gate, heads, kinds, features, said, names, rows[held], "held out")
        return
    gate = learn(heads, kinds, features, said, arguments, rows)
    report(gate, heads, kinds, features, said, names, rows, "learnt")
    report_shares(gate, heads, kinds, features, names)
    known = [bool((kinds == k).any()) for k in range(KINDS)]
    write(arguments.weights, gate, known)


if __name__ == "__main__":
    main()
