// The page that shows both elements: files that are opened, dropped or made are played.

import "./encoder.js";
import "./player.js";

const player = document.querySelector("melisma-player");
const input = document.getElementById("files");

function playAll([first, ...rest]) {
  if (!first) return;
  player.load(first);
  player.queue = rest;
  player.play();
}

document.getElementById("open").onclick = () => input.click();
input.onchange = () => playAll([...input.files]);
document.ondragover = (event) => event.preventDefault();
document.ondrop = (event) => {
  event.preventDefault();
  playAll([...event.dataTransfer.files].filter(({ name }) => name.endsWith(".mlsm")));
};
document.querySelector("melisma-encoder").addEventListener("encoded", ({ detail }) => {
  if (player.paused) player.load(new File([detail.blob], detail.name));
});
const asked = new URLSearchParams(location.search).get("src");
if (asked) player.src = asked;
