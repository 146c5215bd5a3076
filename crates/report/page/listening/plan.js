// What is heard in which order, what was answered, and what of it outlives the page.

/** A whole number below `bound`, each as likely, from the system's own randomness. */
function below(bound) {
  const limit = Math.floor(2 ** 32 / bound) * bound;
  for (;;) {
    const [value] = crypto.getRandomValues(new Uint32Array(1));
    if (value < limit) return value % bound;
  }
}

/** A copy in random order (Fisher and Yates). */
function shuffled(items) {
  const copy = [...items];
  for (let last = copy.length - 1; last > 0; last--) {
    const other = below(last + 1);
    [copy[last], copy[other]] = [copy[other], copy[last]];
  }
  return copy;
}

/** One cell of CSV. */
function cell(value) {
  const text = value === undefined || value === null ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * The state of one listener in one test: a name, trials in an order of their own, answers. It is kept by the browser, so
 * that the page may be closed and opened again; where the browser keeps nothing, saving the file is all there is.
 */
class Plan {
  constructor(test) {
    this.test = test;
    this.key = `melisma-listening-test ${test.id}`;
    this.state = this.#kept() ?? { listener: "", queue: null, answers: [], blindTrials: 0 };
  }

  #kept() {
    try {
      return JSON.parse(localStorage.getItem(this.key));
    } catch {
      return null;
    }
  }

  keep() {
    try {
      localStorage.setItem(this.key, JSON.stringify(this.state));
      this.isKept = true;
    } catch {
      this.isKept = false;
    }
  }

  /** Trials of MUSHRA that are still to come: [clip, trial] each. Clips follow each other by chance, rates within them too. */
  get queue() {
    if (!this.state.queue) {
      const all = this.test.clips.flatMap((clip, index) => clip.trials.map((_, trial) => [index, trial]));
      this.state.queue = shuffled(all);
      this.keep();
    }
    return this.state.queue;
  }

  get trialCount() {
    return this.test.clips.reduce((sum, clip) => sum + clip.trials.length, 0);
  }

  get trialsDone() {
    return this.trialCount - this.queue.length;
  }

  #row(row) {
    this.state.answers.push({ test: this.test.id, listener: this.state.listener, answered: new Date().toISOString(), ...row });
  }

  /** Notes the scores of the first trial in the queue and takes it off. */
  rated(scores, seconds) {
    const number = this.trialsDone + 1;
    const [clip, trial] = this.queue.shift();
    const { nominal_kbps, stimuli } = this.test.clips[clip].trials[trial];
    for (const [index, { condition, file_kbps }] of stimuli.entries()) {
      this.#row({ method: "mushra", trial: number, clip: this.test.clips[clip].name, nominal_kbps, condition, file_kbps: file_kbps?.toFixed(2), score: scores[index], seconds: seconds.toFixed(1) });
    }
    this.keep();
  }

  /** Notes one blind trial. */
  told({ clip, nominal_kbps, pair, right, seconds }) {
    this.state.blindTrials++;
    this.#row({ method: "abx", trial: this.state.blindTrials, clip: this.test.clips[clip].name, nominal_kbps, condition: pair[0], other: pair[1], right: right ? 1 : 0, seconds: seconds.toFixed(1) });
    this.keep();
  }

  /** Every answer as a file. */
  csv() {
    const lines = this.state.answers.map((answer) => this.test.columns.map((column) => cell(answer[column])));
    return [this.test.columns, ...lines].map((line) => `${line.join(",")}\r\n`).join("");
  }
}

const arriving = new Map();

/** What the script of a clip calls. */
globalThis.melismaClip = (id, index, flacs) => arriving.get(index)?.(id, flacs);

/** The sounds of a clip, from its script. */
function clipSounds(test, index) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const settle = (how, value) => {
      arriving.delete(index);
      script.remove();
      how(value);
    };
    arriving.set(index, (id, flacs) =>
      id === test.id ? settle(resolve, flacs) : settle(reject, new Error(`${test.clips[index].file} belongs to another test`)),
    );
    script.onerror = () => settle(reject, new Error(`${test.clips[index].file} is missing beside this page`));
    script.src = test.clips[index].file;
    document.head.append(script);
  });
}

/** The newest deck; the one before it is put away. */
let deckNow = null;

/** A deck of the sounds of a clip, all decoded. `order` names, for each version, its sound. */
async function deckOf(test, index, order) {
  const { sample_rate_hz: sampleRateHz, seconds } = test.clips[index];
  const sounds = await clipSounds(test, index);
  const volume = deckNow?.volume ?? 1;
  deckNow?.close();
  deckNow = new Deck({ flacs: order.map((sound) => sounds[sound]), sampleRateHz, seconds });
  deckNow.setVolume(volume);
  await deckNow.prepare();
  if (deckNow.failure) throw new Error(deckNow.failure);
  return deckNow;
}
