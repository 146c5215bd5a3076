// Where bytes come from: an address by HTTP, with range requests where the server has them, or a file in memory.

import { MelismaError } from "./module.js";

/** How often a broken connection is taken up again before that is told, and how long is waited first. */
const ATTEMPTS = 5;
const FIRST_WAIT_MS = 250;

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}

/** How often one source may fail in a row. */
class Patience {
  #failures = 0;

  constructor(address, signal) {
    Object.assign(this, { address, signal });
  }

  /** Something came. */
  renew() {
    this.#failures = 0;
  }

  /** Waits a little after an error, or throws it where waiting is of no use. */
  async endure(error) {
    if (this.signal?.aborted || error instanceof MelismaError) throw error;
    if (++this.#failures >= ATTEMPTS) {
      throw new MelismaError("network", `${this.address} cannot be loaded: ${error.message}`, { cause: error });
    }
    await pause(FIRST_WAIT_MS * 2 ** this.#failures, this.signal);
  }
}

async function* chunksOf(response) {
  if (!response.body) {
    yield new Uint8Array(await response.arrayBuffer());
    return;
  }
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** A file on a server. */
class HttpSource {
  /** Bytes in all, and whether the server gives ranges; undefined until its first answer. */
  size;
  ranges;
  // Without ranges, all that was loaded is kept: there is no other way back.
  #kept = [];
  #keptBytes = 0;
  #finished = false;
  #failure;
  #arrived;
  #arrive;
  #closing = new AbortController();

  constructor(address, init) {
    this.address = address;
    this.init = init;
    this.#nextArrival();
  }

  #nextArrival() {
    this.#arrived = new Promise((resolve) => (this.#arrive = resolve));
  }

  #news() {
    this.#arrive();
    this.#nextArrival();
  }

  async #request(from, to, signal) {
    const headers = new Headers(this.init?.headers);
    headers.set("Range", `bytes=${from}-${to ?? ""}`);
    const response = await fetch(this.address, { ...this.init, headers, signal });
    if (response.status === 416) return null;
    if (!response.ok) {
      throw new MelismaError("network", `${this.address}: the server answers ${response.status} ${response.statusText}`.trim());
    }
    const length = response.headers.has("Content-Encoding") ? NaN : Number(response.headers.get("Content-Length") ?? NaN);
    if (response.status === 206) {
      this.ranges = true;
      const total = Number(response.headers.get("Content-Range")?.split("/")[1] ?? NaN);
      this.size ??= total || (to === undefined && length ? from + length : undefined);
    } else {
      this.ranges ??= false;
      this.size ??= length || undefined;
    }
    return response;
  }

  /** Bytes from `offset` on, as they come. */
  async *bytes(offset, signal) {
    if (this.ranges === false) return yield* this.#fromKept(offset, signal);
    const patience = new Patience(this.address, signal);
    for (let at = offset; ; ) {
      const going = new AbortController();
      const stop = () => going.abort(signal.reason);
      signal?.addEventListener("abort", stop, { once: true });
      try {
        const response = await this.#request(at, undefined, going.signal);
        if (response === null) return;
        if (response.status !== 206) {
          // From here on the whole file is loaded, also if nobody wants this part any more.
          signal?.removeEventListener("abort", stop);
          this.#closing.signal.addEventListener("abort", () => going.abort(), { once: true });
          this.ranges = false;
          this.#download(response);
          return yield* this.#fromKept(at, signal);
        }
        for await (const chunk of chunksOf(response)) {
          at += chunk.length;
          patience.renew();
          yield chunk;
        }
        if (this.size === undefined || at >= this.size) return;
        throw new TypeError("the connection ended before the file did");
      } catch (error) {
        await patience.endure(error);
      } finally {
        signal?.removeEventListener("abort", stop);
      }
    }
  }

  /** Loads all of a file without ranges, whoever wants it; after a broken connection, what is there is skipped. */
  async #download(first) {
    const { signal } = this.#closing;
    const patience = new Patience(this.address, signal);
    let response = first;
    while (!this.#finished && !this.#failure) {
      try {
        response ??= await this.#request(0, undefined, signal);
        let at = 0;
        for await (const chunk of chunksOf(response ?? new Response())) {
          const fresh = chunk.subarray(Math.max(0, Math.min(chunk.length, this.#keptBytes - at)));
          at += chunk.length;
          if (fresh.length === 0) continue;
          this.#kept.push(fresh);
          this.#keptBytes += fresh.length;
          patience.renew();
          this.#news();
        }
        if (this.#keptBytes < (this.size ?? 0)) throw new TypeError("the connection ended before the file did");
        this.size = this.#keptBytes;
        this.#finished = true;
      } catch (error) {
        response = undefined;
        await patience.endure(error).catch((final) => (this.#failure = final));
      }
    }
    this.#news();
  }

  async *#fromKept(offset, signal) {
    let skip = offset;
    for (let i = 0; ; ) {
      signal?.throwIfAborted();
      if (i < this.#kept.length) {
        const chunk = this.#kept[i++];
        if (skip < chunk.length) yield chunk.subarray(skip);
        skip = Math.max(0, skip - chunk.length);
      } else if (this.#failure) {
        throw this.#failure;
      } else if (this.#finished) {
        return;
      } else {
        await this.#arrived;
      }
    }
  }

  /** The last bytes, as many as there are of those asked for; null if they cannot be had before the rest. */
  async tail(bytes, signal) {
    if (!this.size) return null;
    const from = Math.max(0, this.size - bytes);
    if (this.ranges === false) {
      if (!this.#finished) return null;
      const file = new Uint8Array(await new Blob(this.#kept).arrayBuffer());
      return file.subarray(from);
    }
    const response = await this.#request(from, this.size - 1, signal);
    return response?.status === 206 ? new Uint8Array(await response.arrayBuffer()) : null;
  }

  close() {
    this.#closing.abort();
  }
}

/** A file that a person chose, or bytes that a script has. */
class BlobSource {
  ranges = true;

  constructor(blob) {
    this.blob = blob;
    this.size = blob.size;
  }

  async *bytes(offset) {
    const piece = 1 << 16;
    for (let at = offset; at < this.size; at += piece) {
      yield new Uint8Array(await this.blob.slice(at, at + piece).arrayBuffer());
    }
  }

  async tail(bytes) {
    return new Uint8Array(await this.blob.slice(Math.max(0, this.size - bytes)).arrayBuffer());
  }

  close() {}
}

/** A source of an address, a Blob or File, or bytes; `init` goes to `fetch`. */
export function sourceOf(origin, init) {
  if (origin instanceof Blob) return new BlobSource(origin);
  if (origin instanceof ArrayBuffer || ArrayBuffer.isView(origin)) return new BlobSource(new Blob([origin]));
  return new HttpSource(String(origin), init);
}
