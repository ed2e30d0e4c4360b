'use strict';

// Sliders: an invisible range input on top of the pictures moves the line.
for (const shot of document.querySelectorAll('.shot')) {
  const compare = shot.querySelector('.compare');
  const range = shot.querySelector('input');
  const move = () => compare.style.setProperty('--at', range.value + '%');
  range.addEventListener('input', move);
  move(); // a browser may have kept the value of an earlier visit
  const swap = shot.querySelector('.swap');
  swap.addEventListener('click', () => showClean(shot, swap, swap.getAttribute('aria-pressed') !== 'true'));
  shot.querySelector('.enlarge').addEventListener('click', () => enlarge(shot));
  compare.addEventListener('dblclick', () => enlarge(shot));
}

// showClean shows the clean image or the input on the left.
function showClean(of, button, clean) {
  button.setAttribute('aria-pressed', clean);
  of.querySelector('.before.clean').hidden = !clean;
  of.querySelector('.before.input').hidden = clean;
  of.querySelector('.tag.left').textContent = clean ? 'clean' : document.body.dataset.before;
}

// Full size: one dialog for all pictures. Both sides are in one box, which is scrolled
// and enlarged, so that they show the same place.
const full = document.getElementById('full');
const stage = full && full.querySelector('.stage');
const large = full && full.querySelector('.compare');

function enlarge(shot) {
  large.querySelectorAll('img').forEach((img) => img.remove());
  for (const img of shot.querySelectorAll('img')) {
    large.insertBefore(img.cloneNode(), large.querySelector('.line'));
  }
  full.querySelector('b').replaceChildren(shot.querySelector('figcaption span').cloneNode(true), ', ' + shot.querySelector('.figures').textContent);
  showClean(full, full.querySelector('.swap'), shot.querySelector('.swap').getAttribute('aria-pressed') === 'true');
  full.querySelector('.zoom').value = 'fit';
  divide(shot.querySelector('input').value);
  full.showModal();
  magnify();
  stage.focus();
}

function divide(percent) {
  full.querySelector('.divide input').value = percent;
  large.style.setProperty('--at', percent + '%');
}

// magnify sets the size and keeps the middle of the view where it is.
function magnify() {
  const img = large.querySelector('.after');
  const x = (stage.scrollLeft + stage.clientWidth / 2) / (large.offsetWidth || 1);
  const y = (stage.scrollTop + stage.clientHeight / 2) / (large.offsetHeight || 1);
  const zoom = full.querySelector('.zoom').value;
  const w = img.naturalWidth, h = img.naturalHeight;
  const scale = zoom === 'fit' ? Math.min(stage.clientWidth / w, stage.clientHeight / h) : +zoom;
  large.style.width = w * scale + 'px';
  large.style.height = h * scale + 'px';
  large.classList.toggle('squares', scale >= 2);
  stage.scrollLeft = x * large.offsetWidth - stage.clientWidth / 2;
  stage.scrollTop = y * large.offsetHeight - stage.clientHeight / 2;
}

if (full) {
  full.querySelector('.zoom').addEventListener('input', magnify);
  full.querySelector('.divide input').addEventListener('input', (e) => divide(e.target.value));
  full.querySelector('.swap').addEventListener('click', (e) => showClean(full, e.target, e.target.getAttribute('aria-pressed') !== 'true'));
  window.addEventListener('resize', () => full.open && magnify());
  // Dragging near the line moves the line; elsewhere it moves the pictures.
  let drag = null;
  stage.addEventListener('pointerdown', (e) => {
    const near = Math.abs(e.clientX - large.querySelector('.line').getBoundingClientRect().left) < 20;
    drag = { line: near, x: e.clientX, y: e.clientY, left: stage.scrollLeft, top: stage.scrollTop };
    stage.setPointerCapture(e.pointerId);
    e.preventDefault();
    stage.focus();
  });
  stage.addEventListener('pointermove', (e) => {
    if (drag && drag.line) {
      const box = large.getBoundingClientRect();
      divide(Math.min(Math.max(100 * (e.clientX - box.left) / box.width, 0), 100));
    } else if (drag) {
      stage.scrollLeft = drag.left - (e.clientX - drag.x);
      stage.scrollTop = drag.top - (e.clientY - drag.y);
    }
  });
  for (const end of ['pointerup', 'pointercancel']) {
    stage.addEventListener(end, () => { drag = null; });
  }
  for (const button of document.querySelectorAll('.open')) {
    const row = button.closest('tr');
    row.classList.add('opens');
    row.addEventListener('click', () => enlarge(document.getElementById(button.dataset.shot)));
  }
}

// The table of images: sorting by column, and a filter.
const table = document.getElementById('all');
const body = table.tBodies[0];
const rows = [...body.rows];
const words = new Intl.Collator('en', { numeric: true });

function compareBy(key, direction) {
  const text = key === 'name' || key === 'split';
  return (a, b) => {
    const x = a.dataset[key], y = b.dataset[key];
    if (x === undefined || y === undefined) { // failed images come last in both directions
      return (x === undefined) - (y === undefined);
    }
    return direction * (text ? words.compare(x, y) : x - y);
  };
}

for (const button of table.tHead.querySelectorAll('button')) {
  button.addEventListener('click', () => {
    const head = button.closest('th');
    const key = button.dataset.by;
    // The first click sorts names ascending and numbers descending.
    const first = key === 'name' || key === 'split' ? 'ascending' : 'descending';
    const now = head.getAttribute('aria-sort');
    const next = now === 'none' ? first : now === 'ascending' ? 'descending' : 'ascending';
    for (const other of table.tHead.querySelectorAll('[aria-sort]')) {
      other.setAttribute('aria-sort', 'none');
    }
    head.setAttribute('aria-sort', next);
    rows.sort(compareBy(key, next === 'ascending' ? 1 : -1));
    body.append(...rows);
  });
}

const find = document.getElementById('find');
const only = document.getElementById('only');
const count = document.getElementById('count');

function filter() {
  const name = find.value.trim().toLowerCase();
  let shown = 0;
  for (const row of rows) {
    row.hidden = !row.dataset.name.toLowerCase().includes(name) || (only.value !== '' && row.dataset.split !== only.value);
    shown += !row.hidden;
  }
  count.textContent = shown + ' of ' + rows.length;
}

find.addEventListener('input', filter);
only.addEventListener('input', filter);
find.form.addEventListener('submit', (e) => e.preventDefault());
filter();
