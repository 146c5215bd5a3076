// Does the package work as its users would use it? `node crates/wasm/check/page.mjs [FOLDER] [--pictures FOLDER]` takes
// what `crates/wasm/package.mjs` made (target/web if no folder is named): plays in Chromium and records what is heard,
// seeks, breaks files and connections, encodes; no error in the page. Without Chromium it says that it skips.
//
// What is heard is compared with what the native program decodes, or without it, with what Node does.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { findChromium, visit } from "../../report/check/browser.mjs";
import { png, song, wav } from "./music.mjs";
import { Server } from "./server.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const arguments_ = process.argv.slice(2);
const pictures = arguments_.includes("--pictures") ? resolve(arguments_.splice(arguments_.indexOf("--pictures"), 2)[1]) : null;
const folder = resolve(arguments_[0] ?? join(target, "web"));
const program = process.env.MELISMA ?? join(target, "release/melisma");

/**
 * Symbols are the same everywhere, and so are the sums but for their order: the FFT of 2048 samples of at most full scale
 * has eleven stages, each of which rounds to 2^-24 of what it adds up. That is a sixteenth of a step of 16 bits at most.
 */
const TOLERANCE = 2 ** -19;

// The package as a script in Node would use it, from where npm would put it.
const scratch = mkdtempSync(join(tmpdir(), "melisma-web-"));
mkdirSync(join(scratch, "node_modules/melisma"), { recursive: true });
execFileSync("tar", ["-xzf", join(folder, "melisma-0.1.0.tgz"), "--strip-components=1", "-C", join(scratch, "node_modules/melisma")]);
writeFileSync(join(scratch, "use.mjs"), `export * from "melisma";\n`);
const { encode, open, readWav } = await import(pathToFileURL(join(scratch, "use.mjs")));

const RATE = 44_100;
const cover = { type: "image/png", data: png(96, [230, 140, 60]) };
const tags = [["TITLE", "A <b>song</b> of nothing"], ["ARTIST", "The Check"], ["ALBUM", "Made here"]];
const songs = [song(RATE, 30), song(RATE, 8, 3)];
const files = new Map();
files.set("song.mlsm", Buffer.from(await encode({ sampleRate: RATE, channels: songs[0] }, { bitrate: 64_000, tags, cover })));
files.set("next.mlsm", Buffer.from(await encode({ sampleRate: RATE, channels: songs[1] }, { bitrate: 64_000, tags: [["TITLE", "The next one"]] })));
files.set("mono.mlsm", readFileSync(join(root, "tests/vectors/mono-8k-mse.mlsm")));
files.set("rubbish.mlsm", Buffer.alloc(5000, 7));
const damaged = Buffer.from(files.get("song.mlsm"));
damaged.fill(0x55, Math.round(damaged.length * 0.45), Math.round(damaged.length * 0.45) + 40);
files.set("damaged.mlsm", damaged);
const headless = Buffer.from(files.get("song.mlsm"));
headless[5] ^= 255;
files.set("headless.mlsm", headless);

const sounds = new Map();

/** The sound of a file by the native program, or without that, by the package in Node. */
async function soundOf(name) {
  if (!sounds.has(name)) sounds.set(name, await decoded(name));
  return sounds.get(name);
}

async function decoded(name) {
  const path = join(scratch, name);
  writeFileSync(path, files.get(name));
  if (!existsSync(program)) return (await open(files.get(name))).decode();
  try {
    execFileSync(program, ["decode", path, "-o", `${path}.wav`, "--format", "wavf32", "--quiet"], { stdio: "ignore" });
  } catch (error) {
    if (error.status !== 3) throw error; // 3: done, and damaged
  }
  return readWav(readFileSync(`${path}.wav`)).channels;
}

const PLAYER = `document.querySelector("melisma-player")`;
/** Records what comes out of the player, from now on; `window.heard` has `[left, right]`. */
const RECORD = `(async () => {
  const { output } = ${PLAYER}.playback;
  const text = "registerProcessor('tap', class extends AudioWorkletProcessor { process([input]) { if (input.length) this.port.postMessage(input.map((c) => c.slice())); return true; } });";
  await output.context.audioWorklet.addModule(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
  const tap = new AudioWorkletNode(output.context, "tap", { numberOfOutputs: 0 });
  window.heard = [];
  tap.port.onmessage = ({ data }) => window.heard.push(data);
  output.connect(tap);
})()`;
const HEARD = `(() => {
  const left = window.heard.flatMap(([channel]) => [...channel]);
  const right = window.heard.flatMap((channels) => [...(channels[1] ?? channels[0])]);
  return { left, right };
})()`;
const says = (page) => page.ask(`${PLAYER}.shadowRoot.querySelector(".says").textContent`);

