'use strict';

// Sliders: the range input lies over the pictures, invisible, and moves the line.
for (const shot of document.querySelectorAll('.shot')) {
  const compare = shot.querySelector('.compare');
  const range = shot.querySelector('input');
  const move = () => compare.style.setProperty('--at', range.value + '%');
  range.addEventListener('input', move);
  move(); // a browser may have kept the value of an earlier visit
  const swap = shot.querySelector('.swap');
  swap.addEventListener('click', () => {
    const clean = swap.getAttribute('aria-pressed') !== 'true';
    swap.setAttribute('aria-pressed', clean);
    shot.querySelector('.clean').hidden = !clean;
    shot.querySelector('.input').hidden = clean;
  });
}

// The table of images: sorting by a column, and a filter.
const table = document.getElementById('all');
const body = table.tBodies[0];
const rows = [...body.rows];
const words = new Intl.Collator('en', { numeric: true });

function compareBy(key, direction) {
  const text = key === 'name' || key === 'split';
  return (a, b) => {
    const x = a.dataset[key], y = b.dataset[key];
    if (x === undefined || y === undefined) { // what failed comes last either way
      return (x === undefined) - (y === undefined);
    }
    return direction * (text ? words.compare(x, y) : x - y);
  };
}

for (const button of table.tHead.querySelectorAll('button')) {
  button.addEventListener('click', () => {
    const head = button.closest('th');
    const key = button.dataset.by;
    // Names begin with the first, numbers with the largest.
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
