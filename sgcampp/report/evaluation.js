// The lists of images where one series is most better and most worse than another.

const data = JSON.parse(byId("data").textContent);
const form = byId("choice");

const figure = (value) => String(Number(value.toPrecision(4))).replace("-", "\u2212");

/** Where a picture is: in the page, if none can link to it. */
const pictureUrl = (path) => data.inlined[path] ?? (data.pictures === null ? "" : data.pictures + urlOf(path));

function picture(path, words) {
  const box = make("span", "picture");
  if (!path) {
    box.append(make("span", "none", "no picture was written"));
  } else {
    const image = make("img");
    image.loading = "lazy";
    image.alt = words;
    image.addEventListener("error", () => image.replaceWith(make("span", "none", "the picture is missing")));
    image.src = pictureUrl(path);
    box.append(image);
  }
  return box;
}

/** A picture that leads to its file, or to the panel, with what it shows below. */
function linked(path, words, name, panel) {
  const box = make(path || panel ? "a" : "span", "map");
  if (path || panel) box.href = pictureUrl(path ?? panel);
  box.append(picture(path, `${words} on ${name}`), make("span", "words", words));
  return box;
}

function pictures(entry, name, panel) {
  const [, , first, other, mine, theirs] = entry;
  const [one, two] = data.pairs[form.elements.pair.value];
  const box = make("div", "maps");
  if (!mine && !theirs && panel) {
    box.append(linked(panel, "Panel of all maps", name));
    return box;
  }
  box.append(linked(mine, `${shown(one)}: ${figure(first)}`, name, panel));
  box.append(linked(theirs, `${shown(two)}: ${figure(other)}`, name, panel));
  return box;
}

const hasPicture = (entry) => Boolean(entry[4] || entry[5] || data.images[entry[0]][1]);

function item(entry, unit) {
  const [place, explained, first, other] = entry;
  const [key, panel] = data.images[place];
  const name = shown(key);
  const line = make("li");
  line.append(make("p", "key", name));
  if (hasPicture(entry)) line.append(pictures(entry, name, panel));
  const facts = make("p", "facts");
  const difference = figure(first - other);
  const values = `${figure(first)} against ${figure(other)}, a difference of ${difference}${unit === "%" ? " points" : unit && ` ${unit}`}`;
  facts.append([shown(explained), values].filter(Boolean).join(": "));
  if (panel) {
    const link = make("a", "", "panel");
    link.href = pictureUrl(panel);
    link.setAttribute("aria-label", `Panel of ${name}`);
    facts.append(" ", link);
  }
  line.append(facts);
  return line;
}

function fill(id, entries, unit, none) {
  const items = entries.length ? entries.map((entry) => item(entry, unit)) : [make("li", "quiet", none)];
  byId(id).replaceChildren(...items);
}

function showLists() {
  const [pair, metric] = [form.elements.pair.value, form.elements.metric.value];
  const [one, two, layer] = data.pairs[pair].map(shown);
  const [name, , unit] = data.metrics[metric];
  const [better, worse] = data.lists[pair][metric];
  byId("better-title").textContent = `Where ${one} is better, most first`;
  byId("worse-title").textContent = `Where ${one} is worse, most first`;
  byId("chosen").textContent = `${name}, ${one} against ${two} at ${layer}: ${better.length} and ${worse.length} images`
    + ([...better, ...worse].some(hasPicture) ? "" : "; the run wrote no pictures of them");
  fill("better", better, unit, "It is better on no image.");
  fill("worse", worse, unit, "It is worse on no image.");
}

/** On paper nothing can be opened. */
function openAll() {
  for (const details of document.querySelectorAll("details")) details.open = true;
}

addEventListener("beforeprint", openAll);
if (form) {
  form.addEventListener("change", showLists);
  form.addEventListener("submit", (event) => event.preventDefault());
  showLists();
}
