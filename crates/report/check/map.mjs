// Is the map alive? `node crates/report/check/map.mjs FOLDER [--pictures FOLDER]` uses the maps of the example `sample`
// as a listener would: points in the colours of the legend, a hover that is heard, a search, another projection, a lasso
// and its playlist, keys; no error, no network. Without Chromium it says that it skips.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { findChromium, visit } from "./browser.mjs";

const arguments_ = process.argv.slice(2);
const pictures = arguments_.includes("--pictures") ? resolve(arguments_[arguments_.indexOf("--pictures") + 1]) : null;
const folder = resolve(arguments_[0] ?? "sample");

const MAP = "document.documentElement.musicMap";
/** Playlists are caught on their way to the disk. */
const PRELUDE = `{
  window.saved = [];
  const create = URL.createObjectURL;
  URL.createObjectURL = (blob) => {
    if (blob.type.includes("mpegurl")) blob.text().then((text) => window.saved.push(text));
    return create(blob);
  };
}`;

/** Pixels of the points' canvas, in the frame in which it is drawn: how many have each colour. */
const COLOURS = `new Promise((resolve) => {
  ${MAP}.redraw();
  requestAnimationFrame(() => {
    const { points } = ${MAP}.elements;
    const pen = new OffscreenCanvas(points.width, points.height).getContext("2d");
    pen.drawImage(points, 0, 0);
    const { data } = pen.getImageData(0, 0, points.width, points.height);
    const counts = {};
    for (let at = 0; at < data.length; at += 4) {
      if (data[at + 3] < 200) continue;
      const colour = [data[at], data[at + 1], data[at + 2]].map((value) => Math.round(value / 16)).join();
      counts[colour] = (counts[colour] ?? 0) + 1;
    }
    resolve(counts);
  });
})`;

async function picture(page, name) {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  const { data } = await page.send("Page.captureScreenshot", { format: "png" });
  writeFileSync(join(pictures, `${name}.png`), Buffer.from(data, "base64"));
}

const settled = (page) => page.until(`!${MAP}.travel && !${MAP}.view.glide && !${MAP}.asked`, 15);
const placeOf = (page, track) => page.ask(`${MAP}.view.toScreen(...${MAP}.place(${track}))`);

/** A track of a kind that nothing else lies close to, so that the pointer meets no other. */
const alone = (wanted) => `(() => {
  const map = ${MAP};
  const near = 16 / map.view.scale;
  return [...Array(map.library.count).keys()].filter(${wanted}).find((track) => {
    const [px, py] = map.view.toScreen(...map.place(track));
    if (document.elementFromPoint(px, py) !== map.elements.map) return false;
    let others = 0;
    map.grid.inBox(map.place(track)[0] - near, map.place(track)[1] - near, map.place(track)[0] + near, map.place(track)[1] + near, (i, x, y) => {
      if (Math.hypot(x - map.place(track)[0], y - map.place(track)[1]) <= near) others++;
    });
    return others === 1;
  });
})()`;

async function checkPoints(page) {
  assert.equal(await page.ask(`${MAP}.renderer.name`), "webgl2", "software rendering has WebGL2, too");
  const legend = await page.ask(`${MAP}.colouring.entries.filter((e) => e.count > 20 && !e.faint).map((e) => e.colour.map((v) => Math.round(v / 16)).join())`);
  const counts = await page.ask(COLOURS);
  assert.ok(legend.length >= 5);
  for (const colour of legend) assert.ok(counts[colour] > 200, `${colour}: ${counts[colour]} pixels`);
  const rows = await page.ask(`[...document.querySelectorAll("#legend li .count")].map((e) => Number(e.textContent)).reduce((a, b) => a + b, 0)`);
  assert.equal(rows, 600, "everybody is counted in the legend");
  assert.ok((await page.ask(`document.querySelector("h1").textContent`)).includes("<script>"), "a name is text");
}

