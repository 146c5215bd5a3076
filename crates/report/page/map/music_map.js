// The map as a whole: what is shown, what is marked, and a frame of it.

const TRAVEL_MS = 1100;

class MusicMap {
  constructor(library, renderer, elements) {
    Object.assign(this, { library, renderer, elements });
    this.view = new View();
    this.glow = new Glow(elements.glow);
    this.labels = new Labels(elements.overlay);
    this.card = new Card(elements.card, library);
    this.sound = new Sound(library);
    this.legend = new Legend(elements.legend, () => this.restate());
    this.selection = new Selection({
      element: elements.selection,
      library,
      onchange: () => this.restate(),
      onplay: (track) => this.play(track),
      onhover: (track) => this.mark(track),
    });
    this.search = new Search({ library, onfind: (matches) => this.found(matches), onpick: (track) => this.visit(track) });
    this.bar = new PlayerBar({
      element: elements.player,
      library,
      sound: this.sound,
      actions: { next: () => this.next(), previous: () => this.previous(), locate: () => this.visit(this.sound.track, { plays: false }), close: () => this.sound.stop() },
    });
    this.sound.addEventListener("change", () => this.redraw());
    this.sound.addEventListener("fail", ({ detail }) => this.toast(detail.text));
    this.sound.addEventListener("ended", () => (this.bar.wanders && this.sound.isPinned ? this.next() : undefined));
    this.states = new Uint8Array(library.count).fill(PLAIN);
    this.wanted = (track) => this.states[track] !== FAINT;
    Object.assign(this, { current: NOTHING, matches: null, lassoMode: false, lassoPath: [], heard: [], travel: null, dark: false });
    renderer.onrestored = () => this.#upload();
  }

  start({ dark, projection, field }) {
    this.resize();
    this.view.scale = this.view.wholeScale;
    this.dark = dark;
    this.projection = projection;
    this.#arrive();
    this.setField(field);
    this.view.home(-1e9);
    this.view.tick(0);
  }

  // What is where.

  get xy() {
    return this.library.projections[this.projection].xy;
  }

  place(track) {
    return [this.xy[2 * track] / 65535, this.xy[2 * track + 1] / 65535];
  }

  get radius() {
    const base = Math.min(6.5, Math.max(1.6, 210 / Math.sqrt(this.library.count)));
    return Math.min(11, base * Math.max(1, this.view.zoom) ** 0.42);
  }

  pick(px, py, touch = false) {
    if (this.travel) return NOTHING;
    const reach = Math.max(touch ? 22 : 9, this.radius + 3) / this.view.scale;
    return this.grid.nearest(...this.view.toWorld(px, py), reach, this.wanted);
  }

