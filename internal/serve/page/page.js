// The page: takes pictures, restores a few at a time, and offers the results for download.
import { listen, models, setToken } from './server.js';
import { Shot, save } from './shot.js';
import { distinct, zip } from './zip.js';

const $ = (id) => document.getElementById(id);
const shots = [];
const atOnce = 3; // requests: a browser has few connections, and the server computes one at a time
const largestZip = 2e9;
let limits = null;
let packing = false;

// Settings.

const query = () => Object.fromEntries(['model', 'tile', 'format'].map((name) => [name, $(name).value]).filter(([, value]) => value));

for (const name of ['model', 'tile', 'format']) {
  $(name).addEventListener('change', offerAgain);
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

function offerAgain() {
  $('again').hidden = !shots.some((shot) => shot.query && !same(shot.query, query()));
}

$('again').addEventListener('click', () => {
  for (const shot of shots.filter((s) => !same(s.query, query()))) {
    wait(shot);
  }
  advance();
});

$('strength-all').addEventListener('input', (e) => {
  $('strength-out').textContent = e.target.value + ' %';
  shots.forEach((shot) => shot.setStrength(e.target.value));
});

// Pictures.

function add(files) {
  $('nothing').textContent = '';
  for (const file of files) {
    const shot = new Shot(file, changed);
    shot.setStrength($('strength-all').value);
    shot.$('.remove').addEventListener('click', () => remove(shot));
    shot.$('.retry').addEventListener('click', () => { wait(shot); advance(); });
    shot.$('.enlarge').addEventListener('click', () => enlarge(shot));
    shots.push(shot);
    $('shots').append(shot.card);
    if (limits && file.size > limits.body_bytes) {
      shot.fail(new Error(`${file.name} has ${Math.ceil(file.size / 1e6)} MB; the server accepts at most ${Math.floor(limits.body_bytes / 1e6)} MB.`));
    } else {
      wait(shot);
    }
  }
  advance();
}

function wait(shot) {
  shot.stop();
  shot.query = null;
  shot.set('waiting');
  shot.say('Waiting to be sent', 0);
}

function remove(shot) {
  const next = shot.card.nextElementSibling || shot.card.previousElementSibling;
  shots.splice(shots.indexOf(shot), 1);
  shot.remove();
  changed();
  advance();
  (next ? next.querySelector('.remove') : $('choose')).focus();
}

$('clear').addEventListener('click', () => {
  shots.splice(0).forEach((shot) => shot.remove());
  changed();
  $('choose').focus();
});

// advance sends waiting pictures while there is room for more requests.
function advance() {
  let working = shots.filter((shot) => shot.state === 'working').length;
  for (const shot of shots) {
    if (shot.state === 'waiting' && limits && working < atOnce) {
      working++;
      shot.start(query());
    }
  }
}

function changed(shot) {
  const done = shots.filter((s) => s.state === 'done').length;
  const failed = shots.filter((s) => s.state === 'failed').length;
  document.body.classList.toggle('some', shots.length > 0);
  $('results').hidden = shots.length === 0;
  $('count').textContent = `${done} of ${shots.length} restored` + (failed ? `, ${failed} failed` : '');
  $('download-all').disabled = done === 0 || packing;
  offerAgain();
  if (shot && shot.error && shot.error.status === 401) {
    askForToken();
  }
  if (shot && (shot.state === 'done' || shot.state === 'failed')) {
    advance();
  }
}

$('download-all').addEventListener('click', async () => {
  const button = $('download-all');
  const text = button.textContent;
  button.disabled = packing = true;
  try {
    const done = shots.filter((shot) => shot.state === 'done');
    const names = distinct(done.map((shot) => shot.name()));
    let files = [];
    let size = 0;
    let volume = 0;
    const flush = async (last) => {
      if (files.length > 0) {
        save(await zip(files), last && volume === 0 ? 'restored.zip' : `restored-${++volume}.zip`);
      }
      files = [];
      size = 0;
    };
    for (const [i, shot] of done.entries()) {
      button.textContent = `Packing ${i + 1} of ${done.length}`;
      const blob = await shot.blob();
      if (size + blob.size > largestZip) {
        await flush(false);
      }
      files.push({ name: names[i], blob });
      size += blob.size;
    }
    await flush(true);
  } catch (e) {
    $('count').textContent = `The zip could not be made: ${e.message}`;
    if (e.status === 401) {
      askForToken();
    }
  } finally {
    button.textContent = text;
    packing = false;
    button.disabled = !shots.some((shot) => shot.state === 'done');
  }
});

// Drop, paste, choose.

const endings = $('choose').accept.split(',').filter((type) => type.startsWith('.'));
const isPicture = (name) => endings.some((ending) => name.toLowerCase().endsWith(ending));

// below lists the pictures in a dropped folder, but for hidden ones, as restore does. A
// dropped file is taken whatever its type.
async function below(entry, dropped) {
  if (entry.isFile) {
    return dropped || isPicture(entry.name) ? [await new Promise((resolve, reject) => entry.file(resolve, reject))] : [];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) { // readEntries returns only part of the list
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) {
      return found;
    }
    for (const e of entries.filter((entry) => !entry.name.startsWith('.'))) {
      found.push(...await below(e, false));
    }
  }
}

const hasFiles = (e) => e.dataTransfer && [...e.dataTransfer.types].includes('Files');

let depth = 0; // how many nested elements the pointer has entered
function drag(change) {
  depth = change === 0 ? 0 : Math.max(0, depth + change);
  document.body.classList.toggle('dragging', depth > 0);
  $('veil').hidden = depth === 0;
}

