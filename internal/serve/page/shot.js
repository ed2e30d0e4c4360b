// A picture on the page: its card, from the file to the result.
import { restore } from './server.js';

const template = document.getElementById('shot');
let count = 0;

const megabytes = (bytes) => bytes < 1e6 ? Math.ceil(bytes / 1e3) + ' kB' : (bytes / 1e6).toFixed(1) + ' MB';
const duration = (ms) => ms < 9950 ? (ms / 1000).toFixed(ms < 995 ? 2 : 1) + ' s' : Math.round(ms / 1000) + ' s';

// words lists the shares that stand out: "noise 0.7, rain 0.2". Nearly even ones say
// nothing, nor does "pairs", which is a kind of training data.
function words(shares) {
  const all = Object.entries(shares || {});
  const known = all.filter(([name, share]) => name !== 'pairs' && share * all.length >= 1.25).sort((a, b) => b[1] - a[1]).slice(0, 3);
  return known.map(([name, share]) => `${name} ${share.toFixed(2)}`).join(', ');
}

export class Shot {
  constructor(file, changed) {
    this.file = file;
    this.changed = changed;
    this.id = 's' + ++count;
    this.state = 'waiting';
    this.mixed = new Map(); // results by strength
    this.urls = [];
    this.card = template.content.firstElementChild.cloneNode(true);
    this.show();
  }

  $(selector) { return this.card.querySelector(selector); }

  show() {
    const name = this.file.name;
    this.$('h3').textContent = this.$('h3').title = name;
    this.$('h3').id = this.id;
    this.card.setAttribute('aria-labelledby', this.id);
    this.$('.remove').setAttribute('aria-label', `Remove ${name}`);
    this.$('.download').setAttribute('aria-label', `Download ${name}`);
    this.$('.enlarge').setAttribute('aria-label', `Show ${name} in full size`);
    this.$('.compare input').setAttribute('aria-label', `Before and after of ${name}, in percent`);
    this.$('progress').setAttribute('aria-label', `Progress of ${name}`);
    this.$('.compare input').addEventListener('input', (e) => this.divide(e.target.value));
    this.$('.strength input').addEventListener('input', (e) => this.setStrength(e.target.value));
    this.$('.download').addEventListener('click', () => this.download());
    const waiting = this.$('.waiting');
    waiting.onload = () => { waiting.hidden = this.state === 'done'; };
    this.original = waiting.src = this.url(this.file);
  }

  url(blob) {
    this.urls.push(URL.createObjectURL(blob));
    return this.urls.at(-1);
  }

  // start restores the picture from the beginning, with the given settings.
  async start(query) {
    this.stop();
    const control = this.control = new AbortController();
    this.query = query;
    this.mixed = new Map(); // an earlier download may still fill the old one
    this.error = null;
    this.unsaved('');
    this.set('working');
    this.say('Sending');
    try {
      const { report, blob } = await restore({
        file: this.file, query, id: this.id, signal: control.signal,
        busy: (seconds) => this.say(`The server is busy. Trying again in ${seconds} s`),
      });
      this.say('Showing');
      this.report = report;
      this.result = blob;
      this.visible = await this.view(control.signal).then(() => true, () => false);
      if (control === this.control) {
        this.set('done');
      }
    } catch (e) {
      if (control === this.control && !control.signal.aborted) {
        this.fail(e);
      }
    }
  }

  set(state) {
    this.state = state;
    const done = state === 'done';
    this.$('.compare').hidden = !done || !this.visible;
    this.$('.unseen').hidden = !done || this.visible;
    this.$('.wait').hidden = done || state === 'failed';
    this.$('.view > .bad').hidden = state !== 'failed';
    this.$('.retry').hidden = state !== 'failed' || !this.temporary();
    this.$('.strength').hidden = this.$('.download').hidden = state === 'failed';
    this.$('.download').disabled = !done;
    if (done) {
      this.describe();
    }
    this.changed(this);
  }

  fail(e) {
    this.error = e;
    this.$('.view > .bad').textContent = e.message;
    this.set('failed');
  }

  // temporary reports whether another attempt may succeed.
  temporary() {
    const { status } = this.error;
    return status === 0 || status === 401 || status === 408 || status >= 500;
  }