/** Where `wanted` begins in `heard`; -1 if nowhere. */
function find(heard, wanted) {
  for (let at = 0; at + wanted.length <= heard.length; at++) {
    let i = 0;
    while (i < wanted.length && Math.abs(heard[at + i] - wanted[i]) <= TOLERANCE) i++;
    if (i === wanted.length) return at;
  }
  return -1;
}

/** That `heard` has `sound` from sample `from` on, without a gap, as far as it was recorded; how far that is. */
function assertHeard(heard, sound, from, least) {
  const begin = find(heard.left, sound[0].subarray(from, from + 256));
  assert.ok(begin >= 0, `sample ${from} is not heard`);
  const samples = Math.min(heard.left.length - begin, sound[0].length - from);
  let [largest, equal] = [0, 0];
  while (equal < samples) {
    const difference = Math.max(Math.abs(heard.left[begin + equal] - sound[0][from + equal]), Math.abs(heard.right[begin + equal] - (sound[1] ?? sound[0])[from + equal]));
    if (difference > TOLERANCE) break;
    largest = Math.max(largest, difference);
    equal++;
  }
  assert.ok(equal >= least, `${equal} samples from ${from} on are equal, then ${heard.left[begin + equal]} instead of ${sound[0][from + equal]}`);
  return { samples: equal, largest };
}

async function picture(page, name) {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  const { data } = await page.send("Page.captureScreenshot", { format: "png" });
  writeFileSync(join(pictures, `${name}.png`), Buffer.from(data, "base64"));
}

/** Loads something else, plays it, and records from its first sample on. */
async function playFresh(page, address) {
  await page.ask(`${PLAYER}.load(${JSON.stringify(address)})`);
  await page.until(`${PLAYER}.header !== undefined && ${PLAYER}.currentTime === 0`);
  await page.ask(`${PLAYER}.play()`);
  await page.until(`${PLAYER}.playback.output !== undefined`);
}

async function checkPlays(page) {
  await page.until(`${PLAYER}.shadowRoot.querySelector(".cover").naturalWidth === 96`);
  const shown = await page.ask(`[".title", ".artist"].map((part) => ${PLAYER}.shadowRoot.querySelector(part).textContent)`);
  assert.deepEqual(shown, [tags[0][1], tags[1][1]]);
  assert.ok(Math.abs((await page.ask(`${PLAYER}.duration`)) - 30) < 1e-6);
  await page.click(`${PLAYER}.shadowRoot.querySelector(".play")`);
  await page.until(`!${PLAYER}.paused && ${PLAYER}.currentTime > 0.3`);
  assert.equal(await page.ask(`${PLAYER}.playback.isWorker`), true);
  assert.equal(await page.ask(`${PLAYER}.playback.output.context.sampleRate`), RATE);
  // Without the level of loudness, what is heard is what was decoded.
  await page.click(`${PLAYER}.shadowRoot.querySelector(".level")`);
  assert.equal(await page.ask(`${PLAYER}.isNormalised`), false);
  await page.ask(RECORD);
  await page.ask(`${PLAYER}.currentTime = 0`);
  await page.until(`${PLAYER}.currentTime > 2`);
  const { samples, largest } = assertHeard(await page.ask(HEARD), await soundOf("song.mlsm"), 0, RATE);
  console.log(`${samples} samples are heard as ${existsSync(program) ? "the native program" : "Node"} decodes them, within ${largest.toExponential(1)} (${(largest * 32768).toFixed(4)} of a 16-bit step)`);
  await page.until(`${PLAYER}.drawn > 0.2`);
  await picture(page, "light");
  await page.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: "dark" }] });
  await page.ask(`new Promise((resolve) => setTimeout(resolve, 300))`);
  await picture(page, "dark");
  await page.send("Emulation.setEmulatedMedia", { features: [] });
}

