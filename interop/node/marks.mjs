// What JSON has no value for, as calls and answers write it: a date is { "$date": "2024-03-01T00:00:00.000Z" }, bytes are
// { "$bytes": BASE64 }.

const isObject = (value) => typeof value === "object" && value !== null;
const mapMembers = (value, each) =>
  Object.fromEntries(Object.entries(value).map(([name, member]) => [name, each(member)]));

export function mark(value) {
  if (value instanceof Date) return { $date: value.toISOString() };
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return value.map(mark);
  return isObject(value) ? mapMembers(value, mark) : value;
}

export function unmark(value) {
  if (Array.isArray(value)) return value.map(unmark);
  if (!isObject(value)) return value;
  if (typeof value.$date === "string") return new Date(value.$date);
  if (typeof value.$bytes === "string") return new Uint8Array(Buffer.from(value.$bytes, "base64"));
  return mapMembers(value, unmark);
}
