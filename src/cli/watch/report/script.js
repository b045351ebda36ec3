for (const chart of document.querySelectorAll(".chart[data-x]")) {
  const x = JSON.parse(chart.dataset.x), series = JSON.parse(chart.dataset.y);
  const at = JSON.parse(chart.dataset.at), svg = chart.querySelector("svg");
  const cursor = chart.querySelector(".cursor"), name = chart.querySelector(".legend .x");
  const values = chart.querySelectorAll(".legend b"), last = [...values].map((v) => v.textContent);
  const first = name.textContent;
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const here = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
    let near = 0;
    at.forEach((place, i) => { if (Math.abs(place - here) < Math.abs(at[near] - here)) near = i; });
    cursor.setAttribute("x1", at[near]);
    cursor.setAttribute("x2", at[near]);
    cursor.style.visibility = "visible";
    name.textContent = chart.dataset.name + " " + x[near];
    values.forEach((value, i) => { value.textContent = series[i][near]; });
  });
  svg.addEventListener("pointerleave", () => {
    cursor.style.visibility = "hidden";
    name.textContent = first;
    values.forEach((value, i) => { value.textContent = last[i]; });
  });
}