addEventListener('dragenter', (e) => hasFiles(e) && drag(1));
addEventListener('dragleave', (e) => hasFiles(e) && drag(-1));
addEventListener('dragover', (e) => hasFiles(e) && e.preventDefault());
addEventListener('drop', async (e) => {
  if (!hasFiles(e)) {
    return;
  }
  e.preventDefault();
  drag(0);
  const entries = [...e.dataTransfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry());
  const files = [...e.dataTransfer.files];
  if (entries.some((entry) => entry && entry.isDirectory)) {
    const found = [];
    let trouble = '';
    try {
      for (const entry of entries.filter(Boolean)) {
        found.push(...await below(entry, true));
      }
    } catch (error) {
      trouble = `The folder cannot be read: ${error.message}`;
    }
    if (!trouble && found.length === 0) {
      trouble = `There are no pictures in ${entries.filter(Boolean).map((entry) => entry.name).join(', ')}: their names end in ${endings.join(', ')}`;
    }
    add(found);
    $('nothing').textContent = trouble;
  } else {
    add(files);
  }
});

addEventListener('paste', (e) => {
  const files = [...e.clipboardData.files];
  if (files.length > 0) {
    e.preventDefault();
    add(files);
  }
});

$('choose').addEventListener('change', () => {
  add([...$('choose').files]);
  $('choose').value = ''; // so that the same file can be chosen again
});

// Full size.

const full = $('full');
const stage = full.querySelector('.stage');

function enlarge(shot) {
  const box = shot.$('.compare').cloneNode(true);
  box.querySelectorAll('input, button').forEach((e) => e.remove());
  stage.replaceChildren(box);
  $('full-title').textContent = shot.file.name;
  full.querySelector('.zoom').value = 'fit';
  full.querySelector('.divide input').value = shot.$('.compare input').value;
  full.showModal();
  magnify();
  stage.focus();
}

// magnify sets the size, and keeps what is in the middle there.
function magnify() {
  const box = stage.firstElementChild;
  const x = (stage.scrollLeft + stage.clientWidth / 2) / box.offsetWidth;
  const y = (stage.scrollTop + stage.clientHeight / 2) / box.offsetHeight;
  const { naturalWidth: w, naturalHeight: h } = box.querySelector('.after');
  const zoom = full.querySelector('.zoom').value;
  const scale = zoom === 'fit' ? Math.min(stage.clientWidth / w, stage.clientHeight / h) : zoom / devicePixelRatio;
  box.style.width = w * scale + 'px';
  box.style.height = h * scale + 'px';
  box.classList.toggle('squares', scale * devicePixelRatio >= 2);
  stage.scrollLeft = x * box.offsetWidth - stage.clientWidth / 2;
  stage.scrollTop = y * box.offsetHeight - stage.clientHeight / 2;
}

const divideFull = (percent) => {
  full.querySelector('.divide input').value = percent;
  stage.firstElementChild.style.setProperty('--at', percent + '%');
};
full.querySelector('.zoom').addEventListener('change', magnify);
full.querySelector('.divide input').addEventListener('input', (e) => divideFull(e.target.value));
full.querySelector('.close').addEventListener('click', () => full.close());
addEventListener('resize', () => full.open && magnify());

// Dragging near the line moves the line; elsewhere it moves the picture.
let held = null;
stage.addEventListener('pointerdown', (e) => {
  const line = stage.querySelector('.line').getBoundingClientRect();
  held = { line: Math.abs(e.clientX - line.left) < 24, x: e.clientX, y: e.clientY, left: stage.scrollLeft, top: stage.scrollTop };
  stage.setPointerCapture(e.pointerId);
  e.preventDefault();
  stage.focus();
});
stage.addEventListener('pointermove', (e) => {
  if (held && held.line) {
    const box = stage.firstElementChild.getBoundingClientRect();
    divideFull(Math.min(Math.max(100 * (e.clientX - box.left) / box.width, 0), 100));
  } else if (held) {
    stage.scrollLeft = held.left - (e.clientX - held.x);
    stage.scrollTop = held.top - (e.clientY - held.y);
  }
});
for (const end of ['pointerup', 'pointercancel']) {
  stage.addEventListener(end, () => { held = null; });
}

// Start: ask what the server offers, with a token if it needs one.

function askForToken(error) {
  $('token').hidden = false;
  $('token').querySelector('.bad').textContent = error || '';
  $('token-text').focus();
}

$('token').addEventListener('submit', (e) => {
  e.preventDefault();
  setToken($('token-text').value.trim());
  begin(true);
});

let listening = false;

async function begin(again) {
  let offer;
  try {
    offer = await models();
  } catch (e) {
    if (e.status === 401) {
      askForToken(again && 'That is not the token of this server.');
    } else {
      $('about').textContent = e.message;
      setTimeout(begin, 3000);
    }
    return;
  }
  $('token').hidden = true;
  limits = offer.limits;
  $('limit').textContent = `, up to ${Math.floor(limits.pixels / 1e6)} megapixels`;
  $('about').textContent = `clusir ${offer.version || ''} on ${offer.device}.`;
  $('model').replaceChildren(...offer.models.map((m) => new Option(m.name, m.name, m.default, m.default)));
  if (!listening) {
    listening = true;
    listen((event) => {
      const shot = shots.find((s) => s.id === event.picture);
      if (shot) {
        shot.onEvent(event);
      }
    });
  }
  for (const shot of shots.filter((s) => s.error && s.error.status === 401)) {
    shot.error = null;
    if (shot.state === 'failed') {
      wait(shot);
    } else {
      shot.unsaved('');
    }
  }
  advance();
}

begin();
