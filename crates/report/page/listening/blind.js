// A run of ABX over the clips: two versions of a rate, X is one of them, in each trial of another clip.

/** Shows the run in `stage`; answers when it is over, with a sentence about it. */
async function blindRun(stage, { plan, nominalKbps, pair, trials }) {
  const { test } = plan;
  const usable = integers(test.clips.length).filter((clip) => trialOf(test.clips[clip], nominalKbps, pair));
  const run = new BlindTest({ pair, trials });
  const answers = [];
  let clips = [];
  let isStopped = false;
  while (!run.isDone && !isStopped) {
    if (clips.length === 0) clips = shuffled(usable);
    const clip = clips.shift();
    stage.replaceChildren(make("p", { class: "faint" }, "Loading the sounds …"));
    const { stimuli } = trialOf(test.clips[clip], nominalKbps, pair);
    const soundOf = (condition) => stimuli.find((each) => each.condition === condition).sound;
    const deck = await deckOf(test, clip, pair.map(soundOf));
    const began = performance.now();
    const guess = await askBlind(stage, { deck, clip: test.clips[clip], run, pair });
    deck.pause();
    if (guess === null) isStopped = true;
    else {
      run.answer(guess);
      answers.push({ clip, nominal_kbps: nominalKbps, pair, right: run.answers.at(-1), seconds: (performance.now() - began) / 1000 });
    }
  }
  // Noted at the end, so that nobody may look in between.
  answers.forEach((answer) => plan.told(answer));
  return `${pair.join(" against ")} at ${nominalKbps} kbit/s: ${run.summary()}`;
}

/** The trial of a clip at a rate, if it has both versions. */
function trialOf(clip, nominalKbps, pair) {
  return clip.trials.find((trial) => trial.nominal_kbps === nominalKbps && pair.every((condition) => trial.stimuli.some((each) => each.condition === condition)));
}

/** One trial: 0 if X is A, 1 if X is B, null to stop. */
function askBlind(stage, { deck, clip, run, pair }) {
  return new Promise((resolve) => {
    const letters = { a: "A", b: "B", x: "X" };
    const versions = { a: 0, b: 1, x: run.x };
    let heard = new Set();
    let now = null;
    const plays = Object.entries(letters).map(([letter, text]) => button(text, () => listen(letter), { class: "version", "aria-pressed": "false", "aria-keyshortcuts": letter }));
    const guesses = ["X is A", "X is B"].map((text, guess) => button(text, () => answer(guess), { disabled: true }));
    const element = make(
      "section",
      { class: "trial blind", tabindex: "-1" },
      make("h2", {}, `Blind trial ${run.answers.length + 1} of ${run.trials}`),
      make("p", {}, `A is ${pair[0]}, B is ${pair[1]}. X is one of them: which? What was right is told after the last trial.`),
      stand(deck, clip),
      make("div", { class: "bar versions" }, ...plays),
      make("div", { class: "bar" }, ...guesses, button("Stop", () => finish(null))),
      make("p", { class: "faint keys" }, "Keys: A, B, X play, 1 answers “X is A”, 2 “X is B”, P or space plays, ← → move, [ ] and L loop."),
    );

    function listen(letter) {
      now = letter;
      heard.add(letter);
      deck.select(versions[letter]);
      if (!deck.isPlaying) deck.play();
      plays.forEach((play, index) => play.setAttribute("aria-pressed", String("abx"[index] === now)));
      guesses.forEach((each) => (each.disabled = !heard.has("x")));
    }

    function answer(guess) {
      if (heard.has("x")) finish(guess);
    }

    function finish(guess) {
      document.removeEventListener("keydown", onkeydown);
      resolve(guess);
    }

    function onkeydown(event) {
      if (isTyping(event)) return;
      if (event.key in letters) listen(event.key);
      else if (event.key === "1" || event.key === "2") answer(Number(event.key) - 1);
      else if (!transportKey(deck, event)) return;
      event.preventDefault();
    }

    document.addEventListener("keydown", onkeydown);
    stage.replaceChildren(element);
    element.deck = deck;
    element.focus();
  });
}
