// WAV files as floats: what decodeAudioData would resample is taken as it is.

import { MelismaError } from "./module.js";

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;

/** How a sample of a format is read, as `[bytes, (view, at) => -1..1]`; undefined if it is not known here. */
function readerOf(format, bits) {
  if (format === FLOAT && bits === 32) return [4, (view, at) => view.getFloat32(at, true)];
  if (format === FLOAT && bits === 64) return [8, (view, at) => view.getFloat64(at, true)];
  if (format !== PCM) return undefined;
  if (bits === 8) return [1, (view, at) => (view.getUint8(at) - 128) / 128];
  if (bits === 16) return [2, (view, at) => view.getInt16(at, true) / 32768];
  if (bits === 24) return [3, (view, at) => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 8388608];
  if (bits === 32) return [4, (view, at) => view.getInt32(at, true) / 2147483648];
  return undefined;
}

/** Whether bytes look like a WAV file. */
export function isWav(bytes) {
  const word = (at) => String.fromCharCode(...bytes.subarray(at, at + 4));
  return bytes.length >= 12 && word(0) === "RIFF" && word(8) === "WAVE";
}

/** `{ sampleRate, channels: Float32Array[] }` of the bytes of a WAV file. */
export function readWav(bytes) {
  if (!isWav(bytes)) throw new MelismaError("unsupported", "this is not a WAV file");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let format;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const kind = String.fromCharCode(...bytes.subarray(at, at + 4));
    // Lengths of streams are often wrong: what is there counts.
    const length = Math.min(view.getUint32(at + 4, true), bytes.length - at - 8);
    const body = at + 8;
    if (kind === "fmt " && length >= 16) {
      const tag = view.getUint16(body, true);
      format = {
        kind: tag === EXTENSIBLE && length >= 26 ? view.getUint16(body + 24, true) : tag,
        channels: view.getUint16(body + 2, true),
        sampleRate: view.getUint32(body + 4, true),
        bits: view.getUint16(body + 14, true),
      };
    }
    if (kind === "data") {
      if (!format) break;
      const [size, read] = readerOf(format.kind, format.bits) ?? [];
      if (!size || format.channels === 0) {
        throw new MelismaError("unsupported", `WAV with ${format.bits} bits of format ${format.kind} cannot be read`);
      }
      const samples = Math.floor(length / size / format.channels);
      const channels = Array.from({ length: format.channels }, (_, channel) => {
        const out = new Float32Array(samples);
        for (let i = 0; i < samples; i++) out[i] = read(view, body + size * (i * format.channels + channel));
        return out;
      });
      return { sampleRate: format.sampleRate, channels };
    }
    at = body + length + (length & 1);
  }
  throw new MelismaError("unsupported", "this WAV file has no sound in it");
}
