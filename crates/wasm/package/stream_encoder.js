// PCM in, block by block, bytes of a `.mlsm` file out.

import { compiledModule, Instance, MelismaError } from "./module.js";

/** Frames that are encoded between two chances for others to do something. */
const PUSHED_FRAMES = 1 << 15;

/** Encodes one file: `push` PCM, then `finish`; both give bytes of the file. */
export class Encoder {
  #codec;

  /** Loads the WebAssembly module, if that was not done yet, and begins a file. */
  static async create(format, options = {}, module) {
    return new Encoder(module ?? (await compiledModule("codec")), format, options);
  }

  /** `format`: `{ sampleRate, channels, samples, originalSampleRate? }`. `options`: `{ quality, bitrate, tags, cover }`. */
  constructor(module, { sampleRate, channels, samples, originalSampleRate = 0 }, { quality = 5, bitrate = 0, tags = [], cover = null } = {}) {
    this.#codec = new Instance(module);
    const clean = (text) => String(text).replaceAll("\0", "");
    const fields = [cover?.type ?? "", ...tags.map(([name, value]) => `${clean(name)}=${clean(value)}`)];
    this.#codec.write("melisma_encoder_tags", new TextEncoder().encode(`${fields.join("\0")}\0`));
    this.#codec.write("melisma_encoder_cover", cover?.data ?? new Uint8Array());
    this.channels = channels;
    this.#settle(this.#codec.call("melisma_encoder_open", sampleRate, channels, samples, originalSampleRate, quality, bitrate));
  }

  #settle(status) {
    if (status === 0) return;
    const message = this.#codec.text(this.#codec.call("melisma_encoder_message"), this.#codec.call("melisma_encoder_message_bytes"));
    throw new MelismaError("unsupported", message);
  }

  #output() {
    return this.#codec.bytes(this.#codec.call("melisma_encoder_output"), this.#codec.call("melisma_encoder_output_bytes")).slice();
  }

  /** Takes the next samples, one array for each channel. */
  push(channels) {
    this.#settle(this.#codec.call("melisma_encoder_room", channels[0].length));
    for (let channel = 0; channel < this.channels; channel++) {
      this.#codec.floats(this.#codec.call("melisma_encoder_channel", channel), channels[channel].length).set(channels[channel]);
    }
    this.#settle(this.#codec.call("melisma_encoder_push"));
    return this.#output();
  }

  /** The last bytes of the file. */
  finish() {
    this.#settle(this.#codec.call("melisma_encoder_finish"));
    return this.#output();
  }
}

/**
 * Encodes a whole track: `{ sampleRate, channels: Float32Array[] }` to a `Uint8Array`. Options: `quality` (0 to 10, 5 if
 * nothing is said), or `bitrate` in bit/s; `tags`, `cover`, `onProgress(part)`, `signal`.
 */
export async function encode({ sampleRate, channels, originalSampleRate }, options = {}) {
  const samples = channels[0]?.length ?? 0;
  const format = { sampleRate, channels: channels.length, samples, originalSampleRate };
  const encoder = await Encoder.create(format, options);
  const pieces = [];
  for (let at = 0; at < samples; at += PUSHED_FRAMES) {
    options.signal?.throwIfAborted();
    pieces.push(encoder.push(channels.map((channel) => channel.subarray(at, at + PUSHED_FRAMES))));
    options.onProgress?.(Math.min(1, (at + PUSHED_FRAMES) / samples));
    await new Promise((resolve) => setTimeout(resolve));
  }
  pieces.push(encoder.finish());
  const file = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  pieces.reduce((at, piece) => (file.set(piece, at), at + piece.length), 0);
  return file;
}
