"use strict";
const search = document.getElementById("search");
const nothing = document.getElementById("nothing");
const sections = [...document.querySelectorAll("section")].map((section) => ({
  section,
  link: [...document.querySelectorAll("nav a")].find((link) => link.getAttribute("href") === "#" + section.id),
  articles: [...section.querySelectorAll("article")].map((article) => {
    const shown = [...article.children].filter((part) => part.tagName !== "DETAILS");
    return { article, text: shown.map((part) => part.textContent).join(" ").toLowerCase() };
  }),
}));

// Shows the entries in which every word of the search stands.
function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const { section, link, articles } of sections) {
    let here = 0;
    for (const { article, text } of articles) {
      article.hidden = !words.every((word) => text.includes(word));
      here += article.hidden ? 0 : 1;
    }
    section.hidden = here === 0 && words.length > 0;
    if (link) link.hidden = section.hidden;
    found += here;
  }
  nothing.hidden = found > 0 || words.length === 0;
}

search.addEventListener("input", filter);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "Escape" && document.activeElement === search) {
    search.value = "";
    filter();
    search.blur();
  }
});
// A link to an entry that the search hides shows it.
window.addEventListener("hashchange", () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.closest("[hidden]")) {
    search.value = "";
    filter();
    target.scrollIntoView();
  }
});
filter();
