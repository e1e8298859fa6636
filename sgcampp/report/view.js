// The large view: pictures over each other, the value under the pointer, the row, the command.

const view = byId("view");
const stage = byId("stage");
const layers = byId("layers");
/** The number of the panel of all maps, where the number of a map is asked for. */
const PANEL = -1;
/** What is looked at: place in `found`, image, number of the map, its values, the neuron [i, j]. */
const now = { place: 0, image: null, number: 0, values: null, neuron: null };

function openView(place) {
  now.place = place;
  [now.image, now.number] = found[place];
  if (!view.open) view.showModal();
  const { row } = now.image;
  byId("view-name").textContent = shown(row.key);
  byId("view-place").textContent = `${grouped(place + 1)} of ${grouped(found.length)}`;
  byId("previous").disabled = place === 0;
  byId("next").disabled = place === found.length - 1;
  byId("failure").hidden = row.status === "ok";
  byId("failure").textContent = `Failed (${row.reason ?? "no reason"}): ${row.error ?? ""}`;
  const numbers = mapNumbers(row);
  byId("pictures").hidden = !numbers.length;
  byId("map").replaceChildren(...numbers.map((number) => option(number, mapTitle(row, number))));
  byId("map-label").hidden = numbers.length < 2;
  showStrip(numbers);
  showCommand();
  showMap(row.files.panels && !isDrawn(now.number) ? PANEL : now.number);
}

/** Numbers of what can be looked at: all maps, and the panel if there is one. */
const mapNumbers = (row) => [...row.maps.keys(), ...(row.files.panels ? [PANEL] : [])];

/** Whether a map has a picture of its own, or values to draw one. */
function isDrawn(number) {
  const { files } = now.image.row.maps[number] ?? { files: {} };
  return Boolean(files.overlays ?? files.heatmaps ?? now.image.maps[number]?.raw);
}

function mapWords(map, wanted) {
  const parts = [className(map), ...making(map, wanted)];
  if (map.filters) parts.push(`feature map${map.filters.length > 1 ? "s" : ""} ${map.filters.join(", ")}`);
  return parts.join(" · ");
}

function mapTitle(row, number) {
  return number === PANEL ? "Panel of all maps" : `${number + 1}. ${mapWords(row.maps[number])}`;
}

/** Small pictures of all maps, to choose from and to compare; none for a single one. */
function showStrip(numbers) {
  const pictured = numbers.filter((number) => picturePath(now.image.row, number) && (number === PANEL || isDrawn(number)));
  byId("strip").hidden = pictured.length < 2;
  byId("strip").replaceChildren(...(pictured.length < 2 ? [] : pictured.map(stripItem)));
}

function stripItem(number) {
  const { row } = now.image;
  const item = make("li");
  const button = make("button");
  const picture = make("img");
  Object.assign(picture, { alt: "", loading: "lazy", src: pictureUrl(picturePath(row, number), now.image) });
  Object.assign(button, { type: "button", value: number });
  button.append(picture, make("span", "", number === PANEL ? "Panel of all maps" : mapWords(row.maps[number], isVarying)));
  item.append(button);
  return item;
}

function showMap(number) {
  now.number = number;
  now.neuron = null;
  const { row, maps } = now.image;
  const map = row.maps[number];
  now.values = unpacked(maps[number]);
  byId("map").value = number;
  byId("neuron").hidden = true;
  byId("value").textContent = "";
  byId("what").textContent = map ? mapWords(map) : "";
  for (const button of byId("strip").querySelectorAll("button")) button.setAttribute("aria-pressed", Number(button.value) === number);
  showRow(row, map, maps[number]);
  byId("files").replaceChildren(...fileLinks({ ...row.files, ...map?.files }));
  if (map || number === PANEL) showPictures(row, number);
}

const FILE_WORDS = { arrays: "array (.npy)", errors: "error (.npy)", error_heatmaps: "error", heatmaps: "heatmap", overlays: "overlay", panels: "panel" };

function fileLinks(files) {
  return Object.entries(files).map(([kind, path]) => {
    const link = make("a", "", FILE_WORDS[kind] ?? kind);
    link.href = pictureUrl(path, now.image);
    return link;
  });
}

// ---- pictures

function showPictures(row, number) {
  const files = isDrawn(number) ? row.maps[number].files : row.files;
  const above = files.overlays ?? files.heatmaps ?? files.panels;
  const beneath = [];
  if (now.image.there && number !== PANEL) beneath.push(["photograph", run.images + urlOf(row.key)]);
  if (files.overlays && files.heatmaps && run.pictures !== null) beneath.push(["heatmap", pictureUrl(files.heatmaps, now.image)]);
  byId("beneath").replaceChildren(...beneath.map(([name, url]) => option(url, name)));
  layers.classList.toggle("grid", !above);
  byId("above").src = above ? pictureUrl(above, now.image) : drawnMap();
  const what = number === PANEL ? "Panel of all maps" : `${files.overlays ? "Overlay" : "Map"} of ${mapWords(row.maps[number])}`;
  byId("above").alt = `${what} on ${shown(row.key)}`;
  byId("opacity-label").firstChild.textContent = `Opacity of the ${files.overlays ? "overlay" : "heatmap"} `;
  showBeneath();
}

