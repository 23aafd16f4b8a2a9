// Saves a figure as it is shown: the drawing with the colours of its theme, or the table behind it.
const inherited = ['fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-dasharray', 'stroke-opacity', 'opacity', 'font-family', 'font-size', 'font-weight', 'text-anchor', 'dominant-baseline', 'display'];

function drawing(figure) {
  const source = figure.querySelector('svg');
  const copy = source.cloneNode(true);
  const box = source.getBoundingClientRect();
  const from = [source, ...source.querySelectorAll('*')];
  [copy, ...copy.querySelectorAll('*')].forEach((element, i) => {
    const style = getComputedStyle(from[i]);
    for (const name of inherited) element.style.setProperty(name, style.getPropertyValue(name));
    element.removeAttribute('class');
  });
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('width', Math.round(box.width));
  copy.setAttribute('height', Math.round(box.height));
  copy.style.setProperty('background', getComputedStyle(document.body).backgroundColor);
  return { text: new XMLSerializer().serializeToString(copy), width: box.width, height: box.height, ground: getComputedStyle(document.body).backgroundColor };
}

// Columns that are only there to act are left out, and where the chosen rows are asked for, the others.
function table(figure, onlyChosen) {
  const quote = text => /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  // What a spreadsheet would take for a formula is text; minus signs of numbers are plain ones.
  const cell = element => {
    const raw = (element.dataset.value ?? element.innerText).replaceAll('\u2212', '-').replaceAll('\u00a0', ' ').replace(/\s*\n\s*/g, ' ').trim();
    return quote(/^[=@\t\r]|^[+-](?![\d.,]+\s?%?$)/.test(raw) ? `'${raw}` : raw);
  };
  const rows = [...figure.querySelector('table').rows].filter(row => !onlyChosen || row.dataset.chosen || row.parentElement.tagName === 'THEAD');
  return rows.map(row => [...row.cells].filter(element => !('figureSkip' in element.dataset)).map(cell).join(',')).join('\r\n') + '\r\n';
}

function save(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function picture({ text, width, height, ground }) {
  const image = new Image();
  image.src = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(text);
  await image.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [2 * width, 2 * height];
  const context = canvas.getContext('2d');
  context.fillStyle = ground;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise(done => canvas.toBlob(done, 'image/png'));
}

document.addEventListener('click', async event => {
  const button = event.target.closest('[data-figure-save]');
  const kind = button?.dataset.figureSave;
  if (!kind) return;
  const figure = event.target.closest('[data-figure]');
  const name = `${figure.dataset.figure}.${kind}`;
  if (kind === 'csv') save(new Blob([table(figure, 'figureChosen' in button.dataset)], { type: 'text/csv;charset=utf-8' }), name);
  else if (kind === 'svg') save(new Blob([drawing(figure).text], { type: 'image/svg+xml' }), name);
  else save(await picture(drawing(figure)), name);
});