async function checkLoudness(page) {
  await page.ask(`${PLAYER}.isNormalised = true`);
  await page.ask(`window.heard = []; ${PLAYER}.currentTime = 4`);
  await page.until(`${PLAYER}.currentTime > 5 && window.heard.length > 300`);
  const loudness = await page.ask(`${PLAYER}.playback.loudness`);
  const level = Math.min(10 ** ((-18 - loudness.integrated) / 20), 1 / loudness.truePeak);
  assert.ok(Math.abs(level - 1) > 0.05, `${level}: this proves nothing`);
  const sound = (await soundOf("song.mlsm")).map((channel) => channel.map((sample) => sample * level));
  assertHeard(await page.ask(HEARD), sound, 4 * RATE, RATE / 4);
  await page.ask(`${PLAYER}.isNormalised = false`);
}

async function checkSeeks(page) {
  const sound = await soundOf("song.mlsm");
  await page.ask(`${PLAYER}.shadowRoot.querySelector(".seek").focus()`);
  for (const [key, from, to] of [["ArrowRight", 10, 15], ["ArrowLeft", 15, 10], ["Home", 10, 0]]) {
    await page.ask(`${PLAYER}.pause(); ${PLAYER}.currentTime = ${from}`);
    await page.press(key);
    assert.equal(await page.ask(`${PLAYER}.currentTime`), to, key);
    assert.equal(await page.ask(`Number(${PLAYER}.shadowRoot.querySelector(".seek").ariaValueNow)`), to);
  }
  await page.ask(`window.heard = []; ${PLAYER}.currentTime = 17.123`);
  await page.press(" ");
  await page.until(`!${PLAYER}.paused && ${PLAYER}.currentTime > 17.9`);
  assertHeard(await page.ask(HEARD), sound, Math.round(17.123 * RATE), RATE / 3);
  // A click in the middle of the bar; then to the end, where it stops, and from the beginning again.
  await page.click(`${PLAYER}.shadowRoot.querySelector(".seek")`);
  await page.until(`Math.abs(${PLAYER}.currentTime - 15.5) < 1.2`);
  await page.ask(`${PLAYER}.currentTime = 29.8`);
  await page.until(`${PLAYER}.ended && ${PLAYER}.paused`);
  assert.equal(await page.ask(`${PLAYER}.currentTime`), 30);
  await page.press(" ");
  await page.until(`!${PLAYER}.ended && ${PLAYER}.currentTime > 0.2 && ${PLAYER}.currentTime < 5`);
}

async function checkQueue(page) {
  await playFresh(page, "/music/next.mlsm");
  await page.ask(`${PLAYER}.queue = ["/music/song.mlsm", "/music/mono.mlsm"]`);
  await page.ask(`window.heard = []; ${PLAYER}.currentTime = 7`);
  await page.until(`${PLAYER}.shadowRoot.querySelector(".title").textContent.includes("nothing") && ${PLAYER}.currentTime > 0.7`);
  const [first, second] = [await soundOf("next.mlsm"), await soundOf("song.mlsm")];
  const both = [0, 1].map((channel) => Float32Array.from([...first[channel].subarray(7 * RATE), ...second[channel]]));
  assertHeard(await page.ask(HEARD), both, 0, 1.3 * RATE);
  // The third has another rate, and comes all the same.
  await page.ask(`${PLAYER}.currentTime = 29.7`);
  await page.until(`${PLAYER}.header?.sampleRate === 8000 && ${PLAYER}.currentTime > 0.2`);
  assert.equal(await page.ask(`${PLAYER}.queue.length`), 0);
  await page.until(`${PLAYER}.ended`);
}

async function checkDamage(page) {
  await playFresh(page, "/music/damaged.mlsm");
  await page.ask(RECORD);
  await page.ask(`window.heard = []; ${PLAYER}.currentTime = 11.9`);
  await page.until(`${PLAYER}.damage.length === 1 && ${PLAYER}.currentTime > 12.5`);
  const [{ position, samples }] = await page.ask(`${PLAYER}.damage`);
  assert.ok(samples > 0 && position < 15 * RATE && position + samples > 13 * RATE, `${position} ${samples}`);
  assert.match(await says(page), /damaged: \d+\.\d s of it are silent/);
  const from = position + samples + RATE;
  await page.ask(`window.heard = []; ${PLAYER}.currentTime = ${from / RATE}`);
  await page.until(`${PLAYER}.currentTime > ${from / RATE + 0.5}`);
  assertHeard(await page.ask(HEARD), await soundOf("damaged.mlsm"), from, RATE / 4);
  // Even with its first bytes damaged, by the copy of the header at the end.
  await page.ask(`window.heard = []`);
  await playFresh(page, "/music/headless.mlsm");
  await page.until(`${PLAYER}.currentTime > 0.5`);
  assertHeard(await page.ask(HEARD), await soundOf("song.mlsm"), 0, RATE / 4);
}