/** The map in greys, a pixel a neuron, for runs that wrote arrays alone; of a signed one 0 is the middle grey. */
function drawnMap() {
  if (!now.values) return "";
  const [height, width] = now.image.maps[now.number].shape;
  const canvas = make("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  const peak = highest(now.values) || 1;
  const signed = now.image.row.maps[now.number].signed;
  const grey = (value) => (signed ? 127.5 * (1 + value / peak) : (255 * value) / peak);
  now.values.forEach((value, k) => pixels.data.set([...Array(3).fill(grey(value)), 255], 4 * k));
  context.putImageData(pixels, 0, 0);
  return canvas.toDataURL();
}

function showBeneath() {
  const url = byId("beneath").value;
  byId("below").hidden = !url;
  if (url) byId("below").src = url;
  byId("opacity").disabled = !url;
  byId("beneath-label").hidden = byId("beneath").options.length < 2;
  slide();
}

function slide() {
  byId("above").style.opacity = byId("below").hidden ? 1 : byId("opacity").value / 100;
}

/** A photograph that can't be shown (moved, or a format browsers don't know) makes way. */
function dropBeneath() {
  const select = byId("beneath");
  if (select.selectedIndex < 0) return;
  select.options[select.selectedIndex].remove();
  showBeneath();
}

/** Fits the picture into the stage, or gives it its own size. */
function fit() {
  const { naturalWidth: width, naturalHeight: height } = byId("above");
  if (!width) return;
  const scale = Math.min(stage.clientWidth / width, stage.clientHeight / height);
  const factor = byId("full").checked ? 1 : scale;
  layers.style.width = `${width * factor}px`;
  layers.style.height = `${height * factor}px`;
  placeNeuron();
}

// ---- the value under the pointer

/** The rectangle [top, left, height, width] that the map covers, in pixels of the picture. */
function covered() {
  const { naturalWidth, naturalHeight } = byId("above");
  return layers.classList.contains("grid") ? [0, 0, naturalHeight, naturalWidth] : now.image.row.view;
}

function why() {
  if (now.number === PANEL) return "Choose a map for its raw values.";
  const facts = now.image.maps[now.number];
  if (facts.left_out) return "The raw values of this map are left out, as the page would grow too large; its array has them.";
  if (facts.unread) return `The array could not be read when the report was made: ${facts.unread}`;
  if (!facts.raw) return "This run wrote no arrays, so raw values are not known.";
  return "This row does not say which part of the image the map covers, so no place can be read off.";
}

function pointAt(event) {
  const box = layers.getBoundingClientRect();
  const { naturalWidth, naturalHeight } = byId("above");
  if (!now.values || !covered()) return tell(null, why());
  const [top, left, height, width] = covered();
  const [rows, columns] = now.image.maps[now.number].shape;
  const x = ((event.clientX - box.left) / box.width) * naturalWidth;
  const y = ((event.clientY - box.top) / box.height) * naturalHeight;
  const i = Math.floor(((y - top) / height) * rows);
  const j = Math.floor(((x - left) / width) * columns);
  if (i < 0 || j < 0 || i >= rows || j >= columns) return tell(null, "The model did not see this part of the image.");
  return tell([i, j]);
}

function step(down, right) {
  if (!now.values) return tell(null, why());
  const [rows, columns] = now.image.maps[now.number].shape;
  const [i, j] = now.neuron ?? [Math.floor(rows / 2) - down, Math.floor(columns / 2) - right];
  return tell([Math.min(rows - 1, Math.max(0, i + down)), Math.min(columns - 1, Math.max(0, j + right))]);
}

function tell(neuron, sentence) {
  now.neuron = neuron;
  placeNeuron();
  byId("value").textContent = neuron ? valueWords(...neuron) : sentence;
}

function valueWords(i, j) {
  const facts = now.image.maps[now.number];
  const value = now.values[i * facts.shape[1] + j];
  const peak = highest(now.values);
  const share = peak > 0 ? `, ${percent(value / peak)} of the map's maximum` : "";
  const digits = facts.peak === undefined ? 7 : 5;
  const place = now.image.row.maps[now.number].layer === "input" ? "pixel" : "neuron";
  return `Raw value ${Number(value.toPrecision(digits))} at ${place} (${i}, ${j})${share}`;
}

function placeNeuron() {
  const box = byId("neuron");
  box.hidden = !now.neuron || !covered();
  if (box.hidden) return;
  const [top, left, height, width] = covered();
  const [rows, columns] = now.image.maps[now.number].shape;
  const [i, j] = now.neuron;
  const { naturalWidth, naturalHeight } = byId("above");
  box.style.top = `${(100 * (top + (i * height) / rows)) / naturalHeight}%`;
  box.style.left = `${(100 * (left + (j * width) / columns)) / naturalWidth}%`;
  box.style.height = `${(100 * height) / rows / naturalHeight}%`;
  box.style.width = `${(100 * width) / columns / naturalWidth}%`;
}

const highest = (values) => values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);

