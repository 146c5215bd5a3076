// Are the pages alive? `node crates/report/check/check.mjs FOLDER` looks at the pages of the example `sample` as a
// user would: charts drawn, tables sorted, versions switched and heard, a blind test taken; no error, no network.
// Without Chromium it checks the arithmetic of the blind test only, and says so.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { findChromium, hear, visit } from "./browser.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const folder = resolve(process.argv[2] ?? "sample");

/** The samples are sines: the original and the three versions that follow it. */
const HZ = [2000, 1000, 500, 250];
/** The coin of the blind test falls as written: which of A, B is X in trial 1, 2, ... */
const COINS = [0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 1];
const PRELUDE = `{
  const coins = ${JSON.stringify(COINS)};
  crypto.getRandomValues = (array) => { array[0] = coins.shift(); return array; };
}`;

function checkProbability() {
  const script = readFileSync(join(here, "../page/abx.js"), "utf8");
  const guessProbability = new Function(`${script}; return guessProbability;`)();
  // scipy.stats.binomtest(right, trials, alternative="greater").pvalue
  const known = [
    [0, 10, 1],
    [5, 10, 0.623046875],
    [8, 10, 0.0546875],
    [10, 10, 0.0009765625],
    [9, 12, 0.072998046875],
    [60, 100, 0.02844396682049044],
    [200, 200, 6.223015277861142e-61],
  ];
  for (const [right, trials, expected] of known) {
    const found = guessProbability(right, trials);
    assert.ok(Math.abs(found / expected - 1) < 1e-12, `${right} of ${trials}: ${found}`);
  }
}

async function checkCharts(page) {
  await page.until(`document.documentElement?.dataset.drawn === "true"`);
  const wanted = await page.ask(`JSON.parse(document.getElementById("data").textContent).sections.flatMap((s) => s.blocks).flatMap((b) => b.charts ?? []).length`);
  const lines = await page.ask(`[...document.querySelectorAll(".chart")].map((c) => [...c.querySelectorAll(".curve")].filter((p) => p.getAttribute("d").split("L").length === 4).length)`);
  assert.ok(wanted > 20);
  assert.deepEqual(lines, Array(wanted).fill(3));
  const bars = await page.ask(`document.querySelectorAll(".chart .interval").length`);
  assert.ok(bars >= wanted, `${bars} intervals`);
  const first = `document.querySelector(".chart")`;
  const curves = `${first}.querySelectorAll(".curve").length`;
  const labels = `[...${first}.querySelectorAll(".labels text[text-anchor=middle]:not([class])")].map((t) => t.textContent).join(" ")`;
  assert.equal(await page.ask(labels), "8 16 32 64");
  const names = `${first}.querySelectorAll(".legend button")`;
  await page.click(`${names}[0]`);
  assert.equal(await page.ask(curves), 2);
  assert.equal(await page.ask(`${names}[0].getAttribute("aria-pressed")`), "false");
  await page.click(`${names}[1]`, 2);
  assert.equal(await page.ask(curves), 1);
  await page.click(`${names}[1]`, 2);
  assert.equal(await page.ask(curves), 3);

  // The same codec has the same colour in every chart.
  const colours = await page.ask(`[...document.querySelectorAll(".chart")].map((c) => [...c.querySelectorAll(".curve")].map((p) => p.getAttribute("stroke")).join())`);
  assert.equal(new Set(colours).size, 1);
  assert.equal(new Set(colours[0].split(",")).size, 3);

  // A point tells what it is; a drag enlarges; a double click shows everything again.
  const point = await page.ask(`(({ left, top, width, height }) => ({ x: left + width / 2, y: top + height / 2 }))(${first}.querySelectorAll(".canvas .mark")[1].getBoundingClientRect())`);
  await page.mouse("mouseMoved", point.x, point.y);
  assert.match(await page.ask(`${first}.querySelector(".tip").textContent`), /^alpha\n16: .* point 16, 6 clips$/);
  const range = `${first}.querySelector(".canvas").drawing.xRange`;
  const before = await page.ask(range);
  await page.mouse("mousePressed", point.x - 40, point.y);
  await page.mouse("mouseMoved", point.x + 40, point.y);
  await page.mouse("mouseReleased", point.x + 40, point.y);
  const enlarged = await page.ask(range);
  assert.ok(before[0] < enlarged[0] && enlarged[0] < 16 && 16 < enlarged[1] && enlarged[1] < before[1], `${enlarged}`);
  await page.click(`${first}.querySelector("svg.drawing")`, 2);
  assert.deepEqual(await page.ask(range), before);

  const ink = `getComputedStyle(${first}.querySelector(".labels text")).fill`;
  const light = await page.ask(ink);
  await page.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: "dark" }] });
  await page.until(`${ink} !== ${JSON.stringify(light)}`);
  await page.send("Emulation.setEmulatedMedia", { features: [] });
}

