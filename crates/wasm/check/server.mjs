// A small server that behaves as badly as it is asked to: slow, without ranges, with connections that break.

import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { extname, join, normalize } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".json": "application/json", ".wasm": "application/wasm" };
const PIECE_BYTES = 2048;

/**
 * Serves a folder and, below `/music/`, files of a map. An address may end in `?rate=` bytes a second, `&ranges=no`,
 * `&break=` bytes after which the first connection ends. `served` counts requests by address and range.
 */
export class Server {
  served = [];
  #broken = new Set();

  constructor(folder, files) {
    Object.assign(this, { folder, files });
    this.http = createServer((request, response) => this.#answer(request, response).catch(() => response.destroy()));
  }

  async listen() {
    await new Promise((resolve) => this.http.listen(0, "127.0.0.1", resolve));
    this.address = `http://127.0.0.1:${this.http.address().port}`;
    return this;
  }

  close() {
    this.http.closeAllConnections();
    this.http.close();
  }

  async #answer(request, response) {
    const { pathname, searchParams } = new URL(request.url, "http://here");
    const range = request.headers.range;
    this.served.push({ address: request.url, range });
    const body = this.#find(decodeURIComponent(pathname));
    if (!body) return response.writeHead(404).end();
    const head = { "Content-Type": TYPES[extname(pathname)] ?? "application/octet-stream", "Cache-Control": "no-store" };
    let [from, to, status] = [0, body.length, 200];
    const asked = /^bytes=(\d+)-(\d*)$/.exec(range ?? "");
    if (asked && searchParams.get("ranges") !== "no" && pathname.startsWith("/music/")) {
      from = Number(asked[1]);
      to = asked[2] === "" ? body.length : Math.min(body.length, Number(asked[2]) + 1);
      if (from >= to) return response.writeHead(416, { "Content-Range": `bytes */${body.length}` }).end();
      status = 206;
      head["Content-Range"] = `bytes ${from}-${to - 1}/${body.length}`;
    }
    response.writeHead(status, { ...head, "Content-Length": to - from });
    const [rate, breakAt] = ["rate", "break"].map((name) => Number(searchParams.get(name) ?? Infinity));
    if (rate === Infinity && breakAt === Infinity) return response.end(body.subarray(from, to));
    for (let at = from; at < to && !response.destroyed; at += PIECE_BYTES) {
      if (from < breakAt && at >= breakAt && !this.#broken.has(request.url)) {
        this.#broken.add(request.url);
        return response.destroy();
      }
      response.write(body.subarray(at, Math.min(to, at + PIECE_BYTES)));
      if (rate !== Infinity) await sleep((1000 * PIECE_BYTES) / rate);
    }
    response.end();
  }

  #find(path) {
    if (path.startsWith("/music/")) return this.files.get(path.slice("/music/".length));
    try {
      return readFileSync(join(this.folder, normalize(path)));
    } catch {
      return undefined;
    }
  }
}
