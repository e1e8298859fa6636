// The address line: filters, order, page, and the open image, so that a link leads to a finding.

/** A control's value when nothing is chosen. */
const plainValue = (control) => (control.matches("select") ? control.options[0].value : "");
const controls = () => [...filters.elements].filter(({ name }) => name);
let isReading = false;

/** Gives controls their values by name, and all others none. */
function setFilters(values) {
  for (const control of controls()) {
    control.value = values[control.name] || plainValue(control);
    if (control.selectedIndex < 0) control.value = plainValue(control);
  }
}

function writeAddress() {
  if (isReading) return;
  const parts = controls().filter((one) => one.value !== plainValue(one)).map(({ name, value }) => [name, value]);
  if (page) parts.push(["page", page + 1]);
  if (view.open) {
    parts.push(["open", now.image.row.key]);
    if (now.image.row.maps.length > 1) parts.push(["map", now.number === PANEL ? "panel" : now.number + 1]);
    if (besideWish !== null) parts.push(["beside", besideWish === "" || besideWish === ERROR ? besideWish : Number(besideWish) + 1]);
  }
  const address = `#${parts.map(([name, value]) => `${urlOf(name)}=${urlOf(String(value))}`).join("&")}`;
  if (address !== (location.hash || "#")) history.replaceState(null, "", address);
}

/** Shows what the address names; names that this run does not have are passed over. */
function readAddress() {
  const parts = new Map(location.hash.slice(1).split("&").map((part) => part.split("=")).filter(([, value]) => value !== undefined));
  isReading = true;
  try {
    setFilters(Object.fromEntries(controls().map((control) => [control.name, valueOf(control, parts.get(urlOf(control.name)))])));
    applyFilters(Math.max(0, (Number(parts.get("page")) || 1) - 1));
    openNamed(parts);
  } finally {
    isReading = false;
  }
  writeAddress();
}

/** The value that stands in an address, as a control has it. */
function valueOf(control, escaped) {
  if (!escaped) return "";
  if (control.matches("select")) return [...control.options].find(({ value }) => urlOf(value) === escaped)?.value ?? "";
  try {
    return decodeURIComponent(escaped);
  } catch {
    return ""; // no text that was ever typed
  }
}

function openNamed(parts) {
  const wanted = parts.get("open");
  const place = wanted === undefined ? -1 : found.findIndex(([{ row }]) => urlOf(row.key) === wanted);
  if (place < 0) {
    if (view.open) view.close();
    return;
  }
  const beside = parts.get("beside");
  if (beside !== undefined) besideWish = /^\d+$/.test(beside) ? String(beside - 1) : beside;
  openView(place);
  const number = parts.get("map") === "panel" ? PANEL : Number(parts.get("map")) - 1;
  if (mapNumbers(now.image.row).includes(number)) showMap(number);
}
