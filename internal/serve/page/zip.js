// Writes a zip of files that are already compressed: stored, with names in UTF-8.

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) {
    n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  }
  return n;
});

async function crc32(blob) {
  let crc = 0xffffffff;
  const reader = blob.stream().getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    for (const byte of piece.value) {
      crc = table[(crc ^ byte) & 0xff] ^ (crc >>> 8);
    }
  }
  return (crc ^ 0xffffffff) >>> 0;
}

// record packs numbers of 2 and 4 bytes, little endian.
function record(...fields) {
  const view = new DataView(new ArrayBuffer(fields.reduce((n, [size]) => n + size, 0)));
  let at = 0;
  for (const [size, value] of fields) {
    if (size === 2) {
      view.setUint16(at, value, true);
    } else {
      view.setUint32(at, value, true);
    }
    at += size;
  }
  return new Uint8Array(view.buffer);
}

const utf8 = 1 << 11;
const version = 20;

// zip packs [{ name, blob }], whose names differ. All of it is less than 4 GB: the
// caller sees to that.
export async function zip(files, now = new Date()) {
  const time = now.getHours() << 11 | now.getMinutes() << 5 | now.getSeconds() >> 1;
  const date = now.getFullYear() - 1980 << 9 | now.getMonth() + 1 << 5 | now.getDate();
  const parts = [];
  const directory = [];
  let offset = 0;
  let length = 0;
  for (const { name, blob } of files) {
    const bytes = new TextEncoder().encode(name);
    const common = [[2, version], [2, utf8], [2, 0], [2, time], [2, date], [4, await crc32(blob)], [4, blob.size], [4, blob.size], [2, bytes.length], [2, 0]];
    parts.push(record([4, 0x04034b50], ...common), bytes, blob);
    const entry = record([4, 0x02014b50], [2, version], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]);
    directory.push(entry, bytes);
    length += entry.length + bytes.length;
    offset += 30 + bytes.length + blob.size;
  }
  const end = record([4, 0x06054b50], [2, 0], [2, 0], [2, files.length], [2, files.length], [4, length], [4, offset], [2, 0]);
  return new Blob([...parts, ...directory, end], { type: 'application/zip' });
}

// distinct appends numbers to equal file names.
export function distinct(names) {
  const taken = new Set();
  return names.map((name) => {
    const dot = name.lastIndexOf('.') > 0 ? name.lastIndexOf('.') : name.length;
    let free = name;
    for (let n = 2; taken.has(free.toLowerCase()); n++) {
      free = `${name.slice(0, dot)} (${n})${name.slice(dot)}`;
    }
    taken.add(free.toLowerCase());
    return free;
  });
}
