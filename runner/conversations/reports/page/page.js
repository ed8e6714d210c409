(() => {
  "use strict";
  const cases = [...document.querySelectorAll("details.case")];
  const texts = new Map(cases.map((each) => [each, each.textContent.toLowerCase()]));
  const search = document.querySelector("input[type=search]");
  const buttons = [...document.querySelectorAll("button[data-show]")];
  let wanted = "all";

  function show() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const each of cases) {
      const fits = (wanted === "all" || each.dataset.outcome === wanted) && words.every((word) => texts.get(each).includes(word));
      each.hidden = !fits;
      shown += fits;
    }
    for (const section of document.querySelectorAll("section")) section.hidden = !section.querySelector("details.case:not([hidden])");
    document.querySelector(".nothing").hidden = shown > 0;
  }

  for (const button of buttons) {
    button.addEventListener("click", () => {
      wanted = button.dataset.show;
      for (const each of buttons) each.setAttribute("aria-pressed", String(each === button));
      show();
    });
  }
  for (const button of document.querySelectorAll("button.fold")) {
    button.addEventListener("click", () => {
      for (const each of cases) if (!each.hidden) each.open = button.dataset.open === "true";
    });
  }
  search.addEventListener("input", show);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && event.target !== search && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && event.target === search) {
      search.value = "";
      show();
    }
  });
  const named = location.hash && document.getElementById(location.hash.slice(1));
  if (named) named.open = true;
  document.querySelector(".tools").hidden = false;
})();
