import { LiveMessage } from "./http_live_message.ts";

/** The page that shows all screens live. It takes the messages of `LiveMessage` and connects again when they end. */
export const LIVE_PAGE = `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Scanout</title>
<style>
  body { margin: 0; background: #1d1f21; color: #c5c8c6; font: 14px/20px system-ui, sans-serif; }
  main { display: flex; flex-wrap: wrap; gap: 24px; padding: 16px; }
  header { padding: 12px 16px 0; }
  figure { margin: 0; }
  figcaption { padding-bottom: 4px; }
  figcaption a { color: inherit; }
  .screen { position: relative; overflow: hidden; width: max-content; line-height: 0; outline: 1px solid #444; }
  .cursor { position: absolute; pointer-events: none; }
</style>
<header id="state" role="status">Connecting…</header>
<main id="screens"></main>
<script>
"use strict";
const screens = new Map();
const state = document.getElementById("state");

function make(name, className) {
  const element = document.createElement(name);
  element.className = className;
  return element;
}

function screenOf(id) {
  if (screens.has(id)) return screens.get(id);
  const figure = make("figure", "");
  const caption = make("figcaption", "");
  const frame = make("div", "screen");
  const picture = make("canvas", "picture");
  const cursor = make("canvas", "cursor");
  cursor.hidden = true;
  frame.append(picture, cursor);
  figure.append(caption, frame);
  const screen = { id, figure, caption, picture, cursor };
  screens.set(id, screen);
  return screen;
}

function setSize({ id, figure, caption, picture }, width, height) {
  picture.width = width;
  picture.height = height;
  caption.textContent = "Scanout " + id + ", " + width + " x " + height + " ";
  for (const kind of ["png", "ppm", "json"]) {
    const link = make("a", "");
    link.href = "/scanout/" + id + "." + kind;
    link.textContent = kind;
    caption.append(link, " ");
  }
  const following = [...screens.values()].filter((other) => other.id > id && other.figure.isConnected)
    .sort((a, b) => a.id - b.id)[0];
  if (width === 0) figure.remove();
  else document.getElementById("screens").insertBefore(figure, following ? following.figure : null);
  const count = [...screens.values()].filter((screen) => screen.figure.isConnected).length;
  state.textContent = count === 0 ? "Nothing is shown." : count === 1 ? "1 screen" : count + " screens";
}

function place({ cursor }, x, y) {
  cursor.style.left = x + "px";
  cursor.style.top = y + "px";
}

function take(buffer) {
  const [kind, id, x, y, width, height] = new Int32Array(buffer, 0, 6);
  const screen = screenOf(id);
  const image = () => new ImageData(new Uint8ClampedArray(buffer, 24), width, height);
  if (kind === ${LiveMessage.Size}) setSize(screen, width, height);
  if (kind === ${LiveMessage.Pixels}) screen.picture.getContext("2d").putImageData(image(), x, y);
  if (kind === ${LiveMessage.CursorPlace}) place(screen, x, y);
  if (kind === ${LiveMessage.Cursor}) {
    screen.cursor.hidden = width === 0;
    screen.cursor.width = width;
    screen.cursor.height = height;
    place(screen, x, y);
    if (width > 0) screen.cursor.getContext("2d").putImageData(image(), 0, 0);
  }
}

function connect() {
  const socket = new WebSocket("ws://" + location.host + "/live");
  socket.binaryType = "arraybuffer";
  socket.onopen = () => state.textContent = "Nothing is shown.";
  socket.onmessage = ({ data }) => take(data);
  socket.onclose = () => {
    state.textContent = "Scanout has gone. Trying again…";
    for (const { figure } of screens.values()) figure.remove();
    screens.clear();
    setTimeout(connect, 1000);
  };
}

connect();
</script>
</html>
`;