async function checkTables(page) {
  const anchors = `document.querySelector("#tables-S44 select")`;
  const caption = `document.querySelector("#tables-S44 caption").textContent`;
  for (const anchor of ["alpha", "gamma"]) {
    await page.ask(`${anchors}.value = "${anchor}"; ${anchors}.dispatchEvent(new Event("change"))`);
    assert.match(await page.ask(caption), new RegExp(`against ${anchor}`));
  }
  const table = `document.querySelectorAll("#tables-S44 table")[1]`;
  const rates = `[...${table}.tBodies[0].rows].map((row) => Number(row.cells[4].textContent)).map((rate) => (Number.isNaN(rate) ? null : rate))`;
  const heading = `${table}.tHead.rows[0].cells[4]`;
  for (const direction of ["ascending", "descending"]) {
    await page.click(`${heading}.firstChild`);
    assert.equal(await page.ask(`${heading}.getAttribute("aria-sort")`), direction);
    const found = await page.ask(rates);
    // The setting whose only clip failed has no rate and comes last.
    assert.equal(found.pop(), null);
    const sign = direction === "ascending" ? 1 : -1;
    assert.ok(found.length > 10 && found.every((rate, index) => index === 0 || sign * (rate - found[index - 1]) >= 0));
  }
}

async function checkPlayer(page) {
  const player = `document.querySelector(".player")`;
  const byText = (text) => `[...${player}.querySelectorAll("button")].find((b) => b.textContent === ${JSON.stringify(text)})`;
  const position = `${player}.deck.position()`;
  // Three spectrograms, a bar of colours for each, two outlines.
  assert.equal(await page.ask(`${player}.querySelectorAll(".sound image").length`), 6);
  assert.equal(await page.ask(`${player}.querySelectorAll(".sound .outline").length`), 2);
  await page.click(byText("Play"));
  await hear(page, player, HZ[0]);
  for (const version of [1, 2, 3, 0]) {
    const before = await page.ask(`[${position}, performance.now()]`);
    await page.press(String(version));
    await hear(page, player, HZ[version]);
    const after = await page.ask(`[${position}, performance.now()]`);
    // The playhead went on as the clock did, around the loop of 3 s; clocks of sound and page differ by buffers.
    const ahead = (after[0] - before[0] - (after[1] - before[1]) / 1000 + 7.5) % 3;
    assert.ok(Math.abs(ahead - 1.5) < 0.25, `version ${version}: playhead off by ${ahead - 1.5} s`);
    assert.equal(await page.ask(`${player}.querySelector("tbody button[aria-pressed=true]").textContent`), await page.ask(`${player}.querySelectorAll("tbody button")[${version}].textContent`));
  }
  await page.click(byText("beta<b> 16"));
  await hear(page, player, HZ[2]);
  await page.ask(`${player}.deck.setLoop({ on: true, start: 0.5, end: 1 })`);
  for (let look = 0; look < 10; look++) {
    const place = await page.ask(position);
    assert.ok(place >= 0.49 && place <= 1.01, `${place} is outside of the loop`);
    await sleep(120);
  }
  await page.press("p");
  // A click into a picture goes there, and the playhead stands there.
  await page.click(`${player}.querySelector(".sound svg")`);
  const middle = await page.ask(`${player}.querySelector(".sound").drawing.placed.map(({ box }) => [(box.left + box.right) / 2, box.right - box.left])[0]`);
  const clicked = await page.ask(`${player}.querySelector(".sound").clientWidth / 2`);
  const expected = 1.5 + (3 * (clicked - middle[0])) / middle[1];
  assert.ok(Math.abs((await page.ask(position)) - expected) < 0.02);
  assert.ok(Math.abs((await page.ask(`parseFloat(${player}.querySelector(".playhead").style.left)`)) - clicked) < 2);
  await page.ask(`${player}.focus()`);
  const resting = await page.ask(position);
  await sleep(200);
  assert.equal(await page.ask(position), resting);
  assert.equal(await page.ask(`${player}.deck.isPlaying`), false);
}

