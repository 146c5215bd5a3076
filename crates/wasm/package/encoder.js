// `<melisma-encoder>`: a place to drop music on, which becomes `.mlsm` files inside of the page. See README.md.

import { LOOK } from "./look.js";
import { MelismaError } from "./module.js";
import { startSession } from "./playback.js";
import { codedRate, sourceRate } from "./rates.js";
import { isWav, readWav } from "./wav.js";

const ENCODER = `
<style>${LOOK}
.zone { padding: 1rem; display: grid; gap: 0.6rem; justify-items: start; border-radius: inherit; }
.zone.over { outline: 3px dashed var(--accent); outline-offset: -6px; }
ul { list-style: none; margin: 0; padding: 0; width: 100%; display: grid; gap: 0.4rem; }
li { display: grid; grid-template-columns: 1fr auto; gap: 0.25rem 0.75rem; align-items: center; border-top: 1px solid var(--line); padding-top: 0.4rem; }
progress { grid-column: 1 / -1; width: 100%; accent-color: var(--accent); }
.name { overflow-wrap: anywhere; }
a { color: var(--accent); }
</style>
<div class="zone">
  <div><strong>Drop music here</strong> <span class="faint">WAV, FLAC, MP3 or what else this browser can open; nothing leaves this page.</span></div>
  <div>
    <button type="button">Choose files</button>
    <label class="faint">Size <select>
      <option value="24000">24 kbit/s</option><option value="48000">48 kbit/s</option>
      <option value="64000" selected>64 kbit/s</option><option value="96000">96 kbit/s</option><option value="128000">128 kbit/s</option>
    </select></label>
    <input type="file" multiple hidden accept="audio/*,.wav,.flac,.mp3,.ogg,.opus,.m4a">
  </div>
  <ul aria-live="polite"></ul>
</div>`;

/** Music of any kind that the browser opens as `{ sampleRate, channels, originalSampleRate? }`. */
export async function readSound(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (isWav(bytes)) {
    try {
      const sound = readWav(bytes);
      if (codedRate(sound.sampleRate) === sound.sampleRate && sound.channels.length <= 2) return sound;
    } catch {
      // What is not known here, the browser may know.
    }
  }
  const original = sourceRate(bytes);
  const sampleRate = codedRate(original ?? 44_100);
  let sound;
  try {
    sound = await new OfflineAudioContext(2, 1, sampleRate).decodeAudioData(bytes.buffer);
  } catch (error) {
    throw new MelismaError("unsupported", "this browser cannot open it as music", { cause: error });
  }
  if (sound.numberOfChannels > 2) {
    const mixer = new OfflineAudioContext(2, sound.length, sampleRate);
    const player = new AudioBufferSourceNode(mixer, { buffer: sound });
    player.connect(mixer.destination);
    player.start();
    sound = await mixer.startRendering();
  }
  const channels = Array.from({ length: sound.numberOfChannels }, (_, channel) => sound.getChannelData(channel).slice());
  return { sampleRate, channels, originalSampleRate: original === sampleRate ? undefined : original };
}

export class MelismaEncoder extends HTMLElement {
  #session; // promise of a port
  #jobs = new Map(); // number -> { row, name, sound }
  #counter = 0;
  #list;
  #size;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.innerHTML = ENCODER;
    const [zone, input] = [root.querySelector(".zone"), root.querySelector("input")];
    this.#list = root.querySelector("ul");
    this.#size = root.querySelector("select");
    root.querySelector("button").onclick = () => input.click();
    input.onchange = () => (this.#take(input.files), (input.value = ""));
    zone.ondragover = (event) => (event.preventDefault(), zone.classList.add("over"));
    zone.ondragleave = () => zone.classList.remove("over");
    zone.ondrop = (event) => (event.preventDefault(), zone.classList.remove("over"), this.#take(event.dataTransfer.files));
  }

  disconnectedCallback() {
    this.#session?.then((port) => port.close()).catch(() => {});
    this.#session = undefined;
  }

  /** Bit/s of the files that are made. */
  get bitrate() {
    return Number(this.#size.value);
  }

  set bitrate(bitrate) {
    if (![...this.#size.options].some(({ value }) => Number(value) === bitrate)) {
      this.#size.add(new Option(`${bitrate / 1000} kbit/s`, bitrate));
    }
    this.#size.value = bitrate;
  }

  async #take(files) {
    for (const file of files) await this.encode(file).catch(() => {});
  }

  /**
   * Encodes a File or Blob; gives `{ blob, name, seconds }`, which the event `encoded` has in `detail`, too. Options:
   * `bitrate`, `tags`, `cover`; the title is the file's name if the tags do not say.
   */
  async encode(file, { bitrate = this.bitrate, tags, cover } = {}) {
    const id = ++this.#counter;
    const name = (file.name ?? "music").replace(/\.[^.]*$/, "");
    const row = document.createElement("li");
    row.innerHTML = `<span class="name"></span><span class="state faint"></span><progress max="1"></progress>`;
    const [label, state, progress] = row.children;
    label.textContent = file.name ?? name;
    progress.setAttribute("aria-label", `Encoding ${name}`);
    state.textContent = "opening …";
    this.#list.append(row);
    try {
      const pcm = await readSound(file);
      const seconds = pcm.channels[0].length / pcm.sampleRate;
      state.textContent = "encoding …";
      const bytes = await this.#encode(id, pcm, { bitrate, tags: tags ?? [["TITLE", name]], cover }, (part) => (progress.value = part));
      const blob = new Blob([bytes], { type: "audio/x-melisma" });
      const link = document.createElement("a");
      Object.assign(link, { href: URL.createObjectURL(blob), download: `${name}.mlsm`, textContent: `Download ${name}.mlsm` });
      state.replaceChildren(link, ` ${Math.round(blob.size / 1000)} kB, ${((8 * blob.size) / seconds / 1000).toFixed(0)} kbit/s`);
      const detail = { blob, name: `${name}.mlsm`, seconds };
      this.dispatchEvent(new CustomEvent("encoded", { detail, bubbles: true }));
      return detail;
    } catch (error) {
      state.textContent = `not encoded: ${error.message}`;
      this.dispatchEvent(new CustomEvent("error", { detail: { error, name } }));
      throw error;
    } finally {
      progress.remove();
    }
  }

  async #encode(id, pcm, options, onProgress) {
    this.#session ??= startSession(["codec"]).then((port) => {
      port.onmessage = ({ data }) => {
        const job = this.#jobs.get(data.id);
        if (data.say === "encoding") job?.onProgress(data.part);
        if (data.say === "encoded") job?.resolve(data.file);
        if (data.say === "error") job?.reject(new MelismaError(data.code, data.message));
      };
      return port;
    });
    let port;
    try {
      port = await this.#session;
    } catch (error) {
      this.#session = undefined;
      throw error;
    }
    try {
      return await new Promise((resolve, reject) => {
        this.#jobs.set(id, { resolve, reject, onProgress });
        port.postMessage({ do: "encode", id, pcm, options }, pcm.channels.map((channel) => channel.buffer));
      });
    } finally {
      this.#jobs.delete(id);
    }
  }
}

if (!customElements.get("melisma-encoder")) customElements.define("melisma-encoder", MelismaEncoder);