/** The pointer rests on a track: its card, and after a moment its sound; then it leaves. */
async function checkHover(page) {
  await page.mouse("mousePressed", 1200, 900);
  await page.mouse("mouseReleased", 1200, 900); // pages may make sound after a click
  for (const kind of ["wav", "mlsm"]) {
    const wanted = kind === "wav" ? `(t) => map.library.path(t).endsWith(".wav") && map.library.titles[t] && !map.library.path(t).startsWith("lost")` : `(t) => map.library.excerpts[t] >= 0`;
    // Excerpts are few, so one is found by its number and brought into an open place.
    if (kind === "mlsm") {
      await page.ask(`(() => { const map = ${MAP}; const track = [...Array(map.library.count).keys()].find(${wanted}); map.view.glideTo(...map.place(track), 30 * map.view.wholeScale, performance.now()); map.redraw(); })()`);
      await settled(page);
    }
    const track = await page.ask(alone(wanted));
    assert.ok(track >= 0, `a lonely ${kind}`);
    const [x, y] = await placeOf(page, track);
    await page.mouse("mouseMoved", x + 1, y + 1);
    await page.until(`!document.getElementById("card").hidden`);
    const card = await page.ask(`document.getElementById("card").innerText`);
    assert.ok(card.includes(await page.ask(`${MAP}.library.title_(${track})`)) && card.includes(await page.ask(`${MAP}.library.artist(${track})`)), card);
    assert.equal(await page.ask(`document.querySelectorAll("#card .sleeve").length`), 1);
    await page.until(`${MAP}.sound.isPlaying && ${MAP}.sound.track === ${track}`, 10);
    if (kind === "wav") await page.until(`${MAP}.sound.audio.currentTime >= 5`, 10); // where the excerpt begins
    const from = await page.ask(`${MAP}.sound.audio.currentTime`);
    if (kind === "wav") assert.ok(from < 8, `${from} s`);
    else assert.match(await page.ask(`${MAP}.sound.audio.src`), /^blob:/);
    await page.until(`${MAP}.sound.audio.currentTime > ${from} + 0.2 && ${MAP}.sound.audio.volume > 0.5`, 10);
    await picture(page, `hover-${kind}`);
    await page.mouse("mouseMoved", 1200, 900);
    await page.until(`${MAP}.sound.track === -1 && document.getElementById("card").hidden`, 5);
    await page.press("0");
    await settled(page);
  }
}

async function checkClick(page) {
  const track = await page.ask(alone(`(t) => map.library.path(t).startsWith("tones") && map.library.titles[t]`));
  const [x, y] = await placeOf(page, track);
  await page.mouse("mousePressed", x, y);
  await page.mouse("mouseReleased", x, y);
  await page.until(`${MAP}.sound.isPlaying && ${MAP}.sound.isPinned`, 10);
  await page.mouse("mouseMoved", 1200, 900);
  await sleep(600);
  assert.equal(await page.ask(`${MAP}.sound.isPlaying && ${MAP}.sound.track`), track, "it plays on");
  assert.ok(await page.ask(`document.querySelector("#player .what").textContent.includes(${MAP}.library.titles[${track}])`));
  await picture(page, "player");
  await page.press(" ");
  await page.until(`!${MAP}.sound.isPlaying`, 5);
  await page.press(" ");
  await page.until(`${MAP}.sound.isPlaying`, 5);
  await page.press("n");
  await page.until(`${MAP}.sound.isPlaying && ${MAP}.sound.track !== ${track}`, 10);
  await page.press("p");
  await page.until(`${MAP}.sound.track === ${track}`, 10);
  await page.click(`document.querySelector("#player [aria-label^=Stop]")`);
  await page.until(`${MAP}.sound.track === -1 && document.getElementById("player").hidden`, 5);
  await page.press("Escape");
}

async function checkSearch(page) {
  const scale = await page.ask(`${MAP}.view.scale`);
  await page.press("/");
  assert.equal(await page.ask(`document.activeElement.id`), "search");
  await page.send("Input.insertText", { text: "etude 31 techno" });
  await page.until(`document.querySelectorAll("#results li").length > 0`, 5);
  const expected = await page.ask(`[...Array(600).keys()].filter((t) => /Techno Étude .*31/.test(${MAP}.library.titles[t]) || (/^Techno/.test(${MAP}.library.titles[t]) && /31/.test(${MAP}.library.titles[t] + ${MAP}.library.artist(t) + ${MAP}.library.word("album", t)))).length`);
  assert.ok(expected > 0);
  assert.equal(await page.ask(`document.querySelectorAll("#results li").length`), expected);
  assert.equal(await page.ask(`${MAP}.states.filter((s) => s === 2).length`), expected, "what is found lights up, and nothing else");
  await settled(page);
  assert.ok((await page.ask(`${MAP}.view.scale`)) > 1.2 * scale, "the view goes there");
  await picture(page, "search");
  await page.press("ArrowDown");
  await page.press("Enter");
  await settled(page);
  assert.ok(await page.ask(`${MAP}.library.titles[${MAP}.current].startsWith("Techno")`));
  await page.ask(`document.getElementById("search").focus()`);
  await page.press("Escape");
  await page.until(`${MAP}.matches === null`, 5);
  await page.ask(`document.getElementById("map").focus()`);
  await page.press("Escape");
  await settled(page);
}

