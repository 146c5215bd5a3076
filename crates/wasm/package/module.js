// The codec as WebAssembly: found, compiled once, and its memory read and written.

import { wasmPart } from "./parts.js";

/** Something that a person should be told; `code` is for programs. */
export class MelismaError extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.name = "MelismaError";
    this.code = code; // "not-melisma" | "unsupported" | "network" | "failed" | "aborted"
  }
}

/** What the numbers that the module answers with mean. */
export const CODES = [undefined, "not-melisma", "unsupported", "failed"];

const compiled = new Map();

/** The compiled module of a name, once for everybody. A failure is not kept: the next call tries again. */
export function compiledModule(name = "decoder") {
  if (!compiled.has(name)) {
    const module = compile(wasmPart(name));
    module.catch(() => compiled.delete(name));
    compiled.set(name, module);
  }
  return compiled.get(name);
}

/** A module that was compiled elsewhere, so that a worker need not know where it lies. */
export function useModule(name, module) {
  compiled.set(name, Promise.resolve(module));
}

async function compile(part) {
  if (!(part instanceof URL)) return WebAssembly.compile(await part);
  if (part.protocol === "file:" && globalThis.process?.versions?.node) {
    const { readFile } = await import("node:fs/promises");
    return WebAssembly.compile(await readFile(part));
  }
  let response;
  try {
    response = await fetch(part);
  } catch (error) {
    throw new MelismaError("network", `the decoder could not be loaded from ${part}`, { cause: error });
  }
  if (!response.ok) throw new MelismaError("network", `the decoder could not be loaded: ${part} answers ${response.status}`);
  // Not compileStreaming, which servers without the right type for .wasm would break.
  return WebAssembly.compile(await response.arrayBuffer());
}

/** An instance whose calls say in words what went wrong. */
export class Instance {
  constructor(module) {
    this.exports = new WebAssembly.Instance(module, {}).exports;
    this.decoder = new TextDecoder();
  }

  /** Calls a function of the module. */
  call(name, ...values) {
    try {
      return this.exports[name](...values);
    } catch (error) {
      throw new MelismaError("failed", `the codec broke down in ${name}: ${error.message}`, { cause: error });
    }
  }

  /** Writes bytes where a function of the module makes room for them. */
  write(name, bytes) {
    const place = this.call(name, bytes.length);
    if (place === 0 && bytes.length > 0) throw new MelismaError("failed", `no memory for ${bytes.length} bytes`);
    new Uint8Array(this.exports.memory.buffer, place, bytes.length).set(bytes);
  }

  /** A view of the module's memory, which the next call can make invalid. */
  bytes(place, length) {
    return new Uint8Array(this.exports.memory.buffer, place, length);
  }

  floats(place, length) {
    return new Float32Array(this.exports.memory.buffer, place, length);
  }

  text(place, length) {
    return this.decoder.decode(this.bytes(place, length));
  }
}
