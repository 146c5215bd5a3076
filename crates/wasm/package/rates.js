// Sample rates: what a file has, which decodeAudioData does not say, and what it is coded at.

const MP3_RATES = { 3: [44100, 48000, 32000], 2: [22050, 24000, 16000], 0: [11025, 12000, 8000] };

/** The rate that music of `rate` is coded at: itself from 8 to 48 kHz, otherwise 44.1 or 48 kHz. */
export function codedRate(rate) {
  if (rate >= 8000 && rate <= 48000) return rate;
  return rate % 11025 === 0 ? 44100 : 48000;
}

/** Hz of a FLAC, MP3, Ogg or WAV file, by its first bytes; undefined if they do not tell. */
export function sourceRate(bytes) {
  const word = (at) => String.fromCharCode(...bytes.subarray(at, at + 4));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 64) return undefined;
  if (word(0) === "RIFF") return word(12) === "fmt " ? view.getUint32(24, true) : undefined;
  if (word(0) === "fLaC") return (view.getUint32(18) >>> 12) || undefined;
  if (word(0) === "OggS") {
    if (word(28) === "Opus") return 48000;
    return bytes[28] === 1 && word(29) === "vorb" ? view.getUint32(40, true) : undefined;
  }
  // MP3: behind an ID3v2 tag, whose length has seven bits a byte.
  let at = 0;
  if (String.fromCharCode(...bytes.subarray(0, 3)) === "ID3") {
    at = 10 + ((bytes[6] & 127) << 21) + ((bytes[7] & 127) << 14) + ((bytes[8] & 127) << 7) + (bytes[9] & 127);
  }
  for (const end = Math.min(bytes.length - 4, at + 4096); at < end; at++) {
    const isFrame = bytes[at] === 0xff && (bytes[at + 1] & 0xe0) === 0xe0 && (bytes[at + 1] & 0x06) !== 0;
    if (isFrame) return MP3_RATES[(bytes[at + 1] >> 3) & 3]?.[(bytes[at + 2] >> 2) & 3];
  }
  return undefined;
}
