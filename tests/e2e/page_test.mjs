// The dashboard's page in a real browser.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";
import { startFixture } from "./fixture.mjs";

const kBrowser = process.env.FOREWARM_BROWSER ?? "/usr/bin/chromium";
const kBrowserOptions = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const kEvilName = "<img src=x onerror=alert(1)>";

const playwright = await import("playwright-core").catch(() => null);
const skip = !playwright ? "no playwright-core (npm ci in tests/e2e)" : existsSync(kBrowser) ? false : `no ${kBrowser}`;

let fixture;
let browser;

before(async () => {
  if (skip) return;
  fixture = await startFixture();
  browser = await playwright.chromium.launch({ executablePath: kBrowser, args: kBrowserOptions });
});

after(async () => {
  await browser?.close();
  await fixture?.stop();
});

/** A page that fails the test on any error or warning of script, style or policy. */
async function open(hash = "", options = {}) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(error.message));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && page.faults.push(message.text()));
  page.on("dialog", (dialog) => { page.faults.push("a dialog"); return dialog.dismiss(); });
  await page.goto(fixture.address + hash);
  await page.getByText("live", { exact: true }).waitFor();
  return page;
}

test("the page shows the busiest queue, its charts, plan and decisions, without a fault", { skip }, async () => {
  const page = await open();
  assert.equal(await page.locator("nav .queue").count(), 9);
  assert.equal(await page.locator("canvas").count(), 2);
  assert.ok(await page.locator(".decisions li").count() > 5);
  assert.match(await page.locator(".plan-text summary").innerText(), /instances?/);
  assert.deepEqual(page.faults, []);
  await page.close();
});

test("figures move by themselves", { skip }, async () => {
  const page = await open();
  const first = await page.locator(".tile .value").first().innerText();
  await page.waitForFunction((old) => document.querySelector(".tile .value")?.textContent !== old, first);
  await page.close();
});

test("a queue is chosen by keyboard, kept in the address and shown after a reload", { skip }, async () => {
  const page = await open();
  await page.getByRole("button", { name: /^search-index/ }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "search-index" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "search-index" }).waitFor();
  assert.match(page.url(), /queue=search-index/);
  await page.close();
});

/** Moves the pointer over a picture until the text is there: a picture that was just changed has not seen it yet. */
async function pointUntil(page, box, text) {
  for (let i = 0; i < 100 && (await page.getByText(text, { exact: true }).count()) === 0; ++i) {
    await page.mouse.move(box.x + box.width * (0.7 + 0.001 * (i % 50)), box.y + box.height / 2);
    await page.waitForTimeout(50);
  }
  await page.getByText(text, { exact: true }).waitFor();
}

