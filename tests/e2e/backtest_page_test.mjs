// The page of forewarm backtest --html in a real browser.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

const kBrowser = process.env.FOREWARM_BROWSER ?? "/usr/bin/chromium";
const playwright = await import("playwright-core").catch(() => null);
const skip = !playwright ? "no playwright-core (npm ci in tests/e2e)" : existsSync(kBrowser) ? false : `no ${kBrowser}`;

let folder;
let browser;

before(async () => {
  if (skip) return;
  folder = mkdtempSync(join(tmpdir(), "forewarm-backtest-"));
  const rows = ["timestamp_s,queue,count"];
  for (let t = 0; t < 500; ++t) {
    const shape = Math.sin((2 * Math.PI * t) / 24);
    rows.push(`${3600 * t},orders,${Math.round(30 + 20 * shape + ((t * 7919) % 7))}`);
    rows.push(`${3600 * t},<i>evil</i>,${Math.round(9 + 5 * shape + ((t * 104729) % 5))}`);
  }
  writeFileSync(join(folder, "trace.csv"), rows.join("\n") + "\n");
  execFileSync(process.env.FOREWARM_PROGRAM, ["backtest", join(folder, "trace.csv"), "--origins", "12", "--horizon", "12h",
    "--models", "ensemble_light,exponential_smoothing", "--html", join(folder, "report.html")], { stdio: "pipe" });
  browser = await playwright.chromium.launch({ executablePath: kBrowser, args: ["--no-sandbox", "--disable-gpu"] });
});

after(async () => {
  await browser?.close();
  if (folder) rmSync(folder, { recursive: true });
});

/** The page; faults collects errors, and any request for something outside it. */
async function open(options = {}) {
  const page = await browser.newPage({ viewport: { width: 1240, height: 1700 }, ...options });
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(error.message));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && page.faults.push(message.text()));
  page.on("request", (request) => request.url().startsWith("file:") || page.faults.push(request.url()));
  await page.goto("file://" + join(folder, "report.html"));
  return page;
}

test("every chart is drawn, in light and dark, without a fault or a request", { skip }, async () => {
  for (const colorScheme of ["light", "dark"]) {
    const page = await open({ colorScheme });
    for (const id of ["fan", "strip", "loss", "weights", "cover", "pit", "queues"])
      assert.ok(await page.locator(`#${id} > *`).count() > 5, id);
    assert.equal(await page.locator("#league tbody tr").count(), 3);
    assert.match(await page.locator("#verdict").innerText(), /^The engine loses \d+ % (less|more) than seasonal naive/);
    assert.equal(await page.locator("i", { hasText: "evil" }).count(), 0, "a name is text");
    assert.doesNotMatch(await page.content(), /NaN/);
    assert.deepEqual(page.faults, []);
    await page.close();
  }
});

test("a model, a queue and an origin can be chosen, by mouse and by keyboard", { skip }, async () => {
  const page = await open();
  const fan = () => page.locator("#fan").innerHTML();
  const first = await fan();
  await page.locator("#league tbody tr", { hasText: "seasonal naive" }).click();
  const second = await fan();
  assert.ok(second !== first, "the chart follows the model");
  assert.equal(await page.locator("#model").inputValue(), "seasonal_naive");
  assert.equal(await page.locator("#weights-card").isVisible(), false, "only a mix has weights");
  await page.locator("#league tbody tr", { hasText: "ensemble" }).press("Enter");
  assert.ok(await fan() === first, "and back");
  await page.locator("#queue").selectOption({ label: "<i>evil</i>" });
  assert.ok(await fan() !== first, "the chart follows the queue");
  await page.locator("#origin").fill("0");
  assert.match(await page.locator("#when").innerText(), /\(1 \/ \d+\)/);
  await page.locator("#scope").selectOption("one");
  assert.deepEqual(page.faults, []);
  await page.close();
});

test("a tooltip says what was forecast and what came", { skip }, async () => {
  const page = await open();
  const box = await page.locator("#fan").boundingBox();
  await page.mouse.move(box.x + box.width * 0.9, box.y + box.height / 2);
  const tip = await page.locator("#tip").innerText();
  for (const word of ["came", "median", "50 %", "90 %", "ahead"]) assert.match(tip, new RegExp(word));
  await page.mouse.move(box.x + box.width * 0.2, box.y + box.height / 2);
  assert.doesNotMatch(await page.locator("#tip").innerText(), /ahead/);
  await page.close();
});

test("a narrow window scrolls nothing sideways but the table", { skip }, async () => {
  const page = await open({ viewport: { width: 420, height: 900 } });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
  await page.close();
});
