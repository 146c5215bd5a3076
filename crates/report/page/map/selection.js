// Tracks that were chosen with the lasso, as a list and as a playlist.

const MOST_ROWS = 400;

/** The path of a file of the disk in an address `file:///...`. */
function diskPath(address) {
  const path = decodeURIComponent(new URL(address).pathname);
  return /^\/[A-Za-z]:\//.test(path) ? path.slice(1).replaceAll("/", "\\") : path;
}

/** An M3U8 playlist; paths are whole where the page knows its own place on the disk, else relative to the page. */
function playlistOf(library, tracks, whole) {
  const plain = (text) => text.replace(/[\r\n]+/g, " ");
  const lines = ["#EXTM3U", `#PLAYLIST:${plain(library.title)}`];
  for (const track of tracks) {
    const path = library.path(track);
    if (!path) continue;
    const seconds = library.seconds[track];
    lines.push(`#EXTINF:${Number.isFinite(seconds) ? Math.round(seconds) : -1},${plain(library.line(track))}`);
    lines.push(plain(whole ? diskPath(new URL(library.address(track), location.href).href) : path));
  }
  return `${lines.join("\n")}\n`;
}

class Selection {
  /** `onchange` when it is another, `onplay(track)`, `onhover(track)`. */
  constructor({ element, library, onchange, onplay, onhover }) {
    Object.assign(this, { element, library, onchange, onplay, onhover, tracks: new Set() });
  }

  set(tracks) {
    this.tracks = new Set(tracks);
    this.#show();
  }

  add(tracks) {
    tracks.forEach((track) => this.tracks.add(track));
    this.#show();
  }

  toggle(track) {
    if (!this.tracks.delete(track)) this.tracks.add(track);
    this.#show();
  }

  clear() {
    if (this.tracks.size === 0) return false;
    this.set([]);
    return true;
  }

  #save() {
    const whole = this.element.querySelector("select").value === "whole";
    const text = playlistOf(this.library, this.tracks, whole);
    const url = URL.createObjectURL(new Blob([text], { type: "audio/x-mpegurl" }));
    make("a", { href: url, download: "playlist.m3u8" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  #show() {
    const { element, library, tracks } = this;
    const shown = [...tracks].slice(0, MOST_ROWS);
    const rows = shown.map((track) =>
      make(
        "li",
        { onpointerenter: () => this.onhover(track), onpointerleave: () => this.onhover(NOTHING) },
        button("", () => this.onplay(track), { class: "row", "aria-label": `Play ${library.line(track)}` }),
        button("×", () => this.toggle(track), { class: "remove", "aria-label": `Remove ${library.line(track)}` }),
      ),
    );
    rows.forEach((row, index) => {
      const track = shown[index];
      row.firstChild.append(
        sleeve(library, track),
        make("span", { class: "words" }, make("span", { dir: "auto" }, library.title_(track)), make("span", { class: "faint", dir: "auto" }, library.artist(track))),
        make("span", { class: "count" }, minutes(library.seconds[track])),
      );
    });
    const seconds = [...tracks].reduce((sum, track) => sum + (library.seconds[track] || 0), 0);
    const length = seconds >= 3600 ? `${(seconds / 3600).toFixed(1)} h` : minutes(seconds);
    const count = `${tracks.size.toLocaleString("en")} ${tracks.size === 1 ? "track" : "tracks"}${seconds > 0 ? `, ${length}` : ""}`;
    const onDisk = location.protocol === "file:";
    const kind = make("select", { "aria-label": "Paths in the playlist", hidden: !onDisk }, make("option", { value: onDisk ? "whole" : "relative" }, onDisk ? "whole paths" : "relative paths"), ...(onDisk ? [make("option", { value: "relative" }, "relative paths")] : []));
    element.replaceChildren(
      make("div", { class: "head" }, make("h2", {}, "Selection"), make("span", { class: "faint" }, count), button("×", () => this.clear(), { class: "remove", "aria-label": "Clear the selection" })),
      make("ol", {}, ...rows, ...(tracks.size > shown.length ? [make("li", { class: "faint more" }, `and ${(tracks.size - shown.length).toLocaleString("en")} more`)] : [])),
      make("div", { class: "bar" }, button("Save playlist (.m3u8)", () => this.#save(), { class: "main" }), kind),
    );
    element.hidden = tracks.size === 0;
    this.onchange();
  }
}
