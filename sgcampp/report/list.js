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
  image.truth = truthWords(image);
  image.settings = image.row.maps.map((map) => Object.fromEntries(
    Object.entries(map.across ?? {}).map(([key, value]) => [key, settingText(value)])));
});
/** Keys of settings that a run varied, as in its config's `across`. */
const acrossKeys = [...new Set(images.flatMap((image) => image.settings.flatMap(Object.keys)))];
/** What distinguishes maps in this run: "method", "layer", keys of settings. */
const varying = new Set(acrossKeys);
const isVarying = (key) => varying.has(key);

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
  error: (image, map) => image.row.maps[map]?.relative_se,
};
run.metrics.forEach((name, k) => { VALUES[`metric ${name}`] = (image, map) => image.maps[map]?.worth?.[k]; });

const filters = byId("filters");
const wish = (name) => filters.elements[name].value;

function readFilters() {
  const number = (name) => (wish(name) === "" ? null : Number(wish(name)));
  return {
    text: wish("text").toLowerCase(), class: wish("class"), status: wish("status"),
    label: wish("label"), truth: wish("truth"), strategy: wish("strategy"),
    method: wish("method"), layer: wish("layer"), low: number("low"), high: number("high"),
    most: wish("most") === "" ? null : Number(wish("most")) / 100,
    settings: acrossKeys.map((key) => [key, wish(`across ${key}`)]).filter(([, value]) => value),
  };
}

function rowPasses(image, wanted) {
  if (wanted.text && !image.text.includes(wanted.text)) return false;
  if (wanted.label && image.label !== wanted.label) return false;
  if (wanted.truth && image.truth !== wanted.truth && (wanted.truth !== "wrong" || image.right !== false)) return false;
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
    && (!wanted.layer || map.layer === wanted.layer)
    && wanted.settings.every(([key, value]) => image.settings[number][key] === value)
    && (wanted.status !== "flat" || map.reason !== null)
    && (!wanted.strategy || strategyWords(image.maps[number].strategy) === wanted.strategy)
    && (wanted.most === null || (map.relative_se !== null && map.relative_se <= wanted.most))
    && (wanted.low === null || (map.score !== null && map.score >= wanted.low))
    && (wanted.high === null || (map.score !== null && map.score <= wanted.high));
}

/** Number of the first map of an image that passes; -1: none; 0 for a failed image that passes. */
function passingMap(image, wanted) {
  if (!rowPasses(image, wanted)) return -1;
  if (!image.row.maps.length) {
    const asksForMaps = wanted.class || wanted.method || wanted.layer || wanted.settings.length
      || wanted.strategy || wanted.most !== null || wanted.low !== null || wanted.high !== null || wanted.status === "flat";
    return asksForMaps ? -1 : 0;
  }
  return image.row.maps.findIndex((_, number) => mapPasses(image, number, wanted));
}

/** Sorts what is found, group by group; images without the value come last, either way. */
function sortFound() {
  const value = VALUES[wish("sort")];
  const direction = Number(wish("direction"));
  const rank = groupRanks();
  const keyed = found.map((entry) => ({ entry, value: value(...entry) ?? null, rank: rank(...entry) }));
  keyed.sort((a, b) => {
    if (a.rank !== b.rank) return a.rank - b.rank;
    if (a.value === null || b.value === null) return (a.value === null) - (b.value === null);
    return direction * ((a.value > b.value) - (a.value < b.value));
  });
  found = keyed.map(({ entry }) => entry);
}

function applyFilters(first = 0) {
  const wanted = readFilters();
  found = [];
  for (const image of images) {
    const map = passingMap(image, wanted);
    if (map >= 0) found.push([image, map]);
  }
  sortFound();
  byId("found").textContent = `${grouped(found.length)} of ${grouped(images.length)} images`;
  showPage(first);
}

const pageCount = () => Math.max(1, Math.ceil(found.length / CARDS));