async function checkProjections(page) {
  const before = await page.ask(`[...${MAP}.place(17)]`);
  await page.press("2");
  assert.ok(await page.ask(`${MAP}.travel !== null`), "points are on their way");
  await sleep(450);
  await picture(page, "travelling");
  await settled(page);
  const after = await page.ask(`[...${MAP}.place(17)]`);
  assert.notDeepEqual(after, before);
  assert.equal(await page.ask(`document.querySelector("[aria-label=Projection] [aria-pressed=true]").textContent`), "UMAP");
  await picture(page, "umap");
  await page.click(`document.querySelector("[aria-label=Projection] button")`);
  await settled(page);
  assert.deepEqual(await page.ask(`[...${MAP}.place(17)]`), before);
}

async function checkLegend(page) {
  const select = `document.getElementById("field")`;
  for (const field of await page.ask(`[...${select}.options].map((o) => o.textContent)`)) {
    await page.ask(`${select}.value = ${JSON.stringify(field)}; ${select}.dispatchEvent(new Event("change"))`);
    const rows = `document.querySelectorAll("#legend li button")`;
    assert.ok((await page.ask(`${rows}.length`)) >= 2, field);
    await page.click(`${rows}[0]`);
    const count = await page.ask(`Number(${rows}[0].querySelector(".count").textContent)`);
    assert.equal(await page.ask(`${MAP}.states.filter((s) => s !== 0).length`), count, `${field}: only what was clicked is seen`);
    if (field === "Tempo" || field === "Key") await picture(page, `legend-${field.toLowerCase()}`);
    await page.click(`${rows}[0]`);
    assert.equal(await page.ask(`${MAP}.states.filter((s) => s !== 0).length`), 600);
  }
  await page.ask(`${select}.selectedIndex = 0; ${select}.dispatchEvent(new Event("change"))`);
}

async function checkLasso(page) {
  await page.press("l");
  const centre = await page.ask(`${MAP}.view.toScreen(${MAP}.regionPlaces[1].x, ${MAP}.regionPlaces[1].y)`);
  const corner = (turn) => [centre[0] + 90 * Math.cos(turn), centre[1] + 90 * Math.sin(turn)];
  await page.mouse("mousePressed", ...corner(0));
  for (let turn = 0.1; turn < 6.2; turn += 0.1) await page.mouse("mouseMoved", ...corner(turn));
  await picture(page, "lasso");
  await page.mouse("mouseReleased", ...corner(6.2));
  const selected = await page.ask(`[...${MAP}.selection.tracks]`);
  const inside = await page.ask(`[...Array(600).keys()].filter((t) => { const [x, y] = ${MAP}.view.toScreen(...${MAP}.place(t)); return Math.hypot(x - ${centre[0]}, y - ${centre[1]}) < 87; })`);
  assert.ok(inside.length > 10 && inside.every((track) => selected.includes(track)), `${inside.length} inside, ${selected.length} selected`);
  assert.ok(selected.length <= inside.length + 40);
  await picture(page, "selection");
  await page.click(`document.querySelector("#selection .main")`);
  await page.until(`saved.length === 1`, 5);
  const lines = (await page.ask(`saved[0]`)).trimEnd().split("\n");
  assert.equal(lines[0], "#EXTM3U");
  const paths = lines.filter((line) => !line.startsWith("#"));
  assert.equal(paths.length, selected.length);
  assert.equal(lines.filter((line) => line.startsWith("#EXTINF:")).length, selected.length);
  const expected = await page.ask(`${MAP}.library.path(${selected[0]})`);
  assert.equal(paths[0], join(folder, expected), "whole paths, for the page lies on the disk");
  await page.ask(`document.querySelector("#selection select").selectedIndex = 1`);
  await page.click(`document.querySelector("#selection .main")`);
  await page.until(`saved.length === 2`, 5);
  assert.ok((await page.ask(`saved[1]`)).includes(`\n${expected}\n`));
  await page.ask(`document.getElementById("map").focus()`);
  await page.press("Escape");
  assert.equal(await page.ask(`${MAP}.selection.tracks.size`), 0);
}

