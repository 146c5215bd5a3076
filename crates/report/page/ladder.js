// A grid of rates and codecs.

/** Block `ladder`. */
function ladderBlock(ladder) {
  const { versions, rows, columns, cells } = ladder;
  const deck = new Deck({
    flacs: versions.map((version) => version.sound.flac),
    sampleRateHz: ladder.sample_rate_hz,
    seconds: ladder.seconds,
  });
  const { element: bar, tick } = transport(deck);
  const figure = soundFigure(deck);
  const buttons = new Map();
  const version = (index, text) => {
    const element = button(text, () => pick(index), { "aria-pressed": "false" });
    buttons.set(index, element);
    return element;
  };
  const original = version(0, versions[0].name);
  const places = cells.map((row) =>
    row.map((cell) => {
      if (cell.version === undefined) return make("td", { class: "none" }, cell.reason);
      const element = version(cell.version, "");
      element.append(...cell.lines.map((line) => make("span", {}, line)));
      return make("td", {}, element);
    }),
  );
  const table = make(
    "table",
    { class: "grid" },
    make("thead", {}, make("tr", {}, make("th", {}, "asked for"), ...columns.map(({ name, look }) => make("th", { scope: "col" }, lookElement(look), name)))),
    make("tbody", {}, ...places.map((row, index) => make("tr", {}, make("th", { scope: "row" }, rows[index]), ...row))),
  );
  const element = make(
    "section",
    { class: "player", id: ladder.id, tabindex: "0", "aria-label": "Ladder of bitrates", onkeydown },
    bar,
    make("p", { class: "bar" }, original),
    make("div", { class: "scroll" }, table),
    figure.element,
  );

  function pick(index) {
    deck.select(index);
    if (!deck.isPlaying) deck.play();
    figure.show(versions[0], versions[index]);
  }

  /** The place of a version: [row, column]; the original stands above the first row. */
  function placeOf(index) {
    for (const [row, line] of cells.entries()) {
      const column = line.findIndex((cell) => cell.version === index);
      if (column >= 0) return [row, column];
    }
    return [-1, 0];
  }

  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

  /** Goes on in one direction to the next place that can be heard. */
  function move([down, right]) {
    let [row, column] = placeOf(deck.version);
    do {
      [row, column] = [row + down, column + right];
      const found = row < 0 && down < 0 ? 0 : cells[row]?.[column]?.version;
      if (found !== undefined) {
        pick(found);
        buttons.get(found).focus();
        return;
      }
    } while (cells[row]?.[column]);
  }

  function onkeydown(event) {
    if (isTyping(event)) return;
    const step = steps[event.key];
    if (step) move(step);
    else if (!transportKey(deck, event)) return;
    event.preventDefault();
  }

  deck.addEventListener("change", () => {
    for (const [index, each] of buttons) each.setAttribute("aria-pressed", String(index === deck.version));
  });
  whilePlaying(deck, () => {
    tick();
    figure.tick();
  });
  original.setAttribute("aria-pressed", "true");
  element.deck = deck;
  later(() => figure.show(versions[0], versions[Math.min(1, versions.length - 1)]));
  return element;
}
