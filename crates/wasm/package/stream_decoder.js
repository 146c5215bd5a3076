// Bytes of a `.mlsm` file in, in pieces of any size, PCM out. Knows no network: see track.js.

import { CODES, compiledModule, Instance, MelismaError } from "./module.js";

/** One field of the tags, joined where it is repeated; undefined if it is missing. */
function tagOf(tags, name) {
  const values = tags.filter(([key]) => key === name).map(([, value]) => value);
  return values.length > 0 ? values.join(", ") : undefined;
}

/** Decodes one file. Damaged places become silence and are told by `takeDamage`. */
export class Decoder {
  #codec;
  #left = 0; // frames of the block in the module that were not read yet
  #done = 0; // and those that were
  #header;
  #headerText = "";
  #trailer;

  /** Loads the WebAssembly module, if that was not done yet, and begins a file. */
  static async create(module) {
    return new Decoder(module ?? (await compiledModule("decoder")));
  }

  constructor(module) {
    this.#codec = new Instance(module);
    this.#codec.call("melisma_stream_open");
  }

  #settle(status) {
    if (status === 0) return;
    const message = this.#codec.text(this.#codec.call("melisma_stream_text"), this.#codec.call("melisma_stream_text_bytes"));
    throw new MelismaError(CODES[status] ?? "failed", message);
  }

  /** The text that a function of the module writes; "" if it has nothing to say. */
  #told(name) {
    const length = this.#codec.call(name);
    return length === 0 ? "" : this.#codec.text(this.#codec.call("melisma_stream_text"), length);
  }

  /** Takes the next bytes of the file. Throws if it is not one, or of a kind that cannot be decoded. */
  feed(bytes) {
    this.#codec.write("melisma_stream_input", bytes);
    this.#settle(this.#codec.call("melisma_stream_feed", bytes.length));
  }

  /** Says that no more bytes come. */
  end() {
    this.#settle(this.#codec.call("melisma_stream_end"));
  }

  /**
   * Takes the last bytes of a file of `fileBytes`, which hold its seek table, length and loudness: 0 if these are known
   * now, -1 if they are not there, otherwise how many bytes from the end are needed.
   */
  tail(bytes, fileBytes) {
    this.#codec.write("melisma_stream_input", bytes);
    return this.#codec.call("melisma_stream_tail", bytes.length, fileBytes);
  }

  /** After `tail` returned 0: begins anew with the copy of the header at the end, where the one at the beginning is damaged. */
  recover() {
    this.#left = 0;
    this.#settle(this.#codec.call("melisma_stream_recover"));
  }

  /**
   * Writes the next samples into `channels`, one array for each channel: how many, 0 if more bytes are needed or the end
   * was reached. Allocates nothing that grows.
   */
  read(channels) {
    if (this.#left === 0) {
      this.#left = this.#codec.call("melisma_stream_next");
      this.#done = 0;
      if (this.#left === 0) return 0;
    }
    const frames = Math.min(this.#left, channels[0].length);
    for (let channel = 0; channel < channels.length; channel++) {
      const place = this.#codec.call("melisma_stream_channel", channel);
      if (place === 0) channels[channel].fill(0, 0, frames);
      else channels[channel].set(this.#codec.floats(place + 4 * this.#done, frames));
    }
    this.#left -= frames;
    this.#done += frames;
    return frames;
  }

  /** The sample, from the beginning of the track, with which the next `read` begins. */
  get position() {
    return this.#codec.call("melisma_stream_position") - this.#left;
  }

  /** Makes the next `read` begin at `sample`; gives the byte of the file from which to feed now. */
  seek(sample) {
    this.#left = 0;
    return this.#codec.call("melisma_stream_seek", sample);
  }

  /** What the file says about itself, once that was fed; tags and cover come a little later than the rest. */
  get header() {
    const text = this.#told("melisma_stream_header");
    if (text !== "" && text !== this.#headerText) {
      this.#headerText = text;
      const { coverType, ...header } = JSON.parse(text);
      const cover = coverType === null ? null : {
        type: coverType,
        data: this.#codec.bytes(this.#codec.call("melisma_stream_cover"), this.#codec.call("melisma_stream_cover_bytes")).slice(),
      };
      const { tags } = header;
      this.#header = { ...header, cover, title: tagOf(tags, "TITLE"), artist: tagOf(tags, "ARTIST"), album: tagOf(tags, "ALBUM") };
    }
    return this.#header;
  }

  /** Exact length and loudness, once they are known. */
  get trailer() {
    if (this.#trailer === undefined) {
      const text = this.#told("melisma_stream_trailer");
      if (text !== "") this.#trailer = JSON.parse(text);
    }
    return this.#trailer;
  }

  /** Damaged places that were not told before. */
  takeDamage() {
    const text = this.#told("melisma_stream_damage");
    return text === "" ? [] : JSON.parse(text);
  }

  /**
   * The picture of the next section that was decoded: levels of bands over time in dB, `[frame * bands + band]`;
   * undefined if there is none.
   */
  takePicture() {
    const frames = this.#codec.call("melisma_stream_picture");
    if (frames === 0) return undefined;
    const bands = this.#codec.call("melisma_stream_picture_bands");
    const levels = this.#codec.floats(this.#codec.call("melisma_stream_picture_levels"), frames * bands).slice();
    const [position, hop] = [this.#codec.call("melisma_stream_picture_position"), this.#codec.call("melisma_stream_picture_hop")];
    return { position, hop, bands, frames, levels };
  }
}