async function checkSlow(page) {
  // A little faster than the music, and the connection breaks on the way.
  const size = files.get("song.mlsm").length;
  const before = server.served.length;
  await playFresh(page, "/music/song.mlsm?rate=24000&break=60000");
  await page.ask(`window.heard = []`);
  await page.until(`${PLAYER}.currentTime > 1.5`);
  const ranges = server.served.slice(before).map(({ range }) => range);
  assert.equal(ranges[0], "bytes=0-");
  assert.ok(ranges.some((range) => range === `bytes=${size - 8192}-${size - 1}`), `the seek table is asked for: ${ranges}`);
  await page.until(`${PLAYER}.currentTime > 8`);
  assert.ok(server.served.slice(before).some(({ range }) => /^bytes=[1-9]\d+-$/.test(range)), "the connection is taken up again");
  assertHeard(await page.ask(HEARD), await soundOf("song.mlsm"), 0, 6 * RATE);
  // A place that was not loaded is asked for by its bytes.
  await page.ask(`window.heard = []; ${PLAYER}.currentTime = 25`);
  await page.until(`${PLAYER}.currentTime > 25.3`);
  assertHeard(await page.ask(HEARD), await soundOf("song.mlsm"), 25 * RATE, RATE / 8);
}

async function checkWithoutRanges(page) {
  const before = server.served.length;
  await playFresh(page, "/music/song.mlsm?rate=60000&ranges=no");
  await page.until(`${PLAYER}.currentTime > 0.3`);
  await page.ask(`window.heard = []; ${PLAYER}.currentTime = 20`);
  await page.until(`${PLAYER}.currentTime > 20.5`);
  assertHeard(await page.ask(HEARD), await soundOf("song.mlsm"), 20 * RATE, RATE / 4);
  await page.ask(`window.heard = []; ${PLAYER}.currentTime = 2`);
  await page.until(`${PLAYER}.currentTime > 2.5 && ${PLAYER}.currentTime < 10`);
  assertHeard(await page.ask(HEARD), await soundOf("song.mlsm"), 2 * RATE, RATE / 4);
  const asked = server.served.slice(before).filter(({ address }) => address.includes("ranges=no"));
  assert.deepEqual(asked, [{ address: "/music/song.mlsm?rate=60000&ranges=no", range: "bytes=0-" }], "everything is loaded once");
}

async function checkWords(page) {
  for (const [address, words] of [["/music/rubbish.mlsm", /not a .mlsm file/], ["/music/missing.mlsm", /404/]]) {
    await page.ask(`${PLAYER}.load(${JSON.stringify(address)})`);
    await page.until(`${PLAYER}.shadowRoot.querySelector(".says").classList.contains("wrong")`);
    assert.match(await says(page), words);
    assert.equal(await page.ask(`${PLAYER}.paused`), true);
  }
  // What the browser itself says about the missing file is no fault of the page.
  page.errors = page.errors.filter((error) => !/404/.test(error));
}

async function checkScreenReader(page) {
  await page.ask(`${PLAYER}.pause()`);
  const { nodes } = await page.send("Accessibility.getFullAXTree");
  const names = nodes.filter(({ ignored }) => !ignored).map(({ role, name }) => `${role?.value}: ${name?.value}`);
  for (const wanted of ["slider: Position", "button: Play", "switch: Same loudness", "slider: Volume", "button: Choose files", "combobox: Size"]) {
    assert.ok(names.some((name) => name.startsWith(wanted)), `${wanted} among ${names.filter((name) => /button|slider|switch|combo/.test(name)).join("; ")}`);
  }
}

const WAV_SECONDS = 4;
const ENCODE = (channels) => `(async () => {
  const bytes = Uint8Array.from(atob("${wav(RATE, channels).toString("base64")}"), (letter) => letter.charCodeAt(0));
  const zone = document.querySelector("melisma-encoder");
  const made = new Promise((resolve) => zone.addEventListener("encoded", ({ detail }) => resolve(detail), { once: true }));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], "tone.wav"));
  zone.shadowRoot.querySelector(".zone").dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
  const { blob, name, seconds } = await made;
  const read = new FileReader();
  await new Promise((resolve) => ((read.onload = resolve), read.readAsDataURL(blob)));
  return { name, seconds, file: read.result.split(",")[1] };
})()`;

