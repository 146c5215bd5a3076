// One trial of MUSHRA: the reference by its name, and it, the anchors and the codecs under numbers, to be scored.

const GRADES = ["Excellent", "Good", "Fair", "Poor", "Bad"];

/**
 * Shows a trial in `stage` and answers, once every version is heard and scored, {scores, seconds}: scores in the order
 * of the trial's stimuli, which is not the order in which they stand.
 */
async function rateTrial(stage, { test, clipIndex, trialIndex, heading, note, last }) {
  const clip = test.clips[clipIndex];
  const { stimuli } = clip.trials[trialIndex];
  const order = shuffled(integers(stimuli.length));
  stage.replaceChildren(make("p", { class: "faint" }, "Loading the sounds …"));
  // Version 0 of the deck is the open reference.
  const deck = await deckOf(test, clipIndex, [0, ...order.map((index) => stimuli[index].sound)]);
  const began = performance.now();

  return new Promise((resolve) => {
    const heard = new Set();
    const scores = order.map(() => null);
    const pick = (version) => {
      deck.select(version);
      if (!deck.isPlaying) deck.play();
      if (version > 0) heard.add(version - 1);
      showState();
    };
    const reference = button("Reference", () => pick(0), { class: "version", "aria-pressed": "false", "aria-keyshortcuts": "0" });
    const columns = order.map((_, place) => {
      const play = button(String(place + 1), () => pick(place + 1), { class: "version", "aria-pressed": "false", "aria-keyshortcuts": String(place + 1), "aria-label": `Version ${place + 1}` });
      const slider = make("input", { type: "range", class: "score", min: "0", max: "100", step: "1", value: "50", "aria-label": `Score of version ${place + 1}` });
      const value = make("output", { class: "value" }, "–");
      const set = () => {
        scores[place] = Number(slider.value);
        showState();
      };
      slider.addEventListener("input", set);
      // Who wants the score where the slider stands has to touch it all the same.
      slider.addEventListener("pointerup", set);
      slider.addEventListener("pointerdown", () => pick(place + 1));
      return { play, slider, value, set, element: make("div", { class: "column" }, play, slider, value) };
    });
    const status = make("p", { role: "status", class: "faint" });
    const next = button(last ? "Finish" : "Next", done, { class: "next" });
    const labels = make("div", { class: "grades", "aria-hidden": "true" }, ...GRADES.map((grade) => make("span", {}, grade)));
    const element = make(
      "section",
      { class: "trial", tabindex: "-1" },
      make("h2", {}, heading),
      make("p", {}, note),
      stand(deck, clip),
      make("div", { class: "rating" }, make("div", { class: "column open" }, reference, labels), ...columns.map((column) => column.element)),
      make("div", { class: "bar" }, next, status),
      make("p", { class: "faint keys" }, "Keys: 0 reference, 1 to ", String(order.length), " versions, ↑ ↓ score (with Shift by ten), P or space plays, ← → move, [ ] and L loop, Enter goes on."),
    );

    function showState() {
      [reference, ...columns.map((column) => column.play)].forEach((each, version) => each.setAttribute("aria-pressed", String(deck.isPlaying && version === deck.version)));
      columns.forEach(({ value, element }, place) => {
        value.textContent = scores[place] ?? "–";
        element.toggleAttribute("data-rated", scores[place] !== null);
      });
      const missing = (text, places) => (places.length > 0 ? `${text}: ${places.map((place) => place + 1).join(", ")}. ` : "");
      const unheard = integers(order.length).filter((place) => !heard.has(place));
      const unrated = integers(order.length).filter((place) => scores[place] === null);
      next.disabled = unheard.length + unrated.length > 0;
      status.textContent = `${missing("Not heard yet", unheard)}${missing("Not scored yet", unrated)}` || "One of them is the reference itself and deserves 100.";
    }

    function done() {
      if (next.disabled) return;
      document.removeEventListener("keydown", onkeydown);
      deck.pause();
      const inOrder = [];
      order.forEach((stimulus, place) => (inOrder[stimulus] = scores[place]));
      resolve({ scores: inOrder, seconds: (performance.now() - began) / 1000 });
    }

    function score(step) {
      const column = columns[deck.version - 1];
      if (!column) return;
      column.slider.value = Math.min(100, Math.max(0, Number(column.slider.value) + step));
      column.set();
    }

    function onkeydown(event) {
      const { key, shiftKey, target } = event;
      const isSlider = target.matches?.("input.score");
      if (event.ctrlKey || event.metaKey || event.altKey || (isTyping(event) && !isSlider)) return;
      const arrows = { ArrowUp: 1, ArrowDown: -1 };
      if (/^[0-9]$/.test(key) && Number(key) <= order.length) pick(Number(key));
      else if (key in arrows) score(arrows[key] * (shiftKey ? 10 : 1));
      else if (key === "Enter" && !target.closest?.("button")) done();
      else if (!transportKey(deck, event)) return;
      event.preventDefault();
    }

    deck.addEventListener("change", showState);
    document.addEventListener("keydown", onkeydown);
    stage.replaceChildren(element);
    Object.assign(element, { deck, order });
    element.focus();
    showState();
  });
}
