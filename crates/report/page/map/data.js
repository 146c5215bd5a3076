// The page's data, unpacked: columns of tracks, one typed array or list each.

/** What a column of indices or of 16-bit numbers says where there is nothing. */
const NOTHING = -1;

/** Indices into names, `NOTHING` where a track has none. */
function indicesOf({ of, bytes }) {
  const raw = bytesOf(of).buffer;
  const wide = bytes === 4 ? new Uint32Array(raw) : new Uint16Array(raw);
  const none = bytes === 4 ? 0xffffffff : 0xffff;
  return Int32Array.from(wide, (index) => (index === none ? NOTHING : index));
}

/** Numbers between `low` and `high`, NaN where a track has none. */
function numbersOf({ of, low, high }) {
  const steps = new Uint16Array(bytesOf(of).buffer);
  return Float32Array.from(steps, (step) => (step === 0xffff ? NaN : low + ((high - low) * step) / 0xfffe));
}

class Library {
  constructor(data) {
    this.title = data.title;
    this.count = data.count;
    this.palette = data.palette;
    this.colourBy = data.colour_by;
    this.titles = data.titles;
    this.files = data.files;
    this.folders = { names: data.folders.names, of: indicesOf(data.folders) };
    this.projections = data.projections.map(({ name, note, xy }) => ({ name, note, xy: new Uint16Array(bytesOf(xy).buffer) }));
    this.fields = data.fields.map((field) => ({ ...field, of: field.kind === "range" ? numbersOf(field) : indicesOf(field) }));
    this.regions = data.regions;
    this.seconds = numbersOf(data.seconds);
    this.starts = numbersOf(data.starts);
    this.covers = { names: data.covers.names, of: indicesOf(data.covers) };
    this.excerpts = indicesOf(data.excerpts);
    this.haystacks = null;
  }

  field(key) {
    return this.fields.find((field) => field.key === key);
  }

  /** The word of a track in a field, or "". */
  word(key, track) {
    const field = this.field(key);
    if (!field) return "";
    const value = field.of[track];
    if (field.kind !== "range") return value === NOTHING ? "" : field.names[value];
    return Number.isNaN(value) ? "" : numberText(field, value);
  }

  title_(track) {
    return this.titles[track] || this.files[track] || "Untitled";
  }

  artist(track) {
    return this.word("artist", track);
  }

  /** "Artist – Title", or the title alone. */
  line(track) {
    const artist = this.artist(track);
    return artist ? `${artist} – ${this.title_(track)}` : this.title_(track);
  }

  /** The path beside the page, with "/" between folders; "" if the file cannot be named. */
  path(track) {
    if (!this.files[track]) return "";
    const folder = this.folders.of[track];
    return folder === NOTHING || this.folders.names[folder] === "" ? this.files[track] : `${this.folders.names[folder]}/${this.files[track]}`;
  }

  /** The address of the file, relative to the page. */
  address(track) {
    return addressOf(this.path(track));
  }

  /** The address of the cover, or "". */
  cover(track) {
    const cover = this.covers.of[track];
    if (cover === NOTHING) return "";
    const name = this.covers.names[cover];
    return name.startsWith("data:image/") ? name : addressOf(name);
  }

  /** Every track that holds all words of `text` somewhere: 1 for each that does. */
  search(text) {
    this.haystacks ??= Array.from({ length: this.count }, (_, track) =>
      folded([this.titles[track], ...["artist", "album", "genre"].map((key) => this.word(key, track)), this.titles[track] ? "" : this.files[track]].join("\n")),
    );
    const words = folded(text).split(/\s+/).filter(Boolean);
    return Uint8Array.from(this.haystacks, (hay) => (words.every((word) => hay.includes(word)) ? 1 : 0));
  }
}

function addressOf(path) {
  return path
    .split("/")
    .map((part) => (part === ".." || part === "." ? part : encodeURIComponent(part)))
    .join("/");
}

/** Small letters without their accents. */
function folded(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

function numberText({ digits, unit }, value) {
  const text = value.toFixed(digits).replace("-", "−");
  return unit ? `${text} ${unit}` : text;
}

function minutes(seconds) {
  if (!Number.isFinite(seconds)) return "";
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
