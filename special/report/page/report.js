"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const find = (id) => document.getElementById(id);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const root = document.documentElement, canvas = find("canvas"), split = find("split"), pixel = find("pixel");
  const paint = canvas.getContext("2d");
  const FADED = 34, MOST_PER_PIXEL = 64, STEP = 1.5; // alpha of classes that were not asked for; screen pixels; of a zoom
  const TALLEST = 0.72, LOWEST = 240; // of the window's height, and in pixels
  root.classList.add("scripted");

  // What is shown. x, y: the place of the picture at the top left of a pane; scale: screen pixels of a pixel of it.
  const view = { mode: "side", scene: "scene-0", layer: "map", x: 0, y: 0, scale: 1 };
  const picked = new Set();
  const layers = {}; // key -> {picture: canvas, values: Uint8ClampedArray of RGBA, as they were}
  let size = { wide: 1, high: 1 }, hovered = null;

  const named = (list) => new Map(list.map((colour, index) => [Number.parseInt(colour.slice(1), 16), index]));
  const classes = named(data.colours), levels = named(data.levels);

  function load(key) {
    const image = find(key === "map" || key === "confidence" ? `layer-${key}` : key);
    const ready = () => {
      const picture = document.createElement("canvas");
      picture.width = image.naturalWidth;
      picture.height = image.naturalHeight;
      const context = picture.getContext("2d", { willReadFrequently: true });
      context.drawImage(image, 0, 0);
      layers[key] = { picture, context, values: context.getImageData(0, 0, picture.width, picture.height).data };
      if (key === "scene-0") {
        size = { wide: picture.width, high: picture.height };
        resize();
      }
      draw();
    };
    if (image.complete) ready(); else image.addEventListener("load", ready);
  }

  /** The panes of the canvas: where on it, and what they show. Side by side lies one above the other where it is narrow. */
  function panes() {
    const wide = canvas.clientWidth, high = canvas.clientHeight, gap = 6;
    if (view.mode === "swipe") return [{ left: 0, top: 0, wide, high }];
    if (stacked()) {
      const half = (high - gap) / 2;
      return [{ left: 0, top: 0, wide, high: half }, { left: 0, top: half + gap, wide, high: half }];
    }
    const half = (wide - gap) / 2;
    return [{ left: 0, top: 0, wide: half, high }, { left: half + gap, top: 0, wide: half, high }];
  }

  function stacked() {
    const ratio = size.wide / size.high;
    return canvas.clientWidth < 560 ? ratio > 0.8 : ratio > 2.4;
  }

  const fitting = () => { const [pane] = panes(); return Math.min(pane.wide / size.wide, pane.high / size.high); };

  function resize() {
    const wide = canvas.clientWidth, ratio = size.high / size.wide;
    const wanted = view.mode === "swipe" ? wide * ratio : stacked() ? 2 * wide * ratio + 6 : (wide / 2) * ratio;
    const high = Math.round(Math.min(Math.max(wanted, Math.min(LOWEST, wide)), innerHeight * TALLEST * (stacked() && view.mode === "side" ? 1.25 : 1)));
    canvas.style.height = `${high}px`;
    canvas.width = Math.round(wide * devicePixelRatio);
    canvas.height = Math.round(high * devicePixelRatio);
    fit();
  }

  function fit() {
    const [pane] = panes();
    view.scale = fitting();
    view.x = (size.wide - pane.wide / view.scale) / 2;
    view.y = (size.high - pane.high / view.scale) / 2;
    draw();
  }

  /** Keeps the picture in sight: centred where it is smaller than its pane, else without a margin. */
  function hold() {
    const [pane] = panes();
    const shown = { wide: pane.wide / view.scale, high: pane.high / view.scale };
    const within = (at, whole, part) => (part >= whole ? (whole - part) / 2 : Math.min(Math.max(at, 0), whole - part));
    view.x = within(view.x, size.wide, shown.wide);
    view.y = within(view.y, size.high, shown.high);
  }

  function zoom(factor, at) {
    const [pane] = panes();
    const point = at ?? { x: pane.wide / 2, y: pane.high / 2 };
    const scale = Math.min(Math.max(view.scale * factor, fitting()), Math.max(MOST_PER_PIXEL, fitting()));
    view.x += point.x / view.scale - point.x / scale;
    view.y += point.y / view.scale - point.y / scale;
    view.scale = scale;
    hold();
    draw();
  }

  function move(x, y) {
    view.x += x / view.scale;
    view.y += y / view.scale;
    hold();
    draw();
  }

  function lay(key, pane, clip) {
    const layer = layers[key];
    if (!layer) return;
    paint.save();
    paint.beginPath();
    paint.rect(clip.left, clip.top, clip.wide, clip.high);
    paint.clip();
    paint.imageSmoothingEnabled = key.startsWith("scene") && view.scale * devicePixelRatio < 1; // classes have no mean
    // A map that would not be packed small enough has larger pixels than the scene.
    paint.drawImage(layer.picture, pane.left - view.x * view.scale, pane.top - view.y * view.scale, size.wide * view.scale, size.high * view.scale);
    paint.restore();
  }

  function draw() {
    paint.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    paint.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    const [one, other] = panes();
    if (view.mode === "swipe") {
      const at = (one.wide * split.value) / 100;
      lay(view.scene, one, { ...one, wide: at });
      lay(view.layer, one, { ...one, left: at, wide: one.wide - at });
      paint.fillStyle = "#000000a0";
      paint.fillRect(at - 1.5, 0, 3, one.high);
      paint.fillStyle = "#ffffff";
      paint.fillRect(at - 0.5, 0, 1, one.high);
    } else {
      lay(view.scene, one, one);
      lay(view.layer, other, other);
    }
    if (hovered) panes().forEach(mark);
    canvas.classList.toggle("zoomed", view.scale > fitting() * 1.001);
    find("out").disabled = view.scale <= fitting() * 1.001;
  }

  /** Frames the pixel under the pointer in every pane, so that the same place is found in the other one. */
  function mark(pane) {
    const side = Math.max(view.scale, 7), middle = view.scale / 2;
    const left = pane.left + (hovered.col - view.x) * view.scale + middle - side / 2;
    const top = pane.top + (hovered.row - view.y) * view.scale + middle - side / 2;
    paint.save();
    paint.beginPath();
    paint.rect(pane.left, pane.top, pane.wide, pane.high);
    paint.clip();
    for (const [width, colour] of [[3, "#000000b0"], [1.2, "#ffffff"]]) {
      paint.lineWidth = width;
      paint.strokeStyle = colour;
      paint.strokeRect(left, top, side, side);
    }
    paint.restore();
  }

  /** The pane that a point of the canvas lies in, the place in it, and the pixel of the pictures there, if any. */
  function locate(event) {
    const box = canvas.getBoundingClientRect();
    const x = event.clientX - box.left, y = event.clientY - box.top;
    const pane = panes().find((one) => x >= one.left && x < one.left + one.wide && y >= one.top && y < one.top + one.high);
    if (!pane) return null;
    const at = { x: x - pane.left, y: y - pane.top };
    const col = Math.floor(view.x + at.x / view.scale), row = Math.floor(view.y + at.y / view.scale);
    return { at, col, row, inside: col >= 0 && row >= 0 && col < size.wide && row < size.high };
  }

  /** The pixel in the middle of the first pane: what is under the pointer of those who use keys. */
  function middle() {
    const [pane] = panes();
    const col = Math.floor(view.x + pane.wide / 2 / view.scale), row = Math.floor(view.y + pane.high / 2 / view.scale);
    return { col, row, inside: true };
  }

  /** What a picture has at a pixel of the scene's picture, as an index; undefined where it is clear. */
  function read(key, found, place) {
    const layer = layers[key];
    if (!layer) return undefined;
    const col = Math.min(Math.floor((place.col * layer.picture.width) / size.wide), layer.picture.width - 1);
    const row = Math.min(Math.floor((place.row * layer.picture.height) / size.high), layer.picture.height - 1);
    const at = 4 * (row * layer.picture.width + col);
    if (!layer.values[at + 3]) return undefined;
    return found.get((layer.values[at] << 16) | (layer.values[at + 1] << 8) | layer.values[at + 2]);
  }

  function tell(place) {
    hovered = place?.inside ? place : null;
    if (!hovered) return;
    const index = read("map", classes, hovered), level = read("confidence", levels, hovered);
    const name = index === undefined ? data.unmapped : data.names[index];
    const sure = level === undefined ? "" : `, confidence ${(level / (data.levels.length - 1)).toFixed(2)}`;
    pixel.textContent = `Row ${hovered.row * data.side}, column ${hovered.col * data.side}: ${name}${sure}`;
  }

  /** Shows the classes that are picked, and the others faintly. */
  function pick() {
    const layer = layers.map;
    if (layer) {
      const shown = new ImageData(new Uint8ClampedArray(layer.values), layer.picture.width);
      if (picked.size) {
        for (let i = 0; i < shown.data.length; i += 4) {
          const index = classes.get((shown.data[i] << 16) | (shown.data[i + 1] << 8) | shown.data[i + 2]);
          if (shown.data[i + 3] && !picked.has(index)) shown.data[i + 3] = FADED;
        }
      }
      layer.context.putImageData(shown, 0, 0);
    }
    all("button.class").forEach((button) => button.setAttribute("aria-pressed", String(picked.has(Number(button.dataset.index)))));
    draw();
  }

  all("button.class").forEach((button) => button.addEventListener("click", () => {
    const index = Number(button.dataset.index);
    if (!picked.delete(index)) picked.add(index);
    choose("layer", "map");
    pick();
  }));

  function choose(name, value) {
    view[name] = value;
    const input = document.querySelector(`input[name="${name}"][value="${value}"]`);
    if (input) input.checked = true;
    split.classList.toggle("hidden-mode", view.mode !== "swipe");
    find("scale").classList.toggle("unused", view.layer !== "confidence");
    if (name === "mode") resize(); else draw();
  }

  for (const name of ["mode", "scene", "layer"]) {
    all(`input[name="${name}"]`).forEach((input) => input.addEventListener("change", () => choose(name, input.value)));
  }
  split.addEventListener("input", draw);
  find("in").addEventListener("click", () => zoom(STEP));
  find("out").addEventListener("click", () => zoom(1 / STEP));
  find("fit").addEventListener("click", fit);

  const pointers = new Map(); // those that are down: one drags, or moves the line; two pinch
  let sliding = false;
  const distance = () => { const [a, b] = [...pointers.values()]; return Math.hypot(a.x - b.x, a.y - b.y); };

  canvas.addEventListener("pointerdown", (event) => {
    const place = locate(event), [pane] = panes();
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    sliding = view.mode === "swipe" && Boolean(place) && Math.abs(place.at.x - (pane.wide * split.value) / 100) < 14;
    canvas.classList.toggle("grabbed", !sliding && pointers.size === 1);
    tell(place);
    draw();
  });
  canvas.addEventListener("pointermove", (event) => {
    const last = pointers.get(event.pointerId), [pane] = panes();
    if (last && pointers.size === 2) {
      const before = distance();
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (before) zoom(distance() / before, locate(event)?.at);
      return;
    }
    if (last && sliding) {
      split.value = (100 * (event.clientX - canvas.getBoundingClientRect().left)) / pane.wide;
    } else if (last) {
      move(last.x - event.clientX, last.y - event.clientY);
    }
    if (last) pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    tell(locate(event));
    draw();
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(kind, (event) => {
      pointers.delete(event.pointerId);
      sliding = false;
      canvas.classList.remove("grabbed");
    });
  }
  canvas.addEventListener("pointerleave", () => { hovered = null; draw(); });
  canvas.addEventListener("dblclick", (event) => zoom(STEP * STEP, locate(event)?.at));
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey && document.activeElement !== canvas) return; // else the page could not be scrolled
    event.preventDefault();
    zoom(2 ** (-event.deltaY / 300), locate(event)?.at);
    tell(locate(event));
    draw();
  }, { passive: false });

  const KEYS = {
    "+": () => zoom(STEP), "=": () => zoom(STEP), "-": () => zoom(1 / STEP), "0": fit,
    ArrowLeft: () => move(-60, 0), ArrowRight: () => move(60, 0), ArrowUp: () => move(0, -60), ArrowDown: () => move(0, 60),
  };
  canvas.addEventListener("keydown", (event) => {
    if (!KEYS[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    KEYS[event.key]();
    tell(middle());
    draw();
  });

  const theme = find("theme"), system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  function dress() {
    theme.querySelector("span").textContent = isDark() ? "Light" : "Dark";
  }
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    dress();
  });
  system.addEventListener("change", dress);
  dress();

  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return; // the bars of a phone come and go
    width = innerWidth;
    resize();
  });
  choose("mode", canvas.clientWidth < 560 ? "swipe" : "side");
  choose("layer", "map");
  all(".stills img").forEach((image) => load(image.id.replace("layer-", "")));
})();
