// How fast the package decodes a track, on one thread, in Node and in Chromium. Used by check.mjs to write it down.

import { join } from "node:path";
import { findChromium, Browser } from "../../report/check/browser.mjs";
import { song } from "./music.mjs";
import { Server } from "./server.mjs";

const RATE = 44_100;
const SECONDS = 20;
const KBPS = 64;
const GOES = 3;

/** `[[where, kbit/s, decoding], ...]` of the package in `folder`: seconds of sound that are decoded in a second of processor. */
export async function speeds(folder) {
  const { encode, open } = await import(join(folder, "melisma/index.js"));
  const file = Buffer.from(await encode({ sampleRate: RATE, channels: song(RATE, SECONDS) }, { bitrate: 1000 * KBPS }));
  const decodeAll = async () => (await open(file)).decode();
  await decodeAll(); // compiles
  const begin = process.cpuUsage().user;
  for (let go = 0; go < GOES; go++) await decodeAll();
  const rows = [[`Node ${process.version}`, KBPS, (GOES * SECONDS * 1e6) / (process.cpuUsage().user - begin)]];
  const program = findChromium();
  if (program) rows.push(await inChromium(program, folder, file));
  return rows;
}

async function inChromium(program, folder, file) {
  const server = await new Server(folder, new Map([["song.mlsm", file]])).listen();
  const browser = new Browser(program);
  try {
    const page = await browser.open(`${server.address}/melisma/package.json`, "");
    await page.until(`document.readyState === "complete" && location.port !== ""`);
    // The page's thread alone, whatever else the machine does.
    await page.send("Performance.enable", { timeDomain: "threadTicks" });
    const used = async () => {
      const { metrics } = await page.send("Performance.getMetrics");
      return metrics.find(({ name }) => name === "TaskDuration").value;
    };
    await page.ask(`(async () => {
      const [{ open }, response] = await Promise.all([import("/melisma/index.js"), fetch("/music/song.mlsm")]);
      const file = await response.arrayBuffer();
      window.decodeAll = async () => void (await (await open(file)).decode());
    })()`);
    await page.ask("decodeAll()");
    const begin = await used();
    for (let go = 0; go < GOES; go++) await page.ask("decodeAll()");
    const seconds = (await used()) - begin;
    const name = (await page.ask("navigator.userAgent")).match(/Chrome\/\d+/)[0].replace("Chrome/", "Chromium ");
    return [name, KBPS, (GOES * SECONDS) / seconds];
  } finally {
    await browser.close();
    server.close();
  }
}
