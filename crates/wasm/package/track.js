// A file that is read as it is wanted: described, sought in, decoded. The decoder with a source of bytes behind it.

import { MelismaError } from "./module.js";
import { sourceOf } from "./source.js";
import { Decoder } from "./stream_decoder.js";

/** Bytes from the end in which seek tables of most files lie whole: those of three hours. */
const TAIL_BYTES = 8 << 10;
/** Frames of the blocks of `pcm`. */
const PCM_FRAMES = 1 << 13;

/**
 * One file. Events: `header` (also when tags and cover come), `trailer` (exact length, loudness), `damage` with
 * `damage`, `picture` with `picture`, `progress` when bytes came.
 */
export class Track extends EventTarget {
  #source;
  #decoder;
  #bytes; // iterator over what comes next
  #reading = new AbortController();
  #atEnd = false;
  #tail; // promise: whether the seek table was found before its turn
  #header;
  #toldTrailer = false;
  #loaded = 0;

  constructor(origin, { init, module } = {}) {
    super();
    this.#source = sourceOf(origin, init);
    this.module = module;
  }

  #tell(type, detail) {
    this.dispatchEvent(Object.assign(new Event(type), detail));
  }

  get header() {
    return this.#header;
  }

  get trailer() {
    return this.#decoder?.trailer;
  }

  /** Samples per channel: exactly, or as the encoder announced; undefined if neither is known. */
  get samples() {
    return this.trailer?.samples ?? this.#header?.declaredSamples ?? undefined;
  }

  /** Length in seconds; undefined if it is not known. */
  get duration() {
    return this.samples === undefined ? undefined : this.samples / this.#header.sampleRate;
  }

  /** Bytes that were read in this go, and of how many. */
  get loadedBytes() {
    return this.#loaded;
  }

  get fileBytes() {
    return this.#source.size;
  }

  /** The sample with which the next `read` begins. */
  get position() {
    return this.#decoder.position;
  }

  /** Reads until header, tags and cover are there. */
  async open() {
    this.#decoder = await Decoder.create(this.module);
    this.#readFrom(0);
    while (this.#header === undefined || !(this.#header.tags.length > 0 || this.#header.cover || this.#sounds())) {
      if (!(await this.#more())) break;
    }
    if (this.#header === undefined) throw new MelismaError("not-melisma", "this is not a .mlsm file: it ends inside the header");
    return this;
  }

  /** Whether the first section is there already, which nothing of the head comes behind. */
  #sounds() {
    return this.#loaded > (1 << 16);
  }

  #readFrom(offset) {
    this.#reading.abort();
    this.#reading = new AbortController();
    this.#bytes = this.#source.bytes(offset, this.#reading.signal);
    this.#atEnd = false;
    this.#loaded = 0;
  }

  /** Reads on; false at the end. */
  async #more() {
    if (this.#atEnd) return false;
    const bytes = this.#bytes;
    let next;
    try {
      next = await bytes.next();
    } catch (error) {
      if (bytes === this.#bytes) throw error;
    }
    if (bytes !== this.#bytes) throw new MelismaError("aborted", "a seek came between");
    const { value, done } = next;
    try {
      if (done) {
        this.#atEnd = true;
        this.#decoder.end();
      } else {
        this.#loaded += value.length;
        this.#decoder.feed(value);
      }
    } catch (error) {
      if (error.code !== "not-melisma" || this.#header !== undefined || !(await this.#recover())) throw error;
      return true;
    }
    this.#tail ??= this.#findTail();
    this.#news();
    this.#tell("progress");
    return !done;
  }

  /** Tells what is new. */
  #news() {
    const { header, trailer } = this.#decoder;
    if (header !== undefined && header !== this.#header) {
      this.#header = header;
      this.#tell("header");
    }
    if (trailer !== undefined && header !== undefined && !this.#toldTrailer) {
      this.#toldTrailer = true;
      this.#tell("trailer");
    }
    for (const damage of this.#decoder.takeDamage()) this.#tell("damage", { damage });
    for (let picture = this.#decoder.takePicture(); picture; picture = this.#decoder.takePicture()) this.#tell("picture", { picture });
  }

  /** Seek table, length and loudness from the end of the file, where a server gives that; whether they are known. */
  async #findTail() {
    try {
      for (let wanted = TAIL_BYTES; ; ) {
        const tail = await this.#source.tail(wanted);
        const answer = tail === null ? -1 : this.#decoder.tail(tail, this.#source.size);
        if (answer === 0) this.#news();
        if (answer <= 0 || answer <= wanted) return answer === 0;
        wanted = answer;
      }
    } catch {
      return false; // what is at the end is useful, not needed
    }
  }

  /** Begins anew by the header's copy at the end of a file whose beginning is damaged; false if there is none. */
  async #recover() {
    if (this.#source.ranges === false) {
      for await (const _ of this.#source.bytes(0)); // the end comes last
    }
    if (!(await this.#findTail())) return false;
    this.#decoder.recover();
    this.#tail = Promise.resolve(true);
    this.#readFrom(0);
    this.#news();
    return true;
  }

  /**
   * Writes the next samples into `channels`, one array for each channel: how many, 0 at the end. One call at a time; a
   * `seek` while it waits makes it throw with the code `aborted`.
   */
  async read(channels) {
    for (;;) {
      const frames = this.#decoder.read(channels);
      this.#news();
      if (frames > 0) return frames;
      if (this.#atEnd) return 0;
      await this.#more();
    }
  }

  /** Makes the next `read` begin at `sample`: by the seek table where that is known, otherwise by reading through. */
  async seek(sample) {
    await this.#tail;
    const wanted = Math.max(0, Math.min(Math.floor(sample), this.samples ?? Infinity));
    this.#readFrom(this.#decoder.seek(wanted));
  }

  /** Blocks of sound from `from` seconds on. */
  async *pcm({ from } = {}) {
    if (from !== undefined) await this.seek(from * this.#header.sampleRate);
    for (;;) {
      const channels = Array.from({ length: this.#header.channels }, () => new Float32Array(PCM_FRAMES));
      const frames = await this.read(channels);
      if (frames === 0) return;
      yield { position: this.position - frames, sampleRate: this.#header.sampleRate, channels: channels.map((samples) => samples.subarray(0, frames)) };
    }
  }

  /** All sound at once, `Float32Array[]`. */
  async decode() {
    const blocks = [];
    for await (const { channels } of this.pcm({ from: 0 })) blocks.push(channels);
    const samples = blocks.reduce((sum, [first]) => sum + first.length, 0);
    return Array.from({ length: this.#header.channels }, (_, channel) => {
      const out = new Float32Array(samples);
      blocks.reduce((at, block) => (out.set(block[channel], at), at + block[channel].length), 0);
      return out;
    });
  }

  /** Stops loading. */
  close() {
    this.#reading.abort();
    this.#source.close();
  }
}

/** Opens an address, a Blob or File, or bytes. Options: `init` for `fetch`, `onDamage(place)`. */
export async function open(origin, { onDamage, ...options } = {}) {
  const track = new Track(origin, options);
  if (onDamage) track.addEventListener("damage", ({ damage }) => onDamage(damage));
  return track.open();
}
