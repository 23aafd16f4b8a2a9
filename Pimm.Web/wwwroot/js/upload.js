// Sends a chosen file as the plain body of one request: progress, rate, cancel, and the server's own sentence when it refuses.
const form = document.querySelector('[data-upload]');
if (form) begin(form);

function begin(form) {
  const file = form.querySelector('input[type=file]');
  const zone = form.querySelector('[data-drop]');
  const bar = form.querySelector('progress');
  const says = form.querySelector('[data-says]');
  const refusal = form.querySelector('[data-refusal]');
  const cancel = form.querySelector('[data-cancel]');
  const most = Number(form.dataset.most);
  const words = JSON.parse(form.dataset.words);
  const say = (name, ...values) => words[name].replace(/\{(\d)\}/g, (_, place) => values[place]);
  let request = null;

  form.addEventListener('submit', event => event.preventDefault());
  file.addEventListener('change', () => file.files.length && send(file.files[0]));
  cancel.addEventListener('click', () => request?.abort());
  for (const name of ['dragover', 'dragenter', 'dragleave', 'drop']) {
    zone.addEventListener(name, event => {
      event.preventDefault();
      zone.classList.toggle('over', (name === 'dragover' || name === 'dragenter') && !request);
      if (name === 'drop' && !request && event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
    });
  }
  addEventListener('beforeunload', event => request && event.preventDefault());
  // Chosen before this script was there; a file that the browser itself put back stays where it is.
  if (file.files.length && performance.getEntriesByType('navigation')[0]?.type === 'navigate') send(file.files[0]);

  function send(chosen) {
    if (chosen.size === 0) return refuse(say('empty', chosen.name));
    if (chosen.size > most) return refuse(say('large', chosen.name, size(chosen.size), size(most)));
    request = new XMLHttpRequest();
    const begun = performance.now();
    show(true, `${chosen.name}, ${size(chosen.size)}`);
    request.upload.addEventListener('progress', event => {
      const seconds = (performance.now() - begun) / 1000;
      const share = event.loaded / chosen.size;
      bar.value = share;
      says.textContent = share < 1
        ? say('under-way', chosen.name, Math.floor(100 * share), size(chosen.size), (event.loaded / 1e6 / Math.max(seconds, 0.1)).toFixed(1))
        : say('arrived', chosen.name);
    });
    request.addEventListener('load', () => answered(request, chosen.name));
    request.addEventListener('error', () => refuse(say('broken', chosen.name)));
    request.addEventListener('abort', () => refuse(say('stopped', chosen.name)));
    const address = new URL(form.action);
    address.searchParams.set('name', chosen.name);
    request.open('POST', address);
    request.setRequestHeader('RequestVerificationToken', form.querySelector('[name=__RequestVerificationToken]').value);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.send(chosen);
  }

  function answered(answer, name) {
    let body = {};
    try { body = JSON.parse(answer.responseText); } catch { /* not ours: a proxy's page */ }
    if (answer.status === 201 && body.detection) {
      request = null;
      says.textContent = say('taken', name);
      return location.assign(form.dataset.next.replace('0', body.uploadId));
    }
    refuse(body.refusal ?? body.detail ?? say('refused', answer.status));
  }

  function refuse(sentence) {
    request = null;
    show(false, '');
    refusal.textContent = sentence;
    refusal.hidden = false;
    file.value = '';
  }

  function show(sending, text) {
    refusal.hidden = true;
    bar.hidden = cancel.hidden = !sending;
    bar.value = 0;
    says.textContent = text;
    zone.hidden = sending;
  }
}

function size(bytes) {
  const units = ['B', 'kB', 'MB', 'GB'];
  let unit = 0;
  while (bytes >= 1000 && unit < 3) { bytes /= 1000; unit++; }
  return `${unit === 0 ? bytes : bytes.toFixed(1)} ${units[unit]}`;
}
