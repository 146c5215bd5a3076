// From the start to the saved file: who listens, what is done, what came of it.

const test = JSON.parse(document.getElementById("data").textContent);
const stage = document.getElementById("stage");
const progress = document.getElementById("progress");
const plan = new Plan(test);
const toldNow = [];
document.getElementById("title").textContent = test.title;

function showProgress() {
  progress.hidden = plan.trialsDone === 0;
  progress.firstElementChild.style.width = `${(100 * plan.trialsDone) / plan.trialCount}%`;
  progress.title = `${plan.trialsDone} of ${plan.trialCount} trials`;
}

/** Goes on with `work`; what goes wrong is shown, and the way back to the start. */
async function step(work) {
  try {
    await work();
  } catch (error) {
    console.error(error);
    stage.replaceChildren(make("p", { class: "note warning", role: "alert" }, error.message), button("Back", start));
  }
}

function saveBar() {
  const count = plan.state.answers.length;
  const save = button("Save answers (CSV)", () => {
    const link = make("a", { href: URL.createObjectURL(new Blob([plan.csv()], { type: "text/csv" })), download: `answers-${test.id}-${plan.state.listener.replace(/[^\p{L}\p{N}_-]+/gu, "_") || "listener"}.csv` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  });
  save.disabled = count === 0;
  const kept = plan.isKept === false ? "This browser keeps nothing: save before you close the page." : "They are also kept in this browser until you start over.";
  return make("div", { class: "bar" }, save, make("span", { class: "faint" }, `${count} answers. ${count > 0 ? kept : ""}`));
}

function start() {
  showProgress();
  const left = plan.queue.length;
  const listener = make("input", { type: "text", id: "listener", maxlength: "60", autocomplete: "off", value: plan.state.listener, placeholder: "a name or a letter" });
  listener.addEventListener("input", () => {
    plan.state.listener = listener.value.trim();
    plan.keep();
    showNames();
  });
  const done = plan.trialsDone > 0;
  const begin = button(left === 0 ? "No trial is left" : done ? `Go on with trial ${plan.trialsDone + 1} of ${plan.trialCount}` : "Start with a practice trial", () => step(() => rate(!done)), { class: "next" });
  const rates = [...new Set(test.clips.flatMap((clip) => clip.trials.map((trial) => trial.nominal_kbps)))].sort((a, b) => a - b);
  const conditions = [...new Set(test.clips.flatMap((clip) => clip.trials.flatMap((trial) => trial.stimuli.map((each) => each.condition))))];
  const select = (label, options, selected) => {
    const element = make("select", { "aria-label": label }, ...options.map((option) => make("option", {}, String(option))));
    element.selectedIndex = selected;
    return element;
  };
  const rateOf = select("Rate", rates, rates.length - 1);
  const codecs = conditions.filter((name) => test.clips.some((clip) => clip.trials.some((trial) => trial.stimuli.some((each) => each.condition === name && each.file_kbps !== null))));
  const a = select("A", conditions, Math.max(0, conditions.indexOf("reference")));
  const b = select("B", conditions, Math.max(0, conditions.indexOf(codecs[0])));
  const trials = make("input", { type: "number", min: "5", max: "100", value: "16", "aria-label": "Trials" });
  const tell = make("span", { role: "status" });
  const blind = button("Start the blind test", () => {
    const pair = [a.value, b.value];
    const count = Math.min(100, Math.max(5, Math.round(Number(trials.value)) || 16));
    const nominalKbps = rates[rateOf.selectedIndex];
    if (pair[0] === pair[1] || !test.clips.some((clip) => trialOf(clip, nominalKbps, pair))) {
      tell.textContent = "Choose two versions that are there at this rate.";
      return;
    }
    step(async () => {
      toldNow.push(await blindRun(stage, { plan, nominalKbps, pair, trials: count }));
      start();
    });
  });
  const showNames = () => [begin, blind].forEach((each) => (each.disabled = plan.state.listener === ""));
  showNames();
  begin.disabled ||= left === 0;
  stage.replaceChildren(
    make(
      "section",
      { class: "start" },
      make("p", {}, "Use headphones, in a quiet room. Set the volume in the practice trial and leave it then."),
      make("p", { class: "bar" }, make("label", { for: "listener" }, "Who is listening? "), listener),
      make("h2", {}, "How good does it sound? (MUSHRA)"),
      make("p", {}, `${plan.trialCount} trials over ${test.clips.length} clips, about a minute each; stop when you are tired, and go on another day. In each trial you compare a handful of versions with the reference and score them from 0 (bad) to 100 (excellent, no different from the reference). One of them is the reference itself. Switch as often as you like: the music goes on from the same moment.`),
      make("div", { class: "bar" }, begin, make("span", { class: "faint" }, left === 0 ? "All trials are done. Thank you!" : `${plan.trialsDone} of ${plan.trialCount} done`)),
      make("h2", {}, "Can you tell them apart? (ABX)"),
      make("div", { class: "bar" }, "A ", a, " B ", b, " at ", rateOf, " kbit/s, ", trials, " trials ", blind, tell),
      ...toldNow.map((text) => make("p", { class: "note" }, text)),
      make("h2", {}, "Your answers"),
      saveBar(),
      ...(left === 0 ? [ownResults()] : []),
      make("p", { class: "bar" }, button("Start over", startOver)),
    ),
  );
}

function startOver() {
  if (plan.state.answers.length > 0 && !confirm("Forget all answers that are kept here? Save them first.")) return;
  plan.state = { listener: plan.state.listener, queue: null, answers: [], blindTrials: 0 };
  plan.keep();
  start();
}

/** Trials one after another, the first for practice if it is `new`. */
async function rate(isNew) {
  if (isNew) {
    const clipIndex = below(test.clips.length);
    const trialIndex = below(test.clips[clipIndex].trials.length);
    await rateTrial(stage, { test, clipIndex, trialIndex, heading: "Practice", note: "Nothing of this trial counts. Set a comfortable volume, try the keys, drag over the outline to loop a part.", last: false });
  }
  while (plan.queue.length > 0) {
    showProgress();
    const [clipIndex, trialIndex] = plan.queue[0];
    const heading = `Trial ${plan.trialsDone + 1} of ${plan.trialCount}`;
    const note = "How close to the reference is each version? Score all of them.";
    const { scores, seconds } = await rateTrial(stage, { test, clipIndex, trialIndex, heading, note, last: plan.queue.length === 1 });
    plan.rated(scores, seconds);
  }
  start();
}

/** Means of this listener, told only when all is done; intervals are for `melisma listen analyse`. */
function ownResults() {
  const groups = new Map();
  for (const { method, nominal_kbps, condition, score } of plan.state.answers) {
    if (method !== "mushra") continue;
    const key = `${condition} ${nominal_kbps}`;
    if (!groups.has(key)) groups.set(key, { nominal_kbps, condition, scores: [] });
    groups.get(key).scores.push(score);
  }
  const mean = ({ scores }) => scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const sorted = [...groups.values()].sort((a, b) => a.nominal_kbps - b.nominal_kbps || mean(b) - mean(a));
  const rows = sorted.map((group) => make("tr", {}, make("td", { class: "number" }, String(group.nominal_kbps)), make("td", {}, group.condition), make("td", { class: "number" }, mean(group).toFixed(1)), make("td", {}, make("div", { class: "length", style: `width: ${mean(group) / 5}rem` }))));
  const heads = ["kbit/s", "version", "mean score", ""].map((text) => make("th", { scope: "col" }, text));
  const recipes = test.recipes.flatMap(([name, recipe]) => [make("dt", {}, name), make("dd", {}, recipe)]);
  return make("div", { class: "results" }, make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows)), make("dl", {}, ...recipes));
}

start();
document.documentElement.dataset.drawn = "true";
