// The form token belongs to a log-in: who has logged in again in another tab has a new one, and what this page sends with the old one
// is answered 400. The page takes the new one from its own address, unless somebody else reads it there now.
const named = (page, name) => page.querySelector(`meta[name=${name}]`)?.content;

export const readToken = () => named(document, 'csrf-token');

export async function renewToken() {
  let page;
  try {
    const answer = await fetch(location.href, { headers: { Accept: 'text/html' } });
    page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  } catch {
    return false; // no network: the next try
  }
  const fresh = named(page, 'csrf-token');
  if (!fresh || named(page, 'reader') !== named(document, 'reader')) return false;
  document.querySelector('meta[name=csrf-token]').content = fresh;
  for (const input of document.querySelectorAll('input[name=csrf_token]')) input.value = fresh;
  return true;
}
