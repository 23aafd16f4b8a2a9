// Switches light and dark at once and remembers it in a cookie, which the server reads before the next first paint.
const media = { light: { light: 'all', dark: 'not all' }, dark: { light: 'print', dark: 'screen' } };

function shown() {
  const chosen = document.documentElement.dataset.theme;
  return chosen === 'auto' ? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light') : chosen;
}

function choose(theme) {
  document.documentElement.dataset.theme = theme;
  for (const link of document.querySelectorAll('[data-theme-link]')) link.media = media[theme][link.dataset.themeLink];
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  document.cookie = `pimm-theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}

document.addEventListener('click', event => {
  if (event.target.closest('[data-theme-toggle]')) choose(shown() === 'dark' ? 'light' : 'dark');
  if (event.target.closest('[data-print]')) print();
});

// Paper cannot be opened: what is folded is printed, and folded again.
addEventListener('beforeprint', () => document.querySelectorAll('details.fold:not([open])').forEach(fold => { fold.open = fold.dataset.printed = true; }));
addEventListener('afterprint', () => document.querySelectorAll('details.fold[data-printed]').forEach(fold => { fold.open = false; delete fold.dataset.printed; }));
