// The list: which images pass the filters, in which order, and the cards of one page.

const CARDS = 48;
const run = JSON.parse(byId("run").textContent);
/** One entry an image: {row, maps: facts by map, there}. */
const images = byId("lines").textContent.split("\n").filter(Boolean).map((line) => JSON.parse(line));
byId("lines").remove();
images.forEach((image, order) => {
  image.order = order;
  image.text = image.row.key.toLowerCase();
  image.classes = image.row.maps.map(classIdentity);
});

/** What is listed: [image, number of the map it is listed for], the first that passes. */
let found = [];
let page = 0;

const VALUES = {
  order: (image) => image.order,
  name: (image) => image.row.key,
  score: (image, map) => image.row.maps[map]?.score,
  probability: (image, map) => image.row.maps[map]?.probability,
  ess: (image, map) => image.row.maps[map]?.ess,
  concentration: (image, map) => image.maps[map]?.concentration,
};

const filters = byId("filters");
const wish = (name) => filters.elements[name].value;

function readFilters() {
  const number = (name) => (wish(name) === "" ? null : Number(wish(name)));
  return {
    text: wish("text").toLowerCase(), class: wish("class"), status: wish("status"),
    method: wish("method"), low: number("low"), high: number("high"),
  };
}

function rowPasses(image, wanted) {
  if (wanted.text && !image.text.includes(wanted.text)) return false;
  if (!wanted.status) return true;
  if (wanted.status.startsWith("failed")) {
    const reason = wanted.status.slice("failed ".length);
    return image.row.status === "failed" && (!reason || image.row.reason === reason);
  }
  return image.row.status === "ok";
}

function mapPasses(image, number, wanted) {
  const map = image.row.maps[number];
  return (!wanted.class || image.classes[number] === wanted.class)
    && (!wanted.method || map.method === wanted.method)
    && (wanted.status !== "flat" || map.reason !== null)
    && (wanted.low === null || (map.score !== null && map.score >= wanted.low))
    && (wanted.high === null || (map.score !== null && map.score <= wanted.high));
}

/** Number of the first map of an image that passes; -1: none; 0 for a failed image that passes. */
function passingMap(image, wanted) {
  if (!rowPasses(image, wanted)) return -1;
  if (!image.row.maps.length) {
    const asksForMaps = wanted.class || wanted.method || wanted.low !== null || wanted.high !== null;
    return asksForMaps || wanted.status === "flat" ? -1 : 0;
  }
  return image.row.maps.findIndex((_, number) => mapPasses(image, number, wanted));
}

/** Sorts what is found; images without the value come last, either way. */
function sortFound() {
  const value = VALUES[wish("sort")];
  const direction = Number(wish("direction"));
  const keyed = found.map((entry) => ({ entry, value: value(...entry) ?? null }));
  keyed.sort((a, b) => {
    if (a.value === null || b.value === null) return (a.value === null) - (b.value === null);
    return direction * ((a.value > b.value) - (a.value < b.value));
  });
  found = keyed.map(({ entry }) => entry);
}

function applyFilters() {
  const wanted = readFilters();
  found = [];
  for (const image of images) {
    const map = passingMap(image, wanted);
    if (map >= 0) found.push([image, map]);
  }
  sortFound();
  byId("found").textContent = `${grouped(found.length)} of ${grouped(images.length)} images`;
  showPage(0);
}

const pageCount = () => Math.max(1, Math.ceil(found.length / CARDS));

function showPage(wanted) {
  page = Math.min(Math.max(0, wanted), pageCount() - 1);
  const first = page * CARDS;
  byId("cards").replaceChildren(...found.slice(first, first + CARDS).map((entry, i) => card(...entry, first + i)));
  byId("page").value = page + 1;
  byId("page").max = pageCount();
  byId("page-count").textContent = `of ${grouped(pageCount())}`;
  for (const button of byId("pages").querySelectorAll("button")) {
    const back = button.dataset.turn === "first" || button.dataset.turn === "-1";
    button.disabled = back ? page === 0 : page === pageCount() - 1;
  }
  byId("pages").hidden = found.length <= CARDS;
}

function card(image, number, place) {
  const item = make("li");
  const button = make("button");
  button.type = "button";
  button.dataset.place = place;
  button.append(thumbnail(image, number), words(image, number));
  item.append(button);
  return item;
}

const pictureUrl = (path) => run.pictures + urlOf(path);

function thumbnail(image, number) {
  const { row } = image;
  if (row.status === "failed") return make("span", "thumbnail none failed", row.reason ?? "failed");
  const files = row.maps[number]?.files ?? {};
  const path = files.overlays ?? files.heatmaps;
  if (!path) return make("span", "thumbnail none", "no picture was written");
  const frame = make("span", "thumbnail");
  const picture = make("img");
  picture.loading = "lazy";
  picture.decoding = "async";
  picture.alt = "";
  picture.src = pictureUrl(path);
  picture.addEventListener("error", () => frame.replaceWith(make("span", "thumbnail none", "the picture is missing")));
  frame.append(picture);
  return frame;
}

function words(image, number) {
  const { row } = image;
  const block = make("span", "words");
  const map = row.maps[number];
  if (!map) {
    block.append(make("span", "whole", row.error ?? ""), make("span", "key", shown(row.key)));
    return block;
  }
  const figures = [`S ${short(map.score)}`];
  if (run.passes > 1) figures.push(`ess ${short(map.ess)}`);
  figures.push(`conc. ${percent(image.maps[number]?.concentration)}`);
  if (row.maps.length > 1) figures.push(`map ${number + 1} of ${row.maps.length}`);
  block.append(
    make("span", "", `${className(map)} ${percent(map.probability)}`),
    make("span", "figures whole", figures.map((figure) => figure.replaceAll(" ", "\u00a0")).join(" · ")),
    make("span", "key", shown(row.key)),
  );
  block.lastChild.title = shown(row.key);
  return block;
}

/** Options of a select, each with the number of images that have it. */
function fillSelect(name, entries) {
  const counts = new Map();
  for (const image of images) {
    for (const [value, text] of new Map(entries(image))) {
      const known = counts.get(value) ?? { text, count: 0 };
      known.count += 1;
      counts.set(value, known);
    }
  }
  const sorted = [...counts].sort(([, a], [, b]) => b.count - a.count || (a.text > b.text ? 1 : -1));
  filters.elements[name].append(...sorted.map(([value, { text, count }]) => option(value, `${text} (${grouped(count)})`)));
}

function listenToList() {
  filters.addEventListener("input", ({ target }) => target.matches("input") && applyFilters());
  filters.addEventListener("change", ({ target }) => target.matches("select") && applyFilters());
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("reset", () => setTimeout(applyFilters));
  document.querySelector(".summary").addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    filters.reset();
    for (const name of ["class", "status"]) {
      if (name in button.dataset) filters.elements[name].value = button.dataset[name];
    }
    applyFilters();
    byId("found").scrollIntoView({ block: "start" });
  });
  byId("pages").addEventListener("click", ({ target }) => {
    const { turn } = target.dataset;
    if (turn) showPage({ first: 0, last: pageCount() - 1 }[turn] ?? page + Number(turn));
  });
  byId("page").addEventListener("change", ({ target }) => showPage(Number(target.value) - 1));
  byId("cards").addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button) openView(Number(button.dataset.place));
  });
}
