// Drawings with axes: panels one above the other, enlarged by dragging, told about by pointing. Colours come from the
// page's style, so that they follow it in the dark and on paper.

/** Room around the panels for labels, pixels. */
const MARGIN = { left: 68, right: 14, top: 34, bottom: 46 };
/** A shorter movement of the pointer is a click, pixels. */
const CLICK = 5;
/** Width of a letter of a title, about the mean, pixels. */
const LETTER = 7.5;
let drawings = 0;

/** As much of a text as fits into so many pixels. */
function shortened(text, pixels) {
  const most = Math.max(8, Math.floor(pixels / LETTER));
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/**
 * Draws panels into `element` and again whenever its size changes. A panel is {x, y, title, part, grid, bar, paint, tell}:
 * axes (scale.js), a heading, the ends of its part of the height from above (0 to 1), whether round values have lines,
 * colours to explain (heat_maps.js), a function that draws what is between the axes, and one that answers {text, x, y}
 * about what is near a pixel, or nothing. Panels of one drawing share the horizontal axis; those whose vertical axes have
 * one label share that. `onclick` gets a place on the horizontal axis; `onrender` is called after each drawing.
 */
class Drawing {
  constructor(element, { margin = {}, onclick, onrender } = {}) {
    Object.assign(this, { element, onclick, onrender, margin: { ...MARGIN, ...margin }, panels: [], zoom: new Map(), id: drawings++ });
    this.svg = shape("svg", { class: "drawing" });
    this.tip = make("div", { class: "tip", hidden: true });
    this.frame = make("div", { class: "zoom", hidden: true });
    element.append(this.svg, this.tip, this.frame);
    element.drawing = this;
    const { svg } = this;
    svg.addEventListener("pointerdown", (event) => this.#press(event));
    svg.addEventListener("pointermove", (event) => this.#move(event));
    svg.addEventListener("pointerup", (event) => this.#release(event));
    svg.addEventListener("pointercancel", () => this.#letGo());
    svg.addEventListener("pointerleave", () => (this.tip.hidden = true));
    svg.addEventListener("dblclick", () => this.reset());
    new ResizeObserver(() => this.render()).observe(element);
  }

  /** Replaces the panels; what was enlarged stays so. */
  show(panels) {
    this.panels = panels;
    this.render();
  }

  /** Shows everything again. */
  reset() {
    this.zoom.clear();
    this.render();
  }

  /** The ends of the horizontal axis, in its unit. */
  get xRange() {
    return this.zoom.get("x") ?? this.panels[0]?.x.range;
  }

  /** The pixel of a place on the horizontal axis, or undefined where it is not to be seen. */
  xPixel(value) {
    const scale = this.placed?.[0]?.x;
    const [low, high] = this.xRange ?? [];
    return scale && value >= low && value <= high ? scale(value) : undefined;
  }

  render() {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (width === 0 || height === 0 || this.panels.length === 0) return;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const { left, right, top, bottom } = this.margin;
    const inner = height - top - bottom;
    this.placed = this.panels.map((panel) => {
      const [start, end] = panel.part ?? [0, 1];
      const box = { left, right: width - right, top: top + start * inner, bottom: top + end * inner };
      const xAxis = { ...panel.x, range: this.xRange };
      const yAxis = { ...panel.y, range: this.zoom.get(panel.y.label) ?? panel.y.range };
      return { panel, box, xAxis, yAxis, x: scaleOf(xAxis, [box.left, box.right]), y: scaleOf(yAxis, [box.bottom, box.top]) };
    });
    const last = this.placed.length - 1;
    this.svg.replaceChildren(...this.placed.flatMap((placed, index) => this.#panel(placed, index, index === last)));
    this.onrender?.();
  }

  #panel(placed, index, isLast) {
    const { panel, box, xAxis, yAxis, x, y } = placed;
    const clip = `inside-${this.id}-${index}`;
    const { left, right, top, bottom } = box;
    const grid = shape("g", { class: "grid-lines" });
    const labels = shape("g", { class: "labels" });
    for (const value of ticks(xAxis)) {
      if (panel.grid) grid.append(shape("path", { d: `M${x(value)} ${top}V${bottom}` }));
      if (!isLast) continue;
      grid.append(shape("path", { class: "axis", d: `M${x(value)} ${bottom}v4` }));
      labels.append(shape("text", { x: x(value), y: bottom + 17, "text-anchor": "middle" }, tickText(value)));
    }
    for (const value of ticks(yAxis, (bottom - top) / 30)) {
      if (panel.grid) grid.append(shape("path", { d: `M${left} ${y(value)}H${right}` }));
      grid.append(shape("path", { class: "axis", d: `M${left - 4} ${y(value)}h4` }));
      labels.append(shape("text", { x: left - 7, y: y(value) + 4, "text-anchor": "end" }, tickText(value)));
    }
    if (isLast) labels.append(shape("text", { x: (left + right) / 2, y: bottom + 36, "text-anchor": "middle", class: "x-label" }, panel.x.label));
    const middle = (top + bottom) / 2;
    labels.append(shape("text", { transform: `translate(14 ${middle}) rotate(-90)`, "text-anchor": "middle", class: "y-label" }, panel.y.label));
    labels.append(shape("text", { x: left, y: top - 7, class: "title" }, shortened(panel.title, right - left)));
    const inside = shape("g", { "clip-path": `url(#${clip})` });
    panel.paint(inside, placed);
    return [
      shape("clipPath", { id: clip }, shape("rect", { x: left, y: top, width: right - left, height: bottom - top })),
      grid,
      inside,
      shape("path", { class: "axis", d: `M${left} ${top}V${bottom}H${right}` }),
      panel.bar ? colourBar(panel.bar, box) : undefined,
      labels,
    ].filter(Boolean);
  }

  /** The pixel of an event, and the panel around it. */
  #at(event) {
    const { left, top } = this.svg.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    const placed = this.placed?.find(({ box }) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom);
    return { x, y, placed };
  }

  #press(event) {
    const at = this.#at(event);
    if (event.button !== 0 || !at.placed) return;
    this.from = at;
    this.svg.setPointerCapture(event.pointerId);
  }

  #move(event) {
    const at = this.#at(event);
    if (this.from) this.#stretch(at);
    else this.#tell(at);
  }

  /** The rectangle between where the pointer went down and where it is; thin ones enlarge one axis only. */
  #dragged(at) {
    const { box } = this.from.placed;
    const clamped = (value, low, high) => Math.min(high, Math.max(low, value));
    const sorted = (a, b) => [Math.min(a, b), Math.max(a, b)];
    const xs = sorted(this.from.x, clamped(at.x, box.left, box.right));
    const ys = sorted(this.from.y, clamped(at.y, box.top, box.bottom));
    const [wide, high] = [xs[1] - xs[0] > 3 * CLICK, ys[1] - ys[0] > 3 * CLICK];
    return { wide, high, xs: wide ? xs : [box.left, box.right], ys: high ? ys : [box.top, box.bottom] };
  }

  #stretch(at) {
    const { wide, high, xs, ys } = this.#dragged(at);
    this.tip.hidden = true;
    this.frame.hidden = !wide && !high;
    const style = { left: xs[0], top: ys[0], width: xs[1] - xs[0], height: ys[1] - ys[0] };
    for (const [name, value] of Object.entries(style)) this.frame.style[name] = `${value}px`;
  }

  #release(event) {
    if (!this.from) return;
    const at = this.#at(event);
    const { placed } = this.from;
    const { wide, high, xs, ys } = this.#dragged(at);
    const moved = Math.hypot(at.x - this.from.x, at.y - this.from.y);
    this.#letGo();
    if (wide) this.zoom.set("x", xs.map(placed.x.value));
    if (high) this.zoom.set(placed.panel.y.label, ys.map(placed.y.value).reverse());
    if (wide || high) this.render();
    else if (moved < CLICK) this.onclick?.(placed.x.value(at.x));
  }

  #letGo() {
    this.from = undefined;
    this.frame.hidden = true;
  }

  #tell({ x, y, placed }) {
    const told = placed?.panel.tell?.(placed, x, y);
    this.tip.hidden = !told;
    if (!told) return;
    this.tip.textContent = told.text;
    const onRight = told.x > this.element.clientWidth / 2;
    this.tip.style.top = `${told.y}px`;
    this.tip.style.left = onRight ? "" : `${told.x + 12}px`;
    this.tip.style.right = onRight ? `${this.element.clientWidth - told.x + 12}px` : "";
  }
}