function showPage(wanted) {
  page = Math.min(Math.max(0, wanted), pageCount() - 1);
  const first = page * CARDS;
  byId("cards").replaceChildren(...found.slice(first, first + CARDS).flatMap((entry, i) => [...groupHeading(first + i, i === 0), card(...entry, first + i)]));
  byId("page").value = page + 1;
  byId("page").max = pageCount();
  byId("page-count").textContent = `of ${grouped(pageCount())}`;
  for (const button of byId("pages").querySelectorAll("button")) {
    const back = button.dataset.turn === "first" || button.dataset.turn === "-1";
    button.disabled = back ? page === 0 : page === pageCount() - 1;
  }
  byId("pages").hidden = found.length <= CARDS;
  writeAddress();
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

/** Where a picture is: in the page, if none can link to it. */
const pictureUrl = (path, image) => image.pictures?.[path] ?? (run.pictures === null ? "" : run.pictures + urlOf(path));

/** Path of the picture of a map, or of the panel of all maps of its image. */
function picturePath(row, number) {
  const files = row.maps[number]?.files ?? {};
  return files.overlays ?? files.heatmaps ?? row.files.panels;
}

function thumbnail(image, number) {
  const { row } = image;
  if (row.status === "failed") return make("span", "thumbnail none failed", row.reason ?? "failed");
  const path = picturePath(row, number);
  if (!path) return make("span", "thumbnail none", row.maps.length ? "no picture was written" : "no map");
  const frame = make("span", "thumbnail");
  const picture = make("img");
  picture.loading = "lazy";
  picture.decoding = "async";
  picture.alt = "";
  picture.src = pictureUrl(path, image);
  picture.addEventListener("error", () => frame.replaceWith(make("span", "thumbnail none", "the picture is missing")));
  frame.append(picture);
  return frame;
}

function words(image, number) {
  const { row } = image;
  const block = make("span", "words");
  const map = row.maps[number];
  if (!map) {
    block.append(make("span", "whole", row.error ?? row.note ?? ""), make("span", "key", shown(row.key)));
    return block;
  }
  const figures = [`S ${short(map.score)}`];
  if (wish("sort").startsWith("metric ")) figures.unshift(`${wish("sort").slice(7)} ${short(VALUES[wish("sort")](image, number))}`);
  if (map.nsamples > 1) figures.push(`ess ${short(map.ess)}`);
  if (isNumber(map.relative_se)) figures.push(errorWords(map));
  figures.push(`conc. ${percent(image.maps[number]?.concentration)}`);
  if (row.maps.length > 1) figures.push(`map ${number + 1} of ${row.maps.length}`);
  block.append(
    make("span", "", `${className(map)} ${percent(map.probability)}`),
    make("span", "figures whole", figures.map((figure) => figure.replaceAll(" ", "\u00a0")).join(" · ")),
    ...(image.right === false ? [make("span", "wrong whole", `labelled ${shown(image.label)}`)] : []),
    make("span", "making whole", making(map, isVarying).join(" · ")),
    make("span", "key", shown(row.key)),
  );
  block.lastChild.title = shown(row.key);
  return block;
}

/** Options of a select, each with the number of images that have it, `most` at most; returns how many there are. */
function fillSelect(name, entries, most = Infinity) {
  const counts = new Map();
  for (const image of images) {
    for (const [value, text] of new Map(entries(image))) {
      const known = counts.get(value) ?? { text, count: 0 };
      known.count += 1;
      counts.set(value, known);
    }
  }
  const sorted = [...counts].sort(([, a], [, b]) => b.count - a.count || (a.text > b.text ? 1 : -1)).slice(0, most);
  filters.elements[name].append(...sorted.map(([value, { text, count }]) => option(value, `${text} (${grouped(count)})`)));
  return sorted.length;
}

/** A select for a field of the maps; not shown where all have the same. */
function fillMapSelect(name, valueOf) {
  const count = fillSelect(name, (image) => image.row.maps.map(valueOf).filter(Boolean).map((value) => [value, value]));
  filters.elements[name].parentElement.hidden = count < 2;
  if (count > 1) varying.add(name);
}

/** Selects of what is known of some runs alone: labels, strategies, errors, measurements. */
function addFindings() {
  const optional = (name, entries) => {
    const count = fillSelect(name, entries, 500);
    filters.elements[name].parentElement.hidden = !count;
    return count;
  };
  const groups = [
    ["label", "label", optional("label", ({ label }) => (label === undefined ? [] : [[label, label]]))],
    ["truth", "right or wrong", optional("truth", ({ truth, right }) => (truth ? [[truth, truth], ...(right ? [] : [["wrong", "wrong"]])] : []))],
    ["strategy", "strategy", optional("strategy", ({ maps }) => maps.filter(({ strategy }) => strategy !== undefined).map(({ strategy }) => [strategyWords(strategy), strategyWords(strategy)]))],
  ];
  filters.elements.group.append(...groups.filter(([, , count]) => count).map(([value, words]) => option(value, words)));
  const anyError = images.some(({ row }) => row.maps.some((map) => isNumber(map.relative_se)));
  filters.elements.most.parentElement.hidden = !anyError;
  filters.elements.sort.append(...(anyError ? [option("error", "error ±")] : []), ...run.metrics.map((name) => option(`metric ${name}`, name)));
}

/** A select for each setting that the run varied. */
function addSettingFilters() {
  for (const key of acrossKeys) {
    const label = make("label", "", key);
    const select = make("select");
    select.name = `across ${key}`;
    select.append(option("", "all"));
    label.append(" ", select);
    byId("across").append(label);
    fillSelect(select.name, (image) => image.settings.map((settings) => [settings[key], settings[key]]).filter(([value]) => value));
  }
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
    if (button?.dataset.place) openView(Number(button.dataset.place));
  });
}
