// From the data to the map, and the tools around it.

const THEMES = ["auto", "light", "dark"];
const KEYS = [
  ["Drag, wheel, pinch", "move and zoom; double click zooms in"],
  ["Rest on a point", "title and cover, and after a moment its sound"],
  ["Click a point", "plays on; the bar below has the rest"],
  ["Shift and drag, or L", "the lasso: choose tracks, save them as a playlist"],
  ["Arrow keys", "to the next track that way; with Shift the map moves"],
  ["Space, Enter", "pause; play the current track"],
  ["N, P", "the nearest track not heard yet; the one before"],
  ["/", "search"],
  ["A", "add the current track to the selection, or remove it"],
  ["1 to 9", "another projection"],
  ["C", "another colouring"],
  ["+  −  0", "zoom in, zoom out, everything"],
  ["M", "sound of points under the pointer, on or off"],
  ["T", "light, dark, or as the system is"],
  ["Esc", "clears lasso, search, filter, selection, one after the other"],
];

const remembered = {
  get(name) {
    try {
      return localStorage.getItem(`melisma-map-${name}`);
    } catch {
      return null; // pages from the disk may have no storage
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(`melisma-map-${name}`, value);
    } catch {
      // Then it is forgotten.
    }
  },
};

/** Which theme is wanted, which one that makes, and what changes with it. */
class Theme {
  constructor() {
    this.system = matchMedia("(prefers-color-scheme: dark)");
    this.wish = THEMES.includes(remembered.get("theme")) ? remembered.get("theme") : "auto";
    this.system.addEventListener("change", () => this.apply());
  }

  get isDark() {
    return this.wish === "auto" ? this.system.matches : this.wish === "dark";
  }

  next() {
    this.wish = THEMES[(THEMES.indexOf(this.wish) + 1) % THEMES.length];
    remembered.set("theme", this.wish);
    this.apply();
  }

  apply() {
    document.documentElement.dataset.theme = this.isDark ? "dark" : "light";
    this.onchange?.();
  }

  /** Colours of the style, for drawing. */
  get colours() {
    const style = getComputedStyle(document.documentElement);
    const [paper, ink, accent] = ["--paper", "--ink", "--accent"].map((name) => style.getPropertyValue(name).trim());
    return { paper, ink, accent, paperChannels: channelsOf(paper) };
  }
}

function helpDialog(dialog) {
  const rows = KEYS.map(([keys, what]) => make("tr", {}, make("th", { scope: "row" }, keys), make("td", {}, what)));
  dialog.append(
    make("h2", {}, "How to use the map"),
    make("p", {}, "Tracks that sound alike lie close together. Regions are named by what sets their tracks apart."),
    make("table", {}, make("tbody", {}, ...rows)),
    make("form", { method: "dialog" }, make("button", { class: "main" }, "Close")),
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
}

function projectionButtons(map) {
  const { projections } = map.library;
  const buttons = projections.map(({ name, note }, index) => button(name, () => map.setProjection(index), { title: note || undefined, "aria-pressed": "false", "aria-keyshortcuts": index < 9 ? String(index + 1) : undefined }));
  const show = (shown) => buttons.forEach((each, index) => each.setAttribute("aria-pressed", String(index === shown)));
  return { element: make("div", { class: "group", role: "group", "aria-label": "Projection", hidden: projections.length < 2 }, ...buttons), show };
}

function fieldChoice(map) {
  const { fields } = map.library;
  const select = make("select", { id: "field", onchange: () => map.setField(fields[select.selectedIndex]) }, ...fields.map(({ label }) => make("option", {}, label)));
  return { element: make("label", { class: "field" }, make("span", {}, "Colour"), select), show: (field) => (select.selectedIndex = fields.indexOf(field)) };
}

function tools(map, theme) {
  const [projections, fields] = [projectionButtons(map), fieldChoice(map)];
  const lasso = iconButton("lasso", "Select with the lasso (L)", () => map.setLasso(!map.lassoMode), { "aria-pressed": "false" });
  const hover = iconButton("sound", "Tracks under the pointer are heard (M)", () => map.setHoverPlays(!map.sound.hoverPlays), { "aria-pressed": "true" });
  const themes = iconButton("theme", "Light or dark (T)", () => theme.next());
  map.elements.tools.append(
    projections.element,
    fields.element,
    make("div", { class: "group icons" }, iconButton("minus", "Zoom out (−)", () => map.zoomMiddle(1 / 1.5)), iconButton("plus", "Zoom in (+)", () => map.zoomMiddle(1.5)), iconButton("whole", "Everything (0)", () => map.home())),
    make("div", { class: "group icons" }, lasso, hover, themes, iconButton("help", "Help (?)", () => map.help())),
  );
  Object.assign(map.elements, {
    onprojection: projections.show,
    onfield: fields.show,
    onlasso: (on) => lasso.setAttribute("aria-pressed", String(on)),
    onhoverplays(on) {
      hover.setAttribute("aria-pressed", String(on));
      hover.replaceChildren(icon(on ? "sound" : "mute"));
    },
  });
}

function rendererOn(elements, count) {
  const flat = new URLSearchParams(location.search).has("flat");
  try {
    if (!flat) return new GlPoints(elements.points, count);
  } catch (error) {
    console.warn(`Points are drawn without WebGL2: ${error.message}`);
    // A canvas that was asked for WebGL2 has no other way to be drawn on.
    const fresh = elements.points.cloneNode();
    elements.points.replaceWith(fresh);
    elements.points = fresh;
  }
  return new FlatPoints(elements.points, count);
}

function emptyMap(elements) {
  elements.map.append(make("p", { class: "panel plain" }, "There is no track on this map."));
}

async function begin() {
  const elements = Object.fromEntries([...document.querySelectorAll("body [id]")].map((element) => [element.id, element]));
  const library = new Library(JSON.parse(new TextDecoder().decode(await unpacked(elements.data.textContent))));
  const theme = new Theme();
  theme.apply();
  elements.map.setAttribute("aria-label", `Map of ${library.count.toLocaleString("en")} tracks`);
  const heading = make("div", { class: "panel heading" }, make("h1", { dir: "auto" }, library.title), make("p", { class: "faint" }, `${library.count.toLocaleString("en")} ${library.count === 1 ? "track" : "tracks"}`));
  elements.top.append(heading);
  if (library.count === 0) return emptyMap(elements);
  const map = new MusicMap(library, rendererOn(elements, library.count), elements);
  map.colours = theme.colours;
  heading.append(map.search.element);
  helpDialog(elements.help);
  map.help = () => elements.help.open || elements.help.showModal();
  map.nextTheme = () => theme.next();
  tools(map, theme);
  theme.onchange = () => {
    map.colours = theme.colours;
    map.setDark(theme.isDark);
  };
  new Hands(elements.map, map);
  const wished = library.field(library.colourBy) ?? library.fields[0];
  map.start({ dark: theme.isDark, projection: 0, field: wished });
  elements.onprojection(0);
  new ResizeObserver(() => map.resize()).observe(elements.map);
  document.documentElement.musicMap = map;
}

begin().then(
  () => (document.documentElement.dataset.drawn = "true"),
  (error) => {
    console.error(error);
    document.body.append(make("p", { class: "panel plain", role: "alert" }, `The map could not be drawn: ${error.message}`));
  },
);
