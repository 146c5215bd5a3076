// One clip in several versions.

/** Block `player`. */
function playerBlock(player) {
  const { versions, figures } = player;
  const deck = new Deck({
    flacs: versions.map((version) => version.sound.flac),
    sampleRateHz: player.sample_rate_hz,
    seconds: player.seconds,
  });
  const { element: bar, tick } = transport(deck);
  const figure = soundFigure(deck);
  const buttons = versions.map((version, index) =>
    button(version.name, () => pick(index), { "aria-pressed": "false", "aria-keyshortcuts": index < 10 ? String(index) : undefined }),
  );
  const headings = ["key", "version", ...figures, "level, dB", "peak, dB"];
  const rows = versions.map((version, index) => {
    const sound = [version.sound.level_dbfs, version.sound.peak_dbfs].map((db) => db.toFixed(1));
    const cells = [...version.figures, ...sound].map((text) => make("td", { class: "number" }, text));
    buttons[index].prepend(lookElement(version.look));
    return make("tr", {}, make("td", {}, index < 10 ? String(index) : ""), make("td", {}, buttons[index]), ...cells);
  });
  const table = make(
    "table",
    {},
    make("thead", {}, make("tr", {}, ...headings.map((text) => make("th", { scope: "col" }, text)))),
    make("tbody", {}, ...rows),
  );
  const revealing = [make("div", { class: "scroll" }, table), figure.element, bar.querySelector(".levels")];
  const blind = blindTestPart({ deck, versions, hide });
  const element = make(
    "section",
    { class: "player", id: player.id, tabindex: "0", "aria-label": `Player: ${player.title}`, onkeydown },
    make("h3", {}, player.title),
    make("p", { class: "faint" }, `${player.seconds.toFixed(1)} s from ${player.start_s.toFixed(1)} s on, ${player.sample_rate_hz} Hz`),
    bar,
    revealing[0],
    blind.element,
    figure.element,
  );
  const original = versions.find((version) => version.original) ?? versions[0];

  function pick(index) {
    deck.select(index);
    figure.show(original, versions[index]);
  }

  function hide(hidden) {
    for (const part of revealing) part.hidden = hidden;
    element.toggleAttribute("data-blind", hidden);
    if (!hidden) pick(deck.version);
  }

  function onkeydown(event) {
    if (isTyping(event)) return;
    const version = /^[0-9]$/.test(event.key) ? Number(event.key) : -1;
    const known = blind.isRunning
      ? blind.key(event.key) || (event.key === "p" && transportKey(deck, event))
      : version >= 0 && version < versions.length
        ? (pick(version), true)
        : transportKey(deck, event);
    if (known) event.preventDefault();
  }

  deck.addEventListener("change", () => {
    buttons.forEach((each, index) => each.setAttribute("aria-pressed", String(index === deck.version)));
  });
  whilePlaying(deck, () => {
    tick();
    figure.tick();
  });
  buttons[0].setAttribute("aria-pressed", "true");
  element.deck = deck;
  later(() => figure.show(original, versions[Math.min(1, versions.length - 1)]));
  return element;
}
