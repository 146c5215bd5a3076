// Puts the npm package together: `node crates/wasm/package.mjs [FOLDER]` builds decoder and codec as WebAssembly, lays
// them beside the scripts in FOLDER/melisma (target/web/melisma if none is named), packs that as melisma-VERSION.tgz,
// and writes the page that shows all of it as one file, melisma.html.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const crate = dirname(fileURLToPath(import.meta.url));
const root = join(crate, "../..");
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const folder = resolve(process.argv[2] ?? join(target, "web"));
const into = join(folder, "melisma");

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
cpSync(join(crate, "package"), into, { recursive: true });
for (const license of ["LICENSE-MIT", "LICENSE-APACHE"]) cpSync(join(root, license), join(into, license));

// The plain decoder last, so that what other checks look at is the smaller module.
for (const [name, flags] of [["codec", ["--features", "encoder"]], ["decoder", []]]) {
  const build = ["build", "--profile", "web", "-p", "melisma-wasm", "--target", "wasm32-unknown-unknown", ...flags];
  execFileSync("cargo", build, { cwd: root, stdio: "inherit" });
  cpSync(join(target, "wasm32-unknown-unknown/web/melisma_wasm.wasm"), join(into, `${name}.wasm`));
}

const { name, version } = JSON.parse(readFileSync(join(into, "package.json"), "utf8"));
// As `npm pack` does it: everything below `package/`.
execFileSync("tar", ["-C", folder, "--transform", "s,^melisma,package,", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "-czf", join(folder, `${name}-${version}.tgz`), "melisma"]);

const IMPORT = /^import (?:\{[^}]*\} from )?"\.\/([\w]+\.js)";\n/gm;

/** All modules that one needs, and itself, as one script without imports; `instead` has the text of some. */
function joined(entry, instead = {}, seen = new Set()) {
  if (seen.has(entry)) return "";
  seen.add(entry);
  const text = instead[entry] ?? readFileSync(join(into, entry), "utf8");
  const needed = [...text.matchAll(IMPORT)].map(([, module]) => joined(module, instead, seen));
  const own = text.replaceAll(IMPORT, "").replaceAll(/^export (?=class|const|function|async)/gm, "");
  return `${needed.join("")}${own}\n`;
}

const inScript = (text) => JSON.stringify(text).replaceAll("<", "\\u003c");
const base64 = (file) => readFileSync(join(into, file)).toString("base64");
// A worker is given its modules by the page.
const worker = joined("worker.js", { "parts.js": "function wasmPart() { throw new Error(`no module was given`); }\n" });
const parts = `
const TEXTS = { worker: ${inScript(worker)}, worklet: ${inScript(readFileSync(join(into, "worklet.js"), "utf8"))} };
const CODEC = "${base64("codec.wasm")}";
function addressOf(text) {
  return URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
}
function wasmPart() {
  return Uint8Array.from(atob(CODEC), (letter) => letter.charCodeAt(0));
}
function startWorker() {
  return new Worker(addressOf(TEXTS.worker));
}
function workletAddress() {
  // Pages that were opened from a disk may not load worklets from blobs.
  return "data:text/javascript;charset=utf-8," + encodeURIComponent(TEXTS.worklet);
}
`;
const script = joined("page.js", { "parts.js": parts });
const page = readFileSync(join(into, "index.html"), "utf8");
const whole = page.replace('<script type="module" src="./page.js"></script>', () => `<script type="module">\n${script.replaceAll("</script", "<\\/script")}</script>`);
if (whole === page) throw new Error("the page has another script than was expected");
writeFileSync(join(folder, "melisma.html"), whole);
console.log(`${into}, ${name}-${version}.tgz and melisma.html are made`);
