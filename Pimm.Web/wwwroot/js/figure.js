// Saves a figure as it is shown: the drawing with the colours of its theme, or the table behind it; and the tables of a page.
const inherited = ['fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-dasharray', 'stroke-opacity', 'opacity', 'font-family', 'font-size', 'font-weight', 'text-anchor', 'dominant-baseline', 'display'];

const svg = 'http://www.w3.org/2000/svg';

// A copy with the looks of its theme written into it.
function styled(source) {
  const copy = source.cloneNode(true);
  const from = [source, ...source.querySelectorAll('*')];
  [copy, ...copy.querySelectorAll('*')].forEach((element, i) => {
    const style = getComputedStyle(from[i]);
    for (const name of inherited) element.style.setProperty(name, style.getPropertyValue(name));
    element.removeAttribute('class');
  });
  return copy;
}

function single(figure) {
  const source = figure.querySelector('svg');
  const { width, height } = source.getBoundingClientRect();
  return { sheet: styled(source), width, height };
}

// A table whose rows are drawn: each row's drawing below its name and its number.
function stacked(figure) {
  const [width, line] = [560, 24];
  const sheet = document.createElementNS(svg, 'svg');
  let height = 0;
  for (const row of figure.querySelectorAll('[data-figure-row]')) {
    const style = getComputedStyle(row);
    for (const [text, x, anchor] of [[row.dataset.figureRow, 0, 'start'], [row.dataset.figureSays, width, 'end']]) {
      if (!text) continue;
      const words = sheet.appendChild(document.createElementNS(svg, 'text'));
      words.textContent = text;
      words.setAttribute('x', x);
      words.setAttribute('y', height + 17);
      words.setAttribute('style', `text-anchor:${anchor};font-family:${style.fontFamily};font-size:14px;fill:${style.color}`);
    }
    height += row.dataset.figureRow ? line : 0;
    const drawn = [...row.querySelectorAll('svg')];
    const box = drawn.at(-1).viewBox.baseVal;
    const high = box.height * width / box.width;
    for (const source of drawn) {
      const part = sheet.appendChild(styled(source));
      for (const [name, value] of Object.entries({ x: 0, y: height, width, height: high })) part.setAttribute(name, value);
    }
    height += high;
  }
  sheet.setAttribute('viewBox', `0 0 ${width} ${height}`);
  return { sheet, width, height };
}

function drawing(figure) {
  const ground = getComputedStyle(document.body).backgroundColor;
  const { sheet, width, height } = 'figureDrawn' in figure.dataset ? stacked(figure) : single(figure);
  sheet.setAttribute('xmlns', svg);
  sheet.setAttribute('width', Math.round(width));
  sheet.setAttribute('height', Math.round(height));
  sheet.style.setProperty('background', ground);
  return { text: new XMLSerializer().serializeToString(sheet), width, height, ground };
}

// What a spreadsheet would take for a formula is text; minus signs of numbers are plain ones.
function cellOf(text) {
  const raw = text.replaceAll('\u2212', '-').replaceAll('\u00a0', ' ').replace(/\s*\n\s*/g, ' ').trim();
  const safe = /^[=@\t\r]|^[+-](?![\d.,]+\s?%?$)/.test(raw) ? `'${raw}` : raw;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

// Columns that are only there to act are left out, and where the chosen rows are asked for, the others.
function lines(table, onlyChosen) {
  // A cell that spans rows or columns stands in each of them.
  const rows = [...table.rows].filter(row => !onlyChosen || row.dataset.chosen || row.parentElement.tagName === 'THEAD');
  const grid = [];
  rows.forEach((row, y) => {
    for (const element of row.cells) {
      if ('figureSkip' in element.dataset) continue;
      let x = 0;
      while (grid[y]?.[x] !== undefined) x++;
      for (let down = 0; down < element.rowSpan; down++)
        for (let across = 0; across < element.colSpan; across++) (grid[y + down] ??= [])[x + across] = cellOf(element.dataset.value ?? element.innerText);
    }
  });
  return grid.filter(line => line).map(line => line.join(',')).join('\r\n') + '\r\n';
}

// Every table of the page in one file, each below its name.
function tables() {
  const all = [...document.querySelectorAll('main table')].filter(table => !table.closest('dialog'));
  return all.map(table => (all.length > 1 && table.ariaLabel ? `${cellOf(table.ariaLabel)}\r\n` : '') + lines(table)).join('\r\n');
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
  if (event.target.closest('[data-tables-save]')) {
    const name = location.pathname.split('/').filter(part => part).join('-') || 'home';
    return save(new Blob([tables()], { type: 'text/csv;charset=utf-8' }), `${name}.csv`);
  }
  const button = event.target.closest('[data-figure-save]');
  const kind = button?.dataset.figureSave;
  if (!kind) return;
  const figure = event.target.closest('[data-figure]');
  const name = `${figure.dataset.figure}.${kind}`;
  if (kind === 'csv') save(new Blob([lines(figure.querySelector('table'), 'figureChosen' in button.dataset)], { type: 'text/csv;charset=utf-8' }), name);
  else if (kind === 'svg') save(new Blob([drawing(figure).text], { type: 'image/svg+xml' }), name);
  else save(await picture(drawing(figure)), name);
});
