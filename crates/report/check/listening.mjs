// Is the listening test alive? `node crates/report/check/listening.mjs FOLDER` does the test of the example `sample` as a
// listener would: practice, trials by mouse and keys, a pause in between, blind trials, the saved file, which it leaves in
// FOLDER/answers.csv; no order tells what is what; no error, no network.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { findChromium, hear, heard, visit } from "./browser.mjs";

const folder = resolve(process.argv[2] ?? "sample");
const pictures = process.argv[3];

/** What the sample's versions sound like, in the order of its stimuli, and what this listener thinks of them. */
const HZ = [2000, 250, 125, 1000, 500];
const CONDITIONS = ["reference", "anchor-3.5k", "anchor-7k", "alpha", "beta<b>"];
const SCORES = [100, 20, 45, 80, 61];
const LISTENER = 'A, "B"';
const PRELUDE = `{
  const original = URL.createObjectURL;
  URL.createObjectURL = (blob) => (window.saved = blob.text(), original.call(URL, blob));
}`;

const trial = `document.querySelector(".trial")`;
const byText = (text) => `[...document.querySelectorAll("button")].find((b) => b.textContent.startsWith(${JSON.stringify(text)}))`;
const heading = `document.querySelector("h2")?.textContent`;

async function picture(page, name) {
  if (!pictures) return;
  const { data } = await page.send("Page.captureScreenshot", { format: "png" });
  writeFileSync(join(pictures, `${name}.png`), Buffer.from(data, "base64"));
}

/** The order in which the trial's versions stand: the stimulus at each place. */
async function orderOf(page) {
  const order = await page.ask(`${trial}.order`);
  assert.deepEqual([...order].sort(), [0, 1, 2, 3, 4]);
  return order;
}

async function checkStart(page) {
  await page.until(`document.documentElement?.dataset.drawn === "true"`);
  assert.equal(await page.ask(`${byText("Start with a practice")}.disabled`), true, "who listens?");
  assert.equal(await page.ask(`${byText("Save answers")}.disabled`), true);
  await page.click(`document.getElementById("listener")`);
  await page.send("Input.insertText", { text: LISTENER });
  await picture(page, "start");
  await page.click(byText("Start with a practice"));
  await page.until(`${heading} === "Practice" && ${trial}?.deck`);
  // Nothing but numbers stands there.
  const text = await page.ask(`document.querySelector(".rating").innerText + document.querySelector(".rating").innerHTML`);
  for (const name of CONDITIONS.slice(1)) assert.ok(!text.includes(name), name);
}

/** By keys alone: every version heard and scored with the arrows. */
async function checkPractice(page) {
  const order = await orderOf(page);
  await page.press("0");
  await hear(page, trial, HZ[0]);
  for (const [place, stimulus] of order.entries()) {
    assert.equal(await page.ask(`${byText("Next")}.disabled`), true);
    await page.press(String(place + 1));
    await hear(page, trial, HZ[stimulus]);
    await page.press("ArrowUp");
    await page.press("ArrowUp");
    await page.press("ArrowDown");
  }
  assert.deepEqual(await page.ask(`[...document.querySelectorAll(".value")].map((v) => v.textContent)`), Array(5).fill("51"));
  await page.press("Enter");
  await page.until(`${heading} === "Trial 1 of 4" && ${trial}?.deck`);
}

async function checkSwitching(page) {
  await page.press("0");
  await hear(page, trial, HZ[0]);
  const position = `${trial}.deck.position()`;
  const before = await page.ask(`[${position}, performance.now()]`);
  for (let turn = 0; turn < 12; turn++) {
    await page.press(String(turn % 6));
    await sleep(150);
  }
  const after = await page.ask(`[${position}, performance.now()]`);
  const ahead = (after[0] - before[0] - (after[1] - before[1]) / 1000 + 30) % 3;
  assert.ok(Math.min(ahead, 3 - ahead) < 0.25, `the playhead is off by ${ahead} s`);

  // A drag makes a loop, a double click undoes it, a click goes there.
  const box = await page.ask(`(({ left, top, width, height }) => ({ left, top, width, height }))(document.querySelector(".timeline").getBoundingClientRect())`);
  const x = (share) => box.left + share * box.width;
  const y = box.top + box.height / 2;
  await page.mouse("mousePressed", x(0.25), y);
  await page.mouse("mouseMoved", x(0.4), y);
  await page.mouse("mouseMoved", x(0.5), y);
  await page.mouse("mouseReleased", x(0.5), y);
  const loop = await page.ask(`${trial}.deck.loop`);
  assert.ok(loop.on && Math.abs(loop.start - 0.75) < 0.05 && Math.abs(loop.end - 1.5) < 0.05, JSON.stringify(loop));
  for (let look = 0; look < 8; look++) {
    const place = await page.ask(position);
    assert.ok(place >= 0.7 && place <= 1.55, `${place} is outside of the loop`);
    await sleep(120);
  }
  await page.click(`document.querySelector(".timeline")`, 2);
  assert.deepEqual(await page.ask(`${trial}.deck.loop`), { on: true, start: 0, end: 3 });
}

