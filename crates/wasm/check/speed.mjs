// How fast the package decodes a track, on one thread, in Node and in Chromium. Used by check.mjs to write it down.

import { join } from "node:path";
import { findChromium, Browser } from "../../report/check/browser.mjs";
import { song } from "./music.mjs";
import { Server } from "./server.mjs";

const RATE = 44_100;
const SECONDS = 60;

/** Seconds of sound that are decoded in a second on the clock; the median of five goes, after one that is not counted. */
const MEASURE = `async ({ open }, file) => {
  const speeds = [];
  for (let go = 0; go < 6; go++) {
    const track = await open(file);
    const begin = performance.now();
    await track.decode();
    speeds.push((1000 * track.duration) / (performance.now() - begin));
  }
  return speeds.slice(1).sort((a, b) => a - b)[2];
}`;

/** `[[where, kbit/s, decoding], ...]` of the package that lies in `folder`. */
export async function speeds(folder) {
  const melisma = await import(join(folder, "melisma/index.js"));
  const rows = [];
  for (const bitrate of [64_000, 128_000]) {
    const file = await melisma.encode({ sampleRate: RATE, channels: song(RATE, SECONDS) }, { bitrate });
    const measure = eval(MEASURE);
    rows.push([`Node ${process.version}`, bitrate / 1000, await measure(melisma, file)]);
    const program = findChromium();
    if (!program) continue;
    const server = await new Server(folder, new Map([["song.mlsm", Buffer.from(file)]])).listen();
    const browser = new Browser(program);
    try {
      const page = await browser.open(`${server.address}/melisma/package.json`, "");
      await page.until(`document.readyState === "complete" && location.port !== ""`);
      const name = (await page.ask("navigator.userAgent")).match(/Chrome\/\d+/)[0].replace("Chrome/", "Chromium ");
      const speed = await page.ask(`(async () => (${MEASURE})(await import("/melisma/index.js"), await (await fetch("/music/song.mlsm")).arrayBuffer()))()`);
      rows.push([name, bitrate / 1000, speed]);
    } finally {
      await browser.close();
      server.close();
    }
  }
  return rows;
}