async function checkBlindTest(page) {
  const player = `document.querySelector(".player")`;
  const byText = (text) => `[...${player}.querySelectorAll("button")].find((b) => b.textContent === ${JSON.stringify(text)})`;
  await page.click(`${player}.querySelector("summary")`);
  await page.click(byText("Start the test"));
  for (const hidden of ["table", ".sound", "meter"]) {
    assert.equal(await page.ask(`${player}.querySelector("${hidden}").checkVisibility()`), false, hidden);
  }
  const wrong = new Set([2, 7]);
  for (let trial = 0; trial < 10; trial++) {
    await page.until(`${player}.querySelector(".abx-status").textContent.startsWith("Trial ${trial + 1} of 10")`);
    const x = COINS[trial];
    await hear(page, player, HZ[x]);
    if (trial === 0) {
      await page.click(byText("Play B"));
      await hear(page, player, HZ[1]);
      await page.press("a");
      await hear(page, player, HZ[0]);
    }
    const guess = wrong.has(trial) ? 1 - x : x;
    if (trial % 2 === 0) await page.click(byText(guess === 0 ? "X is A" : "X is B"));
    else await page.press(String(guess + 1));
  }
  const result = await page.ask(`${player}.querySelector(".abx-results").textContent`);
  assert.match(result, /8 of 10 right; .* probability 5\.5 %/);
  assert.ok(await page.ask(`${player}.querySelector("table").checkVisibility()`));
}

async function checkLadder(page) {
  await page.until(`document.documentElement?.dataset.drawn === "true"`);
  const grid = `document.querySelector(".player")`;
  const cells = `${grid}.querySelectorAll(".grid button")`;
  assert.equal(await page.ask(`${cells}.length`), 3);
  assert.match(await page.ask(`${grid}.querySelector(".none").textContent`), /from 8 kbit/);
  for (const cell of [0, 2, 1]) {
    await page.click(`${cells}[${cell}]`);
    await hear(page, grid, HZ[cell + 1]);
  }
  // From the lower left to the right, up, and up to the original.
  for (const [key, version] of [["ArrowRight", 3], ["ArrowUp", 1], ["ArrowUp", 0]]) {
    await page.press(key);
    await hear(page, grid, HZ[version]);
  }
  await page.until(`${grid}.querySelector(".sound").dataset.version.startsWith("original")`);
}

async function checkHeatMaps(page) {
  await page.until(`document.documentElement?.dataset.drawn === "true"`);
  const maps = `[...document.querySelectorAll(".heat-map")]`;
  assert.deepEqual(await page.ask(`${maps}.map((m) => m.querySelectorAll("[clip-path] image").length)`), [1, 1]);
  // Three rows of eight columns a quarter of a second apart, the first around 0.5 s.
  assert.deepEqual(await page.ask(`${maps}.map((m) => m.drawing.xRange)`), Array(2).fill([0.375, 2.375]));
  assert.equal(await page.ask(`${maps}[0].querySelector(".x-label").textContent`), "seconds");
}

async function checkStillness(page) {
  assert.deepEqual(page.errors, []);
  const outside = page.requests.filter((url) => !/^(file|data|blob):/.test(url));
  assert.deepEqual(outside, []);
  assert.equal(page.requests.filter((url) => url.startsWith("file:")).length, 1, "the page asks for no other file");
  assert.equal(await page.ask(`window.hacked`), undefined);
  assert.equal(await page.ask(`document.querySelectorAll("[href*=example]").length`), 0);
}

checkProbability();
console.log("blind test: probabilities are right");
const program = findChromium();
if (!program) {
  console.log("pages: skipped, no Chromium is installed (Debian: apt-get install chromium)");
  process.exit(0);
}
const pages = { report: [checkCharts, checkTables, checkPlayer, checkBlindTest], ladder: [checkLadder], maps: [checkHeatMaps] };
for (const [name, checks] of Object.entries(pages)) {
  const address = pathToFileURL(join(folder, `${name}.html`)).href;
  await visit(program, name, address, PRELUDE, "true", [...checks, checkStillness]);
}