/** Scores the trial that is shown, by `how`, and goes on. */
async function score(page, how) {
  const order = await orderOf(page);
  for (const [place, stimulus] of order.entries()) {
    if (how === "keys") {
      await page.press(String(place + 1));
      await hear(page, trial, HZ[stimulus]);
    } else {
      await page.click(`document.querySelectorAll(".column .version")[${place + 1}]`);
      await hear(page, trial, HZ[stimulus]);
    }
    const slider = `document.querySelectorAll(".score")[${place}]`;
    await page.ask(`${slider}.value = "${SCORES[stimulus]}"; ${slider}.dispatchEvent(new Event("input"))`);
  }
}

async function checkTrials(page) {
  await score(page, "mouse");
  await picture(page, "trial");
  await page.click(byText("Next"));
  await page.until(`${heading} === "Trial 2 of 4" && ${trial}?.deck`);
  await score(page, "keys");
  await page.press("Enter");
  await page.until(`${heading} === "Trial 3 of 4" && ${trial}?.deck`);
  // Another day.
  await page.send("Page.reload");
  await page.until(`document.documentElement?.dataset.drawn === "true" && ${byText("Go on with trial 3 of 4")}`);
  assert.equal(await page.ask(`document.getElementById("listener").value`), LISTENER);
  await page.click(byText("Go on with trial 3"));
  for (const last of [false, true]) {
    await page.until(`${heading} === "Trial ${last ? 4 : 3} of 4" && ${trial}?.deck`);
    await score(page, "mouse");
    await page.click(byText(last ? "Finish" : "Next"));
  }
  await page.until(`document.querySelector(".results")`);
  const means = await page.ask(`[...document.querySelectorAll(".results tbody tr")].map((row) => [...row.cells].slice(0, 3).map((cell) => cell.textContent))`);
  const best = [0, 3, 4, 2, 1].map((stimulus) => [CONDITIONS[stimulus], SCORES[stimulus].toFixed(1)]);
  assert.deepEqual(means, [12, 48].flatMap((rate) => best.map((line) => [String(rate), ...line])));
}

async function checkBlind(page) {
  const select = (index, text) => `{ const s = document.querySelectorAll("select")[${index}]; s.value = ${JSON.stringify(text)}; }`;
  await page.ask(select(0, "alpha"));
  await page.ask(select(1, "beta<b>"));
  await page.ask(`document.querySelector("input[type=number]").value = "5"`);
  await page.click(byText("Start the blind test"));
  for (let count = 1; count <= 5; count++) {
    await page.until(`${heading} === "Blind trial ${count} of 5" && ${trial}?.deck`);
    await page.press("a");
    await hear(page, trial, HZ[3]);
    await page.click(byText("B"));
    await hear(page, trial, HZ[4]);
    assert.equal(await page.ask(`${byText("X is A")}.disabled`), true);
    if (count === 1) await picture(page, "blind");
    await page.press("x");
    await sleep(500);
    const x = Math.abs((await page.ask(heard(trial))) - HZ[3]) < 9 ? 0 : 1;
    await hear(page, trial, HZ[3 + x]);
    // Wrong once.
    await page.press(String((count === 2 ? 1 - x : x) + 1));
  }
  await page.until(`[...document.querySelectorAll(".note")].some((n) => n.textContent.includes("4 of 5 right"))`);
  await picture(page, "end");
}

async function checkFile(page) {
  await page.click(byText("Save answers"));
  const text = await page.ask(`window.saved`);
  const lines = text.trimEnd().split("\r\n");
  assert.equal(lines.length, 1 + 4 * 5 + 5);
  assert.ok(lines.slice(1).every((line) => line.startsWith(`sample,"A, ""B""",`)), lines[1]);
  for (const [stimulus, condition] of CONDITIONS.entries()) {
    const own = lines.filter((line) => line.includes(`,${condition},`) && line.includes(",mushra,"));
    assert.equal(own.length, 4);
    for (const line of own) assert.equal(Number(line.split(`,${condition},`)[1].split(",")[1]), SCORES[stimulus]);
  }
  writeFileSync(join(folder, "answers.csv"), text);
}

async function checkStillness(page) {
  assert.deepEqual(page.errors, []);
  const known = /^(file:.*\/listening\/(index\.html|clips\/0[12]\.js)|data:.*|blob:.*)$/;
  assert.deepEqual(page.requests.filter((url) => !known.test(url)), []);
  assert.equal(await page.ask(`window.hacked`), undefined);
}

const program = findChromium();
if (!program) {
  console.log("listening: skipped, no Chromium is installed (Debian: apt-get install chromium)");
  process.exit(0);
}
const address = pathToFileURL(join(folder, "listening/index.html")).href;
const checks = [checkStart, checkPractice, checkSwitching, checkTrials, checkBlind, checkFile, checkStillness];
await visit(program, "listening", address, PRELUDE, "true", checks);
