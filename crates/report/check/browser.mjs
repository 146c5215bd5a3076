// A headless Chromium over a pipe, with no package from anywhere: start, open a page, ask it things, act as its user.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const SLOWEST_ANSWER_MS = 60_000;

/** Where Chromium lies, or undefined. */
export function findChromium() {
  const folders = process.env.PATH.split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

export class Browser {
  #answers = new Map();
  #next = 1;

  constructor(program) {
    this.profile = mkdtempSync(join(tmpdir(), "melisma-browser-"));
    const flags = [
      "--headless=new",
      "--no-sandbox", // CI runs as root, where Chromium's sandbox refuses to start; the page is our own
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--disable-background-networking",
      "--no-first-run",
      "--window-size=1300,1000",
      "--remote-debugging-pipe",
      `--user-data-dir=${this.profile}`,
      "about:blank",
    ];
    this.process = spawn(program, flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    this.ended = new Promise((resolve) => this.process.once("exit", resolve));
    let pending = Buffer.alloc(0);
    this.process.stdio[4].on("data", (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      for (let end = pending.indexOf(0); end >= 0; end = pending.indexOf(0)) {
        this.#receive(JSON.parse(pending.subarray(0, end).toString()));
        pending = pending.subarray(end + 1);
      }
    });
  }

  #receive(message) {
    if (message.id === undefined) return this.page?.event(message);
    const { resolve, reject } = this.#answers.get(message.id);
    this.#answers.delete(message.id);
    if (message.error) reject(new Error(message.error.message));
    else resolve(message.result);
  }

  send(method, params = {}, sessionId) {
    const id = this.#next++;
    this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${method}: no answer`)), SLOWEST_ANSWER_MS);
      const settle = (how) => (value) => (clearTimeout(timer), how(value));
      this.#answers.set(id, { resolve: settle(resolve), reject: settle(reject) });
    });
  }

  /** Opens a page in which `prelude` runs first. */
  async open(url, prelude) {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    this.page = new Page(this, sessionId);
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await this.page.send(`${domain}.enable`);
    await this.page.send("Page.addScriptToEvaluateOnNewDocument", { source: prelude });
    await this.page.send("Page.navigate", { url });
    return this.page;
  }

  async close() {
    await this.send("Browser.close").catch(() => this.process.kill());
    await this.ended;
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

class Page {
  /** What went wrong inside, and every address that was asked for. */
  errors = [];
  requests = [];

  constructor(browser, sessionId) {
    this.send = (method, params) => browser.send(method, params, sessionId);
  }

  event({ method, params }) {
    if (method === "Runtime.exceptionThrown") this.errors.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === "Runtime.consoleAPICalled" && ["error", "assert"].includes(params.type)) this.errors.push(JSON.stringify(params.args));
    if (method === "Log.entryAdded" && params.entry.level === "error") this.errors.push(`${params.entry.text} ${params.entry.url ?? ""}`.trim());
    if (method === "Network.requestWillBeSent") this.requests.push(params.request.url);
  }

  /** The value of an expression, or of the promise that it is. */
  async ask(expression) {
    const answer = await this.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (answer.exceptionDetails) throw new Error(`${expression}: ${answer.exceptionDetails.exception?.description}`);
    return answer.result.value;
  }

  /** Waits until an expression is true. */
  async until(expression, seconds = 60) {
    const end = Date.now() + 1000 * seconds;
    while (!(await this.ask(expression))) {
      if (Date.now() > end) throw new Error(`never came true: ${expression}`);
      await sleep(50);
    }
  }

  /** One event of the mouse. */
  mouse(type, x, y, clickCount = 1) {
    const button = type === "mouseMoved" ? "none" : "left";
    return this.send("Input.dispatchMouseEvent", { type, x, y, button, clickCount });
  }

  /** Clicks the middle of an element, as a mouse does, once or `times` times. */
  async click(element, times = 1) {
    await this.ask(`${element}.scrollIntoView({ block: "center" })`);
    const { x, y } = await this.ask(`(({ left, top, width, height }) => ({ x: left + width / 2, y: top + height / 2 }))(${element}.getBoundingClientRect())`);
    for (let count = 1; count <= times; count++) {
      for (const type of ["mousePressed", "mouseReleased"]) await this.mouse(type, x, y, count);
    }
  }

  /** Presses a key. */
  async press(key) {
    const text = key.length === 1 ? key : undefined;
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", key, text });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", key });
  }
}

/** The loudest frequency that a player gives now. */
export const heard = (player) => `(() => {
  const { meter, context } = ${player}.deck;
  const levels = new Float32Array(meter.frequencyBinCount);
  meter.getFloatFrequencyData(levels);
  return levels.indexOf(Math.max(...levels)) * context.sampleRate / meter.fftSize;
})()`;

/** Waits until the loudest frequency that a player gives is `hz`. */
export async function hear(page, player, hz) {
  // A fade, and a window of the meter, whose bins are 8 Hz apart at 16 kHz.
  await page.until(`Math.abs(${heard(player)} - ${hz}) < 9`, 10);
}

/**
 * Opens the page at `address` in a browser of its own, after `prelude`, and runs each check on it once `ready` is true;
 * names those that pass, and the page's own errors where one does not.
 */
export async function visit(program, name, address, prelude, ready, checks) {
  const browser = new Browser(program);
  try {
    const page = await browser.open(address, prelude);
    try {
      await page.until(ready);
      for (const check of checks) {
        await check(page);
        console.log(`${name}: ${check.name} passed`);
      }
    } catch (error) {
      console.error(`${name}: errors of the page: ${JSON.stringify(page.errors)}`);
      throw error;
    }
  } finally {
    await browser.close();
  }
}
