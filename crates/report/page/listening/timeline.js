// The reference's outline with playhead and loop: a click goes there, a drag makes a loop, a double click loops all.

/** Answers the element and a function that draws the state. */
function timeline(deck, { waveform, seconds }) {
  const values = new Int8Array(bytesOf(waveform.data).buffer);
  const { columns } = waveform;
  const y = (value) => (50 - (value / 127) * 48).toFixed(1);
  const upper = integers(columns).map((column) => `${column + 0.5} ${y(values[2 * column + 1])}`);
  const lower = integers(columns).map((column) => `${column + 0.5} ${y(values[2 * column])}`).reverse();
  const region = shape("rect", { class: "region", y: 0, height: 100 });
  const head = shape("line", { class: "head", y1: 0, y2: 100 });
  const drawing = shape("svg", { class: "timeline", viewBox: `0 0 ${columns} 100`, preserveAspectRatio: "none", role: "img", "aria-label": "Outline of the reference; a click goes there, a drag makes a loop" }, region, shape("path", { class: "outline", d: `M${[...upper, ...lower].join("L")}Z` }), head);
  let pressed = null;

  function placeOf({ clientX }) {
    const { left, width } = drawing.getBoundingClientRect();
    return Math.min(1, Math.max(0, (clientX - left) / width)) * seconds;
  }

  drawing.addEventListener("pointerdown", (event) => {
    pressed = placeOf(event);
    drawing.setPointerCapture(event.pointerId);
  });
  drawing.addEventListener("pointermove", (event) => {
    if (pressed === null) return;
    const place = placeOf(event);
    // Less than a fifth of a second is a click that trembles.
    if (Math.abs(place - pressed) < 0.2) return;
    deck.setLoop({ on: true, start: Math.min(place, pressed), end: Math.max(place, pressed) });
  });
  drawing.addEventListener("pointerup", (event) => {
    if (pressed !== null && Math.abs(placeOf(event) - pressed) < 0.2) deck.seek(pressed);
    pressed = null;
  });
  drawing.addEventListener("pointercancel", () => (pressed = null));
  drawing.addEventListener("dblclick", () => deck.setLoop({ on: true, start: 0, end: seconds }));

  function tick() {
    const x = (place) => (place / seconds) * columns;
    const { on, start, end } = deck.loop;
    region.setAttribute("x", x(start));
    region.setAttribute("width", x(end - start));
    region.setAttribute("visibility", on ? "visible" : "hidden");
    for (const side of ["x1", "x2"]) head.setAttribute(side, x(deck.position()));
  }

  tick();
  return { element: drawing, tick };
}

function integers(count) {
  return Array.from({ length: count }, (_, index) => index);
}

/** Transport, without the level, which may tell versions apart, and the timeline; both follow the deck. */
function stand(deck, clip) {
  const { element: bar, tick } = transport(deck);
  bar.querySelector(".levels").remove();
  const line = timeline(deck, clip);
  whilePlaying(deck, () => {
    tick();
    line.tick();
  });
  return make("div", { class: "stand" }, bar, line.element);
}