test("hours ahead are forecast when asked for, and a refusal is shown in words", { skip }, async () => {
  const page = await open("#queue=orders");
  const asked = [];
  await page.route("**/v1/queues/*/forecast*", (route) => {
    const url = new URL(route.request().url());
    asked.push(url.pathname + url.search);
    if (url.searchParams.get("horizon") !== "6h")
      return route.fulfill({ status: 400, json: { detail: "too short for a horizon of 1d" } });
    const fanAround = (middle) => [-3, -2, -1, -0.5, 0, 0.5, 1, 2, 3].map((z) => Array.from({ length: 72 }, () => middle * (1 + z / 6)));
    const fan = fanAround(300);
    return route.fulfill({ json: { queue: "orders", model: "ensemble", at: 1.8e9, start: 1.8e9, step_seconds: 300, levels: [],
      quantiles: fan, history: Array.from({ length: 96 }, (_, i) => (i === 9 ? null : 300)), came: [],
      reasons: [{ kind: "season", share: 0.62, text: "the same time in earlier cycles of 1d" }, { kind: "model", share: 0.3, text: "arima" },
        { kind: "signal", share: 0.9, signal: "sale", text: "signal sale (of all signals' effect)" },
        { kind: "batch", share: 0.08, text: "a batch of about 80 every 30m" }],
      signals: [{ name: "sale", past: Array.from({ length: 96 }, (_, i) => (i % 24 < 4 ? 1 : 0)), future: Array.from({ length: 72 }, (_, i) => (i % 24 < 4 ? 1 : 0)) },
        { name: "price", past: Array.from({ length: 96 }, (_, i) => (i === 80 ? null : 40 + 5 * Math.sin(i / 8))), future: [] }],
      demand: { work_seconds: fanAround(60), concurrency: fanAround(12), cores: [], memory_bytes: fanAround(600 * 2 ** 20),
        priorities: [{ priority: 1, share: 0.25, messages: fanAround(75), concurrency: fanAround(3) },
          { priority: 8, share: 0.75, messages: fanAround(225), concurrency: fanAround(9) }] } } });
  });
  await page.getByRole("button", { name: "+6 h" }).click();
  await page.locator(".chart-long canvas").waitFor();
  assert.deepEqual(asked, ["/v1/queues/orders/forecast?horizon=6h"]);
  const chart = page.getByRole("img", { name: "About 21600 messages are expected in the next 6 hours." });
  const box = await chart.boundingBox();
  await page.mouse.move(box.x + box.width * 0.75, box.y + box.height / 2);
  await page.getByText("0.7/s – 1.3/s").waitFor();
  // The signals with their values there: what is planned is known, of a price only the past.
  const signals = page.locator(".chart-head .key.signal");
  assert.deepEqual(await signals.allInnerTexts(), ["sale 0", "price –"]);
  await page.mouse.move(box.x + 60 + (box.width - 70) * 0.03, box.y + box.height / 2);
  assert.match((await signals.allInnerTexts()).join(" "), /^sale 1 price 3\d|sale 1 price 4\d/);
  await page.mouse.move(box.x + box.width * 0.75, box.y + box.height / 2);
  const carried = page.locator(".reasons:not(.priorities) li");
  assert.deepEqual(await carried.allInnerTexts().then((texts) => texts.map((text) => text.replace(/\s+/g, " "))),
    ["62 % the same time in earlier cycles of 1d", "30 % arima", "90 % signal sale (of all signals' effect)"]);
  assert.ok((await carried.nth(0).locator("i").boundingBox()).width > (await carried.nth(1).locator("i").boundingBox()).width);
  await page.getByText("Scheduled: a batch of about 80 every 30m; 8 % of all messages.").waitFor();
  await page.getByText("priority 8: up to 225 a step (95 %: 300), 12 at a time").waitFor();
  // What was not measured has no button, and the others show their own numbers.
  assert.deepEqual(await page.getByRole("group", { name: "What is shown" }).getByRole("button").allInnerTexts(),
    ["messages", "at a time", "memory"]);
  await page.getByRole("button", { name: "at a time" }).click();
  await pointUntil(page, box, "8 – 16");
  await page.getByRole("button", { name: "memory" }).click();
  await pointUntil(page, box, "400 MB – 800 MB");
  assert.deepEqual(page.faults, []);
  await page.getByRole("button", { name: "+24 h" }).click();
  await page.getByText("too short for a horizon of 1d").waitFor();
  await page.getByRole("button", { name: "5 min", exact: true }).click();
  await page.locator(".chart-bottom canvas").waitFor();
  assert.equal(await page.locator("canvas").count(), 2);
  await page.close();
});