async function checkEncoder(page) {
  const sound = songs[0].map((channel) => channel.slice(0, WAV_SECONDS * RATE));
  await page.ask(`${PLAYER}.pause()`);
  const { name, seconds, file } = await page.ask(ENCODE(sound));
  assert.deepEqual([name, seconds], ["tone.mlsm", WAV_SECONDS]);
  assert.equal(await page.ask(`document.querySelector("melisma-encoder").shadowRoot.querySelector("a").download`), "tone.mlsm");
  files.set("tone.mlsm", Buffer.from(file, "base64"));
  const kbps = (files.get("tone.mlsm").length * 8) / WAV_SECONDS / 1000;
  assert.ok(kbps > 40 && kbps < 70, `${kbps} kbit/s`);
  // The program understands it, and it is the same music.
  const decoded = await soundOf("tone.mlsm");
  assert.equal(decoded[0].length, sound[0].length);
  const [signal, noise] = sound[0].reduce(([s, n], x, i) => [s + x * x, n + (x - decoded[0][i]) ** 2], [0, 0]);
  assert.ok(10 * Math.log10(signal / noise) > 10, `${10 * Math.log10(signal / noise)} dB`);
  // The page loads what it made; it is heard.
  await page.until(`${PLAYER}.header?.title === "tone"`);
  await page.click(`${PLAYER}.shadowRoot.querySelector(".play")`);
  await page.until(`${PLAYER}.currentTime > 0.5`);
  await picture(page, "encoded");
}

async function checkNoErrors(page) {
  assert.deepEqual(page.errors, []);
}

async function checkMainThread(page) {
  await page.until(`${PLAYER}.header !== undefined`);
  await page.click(`${PLAYER}.shadowRoot.querySelector(".play")`);
  await page.until(`${PLAYER}.currentTime > 0.3`);
  assert.equal(await page.ask(`${PLAYER}.playback.isWorker`), false);
  await page.ask(`${PLAYER}.isNormalised = false`);
  await page.ask(RECORD);
  await page.ask(`${PLAYER}.currentTime = 9`);
  await page.until(`${PLAYER}.currentTime > 9.5`);
  assertHeard(await page.ask(HEARD), await soundOf("song.mlsm"), 9 * RATE, RATE / 4);
}

async function checkOffline(page) {
  await checkEncoder(page);
  assert.equal(await page.ask(`${PLAYER}.playback.isWorker`), true);
  assert.deepEqual(page.requests.filter((address) => /^https?:/.test(address)), []);
}

const server = await new Server(folder, files).listen();
try {
  // Range requests and reading through give the same in Node, which needs no browser.
  for (const query of ["", "?ranges=no", "?break=30000", "?ranges=no&break=30000"]) {
    const track = await open(`${server.address}/music/song.mlsm${query}`);
    const [left] = await track.decode();
    assert.ok(find(left, (await soundOf("song.mlsm"))[0]) === 0, query);
    const { value } = await track.pcm({ from: 12.5 }).next();
    assert.equal(value.position, 12.5 * RATE);
    track.close();
    console.log(`node${query}: passed`);
  }
  const browser = findChromium();
  if (!browser) {
    console.log("Chromium is not installed; the pages are not checked");
  } else {
    const address = `${server.address}/melisma/index.html?src=/music/song.mlsm`;
    const ready = `customElements.get("melisma-player") && ${PLAYER}.header !== undefined`;
    const checks = [checkPlays, checkLoudness, checkSeeks, checkQueue, checkScreenReader, checkDamage, checkSlow, checkWithoutRanges, checkWords, checkEncoder, checkNoErrors];
    await visit(browser, "page", address, "", ready, checks);
    await visit(browser, "page without workers", address, "delete globalThis.Worker", ready, [checkMainThread, checkNoErrors]);
    const alone = pathToFileURL(join(folder, "melisma.html")).href;
    await visit(browser, "page in one file", alone, "", `customElements.get("melisma-encoder") !== undefined`, [checkOffline, checkNoErrors]);
    console.log("ok: the package plays, seeks, survives and encodes in Chromium");
  }
} finally {
  server.close();
  rmSync(scratch, { recursive: true, force: true });
}
