// What a worker does for one page: decodes tracks into an audio worklet, one behind the other, and encodes files.
//
// ```text
// page -{ do: "load" | "next" | "seek" | "output" | "encode", ... }-> session -{ say: ..., id }-> page
// session -blocks of sound-> worklet -the same blocks, empty-> session
// ```
// A fixed number of blocks goes round between here and the worklet, so that nothing is allocated while music plays, and
// as much is decoded ahead as there are blocks.

import { useModule } from "./module.js";
import { encode } from "./stream_encoder.js";
import { Track } from "./track.js";

const BLOCK_FRAMES = 4096;
/** Five seconds at 44.1 kHz. */
const BLOCKS = 54;

/** Blocks that are free to be filled. */
class Blocks {
  #free = [];
  #wanted = null;

  constructor(channels) {
    this.channels = channels;
    for (let i = 0; i < BLOCKS; i++) this.#free.push(Array.from({ length: channels }, () => new Float32Array(BLOCK_FRAMES)));
  }

  give(block) {
    this.#free.push(block);
    this.#wanted?.();
    this.#wanted = null;
  }

  async take() {
    while (this.#free.length === 0) await new Promise((resolve) => (this.#wanted = resolve));
    return this.#free.pop();
  }
}

class Session {
  #epoch = 0; // the page's number of the last load or seek, which blocks carry
  #runs = 0; // counts what was begun: an earlier loop ends when it sees another number
  #playing; // { id, track, position } that is decoded now
  #next; // { id, origin, init } of what comes behind it
  #isWaiting = false; // all of what is playing was decoded, and nothing came behind it yet
  #output; // { port, sampleRate } of the worklet
  #blocks;

  constructor(port) {
    this.port = port;
  }

  say(message, transfer) {
    this.port.postMessage(message, transfer);
  }

  fail(id, error) {
    if (error.code === "aborted" || error.name === "AbortError") return;
    this.say({ say: "error", id, code: error.code ?? "failed", message: error.message });
  }

  /** Opens a track whose news go to the page under its number. */
  async #open({ id, origin, init }) {
    const track = new Track(origin, { init });
    const length = () => ({ samples: track.samples, isExact: track.trailer !== undefined });
    track.addEventListener("header", () => this.say({ say: "header", id, header: track.header, ...length() }));
    track.addEventListener("trailer", () => this.say({ say: "trailer", id, trailer: track.trailer, ...length() }));
    track.addEventListener("damage", ({ damage }) => this.say({ say: "damage", id, damage }));
    track.addEventListener("picture", ({ picture }) => this.say({ say: "picture", id, picture }, [picture.levels.buffer]));
    await track.open();
    return track;
  }

  /** Stops what is going on and throws away what was not heard of it. */
  #interrupt(epoch) {
    this.#runs++;
    this.#epoch = epoch;
    this.#isWaiting = false;
    this.#output?.port.postMessage({ flush: epoch });
  }

  async load({ id, epoch, origin, init }) {
    this.#interrupt(epoch);
    this.#playing?.track?.close();
    this.#next = undefined;
    const playing = { id, position: 0 };
    this.#playing = playing;
    try {
      const track = await this.#open({ id, origin, init });
      if (playing !== this.#playing) return track.close();
      if (playing.position > 0) await track.seek(playing.position);
      playing.track = track;
      this.#run();
    } catch (error) {
      if (playing === this.#playing) this.fail(id, error);
    }
  }

  /** Says what comes behind the track that is playing; without `origin`, nothing does. */
  next({ id, origin, init }) {
    this.#next = origin === undefined ? undefined : { id, origin, init };
    if (this.#isWaiting && this.#next) this.#run();
  }

  async seek({ epoch, sample }) {
    if (!this.#playing) return;
    this.#interrupt(epoch);
    const { track, id } = this.#playing;
    this.#playing.position = sample;
    if (!track) return;
    const run = this.#runs;
    try {
      await track.seek(sample);
      if (run === this.#runs) this.#run();
    } catch (error) {
      this.fail(id, error);
    }
  }

  /** Sends sound to a worklet from now on. */
  output({ port, sampleRate }) {
    this.#output = { port, sampleRate };
    this.#blocks = undefined;
    port.onmessage = ({ data }) => this.#blocks?.give(data);
    port.postMessage({ flush: this.#epoch });
    this.#run();
  }

  /** Decodes into the worklet, as far ahead as there are blocks. */
  async #run() {
    const run = ++this.#runs;
    this.#isWaiting = false;
    while (run === this.#runs) {
      const { id, track } = this.#playing ?? {};
      // A worklet of another rate is of no use; the page makes one that fits.
      if (!track || this.#output?.sampleRate !== track.header.sampleRate) return;
      const { channels } = track.header;
      if (this.#blocks?.channels !== channels) this.#blocks = new Blocks(channels);
      const blocks = this.#blocks;
      try {
        const block = await blocks.take();
        const frames = await this.#fill(block, track, run);
        if (frames > 0) {
          const message = { id, epoch: this.#epoch, frames, position: track.position - frames, channels: block };
          this.#output.port.postMessage(message, block.map((samples) => samples.buffer));
          continue;
        }
        blocks.give(block);
        if (run === this.#runs) await this.#goOn(run);
      } catch (error) {
        if (run !== this.#runs) return;
        this.#runs++;
        this.#output.port.postMessage({ end: this.#epoch });
        this.fail(id, error);
      }
    }
  }

  /** Fills a block with what comes next of a track: how many frames, 0 at its end or if that is of no use any more. */
  async #fill(block, track, run) {
    if (run !== this.#runs) return 0;
    try {
      const frames = await track.read(block);
      return run === this.#runs ? frames : 0;
    } catch (error) {
      if (error.code === "aborted") return 0;
      throw error;
    }
  }

  /** At the end of a track: goes on with the next one, if there is one that the same worklet can play. */
  async #goOn(run) {
    const [last, next] = [this.#playing, this.#next];
    if (next) {
      this.#next = undefined;
      try {
        const track = await this.#open(next);
        if (run !== this.#runs) return track.close();
        if (track.header.sampleRate === this.#output.sampleRate) {
          last.track.close();
          this.#playing = { id: next.id, position: 0, track };
          return;
        }
        // Another rate needs another worklet: the page loads it when this one has played to its end.
        track.close();
      } catch (error) {
        this.fail(next.id, error);
      }
    }
    if (run !== this.#runs) return;
    this.#runs++;
    this.#isWaiting = true;
    this.#output.port.postMessage({ end: this.#epoch });
  }

  async encode({ id, pcm, options }) {
    try {
      let told = 0;
      const onProgress = (part) => {
        if (Date.now() < told + 50) return;
        told = Date.now();
        this.say({ say: "encoding", id, part });
      };
      const file = await encode(pcm, { ...options, onProgress });
      this.say({ say: "encoded", id, file }, [file.buffer]);
    } catch (error) {
      this.fail(id, error);
    }
  }

  modules({ modules }) {
    for (const [name, module] of Object.entries(modules)) useModule(name, module);
  }
}

/** Answers what comes from a port. */
export function serve(port) {
  const session = new Session(port);
  port.onmessage = async ({ data }) => {
    try {
      await session[data.do](data);
    } catch (error) {
      session.fail(data.id, error);
    }
  };
  port.postMessage({ say: "ready" });
}