test("dead letters are shown by error, sent back and stopped, and a paused queue says so", { skip }, async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const asked = [];
  const redrives = [];
  const group = (fingerprint, messages, more) => ({ fingerprint, source: "reports", messages, first: "2026-03-01T14:00:00.000000Z",
    last: "2026-03-01T14:10:00.000000Z", error: "handler", error_type: "ConnectionError", error_message: "no answer from <b>10.0.0.7</b>",
    cause: "outage_over", why: "most messages failed at that time; 50 runs of the function succeeded since", success_odds: 0.93,
    odds_from: "attempts after this failure", samples: [], ...more });
  await page.route("**/v1/dead-letter-queues/**", (route) => {
    const request = route.request();
    if (request.method() === "GET") {
      return route.fulfill({ json: { queue: "nightly-reports", messages: 47, not_recorded: 2, groups_in_all: 2, redrives,
        groups: [group("7c5e1d0a9b3f2468", 40), group("0000000000000001", 5, { cause: "poison_message", success_odds: null })] } });
    }
    asked.push(`${request.method()} ${new URL(request.url()).pathname}`);
    if (request.method() === "DELETE") return route.fulfill({ status: 409, json: { detail: "redrive 3 is over already" } });
    redrives.push({ id: 3, fingerprint: "7c5e1d0a9b3f2468", status: "RUNNING", reason: "", moved: 5, to_move: 40, testing: true,
      succeeded: 3, failed: 0, under_way: 2 });
    return route.fulfill({ json: { queue: "nightly-reports", id: 3 } });
  });
  await page.goto(`${fixture.address}#queue=nightly-reports`);
  const letters = page.getByRole("region", { name: "Dead letters" });
  await letters.getByText("outage over").waitFor();
  await letters.getByText("93 % would succeed now.").waitFor();
  assert.equal(await letters.locator(".error-text b").count(), 0, "what an error says is text");
  await letters.getByText("2 messages without a record").waitFor();
  assert.equal(await page.locator("h2 .pill.warn").innerText(), "paused");
  await letters.getByRole("button", { name: "Redrive" }).first().click();
  await letters.getByText("waiting for the canaries").waitFor();
  assert.ok(await letters.getByRole("button", { name: "Redrive" }).first().isDisabled());
  await letters.getByRole("button", { name: "Stop" }).click();
  await letters.getByText("redrive 3 is over already").waitFor();
  assert.deepEqual(asked, ["POST /v1/dead-letter-queues/nightly-reports/groups/7c5e1d0a9b3f2468/redrive",
    "DELETE /v1/dead-letter-queues/nightly-reports/redrives/3"]);
  await page.close();
});

test("a test message is sent, and a refusal is shown in words", { skip }, async () => {
  const page = await open("#queue=search-index");
  const bodies = [];
  await page.route("**/v1/queues/*/messages", (route) => {
    bodies.push(route.request().postDataJSON().body);
    return bodies.length === 1
      ? route.fulfill({ json: { message_id: "0e0f7c1c-52b4-4f9e-9e0b-0b9e0d2f6a11" } })
      : route.fulfill({ status: 403, json: { detail: "the token's role is read" } });
  });
  await page.getByText("Send a test message").click();
  await page.getByRole("textbox", { name: "Body" }).fill("hello");
  const send = page.getByRole("button", { name: "Send to search-index" });
  await send.click();
  await page.getByText("Sent as 0e0f7c1c").waitFor();
  assert.deepEqual(page.faults, []);
  await send.click();
  await page.getByText("the token's role is read").waitFor();
  assert.deepEqual(bodies, ["hello", "hello"]);
  await page.close();
});

test("names are text, whatever they contain", { skip }, async () => {
  const page = await open(`#${new URLSearchParams({ queue: kEvilName })}`);
  await page.getByRole("heading", { name: kEvilName }).waitFor();
  assert.equal(await page.locator("img").count(), 0);
  assert.deepEqual(page.faults, []);
  await page.close();
});

for (const [width, colorScheme] of [[1280, "light"], [1280, "dark"], [390, "dark"]]) {
  test(`nothing sticks out at ${width} pixels, ${colorScheme}`, { skip }, async () => {
    const page = await open("#queue=orders", { viewport: { width, height: 800 }, colorScheme });
    await page.locator("canvas").first().waitFor();
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
    await page.close();
  });
}

test("the page says when the server is gone and comes back with it", { skip }, async () => {
  const own = await startFixture();
  const page = await browser.newPage();
  await page.goto(own.address);
  await page.getByText("live", { exact: true }).waitFor();
  await own.stop();
  await page.getByText("connection lost").waitFor();
  const again = await startFixture(Number(new URL(own.address).port));
  await page.getByText("live", { exact: true }).waitFor();
  await page.close();
  await again.stop();
});
