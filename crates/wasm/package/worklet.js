// The last step, on the thread that must never wait: blocks of sound in, 128 frames at a time out.
//
// Blocks come from a session and go back there empty. A block names its track and place, so that the page learns what is
// heard at this moment, and each track is played at its own level.

/** Frames from which on play goes on after it had to wait, unless the end comes first: a quarter of a second. */
const ENOUGH_FRAMES = 12_000;
/** Calls of `process` between two reports: about 90 ms. */
const REPORT_EVERY = 32;
/** How much a level moves from sample to sample: from silence to full scale in 20 ms. */
const LEVEL_STEP = 1 / 960;

class MelismaOutput extends AudioWorkletProcessor {
  #queue = []; // blocks in order; `at` frames of the first were played
  #at = 0;
  #frames = 0; // of all blocks, less `at`
  #epoch = 0;
  #ended = false;
  #isPlaying = false;
  #waits = true;
  #levels = {};
  #level;
  #track; // of the last frame that was played
  #calls = 0;
  #session;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => {
      if (data.session) {
        this.#session = data.session;
        this.#session.onmessage = (event) => this.#receive(event.data);
      }
      if (data.isPlaying !== undefined) this.#isPlaying = data.isPlaying;
      if (data.levels) this.#levels = data.levels;
    };
  }

  #receive(data) {
    if (data.flush !== undefined) {
      for (const block of this.#queue) this.#giveBack(block);
      this.#queue.length = 0;
      [this.#at, this.#frames, this.#epoch, this.#ended, this.#waits] = [0, 0, data.flush, false, true];
      this.#track = undefined;
    } else if (data.end !== undefined) {
      this.#ended ||= data.end === this.#epoch;
    } else if (data.epoch === this.#epoch) {
      this.#queue.push(data);
      this.#frames += data.frames;
      this.#ended = false;
    } else {
      this.#giveBack(data);
    }
  }

  #giveBack({ channels }) {
    this.#session.postMessage(channels, channels.map((samples) => samples.buffer));
  }

  process(_, [output]) {
    if (this.#waits && (this.#frames >= ENOUGH_FRAMES || this.#ended)) this.#waits = false;
    if (this.#isPlaying && !this.#waits) this.#play(output);
    if (++this.#calls % REPORT_EVERY === 0) this.#report();
    return true;
  }

  #play(output) {
    const wanted = output[0].length;
    let written = 0;
    while (written < wanted && this.#queue.length > 0) {
      const block = this.#queue[0];
      if (block.id !== this.#track) {
        this.#track = block.id;
        this.#level = this.#levels[block.id] ?? 1;
        this.#report();
      }
      const frames = Math.min(wanted - written, block.frames - this.#at);
      this.#copy(block.channels, output, written, frames);
      written += frames;
      this.#at += frames;
      this.#frames -= frames;
      if (this.#at === block.frames) {
        this.#queue.shift();
        this.#at = 0;
        this.#position = block.position + block.frames;
        this.#giveBack(block);
      }
    }
    if (written < wanted) {
      this.#waits = true;
      if (this.#ended) {
        this.#isPlaying = false;
        this.port.postMessage({ say: "ended", id: this.#track, epoch: this.#epoch });
      }
      this.#report();
    }
  }

  #copy(channels, output, to, frames) {
    const wanted = this.#levels[this.#track] ?? 1;
    for (let i = 0; i < frames; i++) {
      if (this.#level !== wanted) {
        const step = wanted - this.#level;
        this.#level = Math.abs(step) <= LEVEL_STEP ? wanted : this.#level + Math.sign(step) * LEVEL_STEP;
      }
      for (let channel = 0; channel < output.length; channel++) {
        const samples = channels[channel] ?? channels[0];
        output[channel][to + i] = samples[this.#at + i] * this.#level;
      }
    }
  }

  #position = 0;

  #report() {
    const block = this.#queue[0];
    const id = this.#track ?? block?.id;
    if (id === undefined) return;
    const position = block && block.id === id ? block.position + this.#at : this.#position;
    this.port.postMessage({ say: "at", id, epoch: this.#epoch, position, isWaiting: this.#isPlaying && this.#waits && !this.#ended, ahead: this.#frames });
  }
}

registerProcessor("melisma-output", MelismaOutput);
