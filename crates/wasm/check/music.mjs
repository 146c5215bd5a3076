// Music for the checks, made of nothing: chords that change, a click now and then, noise; the same in every run.

import { deflateSync } from "node:zlib";

/** `[left, right]` of so many seconds. */
export function song(sampleRate, seconds, seed = 1) {
  const samples = Math.round(sampleRate * seconds);
  const [left, right] = [new Float32Array(samples), new Float32Array(samples)];
  let state = seed;
  const noise = () => ((state = (Math.imul(state, 1664525) + 1013904223) | 0) / 2147483648);
  for (let i = 0; i < samples; i++) {
    const time = i / sampleRate;
    const beat = time % 0.5;
    const base = 110 * 2 ** (((Math.floor(time / 2) * (4 + seed)) % 12) / 12);
    const tone = (times) => Math.sin(2 * Math.PI * base * times * time) / times;
    const click = Math.exp(-beat * 60) * noise();
    left[i] = 0.14 * (tone(1) + tone(3) + tone(5)) + 0.2 * click + 0.004 * noise();
    right[i] = 0.14 * (tone(1) + tone(2) + tone(4)) + 0.15 * click + 0.004 * noise();
  }
  return [left, right];
}

/** A WAV file of 16-bit samples. */
export function wav(sampleRate, channels) {
  const samples = channels[0].length;
  const out = Buffer.alloc(44 + 2 * samples * channels.length);
  out.write("RIFF", 0);
  out.writeUInt32LE(out.length - 8, 4);
  out.write("WAVEfmt ", 8);
  out.writeUInt32LE(16, 16);
  out.writeUInt16LE(1, 20);
  out.writeUInt16LE(channels.length, 22);
  out.writeUInt32LE(sampleRate, 24);
  out.writeUInt32LE(sampleRate * 2 * channels.length, 28);
  out.writeUInt16LE(2 * channels.length, 32);
  out.writeUInt16LE(16, 34);
  out.write("data", 36);
  out.writeUInt32LE(out.length - 44, 40);
  for (let i = 0; i < samples; i++) {
    channels.forEach((channel, c) => out.writeInt16LE(Math.round(Math.max(-1, Math.min(1, channel[i])) * 32767), 44 + 2 * (i * channels.length + c)));
  }
  return out;
}

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** A square PNG in one colour and a darker corner. */
export function png(size, [red, green, blue]) {
  const chunk = (kind, body) => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(body.length);
    const rest = Buffer.concat([Buffer.from(kind), body]);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(rest));
    return Buffer.concat([head, rest, sum]);
  };
  const about = Buffer.alloc(13);
  about.writeUInt32BE(size, 0);
  about.writeUInt32BE(size, 4);
  about.set([8, 2], 8);
  const rows = Buffer.alloc(size * (1 + 3 * size));
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const shade = x + y < size ? 0.6 : 1;
      rows.set([red * shade, green * shade, blue * shade], y * (1 + 3 * size) + 1 + 3 * x);
    }
  }
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", about), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}
