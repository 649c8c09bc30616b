/** What the contenders compress: 16 KiB of JSON, like a page of a list. */
const rows = Array.from({ length: 200 }, (_, i) => ({
  id: 1000 + ((i * 7919) % 9973),
  name: `Some One ${(i * 31) % 977}`,
  email: `someone${i}@example.com`,
  active: i % 2 === 0,
}));
const document = { page: 1, rows, note: "" };
document.note = "n".repeat(16_384 - JSON.stringify(document).length);

export const document16 = JSON.stringify(document);