// ---- the row and the command

function showRow(row, map, facts) {
  const { maps, ...ofImage } = row;
  const ofMap = map ? { ...map, concentration: facts?.concentration } : {};
  const isSaid = (value) => value !== null && value !== undefined && !(typeof value === "object" && !Object.keys(value).length);
  const known = (values) => Object.entries(values).filter(([, value]) => isSaid(value)).map(tableRow);
  const heading = make("tr", "part");
  heading.append(make("th", "", `Map ${now.number + 1} of ${maps.length}`));
  byId("row").replaceChildren(...known(ofImage), ...(map ? [heading, ...known(ofMap)] : []));
}

function tableRow([name, value]) {
  const line = make("tr");
  const heading = make("th", "", name);
  heading.scope = "row";
  line.append(heading, make("td", "", valueText(name, value)));
  return line;
}

function valueText(name, value) {
  if (name === "finished") return new Date(1000 * value).toISOString();
  if (name === "mtime_ns") return new Date(value / 1e6).toISOString(); // numbers lose the last nanoseconds
  if (typeof value === "string") return shown(value);
  if (Array.isArray(value)) return `[${value.map((item) => Number(item.toPrecision(7))).join(", ")}]`;
  if (typeof value === "object") return Object.entries(value).map(([key, item]) => `${key}: ${settingText(item)}`).join("\n");
  return String(value);
}

function showCommand() {
  const { row, there } = now.image;
  const base = run.base === "/" ? "" : run.base;
  const path = there ? `${base}/${row.key}` : `./${row.key}`;
  const target = run.target_file ? ["--target", targetText(row)] : [];
  const words = ["sgcampp", "explain", "--config", `${run.out}/run.yaml`, ...target, "--batch-size", String(run.batch), path, "-o", "again"];
  byId("command").textContent = words.map(shellWord).join(" ");
  const where = "Run it where the run was started, if its settings name files relatively.";
  const gone = "The image was not found, unchanged, when this report was made; its path is as below the run's sources. ";
  byId("command-note").textContent = (there ? "" : gone) + where;
}

/** The classes that a file named for an image, as a flag takes them: alone, the image has another key. */
function targetText(row) {
  const each = (map) => (isContrast(map) ? `${map.class_idx}-vs-${map.against_idx}` : String(map.class_idx));
  return [...new Set(row.maps.map(each))].join(",") || "argmax";
}

function copyCommand() {
  const range = document.createRange();
  range.selectNodeContents(byId("command"));
  getSelection().removeAllRanges();
  getSelection().addRange(range);
  byId("copy").textContent = document.execCommand("copy") ? "Copied" : "Selected";
  setTimeout(() => { byId("copy").textContent = "Copy"; }, 1500);
}

// ---- keys

const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

function pressed(event) {
  const arrow = ARROWS[event.key];
  if (!arrow || event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input, select, code")) return;
  if (event.target === stage) {
    event.preventDefault();
    step(...arrow);
  } else if (arrow[1]) {
    event.preventDefault();
    turn(arrow[1]);
  }
}

function turn(by) {
  const place = now.place + by;
  if (place >= 0 && place < found.length) openView(place);
}

/** Back to the card of what was looked at last, on whichever page it is. */
function backToList() {
  const wanted = Math.floor(now.place / CARDS);
  if (wanted !== page) showPage(wanted);
  byId("cards").querySelector(`[data-place="${now.place}"]`)?.focus();
}

function listenToView() {
  view.addEventListener("keydown", pressed);
  view.addEventListener("close", backToList);
  byId("close").addEventListener("click", () => view.close());
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  byId("map").addEventListener("change", ({ target }) => showMap(Number(target.value)));
  byId("strip").addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button) showMap(Number(button.value));
  });
  byId("beneath").addEventListener("change", showBeneath);
  byId("opacity").addEventListener("input", slide);
  byId("full").addEventListener("change", fit);
  byId("copy").addEventListener("click", copyCommand);
  byId("above").addEventListener("load", fit);
  byId("below").addEventListener("error", dropBeneath);
  layers.addEventListener("pointermove", pointAt);
  layers.addEventListener("pointerdown", pointAt);
  new ResizeObserver(fit).observe(stage);
}

// ---- start

fillSelect("class", (image) => image.row.maps.map((map, i) => [image.classes[i], className(map)]));
fillMapSelect("method", (map) => map.method);
fillMapSelect("layer", (map) => map.layer);
addSettingFilters();
fillSelect("status", (image) => (image.row.status === "failed" ? [["failed", "failed, any reason"], [`failed ${image.row.reason ?? ""}`, `failed: ${image.row.reason ?? "no reason"}`]] : []));
listenToList();
listenToView();
applyFilters();
