// Prometheus' own checker finds nothing to say against /metrics.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { startFixture } from "./fixture.mjs";

const found = spawnSync("promtool", ["--version"]).error === undefined;

test("promtool accepts the metrics", { skip: found ? false : "no promtool (Debian package prometheus)" }, async () => {
  const fixture = await startFixture();
  try {
    const response = await fetch(new URL("/metrics", fixture.address));
    assert.equal(response.status, 200);
    const checked = spawnSync("promtool", ["check", "metrics"], { input: await response.text(), encoding: "utf8" });
    assert.equal(checked.stdout + checked.stderr, "");
    assert.equal(checked.status, 0);
  } finally {
    await fixture.stop();
  }
});
