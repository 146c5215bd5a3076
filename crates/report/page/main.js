// From the data to the page. A kind of block is one function.

const BLOCKS = {
  note: noteBlock,
  facts: factsBlock,
  table: tableBlock,
  charts: chartsBlock,
  heat_maps: heatMapsBlock,
  choice: choiceBlock,
  player: playerBlock,
  ladder: ladderBlock,
};

function blockElement(block) {
  const known = BLOCKS[block.kind];
  return known ? known(block) : noteBlock({ text: `This page cannot show “${block.kind}”.`, warning: true });
}

function sectionElement({ id, title, intro, blocks }) {
  const paragraphs = intro.map((text) => make("p", {}, text));
  return make("section", { "aria-labelledby": `${id}-title`, id }, make("h2", { id: `${id}-title` }, title), ...paragraphs, ...blocks.map(blockElement));
}

function madeText({ written_unix_s: seconds }) {
  return seconds ? `Measured ${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC` : "";
}

const page = JSON.parse(document.getElementById("data").textContent);
document.getElementById("title").textContent = page.title;
document.getElementById("made").textContent = madeText(page);
document.getElementById("sections").append(...page.sections.map(sectionElement));
const links = page.sections.map(({ id, title }) => make("li", {}, make("a", { href: `#${id}` }, title)));
document.getElementById("contents").append(make("ul", {}, ...links));
later(async () => {}); // nothing to draw is drawn, too