async function checkKeys(page) {
  await page.ask(`document.getElementById("map").focus()`);
  await page.press("ArrowRight");
  const first = await page.ask(`${MAP}.current`);
  assert.ok(first >= 0);
  const placed = () => page.ask(`[...${MAP}.place(${MAP}.current)]`);
  const [x] = await placed();
  await page.press("ArrowRight");
  assert.ok((await placed())[0] > x, "to the right");
  assert.ok((await page.ask(`document.getElementById("told").textContent`)).length > 3, "the new track is told");
  await page.press("a");
  assert.equal(await page.ask(`${MAP}.selection.tracks.size`), 1);
  await page.press("a");
  const scale = await page.ask(`${MAP}.view.scale`);
  await page.press("+");
  assert.ok((await page.ask(`${MAP}.view.scale`)) > scale);
  await page.press("0");
  await settled(page);
  await page.press("?");
  assert.ok(await page.ask(`document.getElementById("help").open`));
  await picture(page, "help");
  await page.ask(`document.getElementById("help").close()`);
  const theme = `getComputedStyle(document.body).backgroundColor`;
  const light = await page.ask(theme);
  await page.press("t");
  await page.press("t");
  assert.notEqual(await page.ask(theme), light, "dark");
  await sleep(200);
  await picture(page, "dark");
  await page.press("t");
  assert.equal(await page.ask(theme), light);
}

async function checkWheelAndDrag(page) {
  const world = `${MAP}.view.toWorld(600, 500)`;
  const before = await page.ask(world);
  await page.send("Input.dispatchMouseEvent", { type: "mouseWheel", x: 600, y: 500, deltaX: 0, deltaY: -400 });
  await page.until(`${MAP}.view.zoom > 1.3`, 5);
  const after = await page.ask(world);
  assert.ok(Math.hypot(after[0] - before[0], after[1] - before[1]) < 1e-3, "what is under the pointer stays");
  await page.mouse("mousePressed", 600, 500);
  await page.mouse("mouseMoved", 640, 520);
  await page.mouse("mouseMoved", 700, 560);
  await page.mouse("mouseReleased", 700, 560);
  const dragged = await page.ask(`${MAP}.view.toScreen(${after[0]}, ${after[1]})`);
  assert.ok(Math.hypot(dragged[0] - 700, dragged[1] - 560) < 1, `${dragged}`);
  await page.press("0");
  await settled(page);
}

/** Ten thousand points: a frame does not take long even without a graphics card. */
async function checkMany(page) {
  await settled(page);
  await picture(page, "10000");
  await page.ask(`${MAP}.view.glideTo(...${MAP}.place(1234), 14 * ${MAP}.view.wholeScale, performance.now()); ${MAP}.redraw()`);
  await settled(page);
  await picture(page, "10000-zoomed");
  const ms = await page.ask(`(async () => {
    const map = ${MAP};
    const start = performance.now();
    for (let frame = 0; frame < 20; frame++) {
      map.view.zoomAt(600, 500, frame % 2 ? 0.8 : 1.25);
      map.redraw();
      await new Promise(requestAnimationFrame);
    }
    return (performance.now() - start) / 20;
  })()`);
  console.log(`map-10000: ${ms.toFixed(1)} ms a frame, without a graphics card`);
  assert.equal(await page.ask(`${MAP}.library.search("etude").filter((m) => m).length`), 8333);
}

/** The same on a plain canvas. */
async function checkFlat(page) {
  assert.equal(await page.ask(`${MAP}.renderer.name`), "2d");
  const counts = await page.ask(COLOURS);
  const legend = await page.ask(`${MAP}.colouring.entries.filter((e) => e.count > 20 && !e.faint).map((e) => e.colour.map((v) => Math.round(v / 16)).join())`);
  for (const colour of legend) assert.ok(counts[colour] > 100, `${colour}: ${counts[colour]} pixels`);
  await picture(page, "flat");
}

async function checkOne(page) {
  await page.press("ArrowRight");
  assert.equal(await page.ask(`${MAP}.current`), 0);
  await page.press("ArrowRight");
  await picture(page, "one");
}

async function checkNone(page) {
  assert.match(await page.ask(`document.body.innerText`), /no track/);
}

async function checkStillness(page) {
  assert.deepEqual(page.errors, []);
  const outside = page.requests.filter((url) => !/^(file|data|blob):/.test(url));
  assert.deepEqual(outside, []);
  assert.equal(await page.ask(`window.hacked`), undefined);
}

const program = findChromium();
if (!program) {
  console.log("map: skipped, no Chromium is installed (Debian: apt-get install chromium)");
  process.exit(0);
}
const pages = [
  ["map.html", [checkPoints, checkHover, checkClick, checkSearch, checkProjections, checkLegend, checkLasso, checkKeys, checkWheelAndDrag]],
  ["map.html?flat", [checkFlat]],
  ["map-10000.html", [checkMany]],
  ["map-1.html", [checkOne]],
  ["map-0.html", [checkNone]],
];
for (const [name, checks] of pages) {
  const [file, query] = name.split("?");
  const address = `${pathToFileURL(join(folder, file)).href}${query ? `?${query}` : ""}`;
  await visit(program, name, address, PRELUDE, `document.documentElement?.dataset.drawn === "true"`, [...checks, checkStillness]);
}