  #arrive() {
    this.renderer.setPositions(this.xy, this.xy);
    this.grid = new Grid(this.xy);
    this.regionPlaces = regionPlaces(this.library, this.xy);
  }

  setProjection(index) {
    if (index === this.projection || !this.library.projections[index]) return;
    // From where the points are, if they still move.
    const from = this.travel ? this.#between() : this.xy;
    this.projection = index;
    this.#arrive();
    if (!still.matches) {
      this.renderer.setPositions(from, this.xy);
      this.travel = { start: performance.now(), from };
    }
    this.card.hide();
    this.view.home(performance.now());
    this.#lighten();
    this.elements.onprojection(index);
    this.tell(`${this.library.projections[index].name}`);
    this.redraw();
  }

  #travelled(now) {
    return this.travel ? Math.min(1, (now - this.travel.start) / TRAVEL_MS) : 1;
  }

  #between() {
    const part = eased(this.#travelled(performance.now()));
    return this.xy.map((to, i) => this.travel.from[i] + (to - this.travel.from[i]) * part);
  }

  // Colours and what stands out.

  setField(field) {
    this.field = field;
    this.colouring = new Colouring(this.library, field, this.dark);
    this.legend.show(this.colouring);
    this.elements.onfield(field);
    this.#upload();
  }

  nextField() {
    const { fields } = this.library;
    this.setField(fields[(fields.indexOf(this.field) + 1) % fields.length]);
    this.tell(`Coloured by ${this.field.label}`);
  }

  setDark(dark) {
    this.dark = dark;
    const kept = [...this.legend.kept];
    this.setField(this.field);
    kept.forEach((entry) => this.legend.buttons.get(entry)?.click());
  }

  #upload() {
    if (this.travel) this.renderer.setPositions(this.travel.from, this.xy);
    else this.renderer.setPositions(this.xy, this.xy);
    this.renderer.setColours(this.colouring.colours);
    this.restate();
  }

  /** Decides anew what is faint and what stands out. */
  restate() {
    const { states, matches, legend, colouring, selection } = this;
    const chosen = selection.tracks;
    for (let track = 0; track < states.length; track++) {
      const seen = (!matches || matches[track] === 1) && legend.keeps(colouring.entryOf[track]);
      states[track] = !seen ? FAINT : matches || chosen.has(track) ? STRONG : PLAIN;
    }
    this.renderer.setStates(states);
    this.#lighten();
    this.redraw();
  }

  #lighten() {
    this.glow.update(this.xy, this.colouring.colours, this.states, this.dark);
  }

  found(matches) {
    this.matches = matches;
    this.restate();
    if (!matches) return this.home();
    const tracks = [];
    matches.forEach((match, track) => match && this.wanted(track) && tracks.push(track));
    if (tracks.length > 0) this.view.fit(this.#boxOf(tracks), performance.now());
  }

  /** The box around tracks, without the farthest of many. */
  #boxOf(tracks) {
    const [xs, ys] = [0, 1].map((axis) => Float64Array.from(tracks, (track) => this.place(track)[axis]).sort());
    const cut = Math.floor(0.03 * tracks.length);
    return [xs[cut], ys[cut], xs.at(-1 - cut), ys.at(-1 - cut)];
  }

  // The track in focus.

  hover(track, at) {
    if (track !== this.current) this.mark(track);
    if (track !== NOTHING && at) this.card.place(...at, this.view);
    this.elements.map.classList.toggle("over", track !== NOTHING);
    this.sound.hover(track);
  }

  /** Makes a track the current one and shows its card beside it. */
  mark(track) {
    this.current = track;
    if (track === NOTHING) this.card.hide();
    else {
      this.card.show(track, [...this.colouring.colours.subarray(3 * track, 3 * track + 3)]);
      this.card.place(...this.view.toScreen(...this.place(track)), this.view);
    }
    this.redraw();
  }

  /** Goes to a track and tells of it; it is heard after a moment. */
  visit(track, { plays = true } = {}) {
    if (track === NOTHING) return;
    const [x, y] = this.place(track);
    if (!this.view.shows(x, y) || this.view.zoom < 2.5) this.view.glideTo(x, y, Math.max(this.view.scale, 4 * this.view.wholeScale), performance.now());
    this.follows = true;
    this.mark(track);
    this.tell([this.library.line(track), this.library.word("album", track), this.library.word("genre", track)].filter(Boolean).join(", "));
    if (plays) this.sound.hover(track);
  }

  step(ux, uy) {
    const from = this.current !== NOTHING ? this.current : this.sound.track;
    if (from === NOTHING) {
      const [x, y] = this.view.toWorld(this.view.width / 2, this.view.height / 2);
      return this.#go(this.grid.nearest(x, y, 1, this.wanted));
    }
    const next = this.grid.towards(from, ux, uy, this.wanted);
    if (next === NOTHING) this.tell("Nothing further in this direction");
    else this.#go(next);
  }

  /** Goes to a neighbour; the view moves only when it must. */
  #go(track) {
    if (track === NOTHING) return;
    const [x, y] = this.place(track);
    if (!this.view.shows(x, y)) this.view.glideTo(x, y, this.view.scale, performance.now());
    this.follows = true;
    this.mark(track);
    this.tell([this.library.line(track), this.library.word("genre", track)].filter(Boolean).join(", "));
    this.sound.hover(track);
  }

  click(track, at) {
    if (track === NOTHING) return this.hover(NOTHING);
    this.mark(track);
    this.card.place(...at, this.view);
    this.play(track);
  }

  play(track) {
    if (this.heard.at(-1) !== track) this.heard.push(track);
    this.sound.pin(track);
    this.tell(`Playing ${this.library.line(track)}`);
  }

  next() {
    const from = this.sound.track !== NOTHING ? this.sound.track : this.current;
    if (from === NOTHING) return;
    const known = new Set(this.heard);
    const track = this.grid.neighbour(from, (i) => this.wanted(i) && !known.has(i) && !this.sound.silence(i));
    if (track === NOTHING) return this.toast("Everything that is shown was heard.");
    this.#show(track);
    this.play(track);
  }

  previous() {
    this.heard.pop();
    const track = this.heard.pop();
    if (track === undefined) return;
    this.#show(track);
    this.play(track);
  }

  #show(track) {
    const [x, y] = this.place(track);
    if (!this.view.shows(x, y)) this.view.glideTo(x, y, this.view.scale, performance.now());
  }

  space() {
    if (this.sound.isPinned) this.sound.toggle();
    else if (this.current !== NOTHING) this.play(this.current);
  }

  escape() {
    if (this.lassoMode) this.setLasso(false);
    else if (this.search.clear() || this.legend.clear() || this.selection.clear()) return;
    else if (this.current !== NOTHING) this.hover(NOTHING);
    else if (this.sound.track !== NOTHING) this.sound.stop();
    else this.home();
  }

  setHoverPlays(plays) {
    this.sound.hoverPlays = plays;
    if (!plays && !this.sound.isPinned) this.sound.stop();
    this.elements.onhoverplays(plays);
    this.tell(plays ? "Tracks under the pointer are heard" : "Tracks under the pointer are silent");
  }

  // Lasso.

  setLasso(on) {
    this.lassoMode = on;
    this.elements.map.classList.toggle("drawing", on);
    this.elements.onlasso(on);
  }

  drawLasso(path) {
    this.lassoPath = path;
    this.redraw();
  }

  endLasso(path, adds) {
    const polygon = path.map(([x, y]) => this.view.toWorld(x, y));
    const tracks = insideOf(polygon, this.grid, this.wanted);
    this.lassoPath = [];
    if (adds) this.selection.add(tracks);
    else this.selection.set(tracks);
    this.setLasso(false);
    this.tell(`${tracks.length} tracks selected`);
    if (tracks.length === 0) this.toast("No track is inside of the lasso.");
  }

  // The view.

  home() {
    this.view.home(performance.now());
    this.redraw();
  }

  pan(dx, dy) {
    this.view.pan(dx, dy);
    this.follows = true;
    this.redraw();
  }

  zoomAt(px, py, factor) {
    this.view.zoomAt(px, py, factor);
    this.follows = true;
    this.redraw();
  }

  zoomMiddle(factor) {
    const at = this.current !== NOTHING ? this.view.toScreen(...this.place(this.current)) : [this.view.width / 2, this.view.height / 2];
    this.zoomAt(...at, factor);
  }

  resize() {
    const { map, glow, points, overlay } = this.elements;
    const { clientWidth: width, clientHeight: height } = map;
    this.ratio = Math.min(2, devicePixelRatio || 1);
    for (const canvas of [glow, points, overlay]) {
      canvas.width = Math.round(width * this.ratio);
      canvas.height = Math.round(height * this.ratio);
    }
    this.view.insets = width > 900 ? { left: 230, right: 24, top: 64, bottom: 24 } : { left: 0, right: 0, top: 110, bottom: 50 };
    this.view.resize(width, height);
    this.redraw();
  }

  redraw() {
    this.asked ??= requestAnimationFrame((now) => this.#frame(now));
  }

  #frame(now) {
    this.asked = null;
    const { view, labels, ratio, radius, renderer } = this;
    const glides = view.tick(now);
    const part = this.#travelled(now);
    const settled = this.travel ? Math.max(0, 4 * part - 3) : 1;
    if (part === 1) this.travel = null;
    this.glow.strength = settled;
    this.glow.draw(view, ratio);
    renderer.draw(view, { part, radius, ratio, paper: this.colours.paperChannels });
    labels.begin(ratio, this.colours);
    if (part === 1) this.#marks(labels);
    const filtered = this.matches !== null || this.legend.kept.size > 0;
    labels.regions(this.library.regions, this.regionPlaces, view, settled * (filtered ? 0.45 : 1));
    if (part === 1) labels.titles(this.library, this.grid, view, radius, this.wanted);
    labels.lasso(this.lassoPath);
    if (this.current !== NOTHING && (glides || this.follows)) this.card.place(...view.toScreen(...this.place(this.current)), view);
    if (!glides) this.follows = false;
    this.frames = (this.frames ?? 0) + 1;
    if (glides || this.travel) this.redraw();
  }

  #marks(labels) {
    const at = (track) => this.view.toScreen(...this.place(track));
    const trail = this.heard.slice(-12);
    if (trail.length > 1 && this.sound.isPinned) labels.trail(trail.map(at));
    if (this.sound.track !== NOTHING) labels.ring(...at(this.sound.track), this.radius + 6, { width: 3 });
    if (this.current !== NOTHING) labels.ring(...at(this.current), this.radius + 2.5, { colour: this.colours.ink, width: 2 });
  }

  tell(text) {
    this.elements.told.textContent = text;
  }

  toast(text) {
    const { toast } = this.elements;
    toast.textContent = text;
    toast.hidden = false;
    clearTimeout(this.toasting);
    this.toasting = setTimeout(() => (toast.hidden = true), 6000);
  }
}
