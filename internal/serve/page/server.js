// The part of the server's API that the page uses.

const tokenKey = 'clusir-token';

// The address may hold a token after #token=; it is removed from there.
const given = new URLSearchParams(location.hash.slice(1)).get('token');
if (given) {
  sessionStorage.setItem(tokenKey, given);
  history.replaceState(null, '', location.pathname);
}

export const setToken = (token) => sessionStorage.setItem(tokenKey, token);

function headers(more) {
  const token = sessionStorage.getItem(tokenKey);
  return token ? { Authorization: 'Bearer ' + token, ...more } : { ...more };
}

// Failure is an error response, with the server's message.
export class Failure extends Error {
  constructor(message, status, retryAfter) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

const unreachable = 'The server cannot be reached. Is clusir serve still running?';

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: headers(options && options.headers) });
  } catch (e) {
    throw e.name === 'AbortError' ? e : new Failure(unreachable, 0);
  }
  if (answer.ok) {
    return answer;
  }
  const text = await answer.text();
  let message = text;
  try {
    message = JSON.parse(text).error;
  } catch { /* the response is a proxy's: show it unchanged */ }
  throw new Failure(message || answer.statusText, answer.status, +answer.headers.get('Retry-After'));
}

export const models = async () => (await ask('v1/models')).json();

// This page's name among those listening for progress.
const page = Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, '0')).join('');

const sleep = (seconds, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, 1000 * seconds);
  signal.addEventListener('abort', () => { clearTimeout(timer); reject(signal.reason); });
});

// restore sends a picture and returns its result and report. If the queue is full, it
// retries after the time the server gives, as often as needed.
export async function restore({ file, restored, query, id, signal, busy }) {
  const form = new FormData();
  form.append('picture', file, file.name);
  if (restored) {
    form.append('restored', restored, 'restored');
  }
  for (;;) {
    try {
      const answer = await ask('v1/restore?' + new URLSearchParams(query), {
        method: 'POST', body: form, signal, headers: id ? { 'Clusir-Progress': page + '/' + id } : {},
      });
      const report = JSON.parse(answer.headers.get('Clusir-Report'));
      return { report, blob: await answer.blob() };
    } catch (e) {
      if (e.name === 'TypeError') {
        throw new Failure(unreachable, 0);
      }
      if (e.status !== 429) {
        throw e;
      }
      const seconds = Math.max(1, e.retryAfter || 1);
      if (busy) {
        busy(seconds);
      }
      await sleep(seconds, signal || new AbortController().signal);
    }
  }
}

// listen calls tell with each event of this page's pictures, as long as the page is open.
export async function listen(tell) {
  for (;;) {
    try {
      const answer = await ask('v1/progress/' + page);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      for (;;) {
        const { value, done } = await reader.read();
        if (done) {
          break;
        }
        const events = (text + value).split('\n\n');
        text = events.pop();
        for (const event of events) {
          if (event.startsWith('data: ')) {
            tell(JSON.parse(event.slice('data: '.length)));
          }
        }
      }
    } catch { /* pictures are restored even without progress events */ }
    await new Promise((resolve) => setTimeout(resolve, 3000));
  }
}
