"use strict";
// Names become words, URLs and shell words; packed maps become numbers.
// In names, a byte that is not UTF-8 stands as a lone surrogate, U+DC80 to U+DCFF.

const byId = (id) => document.getElementById(id);

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function option(value, text) {
  const element = make("option", "", text);
  element.value = value;
  return element;
}

function rawByte(character) {
  const code = character.codePointAt(0);
  return code >= 0xdc80 && code <= 0xdcff ? code - 0xdc00 : null;
}

function bytesOf(character) {
  const byte = rawByte(character);
  return byte === null ? [...new TextEncoder().encode(character)] : [byte];
}

const hex = (byte) => byte.toString(16).padStart(2, "0");

/** A path as a relative URL; every byte that is not plain is escaped. */
function urlOf(path) {
  const escaped = (c) => bytesOf(c).map((byte) => "%" + hex(byte)).join("");
  return path.replace(/[^A-Za-z0-9._~/-]/gu, escaped);
}

/** A name on one line, with what can't be seen, or would turn the line around, spelled out. */
function shown(name) {
  const spelled = (c) => (rawByte(c) === null ? "\\u{" + c.codePointAt(0).toString(16) + "}" : "\\x" + hex(rawByte(c)));
  return name.replace(/[\p{Cc}\p{Cs}\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu, spelled);
}

/** A name as one word of a POSIX shell; of bash, where it has bytes that can't be typed. */
function shellWord(name) {
  if (/^[\w@%+=:,./-]+$/.test(name)) return name;
  if (!/[\p{Cc}\p{Cs}\p{Cf}\p{Zl}\p{Zp}]/u.test(name)) return "'" + name.replaceAll("'", "'\\''") + "'";
  const spelled = (c) => bytesOf(c).map((byte) => "\\x" + hex(byte)).join("");
  return "$'" + name.replace(/[\\']|[\p{Cc}\p{Cs}\p{Cf}\p{Zl}\p{Zp}]/gu, spelled) + "'";
}

/** The values of a packed map, row by row; null where the page has none. */
function unpacked(facts) {
  if (!facts || !facts.raw) return null;
  const bytes = Uint8Array.from(atob(facts.raw), (c) => c.charCodeAt(0));
  if (facts.peak === undefined) return new Float32Array(bytes.buffer);
  return Float64Array.from(new Uint16Array(bytes.buffer), (level) => facts.least + (level * (facts.peak - facts.least)) / 65535);
}

const short = (number) => (number === null || number === undefined ? "–" : String(Number(number.toPrecision(4))));
const percent = (share) => (share === null || share === undefined ? "–" : (100 * share).toFixed(1) + "\u00a0%");
const grouped = (count) => count.toLocaleString("en");
const oneClass = (idx, name) => name ?? (idx === null ? "no class" : `class ${idx}`);
const isContrast = (map) => map.against_idx !== null || map.against_name !== null;
const against = (map, words) => (isContrast(map) ? ` against ${words(map.against_idx, map.against_name)}` : "");
/** The class of a map; of a contrast both. */
const className = (map) => oneClass(map.class_idx, map.class_name) + against(map, oneClass);
const identity = (idx, name) => `${idx ?? ""} ${name ?? ""}`;
const classIdentity = (map) => identity(map.class_idx, map.class_name) + against(map, identity);

/** The value of a setting: text and numbers as they are, lists as YAML has them. */
const settingText = (value) => (typeof value === "string" ? shown(value) : JSON.stringify(value));

/** How a map was made: method, layer and settings, those of them that `wanted` takes. */
function making(map, wanted = () => true) {
  const settings = Object.entries(map.across ?? {}).map(([key, value]) => [key, `${key} ${settingText(value)}`]);
  const all = [["method", map.method], ["layer", map.layer], ...settings];
  return all.filter(([key, words]) => words && wanted(key)).map(([, words]) => words);
}
