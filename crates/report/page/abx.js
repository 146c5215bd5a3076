// Blind test: X is A or B, which? Answers stay hidden until all trials are done, for who looks after each
// answer and stops at a good moment proves nothing.

/** Probability of at least `right` of `trials` by guessing: the exact tail of the binomial distribution. */
function guessProbability(right, trials) {
  let ways = 1n; // trials over k
  let tail = 0n;
  for (let k = 0n; k <= BigInt(trials); k++) {
    if (k >= BigInt(right)) tail += ways;
    ways = (ways * (BigInt(trials) - k)) / (k + 1n);
  }
  return Number(tail) / 2 ** trials;
}

function coin() {
  return crypto.getRandomValues(new Uint8Array(1))[0] & 1;
}

function percentText(probability) {
  return probability >= 0.001 ? `${(100 * probability).toPrecision(2)} %` : `${(100 * probability).toExponential(1)} %`;
}

/** A run of blind trials over two versions of a deck. */
class BlindTest {
  constructor({ pair, trials }) {
    Object.assign(this, { pair, trials, answers: [], x: coin() });
  }

  get isDone() {
    return this.answers.length >= this.trials;
  }

  get right() {
    return this.answers.filter(Boolean).length;
  }

  /** The version behind "a", "b" or "x". */
  version(letter) {
    return this.pair[{ a: 0, b: 1, x: this.x }[letter]];
  }

  /** Notes the answer 0 (X is A) or 1 (X is B) and draws the next X. */
  answer(guess) {
    this.answers.push(guess === this.x);
    this.x = coin();
  }

  summary() {
    const count = this.answers.length;
    if (count === 0) return "Stopped before the first answer.";
    const probability = guessProbability(this.right, count);
    const early = count < this.trials ? ` Stopped early, of ${this.trials} planned: take it with care.` : "";
    const verdict = probability < 0.05 ? "You hear a difference." : "This is no proof that you hear a difference.";
    return `${this.right} of ${count} right; guessing does as well or better with probability ${percentText(probability)}. ${verdict}${early}`;
  }
}

/**
 * The blind test's part of a player. `hide(true)` is called while it runs: whatever tells versions apart must go.
 */
function blindTestPart({ deck, versions, hide }) {
  const choice = (label, selected) => {
    const select = make("select", {}, ...versions.map((version) => make("option", {}, version.name)));
    select.selectedIndex = selected;
    return [make("label", {}, `${label} `, select), select];
  };
  const [labelA, a] = choice("A", 0);
  const [labelB, b] = choice("B", Math.min(1, versions.length - 1));
  const trials = make("input", { type: "number", min: "1", max: "200", value: "10" });
  const status = make("p", { role: "status", class: "abx-status" });
  const results = make("ol", { class: "abx-results" });
  const begin = button("Start the test", start);
  const setup = make("div", { class: "bar" }, labelA, labelB, make("label", {}, "Trials ", trials), begin);
  const letters = { a: "Play A", b: "Play B", x: "Play X" };
  const plays = Object.entries(letters).map(([letter, text]) => button(text, () => listen(letter), { "aria-pressed": "false" }));
  const guesses = ["X is A", "X is B"].map((text, guess) => button(text, () => answer(guess)));
  const running = make("div", { class: "bar", hidden: true }, ...plays, ...guesses, button("Stop", finish));
  let test = null;

  function start() {
    const count = Math.min(200, Math.max(1, Math.round(Number(trials.value)) || 10));
    if (a.selectedIndex === b.selectedIndex) {
      status.textContent = "A and B are the same version: choose two.";
      return;
    }
    test = new BlindTest({ pair: [a.selectedIndex, b.selectedIndex], trials: count });
    setup.hidden = true;
    running.hidden = false;
    hide(true);
    listen("x");
    tell();
  }

  function listen(letter) {
    plays.forEach((play, index) => play.setAttribute("aria-pressed", String(Object.keys(letters)[index] === letter)));
    deck.select(test.version(letter));
    if (!deck.isPlaying) deck.play();
  }

  function tell() {
    status.textContent = `Trial ${test.answers.length + 1} of ${test.trials}: is X A or B?`;
  }

  function answer(guess) {
    test.answer(guess);
    if (test.isDone) return finish();
    listen("x");
    tell();
  }

  function finish() {
    deck.pause();
    const summary = test.summary();
    status.textContent = summary;
    results.append(make("li", {}, `${versions[test.pair[0]].name} against ${versions[test.pair[1]].name}: ${summary}`));
    test = null;
    setup.hidden = false;
    running.hidden = true;
    hide(false);
  }

  const element = make(
    "details",
    { class: "abx" },
    make("summary", {}, "Blind test (ABX): can you hear the difference?"),
    make("p", {}, "X is A or B, drawn anew in each trial. Names, levels and pictures are hidden, and so are your results until the last trial. Keys: A, B and X play, 1 answers “X is A”, 2 “X is B”."),
    setup,
    running,
    status,
    results,
  );
  const keys = { a: () => listen("a"), b: () => listen("b"), x: () => listen("x"), 1: () => answer(0), 2: () => answer(1) };
  return {
    element,
    get isRunning() {
      return test !== null;
    },
    key(key) {
      keys[key]?.();
      return keys[key] !== undefined;
    },
  };
}
