// Decodes the golden vectors in WebAssembly: the same symbols as anywhere, the sound within one 16-bit step.
//
//   cargo build --profile web -p melisma-wasm --target wasm32-unknown-unknown
//   node crates/wasm/check.mjs [--write] [FILE.wasm]
//
// `--write` records size and speed in docs/results/wasm.md, also those of the package that crates/wasm/package.mjs made.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cpus, loadavg } from "node:os";
import { gzipSync } from "node:zlib";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const arguments_ = process.argv.slice(2);
const write = arguments_.includes("--write");
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const path = arguments_.find((argument) => !argument.startsWith("--"))
  ?? join(target, "wasm32-unknown-unknown/web/melisma_wasm.wasm");

const binary = readFileSync(path);
const compiled = await WebAssembly.compile(binary);
const imports = WebAssembly.Module.imports(compiled);
if (imports.length > 0) {
  throw new Error(`the module wants ${imports.map((i) => `${i.module}.${i.name}`).join(", ")} from its host`);
}
const codec = (await WebAssembly.instantiate(compiled, {})).exports;

function load(file) {
  const pointer = codec.melisma_input(file.length);
  if (pointer === 0) throw new Error("no memory for the file");
  new Uint8Array(codec.memory.buffer, pointer, file.length).set(file);
}

function decode(file) {
  load(file);
  const status = codec.melisma_decode();
  if (status !== 0) throw new Error(`melisma_decode says ${status}`);
  const [samples, channels] = [codec.melisma_samples(), codec.melisma_channels()];
  const pcm = new Int16Array(codec.memory.buffer, codec.melisma_pcm(), samples * channels);
  return { pcm, samples, channels, rate: codec.melisma_sample_rate_hz() };
}

function equal(what, found, expected) {
  if (String(found) !== String(expected)) throw new Error(`${what} is ${found} instead of ${expected}`);
}

const vectors = join(root, "tests/vectors");
const lines = readFileSync(join(vectors, "expected.tsv"), "utf8").split("\n");
const rows = [];
for (const line of lines.filter((line) => line !== "" && !line.startsWith("#"))) {
  const [name, rate, channels, samples, , hash] = line.split("\t");
  const file = readFileSync(join(vectors, `${name}.mlsm`));
  const golden = readFileSync(join(vectors, `${name}.s16`));
  const sound = decode(file);
  equal(`${name}: sample rate`, sound.rate, rate);
  equal(`${name}: channels`, sound.channels, channels);
  equal(`${name}: samples`, sound.samples, samples);
  equal(`${name}: damaged places`, codec.melisma_damaged_places(), 0);
  equal(`${name}: bytes of PCM`, sound.pcm.length * 2, golden.length);
  let largest = 0;
  sound.pcm.forEach((sample, i) => {
    largest = Math.max(largest, Math.abs(sample - golden.readInt16LE(2 * i)));
  });
  if (largest > 1) throw new Error(`${name}: a sample differs by ${largest} steps`);
  equal(`${name}: symbols`, BigInt.asUintN(64, codec.melisma_symbol_hash()).toString(16).padStart(16, "0"), hash);

  // Processor time, which other programs on the machine disturb less than the clock on the wall.
  const seconds = Number(samples) / Number(rate);
  let [runs, begin, used] = [0, process.cpuUsage().user, 0];
  while (used < (write ? 2e6 : 2e5)) {
    decode(file);
    runs += 1;
    used = process.cpuUsage().user - begin;
  }
  const speed = (runs * seconds * 1e6) / used;
  rows.push({ name, channels, rate, kbps: (file.length * 8) / seconds / 1000, largest, speed });
  console.log(`${name}: symbols equal, sound within ${largest} of 32768, ${speed.toFixed(0)}x real time`);
}
if (rows.length < 4) throw new Error("vectors are missing");

// A file that is none must be refused, and the module must live on.
load(Buffer.from("RIFF"));
equal("the status of rubbish", codec.melisma_decode(), 1);
codec.melisma_release();

const compressed = gzipSync(binary, { level: 9 }).length;
console.log(`${binary.length} bytes, ${compressed} with gzip`);
console.log(`ok: ${rows.length} golden vectors in WebAssembly`);

if (write) {
  mkdirSync(join(root, "docs/results"), { recursive: true });
  const load = loadavg()[0].toFixed(0);
  const { speeds } = await import("./check/speed.mjs");
  const tracks = (await speeds(join(target, "web"))).map(([where, kbps, speed]) => `| ${where} | ${kbps} | ${speed.toFixed(0)} |`);
  const codecBytes = readFileSync(join(target, "web/melisma/codec.wasm")).length;
  const table = rows.map(({ name, channels, rate, kbps, largest, speed }) =>
    `| ${name} | ${channels} | ${rate} | ${kbps.toFixed(1)} | ${largest} | ${speed.toFixed(0)} |`);
  writeFileSync(join(root, "docs/results/wasm.md"), `The decoder as WebAssembly (SIMD, one thread) on the golden vectors, with Node ${process.version} on ${cpus()[0]?.model ?? "?"}.
The module has ${(binary.length / 1024).toFixed(0)} KiB, ${(compressed / 1024).toFixed(0)} KiB with gzip; symbols are those of the native decoder. The files are about a second long, so decoding includes much of starting up.

| vector | channels | Hz | kbit/s | largest difference, 16-bit steps | decoding, seconds of sound per second of processor |
|---|---|---|---|---|---|
${table.join("\n")}

The package's streaming decoder on synthesised music, stereo at 44,100 Hz, in floats, sketches included, on one thread; the machine with its
${cpus().length} processors had a load of ${load}, so that time of the thread was counted and not that on the wall. With the encoder in it, the module has ${(codecBytes / 1024).toFixed(0)} KiB.

| where | kbit/s | decoding, seconds of sound per second of processor |
|---|---|---|
${tracks.join("\n")}

Repeat with
\`\`\`sh
node crates/wasm/package.mjs
node crates/wasm/check.mjs --write
\`\`\`
`);
}
