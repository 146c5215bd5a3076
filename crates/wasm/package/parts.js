// Where the other files of this package lie: the only place that knows. A page that holds everything in itself has
// another one instead.

/** Bytes or address of a WebAssembly module: `decoder` or `codec`, which encodes, too. */
export function wasmPart(name) {
  return name === "codec" ? new URL("./codec.wasm", import.meta.url) : new URL("./decoder.wasm", import.meta.url);
}

/** A worker that runs `worker.js`. Browsers start none from another origin, but one that imports from there. */
export function startWorker() {
  const address = new URL("./worker.js", import.meta.url);
  if (address.origin === globalThis.location?.origin) {
    return new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  }
  const text = `import ${JSON.stringify(address.href)};`;
  const blob = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  return new Worker(blob, { type: "module" });
}

/** Address of `worklet.js`. */
export function workletAddress() {
  return new URL("./worklet.js", import.meta.url).href;
}
