// How fast is a map? `node crates/report/check/map_speed.mjs MAP.html` opens it without a graphics card and prints JSON:
// milliseconds until the points are there, of a frame while the view zooms and moves, of finding the point under the
// pointer, and of a search.

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Browser, findChromium } from "./browser.mjs";

const MAP = "document.documentElement.musicMap";
const FRAMES = 40;
const PICKS = 200;

const program = findChromium();
if (!program) {
  console.error("map_speed: no Chromium is installed (Debian: apt-get install chromium)");
  process.exit(1);
}
const browser = new Browser(program);
try {
  const start = performance.now();
  const page = await browser.open(pathToFileURL(resolve(process.argv[2])).href, "");
  await page.until(`document.documentElement?.musicMap?.library.count > 0`, 120);
  const ready = performance.now() - start;
  await page.until(`!${MAP}.travel && !${MAP}.view.glide && !${MAP}.asked`, 30);
  const frames = await page.ask(`(async () => {
    const map = ${MAP};
    const taken = [];
    for (let frame = 0; frame < ${FRAMES}; frame++) {
      const start = performance.now();
      map.view.zoomAt(600, 500, frame < ${FRAMES / 2} ? 1.1 : 1 / 1.1);
      map.view.pan(frame % 2 ? 9 : -9, 4);
      map.redraw();
      await new Promise(requestAnimationFrame);
      await new Promise(requestAnimationFrame);
      taken.push((performance.now() - start) / 2);
    }
    return taken.sort((a, b) => a - b);
  })()`);
  const pick = await page.ask(`(() => {
    const map = ${MAP};
    const start = performance.now();
    for (let n = 0; n < ${PICKS}; n++) map.pick(300 + (n * 37) % 700, 100 + (n * 53) % 700);
    return (performance.now() - start) / ${PICKS};
  })()`);
  const search = await page.ask(`(() => {
    const start = performance.now();
    ${MAP}.library.search("track 77");
    return performance.now() - start;
  })()`);
  const facts = {
    points: await page.ask(`${MAP}.library.count`),
    renderer: await page.ask(`${MAP}.renderer.name`),
    ready_ms: ready,
    frame_ms: frames[FRAMES / 2],
    slow_frame_ms: frames[Math.floor(0.95 * FRAMES)],
    pick_ms: pick,
    search_ms: search,
    errors: page.errors,
  };
  console.log(JSON.stringify(facts));
  if (page.errors.length > 0) process.exitCode = 1;
} finally {
  await browser.close();
}