  say(text, share) {
    this.$('.state .text').textContent = text;
    const bar = this.$('progress');
    if (share === undefined) {
      bar.removeAttribute('value');
    } else {
      bar.value = share;
    }
  }

  // onEvent handles a progress event from the server.
  onEvent({ state, ahead, share }) {
    if (this.state !== 'working') {
      return;
    }
    if (state === 'waiting') {
      this.say(ahead ? `Waiting, ${ahead} ahead of it` : 'Waiting for its turn', 0);
    } else {
      this.say(`Restoring, ${Math.floor(100 * share)} %`, share);
    }
  }

  // view loads both sides. The server converts formats that the browser cannot show,
  // such as TIFF, to PNG without restoring again. What it cannot show even so, such as
  // pictures that are too large for it, can still be downloaded.
  async view(signal) {
    const shown = async (img, blob, strength) => {
      img.src = this.url(blob);
      try {
        await img.decode();
      } catch {
        const png = await restore({ file: this.file, restored: this.result, query: { format: 'png', strength }, signal });
        img.src = this.url(png.blob);
        await img.decode();
      }
    };
    await shown(this.$('.before'), this.file, 0);
    this.$('.base').src = this.$('.before').src;
    await shown(this.$('.after'), this.result, 1);
    const { width, height } = this.report;
    const box = this.$('.compare');
    box.style.aspectRatio = `${width} / ${height}`;
    // A tall picture is shown whole, and the enlargement of a small one is limited.
    box.style.setProperty('--width', Math.min(30 * 16 * width / height, Math.max(6 * width, 320)) + 'px');
    box.classList.toggle('squares', width < 160);
    const name = this.file.name;
    this.$('.before').alt = `${name}, before`;
    this.$('.after').alt = `${name}, restored`;
  }

  describe() {
    const r = this.report;
    const looks = words(r.resembles);
    this.$('.seen').textContent = looks && `Looks like ${looks}`;
    this.$('.facts').textContent = [
      `${r.width}×${r.height}`, r.pages > 1 ? `${r.pages} pages` : '', `${r.depth} bit ${r.format}`,
      `${megabytes(this.file.size)} → ${megabytes(this.result.size)}`, duration(r.compute_ms),
      r.tiles > 1 ? `${r.tiles} tiles` : '', r.model,
    ].filter(Boolean).join(' · ');
    const notes = r.notes || [];
    this.$('.notes').hidden = notes.length === 0;
    this.$('.notes summary').textContent = notes.length === 1 ? '1 note' : `${notes.length} notes`;
    this.$('.notes ul').replaceChildren(...notes.map((note) => Object.assign(document.createElement('li'), { textContent: note })));
  }

  divide(percent) {
    this.$('.compare input').value = percent;
    this.$('.compare').style.setProperty('--at', percent + '%');
  }

  setStrength(percent) {
    this.$('.strength input').value = percent;
    this.$('.strength output').textContent = percent + ' %';
    this.$('.compare').style.setProperty('--strength', percent / 100);
  }

  strength() { return this.$('.strength input').value / 100; }

  // name returns the name of the result's file.
  name() { return this.report.output; }

  // blob returns the result at the chosen strength. The server blends the original and
  // the result, which keeps metadata and other contents of the file.
  async blob() {
    const { mixed } = this;
    const strength = this.strength();
    if (strength === 1) {
      return this.result;
    }
    if (!mixed.has(strength)) {
      const { format } = this.query;
      const answer = await restore({ file: this.file, restored: this.result, query: { strength, ...(format && { format }) } });
      mixed.set(strength, answer.blob);
    }
    return mixed.get(strength);
  }

  async download() {
    const button = this.$('.download');
    button.disabled = true;
    this.unsaved('');
    try {
      save(await this.blob(), this.name());
    } catch (e) {
      this.error = e;
      this.unsaved(`The download failed: ${e.message}`);
      this.changed(this);
    } finally {
      button.disabled = this.state !== 'done';
    }
  }

  // unsaved says why a result, which stays, could not be downloaded.
  unsaved(text) {
    this.$('.unsaved').textContent = text;
    this.$('.unsaved').hidden = !text;
  }

  stop() {
    if (this.control) {
      this.control.abort();
      this.control = null;
    }
  }

  remove() {
    this.stop();
    this.urls.forEach((url) => URL.revokeObjectURL(url));
    this.card.remove();
  }
}

// save downloads a file through the browser.
export function save(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
